// How a command ends badly: one error with an exit code, told once: on stderr for people and, with --json, as the last line of stdout for
// machines. 1: the work failed; 2: wrong usage, configuration or input, before any work; 130: interrupted.
import { Cause, Effect, Schema } from "effect"
import type { CliError } from "effect/cli"
import { printLine, visible } from "./Say.ts"

export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", {
  exitCode: Schema.Int,
  /** What happened, by one name; for machines. */
  tag: Schema.String,
  message: Schema.String,
  /** What to do about it; empty: the message says it. */
  hint: Schema.String
}) {}

/** The work failed. */
export const workFailed = (message: string, hint = "", tag = "WorkFailed"): CommandFailed =>
  new CommandFailed({ exitCode: 1, tag, message, hint })
/** Wrong usage, configuration or input. */
export const misused = (message: string, hint = "", tag = "Misused"): CommandFailed =>
  new CommandFailed({ exitCode: 2, tag, message, hint })
/** `misused` in the words and under the tag of an error of the program. */
export const misusedBy = (error: { readonly _tag: string; readonly message: string }, hint = ""): CommandFailed =>
  misused(error.message, hint, error._tag)

/** What the parser of the command line refused; empty if nothing but help was asked for. */
export const usageFailed = (error: CliError.CliError): CommandFailed => {
  if (error._tag !== "ShowHelp") return misused(error.message, "", "Usage")
  // Help without a mistake was printed already: `polya` alone is no error.
  if (error.errors.length === 0) return new CommandFailed({ exitCode: 0, tag: "Help", message: "", hint: "" })
  const words = error.errors.map(({ message }) =>
    message.replace(/\s*Did you mean this\?\s*/, "; did you mean ").replace(/(did you mean .*)$/s, "$1?").replace(
      /\s+/g,
      " "
    )
  )
  return misused(words.join("\n"), `\`${[...error.commandPath, "--help"].join(" ")}\` tells how it is used.`, "Usage")
}

const interrupted = new CommandFailed({ exitCode: 130, tag: "Interrupted", message: "Interrupted.", hint: "" })

const failureOf = (cause: Cause.Cause<unknown>): CommandFailed => {
  if (Cause.hasInterruptsOnly(cause)) return interrupted
  const error = Cause.squash(cause)
  if (error instanceof CommandFailed) return error
  return workFailed(`This is a bug in polya, please report it:\n${Cause.pretty(cause)}`, "", "Defect")
}

export const exitCodeOf = (cause: Cause.Cause<unknown>): number => failureOf(cause).exitCode

/** Says why the command failed. */
export const reportFailure = (json: boolean) => (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { exitCode, hint, message, tag } = failureOf(cause)
    if (message === "") return Effect.void
    // A person who pressed Ctrl-C knows.
    if (tag !== "Interrupted") {
      const [first, ...rest] = `${message}${hint === "" ? "" : `\n${hint}`}`.split("\n").map(visible)
      process.stderr.write([`polya: ${first}`, ...rest.map((line) => `       ${line}`)].join("\n") + "\n")
    }
    return json ? printLine({ event: "error", tag, message, hint, exitCode }) : Effect.void
  })
