// The closing of a set stage: every row has left its entry in the run's index, now the stage decides over all of them. Reads pages,
// writes results in pieces, and can be repeated from the start after a crash: the same entries give the same results.
import { Effect } from "effect"
import type { NearDuplicatesParams } from "../domain/stages/NearDuplicates.ts"
import type { SplitParams } from "../domain/stages/Split.ts"
import { patient } from "./DurableActor.ts"
import { RunIndex } from "./RunIndex.ts"
import type { Closing } from "./SetClosing/Closing.ts"
import { closeExact, closeNear } from "./SetClosing/Duplicates.ts"
import { closeSplit } from "./SetClosing/Split.ts"

/** Decides one set stage and stores its results. */
export const closeSet = Effect.fn("SetClosing.close")(function*(closing: Closing) {
  const index = yield* RunIndex
  const planned = closing.plan.plan.stages[closing.ord]
  yield* patient(index.reopen(closing.owner, closing.ord))
  switch (planned?.stage.name) {
    case "exact-duplicates":
      return yield* closeExact(closing)
    case "near-duplicates":
      return yield* closeNear(closing, planned.params as NearDuplicatesParams)
    case "split":
      return yield* closeSplit(closing, planned.params as SplitParams)
    default:
      return yield* Effect.die(`the set stage ${planned?.stage.name} has no closing`)
  }
})
