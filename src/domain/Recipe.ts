// A recipe: the list of stages, their parameters, limits and outputs of a dataset run. This is the checked value; reading the
// YAML and naming mistakes by line is RecipeFile's work.
import { Schema } from "effect"
import { SourceSpec } from "./Source.ts"

export const Limits = Schema.Struct({
  /** Rows of a run that may be in work at once; 1 to 100,000. Default 1,024. */
  inFlight: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 })),
  /** Rows read, indexed and committed together; 1 to 5,000. Default 256. */
  batchRows: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5_000 })),
  /** Tries of one stage on one row before the row fails, with back-off from 0.2 s to 30 s between them; 1 to 20. Default 3. */
  attempts: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 })),
  /** Rows taken from the source per second; 0: no bound. Default 0. */
  rowsPerSecond: Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))
})
export type Limits = typeof Limits.Type
export const defaultLimits: Limits = { inFlight: 1_024, batchRows: 256, attempts: 3, rowsPerSecond: 0 }

export const RecipeStage = Schema.Struct({ name: Schema.String, params: Schema.Record(Schema.String, Schema.Json) })
export type RecipeStage = typeof RecipeStage.Type

export const OutputFormat = Schema.Literals(["jsonl", "parquet"])

export const Recipe = Schema.Struct({
  name: Schema.String,
  version: Schema.Int,
  description: Schema.String,
  seed: Schema.Int,
  sources: Schema.Array(SourceSpec),
  /** Benchmark files whose problems must not be in the dataset. */
  against: Schema.Array(Schema.String),
  stages: Schema.Array(RecipeStage),
  limits: Limits,
  outputs: Schema.Array(OutputFormat),
  /** Read at most this many source rows; null: all. */
  limitRows: Schema.NullOr(Schema.Int)
})
export type Recipe = typeof Recipe.Type
