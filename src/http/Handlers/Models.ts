// Routes of models made real.
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { CallLog } from "../../actors/CallLog.ts"
import { Generation } from "../../actors/Generation.ts"
import { Api } from "../Api.ts"
import { told } from "./Commands.ts"

export const layer = HttpApiBuilder.group(Api, "models", (handlers) =>
  Effect.gen(function*() {
    const generation = yield* Generation
    const calls = yield* CallLog
    return handlers.handleAll({
      models: () => Effect.map(generation.models, (items) => ({ items })),
      calls: ({ query }) =>
        told(Effect.map(calls.list(query), (items) => {
          const last = items.at(-1)
          return { items, next: items.length === query.limit && last !== undefined ? last.seq : null }
        }))
    })
  }))
