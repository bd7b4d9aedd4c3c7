// What the law of early stopping that is used where nobody says saves, and that it costs no right answers.
import { assert, describe, it } from "@effect/vitest"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { recordedSamples } from "./RecordedSamples.ts"
import { defaultLaw, redrawn, replay, type Replayed, seededModel } from "./StoppingReplay.ts"

const file = join(
  process.env["POLYA_SHARED_DATA"] ?? join(import.meta.dirname, "../../../shared/data"),
  "real/gsm8k_samples.jsonl"
)
const holds = ({ difference, savedInFlight }: Replayed): void => {
  assert.isAtLeast(savedInFlight, 0.35)
  assert.isAtMost(difference.low, 0)
  assert.isAtLeast(difference.high, 0)
}

describe("early stopping by default", () => {
  it("saves a third of 64 samples and more of a seeded model, with as many right answers", () => {
    holds(replay(seededModel(800, 64, 1), defaultLaw(64), 8))
  })

  it.skipIf(!existsSync(file))("saves as much of 64 samples drawn from recorded ones (POLYA_SHARED_DATA)", () => {
    holds(replay(redrawn(recordedSamples(file), 64, 1), defaultLaw(64), 8))
  })

  it.skipIf(!existsSync(file))("saves what four recorded samples allow (POLYA_SHARED_DATA)", () => {
    const four = replay(recordedSamples(file), defaultLaw(4), 1)
    assert.isAbove(four.saved, 0)
    assert.strictEqual(four.accuracy, four.full)
  })
})
