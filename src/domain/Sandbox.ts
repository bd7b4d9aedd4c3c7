// What is said about running untrusted Python: levels of isolation, limits, what a cell came to, and the refusals. The port is in
// actors/CodeSandbox.ts; docs/sandbox.md tells what each level promises.
import { Schema } from "effect"

/**
 * How strongly code is shut in, weakest first. There is no level without a boundary.
 *
 * - `embedded`: CPython in WebAssembly in a locked-down child process; in namespaces of its own where the host allows them.
 * - `native-lsm`: a native interpreter under Landlock and seccomp, without namespaces.
 * - `native-strict`: the same inside of bubblewrap: namespaces and a file system of its own.
 */
export const SandboxLevel = Schema.Literals(["embedded", "native-lsm", "native-strict"])
export type SandboxLevel = typeof SandboxLevel.Type
/** Weakest first. */
export const sandboxLevels: ReadonlyArray<SandboxLevel> = ["embedded", "native-lsm", "native-strict"]
export const isAtLeast = (level: SandboxLevel, least: SandboxLevel): boolean =>
  sandboxLevels.indexOf(level) >= sandboxLevels.indexOf(least)

/**
 * What became of a cell.
 *
 * - `ok`: it ran to its end. `error`: it raised; the traceback is in `stderr`. Both keep the state.
 * - `timeout`: it was interrupted at its wall limit; what it had done so far is kept.
 * - `exited`: the program ended itself. `sys.exit` keeps the state, a harder end (`os._exit`) loses it.
 * - `killed`: it was ended from outside, for `cause`; the state is lost.
 */
export const CellStatus = Schema.Literals(["ok", "error", "timeout", "killed", "exited"])
export type CellStatus = typeof CellStatus.Type

/**
 * Why a cell was `killed`: it did not stop at its wall limit (`wall`), used up its processor time (`cpu`), its memory (`memory`) or its
 * disk (`disk`), broke its interpreter (`crash`) or the protocol (`protocol`), or its interpreter was ended by somebody else (`host`).
 */
export const KillCause = Schema.Literals(["wall", "cpu", "memory", "disk", "crash", "protocol", "host"])
export type KillCause = typeof KillCause.Type

/** What a cell came to. Texts are at most `outputBytes` of UTF-8 each, cut while the cell ran. */
export const CellResult = Schema.Struct({
  /** Number of the cell in its session, from 1. */
  cell: Schema.Int,
  status: CellStatus,
  stdout: Schema.String,
  stderr: Schema.String,
  /** The last expression's value as a notebook shows it; null: there was none, or it was None. */
  value: Schema.NullOr(Schema.String),
  /** Some text was cut at its limit. */
  truncated: Schema.Boolean,
  /** Wall time of the cell, in milliseconds. */
  millis: Schema.Finite,
  /** Why it was killed; null unless `status` is `killed`. */
  cause: Schema.NullOr(KillCause),
  /** The session's variables and files are gone: replay its cells, start it afresh or open another. */
  stateLost: Schema.Boolean,
  level: SandboxLevel
})
export type CellResult = typeof CellResult.Type

/** Limits of a session. */
export interface SandboxLimits {
  /** A cell is interrupted after so many milliseconds. */
  readonly wallMillis: number
  /** A cell that does not stop when interrupted is killed after so many milliseconds more. */
  readonly graceMillis: number
  /** Processor time of the whole session, in milliseconds; rounded up to seconds by the kernel. */
  readonly cpuMillis: number
  /** Memory of a session. */
  readonly memoryBytes: number
  /** UTF-8 bytes kept of each of stdout, stderr and the value, for each cell. */
  readonly outputBytes: number
  /** Bytes in the session's own folder, all files together. */
  readonly scratchBytes: number
  /** Bytes of one file. */
  readonly fileBytes: number
  /** Files open at once. */
  readonly openFiles: number
  /** Threads of a session, its own included, at about this number. */
  readonly threads: number
  /** Cells of a session. */
  readonly cells: number
  /** UTF-8 bytes of one cell's code. */
  readonly codeBytes: number
}

const mebibyte = 1_048_576
/** The defaults; each is set in configuration (`sandbox.*`). */
export const sandboxLimitsDefaults: SandboxLimits = {
  wallMillis: 10_000,
  graceMillis: 500,
  cpuMillis: 600_000,
  memoryBytes: 1_024 * mebibyte,
  outputBytes: 65_536,
  scratchBytes: 64 * mebibyte,
  fileBytes: 16 * mebibyte,
  openFiles: 64,
  threads: 16,
  cells: 256,
  codeBytes: mebibyte
}

/** Everything waits its turn already, or this one waited too long for a place. */
export class SandboxBusy extends Schema.TaggedError<SandboxBusy>()("SandboxBusy", {
  reason: Schema.Literals(["queue-full", "waited"]),
  /** Sessions that wait now. */
  waiting: Schema.Int,
  /** Sessions that run at once, at most. */
  sessions: Schema.Int,
  waitedMillis: Schema.Int
}, { httpApiStatus: 503 }) {
  override get message() {
    return this.reason === "queue-full"
      ? `${this.waiting} sessions wait for one of ${this.sessions} places already: ask again later, or raise sandbox.sessions`
      : `No place for a session within ${this.waitedMillis} ms (${this.sessions} at once, ${this.waiting} wait): ask again later`
  }
}

/** Code cannot run here, or not at the level asked for. `detail` says why and what to do. */
export class SandboxUnavailable extends Schema.TaggedError<SandboxUnavailable>()("SandboxUnavailable", {
  detail: Schema.String
}, { httpApiStatus: 503 }) {
  override get message() {
    return this.detail
  }
}

/** The session has ended and takes no more cells: open another. */
export class SessionOver extends Schema.TaggedError<SessionOver>()("SessionOver", {
  reason: Schema.Literals(["closed", "idle", "cells", "interrupted"])
}, { httpApiStatus: 410 }) {
  override get message() {
    return {
      closed: "The session was closed: open another",
      idle: "The session was closed because nobody used it for too long: open another and run its cells again",
      cells: "The session has run as many cells as one may: open another",
      interrupted: "The session ended because a cell of it was called off: open another"
    }[this.reason]
  }
}

/** The session's interpreter was ended; its variables and files are gone. Nothing is replayed unasked. */
export class StateLost extends Schema.TaggedError<StateLost>()("StateLost", {
  /** As of the cell that lost it; `exited`: the program ended its own interpreter. */
  cause: Schema.Literals([...KillCause.literals, "exited"]),
  /** Cells that a replay would run again. */
  completedCells: Schema.Int
}, { httpApiStatus: 409 }) {
  override get message() {
    return `The session's state is lost (${this.cause}): replay its ${this.completedCells} completed cells, restart it empty, or open another`
  }
}

/** The code of a cell is longer than a cell may be. */
export class CodeTooLong extends Schema.TaggedError<CodeTooLong>()("CodeTooLong", {
  bytes: Schema.Int,
  mostBytes: Schema.Int
}, { httpApiStatus: 413 }) {
  override get message() {
    return `The cell has ${this.bytes} bytes of code; at most ${this.mostBytes} are allowed`
  }
}

export type OpenRefusal = SandboxBusy | SandboxUnavailable
export type CellRefusal = SessionOver | StateLost | CodeTooLong | SandboxUnavailable
