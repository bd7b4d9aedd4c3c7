// Cells out of a stream of bytes, each as soon as it is complete. Bounded: what is read is at most one cell, and a longer one is refused.
import { type CommandFailed, misused } from "../Failure.ts"

export interface CellsOptions {
  /** Cells end at lines `# %%`, and at empty lines where a person types them; else all is one cell. */
  readonly split: "no" | "percent" | "percent or empty line"
  /** UTF-8 bytes of one cell, at most. */
  readonly codeBytes: number
}

/** Why there is no further cell, as an error that is thrown: the command line's own, with what to do. */
export class CellsUnfit extends Error {
  readonly failure: CommandFailed
  constructor(failure: CommandFailed) {
    super(failure.message)
    this.failure = failure
  }
}

/** A line that begins a cell, in the percent format of editors. */
const separator = /^# ?%%/

/** The cells, in order; those with nothing in them are left out. */
export async function* cellsOf(
  chunks: AsyncIterable<Uint8Array>,
  { codeBytes, split }: CellsOptions
): AsyncGenerator<string, void> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false })
  const decoded = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
    } catch {
      throw new CellsUnfit(misused("The code is not UTF-8"))
    }
  }
  /** Of the cell that is being read: its lines, and the beginning of the next one. */
  let lines: Array<string> = []
  let bytes = 0
  let rest = ""
  const bounded = () => {
    if (bytes + Buffer.byteLength(rest) <= codeBytes) return
    const message = `A cell is longer than the ${codeBytes} bytes that are allowed`
    throw new CellsUnfit(misused(message, "Split it, or raise sandbox.codeBytes.", "CodeTooLong"))
  }
  const taken = (): string => {
    const code = lines.join("")
    lines = []
    bytes = 0
    return code
  }
  const isBlank = () => lines.every((line) => line.trim() === "")

  for await (const chunk of chunks) {
    rest += decoded(chunk)
    if (split === "no") {
      lines.push(rest)
      bytes += Buffer.byteLength(rest)
      rest = ""
      bounded()
      continue
    }
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      const line = rest.slice(0, end + 1)
      rest = rest.slice(end + 1)
      const ends = separator.test(line) || (split === "percent or empty line" && line.trim() === "")
      if (ends && !isBlank()) yield taken()
      else if (ends) taken()
      if (ends) continue
      lines.push(line)
      bytes += Buffer.byteLength(line)
      bounded()
    }
    bounded()
  }
  rest += decoded()
  if (!separator.test(rest) || split === "no") lines.push(rest)
  bounded()
  if (!isBlank()) yield taken()
}
