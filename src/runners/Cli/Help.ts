// How help looks: lines folded at the width of the terminal with their columns kept. What is wrong with a command line is said by Failure.ts
// in a sentence, without pages of help around it.
import { Console, Effect } from "effect"
import { CliOutput, type HelpDoc } from "effect/cli"

const widest = 100

/** Choices are told by a flag's description; beside its name one word is enough. */
const short = (flag: HelpDoc.FlagDoc): HelpDoc.FlagDoc =>
  flag.type.includes("|") ? { ...flag, type: flag.name === "completions" ? "SHELL" : "LEVEL" } : flag

/** A line in pieces of at most `width` cells; the later ones stand under the second column, or under the first word. */
const fold = (line: string, width: number): ReadonlyArray<string> => {
  if (CliOutput.displayWidth(line) <= width) return [line]
  const column = /^ +\S.*? {2,}(?=\S)/.exec(line)?.[0] ?? /^ */.exec(line)?.[0] ?? ""
  const indent = " ".repeat(CliOutput.displayWidth(column))
  const lines: Array<string> = []
  let now = column
  let empty = true
  for (const word of line.slice(column.length).split(" ")) {
    if (!empty && CliOutput.displayWidth(now) + 1 + CliOutput.displayWidth(word) > width) {
      lines.push(now)
      now = indent
      empty = true
    }
    now += empty ? word : ` ${word}`
    empty = false
  }
  return [...lines, now]
}

export const presenter: CliOutput.Presenter = {
  present: (event) => {
    switch (event._tag) {
      case "Help": {
        const { globalFlags, ...doc } = event.helpDoc
        const text = CliOutput.defaultFormatter({ colors: process.stdout.isTTY === true, globalFlags: "summary" })
          .formatHelpDoc(globalFlags === undefined ? doc : { ...doc, globalFlags: globalFlags.map(short) })
        const width = Math.min(process.stdout.columns ?? widest, widest)
        return Console.log(text.split("\n").flatMap((line) => fold(line, width)).join("\n"))
      }
      case "InvalidInvocation":
        return Effect.void
      case "Version":
        return Console.log(`${event.name} ${event.version}`)
    }
  }
}
