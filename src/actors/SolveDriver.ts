// Drives one solve from wherever it stands until it is over: asks for samples, finds their answers, reports each as it ends, and lets a model
// select where the strategy says so. All that it knows is in the store: a runner that takes over asks again only for the samples that were
// under way. Reports are refused when the solve has moved on without this driver; then it looks again.
import { Cause, Clock, Effect, Exit, Option, Queue, type Scope } from "effect"
import type { Sharding } from "effect/cluster"
import {
  deadlineOf,
  maxAttempts,
  type SampleError,
  sampleId,
  type SolveSpec,
  type SolveState
} from "../domain/Solve.ts"
import type { CodeSandbox } from "./CodeSandbox.ts"
import type { ActorUnavailable } from "./Committer.ts"
import { patient } from "./DurableActor.ts"
import type { Generation } from "./Generation.ts"
import { MetricRegistry } from "./Metrics.ts"
import { SampleActor } from "./SampleActor.ts"
import { answerIn, groupOf } from "./SolveDriver/Answers.ts"
import { solveInstruments } from "./SolveDriver/Instruments.ts"
import { type Sampled, sampleOf } from "./SolveDriver/OneSample.ts"
import { selectAnswer } from "./SolveDriver/Selecting.ts"
import type { Verdicts } from "./Verdicts.ts"

export type DriveServices = Generation | CodeSandbox | Verdicts | Sharding.Sharding

/** What the driver needs of the Solve actor that it works for. */
export interface SolveHandle {
  readonly id: string
  readonly state: Effect.Effect<SolveState, ActorUnavailable>
  /** Lets go of what this runner knows of the solve: it is read again. */
  readonly refresh: Effect.Effect<void>
  readonly send: (tag: "Begin" | "End" | "Select" | "TimeUp", payload: object) => Effect.Effect<unknown, any>
}

/** A solve that has moved on without its driver is looked at again after this. */
const againMillis = 100

/** So long before the deadline the answer is made of what there is. */
const reserveMillis = (budgetMillis: number): number => Math.min(2_000, Math.max(50, budgetMillis / 20))

interface Report {
  readonly sample: number
  readonly attempt: number
  readonly exit: Exit.Exit<Sampled, typeof SampleError.Type>
}

export const drive = Effect.fn("SolveDriver.drive")(function*(handle: SolveHandle) {
  while (true) {
    const state = yield* handle.state
    const { spec } = state
    if (spec === null) return
    const deadline = deadlineOf(state)
    const until = deadline === null ? null : deadline - reserveMillis(deadline - state.startedMillis)
    if (state.status === "sampling") yield* Effect.scoped(sampling(handle, spec, until))
    else if (state.status === "selecting") {
      yield* inTime(handle, until, selectAnswer(handle, state))
    } else return
  }
})

/** Takes the work until the time is up; then the answer is what leads. */
const inTime = <E, R>(handle: SolveHandle, until: number | null, work: Effect.Effect<void, E, R>) =>
  Effect.gen(function*() {
    if (until === null) return yield* work
    const left = until - (yield* Clock.currentTimeMillis)
    const done = left <= 0 ? Option.none() : yield* Effect.timeoutOption(work, left)
    if (Option.isNone(done)) yield* timeUp(handle)
  })

const timeUp = (handle: SolveHandle) =>
  Effect.gen(function*() {
    const atMillis = yield* Clock.currentTimeMillis
    yield* unlessStale(handle, handle.send("TimeUp", { atMillis }))
  })

/** A stale report says that the solve moved: it is looked at again. */
const unlessStale = <A, E>(handle: SolveHandle, send: Effect.Effect<A, E>): Effect.Effect<boolean, E> =>
  Effect.catchIf(
    Effect.as(send, true),
    (error) => (error as { readonly _tag?: string })._tag === "ReportStale",
    () => Effect.as(handle.refresh, false)
  )

/** Tokens that nobody has been promised yet; null: there is no bound. */
const tokensLeftOf = (
  { budget }: SolveSpec,
  { usage }: SolveState,
  running: ReadonlyMap<number, number | null>
): number | null =>
  budget.tokens === null
    ? null
    : [...running.values()].reduce<number>(
      (left, promised) => left - (promised ?? 0),
      budget.tokens - usage.completionTokens
    )

/**
 * What each of at most `count` samples may write so that all of them together keep to what is left: as much as each may (`most`), else even
 * shares. Fewer samples, where there is not a token for each.
 */
export const allowances = (
  count: number,
  most: number | undefined,
  left: number | null
): ReadonlyArray<number | null> => {
  if (left === null) return Array.from({ length: count }, () => null)
  const allowed: Array<number> = []
  for (let rest = left; allowed.length < count && rest >= 1;) {
    const share = Math.max(1, Math.min(most ?? Math.floor(rest / (count - allowed.length)), rest))
    allowed.push(share)
    rest -= share
  }
  return allowed
}

/** Asks for samples until the solve wants no more. Leaving the scope calls off those under way. */
const sampling = Effect.fnUntraced(function*(
  handle: SolveHandle,
  spec: SolveSpec,
  until: number | null
): Effect.fn.Return<void, any, DriveServices | Scope.Scope> {
  const reports = yield* Queue.unbounded<Report>()
  /** Samples under way, with the tokens that each may write (null: no bound). */
  const running = new Map<number, number | null>()
  const { parallel, parameters, samples: planned } = spec.strategy

  const isLate = (atMillis: number) => until !== null && until <= atMillis

  /** Whether that was as the driver knew it; else nothing was begun. */
  const beginSome = Effect.fnUntraced(function*(state: SolveState) {
    const orphans = state.samples.flatMap(({ attempt, status }, sample) =>
      status === "running" && !running.has(sample) ? [{ sample, attempt: attempt + 1 }] : []
    )
    const fresh = Array.from(
      { length: planned - state.samples.length },
      (_, at) => ({ sample: state.samples.length + at, attempt: 1 })
    )
    const wanted = [...orphans, ...fresh].slice(0, Math.max(0, parallel - running.size))
    const allowed = allowances(wanted.length, parameters.maxTokens, tokensLeftOf(spec, state, running))
    const begun = wanted.slice(0, allowed.length)
    if (begun.length === 0) return true
    const atMillis = yield* Clock.currentTimeMillis
    if (!(yield* unlessStale(handle, handle.send("Begin", { samples: begun, atMillis })))) return false
    for (const [at, { attempt, sample }] of begun.entries()) {
      const tokensLeft = allowed[at] ?? null
      const asked = sampleOf({ solve: handle.id, spec, sample, attempt, tokensLeft, until })
      yield* Effect.forkScoped(
        Effect.exit(asked).pipe(
          Effect.flatMap((exit) => Queue.offer(reports, { sample, attempt, exit }))
        )
      )
      running.set(sample, tokensLeft)
    }
    return true
  })

  /** Whether there was one to give up; then the solve has moved on. */
  const giveUpOne = (state: SolveState) => {
    const sample = state.samples.findIndex(({ attempt, status }, at) =>
      status === "running" && attempt >= maxAttempts && !running.has(at)
    )
    const attempt = state.samples[sample]?.attempt
    return attempt === undefined
      ? Effect.succeed(false)
      : Effect.as(failed(handle, { sample, attempt }, givenUp), true)
  }

  while (true) {
    const state = yield* handle.state
    if (state.status !== "sampling") return
    if (yield* giveUpOne(state)) continue
    if (isLate(yield* Clock.currentTimeMillis)) return yield* timeUp(handle)
    if (!(yield* beginSome(state))) {
      yield* Effect.sleep(againMillis)
      continue
    }
    const left = until === null ? null : until - (yield* Clock.currentTimeMillis)
    if (left !== null && left <= 0) return yield* timeUp(handle)
    const taken = left === null
      ? Option.some(yield* Queue.take(reports))
      : yield* Effect.timeoutOption(Queue.take(reports), left)
    if (Option.isNone(taken)) return yield* timeUp(handle)
    running.delete(taken.value.sample)
    const reported = report(handle, spec, taken.value).pipe(
      // What cannot be kept costs its own sample: begun again, it would cost the others with it, and again.
      Effect.catchCause((cause) =>
        isPassing(cause) ? Effect.failCause(cause) : Effect.logError("A sample cannot be kept", cause).pipe(
          Effect.andThen(failed(handle, taken.value, { tag: "Defect", message: Cause.pretty(cause).slice(0, 300) }))
        )
      )
    )
    // Finding an answer has limits of its own, but the deadline is the solve's.
    yield* until === null
      ? reported
      : Effect.timeoutOption(reported, Math.max(50, until - (yield* Clock.currentTimeMillis)))
  }
})

/** Keeps the sample's text, then has the solve count it. */
const report = Effect.fnUntraced(function*(
  handle: SolveHandle,
  spec: SolveSpec,
  { attempt, exit, sample }: Report
): Effect.fn.Return<void, any, DriveServices> {
  const failedWith = Exit.isFailure(exit) ? failureOf(exit.cause) : undefined
  if (failedWith === null) return
  const base = { sample, attempt }
  const { samples: counted } = solveInstruments(yield* MetricRegistry)
  if (Exit.isFailure(exit)) {
    counted.add([failedWith?.tag ?? "Defect"])
    return yield* failed(handle, base, failedWith)
  }
  const { answered, executions, figures, kept, output } = exit.value
  const answer = yield* answerIn(answered, spec.strategy.answers)
  counted.add([answer === null ? "no answer" : "answered"])
  const samples = yield* SampleActor.client
  yield* patient(samples(sampleId(handle.id, sample)).send("Keep", { state: kept }))
  // Another answer may have come first: then it is compared once more.
  for (let tries = 0; tries < 3; tries++) {
    const { stopping } = yield* handle.state
    if (stopping === null) return
    const { group, groups } = yield* groupOf(stopping.groups, answer, spec.strategy.answers)
    const result = { _tag: "Finished", answer, group, groups, finish: output.finish, figures, executions }
    const isCounted = yield* ended(handle, {
      ...base,
      result,
      usage: output.usage,
      microDollars: output.microDollars
    })
    if (isCounted) return
  }
})

const givenUp = { tag: "SampleGivenUp", message: `It was begun ${maxAttempts} times and never came to an end` }

/** What may be otherwise when the driver is begun again: who called it off, a store or a cluster that is away. */
const isPassing = (cause: Cause.Cause<unknown>): boolean =>
  Cause.hasInterrupts(cause) ||
  cause.reasons.some((reason) => {
    const error = reason._tag === "Fail" ? reason.error as { readonly _tag?: unknown; readonly reason?: unknown } : {}
    return error?._tag === "ActorUnavailable" && error.reason !== "data"
  })

const failed = (
  handle: SolveHandle,
  { attempt, sample }: Pick<Report, "attempt" | "sample">,
  error: typeof SampleError.Type | undefined
) =>
  Effect.asVoid(ended(handle, {
    sample,
    attempt,
    result: { _tag: "Failed", error },
    usage: { promptTokens: 0, completionTokens: 0 },
    microDollars: 0
  }))

const ended = (handle: SolveHandle, fields: object) =>
  Effect.flatMap(
    Clock.currentTimeMillis,
    (atMillis) => unlessStale(handle, handle.send("End", { ...fields, atMillis }))
  )

/** null: it was called off. */
const failureOf = (cause: Cause.Cause<typeof SampleError.Type>): typeof SampleError.Type | null => {
  if (Cause.hasInterruptsOnly(cause)) return null
  const error = Cause.squash(cause) as { readonly tag?: unknown; readonly message?: unknown }
  return typeof error.tag === "string" && typeof error.message === "string"
    ? { tag: error.tag, message: error.message.slice(0, 1_000) }
    : { tag: "Defect", message: String(error.message ?? error).slice(0, 300) }
}
