// What the tests of stages share: a stage with its parameters decoded as a recipe's are, and the real data where it is
// at hand.
import { Schema } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Json, JsonObject } from "../../../src/domain/Json.ts"
import type { BenchmarkText, MapStage, Resources, SetStage } from "../../../src/domain/Stage.ts"

export const resources = (benchmarks: ReadonlyArray<BenchmarkText> = [], seed = 1): Resources => ({ benchmarks, seed })

export const mapStage = <P>(stage: MapStage<P>, params: JsonObject = {}, given: Resources = resources()) =>
  stage.prepare(Schema.decodeUnknownSync(stage.params)(params), given)

export const setStage = <P>(stage: SetStage<P>, params: JsonObject = {}, given: Resources = resources()) =>
  stage.prepare(Schema.decodeUnknownSync(stage.params)(params), given)

const folder = process.env["POLYA_SHARED_DATA"] ?? join(import.meta.dirname, "../../../../shared/data")

/** Rows of a file of real problems, as their sources give them; undefined where the data is not at hand. */
export const realRows = (name: string): ReadonlyArray<JsonObject> | undefined => {
  const path = join(folder, "real", `${name}.jsonl`)
  if (!existsSync(path)) return undefined
  return readFileSync(path, "utf8").trim().split("\n").map((line) => JSON.parse(line) as JsonObject)
}

export const textOf = (value: Json | undefined): string => (typeof value === "string" ? value : "")
