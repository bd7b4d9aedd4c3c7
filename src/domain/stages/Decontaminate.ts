// The stage that keeps benchmarks out of training data: a problem that has most of a benchmark text in it, or is mostly
// in one, is dropped with every such text and the two shares. It compares runs of tokens, so that spacing, delimiters
// and case hide nothing. What it does not find: paraphrases and translations. A benchmark text with one number changed
// counts as the same text when it is long.
import { Effect, Schema } from "effect"
import { dropped, kept, type MapStage } from "../Stage.ts"
import { NgramIndex } from "../text/NgramIndex.ts"
import { tokenise } from "../text/Tokens.ts"

export const DecontaminateParams = Schema.Struct({
  n: Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 50 }))
    .annotate({ description: "Tokens of one run; texts with fewer are found as whole sentences. 2 to 50." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(8))),
  threshold: Schema.Number.check(Schema.isBetween({ minimum: 0.05, maximum: 1 }))
    .annotate({ description: "Share of the runs of one text that the other must have; 0.05 to 1." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(0.8))),
  maxMatches: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }))
    .annotate({ description: "Benchmark texts named for one dropped row, most alike first; 1 to 1,000." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(20)))
})
export type DecontaminateParams = typeof DecontaminateParams.Type

const rounded = (share: number): number => Math.round(share * 10_000) / 10_000

export const decontaminate: MapStage<DecontaminateParams> = {
  kind: "map",
  name: "decontaminate",
  version: 1,
  cost: "cpu",
  summary: "Drops problems that repeat a text of the benchmark files, whole or in most of its runs of tokens.",
  params: DecontaminateParams,
  needs: ["problem"],
  prepare: ({ maxMatches, n, threshold }, { benchmarks }) => {
    if (benchmarks.length === 0) return () => kept()
    const index = new NgramIndex(n, benchmarks.map(({ text }) => tokenise(text)))
    return (fields) => {
      const problem = fields["problem"]
      if (typeof problem !== "string") return kept()
      const found = index.query(tokenise(problem), threshold)
      if (found.length === 0) return kept()
      const matches = found
        .map(({ queryInText, text, textInQuery }) => ({
          benchmark: benchmarks[text]?.benchmark ?? "",
          id: benchmarks[text]?.id ?? "",
          benchmarkInProblem: rounded(textInQuery),
          problemInBenchmark: rounded(queryInText)
        }))
        .sort((a, b) =>
          Math.max(b.benchmarkInProblem, b.problemInBenchmark) - Math.max(a.benchmarkInProblem, a.problemInBenchmark) ||
          b.benchmarkInProblem + b.problemInBenchmark - a.benchmarkInProblem - a.problemInBenchmark
        )
      return dropped("contaminated", { matches: matches.slice(0, maxMatches), found: matches.length })
    }
  }
}
