// Routes of solves made real.
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import type { ActorUnavailable } from "../../actors/Committer.ts"
import { Gateway, type PayloadUnfit } from "../../actors/Gateway.ts"
import { Generation } from "../../actors/Generation.ts"
import { SolveActor } from "../../actors/SolveActor.ts"
import { Solves } from "../../actors/Solves.ts"
import { specFrom } from "../../actors/Solves/Given.ts"
import { digest } from "../../domain/Ids.ts"
import { canonical, type Json } from "../../domain/Json.ts"
import { SampleUnknown, type SolvePrompt, SolveUnknown } from "../../domain/Solve.ts"
import { Api } from "../Api.ts"
import { HttpLimits } from "../Limits.ts"
import { CurrentCaller, tenantOf } from "../Security.ts"
import { byOf, command, commanded, commandIdOf, reachable, told, withKey } from "./Commands.ts"
import { filterOf, search } from "./Lists.ts"

const { type } = SolveActor

/** The same key asks for the same thing, also where it leaves something to chance. */
const seedOfKey = (commandId: string): number => Number.parseInt(digest(["seed", commandId], 8), 16) >>> 1

export const layer = HttpApiBuilder.group(Api, "solves", (handlers) =>
  Effect.gen(function*() {
    const gateway = yield* Gateway
    const solves = yield* Solves
    const generation = yield* Generation
    const limits = yield* HttpLimits
    return handlers.handleAll({
      start: Effect.fnUntraced(function*({ headers, payload }) {
        const commandId = commandIdOf(headers)
        const { id = `solve-${digest([commandId], 16)}`, messages, problem, why, ...given } = payload
        const by = yield* byOf(headers, why)
        const prompt: SolvePrompt = messages === undefined
          ? { _tag: "Problem", text: problem ?? "" }
          : { _tag: "Chat", messages }
        const spec = yield* commanded(
          { by, command: "Start", type, id, commandId },
          specFrom(prompt, given, { owner: tenantOf(yield* CurrentCaller), drawnSeed: seedOfKey(commandId) }).pipe(
            Effect.provideService(Generation, generation),
            Effect.tap((spec) =>
              Effect.andThen(
                reachable,
                solves.start(id, spec, {
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
          samples: spec.strategy.samples,
          seed: spec.seed
        })
      }),
      list: ({ query: { group, ...query } }) => told(search(filterOf(type, query, group), query)),
      get: ({ params: { id } }) =>
        told(
          gateway.get(type, id).pipe(
            Effect.map(({ state, version }) => ({ type, id, version, state })),
            Effect.catchTags({ TypeUnknown: Effect.die, ActorUnknown: () => Effect.fail(new SolveUnknown()) })
          )
        ),
      sample: ({ params: { id, sample } }) =>
        told(
          Effect.andThen(
            solves.state(id),
            Effect.flatMap(
              solves.text(id, sample),
              (text) => (text === undefined ? Effect.fail(new SampleUnknown({ sample })) : Effect.succeed(text))
            )
          )
        ),
      cancel: Effect.fnUntraced(function*({ headers, params: { id }, payload }) {
        return yield* command<SolveUnknown | PayloadUnfit | ActorUnavailable>({
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
