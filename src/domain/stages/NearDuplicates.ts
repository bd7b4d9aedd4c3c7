// The set stage for texts that say nearly the same. Rows that share a band key are candidates; the closing compares
// them by `jaccard` on their payloads (Fingerprint.ts) and decides with `PairCollector` (Clusters.ts). Rows that are
// not dropped but alike form clusters, which the split keeps together. Texts that differ in their numerals are
// variants: alike, never duplicates.
import { Effect, Schema } from "effect"
import type { SetStage } from "../Stage.ts"
import { fingerprint, shingleHashes } from "../text/Fingerprint.ts"
import { minHash } from "../text/MinHash.ts"
import { tokenise } from "../text/Tokens.ts"

const similarity = Schema.Number.check(Schema.isBetween({ minimum: 0.05, maximum: 1 }))

/**
 * The defaults find a pair of similarity 0.5 with probability 0.87, of 0.6 with 0.988, of 0.7 with 0.9998, and one of 0.3 with 0.23
 * (MinHash.ts has the formula). Rows are grouped from 0.5 on, so that what another tokeniser calls 0.6 alike is on one side as well.
 */
export const NearDuplicatesParams = Schema.Struct({
  shingle: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 }))
    .annotate({ description: "Tokens of one shingle, the unit of comparison; 1 to 20." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(3))),
  bands: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 128 }))
    .annotate({ description: "Bands: more of them find more candidates; 1 to 128." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(32))),
  rows: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 32 }))
    .annotate({ description: "MinHash values of a band: more of them find fewer candidates; 1 to 32." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(4))),
  dropAt: similarity
    .annotate({
      description:
        "Jaccard similarity of the shingles from which a row repeats an earlier one and is dropped; 0.05 to 1."
    })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(0.85))),
  groupAt: similarity
    .annotate({
      description: "Similarity from which rows belong to one cluster and stay on one side of the split; 0.05 to 1."
    })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(0.5)))
})
export type NearDuplicatesParams = typeof NearDuplicatesParams.Type

export const nearDuplicates: SetStage<NearDuplicatesParams> = {
  kind: "set",
  name: "near-duplicates",
  version: 1,
  cost: "cpu",
  summary: "Drops problems that nearly repeat an earlier row with the same numbers, and groups those that are alike.",
  params: NearDuplicatesParams,
  needs: ["problem"],
  prepare: ({ bands, rows, shingle }, { seed }) => {
    const bandsOf = minHash(seed, bands, rows)
    return (fields) => {
      const problem = fields["problem"]
      const answer = fields["answer"]
      const { words } = tokenise(typeof problem === "string" ? problem : "")
      if (words.length === 0) return { key: null, bands: [], payload: null, stratum: null }
      const shingles = shingleHashes(words, shingle)
      return {
        key: null,
        bands: bandsOf(shingles),
        payload: fingerprint(words, shingles, typeof answer === "string" ? answer : undefined),
        stratum: null
      }
    }
  }
}
