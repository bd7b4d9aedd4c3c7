// Routes of contests made real.
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import type { ActorUnavailable } from "../../actors/Committer.ts"
import { ContestActor } from "../../actors/ContestActor.ts"
import { Contests } from "../../actors/Contests.ts"
import { contestFrom } from "../../actors/Contests/Given.ts"
import type { PayloadUnfit } from "../../actors/Gateway.ts"
import { Generation } from "../../actors/Generation.ts"
import type { ContestUnknown } from "../../domain/Contest.ts"
import { digest } from "../../domain/Ids.ts"
import { canonical, type Json } from "../../domain/Json.ts"
import { Api } from "../Api.ts"
import { HttpLimits } from "../Limits.ts"
import { CurrentCaller, tenantOf } from "../Security.ts"
import { byOf, command, commanded, commandIdOf, reachable, told, withKey } from "./Commands.ts"
import { filterOf, search } from "./Lists.ts"

const { type } = ContestActor

/** The same key asks for the same thing, also where it leaves something to chance. */
const seedOfKey = (commandId: string): number => Number.parseInt(digest(["seed", commandId], 8), 16) >>> 1

export const layer = HttpApiBuilder.group(Api, "contests", (handlers) =>
  Effect.gen(function*() {
    const contests = yield* Contests
    const generation = yield* Generation
    const limits = yield* HttpLimits
    return handlers.handleAll({
      start: Effect.fnUntraced(function*({ headers, payload }) {
        const commandId = commandIdOf(headers)
        const { expected, id = `contest-${digest([commandId], 16)}`, problems = [], why, ...given } = payload
        const by = yield* byOf(headers, why)
        const owner = tenantOf(yield* CurrentCaller)
        const spec = yield* commanded(
          { by, command: "Start", type, id, commandId },
          contestFrom(
            given,
            expected === undefined ? "given" : "served",
            expected ?? problems.length,
            { owner, drawnSeed: seedOfKey(commandId) }
          ).pipe(
            Effect.provideService(Generation, generation),
            Effect.tap((spec) =>
              Effect.andThen(
                reachable,
                contests.start(id, spec, problems, {
                  by,
                  commandId: `Start:${commandId}`,
                  asked: digest([canonical(payload as unknown as Json)], 16),
                  deadlineMillis: Math.ceil(limits.requestMillis * 0.8)
                })
              )
            )
          )
        )
        return withKey(commandId, {
          id,
          model: spec.model,
          strategy: spec.strategy.name,
          problems: spec.problems,
          seed: spec.seed
        })
      }),
      list: ({ query }) => told(search(filterOf(type, query, undefined), query)),
      get: ({ params: { id } }) => told(contests.view(id)),
      ask: ({ params: { id }, payload }) => told(Effect.andThen(reachable, contests.ask(id, payload))),
      cancel: Effect.fnUntraced(function*({ headers, params: { id }, payload }) {
        return yield* command<ContestUnknown | PayloadUnfit | ActorUnavailable>({
          type,
          id,
          command: "Cancel",
          payload: {},
          by: yield* byOf(headers, payload?.why),
          commandId: commandIdOf(headers)
        })
      })
    })
  }))
