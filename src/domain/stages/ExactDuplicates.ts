// The set stage for texts that say the same token by token: other spacing, delimiters, case or spelling of a LaTeX
// command make no difference. Rows of one key are duplicates; the closing keeps the first.
import { Schema } from "effect"
import { digest } from "../Ids.ts"
import type { SetStage } from "../Stage.ts"
import { fingerprint } from "../text/Fingerprint.ts"
import { tokenise } from "../text/Tokens.ts"

export const ExactDuplicatesParams = Schema.Struct({})
export type ExactDuplicatesParams = typeof ExactDuplicatesParams.Type

const noShingles = new Uint32Array(0)

/**
 * The payload is a fingerprint without shingles: enough for `answersDiffer`. A text without tokens has no key and is
 * kept.
 */
export const exactDuplicates: SetStage<ExactDuplicatesParams> = {
  kind: "set",
  name: "exact-duplicates",
  version: 1,
  cost: "cpu",
  summary: "Drops problems whose text, apart from spacing, delimiters and case, an earlier row has.",
  params: ExactDuplicatesParams,
  needs: ["problem"],
  prepare: () => (fields) => {
    const problem = fields["problem"]
    const answer = fields["answer"]
    const { words } = tokenise(typeof problem === "string" ? problem : "")
    if (words.length === 0) return { key: null, bands: [], payload: null, stratum: null }
    return {
      key: digest(["tokens", words.join(" ")], 32),
      bands: [],
      payload: fingerprint(words, noShingles, typeof answer === "string" ? answer : undefined),
      stratum: null
    }
  }
}
