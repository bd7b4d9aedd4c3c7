// Answers on the command line that begin with a minus, such as -1/2 or -\frac12, which a parser of flags would take apart letter by letter.
// Only `polya verify GOLD ANSWER` is concerned; every other command line stays as it is.

/** Flags of `polya verify`, and of every command, that take the argument after them. */
const valued: ReadonlySet<string> = new Set([
  "--in",
  "--out",
  "--workers",
  "--opts",
  "--last-resort",
  "--config",
  "--log-level",
  "--completions"
])
/** All that is a flag with one dash. */
const short: ReadonlySet<string> = new Set(["-h", "-v"])

/**
 * The arguments with the answers of `verify` after its flags and a `--`, if one of them begins with a single dash; else as they are. What begins
 * with two dashes is a flag, known or not.
 */
export const withAnswersLast = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (args[0] !== "verify" || args.includes("--")) return args
  const flags: Array<string> = []
  const answers: Array<string> = []
  for (let at = 1; at < args.length; at++) {
    const arg = args[at] as string
    if (!arg.startsWith("--") && !short.has(arg)) answers.push(arg)
    else flags.push(...args.slice(at, valued.has(arg) ? ++at + 1 : at + 1))
  }
  return answers.some((answer) => /^-./s.test(answer)) ? ["verify", ...flags, "--", ...answers] : args
}
