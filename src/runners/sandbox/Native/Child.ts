// One session's process as its owner sees it: cells go out on its socket, replies come back, and its end is told by the zygote that forked it.
// Every cell is answered once: by its reply, or by how the process ended.
import { randomBytes } from "node:crypto"
import type { Socket } from "node:net"
import type { KillCause } from "../../../domain/Sandbox.ts"
import { type Cell, type CellReply, type Interpreter, StartFailed } from "../Interpreter.ts"
import { ReplyReader, request, seedRequest } from "./Frames.ts"

/** How a process ended, as the zygote tells it. */
export interface End {
  /** As wait(2) gives it. */
  readonly status: number
  readonly cpuMillis: number
}

/** The bytes of an earlier session that may still lie in the socket, and a sentence of the new one. */
const staleBytes = 4 * 1_048_576
/** A process that is killed is gone within this; a zygote that does not say so by then is killed itself. */
const endMillis = 2_000
const signalKill = 9
const signalCpu = 24

/** What a child needs of its zygote. */
export interface Keeper {
  readonly kill: (child: Child) => void
  /** The zygote does not do its part: it is ended with all that it forked. */
  readonly abandon: (why: string) => void
  /** A session broke the protocol. */
  readonly broken: () => void
  /** Whether the kernel has killed something for want of memory since the zygote started. */
  readonly outOfMemory: () => boolean
}

interface Running {
  readonly reader: ReplyReader
  readonly startedMillis: number
  readonly deadline: NodeJS.Timeout
  readonly settle: (reply: CellReply) => void
}

const without = (status: "killed" | "exited", cause: KillCause | null, millis: number): CellReply => ({
  status,
  stdout: "",
  stderr: "",
  value: null,
  truncated: false,
  millis,
  cause,
  stateLost: true
})

export class Child implements Interpreter {
  readonly slot: number
  readonly session: number
  readonly limitsKey: string
  readonly nonce = randomBytes(16).toString("hex")
  readonly ready: Promise<void>
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>
  /** Resolves when its socket can be another's. */
  readonly heardOut: Promise<void>
  readonly #socket: Socket
  readonly #keeper: Keeper
  readonly #cpuLimitMillis: number
  #phase: "starting" | "ready" | "ending" | "gone" = "starting"
  #cause: KillCause | null = null
  #stale: Buffer = Buffer.alloc(0)
  #cells = 0
  #running: Running | null = null
  #tellLost: ((cause: KillCause) => void) | null = null
  #closing = false
  #settleReady: { readonly resolve: () => void; readonly reject: (failure: StartFailed) => void }
  #settleGone: () => void
  #settleHeardOut: () => void

  constructor(
    slot: number,
    session: number,
    limitsKey: string,
    cpuLimitMillis: number,
    socket: Socket,
    keeper: Keeper
  ) {
    this.slot = slot
    this.session = session
    this.limitsKey = limitsKey
    this.#cpuLimitMillis = cpuLimitMillis
    this.#socket = socket
    this.#keeper = keeper
    const ready = Promise.withResolvers<void>()
    this.ready = ready.promise
    this.#settleReady = ready
    // Whoever waits for it hears of it; a spare that nobody waits for may fail unheard.
    ready.promise.catch(() => {})
    const gone = Promise.withResolvers<void>()
    this.gone = gone.promise
    this.#settleGone = gone.resolve
    const heardOut = Promise.withResolvers<void>()
    this.heardOut = heardOut.promise
    this.#settleHeardOut = heardOut.resolve
    socket.write(this.nonce)
  }

  readonly alive = (): boolean => this.#phase === "ready" || this.#phase === "starting"

  readonly onLost = (tell: (cause: KillCause) => void): void => {
    this.#tellLost = tell
    if (!this.alive() && !this.#closing) tell(this.#cause ?? "host")
  }

  readonly exec = (cell: Cell): Promise<CellReply> => {
    if (this.#phase !== "ready" || this.#running !== null) {
      return Promise.resolve(without("killed", this.#cause ?? "host", 0))
    }
    const number = ++this.#cells
    return new Promise((settle) => {
      const startedMillis = performance.now()
      const deadline = setTimeout(() => {
        // A reply that lies in the socket already is read before this comes to pass.
        setImmediate(() => setImmediate(() => this.#running?.deadline === deadline && this.kill("wall")))
      }, cell.wallMillis + cell.graceMillis)
      this.#running = { reader: new ReplyReader(number, cell.outputBytes), startedMillis, deadline, settle }
      this.#socket.write(request(number, cell))
    })
  }

  seed(seed: number): void {
    this.#socket.write(seedRequest(seed))
  }

  /** Ends the process; the cell that runs is answered with this cause. */
  kill(cause: KillCause): void {
    if (this.#phase === "gone") return
    this.#cause ??= cause
    if (this.#phase === "ending") return
    this.#phase = "ending"
    this.#keeper.kill(this)
    const deadline = setTimeout(() => this.#keeper.abandon("a session that was killed did not end"), endMillis)
    void this.gone.then(() => clearTimeout(deadline))
  }

  readonly end = (): Promise<void> => {
    this.#closing = true
    this.kill("host")
    return this.gone
  }

  /** Bytes from the process. */
  heard(bytes: Buffer): void {
    if (this.#phase === "starting") return this.#starting(bytes)
    if (this.#phase === "gone") this.#stale = Buffer.concat([this.#stale, bytes]).subarray(0, staleBytes)
    if (this.#phase !== "ready") return
    const running = this.#running
    const reply = running === null ? "wrong" : running.reader.take(bytes)
    if (reply === "more") return
    if (reply === "wrong" || running === null) {
      this.#keeper.broken()
      return this.kill("protocol")
    }
    this.#settle(running, {
      ...reply,
      millis: performance.now() - running.startedMillis,
      cause: null,
      stateLost: false
    })
  }

  #starting(bytes: Buffer): void {
    this.#stale = Buffer.concat([this.#stale, bytes])
    const at = this.#stale.indexOf(this.nonce)
    if (at >= 0) {
      const rest = this.#stale.subarray(at + this.nonce.length)
      this.#stale = Buffer.alloc(0)
      this.#phase = "ready"
      this.#settleReady.resolve()
      if (rest.length > 0) this.heard(rest)
    } else if (this.#stale.length > staleBytes) {
      this.#keeper.abandon("a session did not start as one does")
    }
  }

  /** The process has ended. `end`: null when its zygote did before it. */
  ended(end: End | null): void {
    if (this.#phase === "gone") return
    const starting = this.#phase === "starting"
    this.#phase = "gone"
    const exited = end !== null && (end.status & 0x7f) === 0 && this.#cause === null
    const cause = this.#cause ?? (end === null ? "host" : this.#causeOf(end))
    this.#cause = cause
    // What it said of a failed start may still lie in its socket.
    if (!starting) this.#settleHeardOut()
    else {
      setImmediate(() =>
        setImmediate(() => {
          this.#settleReady.reject(this.#failedStart())
          this.#settleHeardOut()
        })
      )
    }
    const running = this.#running
    if (running !== null) {
      const millis = performance.now() - running.startedMillis
      this.#settle(running, exited ? without("exited", null, millis) : without("killed", cause, millis))
    } else if (!starting && !this.#closing) {
      this.#tellLost?.(cause)
    }
    this.#settleGone()
  }

  #failedStart(): StartFailed {
    const said = /The session could not be shut in[^\0]{0,1000}/.exec(this.#stale.toString("utf8"))?.[0]
    this.#stale = Buffer.alloc(0)
    return new StartFailed(said ?? "The session's process ended before it began")
  }

  #causeOf(end: End): KillCause {
    const signal = end.status & 0x7f
    if (signal === 0) return "crash"
    if (signal === signalCpu) return "cpu"
    if (signal !== signalKill) return "crash"
    // The kernel kills at the hard limit, a second after the soft one that a program can ignore.
    if (end.cpuMillis >= this.#cpuLimitMillis) return "cpu"
    return this.#keeper.outOfMemory() ? "memory" : "host"
  }

  #settle(running: Running, reply: CellReply): void {
    this.#running = null
    clearTimeout(running.deadline)
    running.settle(reply)
  }
}
