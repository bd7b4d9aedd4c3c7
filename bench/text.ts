// How fast the stages of the text are on real problems, and how much the duplicates' bands find. One JSON line per
// figure. node bench/text.ts [FOLDER]   a folder with math_train, gsm8k_train, math500 and gsm8k_test as JSON lines;
// else $POLYA_SHARED_DATA/real.
import { Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assign } from "../src/domain/ExactSplit.ts"
import type { Json, JsonObject } from "../src/domain/Json.ts"
import {
  type BenchmarkText,
  type MapStage,
  patched,
  type Resources,
  type SetEntry,
  type SetStage
} from "../src/domain/Stage.ts"
import { decontaminate } from "../src/domain/stages/Decontaminate.ts"
import { exactDuplicates } from "../src/domain/stages/ExactDuplicates.ts"
import { nearDuplicates } from "../src/domain/stages/NearDuplicates.ts"
import { normalise } from "../src/domain/stages/Normalise.ts"
import { quality } from "../src/domain/stages/Quality.ts"
import { split } from "../src/domain/stages/Split.ts"
import { jaccard } from "../src/domain/text/Fingerprint.ts"
import { NgramIndex } from "../src/domain/text/NgramIndex.ts"
import { tokenise } from "../src/domain/text/Tokens.ts"

const folder = process.argv[2] ?? join(process.env["POLYA_SHARED_DATA"] ?? "../shared/data", "real")
const figure = (name: string, value: number, unit: string) =>
  process.stdout.write(JSON.stringify({ name, value: Number(value.toPrecision(4)), unit }) + "\n")

const read = (name: string): ReadonlyArray<JsonObject> =>
  readFileSync(join(folder, `${name}.jsonl`), "utf8").trim().split("\n").map((line) => JSON.parse(line) as JsonObject)
const text = (value: Json | undefined): string => (typeof value === "string" ? value : "")

/** Results of `work` on each item; prints items a second, the best of three rounds. */
const perSecond = <A, B>(name: string, items: ReadonlyArray<A>, work: (item: A) => B): ReadonlyArray<B> => {
  let best = Infinity
  let results: ReadonlyArray<B> = []
  for (let round = 0; round < 3; round++) {
    const start = performance.now()
    results = items.map(work)
    best = Math.min(best, performance.now() - start)
  }
  figure(`text/${name}`, (items.length / best) * 1_000, "rows/s")
  return results
}

const benchmarks = ["math500", "gsm8k_test"].flatMap((benchmark) =>
  read(benchmark).map((row, i): BenchmarkText => ({
    benchmark,
    id: String(i + 1),
    text: text(row["problem"] ?? row["question"])
  }))
)
const resources: Resources = { benchmarks, seed: 1 }
const map = <P>(stage: MapStage<P>) => stage.prepare(Schema.decodeUnknownSync(stage.params)({}), resources)
const set = <P>(stage: SetStage<P>) => stage.prepare(Schema.decodeUnknownSync(stage.params)({}), resources)

const raw = ["math_train", "gsm8k_train"].flatMap(read)
const rows = perSecond("normalise", raw, map(normalise)).map((outcome, i) =>
  patched(raw[i] ?? {}, outcome._tag === "Kept" ? outcome.patch : {})
)
const texts = rows.map((row) => text(row["problem"]))
const share = (name: string, outcomes: ReadonlyArray<{ readonly _tag: string }>) =>
  figure(`text/${name}/dropped`, outcomes.filter(({ _tag }) => _tag === "Dropped").length / outcomes.length, "share")

const tokens = perSecond("tokenise", texts, tokenise)
figure("text/tokens", tokens.reduce((sum, { words }) => sum + words.length, 0) / tokens.length, "tokens/row")
share("quality", perSecond("quality", rows, map(quality)))
share("decontaminate", perSecond("decontaminate", rows, map(decontaminate)))
figure("text/decontaminate/index", new NgramIndex(8, benchmarks.map((one) => tokenise(one.text))).byteLength, "bytes")
perSecond("exact-duplicates", rows, set(exactDuplicates))
const entries: ReadonlyArray<SetEntry> = perSecond("near-duplicates", rows, set(nearDuplicates))
perSecond("split", rows, set(split))

// All pairs of the first rows: what the bands find of what is there.
const sample = entries.slice(0, 3_000)
const limits = [0.6, 0.8]
const [there, found] = [limits.map(() => 0), limits.map(() => 0)]
for (const [i, one] of sample.entries()) {
  for (const other of sample.slice(0, i)) {
    const similarity = one.payload === null || other.payload === null ? 0 : jaccard(one.payload, other.payload)
    for (const [k, limit] of limits.entries()) {
      if (similarity < limit) continue
      there[k] = (there[k] ?? 0) + 1
      if (one.bands.some((band) => other.bands.includes(band))) found[k] = (found[k] ?? 0) + 1
    }
  }
}
for (const [k, limit] of limits.entries()) {
  figure(`text/near-duplicates/pairs-${limit}`, there[k] ?? 0, "pairs")
  figure(`text/near-duplicates/recall-${limit}`, (found[k] ?? 0) / (there[k] ?? 0), "share")
}

const units = Array.from({ length: 1_000_000 }, (_, order) => ({
  order,
  stratum: String(order % 35),
  cluster: order % 4 === 0 ? String(Math.floor(order / 40)) : null
}))
const start = performance.now()
assign(units, { train: 0.9, validation: 0.05, test: 0.05 }, 1)
figure("text/split/assign", (units.length / (performance.now() - start)) * 1_000, "rows/s")
