// One child process of the embedded level as its parent sees it: requests and replies by line, deadlines, memory and processor time.
// Nothing that the child says is trusted: its lines are bounded, its replies checked and cut, and what breaks a limit is ended with
// its group.
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import type { CellStatus, KillCause, SandboxLimits } from "../../../domain/Sandbox.ts"
import type { Cell, CellReply } from "../Interpreter.ts"
import { overdueCode } from "./Child.ts"
import { commandOf, end, type Launcher } from "./Launch.ts"
import { mostMemoryBytes, type Pack } from "./Pack.ts"

/** JavaScript, V8's code and tables, and a former room whose memory is not yet given back. */
const overheadBytes = 640 * 1_048_576
/** Escaped, a byte takes six; each cell has three texts. */
const escapedBytes = 3 * 6
const lineSlackBytes = 16_384
/** Lines that answer nothing. */
const mostUnknownLines = 8
const resetMillis = 10_000
const openMillis = 5_000
/** A process is given up after so many sessions: what V8 keeps of former realms adds up. */
const mostSessions = 64
const kibibyte = 1_024
/** The kernel's own limit, for a process that nobody watches any more. */
const kernelCpuSeconds = 7_200
const clockTicksPerSecond = 100

export interface ProcessOptions {
  readonly launcher: Launcher
  readonly pack: Pack
  /** Processor time after which it takes no new session. */
  readonly cpuMillis: number
  /** Told once, when nothing of it is left. */
  readonly onEnd: (process: PyodideProcess) => void
}

interface Answer {
  readonly id: number
  readonly line: Record<string, unknown>
}

const statuses: ReadonlySet<string> = new Set(["ok", "error", "timeout", "exited"])

/** At most so many bytes of UTF-8 of a text, and whether something was cut. */
export const cutText = (text: string, mostBytes: number): readonly [string, boolean] => {
  if (text.length * 3 <= mostBytes || Buffer.byteLength(text) <= mostBytes) return [text, false]
  const bytes = Buffer.from(text)
  let at = mostBytes
  while (at > 0 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at--
  return [bytes.toString("utf8", 0, at), true]
}

const lost = (cause: KillCause, millis: number, stderr = ""): CellReply => ({
  status: "killed",
  stdout: "",
  stderr,
  value: null,
  truncated: false,
  millis,
  cause,
  stateLost: true
})

/** What a process and its children use; null: they cannot be asked. */
const usage = (pids: ReadonlyArray<number>): { readonly bytes: number; readonly cpuMillis: number } | null => {
  let bytes = 0
  let cpuMillis = 0
  for (const pid of pids) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
      // Behind the name, which may hold anything, come state (3rd), utime (14th), stime (15th).
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      cpuMillis += (Number(fields[11]) + Number(fields[12])) * 1_000 / clockTicksPerSecond
      bytes += Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) * kibibyte
    } catch {
      return null
    }
  }
  return { bytes, cpuMillis }
}

/** A process with all that descend from it. */
const family = (pid: number): ReadonlyArray<number> => {
  const found = [pid]
  for (let at = 0; at < found.length && found.length < 16; at++) {
    try {
      const children = readFileSync(`/proc/${found[at]}/task/${found[at]}/children`, "latin1").trim()
      if (children !== "") found.push(...children.split(" ").map(Number))
    } catch {
      break
    }
  }
  return found
}

export class PyodideProcess {
  readonly #child: ReturnType<typeof spawn>
  readonly #cpuMillis: number
  #pids: ReadonlyArray<number> = []
  #id = 0
  #received: Array<Buffer> = []
  #receivedBytes = 0
  #mostLineBytes = lineSlackBytes
  #waiting: { readonly id: number; readonly settle: (answer: Answer | KillCause) => void } | null = null
  #unknownLines = 0
  #said = ""
  #cause: KillCause | null = null
  #over = false
  #ended = false
  readonly #gone: Promise<void>
  #tellLost: ((cause: KillCause) => void) | null = null
  #sessions = 0
  #memoryBytes = mostMemoryBytes
  #cpuAtOpen = 0
  #cpuLimit = Infinity
  #exec = false
  /** The session that it serves was ended hard, or broke the protocol: no other one gets it. */
  #tainted = false
  /** Settles when its first room is ready; rejects when it never will be. */
  readonly booted: Promise<void>
  /** Whose sessions it has served; never those of two. */
  tenant: string | null = null
  state: "booting" | "idle" | "busy" | "resetting" = "booting"
  usedAt = 0
  /** Settles when the room of the next session is ready or the process has ended. */
  resetting: Promise<void> = Promise.resolve()

  constructor(options: ProcessOptions) {
    const { launcher, onEnd, pack } = options
    this.#cpuMillis = options.cpuMillis
    const [command = "", ...args] = commandOf(launcher, kernelCpuSeconds, pack.program)
    this.#child = spawn(command, args, {
      cwd: "/",
      env: { TZ: "UTC" },
      detached: true,
      stdio: ["pipe", "pipe", "pipe", pack.file.fd]
    })
    this.#child.stdin?.on("error", () => {})
    this.#child.stdout?.on("error", () => {}).on("data", (piece: Buffer) => this.#receive(piece))
    this.#child.stderr?.on("error", () => {}).setEncoding("utf8").on("data", (piece: string) => {
      if (this.#said.length < 4_000) this.#said += piece.slice(0, 4_000)
    })
    this.#gone = new Promise((resolve) => {
      const finish = (code: number | null, signal: NodeJS.Signals | null) => {
        if (this.#ended) return
        this.#ended = true
        this.#over = true
        const cause = this.#cause ?? this.#causeOf(code, signal)
        this.#cause = cause
        this.#settle(cause)
        const tell = this.#tellLost
        this.#tellLost = null
        if (this.state === "busy" && !this.#exec) tell?.(cause)
        onEnd(this)
        resolve()
      }
      this.#child.on("error", (error) => {
        this.#said += error.message
        if (this.#child.pid === undefined) finish(null, null)
      })
      this.#child.on("close", finish)
    })
    this.booted = this.#answerTo(0).then((answer) => {
      if (typeof answer === "string") throw new Error(this.#said.trim().slice(-600) || `its process ended (${answer})`)
      this.#pids = this.#child.pid === undefined ? [] : family(this.#child.pid)
      this.state = "idle"
    })
    this.booted.catch(() => this.kill("crash"))
  }

  /** Its processes, outermost first. */
  get pids(): ReadonlyArray<number> {
    return this.#pids
  }

  get alive(): boolean {
    return !this.#over
  }

  /** Whether another session of its tenant may follow. */
  get reusable(): boolean {
    return this.alive && !this.#tainted && this.#sessions < mostSessions
      && (usage(this.#pids)?.cpuMillis ?? 0) < this.#cpuMillis
  }

  #causeOf(code: number | null, signal: NodeJS.Signals | null): KillCause {
    if (code === overdueCode) return "wall"
    if (/out of memory|heap limit|allocation failed/i.test(this.#said)) return "memory"
    if (signal === "SIGXCPU" || code === 128 + 24) return "cpu"
    return signal === "SIGKILL" || code === 128 + 9 ? "host" : "crash"
  }

  #settle(answer: Answer | KillCause): void {
    const waiting = this.#waiting
    this.#waiting = null
    waiting?.settle(answer)
  }

  #answerTo(id: number): Promise<Answer | KillCause> {
    return new Promise((resolve) => {
      if (this.#over) resolve(this.#cause ?? "host")
      else this.#waiting = { id, settle: resolve }
    })
  }

  #receive(piece: Buffer): void {
    if (this.#over) return
    for (let at = 0; at < piece.length;) {
      const lineEnd = piece.indexOf(10, at)
      const part = piece.subarray(at, lineEnd < 0 ? piece.length : lineEnd)
      this.#receivedBytes += part.length
      if (this.#receivedBytes > this.#mostLineBytes) {
        this.#received = []
        this.kill("protocol")
        return
      }
      this.#received.push(part)
      if (lineEnd < 0) return
      at = lineEnd + 1
      const line = Buffer.concat(this.#received).toString("utf8")
      this.#received = []
      this.#receivedBytes = 0
      this.#read(line)
    }
  }

  #read(text: string): void {
    let line: unknown
    try {
      line = JSON.parse(text)
    } catch {
      line = null
    }
    const waiting = this.#waiting
    if (waiting !== null && typeof line === "object" && line !== null && (line as { id?: unknown }).id === waiting.id) {
      this.#settle({ id: waiting.id, line: line as Record<string, unknown> })
      return
    }
    this.#unknownLines++
    if (this.#unknownLines > mostUnknownLines) this.kill("protocol")
  }

  async #ask(request: object, millis: number, late: KillCause): Promise<Answer | KillCause> {
    this.#id++
    const answer = this.#answerTo(this.#id)
    const timer = setTimeout(() => this.kill(late), millis)
    this.#child.stdin?.write(`${JSON.stringify({ id: this.#id, ...request })}\n`)
    try {
      return await answer
    } finally {
      clearTimeout(timer)
    }
  }

  /** Opens its one session; false: the process is not what it should be, and was ended. */
  async open(tenant: string, seed: number, limits: SandboxLimits): Promise<boolean> {
    this.tenant = tenant
    this.state = "busy"
    this.#sessions++
    this.#memoryBytes = Math.min(limits.memoryBytes, mostMemoryBytes)
    this.#cpuAtOpen = usage(this.#pids)?.cpuMillis ?? 0
    this.#cpuLimit = limits.cpuMillis
    const { fileBytes, openFiles, outputBytes, scratchBytes } = limits
    const settings = { seed, outputBytes, memoryBytes: this.#memoryBytes, scratchBytes, fileBytes, openFiles }
    const answer = await this.#ask({ open: settings }, openMillis, "crash")
    return typeof answer !== "string" && answer.line["open"] === true
  }

  async exec({ code, graceMillis, outputBytes, wallMillis }: Cell): Promise<CellReply> {
    const began = performance.now()
    const since = () => Math.max(performance.now() - began, 0)
    if (this.#over) return lost(this.#cause ?? "host", 0)
    this.#mostLineBytes = escapedBytes * outputBytes + lineSlackBytes
    this.#exec = true
    const answer = await this.#ask({ code, wallMillis, graceMillis, outputBytes }, wallMillis + graceMillis, "wall")
    this.#exec = false
    if (typeof answer === "string") return lost(answer, since())
    const reply = this.#checked(answer.line["reply"], outputBytes, since())
    // What broke inside cannot serve another cell.
    if (reply.stateLost) {
      this.#tainted = true
      this.kill(reply.cause ?? "crash")
    }
    return reply
  }

  /** The reply of the child as far as it is one. */
  #checked(said: unknown, outputBytes: number, millis: number): CellReply {
    const { broken, status, stderr, stdout, truncated, value } =
      (typeof said === "object" && said !== null ? said : {}) as Record<string, unknown>
    const isText = typeof stdout === "string" && typeof stderr === "string" &&
      (value === null || typeof value === "string")
    if (!isText || typeof status !== "string" || typeof broken !== "boolean") {
      return lost("protocol", millis)
    }
    if (status === "crash") {
      const cause = /memory/i.test(stderr) ? "memory" : "crash"
      return lost(cause, millis, cutText(`The interpreter broke: ${stderr}`, Math.min(outputBytes, 2_000))[0])
    }
    if (!statuses.has(status)) return lost("protocol", millis)
    const [out, cutOut] = cutText(stdout, outputBytes)
    const [err, cutErr] = cutText(stderr, outputBytes)
    const [shown, cutShown] = value === null ? [null, false] : cutText(value, outputBytes)
    return {
      status: status as CellStatus,
      stdout: out,
      stderr: err,
      value: shown,
      truncated: truncated === true || cutOut || cutErr || cutShown,
      millis,
      cause: null,
      stateLost: broken
    }
  }

  onLost(tell: (cause: KillCause) => void): void {
    this.#tellLost = tell
  }

  /** Called now and then: what uses more than it may is ended. */
  watch(): void {
    if (this.#over || this.state !== "busy") return
    const used = usage(this.#pids)
    if (used === null) return
    if (used.bytes > this.#memoryBytes + overheadBytes) this.kill("memory")
    else if (used.cpuMillis - this.#cpuAtOpen > this.#cpuLimit) this.kill("cpu")
  }

  /** Drops the session; resolves when nothing of it is left, while a room for the next one is made. */
  async reset(): Promise<void> {
    this.#tellLost = null
    if (this.#exec || !this.reusable) return this.kill("host")
    this.state = "resetting"
    this.#mostLineBytes = lineSlackBytes
    const dropped = this.#ask({ reset: true }, openMillis, "crash").then((answer) => {
      if (typeof answer !== "string" && answer.line["dropped"] === true) return true
      void this.kill("protocol")
      return false
    })
    this.resetting = dropped.then(async (isDropped) => {
      if (!isDropped) return
      const answer = await this.#ask({ boot: true }, resetMillis, "crash")
      if (typeof answer !== "string" && answer.line["ready"] === true) this.state = "idle"
      else void this.kill("protocol")
    })
    if (!await dropped) await this.#gone
  }

  /** Ends it with all that it started; resolves when nothing is left. */
  kill(cause: KillCause): Promise<void> {
    if (!this.#over) {
      this.#over = true
      this.#tainted = true
      this.#cause = cause
      this.#settle(cause)
    }
    end(this.#child.pid)
    this.#child.stdin?.destroy()
    return this.#gone
  }
}
