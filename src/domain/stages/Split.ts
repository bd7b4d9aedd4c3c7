// The last set stage: which row goes to training, validation and test. The stage only names the row's stratum; the
// closing assigns all rows at once (ExactSplit.ts), so that the counts come out exactly.
import { Effect, Schema } from "effect"
import { fractionsSumToOne } from "../ExactSplit.ts"
import { canonical, type Json } from "../Json.ts"
import type { SetStage } from "../Stage.ts"

const fraction = Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

export const SplitFractions = Schema.Struct({ train: fraction, validation: fraction, test: fraction })
  .check(Schema.makeFilter((fractions) => fractionsSumToOne(fractions) || "train, validation and test must sum to 1"))

export const SplitParams = Schema.Struct({
  fractions: SplitFractions
    .annotate({ description: "Shares of the rows for train, validation and test; each 0 to 1, together 1." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed({ train: 0.9, validation: 0.05, test: 0.05 }))),
  stratify: Schema.Array(Schema.String).check(Schema.isMaxLength(8))
    .annotate({ description: "Fields whose values are spread over the splits in proportion; at most 8." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(["type", "level"]))),
  clusters: Schema.NullOr(Schema.String)
    .annotate({ description: "The stage whose clusters are never torn apart; null: none." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed("near-duplicates")))
})
export type SplitParams = typeof SplitParams.Type

export const split: SetStage<SplitParams> = {
  kind: "set",
  name: "split",
  version: 1,
  cost: "cpu",
  summary: "Assigns rows to train, validation and test: exact counts, strata in proportion, clusters together.",
  params: SplitParams,
  needs: [],
  prepare: ({ stratify }) => (fields) => {
    const labels: { [key: string]: Json } = {}
    for (const field of stratify) {
      const value = Object.hasOwn(fields, field) ? fields[field] : undefined
      if (value !== undefined && value !== null) labels[field] = value
    }
    const hasLabels = Object.keys(labels).length > 0
    return { key: null, bands: [], payload: null, stratum: hasLabels ? canonical(labels) : null }
  }
}
