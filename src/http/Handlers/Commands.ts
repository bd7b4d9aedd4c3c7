// How a request becomes a command: its key, who gives it and why. What is refused goes to the audit log; what took effect is noted by the
// commit itself.
import { Effect } from "effect"
import { HttpApiSchema } from "effect/http-api"
import { ActorUnavailable } from "../../actors/Committer.ts"
import { type CommandRequest, Gateway } from "../../actors/Gateway.ts"
import { Health } from "../../actors/Health.ts"
import type { By } from "../../domain/Commit.ts"
import type { Json } from "../../domain/Json.ts"
import { HttpLimits } from "../Limits.ts"
import { type KnownError, problemOf } from "../Problems.ts"
import { RefusalLog } from "../RefusalLog.ts"
import { CurrentCaller, GivenWhy } from "../Security.ts"

export interface CommandHeaders {
  readonly "idempotency-key"?: string
  readonly "x-reason"?: string
}

/** The key of the caller, or a new one. */
export const commandIdOf = (headers: CommandHeaders): string =>
  headers["idempotency-key"] ?? globalThis.crypto.randomUUID()

export const byOf = (headers: CommandHeaders, why: string | undefined): Effect.Effect<By, never, CurrentCaller> =>
  Effect.zipWith(
    CurrentCaller,
    GivenWhy,
    ({ name }, given) => ({ who: name, why: why ?? headers["x-reason"] ?? given ?? "" })
  )

/** The answer with the command's key in its header. */
export const withKey = <A>(commandId: string, body: A) =>
  HttpApiSchema.withHeaders({ body, headers: { "idempotency-key": commandId } })

/** Errors as problem documents. */
export const told = <A, E extends KnownError, R>(effect: Effect.Effect<A, E, R>) => Effect.mapError(effect, problemOf)

/** The same for commands; refusals are noted. */
export const commanded = <A, E extends KnownError, R>(
  what: {
    readonly by: By
    readonly command: string
    readonly type: string | null
    readonly id: string | null
    readonly commandId: string | null
  },
  effect: Effect.Effect<A, E, R>
) =>
  Effect.mapErrorEager(
    Effect.tapError(effect, (error) =>
      Effect.map(RefusalLog, ({ note }) => {
        const { by, command, commandId, id, type } = what
        const detail = `${error._tag}: ${error.message}`.slice(0, 500)
        note({ ...by, command, type, id, commandId, detail })
      })),
    problemOf
  )

/** Says at once that nobody is there who could take a command, in the words of `/ready`. */
export const reachable: Effect.Effect<void, ActorUnavailable, Health> = Effect.flatMap(
  Health,
  ({ ready }) =>
    Effect.flatMap(ready, ({ checks }) => {
      const cluster = checks.find(({ name }) => name === "cluster")
      return cluster === undefined || cluster.ok
        ? Effect.void
        : Effect.fail(new ActorUnavailable({ reason: "unavailable", detail: cluster.detail }))
    })
)

/** One public command of an actor. `E`: what the command's route says that it may meet; the gateway does not know the refusals of a type. */
export const command = Effect.fnUntraced(function*<E extends KnownError>(request: CommandRequest) {
  const { by, command, commandId, id, type } = request
  const gateway = yield* Gateway
  const { requestMillis } = yield* HttpLimits
  // The actor's own word comes before the request's time is up.
  const asked = gateway.command({ deadlineMillis: Math.ceil(requestMillis * 0.8), ...request })
  const reply = yield* commanded(
    { by, command, type, id, commandId },
    Effect.andThen(reachable, asked as Effect.Effect<Json, E>)
  )
  return withKey(commandId, { type, id, command, commandId, reply })
})
