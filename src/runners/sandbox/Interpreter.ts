// What a level of the sandbox is made of: backends start interpreters, each with one session's state in it. Below the port and below Effect,
// because a tiny cell takes 100 microseconds; Sandbox.ts makes sessions of them, with queue, replay, limits on cells and metrics.
import type { LevelFacts } from "../../actors/CodeSandbox.ts"
import type { CellStatus, KillCause, SandboxLevel, SandboxLimits } from "../../domain/Sandbox.ts"

export interface Cell {
  readonly code: string
  readonly wallMillis: number
  readonly graceMillis: number
  readonly outputBytes: number
}

/** What an interpreter says of a cell; everything in it was checked and cut by the parent, whatever the child sent. */
export interface CellReply {
  readonly status: CellStatus
  readonly stdout: string
  readonly stderr: string
  readonly value: string | null
  readonly truncated: boolean
  readonly millis: number
  readonly cause: KillCause | null
  /** The interpreter is gone. */
  readonly stateLost: boolean
}

export interface Interpreter {
  /**
   * Runs one cell; the promise never rejects and settles at most `wallMillis + graceMillis` and a little after the call, whatever the code
   * does: the backend kills what does not answer. At most one cell at a time.
   */
  readonly exec: (cell: Cell) => Promise<CellReply>
  readonly alive: () => boolean
  /** Called once when it ends outside of a cell (somebody killed it, its parent died). */
  readonly onLost: (tell: (cause: KillCause) => void) => void
  /** Ends it with all it started; resolves when nothing of it is left: processes, files, sockets. Again: does nothing. */
  readonly end: () => Promise<void>
}

export interface StartOptions {
  readonly tenant: string
  readonly seed: number
  readonly limits: SandboxLimits
  /** Aborted: the start is called off, and nothing of it is left. */
  readonly signal: AbortSignal
}

/** Why an interpreter could not be started; its message is a sentence for the caller. */
export class StartFailed extends Error {}

export interface Backend {
  readonly level: SandboxLevel
  readonly facts: LevelFacts
  readonly python: string
  /** The version that it imports; null: none, or one that does not run at this level. */
  readonly sympy: string | null
  readonly numpy: string | null
  /** Rejects with StartFailed, within `startMillis` of the backend's options once what is built on each machine is there. */
  readonly start: (options: StartOptions) => Promise<Interpreter>
  /** Makes the next start quick; never rejects, and may do nothing. */
  readonly warm: (tenant?: string) => Promise<void>
  /** Interpreters and helper processes that live now. */
  readonly processes: () => number
  /** Ends everything; resolves when nothing is left. */
  readonly close: () => Promise<void>
}

/** The SymPy that all levels use: a folder to put on `sys.path`, with `sympy/` and `mpmath/` in it. */
export interface SymPy {
  readonly folder: string
  readonly version: string
  readonly origin: "named" | "cache" | "system"
  /** False: a user without rights (nobody) cannot read it, as where it is under /root. */
  readonly readableByAll: boolean
}

export interface Python {
  /** The program itself, not a wrapper that looks for it. */
  readonly path: string
  readonly version: string
  readonly prefix: string
  /** Where its standard library is; other than `prefix` in a virtual environment. */
  readonly basePrefix: string
  /** Folders of its installed packages that are there. */
  readonly purelib: ReadonlyArray<string>
  /** False: a user without rights (nobody) cannot run it, as where it is under /root. */
  readonly readableByAll: boolean
}

/** What the host has to build levels of. */
export interface Tools {
  /** `x64` or `arm64`; anything else has no native level. */
  readonly arch: string
  /** A CPython of at least 3.9; null: none was found, and `pythonMissing` says why and what to do. */
  readonly python: Python | null
  readonly pythonMissing: string | null
  readonly bwrap: string | null
  readonly unshare: string | null
  readonly setpriv: string | null
}

/** A level that cannot be had: `detail` says why and what to do. */
export interface NotOffered {
  readonly level: SandboxLevel
  readonly detail: string
}

/** How a backend is made; each native level and the embedded one has a maker of this shape. */
export interface BackendOptions {
  readonly tools: Tools
  readonly sympy: SymPy | null
  /** Folder for what may be built again at any time: snapshots, packages. Made with mode 755 if it is not there: nothing in it is secret. */
  readonly cacheDir: string
  /** Interpreters at once, at most; Sandbox.ts asks for no more. */
  readonly sessions: number
  /** Interpreters kept ready beyond those in use. */
  readonly spares: number
  /** Tenants with processes of their own at once, at most; the least recently used idle one makes room. */
  readonly tenants: number
  /** A start that takes longer has failed. */
  readonly startMillis: number
}
export type MakeBackend = (options: BackendOptions) => Promise<Backend | NotOffered>
