// npm run bench -- contest [--contests 10000]: the time of a contest by our law against an equal split, over the same seeded contests. Fails
// where a contest runs over its time or leaves a problem without an answer.
import { parseArgs } from "node:util"
import { pairedDifference } from "../src/domain/Statistics/PairedTests.ts"
import { drawContest, equalSplit, type Law, play } from "../test/domain/ContestSimulation.ts"
import { figure } from "./Figure.ts"

const { values } = parseArgs({ options: { contests: { type: "string", default: "10000" } } })
const contests = Number(values.contests)

/** Right answers of each contest, as if it had fifty problems; passes are told up to three seconds late. */
const scores = (law: Law): ReadonlyArray<number> =>
  Array.from({ length: contests }, (_, seed) => {
    const { problems, right } = play(drawContest(seed), law, 3_000)
    return (right / problems) * 50
  })

const startMillis = performance.now()
const ours = scores({ passes: 3 })
figure("contests a second", contests / ((performance.now() - startMillis) / 1000), "1/s")
const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length
figure("right of 50", mean(ours), "problems")
const laws: Readonly<Record<string, Law>> = {
  "an equal split": equalSplit,
  "one pass that carries time over": { passes: 1, pace: { first: 1e9, again: 1, sure: 0.95 } }
}
for (const [name, law] of Object.entries(laws)) {
  const others = scores(law)
  const difference = pairedDifference(ours, others)
  figure("right of 50", mean(others), "problems", { against: name })
  figure("difference, mean", difference?.mean ?? 0, "problems", { against: name })
  figure("difference, low of 95 %", difference?.low ?? 0, "problems", { against: name })
  figure("difference, high of 95 %", difference?.high ?? 0, "problems", { against: name })
}
