// The stage that gives a problem a difficulty, from what is known of how it was solved and of its structure (../Difficulty.ts):
// the ladder of models (`computation_buckets`), else the share of samples that solved it, else the level that its source
// gives. A ladder without a try and a rate of too few samples say nothing. A row of which none is known stays as it is.
import { Effect, Schema } from "effect"
import { censoredDifficulty, isLadderTried, ladderTop, publishedDifficulty, solvedLevel } from "../Difficulty.ts"
import { isJsonObject, type Json } from "../Json.ts"
import { type Fields, kept, type MapStage } from "../Stage.ts"

const name = (description: string, fallback: string) =>
  Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(100)).annotate({ description })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(fallback)))

export const DifficultyParams = Schema.Struct({
  mode: Schema.Literals(["censored", "published"])
    .annotate({
      description:
        "censored: what nobody solved is the hardest. published: the score of the aimo3-dataset-pipeline, 0 to 6."
    })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed("censored" as const))),
  top: Schema.Number.check(Schema.isBetween({ minimum: 1, maximum: 100 }))
    .annotate({ description: "The highest level of the ladder, mode censored; 1 to 100." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(ladderTop))),
  buckets: name("Field with the tries on the ladder: a list of { level, passes, attempts }.", "computation_buckets"),
  passRate: name("Field with the share of samples that solved it, 0 to 1.", "passRate"),
  counts: name(
    "Field with the counts behind that share, { equal, unequal, unanswered }; a share without counts is taken as it is.",
    "sampleVerdicts"
  ),
  minDecided: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }))
    .annotate({ description: "Samples that a share with counts is of at least, else the level counts; 1 to 1,000." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(4))),
  level: name("Field with the level that the source gives.", "level"),
  overwrite: Schema.Boolean
    .annotate({ description: "Whether a difficulty that the row has already is replaced." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(false)))
})
export type DifficultyParams = typeof DifficultyParams.Type

const valueOf = (fields: Fields, key: string): Json | undefined => Object.hasOwn(fields, key) ? fields[key] : undefined
const numberOf = (value: Json | undefined): number | null => {
  const number = typeof value === "string" && /^\s{0,8}\d{1,9}(?:\.\d{1,18})?\s{0,8}$/.test(value)
    ? Number(value)
    : value
  return typeof number === "number" && Number.isFinite(number) ? number : null
}

/** Samples that a pass rate is of, the undecided left out: Infinity where it is not said. */
const decidedOf = (counts: Json | undefined): number => {
  if (!isJsonObject(counts)) return Infinity
  const of = (key: string): number => Math.max(0, numberOf(counts[key]) ?? 0)
  return of("equal") + of("unequal") + of("unanswered")
}

/** What the published score ends at; a pass rate is spread over it. */
const publishedTop = 6

/**
 * The level that stands for a row: null for what was tried and never solved, undefined where nothing was tried. A pass rate p above 0
 * stands for the level (1 - p) of the scale's top; a pass rate of 0 is no solution.
 */
const levelOf = (
  fields: Fields,
  params: DifficultyParams
): { readonly level: number | null; readonly by: string } | undefined => {
  const buckets = valueOf(fields, params.buckets)
  if (isLadderTried(buckets)) return { level: solvedLevel(buckets), by: "ladder" }
  const rate = numberOf(valueOf(fields, params.passRate))
  if (rate !== null && rate >= 0 && rate <= 1 && decidedOf(valueOf(fields, params.counts)) >= params.minDecided) {
    const top = params.mode === "published" ? publishedTop : params.top
    return { level: rate === 0 ? null : top * (1 - rate), by: "pass-rate" }
  }
  const level = numberOf(valueOf(fields, params.level))
  return level === null ? undefined : { level, by: "level" }
}

export const difficulty: MapStage<DifficultyParams> = {
  kind: "map",
  name: "difficulty",
  version: 2,
  cost: "cpu",
  summary:
    "Gives problems a difficulty from the ladder of models, the pass rate of samples or the level, and their structure.",
  params: DifficultyParams,
  needs: [],
  prepare: (params) => (fields) => {
    const known = fields["difficulty"]
    if (!params.overwrite && known !== undefined && known !== null && known !== "") return kept()
    const found = levelOf(fields, params)
    const [fromText, fromSolution] = [fields["from_text"], fields["from_solution"]]
    if (found === undefined && !isJsonObject(fromText) && !isJsonObject(fromSolution)) return kept()
    // Structure alone is no try: the problem stands in the middle, as the published score has it.
    const level = found === undefined ? 2 : found.level
    const score = params.mode === "published"
      ? publishedDifficulty(level, fromText, fromSolution)
      : censoredDifficulty(level, fromText, fromSolution, params.top)
    const by = found?.by ?? "structure"
    return kept({ difficulty: Math.round(score * 10_000) / 10_000 }, { by, solved: level !== null })
  }
}
