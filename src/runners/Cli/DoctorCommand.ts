// `polya doctor`: what is there, what is broken, and what each missing part would add. With --fix it brings the part that polya can bring
// itself: SymPy, for code that models write.
import { Effect } from "effect"
import { resolve } from "node:path"
import { SandboxConfig } from "../Config.ts"
import { ConfigPlaces } from "../Config/Settings.ts"
import { runDoctor } from "../Doctor.ts"
import { SymPyUnfit } from "../sandbox/SymPy.ts"
import { type Installed, installSymPy, NotInstalled } from "../sandbox/SymPy/Install.ts"
import { findTools } from "../sandbox/Tools.ts"
import { type CommandFailed, misused, misusedBy, workFailed } from "./Failure.ts"
import { printLine } from "./Say.ts"

export interface DoctorFlags {
  readonly fix: boolean
  /** Packages to take SymPy from. */
  readonly from: ReadonlyArray<string>
  readonly json: boolean
}

const marks = { ok: "ok     ", missing: "missing", problem: "PROBLEM" }

export const doctorCommand = Effect.fn("Cli.doctor")(function*(flags: DoctorFlags) {
  if (flags.fix) return yield* fix(flags)
  if (flags.from.length > 0) return yield* misused("--from says where --fix takes SymPy from: give both")
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

const fix = Effect.fnUntraced(function*({ from, json }: DoctorFlags) {
  const places = yield* ConfigPlaces
  const config = yield* Effect.mapError(SandboxConfig.config, misusedBy)
  const { isNew, sympy } = yield* install({
    cacheDir: resolve(places.directory, config.cacheDir),
    named: config.sympy,
    tools: yield* Effect.promise(() => findTools({ python: config.python })),
    from: from.map((path) => resolve(places.directory, path)),
    say: (line) => void process.stderr.write(`${line}\n`)
  })
  if (json) return yield* printLine({ event: isNew ? "installed" : "present", name: "SymPy", ...sympy })
  const words = isNew ? "is installed" : "is there already"
  yield* Effect.sync(() => void process.stdout.write(`SymPy ${sympy.version} ${words}: ${sympy.folder}\n`))
})

/** Where it is interrupted, it waits until what was half done is gone. */
const install = (
  options: Omit<Parameters<typeof installSymPy>[0], "signal">
): Effect.Effect<Installed, CommandFailed> =>
  Effect.callback((resume) => {
    const calledOff = new AbortController()
    const work = installSymPy({ ...options, signal: calledOff.signal }).then(
      (installed) => resume(Effect.succeed(installed)),
      (cause: unknown) =>
        resume(
          cause instanceof SymPyUnfit
            ? Effect.fail(misused(cause.message))
            : cause instanceof NotInstalled
            ? Effect.fail(workFailed(cause.message))
            : Effect.die(cause)
        )
    )
    return Effect.promise(() => {
      calledOff.abort()
      return work
    })
  })
