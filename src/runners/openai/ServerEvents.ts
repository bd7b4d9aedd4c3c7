// Server-sent events out of bytes, as they come: lines end with LF, CR or CRLF, comments are left out, several data lines make one text, a
// character may come in two pieces. What is kept between two events is bounded.
import { StringDecoder } from "node:string_decoder"

/** Characters of one event. */
export const eventCharacters = 8 * 1024 * 1024

export interface ServerEvent {
  readonly event: string
  readonly data: string
}

export class ServerEvents {
  readonly #decoder = new StringDecoder("utf8")
  readonly #onEvent: (event: ServerEvent) => void
  /** Pieces of a line that is not at its end. */
  #line: Array<string> = []
  #lineLength = 0
  #data: string | null = null
  #event = ""
  #isFirst = true
  #afterCarriageReturn = false
  /** An event was longer than allowed: nothing is read any more. */
  tooLong = false

  constructor(onEvent: (event: ServerEvent) => void) {
    this.#onEvent = onEvent
  }

  push(bytes: Buffer): void {
    this.#text(this.#decoder.write(bytes))
  }

  /** No more comes. An event without its empty line is told as well. */
  end(): void {
    this.#text(this.#decoder.end())
    if (this.#lineLength > 0) this.#text("\n")
    this.#field("")
  }

  #text(piece: string): void {
    let text = piece
    if (text === "" || this.tooLong) return
    if (this.#isFirst) {
      this.#isFirst = false
      if (text.startsWith("\uFEFF")) text = text.slice(1)
    }
    if (this.#afterCarriageReturn && text.startsWith("\n")) text = text.slice(1)
    this.#afterCarriageReturn = piece.endsWith("\r")
    if (text.includes("\r")) text = text.replace(/\r\n?/g, "\n")
    let from = 0
    for (let end = text.indexOf("\n"); end >= 0 && !this.tooLong; end = text.indexOf("\n", from)) {
      const tail = text.slice(from, end)
      this.#field(this.#line.length === 0 ? tail : this.#line.join("") + tail)
      this.#line = []
      this.#lineLength = 0
      from = end + 1
    }
    if (from === text.length) return
    this.#line.push(text.slice(from))
    this.#lineLength += text.length - from
    if (this.#lineLength > eventCharacters) this.#giveUp()
  }

  #giveUp(): void {
    this.tooLong = true
    this.#line = []
    this.#data = null
  }

  #field(line: string): void {
    if (line === "") {
      const data = this.#data
      const event = this.#event
      this.#data = null
      this.#event = ""
      if (data !== null) this.#onEvent({ event, data })
      return
    }
    const colon = line.indexOf(":")
    if (colon === 0) return
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1)
    if (name === "event") this.#event = value
    if (name !== "data") return
    this.#data = this.#data === null ? value : `${this.#data}\n${value}`
    if (this.#data.length > eventCharacters) this.#giveUp()
  }
}
