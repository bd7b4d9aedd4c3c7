// An answer as a stream of events. The status waits for the first event, so that what fails at once fails with its own status; then events go
// out as fast as the client reads (what is not read is made slower, not kept), with a comment wherever nothing else comes for long. What fails
// later is told as an event. The work ends with the answer: when the client goes away, its time is up, or the process ends.
import { Cause, Clock, Context, Deferred, Effect, Option, Queue, type Scope, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { Lifecycle } from "../../actors/Lifecycle.ts"
import { AnswerLate, Busy, ServerFault } from "../Refusals.ts"
import { bodyOf, ofError, type Told } from "./Errors.ts"

/** Nothing is sent for so long, at most. Without a reference of a test it is what proxies bear. */
export const KeepAliveMillis = Context.Reference<number>("polya/http/openai/KeepAliveMillis", {
  defaultValue: () => 15_000
})
/** A process that is ending waits so long for an answer; shorter than what the server waits for. */
const drainMillis = 4_000
/** Events that were made and not taken yet. */
const maxUntaken = 64

/** `effect`, but no longer than that, and not for long once the process is ending. */
export const bounded = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  millis: number
): Effect.Effect<A, E | AnswerLate | Busy, R> =>
  Effect.flatMap(Lifecycle, ({ draining }) =>
    Effect.raceFirst(
      Effect.timeoutOrElse(effect, { duration: millis, orElse: () => Effect.fail(new AnswerLate({ millis })) }),
      draining.pipe(
        Effect.andThen(Effect.sleep(drainMillis)),
        Effect.andThen(Effect.fail(new Busy({ reason: "draining" })))
      )
    ))

const encoder = new TextEncoder()
const done = encoder.encode("data: [DONE]\n\n")
const keepAlive = encoder.encode(": keep-alive\n\n")
const eventOf = (json: string): Uint8Array => encoder.encode(`data: ${json}\n\n`)

/** Sends an event; waits where the client is slower. */
export type Send = (event: object) => Effect.Effect<void>

/**
 * The response with the events that `produce` sends. Fails with what fails before the first of them. `produce` runs in the request's scope, and
 * is interrupted with it.
 */
export const respond = Effect.fnUntraced(function*<E extends Told, R>(
  produce: (send: Send) => Effect.Effect<void, E, R>,
  options: { readonly id: string; readonly millis: number }
) {
  const clock = yield* Clock.Clock
  const keepAliveMillis = yield* KeepAliveMillis
  const queue = yield* Queue.bounded<Uint8Array, Cause.Done>(maxUntaken)
  /** Done once it is settled what status the answer has. */
  const begun = yield* Deferred.make<void, E | AnswerLate | Busy>()
  let sentMillis = clock.currentTimeMillisUnsafe()
  const offer = (bytes: Uint8Array) =>
    Effect.suspend(() => {
      sentMillis = clock.currentTimeMillisUnsafe()
      Deferred.doneUnsafe(begun, Effect.void)
      return Queue.offer(queue, bytes)
    })
  const fault = (cause: Cause.Cause<unknown>) =>
    Effect.suspend(() => {
      const incident = globalThis.crypto.randomUUID()
      return Effect.as(
        Effect.logError(`Incident ${incident} in the stream ${options.id}`, cause),
        new ServerFault({ incident })
      )
    })

  yield* bounded(produce((event) => Effect.asVoid(offer(eventOf(JSON.stringify(event))))), options.millis).pipe(
    Effect.matchCauseEffect({
      onSuccess: () => offer(done),
      onFailure: (cause) => {
        // Who waits for the status is told; else it is too late for one.
        if (Deferred.doneUnsafe(begun, Effect.failCause(cause)) || Cause.hasInterruptsOnly(cause)) return Effect.void
        const [failed] = cause.reasons.flatMap((reason) => (reason._tag === "Fail" ? [reason.error] : []))
        return Effect.flatMap(
          failed === undefined ? fault(cause) : Effect.succeed<Told>(failed),
          (error) => offer(eventOf(bodyOf(ofError(error))))
        )
      }
    }),
    Effect.andThen(Queue.end(queue)),
    Effect.forkScoped
  )
  const settled = yield* Effect.timeoutOption(Deferred.await(begun), keepAliveMillis)
  if (Option.isNone(settled)) {
    if (Deferred.doneUnsafe(begun, Effect.void)) Queue.offerUnsafe(queue, keepAlive)
    else yield* Deferred.await(begun)
  }
  yield* Effect.suspend(() => {
    const still = clock.currentTimeMillisUnsafe() - sentMillis
    if (still < keepAliveMillis) return Effect.sleep(keepAliveMillis - still)
    sentMillis = clock.currentTimeMillisUnsafe()
    // One that does not fit is not needed.
    if (Queue.sizeUnsafe(queue) === 0) Queue.offerUnsafe(queue, keepAlive)
    return Effect.void
  }).pipe(Effect.forever, Effect.forkScoped)

  return HttpServerResponse.stream(Stream.fromQueue(queue), {
    contentType: "text/event-stream; charset=utf-8",
    headers: { "cache-control": "no-cache", "x-accel-buffering": "no", "x-request-id": options.id }
  })
}) as <E extends Told, R>(
  produce: (send: Send) => Effect.Effect<void, E, R>,
  options: { readonly id: string; readonly millis: number }
) => Effect.Effect<HttpServerResponse.HttpServerResponse, E | AnswerLate | Busy, R | Scope.Scope>
