// Routes that judge answers, made real.
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Verdicts, VoteGivenUp } from "../../actors/Verdicts.ts"
import { ballotsOf, pairOf } from "../../actors/Verdicts/Given.ts"
import { Api } from "../Api.ts"
import { told } from "./Commands.ts"

/** The id under which something was asked, to be told with its result. */
const idOf = (asked: { readonly id?: string | number } | undefined): { readonly id?: string | number } =>
  asked?.id === undefined ? {} : { id: asked.id }

export const layer = HttpApiBuilder.group(Api, "verdicts", (handlers) =>
  Effect.gen(function*() {
    const { verify, vote } = yield* Verdicts
    return handlers.handleAll({
      verify: ({ payload }) =>
        "pairs" in payload
          ? Effect.map(verify(payload.pairs.map(pairOf)), (verdicts) => ({
            verdicts: verdicts.map((verdict, at) => ({ ...idOf(payload.pairs[at]), ...verdict }))
          }))
          : Effect.flatMap(
            verify([pairOf(payload)]),
            ([verdict]) =>
              verdict === undefined
                ? Effect.die("A pair has no verdict")
                : Effect.succeed({ ...idOf(payload), ...verdict })
          ),
      vote: ({ payload }) =>
        told(Effect.flatMap(vote([ballotsOf(payload)]), ([result]) => {
          if (result === undefined) return Effect.die("A list of samples has no vote")
          const { _tag, ...rest } = result
          return "rule" in rest ? Effect.fail(new VoteGivenUp(rest)) : Effect.succeed({ ...idOf(payload), ...rest })
        }))
    })
  }))
