// The HTTP side of a process as one layer: the API, its documentation, the WebSocket and the server that listens. It needs what actors and
// runners provide and gives nothing back but where it listens.
import { Effect, Layer, type Scope } from "effect"
import { HttpRouter, HttpServer, type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import type { ActorIndex } from "../actors/ActorIndex.ts"
import type { CallLog } from "../actors/CallLog.ts"
import type { CodeSandbox } from "../actors/CodeSandbox.ts"
import type { Contests as ContestsPort } from "../actors/Contests.ts"
import type { Evaluations as EvaluationsPort } from "../actors/Evaluations.ts"
import type { Files as FilesPort } from "../actors/Files.ts"
import type { Gateway } from "../actors/Gateway.ts"
import type { Generation } from "../actors/Generation.ts"
import type { Health } from "../actors/Health.ts"
import type { Solves as SolvesPort } from "../actors/Solves.ts"
import type { Verdicts as VerdictsPort } from "../actors/Verdicts.ts"
import { Api } from "./Api.ts"
import * as Docs from "./Docs.ts"
import * as Edge from "./Edge.ts"
import * as Guard from "./Guard.ts"
import * as Admin from "./Handlers/Admin.ts"
import * as Contests from "./Handlers/Contests.ts"
import * as Evaluations from "./Handlers/Evaluations.ts"
import * as Exec from "./Handlers/Exec.ts"
import * as Files from "./Handlers/Files.ts"
import * as Models from "./Handlers/Models.ts"
import * as Problems from "./Handlers/Problems.ts"
import * as Runs from "./Handlers/Runs.ts"
import * as Solves from "./Handlers/Solves.ts"
import * as System from "./Handlers/System.ts"
import * as Verdicts from "./Handlers/Verdicts.ts"
import { Routes } from "./live/Call.ts"
import { Feeds } from "./live/Feeds.ts"
import { Live } from "./live/Live.ts"
import * as OpenAi from "./openai/Routes.ts"
import { RefusalLog } from "./RefusalLog.ts"
import { isLoopback, Security } from "./Security.ts"
import * as Server from "./Server.ts"

const root = HttpRouter.add("GET", "/", HttpServerResponse.redirect("/docs"))

export const routes = Layer.mergeAll(
  HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
    Layer.provide([
      Runs.layer,
      Problems.layer,
      Files.layer,
      Verdicts.layer,
      Exec.layer,
      Models.layer,
      Solves.layer,
      Evaluations.layer,
      Contests.layer,
      Admin.layer,
      System.layer
    ])
  ),
  OpenAi.layer,
  Docs.layer,
  root
).pipe(Layer.provide([Guard.layer, HttpServer.layerServices]))

/** The routes behind the edge, as one effect that answers every request; for the server, and for tests without one. */
export const app = Effect.gen(function*() {
  // The handlers were built with these services and bring them along; to provide them again would cost every request.
  yield* Effect.context<
    | ActorIndex
    | CallLog
    | CodeSandbox
    | ContestsPort
    | EvaluationsPort
    | FilesPort
    | Gateway
    | Generation
    | Health
    | RefusalLog
    | SolvesPort
    | VerdictsPort
  >()
  const handle = yield* HttpRouter.toHttpEffect(routes)
  return yield* Edge.make(
    handle as Effect.Effect<
      HttpServerResponse.HttpServerResponse,
      Effect.Error<typeof handle>,
      HttpServerRequest.HttpServerRequest | Scope.Scope
    >
  )
})

/** Refused commands of WebSockets go where those of HTTP go. */
const live = Layer.unwrap(Effect.map(RefusalLog, ({ note }) =>
  Live.layer({
    refused: ({ name: who }, { command, id, type, why }, { detail, tag }) =>
      Effect.sync(() =>
        note({ who, why, command, type, id, commandId: null, detail: `${tag}: ${detail}`.slice(0, 500) })
      )
  })))

/** Listens for as long as the scope lives. */
export const layer = (options: Server.ServerOptions) => {
  const exposed = !isLoopback(options.host)
  return Layer.effect(
    Server.Listening,
    Effect.flatMap(Routes, ({ handle }) => Server.make({ ...options, exposed }, handle))
  ).pipe(
    Layer.provide(live.pipe(Layer.provide(Feeds.layer))),
    Layer.provide(Layer.effect(Routes, Effect.map(app, (handle) => ({ handle })))),
    Layer.provide([Security.layer({ exposed }), RefusalLog.layer])
  )
}
