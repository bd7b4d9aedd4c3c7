// `polya doctor`: what is there, what is broken, and what each missing part would add.
import { Effect } from "effect"
import { runDoctor } from "../Doctor.ts"
import { workFailed } from "./Failure.ts"
import { printLine } from "./Say.ts"

const marks = { ok: "ok     ", missing: "missing", problem: "PROBLEM" }

export const doctorCommand = Effect.fn("Cli.doctor")(function*(flags: { readonly json: boolean }) {
  const findings = yield* runDoctor()
  if (flags.json) yield* Effect.forEach(findings, printLine, { discard: true })
  else {
    const width = Math.max(...findings.map(({ name }) => name.length))
    const indent = " ".repeat(width + 10)
    const lines = findings.flatMap(({ adds, fix, found, name, status }) => [
      `${marks[status]} ${name.padEnd(width)}  ${found.replaceAll("\n", `\n${indent}`)}`,
      ...(status !== "missing" || adds === "" ? [] : [`${indent}would add: ${adds}`]),
      ...(status === "ok" || fix === "" ? [] : [`${indent}to do: ${fix}`])
    ])
    yield* Effect.sync(() => process.stdout.write(`${lines.join("\n")}\n`))
  }
  const broken = findings.filter(({ status }) => status === "problem")
  if (broken.length > 0) return yield* workFailed(`${broken.map(({ name }) => name).join(", ")}: see above`)
})
