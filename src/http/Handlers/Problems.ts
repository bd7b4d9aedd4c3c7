// Routes of problems made real: reads come straight from the store, commands go to the actor.
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import type { ActorUnavailable } from "../../actors/Committer.ts"
import { type ActorSnapshot, Gateway, type PayloadUnfit } from "../../actors/Gateway.ts"
import { ProblemActor } from "../../actors/ProblemActor.ts"
import type { Json } from "../../domain/Json.ts"
import { ProblemUnknown, type StageNotReached } from "../../domain/Problem.ts"
import { Api } from "../Api.ts"
import { byOf, command, type CommandHeaders, commandIdOf, told } from "./Commands.ts"
import { filterOf, history, search } from "./Lists.ts"

const { type } = ProblemActor

export const layer = HttpApiBuilder.group(Api, "problems", (handlers) =>
  Effect.gen(function*() {
    const gateway = yield* Gateway
    const shown = (id: string, { state, version }: ActorSnapshot) => ({ type, id, version, state })
    const send = Effect.fnUntraced(function*(
      id: string,
      name: string,
      headers: CommandHeaders,
      { why, ...payload }: { readonly why?: string; readonly [field: string]: Json | undefined }
    ) {
      return yield* command<ProblemUnknown | StageNotReached | PayloadUnfit | ActorUnavailable>({
        type,
        id,
        command: name,
        payload: payload as Json,
        by: yield* byOf(headers, why),
        commandId: commandIdOf(headers)
      })
    })
    return handlers.handleAll({
      list: ({ query: { run, ...query } }) => told(search(filterOf(type, query, run), query)),
      get: ({ params: { id } }) =>
        told(
          gateway.get(type, id).pipe(
            Effect.map((snapshot) => shown(id, snapshot)),
            Effect.catchTags({ TypeUnknown: Effect.die, ActorUnknown: () => Effect.fail(new ProblemUnknown({ id })) })
          )
        ),
      history: ({ params: { id }, query }) =>
        told(
          history(type, id, query).pipe(
            Effect.catchTags({ TypeUnknown: Effect.die, ActorUnknown: () => Effect.fail(new ProblemUnknown({ id })) })
          )
        ),
      asOf: ({ params: { id, version } }) =>
        told(
          gateway.asOf(type, id, version).pipe(
            Effect.map((snapshot) => shown(id, snapshot)),
            Effect.catchTags({ TypeUnknown: Effect.die })
          )
        ),
      rerun: ({ headers, params, payload }) => send(params.id, "Rerun", headers, payload),
      edit: ({ headers, params, payload }) => send(params.id, "Edit", headers, payload),
      cancel: ({ headers, params, payload }) => send(params.id, "Cancel", headers, payload ?? {})
    })
  }))
