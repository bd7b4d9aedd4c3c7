// What models have cost, for good: the Spending actor, one for each model, and the port `Spending` over it. A process gathers what its calls
// cost and sends the sum once a second, or after 200 calls, under a command id that stays the same until it is taken: a sum counts once
// whatever is retried. What is lost when a process is killed is at most what it had gathered since its last sum went out.
import { Cause, Clock, Effect, Fiber, Layer, Schedule } from "effect"
import type { Sharding } from "effect/cluster"
import type { Facets } from "../domain/Commit.ts"
import { digest } from "../domain/Ids.ts"
import * as Sum from "../domain/Spending.ts"
import { ActorStore } from "./ActorStore.ts"
import * as DurableActor from "./DurableActor.ts"
import { MetricRegistry, type Registry } from "./Metrics.ts"
import { type Charge, Spending } from "./Spending.ts"

const describe = ({ calls, microDollars }: Sum.SpendingState): Facets => ({
  status: "counting",
  stage: null,
  group: null,
  attempts: Math.min(calls, Number.MAX_SAFE_INTEGER),
  error: null,
  waiting: null,
  text: `$${(microDollars / 1e6).toFixed(4)}`
})

export const SpendingActor = DurableActor.make({
  type: "Spending",
  state: Sum.SpendingState,
  initial: Sum.noSpending,
  commands: { Charge: { payload: Sum.ChargeFields, success: Sum.SpendingState } },
  decide: { Charge: Sum.charge },
  // Few, and told once a second by each process.
  placement: { _tag: "shared", hosts: 4 },
  describe
})

export const layer = SpendingActor.layer()

const isId = /^[A-Za-z0-9._:-]{1,200}$/
/** The actor of a model: its name, or where that is no id, what is left of it and a digest. */
export const spendingIdOf = (model: string): string =>
  isId.test(model)
    ? model
    : `${model.replaceAll(/[^A-Za-z0-9._-]+/g, "-").slice(0, 100)}:${digest([model], 16)}`

const flushMillis = 1_000
/** Calls after which a sum goes out before its second is over. */
const flushCalls = 200
/** A total that was read so long ago is read again when it is asked for. */
const freshMillis = 3_000
const sendMillis = 5_000
/** Who asks first waits so long for the stored total, at most. */
const loadMillis = 5_000
/** What is left when the process ends has so long to go out. */
const lastMillis = 5_000
/** Models are named by configuration, so they are few; this bounds them all the same. */
const maxModels = 1_024

interface Sending {
  readonly sum: Sum.SpendingState
  readonly commandId: string
}
interface Account {
  readonly model: string
  /** What was charged here since a sum last went out. */
  pending: Sum.SpendingState
  /** The sum that is on its way or was not taken yet, and its command id; it is sent again as it is. */
  sending: Sending | null
  isSending: boolean
  /** The last total that was read; null: none yet. */
  total: Sum.SpendingState | null
  readMillis: number
  /** Who reads it now. */
  loading: Fiber.Fiber<void> | null
}

const positive = (value: number): number => Number.isFinite(value) && value > 0 ? value : 0
const sumOf = ({ microDollars, usage }: Charge): Sum.SpendingState => ({
  calls: 1,
  promptTokens: positive(usage.promptTokens),
  completionTokens: positive(usage.completionTokens),
  microDollars: positive(microDollars)
})

const instruments = ({ counter, gauge }: Registry) => ({
  dollars: counter({
    name: "polya_llm_cost_dollars_total",
    help: "What calls of this process cost, by model, as far as prices are set.",
    labels: ["model"]
  }),
  tokens: counter({
    name: "polya_llm_tokens_total",
    help: "Tokens of calls of this process, by model and kind (prompt, completion).",
    labels: ["model", "kind"]
  }),
  unwritten: gauge({
    name: "polya_llm_unwritten_calls",
    help: "Calls of this process whose cost is not in the store yet.",
    labels: ["model"]
  })
})

const make = Effect.gen(function*() {
  const clientOf = yield* SpendingActor.client
  const store = yield* ActorStore
  const meters = instruments(yield* MetricRegistry)
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const accounts = new Map<string, Account>()

  const accountOf = (name: string): Account => {
    const model = accounts.has(name) || accounts.size < maxModels ? name : "other"
    let account = accounts.get(model)
    if (account === undefined) {
      account = {
        model,
        pending: Sum.noSpending,
        sending: null,
        isSending: false,
        total: null,
        readMillis: Number.NEGATIVE_INFINITY,
        loading: null
      }
      accounts.set(model, account)
    }
    return account
  }
  /** Totals only grow: of two that were read, the larger one is the newer. */
  const known = (account: Account, total: Sum.SpendingState): void => {
    if (account.total === null || total.calls >= account.total.calls) account.total = total
    account.readMillis = clock.currentTimeMillisUnsafe()
  }
  const measure = (account: Account): void =>
    meters.unwritten.set([account.model], account.pending.calls + (account.sending?.sum.calls ?? 0))

  /** Sends what is pending, or what was not taken before; answers whether it was taken. One at a time for each model. */
  const flush = (account: Account): Effect.Effect<boolean> =>
    Effect.suspend(() => {
      if (account.isSending) return Effect.succeed(false)
      if (account.sending === null) {
        if (account.pending.calls === 0) return Effect.succeed(true)
        account.sending = { sum: account.pending, commandId: globalThis.crypto.randomUUID() }
        account.pending = Sum.noSpending
      }
      const { commandId, sum } = account.sending
      account.isSending = true
      return clientOf(spendingIdOf(account.model)).send("Charge", { sum }, { commandId, deadlineMillis: sendMillis })
        .pipe(
          Effect.map((total) => {
            account.sending = null
            known(account, total)
            return true
          }),
          Effect.catchCause((cause) =>
            Effect.as(
              Cause.hasInterruptsOnly(cause)
                ? Effect.void
                : Effect.logWarning(`What ${account.model} cost could not be written, trying again`, cause),
              false
            )
          ),
          Effect.ensuring(Effect.sync(() => {
            account.isSending = false
            measure(account)
          }))
        )
    })
  const flushAll = Effect.suspend(() =>
    Effect.forEach(Array.from(accounts.values()), flush, { concurrency: 8, discard: true })
  )
  const load = (account: Account): Effect.Effect<void> =>
    clientOf(spendingIdOf(account.model)).get.pipe(
      Effect.map(({ state }) => known(account, state)),
      Effect.timeoutOption(loadMillis),
      Effect.catchCause((cause) =>
        Effect.logWarning(`What ${account.model} has cost cannot be read, going on with what is known`, cause)
      ),
      Effect.ensuring(Effect.sync(() => {
        account.loading = null
        // Also in vain: the next try is made when this one would have been old.
        account.readMillis = clock.currentTimeMillisUnsafe()
      }))
    )
  /** Commits a sum without the actor's host: the version fences it, and the command id tells whether it was taken before. */
  const commitHere = (model: string, { commandId, sum }: Sending) =>
    Effect.gen(function*() {
      const [type, id] = [SpendingActor.type, spendingIdOf(model)]
      const [row] = yield* store.load([{ type, id }])
      const before = row === undefined ? Sum.noSpending : SpendingActor.codec.decode(row.state)
      const state = SpendingActor.codec.encode(Sum.addSpending(before, sum))
      const replies = [{ commandId, reply: state }]
      const facets = describe(Sum.addSpending(before, sum))
      const [outcome] = yield* store.commit([
        { type, id, expected: row?.version ?? 0, state, replies, events: [], facets }
      ])
      if (outcome?._tag === "Fenced") return yield* Effect.fail("another process was first")
    })
  /** The cluster lets go of its actors before this service ends, so what is left goes straight to the store. */
  const lastFlush = Effect.suspend(() =>
    Effect.forEach(accounts.values(), ({ model, pending, sending }) =>
      Effect.forEach(
        [
          ...sending === null ? [] : [sending],
          ...pending.calls === 0 ? [] : [{ sum: pending, commandId: globalThis.crypto.randomUUID() }]
        ],
        (left) =>
          commitHere(model, left).pipe(
            Effect.retry({ times: 20, schedule: Schedule.exponential(10) })
          ),
        { discard: true }
      ), { discard: true })
  ).pipe(
    Effect.interruptible,
    Effect.timeout(lastMillis),
    Effect.catchCause((cause) => Effect.logWarning("The cost of the last calls could not be written", cause))
  )
  yield* Effect.addFinalizer(() => lastFlush)
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(flushMillis), flushAll)))

  return Spending.of({
    charge: (model, charge) =>
      Effect.suspend(() => {
        const account = accountOf(model)
        const sum = sumOf(charge)
        account.pending = Sum.addSpending(account.pending, sum)
        meters.dollars.add([account.model], sum.microDollars / 1e6)
        meters.tokens.add([account.model, "prompt"], sum.promptTokens)
        meters.tokens.add([account.model, "completion"], sum.completionTokens)
        measure(account)
        return account.pending.calls >= flushCalls && !account.isSending && account.sending === null
          ? Effect.asVoid(Effect.forkIn(flush(account), scope))
          : Effect.void
      }),
    spent: (model) =>
      Effect.gen(function*() {
        const account = accountOf(model)
        const isStale = clock.currentTimeMillisUnsafe() - account.readMillis >= freshMillis
        if (isStale && account.loading === null) {
          account.loading = yield* Effect.forkIn(load(account), scope, { startImmediately: false })
        }
        // Who asks first waits for it; the others take what was read last.
        if (account.total === null && account.loading !== null) yield* Fiber.await(account.loading)
        return [account.total, account.sending?.sum, account.pending].reduce<Sum.SpendingState>(
          (sum, more) => (more == null ? sum : Sum.addSpending(sum, more)),
          Sum.noSpending
        )
      })
  })
})

/** The port over the actors, on any process of the cluster. */
export const layerSpending: Layer.Layer<Spending, never, ActorStore | Sharding.Sharding> = Layer.effect(Spending, make)
