// The embedded level: CPython in WebAssembly (Pyodide) in locked-down child processes of Node, in namespaces of their own where the host
// allows it. A process serves one session at a time and only ever one tenant; between sessions its realm and its memory are made anew.
// Processes are kept ready; what was killed, hung or broke the protocol is never used again.
import type { LevelFacts } from "../../actors/CodeSandbox.ts"
import { sandboxLimitsDefaults } from "../../domain/Sandbox.ts"
import { findLauncher, type Launcher } from "./Embedded/Launch.ts"
import { findPyodide, loadPack, type Pack, type Pyodide } from "./Embedded/Pack.ts"
import { PyodideProcess } from "./Embedded/Process.ts"
import {
  type Backend,
  type BackendOptions,
  type Interpreter,
  type MakeBackend,
  StartFailed,
  type StartOptions
} from "./Interpreter.ts"
import { runsOnEmbedded } from "./SymPy.ts"

const watchMillis = 100
/** A process that waits longer for a session of its tenant is ended: each takes some 300 MB. */
const idleMillis = 60_000
/** A start waits for the pack so long: another process may build it first, and fail. */
const packMillis = 130_000
/** Processes that end while a start waits for them. */
const mostTries = 5

const detailOf = ({ dies, namespaces, nobody }: Launcher, { python, version }: Pyodide): string =>
  [
    `CPython ${python} in WebAssembly (Pyodide ${version}) in a process of Node without permissions`,
    namespaces
      ? "user, pid, net, ipc and uts namespaces of its own"
      : "no namespaces (unshare of util-linux is missing or forbidden here): that code has no network rests on the JavaScript lockdown",
    ...(nobody ? ["user nobody"] : []),
    ...(dies ? [] : ["no setpriv: a process ends with its runner when it reads or runs next"])
  ].join("; ")

/** A promise's value, or a rejection with StartFailed: after so long, or when called off. */
const within = <A>(promise: Promise<A>, millis: number, signal: AbortSignal, late: string): Promise<A> =>
  new Promise((resolve, reject) => {
    const off = () => reject(new StartFailed("The start was called off"))
    const timer = setTimeout(() => reject(new StartFailed(late)), Math.max(millis, 0))
    if (signal.aborted) off()
    signal.addEventListener("abort", off, { once: true })
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer)
      signal.removeEventListener("abort", off)
    })
  })

class Pool implements Backend {
  readonly level = "embedded"
  readonly facts: LevelFacts
  readonly python: string
  readonly sympy: string | null
  readonly numpy = null
  readonly #options: BackendOptions
  readonly #pyodide: Pyodide
  readonly #launcher: Launcher
  readonly #processes = new Set<PyodideProcess>()
  /** Promised to a start that waits for it. */
  readonly #claimed = new Set<PyodideProcess>()
  #pack: Promise<Pack> | null = null
  #closed = false
  readonly #closing = new AbortController()
  readonly #watch: NodeJS.Timeout

  constructor(options: BackendOptions, pyodide: Pyodide, launcher: Launcher, detail: string) {
    this.#options = options
    this.#pyodide = pyodide
    this.#launcher = launcher
    this.python = pyodide.python
    this.sympy = options.sympy?.version ?? null
    this.facts = { level: "embedded", offered: true, detail }
    this.#watch = setInterval(() => this.#look(), watchMillis)
    this.#watch.unref()
  }

  #look(): void {
    const longAgo = performance.now() - idleMillis
    for (const process of this.#processes) {
      process.watch()
      if (
        process.state === "idle" && process.tenant !== null && !this.#claimed.has(process) && process.usedAt < longAgo
      ) {
        void process.kill("host")
      }
    }
  }

  /** The pack, loaded once; a failed try is made again by the next start. */
  #loaded(): Promise<Pack> {
    this.#pack ??= loadPack(this.#pyodide, {
      ...this.#options,
      launcher: this.#launcher,
      signal: this.#closing.signal
    }).catch((error: unknown) => {
      this.#pack = null
      throw error
    })
    return this.#pack
  }

  #spawn(pack: Pack): PyodideProcess {
    const process = new PyodideProcess({
      launcher: this.#launcher,
      pack,
      cpuMillis: sandboxLimitsDefaults.cpuMillis,
      onEnd: (ended) => {
        this.#processes.delete(ended)
        this.#claimed.delete(ended)
      }
    })
    this.#processes.add(process)
    return process
  }

  #living(): number {
    return [...this.#processes].filter((process) => process.alive).length
  }

  #free(): ReadonlyArray<PyodideProcess> {
    return [...this.#processes].filter((process) =>
      process.alive && process.state !== "busy" && !this.#claimed.has(process)
    )
  }

  /** Ends the process that was used least lately, of those free ones that `of` is true of. */
  #makeRoom(of: (process: PyodideProcess) => boolean): void {
    let oldest: PyodideProcess | null = null
    for (const process of this.#free()) {
      if (of(process) && (oldest === null || process.usedAt < oldest.usedAt)) oldest = process
    }
    void oldest?.kill("host")
  }

  /** A process for a session of the tenant: the readiest one. */
  #choose(pack: Pack, tenant: string): PyodideProcess {
    const free = this.#free()
    const own = free.filter((process) => process.tenant === tenant)
    const spare = free.filter((process) => process.tenant === null)
    const ready = [...own, ...spare].find((process) => process.state === "idle") ?? own[0] ?? spare[0]
    if (ready !== undefined) return ready
    if (this.#living() >= this.#options.sessions + this.#options.spares) this.#makeRoom(() => true)
    return this.#spawn(pack)
  }

  #keepTenants(tenant: string): void {
    const tenants = new Set([...this.#processes].map((process) => process.tenant))
    tenants.delete(null)
    tenants.delete(tenant)
    if (tenants.size < this.#options.tenants) return
    const idle = this.#free().filter((process) => process.tenant !== null && process.tenant !== tenant)
    idle.sort((left, right) => left.usedAt - right.usedAt)
    const leaving = idle[0]?.tenant
    for (const process of idle) if (process.tenant === leaving) void process.kill("host")
  }

  #replenish(pack: Pack): void {
    if (this.#closed) return
    const spare =
      [...this.#processes].filter((process) => process.alive && process.tenant === null && !this.#claimed.has(process))
        .length
    const room = this.#options.sessions + this.#options.spares - this.#living()
    for (let made = 0; made < Math.min(this.#options.spares - spare, room); made++) this.#spawn(pack)
  }

  /** Waits until the process has a room; false: it ended first. */
  async #whenIdle(process: PyodideProcess): Promise<boolean> {
    await process.booted
    await process.resetting
    return process.alive && process.state === "idle"
  }

  async start(options: StartOptions): Promise<Interpreter> {
    const { limits, seed, signal, tenant } = options
    if (this.#closed) throw new StartFailed("The sandbox is closed")
    // Built once on each machine, which takes longer than a start may; it has a deadline of its own.
    const pack = await within(
      this.#loaded(),
      packMillis,
      signal,
      "The interpreter's snapshot is being built, once on each machine: ask again in some seconds"
    )
    const deadline = performance.now() + this.#options.startMillis
    const left = () => deadline - performance.now()
    for (let tries = 0; tries < mostTries; tries++) {
      if (this.#closed) throw new StartFailed("The sandbox is closed")
      this.#keepTenants(tenant)
      const process = this.#choose(pack, tenant)
      this.#claimed.add(process)
      try {
        const late = `No interpreter was ready within ${this.#options.startMillis} ms`
        const ready = await within(this.#whenIdle(process), left(), signal, late).catch((error: unknown) => {
          if (error instanceof StartFailed) throw error
          throw new StartFailed(`The interpreter did not start: ${(error as Error).message}`)
        })
        if (!ready) continue
        process.usedAt = performance.now()
        const opened = await process.open(tenant, seed, limits)
        if (signal.aborted || this.#closed || !opened) {
          await process.kill("host")
          throw new StartFailed(opened ? "The start was called off" : "The interpreter did not open a session")
        }
        return this.#interpreter(process)
      } finally {
        this.#claimed.delete(process)
        this.#replenish(pack)
      }
    }
    throw new StartFailed(`${mostTries} interpreters ended before they were ready: see what ends processes here`)
  }

  #interpreter(process: PyodideProcess): Interpreter {
    let ending: Promise<void> | null = null
    return {
      exec: (cell) => process.exec(cell),
      alive: () => ending === null && process.alive,
      onLost: (tell) => process.onLost(tell),
      end: () => {
        process.usedAt = performance.now()
        ending ??= this.#closed ? process.kill("host") : process.reset()
        return ending
      }
    }
  }

  async warm(): Promise<void> {
    try {
      const pack = await this.#loaded()
      this.#replenish(pack)
      await Promise.all([...this.#processes].map((process) => process.booted))
    } catch {
      // The next start says why.
    }
  }

  processes(): number {
    return this.#processes.size
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#closing.abort()
    clearInterval(this.#watch)
    await Promise.all([...this.#processes].map((process) => process.kill("host")))
    await this.#pack?.then((pack) => pack.file.close(), () => {})
    this.#pack = null
  }
}

export const makeEmbedded: MakeBackend = async (options) => {
  const unoffered = (detail: string) => ({ level: "embedded", detail } as const)
  const pyodide = await findPyodide().catch(() => null)
  if (pyodide === null) return unoffered("Pyodide is not installed: run `npm ci`")
  const launcher = await findLauncher(options.tools)
  if (launcher === null) {
    return unoffered(`${process.execPath} (${process.version}) does not run with --permission: run with Node 24`)
  }
  // An older SymPy does not run on this Python: as if there were none.
  const { sympy } = options
  const usable = sympy !== null && runsOnEmbedded(sympy.version) ? sympy : null
  const detail = detailOf(launcher, pyodide) + (sympy !== null && usable === null
    ? `; SymPy ${sympy.version} is too old for this Python: run \`polya doctor --fix\``
    : "")
  return new Pool({ ...options, sympy: usable }, pyodide, launcher, detail)
}
