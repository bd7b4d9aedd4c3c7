// The problems that `polya compete` works on, read by the sources of `polya run` from any of their formats. All of them count: a row that cannot be
// read is a mistake to be told before the time begins. Right answers stay here, for the score at the end.
import { Effect, Layer, Option, Stream } from "effect"
import { Sources as SourcesPort } from "../../../actors/Sources.ts"
import { type GivenProblem, maxProblems, maxTextCharacters } from "../../../domain/Contest.ts"
import { isNoAnswer } from "../../../domain/NoAnswer.ts"
import { problemText } from "../../../domain/Preset.ts"
import { type SourceSpec, sourceStart } from "../../../domain/Source.ts"
import * as Config from "../../Config.ts"
import { ConfigPlaces } from "../../Config/Settings.ts"
import * as Sources from "../../sources/Sources.ts"
import { misused, misusedBy } from "../Failure.ts"

export interface CompeteProblems {
  readonly name: string
  readonly problems: ReadonlyArray<GivenProblem>
  /** Right answers by id, of those that have one. */
  readonly answers: ReadonlyMap<string, string>
}

export const readProblems = Effect.fnUntraced(function*(flags: {
  readonly problems: Option.Option<string>
  readonly field: ReadonlyArray<string>
  readonly config: Option.Option<string>
}) {
  if (Option.isNone(flags.problems)) return yield* misused("Say what to work on: --problems FILE")
  const location = flags.problems.value
  const fields: { [field: string]: string } = {}
  for (const text of flags.field) {
    const at = text.indexOf("=")
    if (at < 1) return yield* misused(`--field ${text}: write FIELD=COLUMN, such as problem=question`)
    fields[text.slice(0, at)] = text.slice(at + 1)
  }
  const spec: SourceSpec = { location, ...(flags.field.length === 0 ? {} : { fields }) }
  const places = Layer.succeed(ConfigPlaces, {
    environment: process.env,
    directory: process.cwd(),
    file: Option.getOrUndefined(flags.config)
  })
  const limits = yield* Effect.mapError(Effect.provide(Config.SourceConfig.config, places), misusedBy)
  const items = yield* Effect.gen(function*() {
    const { rows } = yield* (yield* SourcesPort).open([spec])
    return yield* Stream.runCollect(Stream.take(rows(sourceStart), maxProblems + 1))
  }).pipe(Effect.provide(Sources.layerWith(limits)), Effect.mapError(misusedBy))

  const problems: Array<GivenProblem> = []
  const answers = new Map<string, string>()
  const seen = new Set<string>()
  let characters = 0
  for (const item of items) {
    const where = `${location}, row ${problems.length + 1}`
    if (item._tag === "Fault") return yield* misused(`${where}: ${item.message}`, "", item.tag)
    const problem = problemText(item.fields)
    if (problem === undefined) {
      return yield* misused(`${where} has no problem.`, "Name the column: --field problem=COLUMN")
    }
    const id = item.key
    if (id.length > 200) return yield* misused(`${where}: its id is longer than 200 characters`)
    if (seen.has(id)) {
      return yield* misused(`${where}: the id ${JSON.stringify(id)} was there before.`, "Give each problem its own.")
    }
    seen.add(id)
    characters += problem.length
    problems.push({ id, problem })
    const answer = item.fields["answer"]
    const text = typeof answer === "number" ? String(answer) : typeof answer === "string" ? answer.trim() : ""
    if (text !== "" && !isNoAnswer(text)) answers.set(id, text)
  }
  if (problems.length === 0) return yield* misused(`${location} has no problem.`)
  if (problems.length > maxProblems) {
    return yield* misused(`${location} has more than ${maxProblems} problems, which is the bound of a contest.`)
  }
  if (characters > maxTextCharacters) {
    return yield* misused(`The problems have ${characters} characters together, and ${maxTextCharacters} is the bound.`)
  }
  const read: CompeteProblems = { name: Sources.stemOf(location), problems, answers }
  return read
})
