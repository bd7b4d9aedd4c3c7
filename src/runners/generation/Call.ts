// One call to one endpoint: a seat, the breaker, the wire, and then the books: every call that went out is noted and charged, whatever came of
// it, those that were called off too.
import { Data, Effect, Exit } from "effect"
import type { Alarms } from "../../actors/Alarms.ts"
import type { CallLog } from "../../actors/CallLog.ts"
import type { Seats } from "../../actors/Seats.ts"
import type { Spending } from "../../actors/Spending.ts"
import {
  callerOf,
  type GenerationRequest,
  type Prompt,
  type SamplingParameters,
  type TokenUsage
} from "../../domain/Generation.ts"
import { GenerationBusy, type SpendCapReached } from "../../domain/Generation/Errors.ts"
import { estimatePromptTokens } from "../../domain/TokenEstimate.ts"
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
  readonly alarms: Alarms
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
  /** The request's parameters with so many tokens to write: the same object for the same number, so that what is made of it can be kept. */
  readonly parametersOf: (maxTokens: number | undefined) => SamplingParameters
  /** For the record. */
  readonly parametersText: (maxTokens: number | undefined, seed: number | null) => string
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
/** Of these, for the seed and its name. */
const seedCharacters = 40

/** All that a prompt says, in one text. */
export const promptText = (prompt: Prompt): string =>
  prompt._tag === "Text" ? prompt.text : prompt.messages.map(({ content }) => content).join("\n")

const microDollarsOf = ({ completionTokens, promptTokens }: TokenUsage, { spec }: Model, settings: LlmSettings) =>
  promptTokens * (spec.promptPrice ?? settings.promptPrice) +
  completionTokens * (spec.completionPrice ?? settings.completionPrice)

export const jobOf = (request: GenerationRequest, model: Model, promptHash: string): Job => {
  const { parameters, prompt } = request
  let tokens: number | null = null
  let shrunk = parameters
  let told: { readonly of: SamplingParameters; readonly text: string } | null = null
  const parametersOf = (maxTokens: number | undefined) => {
    if (maxTokens === undefined || maxTokens === parameters.maxTokens) return parameters
    if (shrunk.maxTokens !== maxTokens || shrunk === parameters) shrunk = { ...parameters, maxTokens }
    return shrunk
  }
  const textOf = (of: SamplingParameters): string => {
    if (told?.of === of) return told.text
    const text = JSON.stringify(of)
    const most = parametersCharacters - seedCharacters
    told = { of, text: text.length <= most ? text : JSON.stringify({ ...of, stop: `${of.stop?.length ?? 0} texts` }) }
    return told.text
  }
  return {
    request,
    model,
    promptHash,
    promptTokens: () => tokens ??= estimatePromptTokens(prompt),
    parametersOf,
    parametersText: (maxTokens, seed) => {
      const text = textOf(parametersOf(maxTokens))
      return `${text.slice(0, -1)}${text === "{}" ? "" : ","}"seed":${seed}}`
    }
  }
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

  const now = parts.alarms.now

  /** What one call holds, until it ends in whatever way. */
  interface Held {
    readonly askedMillis: number
    sentMillis: number
    ticket: Ticket | null
    isWaiting: boolean
    /** Gives the seat back, or leaves the row. */
    leave: () => void
  }
  const waited = (held: Held) => {
    if (!held.isWaiting) return
    held.isWaiting = false
    meters.waiting.add([name], -1)
    meters.queueSeconds.observe([name], (now() - held.askedMillis) / 1_000)
  }
  /** One that hedges does not wait. */
  const takeSeat = (held: Held): Effect.Effect<void, GenerationBusy> =>
    Effect.suspend(() => {
      const { inFlight, maxWaiting, waitMillis } = settings
      const limits = { inFlight: spec.inFlight ?? inFlight, maxWaiting: hedged ? 0 : maxWaiting, waitMillis }
      let answer: Effect.Effect<void, GenerationBusy> | undefined
      let wake = (_answer: Effect.Effect<void, GenerationBusy>) => {}
      held.leave = seats.ask(spec.name, callerOf(request), limits, (refusal) => {
        waited(held)
        answer = refusal === null ? Effect.void : Effect.fail(
          new GenerationBusy({
            model: name,
            reason: refusal.reason,
            waiting: refusal.waiting,
            waitedMillis: refusal.waitedMillis
          })
        )
        wake(answer)
      })
      return answer ?? Effect.callback((resume) => {
        if (answer !== undefined) return resume(answer)
        wake = resume
      })
    })

  let seen: number | null = null
  let firstTokenMillis: number | null = null

  const book = (
    { askedMillis, sentMillis }: Held,
    outcome: string,
    usage: TokenUsage,
    status: number | null,
    failure: WireFailure | null = null
  ) => {
    const millis = now() - sentMillis
    const queueMillis = sentMillis - askedMillis
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
      owner: callerOf(request),
      promptHash: job.promptHash,
      parameters: job.parametersText(maxTokens, seed),
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

  const send = ({ sentMillis }: Held) =>
    wire.call(
      spec.wire,
      {
        prompt: request.prompt,
        parameters: job.parametersOf(maxTokens),
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
  const ended = (held: Held, ticket: Ticket, exit: Exit.Exit<CallOutput, CallRefusal>): Effect.Effect<void> => {
    if (Exit.isSuccess(exit)) {
      answered(ticket)
      const { output } = exit.value
      firstTokenMillis = output.firstTokenMillis
      return book(held, "ok", output.usage, output.status)
    }
    const failure = exit.cause.reasons.find((reason) => reason._tag === "Fail")?.error
    if (failure?._tag !== "WireFailure") {
      ticket.left()
      // Those who had to wait for what became of it do not wait on.
      model.endpoints.wake()
      const usage = { promptTokens: job.promptTokens(), completionTokens: seen ?? 0, estimated: true }
      return book(held, now() >= options.untilMillis ? "DeadlinePassed" : "cancelled", usage, null)
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
    return book(held, errorOf(name, failure, attempt)._tag, failure.usage, failure.status, failure)
  }
  return Effect.acquireUseRelease(
    Effect.sync((): Held => {
      endpoint.load++
      meters.waiting.add([name], 1)
      return { askedMillis: now(), sentMillis: 0, ticket: null, isWaiting: true, leave: () => {} }
    }),
    Effect.fnUntraced(function*(held: Held): Effect.fn.Return<CallOutput, CallRefusal> {
      yield* takeSeat(held)
      if (endpoint.breaker.closedForMillis(now()) > 0) return yield* new TurnedAway()
      yield* options.goes
      held.sentMillis = now()
      held.ticket = endpoint.breaker.enter(held.sentMillis)
      if (held.ticket === null) return yield* new TurnedAway()
      meters.inFlight.add([name], 1)
      return { output: yield* send(held), endpoint, sentMillis: held.sentMillis }
    }),
    (held, exit) => {
      const free = Effect.sync(() => {
        endpoint.load--
        waited(held)
        held.leave()
      })
      return held.ticket === null ? free : Effect.ensuring(ended(held, held.ticket, exit), free)
    }
  )
}
