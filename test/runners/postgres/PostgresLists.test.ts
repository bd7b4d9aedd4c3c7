// What only the lists on PostgreSQL have: their upkeep, their own connections, and stores that are older than they.
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { ActorIndex } from "../../../src/actors/ActorIndex.ts"
import { ActorStore } from "../../../src/actors/ActorStore.ts"
import type { ActorCommit } from "../../../src/domain/Commit.ts"
import { migrationTable, postgresMigrations } from "../../../src/runners/Migrations.ts"
import * as PostgresClient from "../../../src/runners/postgres/PostgresClient.ts"
import { available, freshSchema, layerIn, query, skipped, url } from "./TestDatabase.ts"

const commit = (id: string, expected: number, status: string, text: string | null = null): ActorCommit => ({
  type: "T",
  id,
  expected,
  state: "1",
  replies: [],
  events: [],
  facets: { status, stage: null, group: null, attempts: 0, error: null, waiting: null, text }
})
const open = (schema: string) =>
  Effect.map(Layer.build(Layer.fresh(layerIn(schema))), (context) => ({
    store: Context.get(context, ActorStore),
    index: Context.get(context, ActorIndex)
  }))
const row = (status: string, count: number) => ({ type: "T", status, stage: null, count })

describe.skipIf(!available)("lists on PostgreSQL", () => {
  it.effect("keep exact tallies while upkeep folds what flushes added", () =>
    Effect.gen(function*() {
      const schema = freshSchema()
      const runners = yield* Effect.all([open(schema), open(schema)])
      const changes = query<{ count: number }>(`SELECT count(*)::int4 AS count FROM ${schema}.polya_actor_tally_change`)
      const actors = Array.from({ length: 600 }, (_, i) => `a${i}`)
      for (const [n, { store }] of runners.entries()) {
        yield* store.commit(actors.map((id) => commit(`${n}${id}`, 0, "new", `words of ${id}`)))
      }
      const index = runners[0].index
      // Upkeep goes on beside the test; it has as long as some hundred questions take.
      for (let asked = 0; asked < 500; asked++) {
        assert.deepStrictEqual(yield* index.tally({}), [row("new", 1200)])
        if ((yield* changes)[0]?.count === 0) break
      }
      assert.deepStrictEqual(yield* changes, [{ count: 0 }])
      yield* runners[0].store.commit(actors.map((id) => commit(`0${id}`, 1, "old", `words of ${id}`)))
      assert.deepStrictEqual(
        (yield* index.tally({ type: "T" })).toSorted((a, b) => a.status < b.status ? -1 : 1),
        [row("new", 600), row("old", 600)]
      )
      assert.deepStrictEqual(yield* index.count({ type: "T", text: "a599 words" }, 9), { count: 2, more: false })
    }))

  it.effect("know a text again that another runner changed in between", () =>
    Effect.gen(function*() {
      const schema = freshSchema()
      const [one, two] = yield* Effect.all([open(schema), open(schema)])
      yield* one.store.commit([commit("a", 0, "s", "first text")])
      yield* two.store.commit([commit("a", 1, "s", "second text")])
      yield* one.store.commit([commit("a", 2, "s", "first text")])
      yield* one.store.commit([commit("a", 3, "t", "first text")])
      assert.deepStrictEqual(yield* one.index.count({ type: "T", text: "first", statuses: ["t"] }, 9), {
        count: 1,
        more: false
      })
      assert.deepStrictEqual(yield* one.index.count({ type: "T", text: "second" }, 9), { count: 0, more: false })
      assert.strictEqual((yield* two.index.entry("T", "a"))?.excerpt, "first text")
    }))

  it.effect("give up a statement that takes too long, and go on in its transaction", () =>
    Effect.gen(function*() {
      const { brief, query, transaction } = yield* PostgresClient.make({ url }, "lists")
      const seen = yield* transaction(Effect.gen(function*() {
        const none = yield* brief(1, "SELECT pg_sleep(600)", [])
        const some = yield* brief(60_000, "SELECT 1 AS one", [])
        const [after] = yield* query<{ statement_timeout: string }>("SHOW statement_timeout")
        return [none, some, after?.statement_timeout]
      }))
      assert.deepStrictEqual(seen, [undefined, [{ one: 1 }], "5s"])
      const failed = yield* Effect.flip(transaction(brief(60_000, "SELECT 1 / 0", [])))
      assert.strictEqual(failed.reason, "data")
    }))

  it.effect("begin empty on an older store and fill with its next commits", () =>
    Effect.gen(function*() {
      const schema = freshSchema()
      yield* query(`CREATE SCHEMA ${schema}`)
      const own = (statement: string) =>
        statement.replace(/ (TABLE|ON|TABLE IF NOT EXISTS) polya_/g, ` $1 ${schema}.polya_`)
      yield* query(own(migrationTable))
      for (const { name, number, statements } of postgresMigrations.filter(({ number }) => number <= 2)) {
        for (const statement of statements) yield* query(own(statement))
        yield* query(`INSERT INTO ${schema}.polya_migration VALUES (${number}, '${name}', 'then')`)
      }
      yield* query(`INSERT INTO ${schema}.polya_actor_state VALUES ('T', 'a', 7, '1', 0)`)
      const { index, store } = yield* open(schema)
      assert.deepStrictEqual(yield* index.tally({}), [])
      assert.strictEqual((yield* store.commit([commit("a", 7, "s", "word")]))[0]?._tag, "Committed")
      assert.deepStrictEqual(yield* index.tally({}), [row("s", 1)])
      assert.strictEqual((yield* index.entry("T", "a"))?.version, 8)
    }))
})
if (!available) it(skipped, ({ skip }) => skip(skipped))
