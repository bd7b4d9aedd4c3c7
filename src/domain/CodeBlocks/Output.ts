// What a program came to, as the model is shown it: in a block of the style in which the program was written. It is text of a stranger: it can
// neither close its own block nor open another, nothing in it is invisible, and its middle is left out where it is long.
import { cutMiddle, plainMarks } from "../Prompts/Untrusted.ts"
import type { CellResult, KillCause } from "../Sandbox.ts"

/** Controls but line feed and tab, marks of direction, what has no width, and tags that cannot be seen. */
const hidden =
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu
const named = (sign: string): string => {
  const code = sign.codePointAt(0) ?? 0
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, "0")}`
    : code < 0x10000
    ? `\\u${code.toString(16).padStart(4, "0")}`
    : `\\U${code.toString(16).padStart(8, "0")}`
}
/** Text that stays text inside of a block: no marks of fences, tags or templates, nothing that cannot be seen. */
export const harmless = (text: string): string =>
  plainMarks(text.replaceAll("\r\n", "\n")).replace(hidden, named).replace(
    /`{3,}|~{3,}/g,
    (run) => [...run].join(" ")
  )

/** Frames of a traceback that are kept: the last ones, where it went wrong. */
const framesKept = 3
const frameStart = /^ +File "/

/** Standard error with the last traceback in it shortened to its last frames. */
export const shortTraceback = (stderr: string): string => {
  const lines = stderr.split("\n")
  const from = lines.findLastIndex((line) => line.startsWith("Traceback (most recent call last)"))
  if (from < 0) return stderr
  const frames = lines.flatMap((line, at) => at > from && frameStart.test(line) ? [at] : [])
  const first = frames[0]
  const kept = frames.at(-framesKept)
  if (first === undefined || kept === undefined || frames.length <= framesKept) return stderr
  const missing = frames.length - framesKept
  return [
    ...lines.slice(0, first),
    `  [${missing} ${missing === 1 ? "call" : "calls"} before are left out]`,
    ...lines.slice(kept)
  ].join("\n")
}

const seconds = (millis: number): string => `${Number((millis / 1_000).toPrecision(2))} s`
const lostState = "Its variables are lost: define again what you need."
const causes: { readonly [cause in KillCause]: string } = {
  wall: "it took too long and did not stop when asked to",
  cpu: "it used up its processor time",
  memory: "it used too much memory",
  disk: "it wrote too much to disk",
  crash: "its interpreter crashed",
  protocol: "its interpreter crashed",
  host: "its interpreter was ended from outside"
}

/** A sentence on how it ended; "" where it ended well. */
const ending = ({ cause, millis, stateLost, status }: CellResult): string => {
  switch (status) {
    case "timeout":
      return `The program was stopped after ${seconds(millis)}. What it had defined until then is kept.`
    case "killed":
      return `The program was ended: ${cause === null ? "it could not go on" : causes[cause]}. ${lostState}`
    case "exited":
      return `The program ended itself.${stateLost ? ` ${lostState}` : ""}`
    default:
      return stateLost ? lostState : ""
  }
}

const section = (text: string): ReadonlyArray<string> => {
  const trimmed = text.trimEnd()
  return trimmed === "" ? [] : [trimmed]
}

/** What the program printed and came to, at most `characters` of it, and how it ended. */
export const outputText = (result: CellResult, characters: number): string => {
  const { status, stderr, stdout, truncated, value } = result
  const printed = [...section(stdout), ...section(value ?? ""), ...section(shortTraceback(stderr))].join("\n")
  const shown = cutMiddle(
    harmless(printed),
    characters,
    (missing) => `\n[${missing} characters of the output are left out here]\n`
  )
  const end = ending(result)
  return [
    ...section(shown),
    ...(truncated ? ["[The output was longer than is kept.]"] : []),
    ...(end === "" ? [] : [`[${end}]`]),
    ...(shown === "" && status === "ok" ? ["[The program printed nothing.]"] : [])
  ].join("\n")
}

/** How many programs may still run, in words. */
export const executionsNotice = (remaining: number): string =>
  remaining === 0
    ? "(Code executions remaining: 0. Give your final answer now, without another program.)"
    : `(Code executions remaining: ${remaining}.)`

/** An output in its block, with the notice behind it, where no program can write. `text` is harmless already. */
export const outputBlock = (text: string, style: "fenced" | "tags", notice: string): string =>
  `${style === "fenced" ? `\`\`\`output\n${text}\n\`\`\`` : `<tool_response>\n${text}\n</tool_response>`}\n${
    notice === "" ? "" : `${notice}\n`
  }`
