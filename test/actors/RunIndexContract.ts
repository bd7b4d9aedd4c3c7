// The contract of RunIndex, sentence by sentence, and a random comparison with the plain adapter in memory. Every
// adapter runs it.
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import type { StoreFailed } from "../../src/actors/ActorStore.ts"
import {
  type GroupCursor,
  type GroupMember,
  type IndexedEntry,
  RunIndex,
  type RunOwner
} from "../../src/actors/RunIndex.ts"
import * as RunIndexMemory from "../../src/actors/RunIndexMemory.ts"
import type { RowRef, RowStatus, RunRow, SetResult } from "../../src/domain/RunRow.ts"

/** An index whose writes name a run: the first one claims it. */
interface Index extends Omit<RunIndex["Service"], Write> {
  readonly claimed: RunIndex["Service"]
  readonly put: OfRun<"put">
  readonly reopen: OfRun<"reopen">
  readonly putResults: OfRun<"putResults">
  readonly forget: OfRun<"forget">
}
type Write = "put" | "reopen" | "putResults" | "forget"
type OfRun<W extends Write> = RunIndex["Service"][W] extends (owner: RunOwner, ...rest: infer Rest) => infer Done
  ? (run: string, ...rest: Rest) => Done
  : never

const owning = (index: RunIndex["Service"]): Index => {
  const owners = new Map<string, RunOwner>()
  const ownerOf = (run: string): Effect.Effect<RunOwner, StoreFailed> =>
    Effect.suspend(() => {
      const owner = owners.get(run)
      if (owner !== undefined) return Effect.succeed(owner)
      return Effect.map(index.claim(run), (epoch) => {
        owners.set(run, { run, epoch })
        return { run, epoch }
      })
    })
  return {
    ...index,
    claimed: index,
    put: (run, ...rest) => Effect.flatMap(ownerOf(run), (owner) => index.put(owner, ...rest)),
    reopen: (run, ...rest) => Effect.flatMap(ownerOf(run), (owner) => index.reopen(owner, ...rest)),
    putResults: (run, ...rest) => Effect.flatMap(ownerOf(run), (owner) => index.putResults(owner, ...rest)),
    forget: (run, ...rest) => Effect.flatMap(ownerOf(run), (owner) => index.forget(owner, ...rest))
  }
}

const statuses: ReadonlyArray<RowStatus> = ["live", "expanded", "done", "dropped", "failed"]
const live = (seq: number, sub = 0): RunRow => ({
  seq,
  sub,
  parent: sub === 0 ? null : 0,
  actor: `actor-${seq}-${sub}`,
  status: "live",
  stage: null,
  reason: null,
  detail: null
})
const fated = (seq: number, status: RowStatus, stage: number, reason: string | null): RunRow => ({
  ...live(seq),
  status,
  stage,
  reason,
  detail: "d"
})
const entry = (seq: number, more: Partial<IndexedEntry> = {}): IndexedEntry => ({
  seq,
  sub: 0,
  key: null,
  bands: [],
  payload: null,
  stratum: null,
  ...more
})
const drop = (seq: number, sub = 0, reason = "duplicate"): SetResult => ({
  seq,
  sub,
  drop: { reason, detail: { of: [1, null, "x"] } },
  patch: {}
})
const keep = (seq: number, patch: SetResult["patch"], sub = 0): SetResult => ({ seq, sub, drop: null, patch })
const refs = (list: ReadonlyArray<RowRef>) => list.map(({ seq, sub }) => [seq, sub])
const members = (list: ReadonlyArray<GroupMember>) => list.map(({ group, seq }) => `${group}:${seq}`)

/** All members, paged through by `limit`. */
const pagedGroups = Effect.fnUntraced(
  function*(index: Index, run: string, stage: number, by: "key" | "band", limit: number) {
    const found: Array<GroupMember> = []
    let after: GroupCursor = null
    while (true) {
      const page: ReadonlyArray<GroupMember> = yield* index.groups(run, stage, by, { after, limit })
      found.push(...page)
      const last = page.at(-1)
      if (last === undefined) return found
      after = last
    }
  }
)

const Status = Schema.Literals(["live", "live", "live", "done", "dropped", "failed", "expanded"])
const Small = Schema.Literals([0, 1, 2, 3, 4])
const Row = Schema.Struct({
  seq: Small,
  sub: Schema.Literals([0, 0, 1, 2]),
  status: Status,
  stage: Schema.Literals([1, 2])
})
const Entry = Schema.Struct({
  seq: Small,
  sub: Schema.Literals([0, 0, 1, 2]),
  key: Schema.NullOr(Schema.Literals(["a", "b", "\uFFFD", "\u{1F600}", "", "x\u0000"])),
  bands: Schema.Array(Schema.Literals([3, 10, 20, 2 ** 53 - 1])).check(Schema.isMaxLength(4)),
  stratum: Schema.NullOr(Schema.Literals(["[1]", "[2]"])),
  payload: Schema.NullOr(Schema.Literals([0, 1, 5]))
})
const Result = Schema.Struct({
  seq: Small,
  sub: Schema.Literals([0, 1]),
  drop: Schema.Boolean,
  cluster: Schema.NullOr(Schema.Literals(["c", 4]))
})
const Step = Schema.Union([
  Schema.Struct({
    do: Schema.Literal("put"),
    stage: Schema.Literals([1, 2]),
    rows: Schema.Array(Row).check(Schema.isMaxLength(8)),
    entries: Schema.Array(Entry).check(Schema.isMaxLength(8))
  }),
  Schema.Struct({ do: Schema.Literal("putRows"), rows: Schema.Array(Row).check(Schema.isMaxLength(4)) }),
  Schema.Struct({
    do: Schema.Literal("results"),
    stage: Schema.Literals([1, 2]),
    results: Schema.Array(Result).check(Schema.isMaxLength(6))
  }),
  Schema.Struct({ do: Schema.Literal("reopen"), stage: Schema.Literals([1, 2]) }),
  Schema.Struct({ do: Schema.Literal("look") })
])
const Steps = Schema.Array(Step).check(Schema.isMaxLength(8))

const rowOf = ({ seq, status, stage, sub }: typeof Row.Type): RunRow =>
  status === "live"
    ? live(seq, sub)
    : { ...live(seq, sub), status, stage, reason: status === "done" ? null : `r${stage}`, detail: null }

const apply = (index: Index, run: string, step: typeof Step.Type) => {
  switch (step.do) {
    case "put":
      return index.put(run, step.rows.map(rowOf), [{
        stage: step.stage,
        entries: step.entries.map((one) => ({
          ...one,
          payload: one.payload === null ? null : new Uint8Array(one.payload).fill(one.seq + 1)
        }))
      }])
    case "putRows":
      return index.put(run, step.rows.map(rowOf), [])
    case "results":
      return index.putResults(
        run,
        step.stage,
        step.results.map(({ cluster, drop: dropped, seq, sub }) =>
          dropped ? drop(seq, sub) : keep(seq, { cluster }, sub)
        )
      )
    case "reopen":
      return index.reopen(run, step.stage)
    case "look":
      return Effect.void
  }
}

const all = [0, 1, 2, 3, 4].flatMap((seq) => [0, 1, 2].map((sub) => ({ seq, sub })))
const look = (index: Index, run: string) =>
  Effect.all({
    rows: index.rows(run, { after: null, limit: 100, statuses }),
    some: index.rows(run, { after: { seq: 1, sub: 1 }, limit: 3, statuses: ["live", "dropped"] }),
    keys: Effect.forEach([1, 2], (stage) =>
      Effect.forEach([2, 100], (limit) => pagedGroups(index, run, stage, "key", limit))),
    bands: Effect.forEach([1, 2], (stage) =>
      Effect.forEach([1, 3], (limit) =>
        pagedGroups(index, run, stage, "band", limit))),
    payloads: index.payloads(run, 1, all),
    strata: Effect.forEach([null, 1], (clusterStage) =>
      index.strata(run, 2, { clusterStage, after: { seq: 0, sub: 0 }, limit: 10 })),
    results: index.results(run, 1, all),
    counts: Effect.map(index.counts(run), (counts) =>
      counts.map((count) =>
        JSON.stringify(Object.entries(count).sort())
      ).sort())
  })

/** `layer` makes an empty index each time. */
export const runIndexContract = (name: string, layer: () => Layer.Layer<RunIndex, unknown>): void => {
  const test = <E>(title: string, body: (index: Index) => Effect.Effect<void, E>) =>
    it.effect(title, () => Effect.provide(Effect.flatMap(RunIndex, (index) => body(owning(index))), layer()))

  describe(`RunIndex on ${name}`, () => {
    test(
      "rows come in (seq, sub) order, only those asked for, in pages",
      Effect.fnUntraced(function*(index) {
        yield* index.put("r", [
          live(10),
          live(2, 1),
          live(2),
          fated(1, "failed", -1, "MalformedRow"),
          fated(3, "done", 4, null)
        ], [])
        const rows = yield* index.rows("r", { after: null, limit: 100, statuses })
        assert.deepStrictEqual(refs(rows), [[1, 0], [2, 0], [2, 1], [3, 0], [10, 0]])
        assert.deepStrictEqual(rows[0], fated(1, "failed", -1, "MalformedRow"))
        assert.deepStrictEqual(rows[2], live(2, 1))
        assert.deepStrictEqual(refs(yield* index.rows("r", { after: null, limit: 2, statuses: ["live"] })), [[2, 0], [
          2,
          1
        ]])
        assert.deepStrictEqual(
          refs(yield* index.rows("r", { after: { seq: 2, sub: 0 }, limit: 100, statuses: ["live"] })),
          [[2, 1], [10, 0]]
        )
        assert.deepStrictEqual(yield* index.rows("r", { after: null, limit: 100, statuses: [] }), [])
        assert.deepStrictEqual(yield* index.rows("other", { after: null, limit: 100, statuses }), [])
      })
    )

    test(
      "a batch that is put again changes nothing",
      Effect.fnUntraced(function*(index) {
        const put = index.put("r", [live(0), live(1), live(1, 1)], [
          {
            stage: 3,
            entries: [
              entry(0, { key: "k", bands: [1, 2], payload: new Uint8Array([7]) }),
              entry(1, { key: "k", bands: [2] })
            ]
          }
        ])
        yield* put
        const before = [
          yield* index.rows("r", { after: null, limit: 9, statuses }),
          yield* pagedGroups(index, "r", 3, "band", 9)
        ]
        yield* put
        assert.deepStrictEqual([
          yield* index.rows("r", { after: null, limit: 9, statuses }),
          yield* pagedGroups(index, "r", 3, "band", 9)
        ], before)
        assert.deepStrictEqual((yield* index.counts("r")).map(({ count, derived }) => [derived, count]).sort(), [[
          false,
          2
        ], [true, 1]])
      })
    )

    test(
      "of two rows or entries for one place in a batch the last counts",
      Effect.fnUntraced(function*(index) {
        yield* index.put("r", [fated(0, "failed", 1, "x"), live(0), live(1)], [
          { stage: 1, entries: [entry(0, { key: "old" }), entry(0, { key: "new" }), entry(1, { key: "new" })] }
        ])
        assert.deepStrictEqual(yield* index.rows("r", { after: null, limit: 1, statuses }), [live(0)])
        assert.deepStrictEqual(members(yield* pagedGroups(index, "r", 1, "key", 9)), ["new:0", "new:1"])
      })
    )

    test(
      "what a row had at a stage is gone when the row is put again with less, and only there",
      Effect.fnUntraced(function*(index) {
        const both = (stage: number) => ({
          stage,
          entries: [0, 1].map((seq) => entry(seq, { key: "k", bands: [1, 2, 3], payload: new Uint8Array([1]) }))
        })
        yield* index.put("r", [live(0), live(1)], [both(1), both(2)])
        yield* index.put("r", [live(0)], [{ stage: 1, entries: [entry(0, { bands: [3] })] }])
        assert.deepStrictEqual(members(yield* pagedGroups(index, "r", 1, "band", 9)), ["3:0", "3:1"])
        assert.deepStrictEqual(yield* pagedGroups(index, "r", 1, "key", 9), [])
        assert.deepStrictEqual(yield* index.payloads("r", 1, [{ seq: 0, sub: 0 }]), [null])
        yield* index.put("r", [live(0)], [{ stage: 1, entries: [] }])
        assert.deepStrictEqual(yield* pagedGroups(index, "r", 1, "band", 9), [])
        assert.deepStrictEqual(members(yield* pagedGroups(index, "r", 2, "band", 9)), [
          "1:0",
          "1:1",
          "2:0",
          "2:1",
          "3:0",
          "3:1"
        ])
        yield* index.put("r", [live(0)], [])
        assert.strictEqual((yield* pagedGroups(index, "r", 2, "band", 9)).length, 6)
      })
    )

    test(
      "groups have two or more live rows and come in (group, seq, sub) order, in pages of any size",
      Effect.fnUntraced(function*(index) {
        const keys = ["b", "a", "b", null, "lonely", "a", "\u{1F600}", "\uFFFD", "\uFFFD", "\u{1F600}", "dead"]
        const rows = [...keys.map((_, seq) => live(seq)), fated(11, "dropped", 0, "x")]
        yield* index.put("r", rows, [{
          stage: 1,
          entries: [...keys.map((key, seq) => entry(seq, { key })), entry(11, { key: "dead" })]
        }])
        const wanted = ["a:1", "a:5", "b:0", "b:2", "\uFFFD:7", "\uFFFD:8", "\u{1F600}:6", "\u{1F600}:9"]
        for (const limit of [1, 2, 3, 8, 100]) {
          assert.deepStrictEqual(members(yield* pagedGroups(index, "r", 1, "key", limit)), wanted)
        }
        assert.deepStrictEqual(yield* pagedGroups(index, "r", 2, "key", 5), [])
      })
    )

    test(
      "rows share each band once, and bands come in the order of their numbers",
      Effect.fnUntraced(function*(index) {
        const top = 2 ** 53 - 1
        yield* index.put("r", [live(0), live(1), live(2)], [
          {
            stage: 1,
            entries: [
              entry(0, { bands: [top, 10, 9, 9] }),
              entry(1, { bands: [9, top, 7] }),
              entry(2, { bands: [10, 0, 9] })
            ]
          }
        ])
        const wanted = ["9:0", "9:1", "9:2", "10:0", "10:2", `${top}:0`, `${top}:1`]
        for (const limit of [1, 2, 100]) {
          assert.deepStrictEqual(members(yield* pagedGroups(index, "r", 1, "band", limit)), wanted)
        }
      })
    )

    test(
      "a page can be asked for again, or by a reader that has seen no page before",
      Effect.fnUntraced(function*(index) {
        yield* index.put("r", [0, 1, 2, 3].map((seq) => live(seq)), [{
          stage: 1,
          entries: [0, 1, 2, 3].map((seq) => entry(seq, { bands: [5, 6] }))
        }])
        const after = { group: "5", seq: 2, sub: 0 }
        const cold = yield* index.groups("r", 1, "band", { after, limit: 3 })
        assert.deepStrictEqual(members(cold), ["5:3", "6:0", "6:1"])
        yield* index.groups("r", 1, "band", { after: null, limit: 2 })
        assert.deepStrictEqual(yield* index.groups("r", 1, "band", { after, limit: 3 }), cold)
        assert.deepStrictEqual(yield* index.groups("r", 1, "band", { after, limit: 3 }), cold)
        assert.deepStrictEqual(
          members(yield* index.groups("r", 1, "band", { after: { group: "5", seq: 9, sub: 9 }, limit: 1 })),
          ["6:0"]
        )
      })
    )

    test(
      "what is put between two pages is seen by the second",
      Effect.fnUntraced(function*(index) {
        const put = (seq: number) =>
          index.put("r", [live(seq)], [{ stage: 1, entries: [entry(seq, { key: "k", bands: [4] })] }])
        for (const seq of [0, 1, 2]) yield* put(seq)
        for (const by of ["key", "band"] as const) yield* index.groups("r", 1, by, { after: null, limit: 2 })
        yield* put(3)
        const rest = (by: "key" | "band", group: string) =>
          Effect.map(index.groups("r", 1, by, { after: { group, seq: 1, sub: 0 }, limit: 9 }), members)
        assert.deepStrictEqual([yield* rest("key", "k"), yield* rest("band", "4")], [["k:2", "k:3"], ["4:2", "4:3"]])
      })
    )

    test(
      "rows that stop being live leave their groups",
      Effect.fnUntraced(function*(index) {
        yield* index.put("r", [0, 1, 2, 3].map((seq) => live(seq)), [{
          stage: 1,
          entries: [0, 1, 2, 3].map((seq) => entry(seq, { key: seq < 2 ? "a" : "b" }))
        }])
        assert.deepStrictEqual(members(yield* index.groups("r", 1, "key", { after: null, limit: 2 })), ["a:0", "a:1"])
        yield* index.putResults("r", 1, [drop(2)])
        const rest = yield* index.groups("r", 1, "key", { after: { group: "a", seq: 1, sub: 0 }, limit: 2 })
        assert.isFalse(rest.some(({ seq }) => seq === 2))
        assert.deepStrictEqual(members(yield* pagedGroups(index, "r", 1, "key", 9)), ["a:0", "a:1"])
      })
    )

    test(
      "payloads come in the order of the refs, byte by byte",
      Effect.fnUntraced(function*(index) {
        const pool = new Uint8Array([9, 9, 1, 2, 255, 0, 9])
        yield* index.put("r", [live(0), live(1), live(2)], [
          {
            stage: 1,
            entries: [entry(0, { payload: pool.subarray(2, 6) }), entry(1, { payload: new Uint8Array(0) }), entry(2)]
          }
        ])
        const found = yield* index.payloads("r", 1, [2, 0, 7, 1, 0].map((seq) => ({ seq, sub: 0 })))
        assert.deepStrictEqual(found.map((bytes) => bytes && [...bytes]), [null, [1, 2, 255, 0], null, [], [
          1,
          2,
          255,
          0
        ]])
        assert.deepStrictEqual(yield* index.payloads("r", 1, []), [])
        assert.deepStrictEqual([...pool], [9, 9, 1, 2, 255, 0, 9])
      })
    )

    test(
      "strata give live rows in order, with the cluster that the earlier stage found",
      Effect.fnUntraced(function*(index) {
        yield* index.put("r", [live(0), live(1), live(1, 1), fated(2, "done", 9, null), live(3)], [
          { stage: 5, entries: [entry(0, { stratum: `["x"]` }), entry(1), entry(3, { stratum: `["y"]` })] }
        ])
        yield* index.putResults("r", 4, [keep(0, { cluster: "c7" }), keep(1, { cluster: 12 }), keep(3, { other: 1 })])
        const found = yield* index.strata("r", 5, { clusterStage: 4, after: null, limit: 9 })
        assert.deepStrictEqual(found, [
          { seq: 0, sub: 0, stratum: `["x"]`, cluster: "c7" },
          { seq: 1, sub: 0, stratum: null, cluster: "12" },
          { seq: 1, sub: 1, stratum: null, cluster: null },
          { seq: 3, sub: 0, stratum: `["y"]`, cluster: null }
        ])
        const bare = yield* index.strata("r", 5, { clusterStage: null, after: { seq: 0, sub: 0 }, limit: 2 })
        assert.deepStrictEqual(bare.map(({ cluster, seq, sub }) => [seq, sub, cluster]), [[1, 0, null], [1, 1, null]])
      })
    )

    test(
      "results are kept and rows with a drop become dropped by that stage",
      Effect.fnUntraced(function*(index) {
        yield* index.put("r", [live(0), live(1), live(2)], [])
        const results = [drop(0), keep(2, { split: "train", cluster: null, deep: { b: [1, "\u0000"], a: true } })]
        yield* index.putResults("r", 3, results)
        yield* index.putResults("r", 3, results)
        assert.deepStrictEqual(yield* index.results("r", 3, [2, 1, 0].map((seq) => ({ seq, sub: 0 }))), [
          results[1],
          undefined,
          results[0]
        ])
        assert.deepStrictEqual(yield* index.results("r", 2, [{ seq: 0, sub: 0 }]), [undefined])
        const rows = yield* index.rows("r", { after: null, limit: 9, statuses })
        assert.deepStrictEqual(rows, [
          { ...live(0), status: "dropped", stage: 3, reason: "duplicate", detail: `{"of":[1,null,"x"]}` },
          live(1),
          live(2)
        ])
      })
    )

    test(
      "a row that has its fate keeps it",
      Effect.fnUntraced(function*(index) {
        yield* index.put("r", [fated(0, "failed", 1, "x"), fated(1, "dropped", 2, "y")], [])
        yield* index.putResults("r", 3, [drop(0), drop(1)])
        assert.deepStrictEqual(
          (yield* index.rows("r", { after: null, limit: 9, statuses })).map(({ reason }) => reason),
          ["x", "y"]
        )
      })
    )

    test(
      "reopen makes the rows that this stage dropped live again and forgets what it said",
      Effect.fnUntraced(function*(index) {
        const rows = [live(0), live(1), fated(2, "dropped", 2, "x"), fated(3, "failed", 3, "y")]
        yield* index.put("r", rows, [])
        yield* index.putResults("r", 3, [drop(0), keep(1, { cluster: "c" })])
        yield* index.putResults("r", 5, [keep(1, { split: "test" })])
        yield* index.reopen("r", 3)
        assert.deepStrictEqual(yield* index.rows("r", { after: null, limit: 9, statuses }), rows)
        assert.deepStrictEqual(yield* index.results("r", 3, [0, 1].map((seq) => ({ seq, sub: 0 }))), [
          undefined,
          undefined
        ])
        assert.deepStrictEqual(yield* index.results("r", 5, [{ seq: 1, sub: 0 }]), [keep(1, { split: "test" })])
        yield* index.reopen("r", 3)
      })
    )

    test(
      "counts tell source rows from derived ones and add up",
      Effect.fnUntraced(function*(index) {
        yield* index.put("r", [
          live(0),
          live(1),
          live(1, 1),
          fated(2, "dropped", 1, "short"),
          fated(3, "dropped", 1, "short"),
          fated(4, "failed", -1, "MalformedRow")
        ], [])
        yield* index.put("s", [live(0)], [])
        const counts = yield* index.counts("r")
        const found = counts.map(({ count, derived, reason, stage, status }) =>
          [derived, status, stage, reason, count].join()
        ).sort()
        assert.deepStrictEqual(found, [
          "false,dropped,1,short,2",
          "false,failed,-1,MalformedRow,1",
          "false,live,,,2",
          "true,live,,,1"
        ])
        assert.deepStrictEqual(yield* index.counts("none"), [])
      })
    )

    test(
      "forget deletes everything of one run, piece by piece",
      Effect.fnUntraced(function*(index) {
        for (const run of ["r", "s"]) {
          yield* index.put(run, [live(0), live(1), live(2)], [{
            stage: 1,
            entries: [entry(0, { bands: [1] }), entry(1, { bands: [1] })]
          }])
          yield* index.putResults(run, 2, [keep(0, { split: "train" })])
          yield* index.groups(run, 1, "band", { after: null, limit: 1 })
        }
        let calls = 0
        while (!(yield* index.forget("r", 2))) calls++
        assert.isAtLeast(calls, 2)
        assert.deepStrictEqual(yield* index.rows("r", { after: null, limit: 9, statuses }), [])
        assert.deepStrictEqual(yield* index.groups("r", 1, "band", { after: null, limit: 9 }), [])
        assert.deepStrictEqual(yield* index.results("r", 2, [{ seq: 0, sub: 0 }]), [undefined])
        assert.strictEqual((yield* index.rows("s", { after: null, limit: 9, statuses })).length, 3)
        assert.strictEqual((yield* pagedGroups(index, "s", 1, "band", 9)).length, 2)
        assert.isTrue(yield* index.forget("never", 10))
      })
    )

    test(
      "texts come back as they were, with U+0000 and half surrogate pairs in them",
      Effect.fnUntraced(function*(index) {
        const odd = "a\u0000b\u0001c\ud800"
        const row = { ...live(0), actor: odd, status: "failed" as const, stage: 1, reason: odd, detail: odd }
        yield* index.put(odd, [row, live(1), live(2)], [{
          stage: 1,
          entries: [1, 2].map((seq) => entry(seq, { key: odd, stratum: odd }))
        }])
        yield* index.putResults(odd, 0, [keep(1, { cluster: odd })])
        assert.deepStrictEqual((yield* index.rows(odd, { after: null, limit: 9, statuses }))[0], row)
        assert.deepStrictEqual((yield* pagedGroups(index, odd, 1, "key", 1)).map(({ group }) => group), [odd, odd])
        assert.deepStrictEqual(yield* index.strata(odd, 1, { clusterStage: 0, after: null, limit: 1 }), [{
          seq: 1,
          sub: 0,
          stratum: odd,
          cluster: odd
        }])
        assert.strictEqual((yield* index.counts(odd)).find(({ status }) => status === "failed")?.reason, odd)
      })
    )

    test(
      "claims give ever greater epochs, each run its own, and a claim is none of the run's rows",
      Effect.fnUntraced(function*({ claimed: index }) {
        const epochs = yield* Effect.forEach([1, 2, 3], () => index.claim("r"))
        assert.isTrue(epochs.every((epoch, at) => epoch > (epochs[at - 1] ?? 0)), `${epochs}`)
        const other = { run: "s", epoch: yield* index.claim("s") }
        yield* index.put(other, [live(0)], [])
        assert.deepStrictEqual(yield* index.rows("r", { after: null, limit: 9, statuses }), [])
        const owner = { run: "r", epoch: epochs[2] ?? 0 }
        assert.isTrue(yield* index.forget(owner, 10))
        yield* index.put(owner, [live(0)], [])
        assert.isAbove(yield* index.claim("r"), owner.epoch)
      })
    )

    test(
      "claims at once give each its own epoch, and the greatest owns the run",
      Effect.fnUntraced(function*({ claimed: index }) {
        const epochs = yield* Effect.forEach(
          Array.from({ length: 16 }),
          () => index.claim("r"),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(new Set(epochs).size, 16)
        const wrote = yield* Effect.forEach(
          epochs,
          (epoch) => Effect.result(index.put({ run: "r", epoch }, [live(epoch)], [])),
          { concurrency: "unbounded" }
        )
        const last = Math.max(...epochs)
        wrote.forEach(({ _tag }, at) => assert.strictEqual(_tag, epochs[at] === last ? "Success" : "Failure"))
        assert.deepStrictEqual(refs(yield* index.rows("r", { after: null, limit: 99, statuses })), [[last, 0]])
      })
    )

    test(
      "an owner whose run was claimed since writes nothing, whatever it writes",
      Effect.fnUntraced(function*({ claimed: index }) {
        const stale = { run: "r", epoch: yield* index.claim("r") }
        yield* index.put(stale, [live(0), live(1), fated(2, "failed", 1, "x")], [{
          stage: 3,
          entries: [0, 1].map((seq) => entry(seq, { key: "k", bands: [1], payload: new Uint8Array([seq]) }))
        }])
        yield* index.putResults(stale, 3, [drop(1)])
        const seen = Effect.all({
          rows: index.rows("r", { after: null, limit: 9, statuses }),
          payloads: index.payloads("r", 3, [0, 1].map((seq) => ({ seq, sub: 0 }))),
          results: index.results("r", 3, [0, 1].map((seq) => ({ seq, sub: 0 }))),
          counts: index.counts("r")
        })
        const before = yield* seen
        const owner = { run: "r", epoch: yield* index.claim("r") }
        const nobody = { run: "never claimed", epoch: 0 }
        for (const wrong of [stale, { ...owner, epoch: owner.epoch + 1 }, nobody]) {
          const writes: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
            index.put(wrong, [], []),
            index.put(wrong, [fated(0, "done", 1, null), live(7)], [{ stage: 3, entries: [entry(0), entry(7)] }]),
            index.put(wrong, [live(1)], [{ stage: 3, entries: [] }]),
            index.reopen(wrong, 3),
            index.putResults(wrong, 3, [keep(0, { cluster: "c" }), drop(0)]),
            index.forget(wrong, 100)
          ]
          for (const write of writes) assert.strictEqual((yield* Effect.flip(write))._tag, "RunDisowned")
        }
        assert.deepStrictEqual(yield* seen, before)
        yield* index.reopen(owner, 3)
        yield* index.putResults(owner, 3, [drop(0)])
        assert.isTrue(yield* index.forget(owner, 100))
      })
    )

    test(
      "two drivers that page the groups of one run at once both see them all",
      Effect.fnUntraced(function*(index) {
        const seqs = Array.from({ length: 40 }, (_, seq) => seq)
        yield* index.put("r", seqs.map((seq) => live(seq)), [{
          stage: 1,
          entries: seqs.map((seq) => entry(seq, { key: `k${seq >> 2}`, bands: [seq >> 1] }))
        }])
        const pages = Effect.forEach(
          [7, 3, 11],
          (limit) => pagedGroups(index, "r", 1, "key", limit),
          { concurrency: "unbounded" }
        )
        for (const found of yield* pages) assert.deepStrictEqual(found.map(({ seq }) => seq), seqs)
        // One starts again and comes to its end between two pages of the other.
        const first = yield* index.groups("r", 1, "band", { after: null, limit: 10 })
        assert.strictEqual((yield* pagedGroups(index, "r", 1, "band", 16)).length, 40)
        const second = yield* index.groups("r", 1, "band", { after: first.at(-1) ?? null, limit: 10 })
        yield* index.groups("r", 1, "band", { after: null, limit: 4 })
        const third = yield* index.groups("r", 1, "band", { after: second.at(-1) ?? null, limit: 99 })
        assert.deepStrictEqual([...first, ...second, ...third].map(({ seq }) => seq), seqs)
      })
    )

    it.layer(Layer.orDie(layer()))("with random steps", (it) => {
      let cases = 0
      it.effect.prop("shows what the adapter in memory shows", [Steps], ([steps]) =>
        Effect.gen(function*() {
          const index = owning(yield* RunIndex)
          const model = owning(Context.get(yield* Layer.build(Layer.fresh(RunIndexMemory.layer)), RunIndex))
          const run = `run-${cases++}`
          for (const step of steps) {
            yield* apply(model, run, step)
            yield* apply(index, run, step)
            if (step.do === "look") assert.deepStrictEqual(yield* look(index, run), yield* look(model, run))
          }
          assert.deepStrictEqual(yield* look(index, run), yield* look(model, run))
        }).pipe(Effect.scoped), { arbitrary: { runs: 80, seed: 1 } })
    })
  })
}
