// The contract of ActorStore, sentence by sentence, and a random comparison with a model of it. Every adapter runs it.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { ActorStore, type RetentionCut } from "../../src/actors/ActorStore.ts"
import type { ActorCommit, CommitOutcome } from "../../src/domain/Commit.ts"

const commitOf = (id: string, expected: number, more: Partial<ActorCommit> = {}): ActorCommit => ({
  type: "Counter",
  id,
  expected,
  state: JSON.stringify({ n: expected + 1 }),
  replies: [],
  events: [],
  ...more
})
const replies = (...ids: ReadonlyArray<string>) =>
  ids.map((commandId) => ({ commandId, reply: JSON.stringify(`answer to ${commandId}`) }))
const tags = (outcomes: ReadonlyArray<CommitOutcome>) => outcomes.map((outcome) => outcome._tag)
const key = (id: string, type = "Counter") => ({ type, id })

const Step = Schema.Struct({
  actor: Schema.Literals([0, 1, 2, 3]),
  fence: Schema.Literals(["right", "right", "right", "behind", "ahead", "zero"]),
  commands: Schema.Array(Schema.Literals([0, 1, 2, 3, 4, 5, 6, 7])).check(Schema.isMaxLength(2)),
  events: Schema.Literals([0, 1, 2])
})
const Batches = Schema.Array(Schema.Array(Step).check(Schema.isMaxLength(6))).check(Schema.isMaxLength(8))

interface ModelActor {
  readonly states: Array<string>
  readonly events: Array<ReadonlyArray<string>>
  readonly replies: Map<string, string>
}

/** `layer` makes an empty store each time. */
export const actorStoreContract = (name: string, layer: () => Layer.Layer<ActorStore, unknown>): void => {
  const test = <E>(title: string, body: (store: ActorStore["Service"]) => Effect.Effect<void, E>) =>
    it.effect(title, () => Effect.provide(Effect.flatMap(ActorStore, body), layer()))

  describe(`ActorStore on ${name}`, () => {
    test(
      "an actor that was never committed has no row",
      Effect.fnUntraced(function*(store) {
        assert.deepStrictEqual(yield* store.load([key("a")]), [undefined])
        assert.deepStrictEqual(yield* store.load([]), [])
        assert.deepStrictEqual(yield* store.commit([]), [])
      })
    )

    test(
      "versions count commits from 1, one by one",
      Effect.fnUntraced(function*(store) {
        for (const expected of [0, 1, 2]) {
          assert.deepStrictEqual(yield* store.commit([commitOf("a", expected)]), [{ _tag: "Committed" }])
        }
        assert.deepStrictEqual(yield* store.load([key("a")]), [{ version: 3, state: `{"n":3}` }])
      })
    )

    test(
      "rows come in the order of the keys, whatever it is",
      Effect.fnUntraced(function*(store) {
        yield* store.commit(["c", "a", "b"].map((id) => commitOf(id, 0, { state: JSON.stringify(id) })))
        const rows = yield* store.load([key("b"), key("none"), key("c"), key("a"), key("a", "Other")])
        assert.deepStrictEqual(rows.map((row) => row?.state), [`"b"`, undefined, `"c"`, `"a"`, undefined])
      })
    )

    test(
      "a commit on another version than the stored one is fenced and writes nothing",
      Effect.fnUntraced(function*(store) {
        yield* store.commit([commitOf("a", 0), commitOf("b", 0)])
        yield* store.commit([commitOf("a", 1)])
        const wrong = { state: `"wrong"`, replies: replies("lost"), events: [`"lost"`] }
        assert.deepStrictEqual(tags(yield* store.commit([commitOf("a", 1, wrong)])), ["Fenced"])
        assert.deepStrictEqual(tags(yield* store.commit([commitOf("a", 0, wrong)])), ["Fenced"])
        assert.deepStrictEqual(tags(yield* store.commit([commitOf("a", 3, wrong), commitOf("new", 4, wrong)])), [
          "Fenced",
          "Fenced"
        ])
        assert.deepStrictEqual(yield* store.load([key("a"), key("new")]), [{ version: 2, state: `{"n":2}` }, undefined])
        assert.deepStrictEqual(tags(yield* store.commit([commitOf("a", 2, { replies: replies("lost") })])), [
          "Committed"
        ])
        assert.isTrue((yield* store.history(key("a"), { limit: 10 })).every(({ events }) => events.length === 0))
        assert.strictEqual((yield* store.asOf(key("a"), 1))?.state, `{"n":1}`)
      })
    )

    test(
      "a command id that was answered before gives its reply and writes nothing",
      Effect.fnUntraced(function*(store) {
        yield* store.commit([commitOf("a", 0, { replies: replies("x", "y") })])
        const again = yield* store.commit([commitOf("a", 1, { replies: replies("z", "y", "x"), events: ["1"] })])
        assert.deepStrictEqual(again, [{
          _tag: "Duplicate",
          stored: new Map([["y", `"answer to y"`], ["x", `"answer to x"`]])
        }])
        assert.deepStrictEqual(yield* store.load([key("a")]), [{ version: 1, state: `{"n":1}` }])
        assert.deepStrictEqual(tags(yield* store.commit([commitOf("a", 1, { replies: replies("z") })])), ["Committed"])
      })
    )

    test(
      "a repeated command is a duplicate even at a version that would be fenced",
      Effect.fnUntraced(function*(store) {
        yield* store.commit([commitOf("a", 0, { replies: replies("x") })])
        assert.deepStrictEqual(tags(yield* store.commit([commitOf("a", 0, { replies: replies("x") })])), ["Duplicate"])
        assert.deepStrictEqual(tags(yield* store.commit([commitOf("a", 7, { replies: replies("x") })])), ["Duplicate"])
      })
    )

    test(
      "command ids belong to their actor",
      Effect.fnUntraced(function*(store) {
        yield* store.commit([commitOf("a", 0, { replies: replies("x") })])
        const others = [
          commitOf("b", 0, { replies: replies("x") }),
          commitOf("a", 0, { type: "Other", replies: replies("x") })
        ]
        assert.deepStrictEqual(tags(yield* store.commit(others)), ["Committed", "Committed"])
      })
    )

    test(
      "fenced and repeated rows do not fail the batch they travel in",
      Effect.fnUntraced(function*(store) {
        yield* store.commit([commitOf("known", 0, { replies: replies("x") }), commitOf("moved", 0)])
        yield* store.commit([commitOf("moved", 1)])
        const outcomes = yield* store.commit([
          commitOf("z", 0),
          commitOf("moved", 1),
          commitOf("known", 1, { replies: replies("x") }),
          commitOf("moved", 2, { type: "Other" }),
          commitOf("a", 0)
        ])
        assert.deepStrictEqual(tags(outcomes), ["Committed", "Fenced", "Duplicate", "Fenced", "Committed"])
        const rows = yield* store.load(["z", "moved", "known", "a"].map((id) => key(id)))
        assert.deepStrictEqual(rows.map((row) => row?.version), [1, 2, 1, 1])
      })
    )

    test(
      "of many writers at one version exactly one commits",
      Effect.fnUntraced(function*(store) {
        yield* store.commit([commitOf("a", 0)])
        const writers = Array.from(
          { length: 8 },
          (_, i) => store.commit([commitOf("a", 1, { state: String(i), replies: replies(`w${i}`) })])
        )
        const outcomes = (yield* Effect.all(writers, { concurrency: "unbounded" })).flat()
        const winner = outcomes.findIndex((outcome) => outcome._tag === "Committed")
        assert.deepStrictEqual(tags(outcomes).filter((tag) => tag === "Committed").length, 1)
        assert.deepStrictEqual(tags(outcomes).filter((tag) => tag === "Fenced").length, 7)
        assert.deepStrictEqual(yield* store.load([key("a")]), [{ version: 2, state: String(winner) }])
        assert.strictEqual((yield* store.asOf(key("a"), 1))?.state, `{"n":1}`)
      })
    )

    test(
      "every version stays readable, the current one too, and no other ever was",
      Effect.fnUntraced(function*(store) {
        for (const expected of [0, 1, 2]) yield* store.commit([commitOf("a", expected)])
        const states = yield* Effect.forEach([0, 1, 2, 3, 4], (version) => store.asOf(key("a"), version))
        assert.deepStrictEqual(states, [
          undefined,
          ...[1, 2, 3].map((n) => ({ version: n, state: `{"n":${n}}` })),
          undefined
        ])
        assert.isUndefined(yield* store.asOf(key("none"), 1))
      })
    )

    test(
      "history gives commits newest first with their events and times, in pages",
      Effect.fnUntraced(function*(store) {
        for (const expected of [0, 1, 2, 3]) {
          yield* store.commit([
            commitOf("a", expected, { events: Array.from({ length: expected }, (_, i) => `{"e": [${expected},${i}]}`) })
          ])
          yield* TestClock.adjust(1000)
        }
        yield* store.commit([commitOf("b", 0, { events: ["1"] })])
        const entry = (version: number) => ({
          version,
          events: Array.from({ length: version - 1 }, (_, i) => `{"e": [${version - 1},${i}]}`),
          atMillis: (version - 1) * 1000
        })
        assert.deepStrictEqual(yield* store.history(key("a"), { limit: 10 }), [4, 3, 2, 1].map(entry))
        assert.deepStrictEqual(yield* store.history(key("a"), { limit: 2 }), [4, 3].map(entry))
        assert.deepStrictEqual(yield* store.history(key("a"), { limit: 2, before: 3 }), [2, 1].map(entry))
        assert.deepStrictEqual(yield* store.history(key("a"), { limit: 2, before: 1 }), [])
        assert.deepStrictEqual(yield* store.history(key("none"), { limit: 2 }), [])
        assert.deepStrictEqual((yield* store.history(key("a"), { limit: 0 })).length, 1)
      })
    )

    test(
      "list gives the actors of one type in id order, in pages",
      Effect.fnUntraced(function*(store) {
        const ids = ["b", "a", "\u{1F600}", "\uFFFD", "Z", "z", "é"]
        yield* store.commit([...ids.map((id) => commitOf(id, 0)), commitOf("other", 0, { type: "Other" })])
        yield* store.commit([commitOf("b", 1)])
        const ordered = ["Z", "a", "b", "z", "é", "\uFFFD", "\u{1F600}"]
        const first = yield* store.list("Counter", { limit: 3 })
        assert.deepStrictEqual(first.slice(1), [{ id: "a", version: 1, state: `{"n":1}` }, {
          id: "b",
          version: 2,
          state: `{"n":2}`
        }])
        const rest = yield* store.list("Counter", { limit: 1000, after: "b" })
        assert.deepStrictEqual([...first, ...rest].map(({ id }) => id), ordered)
        assert.deepStrictEqual(yield* store.list("None", { limit: 10 }), [])
      })
    )

    test(
      "texts come back as they were, with U+0000 and half surrogate pairs in them",
      Effect.fnUntraced(function*(store) {
        const odd = "a\u0000b\u0001c\ud800d\udc00\u{1F600}'\"\\u0000"
        assert.deepStrictEqual(
          tags(
            yield* store.commit([
              commitOf(odd, 0, { type: odd, state: odd, events: [odd], replies: [{ commandId: odd, reply: odd }] })
            ])
          ),
          ["Committed"]
        )
        assert.deepStrictEqual(yield* store.load([key(odd, odd)]), [{ version: 1, state: odd }])
        assert.deepStrictEqual((yield* store.history(key(odd, odd), { limit: 1 }))[0]?.events, [odd])
        assert.deepStrictEqual((yield* store.list(odd, { limit: 1 })).map(({ id }) => id), [odd])
        const again = yield* store.commit([commitOf(odd, 1, { type: odd, replies: [{ commandId: odd, reply: "" }] })])
        assert.deepStrictEqual(again, [{ _tag: "Duplicate", stored: new Map([[odd, odd]]) }])
      })
    )

    const cut = (nowMillis: number, more: Partial<RetentionCut> = {}): RetentionCut => ({
      nowMillis,
      repliesMillis: 1_000_000,
      eventsMillis: 1_000_000,
      versionsMillis: 1_000_000,
      maxRows: 100,
      ...more
    })
    const aged = Effect.fnUntraced(function*(store: ActorStore["Service"]) {
      for (const expected of [0, 1, 2]) {
        yield* store.commit([commitOf("a", expected, { replies: replies(`c${expected}`), events: ["1", "2"] })])
        yield* TestClock.adjust(1000)
      }
    })

    test(
      "prune deletes what is past its age and keeps what is not",
      Effect.fnUntraced(function*(store) {
        yield* aged(store)
        assert.deepStrictEqual(yield* store.prune(cut(3000)), { replies: 0, events: 0, versions: 0 })
        // Committed at 0, 1000 and 2000; the first state was replaced at 1000, the second at 2000.
        assert.deepStrictEqual(yield* store.prune(cut(3000, { repliesMillis: 1500 })), {
          replies: 2,
          events: 0,
          versions: 0
        })
        assert.deepStrictEqual(tags(yield* store.commit([commitOf("a", 3, { replies: replies("c2") })])), ["Duplicate"])
        assert.deepStrictEqual(yield* store.prune(cut(3000, { versionsMillis: 1500 })), {
          replies: 0,
          events: 0,
          versions: 1
        })
        assert.isUndefined(yield* store.asOf(key("a"), 1))
        assert.strictEqual((yield* store.asOf(key("a"), 2))?.version, 2)
        assert.deepStrictEqual((yield* store.history(key("a"), { limit: 9 })).map(({ version }) => version), [3, 2, 1])
        assert.deepStrictEqual(yield* store.prune(cut(3000, { eventsMillis: 1500 })), {
          replies: 0,
          events: 2,
          versions: 0
        })
        const left = yield* store.history(key("a"), { limit: 9 })
        assert.deepStrictEqual(left, [{ version: 3, events: ["1", "2"], atMillis: 2000 }, {
          version: 2,
          events: [],
          atMillis: 1000
        }])
      })
    )

    test(
      "prune never deletes the current state",
      Effect.fnUntraced(function*(store) {
        yield* aged(store)
        yield* store.prune(cut(1e12, { repliesMillis: 0, eventsMillis: 0, versionsMillis: 0 }))
        assert.deepStrictEqual(yield* store.load([key("a")]), [{ version: 3, state: `{"n":3}` }])
        assert.deepStrictEqual(yield* store.history(key("a"), { limit: 9 }), [{
          version: 3,
          events: [],
          atMillis: 2000
        }])
        assert.deepStrictEqual(tags(yield* store.commit([commitOf("a", 3, { replies: replies("c0") })])), ["Committed"])
      })
    )

    test(
      "prune takes at most maxRows of each kind and ends when it is called again",
      Effect.fnUntraced(function*(store) {
        yield* aged(store)
        const small = cut(1e9, { repliesMillis: 0, eventsMillis: 0, versionsMillis: 0, maxRows: 2 })
        assert.deepStrictEqual(yield* store.prune(small), { replies: 2, events: 2, versions: 2 })
        assert.deepStrictEqual(yield* store.prune(small), { replies: 1, events: 1, versions: 0 })
        assert.deepStrictEqual(yield* store.prune(small), { replies: 0, events: 0, versions: 0 })
      })
    )

    it.layer(Layer.orDie(layer()))("with random batches", (it) => {
      let cases = 0
      it.effect.prop("answers and keeps what a simple model does", [Batches], ([batches]) =>
        Effect.gen(function*() {
          const store = yield* ActorStore
          const type = `Model${cases++}`
          const model = new Map<string, ModelActor>()
          for (const [n, steps] of batches.entries()) {
            const seen = new Set<number>()
            const batch = steps.filter(({ actor }) => !seen.has(actor) && seen.add(actor)).map(
              (step, i): ActorCommit => {
                const id = `a${step.actor}`
                const at = model.get(id)?.states.length ?? 0
                const expected = { right: at, behind: Math.max(0, at - 1), ahead: at + 1, zero: 0 }[step.fence]
                return {
                  type,
                  id,
                  expected,
                  state: `"${n}.${i}"`,
                  replies: [...new Set(step.commands)].map((command) => ({
                    commandId: `c${command}`,
                    reply: `"${n}.${i}.${command}"`
                  })),
                  events: Array.from({ length: step.events }, (_, k) => `"${n}.${i}.${k}"`)
                }
              }
            )
            const wanted = batch.map((commit): CommitOutcome => {
              const actor = model.get(commit.id)
              const stored = new Map(commit.replies.flatMap(({ commandId }) => {
                const reply = actor?.replies.get(commandId)
                return reply === undefined ? [] : [[commandId, reply] as const]
              }))
              if (stored.size > 0) return { _tag: "Duplicate", stored }
              if ((actor?.states.length ?? 0) !== commit.expected) return { _tag: "Fenced" }
              const next: ModelActor = actor ?? { states: [], events: [], replies: new Map() }
              model.set(commit.id, next)
              next.states.push(commit.state)
              next.events.push(commit.events)
              for (const { commandId, reply } of commit.replies) next.replies.set(commandId, reply)
              return { _tag: "Committed" }
            })
            assert.deepStrictEqual(yield* store.commit(batch), wanted)
          }
          for (const id of ["a0", "a1", "a2", "a3"]) {
            const states = model.get(id)?.states ?? []
            const events = model.get(id)?.events ?? []
            const version = states.length
            const rowAt = (at: number) => {
              const state = states[at - 1]
              return state === undefined ? undefined : { version: at, state }
            }
            assert.deepStrictEqual(yield* store.load([{ type, id }]), [rowAt(version)])
            for (let at = 0; at <= version + 1; at++) {
              assert.deepStrictEqual(yield* store.asOf({ type, id }, at), rowAt(at))
            }
            const history = yield* store.history({ type, id }, { limit: 1000 })
            assert.deepStrictEqual(
              history.map((entry) => [entry.version, entry.events]),
              events.map((list, i) => [i + 1, list]).reverse()
            )
          }
          assert.deepStrictEqual(
            (yield* store.list(type, { limit: 10 })).map(({ id }) => id),
            [...model.keys()].sort()
          )
        }), { arbitrary: { runs: 60, seed: 1 } })
    })
  })
}
