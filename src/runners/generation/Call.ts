// One call to one endpoint: a seat, the breaker, the wire, and then the books: every call that went out is noted and charged, whatever came of
// it, those that were called off too.
import { Clock, Data, Effect, Exit } from "effect"
import type { CallLog } from "../../actors/CallLog.ts"
import type { Seats } from "../../actors/Seats.ts"
import type { Spending } from "../../actors/Spending.ts"
import type { GenerationRequest, Prompt, TokenUsage } from "../../domain/Generation.ts"
import { GenerationBusy, type SpendCapReached } from "../../domain/Generation/Errors.ts"
import type { WireClient } from "../openai/Client.ts"
import type { WireFailure, WireOutput, WirePart } from "../openai/Wire.ts"
import type { Ticket } from "./Breaker.ts"
import type { Endpoint, Endpoints } from "./Endpoints.ts"
import { errorOf, isAway, shown } from "./Failures.ts"
import type { Instruments } from "./Instruments.ts"
import type { LlmSettings, ModelSpec } from "./ModelList.ts"

/** What every call needs. Settings are read at each use. */
export interface Parts {
  readonly settings: LlmSettings
  readonly wire: WireClient["Service"]
  readonly seats: Seats["Service"]
  readonly spending: Spending["Service"]
  readonly log: CallLog["Service"]
  readonly meters: Instruments
}

export interface Model {
  readonly spec: ModelSpec
  readonly endpoints: Endpoints
}

/** A request, and what is found out once for all of its samples. */
export interface Job {
  readonly request: GenerationRequest
  readonly model: Model
  readonly promptHash: string
  /** An estimate. */
  readonly promptTokens: () => number
}

export interface CallOptions {
  readonly endpoint: Endpoint
  readonly seed: number | null
  readonly maxTokens: number | undefined
  /** Which call of its sample, from 1. */
  readonly attempt: number
  readonly hedged: boolean
  /** It has its place and goes out now, unless this fails. */
  readonly goes: Effect.Effect<void, SpendCapReached>
  /** The sample's deadline. */
  readonly untilMillis: number
  readonly part?: (part: WirePart) => void
  /** Told what it cost, and how long it waited for its place. */
  readonly cost: (microDollars: number, queueMillis: number) => void
}

export interface CallOutput {
  readonly output: WireOutput
  readonly endpoint: Endpoint
  readonly sentMillis: number
}

/** The endpoint went away while the call waited for its place. */
export class TurnedAway extends Data.TaggedError("TurnedAway") {}
export type CallRefusal = WireFailure | GenerationBusy | SpendCapReached | TurnedAway

/** No server keeps us away for longer than that: whoever comes later asks it again. */
export const pauseLongestMillis = 3_600_000
const parametersCharacters = 1_000

/** All that a prompt says, in one text. */
export const promptText = (prompt: Prompt): string =>
  prompt._tag === "Text" ? prompt.text : prompt.messages.map(({ content }) => content).join("\n")

const microDollarsOf = ({ completionTokens, promptTokens }: TokenUsage, { spec }: Model, settings: LlmSettings) =>
  promptTokens * (spec.promptPrice ?? settings.promptPrice) +
  completionTokens * (spec.completionPrice ?? settings.completionPrice)

const parametersText = ({ request }: Job, { maxTokens, seed }: CallOptions): string => {
  const all = { ...request.parameters, ...(maxTokens === undefined ? {} : { maxTokens }), seed }
  const text = JSON.stringify(all)
  return text.length <= parametersCharacters ? text : JSON.stringify({ ...all, stop: `${all.stop?.length ?? 0} texts` })
}

export const makeCall = (parts: Parts, job: Job, options: CallOptions): Effect.Effect<
  CallOutput,
  CallRefusal
> => {
  const { log, meters, seats, settings, spending, wire } = parts
  const { model, request } = job
  const { attempt, endpoint, hedged, maxTokens, seed } = options
  const { spec } = endpoint
  const name = model.spec.name

  /** A seat until the scope closes. One that hedges does not wait. */
  const takeSeat = Effect.acquireUseRelease(
    Effect.sync(() => meters.waiting.add([name], 1)),
    () => {
      const { inFlight, maxWaiting, waitMillis } = settings
      const limits = { inFlight: spec.inFlight ?? inFlight, maxWaiting: hedged ? 0 : maxWaiting, waitMillis }
      return seats.take(spec.name, request.owner, limits)
    },
    () => Effect.sync(() => meters.waiting.add([name], -1))
  ).pipe(
    Effect.mapError(({ reason, waitedMillis, waiting }) =>
      new GenerationBusy({ model: name, reason, waiting, waitedMillis })
    )
  )

  return Effect.scoped(Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const now = () => clock.currentTimeMillisUnsafe()
    const askedMillis = now()
    yield* Effect.acquireRelease(
      Effect.sync(() => void endpoint.load++),
      () => Effect.sync(() => void endpoint.load--)
    )
    yield* Effect.ensuring(
      takeSeat,
      Effect.sync(() => meters.queueSeconds.observe([name], (now() - askedMillis) / 1_000))
    )
    if (endpoint.breaker.closedForMillis(now()) > 0) return yield* new TurnedAway()
    yield* options.goes
    const sentMillis = now()
    const queueMillis = sentMillis - askedMillis
    let seen: number | null = null
    let firstTokenMillis: number | null = null

    const book = (outcome: string, usage: TokenUsage, status: number | null, failure: WireFailure | null = null) => {
      const millis = now() - sentMillis
      const microDollars = microDollarsOf(usage, model, settings)
      options.cost(microDollars, queueMillis)
      meters.inFlight.add([name], -1)
      meters.calls.add([name, outcome])
      meters.callSeconds.observe([name], millis / 1_000)
      if (firstTokenMillis !== null) meters.firstTokenSeconds.observe([name], firstTokenMillis / 1_000)
      meters.away.set([name, spec.name], endpoint.breaker.state() === "closed" ? 0 : 1)
      log.note({
        atMillis: sentMillis,
        model: name,
        endpoint: spec.name,
        owner: request.owner,
        promptHash: job.promptHash,
        parameters: parametersText(job, options),
        promptTokens: usage.promptTokens,
        completionTokens: usage.completionTokens,
        microDollars,
        queueMillis,
        firstTokenMillis,
        millis,
        attempt,
        hedged,
        outcome,
        status,
        detail: failure === null ? null : shown(failure.detail)
      })
      return spending.charge(name, { usage, microDollars })
    }

    const send = wire.call(
      spec.wire,
      {
        prompt: request.prompt,
        parameters: maxTokens === undefined ? request.parameters : { ...request.parameters, maxTokens },
        seed
      },
      {
        callMillis: settings.callMillis,
        firstTokenMillis: settings.firstTokenMillis,
        idleMillis: settings.idleMillis
      },
      (part) => {
        seen = part.tokens
        firstTokenMillis ??= now() - sentMillis
        options.part?.(part)
      }
    )
    const answered = (ticket: Ticket) => {
      endpoint.asked = true
      endpoint.lastError = null
      if (ticket.answered()) model.endpoints.wake()
    }
    const ended = (ticket: Ticket, exit: Exit.Exit<WireOutput, WireFailure>): Effect.Effect<void> => {
      if (Exit.isSuccess(exit)) {
        answered(ticket)
        firstTokenMillis = exit.value.firstTokenMillis
        return book("ok", exit.value.usage, exit.value.status)
      }
      const failure = exit.cause.reasons.find((reason) => reason._tag === "Fail")?.error
      if (failure === undefined) {
        ticket.left()
        // Those who had to wait for what became of it do not wait on.
        model.endpoints.wake()
        const usage = { promptTokens: job.promptTokens(), completionTokens: seen ?? 0, estimated: true }
        return book(now() >= options.untilMillis ? "DeadlinePassed" : "cancelled", usage, null)
      }
      firstTokenMillis = failure.firstTokenMillis
      if (isAway(failure)) {
        endpoint.asked = true
        endpoint.lastError = shown(failure.detail)
        ticket.failed(now())
      } else if (failure.class === "rate-limited") {
        ticket.left()
        endpoint.asked = true
        endpoint.lastError = shown(failure.detail)
        const pauseMillis = failure.retryAfterMillis ?? settings.retryFirstMillis
        endpoint.breaker.pause(now() + Math.min(pauseMillis, pauseLongestMillis))
      } else answered(ticket)
      return book(errorOf(name, failure, attempt)._tag, failure.usage, failure.status, failure)
    }
    const output = yield* Effect.acquireUseRelease(
      Effect.suspend(() => {
        const ticket = endpoint.breaker.enter(now())
        if (ticket === null) return Effect.fail(new TurnedAway())
        meters.inFlight.add([name], 1)
        return Effect.succeed(ticket)
      }),
      () => send,
      ended
    )
    return { output, endpoint, sentMillis }
  }))
}
