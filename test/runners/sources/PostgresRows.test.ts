// PostgreSQL as a source. The live tests run on the database of the store's tests; they only read (VALUES and generate_series).
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Stream } from "effect"
import { sourceStart } from "../../../src/domain/Source.ts"
import { withoutCredentials } from "../../../src/runners/sources/PostgresRows.ts"
import { available, skipped, url } from "../postgres/TestDatabase.ts"
import { openAll, refusal } from "./SourceFixtures.ts"

const address = Redacted.value(url)
const secret = "h%C3%BCsh-hush"

describe("a PostgreSQL address", () => {
  it("is shown without user, password and parameters", () => {
    assert.strictEqual(
      withoutCredentials(`postgres://me:${secret}@db.example:5433/math?password=${secret}&sslmode=require`),
      "postgres://db.example:5433/math"
    )
    assert.notInclude(withoutCredentials(`postgres://me:${secret}@[bad/math`), secret)
  })

  it.live("without a query, or that cannot be reached, is refused without its password in any message", () =>
    Effect.gen(function*() {
      const location = `postgres://me:${secret}@127.0.0.1:1/math`
      const errors = [yield* refusal({ location }), yield* refusal({ location, query: "SELECT 1" })]
      assert.deepStrictEqual(errors.map((error) => error.reason), ["query-missing", "unreadable"])
      for (const error of errors) assert.notInclude(`${error.message} ${JSON.stringify(error)}`, "hush")
    }))
})

describe("PostgreSQL", () => {
  const query = `SELECT 'row ' || n AS id, 'Problem ' || n AS problem, n AS level, 9007199254740993 + n AS big,
    CASE WHEN n % 2 = 0 THEN 'yes' END AS answer, ARRAY['a', 'b'] AS tags, '{"x": [1]}'::jsonb AS extra, 1.5::numeric AS weight
    FROM generate_series(1, 1300) n ORDER BY n;`

  it.live("gives the rows of a query by pages, and goes on after any row", (context) => {
    context.skip(!available, skipped)
    return Effect.gen(function*() {
      const source = yield* openAll([{ location: address, query }])
      assert.strictEqual(source.bytes, null)
      const items = yield* Stream.runCollect(source.rows(sourceStart))
      assert.strictEqual(items.length, 1300)
      assert(items[1]?._tag === "Row")
      assert.deepStrictEqual(items[1].fields, {
        id: "row 2",
        problem: "Problem 2",
        answer: "yes",
        level: 2,
        big: "9007199254740995",
        tags: ["a", "b"],
        extra: { x: [1] },
        weight: "1.5"
      })
      for (const k of [1, 512, 513, 1299, 1300]) {
        const from = items[k - 1]?.next ?? sourceStart
        assert.deepStrictEqual(yield* Stream.runCollect(source.rows(from)), items.slice(k))
      }
    })
  })

  it.live("refuses what does not only read", (context) => {
    context.skip(!available, skipped)
    return Effect.gen(function*() {
      for (
        const bad of [
          "DELETE FROM nowhere",
          "SELECT 1 AS problem; SELECT 2",
          "SELECT nope",
          "SELECT set_config('transaction_read_only', 'off', true) AS problem"
        ]
      ) {
        const error = yield* refusal({ location: address, query: bad })
        assert.strictEqual(error.reason, "query-failed", bad)
      }
    })
  })
})
