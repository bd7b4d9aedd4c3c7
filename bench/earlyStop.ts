// npm run bench -- early-stop [FOLDER]: what early stopping by default saves against full voting, at what difference in accuracy: on a seeded model of
// 64 samples a problem, and on recorded samples of four models, as they are and as 64 draws from them (FOLDER or $POLYA_SHARED_DATA/real).
import { existsSync } from "node:fs"
import { join } from "node:path"
import { recordedSamples } from "../test/domain/RecordedSamples.ts"
import { defaultLaw, redrawn, replay, type Sampled, seededModel } from "../test/domain/StoppingReplay.ts"
import { figure } from "./Figure.ts"

const tell = (name: string, all: ReadonlyArray<Sampled>, samples: number, inFlight: number): void => {
  const { accuracy, difference, full, saved, savedInFlight } = replay(all, defaultLaw(samples), inFlight)
  figure(`early-stop/${name}/saved`, saved, "share of samples", { against: "full voting" })
  figure(`early-stop/${name}/saved-with-${inFlight}-in-flight`, savedInFlight, "share of samples", {
    against: "full voting"
  })
  figure(`early-stop/${name}/accuracy`, accuracy, "share", { against: `full voting: ${full.toFixed(4)}` })
  figure(`early-stop/${name}/difference`, difference.mean, "share", {
    against: `95 %: ${difference.low.toFixed(4)} to ${difference.high.toFixed(4)}`
  })
}

tell("seeded-64", seededModel(2_000, 64, 1), 64, 8)
const folder = process.argv[2] ?? join(process.env["POLYA_SHARED_DATA"] ?? "../shared/data", "real")
const file = join(folder, "gsm8k_samples.jsonl")
if (existsSync(file)) {
  const recorded = recordedSamples(file)
  tell("recorded-64-draws", redrawn(recorded, 64, 1), 64, 8)
  tell("recorded-4", recorded, 4, 1)
} else process.stderr.write(`There is no ${file}: only the seeded model was replayed.\n`)
