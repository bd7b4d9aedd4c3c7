// The entries of the two duplicate stages and of the split.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { JsonObject } from "../../../src/domain/Json.ts"
import { exactDuplicates } from "../../../src/domain/stages/ExactDuplicates.ts"
import { nearDuplicates } from "../../../src/domain/stages/NearDuplicates.ts"
import { split } from "../../../src/domain/stages/Split.ts"
import { answersDiffer, jaccard, sameNumerals } from "../../../src/domain/text/Fingerprint.ts"
import { realRows, resources, setStage } from "./StageCase.ts"

const problem = "Let $x$ be a positive real number such that $x^2 + 3x = 28$. Find the value of $x$."
const bytes = (payload: Uint8Array | null): Uint8Array => payload ?? new Uint8Array(0)
const share = (a: ReadonlyArray<number>, b: ReadonlyArray<number>) => a.some((key) => b.includes(key))

describe("exact-duplicates", () => {
  const run = setStage(exactDuplicates)

  it("gives one key to texts that differ in spacing, delimiters and case only", () => {
    const { key } = run({ problem })
    for (
      const other of [
        problem.toUpperCase(),
        problem.replaceAll("$", ""),
        problem.replaceAll(" ", "  \n"),
        problem.replaceAll("^2", "^{2}")
      ]
    ) {
      assert.strictEqual(run({ problem: other }).key, key)
    }
    for (const other of [problem.replace("28", "29"), problem.replace("+", "-"), `${problem} Why?`]) {
      assert.notStrictEqual(run({ problem: other }).key, key)
    }
  })

  it("lets differing answers be told, and has no key for a text without tokens", () => {
    assert.isTrue(
      answersDiffer(bytes(run({ problem, answer: "4" }).payload), bytes(run({ problem, answer: "5" }).payload))
    )
    for (const fields of [{ problem: "?!" }, { problem: 3 }, {}] as ReadonlyArray<JsonObject>) {
      assert.isNull(run(fields).key)
    }
  })
})

describe("near-duplicates", () => {
  const run = setStage(nearDuplicates)

  it("makes candidates of texts that nearly repeat each other, and lets them be compared", () => {
    const [one, other] = [
      run({ problem }),
      run({ problem: problem.replace("Find the value of", "Determine the value of") })
    ]
    assert.isTrue(share(one.bands, other.bands))
    assert.isAbove(jaccard(bytes(one.payload), bytes(other.payload)), 0.6)
    assert.isTrue(sameNumerals(bytes(one.payload), bytes(other.payload)))
    assert.isFalse(sameNumerals(bytes(one.payload), bytes(run({ problem: problem.replace("28", "29") }).payload)))
  })

  it("follows the seed and the parameters", () => {
    assert.notDeepEqual(run({ problem }).bands, setStage(nearDuplicates, {}, resources([], 2))({ problem }).bands)
    assert.strictEqual(setStage(nearDuplicates, { bands: 5, rows: 2 })({ problem }).bands.length, 5)
    assert.throws(() => Schema.decodeUnknownSync(nearDuplicates.params)({ bands: 0 }))
    assert.deepStrictEqual(run({ problem: "" }), { key: null, bands: [], payload: null, stratum: null })
  })

  const rows = realRows("math_train")
  it.skipIf(rows === undefined)(
    `finds the pairs that comparing all pairs finds${rows === undefined ? " (real data is not at hand)" : ""}`,
    () => {
      const entries = (rows ?? []).slice(0, 1_000).map(run)
      let [alike, found, close, foundClose] = [0, 0, 0, 0]
      for (const [i, a] of entries.entries()) {
        for (const b of entries.slice(0, i)) {
          const similarity = jaccard(bytes(a.payload), bytes(b.payload))
          if (similarity < 0.6) continue
          const isFound = share(a.bands, b.bands)
          alike++
          if (isFound) found++
          if (similarity < 0.8) continue
          close++
          if (isFound) foundClose++
        }
      }
      assert.isAbove(alike, 10)
      assert.isAtLeast(found / alike, 0.98)
      assert.strictEqual(foundClose, close)
    }
  )
})

describe("split", () => {
  it("names the stratum by the labels that the row has, in any order of its fields", () => {
    const run = setStage(split)
    assert.strictEqual(run({ level: 5, type: "Algebra" }).stratum, "{\"level\":5,\"type\":\"Algebra\"}")
    assert.strictEqual(
      run({ type: "Algebra", level: 5 }).stratum,
      run({ level: 5, type: "Algebra", problem: "x" }).stratum
    )
    assert.strictEqual(run({ level: null, type: "Algebra" }).stratum, "{\"type\":\"Algebra\"}")
    assert.isNull(run({ problem: "x" }).stratum)
    assert.isNull(setStage(split, { stratify: [] })({ type: "Algebra" }).stratum)
  })

  it("refuses fractions that do not make a whole", () => {
    assert.throws(() =>
      Schema.decodeUnknownSync(split.params)({ fractions: { train: 0.9, validation: 0.1, test: 0.1 } })
    )
    assert.deepStrictEqual(Schema.decodeUnknownSync(split.params)({}), {
      fractions: { train: 0.9, validation: 0.05, test: 0.05 },
      stratify: ["type", "level"],
      clusters: "near-duplicates"
    })
  })
})
