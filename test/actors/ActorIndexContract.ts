// The contracts of ActorIndex and AuditLog, sentence by sentence, and a random comparison with the plainest model: a list
// that is filtered and sorted. Every adapter runs them.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import {
  type ActorCursor,
  type ActorEntry,
  type ActorFilter,
  ActorIndex,
  type ActorPage
} from "../../src/actors/ActorIndex.ts"
import { ActorStore } from "../../src/actors/ActorStore.ts"
import { type AuditEntry, AuditLog } from "../../src/actors/AuditLog.ts"
import type { ActorCommit, Facets } from "../../src/domain/Commit.ts"
import { type SearchBounds, searchBounds } from "../../src/runners/WordSearch.ts"

const facetsOf = (more: Partial<Facets> = {}): Facets => ({
  status: "running",
  stage: null,
  group: null,
  attempts: 0,
  error: null,
  waiting: null,
  text: null,
  ...more
})
const commitOf = (
  id: string,
  expected: number,
  facets?: Partial<Facets>,
  more: Partial<ActorCommit> = {}
): ActorCommit => ({
  type: "Problem",
  id,
  expected,
  state: "{}",
  replies: [],
  events: [],
  ...(facets === undefined ? {} : { facets: facetsOf(facets) }),
  ...more
})
const newest = { order: "newest", after: null, limit: 500 } as const
const ids = (entries: ReadonlyArray<ActorEntry>) => entries.map(({ id }) => id)

type Index = ActorIndex["Service"]
/** The entries of all pages, however short they are. */
const every = Effect.fnUntraced(function*(
  index: Index,
  filter: ActorFilter,
  { limit, order }: { readonly order: "newest" | "oldest"; readonly limit: number } = newest
) {
  const entries: Array<ActorEntry> = []
  let after: ActorCursor | null = null
  do {
    const page: ActorPage = yield* index.search(filter, { order, after, limit })
    assert.isAtMost(page.entries.length, Math.max(1, limit))
    assert.notDeepEqual(page.next, after ?? {}, "a page goes on behind where it began")
    entries.push(...page.entries)
    after = page.next
  } while (after !== null)
  return entries
})
interface Ports {
  readonly store: ActorStore["Service"]
  readonly index: Index
  readonly log: AuditLog["Service"]
}
const ports = Effect.gen(function*() {
  return { store: yield* ActorStore, index: yield* ActorIndex, log: yield* AuditLog }
})

const statuses = ["running", "dropped", "done"] as const
const stages = [null, "clean", "split"] as const
const groups = [null, "r1", "r2"] as const
const texts = [
  null,
  "Let ABC be a triangle",
  "a Triangular number",
  String.raw`$\frac{a}{b}$ of the triangle`,
  "數學 abc"
] as const
const searches = ["triangle", "tri", "ABC trian", "triangle abc a", "frac b", "學", "none", "!", "a"] as const

const optional = <S extends Schema.Top>(schema: S) => Schema.Union([Schema.Undefined, schema])
const someOf = <const A extends ReadonlyArray<string>>(values: A) =>
  Schema.Array(Schema.Literals(values)).check(Schema.isMaxLength(3))

const Step = Schema.Struct({
  type: Schema.Literals(["Problem", "Problem", "Problem", "Run"]),
  actor: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 11 })),
  fenced: Schema.Literals([false, false, false, true]),
  silent: Schema.Literals([false, false, true]),
  status: Schema.Literals(statuses),
  stage: Schema.Union(stages.map((stage) => stage === null ? Schema.Null : Schema.Literal(stage))),
  group: Schema.Union(groups.map((group) => group === null ? Schema.Null : Schema.Literal(group))),
  attempts: Schema.Literals([0, 1]),
  text: Schema.Literals([0, 1, 2, 3, 4])
})
const Batches = Schema.Array(Schema.Array(Step).check(Schema.isMaxLength(8))).check(Schema.isMaxLength(8))
const Filter = Schema.Struct({
  type: Schema.Literals(["Problem", "Problem", "Run", "None"]),
  statuses: optional(someOf(statuses)),
  stages: optional(someOf(["clean", "split", "", "other"])),
  group: optional(Schema.Literals(["r1", "r2", "", "r3"])),
  text: optional(Schema.Literals(searches)),
  since: optional(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8 }))),
  until: optional(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8 }))),
  order: Schema.Literals(["newest", "oldest"]),
  limit: Schema.Literals([1, 2, 3, 500])
})
const Filters = Schema.Array(Filter).check(Schema.isMinLength(4), Schema.isMaxLength(12))

/** A row of the model; its words are written down by hand, so that nothing of the program finds them. */
interface ModelRow extends Facets {
  readonly type: string
  readonly id: string
  readonly version: number
  readonly since: number
}
const wordsByText = new Map<string | null, ReadonlyArray<string>>([
  [texts[0], []],
  [texts[1], ["let", "abc", "be", "a", "triangle"]],
  [texts[2], ["a", "triangular", "number"]],
  [texts[3], ["frac", "a", "b", "of", "the", "triangle"]],
  [texts[4], ["數", "學", "abc"]]
])
const fits = (row: ModelRow, filter: ActorFilter): boolean => {
  const words = wordsByText.get(row.text) ?? []
  const wanted = (filter.text ?? "").toLowerCase().split(" ").filter((word) => word !== "" && word !== "!")
  return row.type === filter.type && (filter.statuses?.includes(row.status) ?? true) &&
    (filter.stages === undefined || (row.stage !== null && filter.stages.includes(row.stage))) &&
    (filter.group === undefined || filter.group === row.group) &&
    row.since >= (filter.sinceMillis ?? 0) && row.since < (filter.untilMillis ?? Infinity) &&
    wanted.every((word, i) =>
      i === wanted.length - 1 ? words.some((one) => one.startsWith(word)) : words.includes(word)
    )
}

/** Bounds under which a search for words has to take several pages among few actors. */
export const smallBounds: SearchBounds = {
  ...searchBounds,
  firstRows: 2,
  stepRows: 3,
  rows: 6,
  countRows: 6,
  matches: 1,
  indexMillis: 5_000
}

/** `layer` makes an empty store each time; `isSmall`: with these bounds. */
export const actorIndexContract = (
  name: string,
  layer: () => Layer.Layer<ActorStore | ActorIndex | AuditLog, unknown>,
  isSmall = false
): void => {
  /** A store with small bounds may leave some out of its count of words, and says so. */
  const counts = Effect.fnUntraced(function*(index: Index, filter: ActorFilter, limit: number, expected: number) {
    const found = yield* index.count(filter, limit)
    if (isSmall && found.more && filter.text !== undefined) {
      assert.isAtMost(found.count, Math.min(limit, expected))
      return
    }
    assert.deepStrictEqual(found, { count: Math.min(limit, expected), more: expected > limit })
  })
  const test = <E>(title: string, body: (ports: Ports) => Effect.Effect<void, E>) =>
    it.effect(title, () => Effect.provide(Effect.flatMap(ports, body), layer()))

  describe(`ActorIndex on ${name}`, () => {
    test(
      "an actor without facets is in no list",
      Effect.fnUntraced(function*({ index, store }) {
        yield* store.commit([commitOf("a", 0)])
        assert.isUndefined(yield* index.entry("Problem", "a"))
        assert.deepStrictEqual(yield* every(index, { type: "Problem" }), [])
        yield* counts(index, { type: "Problem" }, 10, 0)
        assert.deepStrictEqual(yield* index.tally({}), [])
      })
    )

    test(
      "an actor of an older store gets into the lists with its next commit",
      Effect.fnUntraced(function*({ index, store }) {
        yield* store.commit([commitOf("a", 0)])
        yield* store.commit([commitOf("a", 1, { status: "done" })])
        assert.strictEqual((yield* index.entry("Problem", "a"))?.version, 2)
        assert.deepStrictEqual(yield* index.tally({}), [{ type: "Problem", status: "done", stage: null, count: 1 }])
      })
    )

    test(
      "an entry says all facets, the version they came with, and since when they hold",
      Effect.fnUntraced(function*({ index, store }) {
        yield* TestClock.adjust(1000)
        const facets = { stage: "clean", group: "run-1", attempts: 2, error: "no", waiting: "a slot", text: "Find x" }
        yield* store.commit([commitOf("a", 0, facets)])
        const entry = (version: number, sinceMillis: number, more: Partial<ActorEntry> = {}): ActorEntry => ({
          type: "Problem",
          id: "a",
          version,
          sinceMillis,
          status: "running",
          stage: "clean",
          group: "run-1",
          attempts: 2,
          error: "no",
          waiting: "a slot",
          excerpt: "Find x",
          ...more
        })
        assert.deepStrictEqual(yield* index.entry("Problem", "a"), entry(1, 1000))
        yield* TestClock.adjust(1000)
        yield* store.commit([commitOf("a", 1, facets)])
        assert.deepStrictEqual(yield* index.entry("Problem", "a"), entry(2, 1000))
        yield* store.commit([commitOf("a", 2, { ...facets, text: "Find y" })])
        assert.deepStrictEqual(yield* index.entry("Problem", "a"), entry(3, 1000, { excerpt: "Find y" }))
        yield* store.commit([commitOf("a", 3)])
        assert.deepStrictEqual(yield* index.entry("Problem", "a"), entry(3, 1000, { excerpt: "Find y" }))
        yield* store.commit([commitOf("a", 4, { ...facets, attempts: 3, text: "Find y" })])
        const last = entry(5, 2000, { attempts: 3, excerpt: "Find y" })
        assert.deepStrictEqual(yield* index.entry("Problem", "a"), last)
        assert.deepStrictEqual(yield* every(index, { type: "Problem" }), [last])
      })
    )

    test(
      "any other facet sets the time anew, to something and to nothing",
      Effect.fnUntraced(function*({ index, store }) {
        const changes: ReadonlyArray<Partial<Facets>> = [
          { status: "done" },
          { stage: "s" },
          { group: "g" },
          { attempts: 1 },
          { error: "e" },
          { waiting: "w" }
        ]
        let version = 0
        for (const change of changes) {
          for (const facets of [{}, change, {}]) {
            yield* TestClock.adjust(10)
            yield* store.commit([commitOf("a", version++, facets)])
          }
          assert.strictEqual((yield* index.entry("Problem", "a"))?.sinceMillis, version * 10, JSON.stringify(change))
        }
      })
    )

    test(
      "what was fenced or a repetition leaves nothing in the lists",
      Effect.fnUntraced(function*({ index, store }) {
        const replies = [{ commandId: "x", reply: "1" }]
        yield* store.commit([commitOf("a", 0, { status: "done", text: "right" }, { replies })])
        yield* store.commit([
          commitOf("a", 5, { status: "wrong", text: "wrong" }),
          commitOf("b", 1, { status: "wrong", text: "wrong" })
        ])
        yield* store.commit([commitOf("a", 1, { status: "wrong", text: "wrong" }, { replies })])
        assert.deepStrictEqual(ids(yield* every(index, { type: "Problem", text: "wrong" })), [])
        assert.deepStrictEqual(ids(yield* every(index, { type: "Problem", text: "right" })), ["a"])
        assert.deepStrictEqual(yield* index.tally({}), [{ type: "Problem", status: "done", stage: null, count: 1 }])
      })
    )

    test(
      "pages follow each other without gap or repetition, equal times by id, both ways",
      Effect.fnUntraced(function*({ index, store }) {
        const names = ["b", "a", "\u{1F600}", "\uFFFD", "Z", "\ud800"]
        for (const time of [0, 1]) {
          yield* store.commit(names.map((id) => commitOf(`${time}${id}`, 0, {})))
          yield* TestClock.adjust(1000)
        }
        const ordered = ["\ud800", "Z", "a", "b", "\uFFFD", "\u{1F600}"]
        const all = ["0", "1"].flatMap((time) => ordered.map((id) => `${time}${id}`))
        for (const [order, expected] of [["oldest", all], ["newest", all.toReversed()]] as const) {
          for (const limit of [1, 5, 6, 12, 500]) {
            assert.deepStrictEqual(ids(yield* every(index, { type: "Problem" }, { order, limit })), expected)
          }
        }
        const page = (limit: number) => index.search({ type: "Problem" }, { ...newest, limit })
        assert.strictEqual((yield* page(0)).entries.length, 1)
        assert.isNull((yield* page(12)).next)
        assert.deepStrictEqual((yield* page(11)).next, { sinceMillis: 0, id: "0Z" })
        assert.deepStrictEqual(yield* index.search({ type: "None" }, newest), { entries: [], next: null })
      })
    )

    test(
      "counts stop at their limit",
      Effect.fnUntraced(function*({ index, store }) {
        yield* store.commit(
          Array.from({ length: 7 }, (_, i) => commitOf(`a${i}`, 0, { text: "word", stage: `s${i % 2}` }))
        )
        const filters = [{}, { text: "word" }, { sinceMillis: 0 }, { sinceMillis: -1, untilMillis: 1, text: "wo" }]
        for (const filter of filters) {
          for (const limit of [1, 6, 7, 8, 1e9]) yield* counts(index, { type: "Problem", ...filter }, limit, 7)
        }
        yield* counts(index, { type: "Problem", stages: ["s0"] }, 100, 4)
      })
    )

    test(
      "words are found in any order and case, the last by its beginning, through LaTeX and diacritics",
      Effect.fnUntraced(function*({ index, store }) {
        const text = String.raw`Evaluate $\sqrt{x_{12}}+ℝ$, Gauß' Café: 三角形, x² ${"long".repeat(20)}A`
        yield* store.commit([commitOf("a", 0, { text }), commitOf("b", 0, { text: "another" }), commitOf("c", 0, {})])
        const finds = (words: string) =>
          Effect.map(every(index, { type: "Problem", text: words }), (found) => ids(found).includes("a"))
        const good = [
          "SQRT",
          "x sqrt eval",
          "cafe",
          "CAFÉ gauß",
          "gau",
          "12",
          "角",
          "三角",
          "r",
          "x2",
          "long".repeat(20),
          "",
          "?!"
        ]
        const bad = ["sqr x", "valuate", "gaus cafe", "sqrt another", "形三y", "evaluatex", "x_13", "x' | 'y"]
        for (const words of good) assert.isTrue(yield* finds(words), words)
        for (const words of bad) assert.isFalse(yield* finds(words), words)
        assert.isTrue(yield* finds(`${"sqrt ".repeat(10)} missing`))
        assert.deepStrictEqual(ids(yield* every(index, { type: "Problem", text: "a" })), ["b"])
      })
    )

    test(
      "a text that changes or goes is no longer found by its old words",
      Effect.fnUntraced(function*({ index, store }) {
        const finds = (text: string) => Effect.map(every(index, { type: "Problem", text }), ids)
        yield* store.commit([commitOf("a", 0, { text: "old words" }), commitOf("b", 0, { text: "old words" })])
        yield* store.commit([commitOf("a", 1, { text: "new words" }), commitOf("b", 1, { text: null, status: "done" })])
        assert.deepStrictEqual(yield* finds("old"), [])
        assert.deepStrictEqual(yield* finds("new"), ["a"])
        assert.isNull((yield* index.entry("Problem", "b"))?.excerpt)
        yield* store.commit([commitOf("b", 2, { text: "old words" })])
        assert.deepStrictEqual(yield* finds("old"), ["b"])
        assert.deepStrictEqual(yield* finds("words"), ["b", "a"])
      })
    )

    test(
      "a search for words goes by what the actor is now, not by what it was when its text was written",
      Effect.fnUntraced(function*({ index, store }) {
        yield* store.commit([commitOf("a", 0, { text: "word", stage: "s1", group: "g1" })])
        yield* TestClock.adjust(10)
        yield* store.commit([commitOf("a", 1, { text: "word", stage: "s2", status: "done", group: "g2" })])
        const finds = (filter: Partial<ActorFilter>) =>
          Effect.map(every(index, { type: "Problem", text: "word", ...filter }), (found) => found.length)
        for (const old of [{ stages: ["s1"] }, { statuses: ["running"] }, { group: "g1" }, { untilMillis: 10 }]) {
          assert.strictEqual(yield* finds(old), 0)
          yield* counts(index, { type: "Problem", text: "word", ...old }, 10, 0)
        }
        for (const now of [{ stages: ["s2"] }, { statuses: ["done"] }, { group: "g2" }, { sinceMillis: 10 }]) {
          assert.strictEqual(yield* finds(now), 1)
          yield* counts(index, { type: "Problem", text: "word", ...now }, 10, 1)
        }
      })
    )

    test(
      "a word that few of many have is found in all pages",
      Effect.fnUntraced(function*({ index, store }) {
        const total = isSmall ? 130 : 2600
        const isRare = (i: number) => i % 100 === 7 || i > total - 20
        const idOf = (i: number) => String(i).padStart(4, "0")
        const length = total / 5
        for (let from = 0; from < total; from += length) {
          yield* store.commit(
            Array.from({ length }, (_, k) => from + k).map((i) =>
              commitOf(idOf(i), 0, { text: isRare(i) ? "rare one" : "common one", stage: `s${i % 3}` })
            )
          )
        }
        const rare = Array.from({ length: total }, (_, i) => i).filter(isRare)
        for (const text of ["rare", "rare o", "one rare", "one r"]) {
          const found = yield* every(index, { type: "Problem", text }, { order: "oldest", limit: 20 })
          assert.deepStrictEqual(ids(found), rare.map(idOf), text)
          const some = { type: "Problem", text, stages: ["s1", "none"], statuses: ["running"] }
          assert.deepStrictEqual(
            ids(yield* every(index, some)),
            rare.filter((i) => i % 3 === 1).reverse().map(idOf)
          )
          yield* counts(index, some, 500, rare.filter((i) => i % 3 === 1).length)
          assert.deepStrictEqual(
            ids(yield* every(index, { type: "Problem", text, stages: ["s2"] })),
            rare.filter((i) => i % 3 === 2).reverse().map(idOf)
          )
        }
        assert.strictEqual((yield* every(index, { type: "Problem", text: "one" })).length, total)
        yield* counts(index, { type: "Problem", text: "one" }, 5000, total)
      })
    )

    test(
      "long texts are cut to what may be shown and searched, whole characters only",
      Effect.fnUntraced(function*({ index, store }) {
        const text = `${"\u{1F600}".repeat(150)} ${"filler ".repeat(800)} unseen`
        yield* store.commit([commitOf("a", 0, { text, error: "line\n".repeat(500), attempts: 2.7 })])
        const entry = yield* index.entry("Problem", "a")
        assert.strictEqual(entry?.excerpt, "\u{1F600}".repeat(100))
        assert.strictEqual(entry?.error, "line ".repeat(60))
        assert.strictEqual(entry?.attempts, 2)
        yield* counts(index, { type: "Problem", text: "filler" }, 10, 1)
        yield* counts(index, { type: "Problem", text: "unseen" }, 10, 0)
      })
    )

    test(
      "texts come back as they were, with U+0000 and half surrogate pairs in them",
      Effect.fnUntraced(function*({ index, log, store }) {
        const odd = "a\u0000b\u0001c\ud800d\udc00\u{1F600}'\"\\u0000"
        const facets = { status: odd, stage: odd, group: odd, waiting: odd, error: odd, text: odd }
        const by = { who: odd, why: odd, command: odd, commandId: odd }
        yield* store.commit([commitOf(odd, 0, facets, { type: odd, audits: [by] })])
        const entry: ActorEntry = {
          type: odd,
          id: odd,
          version: 1,
          sinceMillis: 0,
          status: odd,
          stage: odd,
          group: odd,
          attempts: 0,
          error: odd,
          waiting: odd,
          excerpt: odd
        }
        assert.deepStrictEqual(yield* index.entry(odd, odd), entry)
        const filter = { type: odd, statuses: [odd], stages: [odd], group: odd }
        for (const text of [undefined, "a b c d"]) {
          const all = text === undefined ? filter : { ...filter, text }
          assert.deepStrictEqual(yield* every(index, all), [entry])
          yield* counts(index, all, 10, 1)
        }
        assert.deepStrictEqual(yield* index.tally({ type: odd, group: odd }), [{
          type: odd,
          status: odd,
          stage: odd,
          count: 1
        }])
        const found = yield* log.list({ limit: 1, who: odd, type: odd, id: odd, command: odd })
        assert.deepStrictEqual(found.map(({ commandId, detail, why }) => [commandId, detail, why]), [[odd, null, odd]])
      })
    )

    test(
      "many writers of many actors leave exact tallies",
      Effect.fnUntraced(function*({ index, store }) {
        const actors = Array.from({ length: 20 }, (_, i) => `a${i}`)
        yield* store.commit(actors.map((id) => commitOf(id, 0, { text: id })))
        yield* Effect.forEach(
          [1, 2, 3, 4, 5, 6],
          (writer) =>
            store.commit(actors.map((id) => commitOf(id, 1, { status: `s${writer}`, stage: `t${writer % 2}` }))),
          {
            concurrency: "unbounded"
          }
        )
        const entries = yield* every(index, { type: "Problem" })
        assert.strictEqual(entries.length, 20)
        assert.isTrue(entries.every(({ version }) => version === 2))
        for (const { count, stage, status } of yield* index.tally({})) {
          assert.strictEqual(entries.filter((entry) => entry.status === status && entry.stage === stage).length, count)
        }
      })
    )

    it.layer(Layer.orDie(layer()))("with random commits", (it) => {
      let cases = 0
      it.effect.prop(
        "answers what filtering and sorting a list answers",
        [Batches, Filters],
        ([batches, filters]) =>
          Effect.gen(function*() {
            const { index, store } = yield* ports
            const prefix = `${cases++}:`
            const started = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
            const model = new Map<string, ModelRow>()
            const versions = new Map<string, number>()
            for (const steps of batches) {
              yield* TestClock.adjust(1)
              const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
              const seen = new Set<string>()
              const batch = steps.flatMap((step): ReadonlyArray<ActorCommit> => {
                const type = prefix + step.type
                const id = `a${step.actor}`
                const key = `${type}/${id}`
                if (seen.has(key)) return []
                seen.add(key)
                const version = versions.get(key) ?? 0
                const facets: Facets = {
                  status: step.status,
                  stage: step.stage,
                  group: step.group === null ? null : prefix + step.group,
                  attempts: step.attempts,
                  error: null,
                  waiting: null,
                  text: texts[step.text] ?? null
                }
                const { text: _, ...moving } = facets
                if (!step.fenced) {
                  versions.set(key, version + 1)
                  const old = model.get(key)
                  const same = old !== undefined &&
                    Object.entries(moving).every(([name, value]) => old[name as keyof Facets] === value)
                  if (!step.silent) {
                    model.set(key, { ...facets, type, id, version: version + 1, since: same ? old.since : now })
                  }
                }
                return [commitOf(id, step.fenced ? version + 1 : version, undefined, {
                  type,
                  ...(step.silent ? {} : { facets })
                })]
              })
              yield* store.commit(batch)
            }
            for (const { group, limit, order, since, type, until, ...rest } of filters) {
              const filter: ActorFilter = {
                type: prefix + type,
                ...(rest.statuses === undefined ? {} : { statuses: rest.statuses }),
                ...(rest.stages === undefined ? {} : { stages: rest.stages }),
                ...(rest.text === undefined ? {} : { text: rest.text }),
                ...(group === undefined ? {} : { group: group === "" ? "" : prefix + group }),
                ...(since === undefined ? {} : { sinceMillis: started + since }),
                ...(until === undefined ? {} : { untilMillis: started + until })
              }
              const sign = order === "newest" ? -1 : 1
              const expected = [...model.values()].filter((row) => fits(row, filter)).sort((a, b) =>
                sign * (a.since - b.since || (a.id < b.id ? -1 : 1))
              ).map(({ since, text, ...row }): ActorEntry => ({ ...row, sinceMillis: since, excerpt: text }))
              const found = yield* every(index, filter, { order, limit })
              assert.deepStrictEqual(found, expected, JSON.stringify(filter))
              yield* counts(index, filter, limit, expected.length)
              const scope = { type: filter.type, ...(filter.group === undefined ? {} : { group: filter.group }) }
              const tallied = [...model.values()].filter((row) => fits(row, scope))
              const tally = yield* index.tally(scope)
              assert.strictEqual(tally.reduce((sum, { count }) => sum + count, 0), tallied.length)
              assert.strictEqual(new Set(tally.map(({ stage, status }) => `${status}/${stage}`)).size, tally.length)
              for (const { count, stage, status } of tally) {
                assert.strictEqual(tallied.filter((row) => row.status === status && row.stage === stage).length, count)
              }
            }
            for (const row of model.values()) {
              const entry = yield* index.entry(row.type, row.id)
              assert.deepStrictEqual([entry?.version, entry?.status, entry?.sinceMillis], [
                row.version,
                row.status,
                row.since
              ])
            }
          }),
        { arbitrary: { runs: 60, seed: 1 } }
      )
    })
  })

  describe(`AuditLog on ${name}`, () => {
    const refusal = (more: Partial<AuditEntry> = {}): AuditEntry => ({
      atMillis: 5,
      who: "ann",
      why: "because",
      command: "cancel",
      type: null,
      id: null,
      commandId: null,
      version: null,
      outcome: "refused",
      detail: "NotThere: there is no such run",
      ...more
    })
    const note = { who: "bob", why: "it hangs", command: "pause", commandId: "c1" }

    test(
      "a commit notes its commands with the version that they led to",
      Effect.fnUntraced(function*({ log, store }) {
        yield* TestClock.adjust(70)
        yield* store.commit([
          commitOf("a", 0),
          commitOf("b", 0, undefined, { audits: [note, { ...note, commandId: null }] })
        ])
        yield* store.commit([commitOf("b", 1, {}, { audits: [note] })])
        const done = (version: number, commandId: string | null) => ({
          ...note,
          atMillis: 70,
          type: "Problem",
          id: "b",
          commandId,
          version,
          outcome: "done" as const,
          detail: null
        })
        const found = yield* log.list({ limit: 10 })
        assert.deepStrictEqual(found.map(({ seq: _, ...entry }) => entry), [
          done(2, "c1"),
          done(1, null),
          done(1, "c1")
        ])
      })
    )

    test(
      "what was fenced or a repetition is not noted again",
      Effect.fnUntraced(function*({ log, store }) {
        const more = { audits: [note], replies: [{ commandId: "c1", reply: "1" }] }
        yield* store.commit([commitOf("a", 0, undefined, more)])
        yield* store.commit([commitOf("a", 1, undefined, more), commitOf("b", 4, undefined, { audits: [note] })])
        assert.strictEqual((yield* log.list({ limit: 10 })).length, 1)
      })
    )

    test(
      "entries come newest first, in pages, by who, actor and command",
      Effect.fnUntraced(function*({ log }) {
        assert.deepStrictEqual(yield* log.list({ limit: 10 }), [])
        yield* log.append([])
        const entries = Array.from({ length: 12 }, (_, i) =>
          refusal({
            who: i % 2 === 0 ? "ann" : "bob",
            command: i % 3 === 0 ? "cancel" : "pause",
            why: String(i),
            ...(i < 6 ? {} : { type: "Problem", id: `a${i % 4}`, version: i })
          }))
        yield* log.append(entries.slice(0, 5))
        yield* log.append(entries.slice(5))
        const all = yield* log.list({ limit: 500 })
        assert.deepStrictEqual(all.map(({ seq: _, ...entry }) => entry), entries.toReversed())
        assert.isTrue(all.every(({ seq }, i) => i === 0 || seq < (all[i - 1]?.seq ?? 0)))
        const first = yield* log.list({ limit: 5 })
        const rest = yield* log.list({ limit: 500, before: first.at(-1)?.seq ?? 0 })
        assert.deepStrictEqual([...first, ...rest], all)
        const whys = (options: Omit<Parameters<AuditLog["Service"]["list"]>[0], "limit">) =>
          Effect.map(log.list({ limit: 10, ...options }), (found) => found.map(({ why }) => Number(why)))
        assert.deepStrictEqual(yield* whys({ who: "bob" }), [11, 9, 7, 5, 3, 1])
        assert.deepStrictEqual(yield* whys({ command: "cancel", who: "ann" }), [6, 0])
        assert.deepStrictEqual(yield* whys({ type: "Problem", id: "a2" }), [10, 6])
        assert.deepStrictEqual(yield* whys({ type: "Problem", id: "a2", who: "bob" }), [])
        assert.deepStrictEqual(yield* whys({ type: "Problem" }), [11, 10, 9, 8, 7, 6])
        assert.strictEqual((yield* log.list({ limit: 0 })).length, 1)
      })
    )

    test(
      "prune deletes what is older, a few rows at a time, and numbers go on",
      Effect.fnUntraced(function*({ log }) {
        yield* log.append([1, 2, 3, 4].map((atMillis) => refusal({ atMillis })))
        const before = (yield* log.list({ limit: 1 }))[0]?.seq ?? 0
        assert.strictEqual(yield* log.prune(4, 2), 2)
        assert.strictEqual(yield* log.prune(4, 2), 1)
        assert.strictEqual(yield* log.prune(4, 2), 0)
        assert.deepStrictEqual((yield* log.list({ limit: 9 })).map(({ atMillis }) => atMillis), [4])
        assert.strictEqual(yield* log.prune(100, 9), 1)
        yield* log.append([refusal()])
        assert.isAbove((yield* log.list({ limit: 1 }))[0]?.seq ?? 0, before)
      })
    )
  })
}
