// What people see of a cell: its outputs on those of the program, its value on a line of its own, and one line for anything but ok. A
// terminal gets no control characters of code that nobody trusts.
import type { ProgramCheck } from "../../../domain/ProgramCheck.ts"
import type { CellResult, KillCause } from "../../../domain/Sandbox.ts"
import { count } from "../Say.ts"

const controls = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu

/** The text with its control characters, line breaks and tabs aside, as `\u001b`: nothing in it moves a cursor or turns a line around. */
export const visible = (text: string): string =>
  text.replace(
    controls,
    (sign) => sign === "\n" || sign === "\t" ? sign : `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`
  )

const write = (stream: NodeJS.WriteStream, text: string): void => {
  if (text !== "") stream.write(stream.isTTY ? visible(text) : text)
}
export const say = (text: string): void => write(process.stderr, `polya: ${text}\n`)

/** One JSON object on a line. Control characters stand in its texts only, where their escapes mean the same. */
export const printJson = (value: object): void => write(process.stdout, `${JSON.stringify(value)}\n`)

const killed: { readonly [C in KillCause]: string } = {
  wall: "did not stop at its wall limit and was killed; give it more with --wall, or find what does not end",
  cpu: "used up its processor time and was killed; sandbox.cpuMillis is the bound",
  memory: "used up its memory and was killed; sandbox.memoryBytes is the bound",
  disk: "used up its disk space and was killed; sandbox.scratchBytes is the bound",
  crash: "crashed its interpreter",
  protocol: "disturbed its interpreter and was killed",
  host: "was ended from outside; run it again"
}

const happened = ({ cause, millis, status }: CellResult): string => {
  switch (status) {
    case "ok":
      return ""
    case "error":
      return "raised an error; its traceback is above"
    case "timeout":
      return `was interrupted at its wall limit after ${count(Math.round(millis))} ms; give it more with --wall`
    case "exited":
      return "ended its program"
    case "killed":
      return `${killed[cause ?? "crash"]} (after ${count(Math.round(millis))} ms)`
  }
}

/** A line about a cell that was not ok; the last word is the level. */
export const lineOf = (result: CellResult): string =>
  `cell ${result.cell} (${[result.status, ...(result.cause === null ? [] : [result.cause])].join(", ")}) ${
    happened(result)
  } [${result.level}]`

export const printCell = (result: CellResult): void => {
  const { status, stderr, stdout, truncated, value } = result
  const ended = (text: string) => text === "" || text.endsWith("\n") ? text : `${text}\n`
  write(process.stdout, `${value === null ? stdout : ended(stdout)}${value === null ? "" : `${value}\n`}`)
  write(process.stderr, ended(stderr))
  if (truncated) {
    say(`cell ${result.cell} printed more than is kept; sandbox.outputBytes is the bound [${result.level}]`)
  }
  if (status !== "ok") say(lineOf(result))
}

export const printCheck = ({ detail, outcome }: ProgramCheck): void => say(`${outcome}: ${detail}`)
