// Scripts from files: YAML or JSON with every mistake at its place, and the table of problems that a script names.
import { Effect, Result, Schema } from "effect"
import { access, open } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { loadYaml, Mistake, showMistake } from "../YamlDocument.ts"
import { type Problems, problemsOf, rowsOf } from "./Problems.ts"
import { checkScript, type Script } from "./Script.ts"

export class ScriptInvalid extends Schema.TaggedError<ScriptInvalid>()("ScriptInvalid", {
  file: Schema.String,
  problems: Schema.Array(Mistake)
}) {
  override get message() {
    return this.problems.map((problem) => showMistake(this.file, problem)).join("\n")
  }
}

export interface LoadedScript {
  readonly file: string
  readonly script: Script
  readonly problems: Problems
}

const extension = /\.(ya?ml|json)$/
const ownFolder = join(resolve(import.meta.dirname, "..", "..", ".."), "demo", "fake-llm")
const tableBytes = 256 * 1_048_576

/** The script at a path, or the one of that name among those that come with polya. */
export const loadScript = Effect.fn("FakeLlm.loadScript")(function*(nameOrPath: string) {
  const named = join(ownFolder, `${nameOrPath}.yaml`)
  const isName = basename(nameOrPath) === nameOrPath && !extension.test(nameOrPath)
  const file = isName && (yield* isPresent(named)) && !(yield* isPresent(nameOrPath)) ? named : resolve(nameOrPath)
  const document = yield* loadYaml(file)
  const checked = checkScript(document.value)
  const found = [
    ...document.mistakes,
    ...(Result.isFailure(checked) && !document.broken ? checked.failure.map(document.place) : [])
  ].sort((a, b) => a.line - b.line || a.column - b.column)
  if (found.length > 0 || Result.isFailure(checked)) return yield* new ScriptInvalid({ file, problems: found })
  const script = checked.success
  if (typeof script.problems !== "string") return { file, script, problems: problemsOf(script.problems ?? []) }
  const table = resolve(dirname(file), script.problems)
  const wrong = (message: string) =>
    new ScriptInvalid({ file, problems: [document.place({ path: ["problems"], at: "value", message })] })
  const text = yield* Effect.tryPromise({
    try: () => readTable(table),
    catch: (cause) => wrong(`Cannot read ${table}: ${cause instanceof Error ? cause.message : String(cause)}`)
  })
  const rows = rowsOf(text)
  if (Result.isFailure(rows)) return yield* wrong(`${table}, ${rows.failure}`)
  return { file, script, problems: problemsOf(rows.success) }
})

const isPresent = (file: string): Effect.Effect<boolean> =>
  Effect.promise(() => access(file).then(() => true, () => false))

const readTable = async (file: string): Promise<string> => {
  await using handle = await open(file, "r")
  const stat = await handle.stat()
  if (!stat.isFile()) throw new Error("it is no file")
  if (stat.size > tableBytes) throw new Error(`it has more than ${tableBytes} bytes`)
  return new TextDecoder("utf-8", { fatal: true }).decode(await handle.readFile())
}
