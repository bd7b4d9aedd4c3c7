// One sample with all the calls that it takes: the least loaded endpoint is asked; what may pass is asked again, later and elsewhere where there
// is an elsewhere; an answer that is slow to begin gets a rival; an overflow is asked for again once, shorter. No wait is begun that ends
// after the sample's deadline.
import { Deferred, Effect, Exit, Fiber, Option, Random } from "effect"
import { shrink } from "../../domain/ContextOverflow.ts"
import type { SampleOutput } from "../../domain/Generation.ts"
import {
  EndpointsDown,
  type GenerationError,
  RateLimited,
  SpendCapReached
} from "../../domain/Generation/Errors.ts"
import {
  type CallOptions,
  type CallOutput,
  type CallRefusal,
  type Job,
  makeCall,
  type Model,
  type Parts,
  pauseLongestMillis,
  promptText
} from "./Call.ts"
import type { Endpoint } from "./Endpoints.ts"
import { againAfter, errorOf } from "./Failures.ts"
import type { Teller } from "./Teller.ts"

/** Of a wait, what chance may add: not all come back at once. */
const jitterShare = 0.25
/** Beyond the time at which a server wants to be asked again, at most. */
const jitterMillis = 1_000

/** Fails where what the model may cost is used up. 0: it may cost anything. */
export const checkSpending = ({ settings, spending }: Parts, { spec }: Model): Effect.Effect<void, SpendCapReached> =>
  Effect.suspend(() => {
    const capDollars = spec.spendCapDollars ?? settings.spendCapDollars
    if (capDollars === 0) return Effect.void
    return Effect.flatMap(spending.spent(spec.name), ({ microDollars }) => {
      const spentDollars = microDollars / 1e6
      return spentDollars < capDollars
        ? Effect.void
        : Effect.fail(new SpendCapReached({ model: spec.name, capDollars, spentDollars }))
    })
  })

export const runSample = Effect.fnUntraced(function*(
  parts: Parts,
  job: Job,
  seed: number | null,
  teller: Teller
): Effect.fn.Return<SampleOutput, GenerationError> {
  const { meters, settings } = parts
  const { model, request } = job
  const { endpoints, spec } = model
  const { name } = spec
  const { now } = parts.alarms
  const random = yield* Random.Random
  const startedMillis = now()
  const untilMillis = startedMillis + request.deadlineMillis
  let maxTokens = request.parameters.maxTokens
  let isShrunk = false
  /** Calls that went out, and of them those in vain; looks in vain for an endpoint. */
  let calls = 0
  let failures = 0
  let looks = 0
  let microDollars = 0
  let queueMillis = 0
  let avoid: Endpoint | null = null
  let last: GenerationError | null = null

  const backoffMillis = (times: number) =>
    Math.min(settings.retryLongestMillis, settings.retryFirstMillis * 2 ** Math.min(times, 30)) *
    (1 + jitterShare * random.nextDoubleUnsafe())

  const check = checkSpending(parts, model)
  const call = (endpoint: Endpoint, { goes, ...rest }: Pick<CallOptions, "goes" | "hedged" | "part">) =>
    makeCall(parts, job, {
      endpoint,
      seed,
      maxTokens,
      untilMillis,
      attempt: rest.hedged ? calls : calls + 1,
      // It may have waited long for its place.
      goes: Effect.andThen(
        check,
        Effect.suspend(() => {
          calls++
          return goes
        })
      ),
      cost: (one, waitedMillis) => {
        microDollars += one
        if (!rest.hedged) queueMillis += waitedMillis
      },
      ...rest
    })

  /** The call, and a rival elsewhere where its first token is late: the first to end well counts, and the other is called off. */
  const hedged = (endpoint: Endpoint, hedgeMillis: number): Effect.Effect<CallOutput, CallRefusal> =>
    Effect.scoped(Effect.gen(function*() {
      const out = yield* Deferred.make<void>()
      let began = false
      const first = yield* Effect.forkScoped(call(endpoint, {
        hedged: false,
        goes: Effect.andThen(teller.started, Deferred.succeed(out, undefined)),
        part: (part) => {
          began = true
          teller.part(part)
        }
      }))
      const late = Deferred.await(out).pipe(
        Effect.andThen(Effect.sleep(hedgeMillis)),
        Effect.andThen(
          Effect.suspend(() => (began || calls >= settings.attempts ? Effect.never : Effect.succeed(null)))
        )
      )
      const early = yield* Effect.raceFirst(Fiber.await(first), late)
      if (early !== null) return yield* early
      const other = endpoints.choose(now(), endpoint)
      if (other === null || other === endpoint) return yield* Fiber.join(first)
      const second = yield* Effect.forkScoped(call(other, { hedged: true, goes: Effect.void }))
      const quick = yield* Effect.raceFirst(Fiber.await(first), Fiber.await(second))
      const [one, two] = Exit.isSuccess(quick)
        ? [first.pollUnsafe(), second.pollUnsafe()]
        : [yield* Fiber.await(first), yield* Fiber.await(second)]
      if (one !== undefined && Exit.isSuccess(one)) {
        meters.hedges.add([name, "first"])
        return one.value
      }
      if (two !== undefined && Exit.isSuccess(two)) {
        meters.hedges.add([name, "hedge"])
        yield* Fiber.interrupt(first)
        teller.discard()
        return two.value
      }
      meters.hedges.add([name, "none"])
      return yield* Fiber.join(first)
    }))

  /** Until then, or until an endpoint that was away answers again. */
  const nap = (millis: number) =>
    Effect.raceFirst(Effect.sleep(Math.max(1, Math.min(millis, untilMillis - now()))), endpoints.back)

  while (true) {
    yield* check
    const endpoint = endpoints.choose(now(), avoid)
    if (endpoint === null) {
      const soonest = endpoints.soonestMillis(now())
      const isPaused = endpoints.arePaused(now())
      const waitMillis = Number.isFinite(soonest) ? soonest : backoffMillis(looks)
      if (now() + waitMillis >= untilMillis || (!isPaused && ++looks > settings.attempts)) {
        const detail = endpoints.all.find(({ lastError }) => lastError !== null)?.lastError ?? "they failed before"
        return yield* last ?? (isPaused
          ? new RateLimited({ model: name, retryAfterMillis: waitMillis, attempts: calls })
          : new EndpointsDown({ model: name, detail }))
      }
      yield* nap(waitMillis + random.nextDoubleUnsafe() * Math.min(jitterMillis, waitMillis * jitterShare))
      continue
    }
    const hedgeMillis = endpoints.all.length > 1 ? spec.hedgeMillis ?? settings.hedgeMillis : 0
    const exit = yield* Effect.result(
      hedgeMillis > 0
        ? hedged(endpoint, hedgeMillis)
        : call(endpoint, { hedged: false, goes: teller.started, part: teller.part })
    )
    if (exit._tag === "Success") {
      const { output, sentMillis } = exit.success
      yield* teller.whole(output)
      const { figures, finish, firstTokenMillis, reasoning, text, usage } = output
      return {
        text,
        reasoning,
        finish,
        usage,
        figures,
        endpoint: exit.success.endpoint.spec.name,
        queueMillis,
        firstTokenMillis: firstTokenMillis === null ? null : sentMillis - startedMillis + firstTokenMillis,
        millis: now() - startedMillis,
        attempts: calls,
        microDollars
      }
    }
    const failure = exit.failure
    if (failure._tag === "TurnedAway") continue
    if (failure._tag !== "WireFailure") return yield* failure
    const error = errorOf(name, failure, calls)
    last = error
    if (failure.class === "overflow" && !isShrunk) {
      const { tokenizer } = endpoint.spec.wire
      const promptTokens = tokenizer === undefined || failure.overflow?.message_tokens !== undefined
        ? null
        : Option.getOrNull(
          Option.map(yield* Effect.option(tokenizer), ({ count }) => count(promptText(request.prompt)))
        )
      const shorter = shrink(failure.overflow ?? {}, { maxTokens: maxTokens ?? null, promptTokens })
      if (shorter === null) return yield* error
      isShrunk = true
      maxTokens = shorter
      meters.retries.add([name, error._tag])
      continue
    }
    const again = againAfter(failure)
    if (again === "no" || calls >= settings.attempts) return yield* error
    const other = endpoints.choose(now(), endpoint)
    const isElsewhere = other !== null && other !== endpoint
    if (!isElsewhere && (again === "elsewhere" || (failure.retryAfterMillis ?? 0) > pauseLongestMillis)) {
      return yield* error
    }
    const waitMillis = backoffMillis(failures++)
    const soonest = endpoints.soonestMillis(now())
    const least = Number.isFinite(soonest) ? Math.max(waitMillis, soonest) : waitMillis
    if (now() + least >= untilMillis) return yield* error
    avoid = endpoint
    meters.retries.add([name, error._tag])
    yield* Effect.sleep(waitMillis)
  }
})
