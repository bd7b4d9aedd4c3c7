// The judge of rewards that ask for a box: only what stands in the last complete box is compared with the truth, so that a model
// learns to end with one. Made from the verifier, which is handed in.
import { lastBoxed } from "../ExtractAnswer.ts"
import type { Judge } from "../Rewards.ts"
import type { Verdict, VerifyOptions } from "../Verdict.ts"

/** `gold` may be a bare answer or a solution; `pred` is a text with one box. Total and bounded, as `verify` is. */
export type Verifier = (gold: string, pred: string, options?: VerifyOptions) => Verdict

/** No box, or an empty one: `unparsed`. Otherwise what the verifier says of the last box's content. */
export const boxedJudge = (verify: Verifier, options: VerifyOptions = {}): Judge => (response, groundTruth) => {
  const content = lastBoxed(response)
  if (content === null || content === "") return { outcome: "unparsed", boxed: content !== null }
  const { answer, verdict } = verify(groundTruth, `\\boxed{${content}}`, options)
  if (answer === null) return { outcome: "unparsed", boxed: true }
  return { outcome: verdict === "equal" ? "right" : verdict === "unequal" ? "wrong" : "undecided", boxed: true }
}
