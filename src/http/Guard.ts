// The guard of the API's routes, made real: identifies the caller, checks the scope that the route needs, and ends what takes too long.
import { Context, Effect, Layer, type Types } from "effect"
import { type HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import { includes, type Scope } from "../actors/Gateway.ts"
import { Guard, NeedsScope, OwnDeadline } from "./Api/Shapes.ts"
import { addressOf, RequestNotes } from "./Edge.ts"
import { HttpLimits } from "./Limits.ts"
import { type Problem, problemOf } from "./Problems.ts"
import { RefusalLog } from "./RefusalLog.ts"
import { AnswerLate, ScopeMissing } from "./Refusals.ts"
import { type Caller, CurrentCaller, KnownCaller, Security, type Unidentified } from "./Security.ts"

type Answer = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  Types.unhandled | Problem<"AnswerLate">,
  HttpRouter.Provided
>

/** The actor that a request names: runs and problems by their own routes, any other by type. */
const targetOf = (template: string, url: string): { readonly type: string | null; readonly id: string | null } => {
  const parts = new Map(template.split("/").map((name, at) => [name, url.split(/[?#]/, 1)[0]?.split("/")[at] ?? ""]))
  const id = parts.get(":id") ?? null
  const type = template.startsWith("/api/runs/")
    ? "DatasetRun"
    : template.startsWith("/api/problems/")
    ? "Problem"
    : parts.get(":type") ?? null
  return id === null || !/^[A-Za-z0-9._:-]{1,200}$/.test(id) ? { type: null, id: null } : { type, id }
}

type NotAdmitted = Problem<Unidentified["_tag"] | "ScopeMissing">

/** Says who asks, or why they may not; a command that is refused is noted. */
export const admission = Effect.gen(function*() {
  const security = yield* Security
  const refusals = yield* RefusalLog
  return (needed: Scope, { method, path }: { readonly method: string; readonly path: string }) =>
    Effect.withFiber<Caller, NotAdmitted>((fiber) => {
      const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      fiber.getRef(RequestNotes).route = path
      const known = fiber.getRef(KnownCaller)
      const identified = known === undefined
        ? security.identify({
          headers: request.headers,
          address: addressOf(request),
          anyKey: path.startsWith("/v1/")
        })
        : Effect.succeed(known)
      return identified.pipe(
        Effect.mapError(problemOf),
        Effect.flatMap((caller): Effect.Effect<Caller, NotAdmitted> => {
          if (includes(caller.scope, needed)) return Effect.succeed(caller)
          const error = new ScopeMissing({ needed, scope: caller.scope })
          if (method !== "GET") {
            const detail = `ScopeMissing: ${error.message}`
            const command = `${method} ${path}`
            const target = targetOf(path, request.url)
            refusals.note({ who: caller.name, why: "", command, ...target, commandId: null, detail })
          }
          return Effect.fail(problemOf(error))
        })
      )
    })
})

export const layer: Layer.Layer<Guard, never, Security | RefusalLog> = Layer.effect(
  Guard,
  Effect.gen(function*() {
    const admit = yield* admission
    const limits = yield* HttpLimits
    return Guard.of((handler, { endpoint }) => {
      const needed = Context.get(endpoint.annotations, NeedsScope)
      const ownDeadline = Context.get(endpoint.annotations, OwnDeadline)
      const late = Effect.suspend(() => Effect.fail(problemOf(new AnswerLate({ millis: limits.requestMillis }))))
      const admitted = admit(needed, endpoint)
      return Effect.flatMap(admitted, (caller): Answer => {
        const asked = Effect.provideService(handler, CurrentCaller, caller)
        return ownDeadline
          ? asked
          : Effect.timeoutOrElse(asked, { duration: limits.requestMillis, orElse: () => late })
      })
    })
  })
)
