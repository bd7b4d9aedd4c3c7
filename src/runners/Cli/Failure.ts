// How a command ends badly: one error with an exit code, told once on stderr. 1: the work failed; 2: wrong usage or configuration; 130: interrupted.
import { Cause, Effect, Schema } from "effect"

export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", {
  exitCode: Schema.Int,
  message: Schema.String,
  /** What to do about it; empty: the message says it. */
  hint: Schema.String
}) {}

/** The work failed. */
export const workFailed = (message: string, hint = ""): CommandFailed =>
  new CommandFailed({ exitCode: 1, message, hint })
/** Wrong usage or configuration. */
export const misused = (message: string, hint = ""): CommandFailed => new CommandFailed({ exitCode: 2, message, hint })

const found = (cause: Cause.Cause<unknown>): CommandFailed | undefined => {
  const error = Cause.squash(cause)
  return error instanceof CommandFailed ? error : undefined
}

export const exitCodeOf = (cause: Cause.Cause<unknown>): number | undefined => found(cause)?.exitCode

export const reportFailure = (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Effect.sync(() => {
    if (Cause.hasInterruptsOnly(cause)) return
    const failure = found(cause)
    if (failure === undefined) {
      process.stderr.write(`polya: this is a bug in polya, please report it:\n${Cause.pretty(cause)}\n`)
      return
    }
    if (failure.message !== "") process.stderr.write(`polya: ${failure.message}\n`)
    if (failure.hint !== "") process.stderr.write(`       ${failure.hint}\n`)
  })
