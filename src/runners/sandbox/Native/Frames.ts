// The bytes between the owner and one session: requests out, replies in. A reply comes from a process that runs hostile code, so that its
// length is known before it is read, and everything that is not exactly a reply is refused.
import { isUtf8 } from "node:buffer"
import type { CellStatus } from "../../../domain/Sandbox.ts"
import type { Cell } from "../Interpreter.ts"

const requestBytes = 20
const headBytes = 20
const none = 0xffff_ffff
const statuses: ReadonlyArray<CellStatus> = ["ok", "error", "timeout", "exited"]

export interface Reply {
  readonly status: CellStatus
  readonly stdout: string
  readonly stderr: string
  readonly value: string | null
  readonly truncated: boolean
}

/** One cell to run. */
export const request = (number: number, cell: Cell): Buffer => {
  const code = Buffer.from(cell.code, "utf8")
  const frame = Buffer.allocUnsafe(requestBytes + code.length)
  frame.writeUInt32LE(number, 0)
  frame.writeUInt32LE(code.length, 4)
  frame.writeUInt32LE(cell.outputBytes, 8)
  frame.writeUInt32LE(cell.wallMillis, 12)
  frame.writeUInt32LE(cell.graceMillis, 16)
  code.copy(frame, requestBytes)
  return frame
}

/** Seeds the session's generators; has no reply. */
export const seedRequest = (seed: number): Buffer => {
  const frame = Buffer.alloc(requestBytes)
  frame.writeUInt32LE(seed >>> 0, 8)
  return frame
}

const textOf = (bytes: Buffer): string | null => isUtf8(bytes) ? bytes.toString("utf8") : null

/** Puts a reply together from the pieces that arrive. */
export class ReplyReader {
  readonly #number: number
  readonly #outputBytes: number
  /** What has arrived of a reply that comes in pieces; grows by doubling, so that a dribble costs no more than its bytes. */
  #kept: Buffer = Buffer.alloc(0)
  #have = 0
  #wanted = headBytes

  constructor(number: number, outputBytes: number) {
    this.#number = number
    this.#outputBytes = outputBytes
  }

  #append(piece: Buffer): Buffer {
    const have = this.#have + piece.length
    if (have > this.#kept.length) {
      const larger = Buffer.allocUnsafe(Math.max(have, 2 * this.#kept.length))
      this.#kept.copy(larger, 0, 0, this.#have)
      this.#kept = larger
    }
    piece.copy(this.#kept, this.#have)
    this.#have = have
    return this.#kept.subarray(0, have)
  }

  /** The reply, "more" when it has not arrived whole, or "wrong": this is no reply to the cell. */
  take(piece: Buffer): Reply | "more" | "wrong" {
    if (this.#have + piece.length > headBytes + 3 * this.#outputBytes) return "wrong"
    const isFirst = this.#have === 0
    if (!isFirst || piece.length < headBytes) {
      const bytes = this.#append(piece)
      return this.#have < this.#wanted ? "more" : this.#read(bytes)
    }
    const reply = this.#read(piece)
    if (reply === "more") this.#append(piece)
    return reply
  }

  #read(bytes: Buffer): Reply | "more" | "wrong" {
    const lengths = [bytes.readUInt32LE(8), bytes.readUInt32LE(12), bytes.readUInt32LE(16)] as const
    const status = statuses[bytes.readUInt8(4)]
    if (bytes.readUInt32LE(0) !== this.#number || status === undefined || bytes.readUInt8(5) > 1) return "wrong"
    const [stdoutBytes, stderrBytes, valueLength] = lengths
    const valueBytes = valueLength === none ? 0 : valueLength
    if (Math.max(stdoutBytes, stderrBytes, valueBytes) > this.#outputBytes) return "wrong"
    this.#wanted = headBytes + stdoutBytes + stderrBytes + valueBytes
    if (bytes.length < this.#wanted) return "more"
    // Nothing may follow: there is one reply to one cell.
    if (bytes.length > this.#wanted) return "wrong"
    const stdout = textOf(bytes.subarray(headBytes, headBytes + stdoutBytes))
    const stderr = textOf(bytes.subarray(headBytes + stdoutBytes, headBytes + stdoutBytes + stderrBytes))
    const value = textOf(bytes.subarray(headBytes + stdoutBytes + stderrBytes))
    if (stdout === null || stderr === null || value === null) return "wrong"
    return { status, stdout, stderr, value: valueLength === none ? null : value, truncated: bytes.readUInt8(5) === 1 }
  }
}
