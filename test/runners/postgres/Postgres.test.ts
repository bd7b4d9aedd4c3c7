import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { ActorStore } from "../../../src/actors/ActorStore.ts"
import { RunIndex } from "../../../src/actors/RunIndex.ts"
import type { ActorCommit } from "../../../src/domain/Commit.ts"
import { digest } from "../../../src/domain/Ids.ts"
import { postgresMigrations } from "../../../src/runners/Migrations.ts"
import * as Postgres from "../../../src/runners/postgres/Postgres.ts"
import { available, freshSchema, layerIn, query, skipped, url } from "./TestDatabase.ts"

const commit = (id: string, more: Partial<ActorCommit> = {}): ActorCommit => ({
  type: "T",
  id,
  expected: 0,
  state: "1",
  replies: [],
  events: [],
  ...more
})
const opening = (options: Postgres.PostgresOptions) =>
  Effect.flip(Effect.scoped(Layer.build(Layer.fresh(Postgres.layer(options)))))
const open = (schema: string) =>
  Effect.map(Layer.build(Layer.fresh(layerIn(schema))), (context) => ({
    store: Context.get(context, ActorStore),
    index: Context.get(context, RunIndex)
  }))

describe.skipIf(!available)("the PostgreSQL store", () => {
  it.effect("is made once by runners that start together", () =>
    Effect.gen(function*() {
      const schema = freshSchema()
      const runners = yield* Effect.forEach([1, 2, 3, 4], () => open(schema), { concurrency: 4 })
      for (const [i, { store }] of runners.entries()) {
        assert.strictEqual((yield* store.commit([commit(`a${i}`)]))[0]?._tag, "Committed")
      }
      const rows = yield* query<{ number: number }>(`SELECT number FROM ${schema}.polya_migration ORDER BY number`)
      assert.deepStrictEqual(
        rows.map(({ number }) => number),
        postgresMigrations.map(({ number }) => number)
      )
    }))

  it.effect("is refused when a newer program has used it", () =>
    Effect.gen(function*() {
      const schema = freshSchema()
      yield* open(schema)
      yield* query(`INSERT INTO ${schema}.polya_migration VALUES (999, 'from the future', 'then')`)
      const error = yield* opening({ url, schema })
      assert.strictEqual(error._tag, "StoreTooNew")
      assert.include(error.message, "999")
    }))

  it.effect("refuses a row that no index can hold as data, so that its batch can be split", () =>
    Effect.gen(function*() {
      const { store } = yield* open(freshSchema())
      // Longer than an index row may be, and made of digests, so that it cannot be compressed below that.
      const noise = Array.from({ length: 200 }, (_, i) => digest([String(i)], 64)).join("")
      const poison = commit("poison", { replies: [{ commandId: noise, reply: "1" }] })
      const error = yield* Effect.flip(store.commit([commit("a"), poison]))
      assert.strictEqual(error.reason, "data")
      assert.deepStrictEqual(yield* store.load([{ type: "T", id: "a" }]), [undefined])
      assert.strictEqual((yield* store.commit([commit("a")]))[0]?._tag, "Committed")
    }))

  it.effect("says unavailable, without the password, when nobody answers", () =>
    Effect.gen(function*() {
      const error = yield* opening({ url: Redacted.make("postgres://someone:secret-word@127.0.0.1:1/none") })
      assert.strictEqual(error._tag === "StoreFailed" && error.reason, "unavailable")
      assert.notInclude(JSON.stringify(error) + error.message, "secret-word")
    }))

  it.effect("recovers when its connections are cut", () =>
    Effect.gen(function*() {
      const schema = freshSchema()
      const { store } = yield* open(schema)
      yield* store.commit([commit("a")])
      yield* query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'polya ${schema}'`)
      const again = Effect.retry(store.commit([commit("a", { expected: 1 })]), {
        times: 10,
        while: (error) => error.reason === "unavailable"
      })
      assert.include(["Committed", "Fenced"], (yield* again)[0]?._tag)
      assert.strictEqual((yield* store.load([{ type: "T", id: "a" }]))[0]?.version, 2)
    }))

  it.effect("refuses a schema name that could be anything else than a name", () =>
    Effect.gen(function*() {
      const error = yield* opening({ url, schema: `x; DROP TABLE y` })
      assert.include(error.message, "cannot be the name of a schema")
    }))

  it.effect("lets runners page through the groups of a run that another one sorted", () =>
    Effect.gen(function*() {
      const schema = freshSchema()
      const [one, two] = yield* Effect.all([open(schema), open(schema)])
      const seqs = [0, 1, 2, 3]
      const owner = { run: "r", epoch: yield* one.index.claim("r") }
      yield* one.index.put(
        owner,
        seqs.map((seq) => ({
          seq,
          sub: 0,
          parent: null,
          actor: null,
          status: "live",
          stage: null,
          reason: null,
          detail: null
        })),
        [{ stage: 1, entries: seqs.map((seq) => ({ seq, sub: 0, key: "k", bands: [], payload: null, stratum: null })) }]
      )
      const first = yield* one.index.groups("r", 1, "key", { after: null, limit: 2 })
      const rest = yield* two.index.groups("r", 1, "key", { after: first.at(-1) ?? null, limit: 9 })
      assert.deepStrictEqual([...first, ...rest].map(({ seq }) => seq), seqs)
      yield* two.index.put(owner, [{
        seq: 4,
        sub: 0,
        parent: null,
        actor: null,
        status: "live",
        stage: null,
        reason: null,
        detail: null
      }], [
        { stage: 1, entries: [{ seq: 4, sub: 0, key: "k", bands: [], payload: null, stratum: null }] }
      ])
      assert.deepStrictEqual(
        (yield* one.index.groups("r", 1, "key", { after: first.at(-1) ?? null, limit: 9 })).map(({ seq }) => seq),
        [2, 3, 4]
      )
    }))

  it.effect("lets a claim wait for a write under way, and refuses the write that comes after it", () =>
    Effect.gen(function*() {
      const schema = freshSchema()
      const [one, two] = yield* Effect.all([open(schema), open(schema)])
      const rows = (name: string) =>
        Array.from({ length: 200 }, (_, seq) => ({
          seq,
          sub: 0,
          parent: null,
          actor: name,
          status: "live" as const,
          stage: null,
          reason: null,
          detail: null
        }))
      for (let round = 0; round < 20; round++) {
        const run = `r${round}`
        const stale = { run, epoch: yield* one.index.claim(run) }
        const write = Effect.result(one.index.put(stale, rows("stale"), []))
        // What the new owner reads after its claim is all that the old one ever wrote.
        const takeOver = Effect.gen(function*() {
          const epoch = yield* two.index.claim(run)
          const seen = yield* two.index.counts(run)
          yield* two.index.put({ run, epoch }, rows("owner").slice(0, 100), [])
          return seen.reduce((sum, { count }) => sum + count, 0)
        })
        const [wrote, , seen] = yield* Effect.all([write, write, takeOver], { concurrency: 3 })
        const late = yield* Effect.flip(one.index.put(stale, rows("late"), []))
        assert.strictEqual(late._tag, "RunDisowned")
        const left = yield* two.index.rows(run, { after: null, limit: 999, statuses: ["live"] })
        if (wrote._tag === "Success") assert.include([0, 200], seen)
        assert.strictEqual(left.length, seen === 0 ? 100 : 200)
        assert.isTrue(left.slice(0, 100).every(({ actor }) => actor === "owner"))
      }
    }))
})
if (!available) it(skipped, ({ skip }) => skip(skipped))
