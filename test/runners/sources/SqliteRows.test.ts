// SQLite sources that are made to do harm: a query without an end, values without measure, a reader that leaves.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { join } from "node:path"
import { sqliteReader } from "../../../src/runners/sources/SqliteRows.ts"
import { temporaryFolder, writeSqlite } from "./SourceFixtures.ts"

const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT "
const fileOf = Effect.map(temporaryFolder, (folder) => {
  const path = join(folder, "d.db")
  writeSqlite(path, [{ id: "a", problem: "1 + 1?" }])
  return { path, name: "d.db", bytes: 1, gzip: false }
})
const from = { offset: 0, line: 0 }

describe("a SQLite query", () => {
  it.live("that never gives a row costs its deadline, and not the process", () =>
    Effect.gen(function*() {
      const reader = sqliteReader(yield* fileOf, `${endless} max(i) AS problem FROM n`, 300)
      const error = yield* Effect.flip(Stream.runDrain(reader.read(from)))
      assert.strictEqual(error.reason, "query-failed")
      assert.include(error.message, "no rows within")
    }))
  it.live("that is at work is ended with its reader", () =>
    Effect.gen(function*() {
      const reader = sqliteReader(yield* fileOf, `${endless} max(i) AS problem FROM n`)
      assert.isTrue((yield* Effect.timeoutOption(Stream.runDrain(reader.read(from)), 300))._tag === "None")
    }))
  it.live("that has no end is read as far as it is wanted, and on from there", () =>
    Effect.gen(function*() {
      const reader = sqliteReader(yield* fileOf, `${endless} i AS problem FROM n`)
      const rows = yield* Stream.runCollect(Stream.take(reader.read(from), 1_500))
      assert.deepStrictEqual(rows.at(-1), { line: 1_500, offset: 1_500, value: { problem: 1_500 } })
      const more = yield* Stream.runCollect(Stream.take(reader.read({ offset: 1_500, line: 1_500 }), 1))
      assert.deepStrictEqual(more, [{ line: 1_501, offset: 1_501, value: { problem: 1_501 } }])
    }))
  it.live("with a value of a hundred million characters fails", () =>
    Effect.gen(function*() {
      const reader = sqliteReader(yield* fileOf, "SELECT printf('%.*c', 100000000, 'x') AS problem")
      const error = yield* Effect.flip(Stream.runDrain(reader.read(from)))
      assert.strictEqual(error.reason, "query-failed")
      assert.include(error.message, "too big")
    }))
})
