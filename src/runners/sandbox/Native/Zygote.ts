// One zygote process and the sessions that it forked. It serves one tenant; when it ends, for whatever reason, all of its sessions have ended
// with it, and all who wait are told.
import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import type { Socket } from "node:net"
import type { SandboxLimits } from "../../../domain/Sandbox.ts"
import { StartFailed } from "../Interpreter.ts"
import { Child, type End } from "./Child.ts"
import type { Launch } from "./Launch.ts"

const socketsFrom = 3
/** A zygote is replaced after so many sessions. */
const mostSessions = 10_000
const endMillis = 2_000
const lineBytes = 65_536
const saidBytes = 4_096

/** What a zygote tells once it is ready. */
export interface Ready {
  readonly landlock: number
  /** Each session has a file system of its own. */
  readonly mounts: boolean
  /** Each session's threads are counted by themselves. */
  readonly users: boolean
}

/** Limits that a session's process is started with. */
export const limitsOf = (limits: SandboxLimits) => ({
  memoryBytes: limits.memoryBytes,
  cpuMillis: limits.cpuMillis,
  outputBytes: limits.outputBytes,
  scratchBytes: limits.scratchBytes,
  fileBytes: limits.fileBytes,
  openFiles: limits.openFiles,
  threads: limits.threads
})

/** How often the kernel has killed for want of memory, on the whole machine. */
const memoryKills = (): number => {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync("/proc/vmstat", "utf8"))?.[1] ?? 0)
  } catch {
    return 0
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

export class Zygote {
  readonly ready: Promise<Ready>
  /** Resolves when the process is gone, and everything that it forked. */
  readonly gone: Promise<void>
  readonly #process: ChildProcess
  readonly #sockets: ReadonlyArray<Socket>
  readonly #slots: Array<Child | null>
  readonly #spares: Array<Child> = []
  readonly #settleReady: { readonly resolve: (ready: Ready) => void; readonly reject: (failure: StartFailed) => void }
  #memoryKills = memoryKills()
  readonly #whenEmpty: Array<() => void> = []
  #started = 0
  #inUse = 0
  #broken = false
  #over = false
  #line = ""
  #said = ""
  #endTimer: NodeJS.Timeout | null = null

  constructor(launch: Launch, slots: number) {
    const ready = Promise.withResolvers<Ready>()
    this.ready = ready.promise
    this.#settleReady = ready
    ready.promise.catch(() => {})
    const gone = Promise.withResolvers<void>()
    this.gone = gone.promise
    this.#process = spawn(launch.command, launch.args, {
      cwd: "/",
      env: launch.environment,
      // A session of its own: a terminal's signals do not reach it, and its processes compete for the processor as one group.
      detached: true,
      ...(launch.user === null ? {} : { uid: launch.user, gid: launch.user }),
      stdio: ["pipe", "pipe", "pipe", ...new Array<"pipe">(slots).fill("pipe")]
    })
    const settled = (why: string) => {
      if (this.#over) return
      this.#over = true
      if (this.#endTimer !== null) clearTimeout(this.#endTimer)
      for (const stream of this.#streams()) stream?.destroy()
      this.#settleReady.reject(new StartFailed(`${why}${this.#said === "" ? "" : `: ${this.#said.trim()}`}`))
      for (const child of this.#slots) child?.ended(null)
      void launch.cleared().catch(() => {}).finally(gone.resolve)
    }
    this.#process.on("error", (failure) => settled(`${launch.command} could not be started (${failure.message})`))
    this.#process.on("exit", (code, signal) => settled(`The sandbox's Python ended (${signal ?? `status ${code}`})`))
    this.#sockets = this.#streams().slice(socketsFrom) as unknown as ReadonlyArray<Socket>
    this.#slots = new Array<Child | null>(slots).fill(null)
    for (const stream of this.#streams()) stream?.on("error", () => {})
    this.#process.stdout?.on("data", (bytes: Buffer) => this.#heard(bytes))
    this.#process.stderr?.on("data", (bytes: Buffer) => {
      if (this.#said.length < saidBytes) this.#said = (this.#said + bytes.toString("utf8")).slice(0, saidBytes)
    })
    this.#sockets.forEach((socket, slot) => socket?.on("data", (bytes: Buffer) => this.#slots[slot]?.heard(bytes)))
    this.#process.stdin?.write(launch.start(slots))
  }

  /** None when there were no descriptors left to make them: then an error is told, and nothing was started. */
  #streams(): ReadonlyArray<ChildProcess["stdio"][number]> {
    return (this.#process.stdio as ChildProcess["stdio"] | undefined) ?? []
  }

  /** It has ended. */
  get over(): boolean {
    return this.#over
  }

  /** It takes no more sessions: it has had enough of them, or one broke the protocol. */
  get worn(): boolean {
    return this.#over || this.#broken || this.#started >= mostSessions
  }

  get idle(): boolean {
    return this.#inUse === 0
  }

  /** Processes that it stands for: itself, its sessions and its spares. */
  get processes(): number {
    return this.#over ? 0 : 1 + this.#slots.reduce((sum, child) => sum + (child === null ? 0 : 1), 0)
  }

  /** A session that is shut in and ready for cells. */
  async open(limits: SandboxLimits, seed: number, spares: number, signal: AbortSignal): Promise<Child> {
    this.#inUse++
    let child: Child | null = null
    const calledOff = () => void child?.end()
    signal.addEventListener("abort", calledOff, { once: true })
    try {
      await this.ready
      if (signal.aborted) throw new StartFailed("The start was called off")
      child = this.#spare(limits) ?? this.#fork(limits)
      await child.ready
      if (signal.aborted || !child.alive()) throw new StartFailed("The session's process ended before it began")
      child.seed(seed)
      this.prepare(limits, spares)
      return child
    } finally {
      signal.removeEventListener("abort", calledOff)
      void (child?.gone ?? Promise.resolve()).then(() => this.#left())
    }
  }

  /** Resolves when no session of it is in use any more. */
  readonly emptied = (): Promise<void> => {
    if (this.idle || this.#over) return Promise.resolve()
    return new Promise((resolve) => this.#whenEmpty.push(resolve))
  }

  #left(): void {
    this.#inUse--
    if (this.idle) { for (const resolve of this.#whenEmpty.splice(0)) resolve() }
  }

  /** Forks sessions ahead, as far as there is room. */
  prepare(limits: SandboxLimits, spares: number): void {
    if (this.worn) return
    const key = JSON.stringify(limitsOf(limits))
    for (const spare of this.#spares.splice(0)) {
      if (!spare.alive()) continue
      if (spare.limitsKey === key) this.#spares.push(spare)
      else void spare.end()
    }
    while (this.#spares.length < spares && this.#slots.includes(null) && !this.worn) {
      this.#spares.push(this.#fork(limits))
    }
  }

  #spare(limits: SandboxLimits): Child | undefined {
    const key = JSON.stringify(limitsOf(limits))
    const at = this.#spares.findIndex((child) => child.alive() && child.limitsKey === key)
    return at < 0 ? undefined : this.#spares.splice(at, 1)[0]
  }

  #fork(limits: SandboxLimits): Child {
    const slot = this.#slots.indexOf(null)
    const socket = this.#sockets[slot]
    if (this.#over || socket === undefined) {
      throw new StartFailed("There is no room for one more session in this tenant's Python")
    }
    const session = ++this.#started
    const fixed = limitsOf(limits)
    const child = new Child(slot, session, JSON.stringify(fixed), limits.cpuMillis, socket, {
      kill: (child) => this.#order({ op: "kill", slot: child.slot, session: child.session }),
      abandon: () => this.kill(),
      broken: () => this.#broken = true,
      outOfMemory: () => {
        const before = this.#memoryKills
        this.#memoryKills = memoryKills()
        return this.#memoryKills > before
      }
    })
    this.#slots[slot] = child
    this.#order({ op: "spawn", slot, session, nonce: child.nonce, limits: fixed })
    return child
  }

  #order(order: Readonly<Record<string, unknown>>): void {
    if (!this.#over) this.#process.stdin?.write(`${JSON.stringify(order)}\n`)
  }

  #heard(bytes: Buffer): void {
    this.#line += bytes.toString("latin1")
    if (this.#line.length > lineBytes) return this.kill()
    for (let at = this.#line.indexOf("\n"); at >= 0; at = this.#line.indexOf("\n")) {
      const line = this.#line.slice(0, at)
      this.#line = this.#line.slice(at + 1)
      try {
        this.#event(JSON.parse(line))
      } catch {
        return this.kill()
      }
    }
  }

  #event(event: unknown): void {
    if (!isRecord(event)) return
    if (event["event"] === "ready") {
      this.#said = ""
      this.#settleReady.resolve({
        landlock: Number(event["landlock"]),
        mounts: event["mounts"] === true,
        users: event["users"] === true
      })
    } else if (event["event"] === "unsupported") {
      this.#settleReady.reject(new StartFailed(String(event["detail"])))
    } else if (event["event"] === "exit") {
      const slot = Number(event["slot"])
      const child = this.#slots[slot]
      if (child == null || child.session !== event["session"]) return
      const end: End = { status: Number(event["status"]), cpuMillis: Number(event["cpuMillis"]) }
      child.ended(end)
      void child.heardOut.then(() => this.#slots[slot] = null)
    }
  }

  /** Ends it in order: its sessions are killed, their files removed. */
  async end(): Promise<void> {
    if (!this.#over) {
      this.#process.stdin?.end()
      this.#endTimer ??= setTimeout(() => this.kill(), endMillis)
    }
    await this.gone
  }

  /** Ends it at once; the kernel ends its sessions with it. */
  kill(): void {
    if (!this.#over) this.#process.kill("SIGKILL")
  }
}
