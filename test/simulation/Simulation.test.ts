// The simulation as a test: the real code over some hundred seeds, the same history from the same seed, and planted bugs that it must find.
// A seed that fails is looked into with `npm run sim -- --seed N --trace`.
import { assert, describe, it } from "@effect/vitest"
import type { Plant } from "./Database.ts"
import { simulate } from "./Simulation.ts"

/** Lets the test runner breathe between two worlds: each is one synchronous call. */
const breath = () => new Promise<void>((resume) => setImmediate(resume))

const violationsOf = async (first: number, count: number): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  for (let seed = first; seed < first + count; seed++) {
    const { violations } = simulate({ seed })
    if (violations.length > 0) found.push(`seed ${seed}: ${violations.join("; ")}`)
    await breath()
  }
  return found
}

/** The first seed that shows a planted bug; it must do so within 100 seeds, and shows itself in far fewer. */
const seedThatFinds = async (plant: Plant): Promise<number | undefined> => {
  for (let seed = 1; seed <= 100; seed++) {
    if (simulate({ seed, plant }).violations.length > 0) return seed
    await breath()
  }
  return undefined
}

describe("a cluster in a world of troubles", () => {
  for (const [first, count] of [[1, 60], [61, 60], [121, 60], [181, 60]] as const) {
    it(`keeps what it promises: seeds ${first} to ${first + count - 1}`, async () => {
      assert.deepStrictEqual(await violationsOf(first, count), [])
    }, 300_000)
  }

  it("has the same history whenever a seed is run again", async () => {
    for (const seed of [5, 17, 23]) {
      const [one, other] = [simulate({ seed }), simulate({ seed })]
      assert.deepStrictEqual(other, one)
      await breath()
    }
    assert.notStrictEqual(simulate({ seed: 5 }).digest, simulate({ seed: 17 }).digest)
  }, 300_000)
})

describe("a planted bug is found within 100 seeds", () => {
  it("when writes are not fenced", async () => {
    assert.isDefined(await seedThatFinds("no-fencing"))
  }, 300_000)
  it("when command ids are not looked up", async () => {
    assert.isDefined(await seedThatFinds("no-dedup"))
  }, 300_000)
  it("when every driver of a run may write its index", async () => {
    assert.isDefined(await seedThatFinds("no-run-fence"))
  }, 300_000)
})
