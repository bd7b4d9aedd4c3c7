// Texts made of pieces of LaTeX in any order, against each other: no pair throws, and none is without end. POLYA_FUZZ_PAIRS and
// POLYA_FUZZ_SEED choose how many and which; the seed is printed.
import { assert, it } from "@effect/vitest"
import { verify } from "../../src/domain/Verify.ts"
import { latexLikeText, numbersFrom } from "../domain/Verify/LatexLike.ts"

const pairs = Number(process.env["POLYA_FUZZ_PAIRS"] ?? 300_000)
const seed = Number(process.env["POLYA_FUZZ_SEED"] ?? 20_261_121)

it(`${pairs} pairs of LaTeX-like texts neither throw nor hang (seed ${seed})`, () => {
  const next = numbersFrom(seed)
  const verdicts = new Map<string, number>()
  let slowestMillis = 0
  let slowest = ""
  for (let pair = 0; pair < pairs; pair++) {
    const gold = latexLikeText(next)
    const answer = next() % 4 === 0 ? gold.replace("1", "2") : latexLikeText(next)
    const from = performance.now()
    const { verdict } = verify(gold, answer, {}, next() % 2 === 0)
    const millis = performance.now() - from
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
    if (millis > slowestMillis) [slowestMillis, slowest] = [millis, JSON.stringify([gold, answer])]
  }
  process.stdout.write(
    `fuzz: seed ${seed}, ${[...verdicts].map(([verdict, count]) => `${count} ${verdict}`).join(", ")}; `
      + `slowest ${slowestMillis.toFixed(0)} ms: ${slowest}\n`
  )
  assert.strictEqual([...verdicts.values()].reduce((sum, count) => sum + count, 0), pairs)
}, 20 * 60_000)
