// The problems that `polya eval` evaluates on, read by the sources of `polya run` from any of their formats. Rows that cannot be read, or have no
// reference answer, are counted and left out.
import { Effect, Layer, Option, Result, Schema, Stream } from "effect"
import { type GivenProblem, problemFrom } from "../../../actors/Evaluations/Given.ts"
import { Sources as SourcesPort } from "../../../actors/Sources.ts"
import {
  EvaluationProblem,
  listCharacters,
  maxProblems,
  sizeOf
} from "../../../domain/ModelEvaluation/Problems.ts"
import { isNoAnswer } from "../../../domain/NoAnswer.ts"
import { problemText } from "../../../domain/Preset.ts"
import { SourceFormat, type SourceItem, type SourceSpec, sourceStart } from "../../../domain/Source.ts"
import type { Fields } from "../../../domain/Stage.ts"
import * as Config from "../../Config.ts"
import { ConfigPlaces } from "../../Config/Settings.ts"
import * as Sources from "../../sources/Sources.ts"
import { misused, misusedBy } from "../Failure.ts"
import { plural } from "../Say.ts"

export interface ProblemFlags {
  readonly data: Option.Option<string>
  readonly format: Option.Option<string>
  readonly preset: Option.Option<string>
  readonly field: ReadonlyArray<string>
  readonly query: Option.Option<string>
  readonly limit: Option.Option<number>
  readonly config: Option.Option<string>
}

/** What was read, and what was left out. */
export interface ReadProblems {
  readonly name: string
  readonly problems: ReadonlyArray<EvaluationProblem>
  readonly rows: number
  /** Rows that cannot be read, that have no reference answer, and that are too long. */
  readonly unreadable: number
  readonly withoutAnswer: number
  readonly tooLong: number
}

const decode = Schema.decodeUnknownResult(EvaluationProblem)

export const readProblems = Effect.fnUntraced(function*(flags: ProblemFlags) {
  if (Option.isNone(flags.data)) return yield* misused("Say what to evaluate on: --data FILE")
  const spec = yield* sourceOf(flags, flags.data.value)
  const limit = Option.getOrElse(flags.limit, () => maxProblems)
  if (!(limit >= 1 && limit <= maxProblems)) return yield* misused("--limit is 1 to 100,000")
  const places = Layer.succeed(ConfigPlaces, {
    environment: process.env,
    directory: process.cwd(),
    file: Option.getOrUndefined(flags.config)
  })
  const limits = yield* Effect.mapError(Effect.provide(Config.SourceConfig.config, places), misusedBy)
  const read = { problems: new Array<EvaluationProblem>(), rows: 0, unreadable: 0, withoutAnswer: 0, tooLong: 0 }
  const seen = new Map<string, number>()
  const take = (item: SourceItem): void => {
    read.rows++
    if (item._tag === "Fault") {
      read.unreadable++
      return
    }
    const given = givenOf(item.fields, item.key)
    if (given === undefined) {
      read.withoutAnswer++
      return
    }
    // Two rows of one id are two problems.
    const before = seen.get(given.id) ?? 0
    seen.set(given.id, before + 1)
    const problem = decode(problemFrom({ ...given, id: before === 0 ? given.id : `${given.id}#${before + 1}` }))
    if (Result.isFailure(problem) || sizeOf(problem.success) > listCharacters) read.tooLong++
    else read.problems.push(problem.success)
  }
  yield* Effect.gen(function*() {
    const sources = yield* SourcesPort
    const { rows } = yield* sources.open([spec])
    yield* rows(sourceStart).pipe(
      Stream.takeWhile(() => read.problems.length < limit),
      Stream.runForEach((item) =>
        Effect.sync(() => {
          if (read.problems.length < limit) take(item)
        })
      )
    )
  }).pipe(Effect.provide(Sources.layerWith(limits)), Effect.mapError(misusedBy))
  if (read.problems.length === 0) {
    return yield* misused(
      `${flags.data.value} has no problem with a reference answer (of ${
        plural(read.rows, "row")
      }, ${read.withoutAnswer} without an answer, ${read.unreadable} that cannot be read, ${read.tooLong} too long).`,
      read.withoutAnswer === 0 ? "" : "Name the columns: --field problem=COLUMN --field answer=COLUMN"
    )
  }
  const result: ReadProblems = { name: Sources.stemOf(flags.data.value), ...read }
  return result
})

const sourceOf = Effect.fnUntraced(function*(flags: ProblemFlags, location: string) {
  const fields: { [field: string]: string } = {}
  for (const text of flags.field) {
    const at = text.indexOf("=")
    if (at < 1) return yield* misused(`--field ${text}: write FIELD=COLUMN, such as answer=final`)
    fields[text.slice(0, at)] = text.slice(at + 1)
  }
  const format = Option.getOrUndefined(flags.format)
  if (format !== undefined && !Schema.is(SourceFormat)(format)) {
    return yield* misused(`--format ${format}: there is ${SourceFormat.literals.join(", ")}`)
  }
  const spec: SourceSpec = {
    location,
    ...(format === undefined ? {} : { format }),
    ...(Option.isNone(flags.preset) ? {} : { preset: flags.preset.value }),
    ...(Option.isNone(flags.query) ? {} : { query: flags.query.value }),
    ...(flags.field.length === 0 ? {} : { fields })
  }
  return spec
})

const textOf = (fields: Fields, name: string): string | undefined => {
  const value = fields[name]
  const text = typeof value === "number" ? String(value) : typeof value === "string" ? value.trim() : ""
  return text === "" ? undefined : text
}

/** The row's problem as it would be given to a cluster; none: it has no reference answer. */
const givenOf = (fields: Fields, key: string): GivenProblem | undefined => {
  const problem = problemText(fields)
  const answer = textOf(fields, "answer")
  const reference = answer === undefined || isNoAnswer(answer) ? textOf(fields, "solution") : answer
  if (problem === undefined || reference === undefined) return undefined
  const domain = textOf(fields, "domain") ?? textOf(fields, "type")
  return {
    id: key.slice(0, 180),
    problem,
    answer: reference,
    ...(domain === undefined ? {} : { domain: domain.slice(0, 100) }),
    level: textOf(fields, "level")?.slice(0, 100) ?? null
  }
}
