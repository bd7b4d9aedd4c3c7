// Two runners that both take themselves for the owner of a run: one is frozen at a seeded moment, with all its calls under way, the other
// takes over, and the frozen one wakes up at another, with a late word to drive. What comes out is what an undisturbed run gives.
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer } from "effect"
import { ActorStore } from "../../src/actors/ActorStore.ts"
import { DatasetRunActor, wake } from "../../src/actors/DatasetRunActor.ts"
import { runType } from "../../src/actors/Plans.ts"
import * as Polya from "../../src/actors/Polya.ts"
import { ProblemActor } from "../../src/actors/ProblemActor.ts"
import { RunIndex } from "../../src/actors/RunIndex.ts"
import type { RunState } from "../../src/domain/DatasetRun.ts"
import type { ProblemState } from "../../src/domain/Problem.ts"
import { dropped, failed, kept } from "../../src/domain/Stage.ts"
import { stages as registry } from "../../src/domain/stages/Registry.ts"
import {
  fresh,
  halves,
  mapStage,
  memoryStore,
  outputOf,
  ports,
  recipeOf,
  start,
  type World,
  type Written
} from "./Fixture.ts"

const upper = mapStage("upper", ({ problem }) => kept({ problem: String(problem).toUpperCase() }))
const noSeven = mapStage("no-seven", ({ problem }) => String(problem).endsWith("7") ? dropped("seven") : kept())
const breaks = mapStage("breaks", ({ problem }) => String(problem).includes("BAD") ? failed("Broken", "bad") : kept())
const set = (name: string) => registry.get(name) ?? assert.fail(`there is no stage ${name}`)
const stages = [halves, upper, noSeven, breaks, set("exact-duplicates"), set("near-duplicates"), set("split")]
const names = ["halves", "upper", "exact-duplicates", "no-seven", "near-duplicates", "breaks", "split"]
const rows = [
  ...Array.from({ length: 9 }, (_, i) => ({ problem: `How many sheep are ${i} and ${i * i}?` })),
  null,
  { problem: "What is 1? + What is bad? + What is 1? + What is 17" },
  ...Array.from({ length: 5 }, (_, i) => ({ problem: `How many sheep are ${i} and ${i * i}?` })),
  ...Array.from({ length: 5 }, (_, i) => ({ problem: `The number ${i} + the number ${i + 1}` }))
]
const world: World = { stages, rows }
const recipe = recipeOf(names, { batchRows: 4, inFlight: 8 })

/** One store for all runners, and what lies in it in the end. */
const sharedStore = Effect.gen(function*() {
  const context = yield* Layer.build(Layer.fresh(memoryStore))
  const store = Context.get(context, ActorStore)
  const index = Context.get(context, RunIndex)
  const run = Effect.map(
    store.load([{ type: runType, id: "run" }]),
    ([row]) => row === undefined ? undefined : JSON.parse(row.state) as RunState
  )
  const left = Effect.gen(function*() {
    const all = yield* index.rows("run", {
      after: null,
      limit: 999,
      statuses: ["live", "expanded", "done", "dropped", "failed"]
    })
    const problems = yield* store.list(ProblemActor.type, { limit: 999 })
    return {
      rows: all,
      results: yield* Effect.forEach(names.map((_, ord) => ord), (ord) => index.results("run", ord, all)),
      problems: problems.map(({ id, state }) => {
        const problem = JSON.parse(state) as ProblemState
        return { actor: id, ...problem, records: problem.records.map(({ millis: _, ...record }) => record) }
      })
    }
  })
  return { context, run, left }
})
type SharedStore = Effect.Success<typeof sharedStore>

/**
 * A runner over the shared store. From its `freezeAt`-th call on, every call of it waits until it is thawed; the calls that are made
 * before are counted for `onCall`.
 */
const runner = Effect.fnUntraced(function*(
  shared: SharedStore,
  options: { readonly freezeAt?: number; readonly onCall?: (call: number) => Effect.Effect<void> } = {}
) {
  const thawed = yield* Deferred.make<void>()
  const frozen = yield* Deferred.make<void>()
  let calls = 0
  const meet = <A, E>(call: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      calls++
      const before = options.onCall?.(calls) ?? Effect.void
      if (calls < (options.freezeAt ?? Number.POSITIVE_INFINITY)) return Effect.andThen(before, call)
      return Deferred.succeed(frozen, undefined).pipe(
        Effect.andThen(Deferred.await(thawed)),
        Effect.andThen(call)
      )
    })
  const store = Context.get(shared.context, ActorStore)
  const index = Context.get(shared.context, RunIndex)
  const mine = Layer.succeedContext(
    Context.make(ActorStore, {
      ...store,
      commit: (batch) => meet(store.commit(batch)) as ReturnType<typeof store.commit>,
      load: (keys) => meet(store.load(keys)) as ReturnType<typeof store.load>
    }).pipe(Context.add(RunIndex, {
      ...index,
      claim: (...args) => meet(index.claim(...args)),
      put: (...args) => meet(index.put(...args)),
      rows: (...args) => meet(index.rows(...args)),
      reopen: (...args) => meet(index.reopen(...args)),
      putResults: (...args) => meet(index.putResults(...args)),
      forget: (...args) => meet(index.forget(...args))
    }))
  )
  const written: Written = fresh()
  const services = yield* Layer.build(Layer.fresh(
    Polya.layer(undefined, false).pipe(Layer.provideMerge(ports(world, written)), Layer.provideMerge(mine))
  ))
  const inside = <A, E>(body: Effect.Effect<A, E, any>): Effect.Effect<A, E> =>
    Effect.provideContext(body, services as Context.Context<any>)
  return {
    written,
    frozen: Deferred.await(frozen),
    thaw: Effect.asVoid(Deferred.succeed(thawed, undefined)),
    start: inside(start("run", recipe)),
    wake: inside(wake("run")),
    /** Until its driver has ended, which it is asked to begin again all the while. */
    quiet: inside(wake("run").pipe(Effect.repeat({ until: ({ driving }) => !driving }))),
    send: (tag: "RerunFailed") =>
      inside(Effect.flatMap(DatasetRunActor.client, (clientOf) => clientOf("run").send(tag, { atMillis: 1 })))
  }
})

type Runner = Effect.Success<ReturnType<typeof runner>>

const isOver = (state: RunState | undefined): boolean => state?.status === "done" || state?.status === "failed"
const ended = (shared: SharedStore) =>
  Effect.andThen(Effect.yieldNow, shared.run).pipe(Effect.repeat({ until: isOver }))
/** Wakes the run until the store says that it is over. */
const finish = (shared: SharedStore, by: Runner) =>
  by.wake.pipe(
    Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 50 })),
    Effect.andThen(shared.run),
    Effect.repeat({ until: isOver }),
    Effect.map((state) => state ?? assert.fail("the store has no run"))
  )

const found = (shared: SharedStore, { tally: { done, dropped, failed, in: read } }: RunState) =>
  Effect.map(shared.left, (left) => ({ left, done, dropped, failed, in: read }))

const again = Effect.fnUntraced(function*(shared: SharedStore, owner: Runner, rerun: boolean) {
  const first = yield* finish(shared, owner)
  if (!rerun) return first
  // If the other one ended the run, this one's memory of it is old until it is woken.
  yield* owner.send("RerunFailed").pipe(Effect.tapError(() => owner.wake), Effect.retry({ times: 1_000 }))
  return yield* finish(shared, owner)
})

const undisturbed = Effect.fnUntraced(function*(rerun: boolean) {
  const shared = yield* sharedStore
  const only = yield* runner(shared)
  yield* only.start
  const state = yield* again(shared, only, rerun)
  assert.strictEqual(state.status, "done")
  return { ...yield* found(shared, state), output: outputOf(only.written) }
}, Effect.scoped)

interface Moments {
  /** The call of the first runner at which it freezes. */
  readonly freezeAt: number
  /** The call of the second runner at which the first one wakes up; infinite: after the end. */
  readonly thawAt: number
  /** The second runner sends the rows through again. */
  readonly rerun: boolean
}

const disturbed = Effect.fnUntraced(function*({ freezeAt, rerun, thawAt }: Moments) {
  const shared = yield* sharedStore
  const late = yield* runner(shared, { freezeAt })
  yield* Effect.forkChild(late.start)
  yield* Effect.raceFirst(late.frozen, ended(shared))
  const thaw = Effect.andThen(late.thaw, Effect.forkDetach(Effect.ignore(late.wake)))
  const owner = yield* runner(shared, { onCall: (call) => call === thawAt ? Effect.asVoid(thaw) : Effect.void })
  yield* owner.start
  const state = yield* again(shared, owner, rerun)
  assert.strictEqual(state.status, "done", JSON.stringify(state.error))
  const before = yield* found(shared, state)
  yield* thaw
  const { trouble } = yield* late.quiet
  assert.isNull(trouble)
  assert.deepStrictEqual(yield* found(shared, (yield* shared.run) ?? state), before)
  const outputs = [owner, late].filter(({ written }) => written.commits > 0).map(({ written }) => outputOf(written))
  return { before, outputs }
}, Effect.scoped)

const disturbing = (rerun: boolean, moments: ReadonlyArray<Moments>) =>
  Effect.gen(function*() {
    const { output, ...expected } = yield* undisturbed(rerun)
    yield* Effect.forEach(moments, (one) =>
      Effect.map(disturbed(one), ({ before, outputs }) => {
        const name = JSON.stringify(one)
        assert.deepStrictEqual(before, expected, name)
        // The first generation's output may be the other's: it was not sent through again.
        assert.deepStrictEqual(outputs.at(0), output, name)
        if (!rerun) { for (const one of outputs) assert.deepStrictEqual(one, output, name) }
      }), { concurrency: 4, discard: true })
  })

const numbers = (count: number, first: number, step: number) =>
  Array.from({ length: count }, (_, i) => first + i * step)

describe("a run whose runner was frozen", () => {
  it.live(
    "is what another made of it, when the frozen one wakes up after its end",
    () =>
      disturbing(
        false,
        numbers(16, 2, 8).map((freezeAt) => ({ freezeAt, thawAt: Number.POSITIVE_INFINITY, rerun: false }))
      ),
    60_000
  )

  it.live("is what it would have been, when the frozen one wakes up while the other works", () =>
    disturbing(
      false,
      numbers(20, 5, 6).map((freezeAt, i) => ({ freezeAt, thawAt: 3 + (i * 37) % 110, rerun: false }))
    ), 60_000)

  it.live("is what it would have been, when the frozen one wakes up in the run's next generation", () =>
    disturbing(
      true,
      numbers(20, 5, 6).map((freezeAt, i) => ({ freezeAt, thawAt: 90 + (i * 37) % 160, rerun: true }))
    ), 60_000)
})
