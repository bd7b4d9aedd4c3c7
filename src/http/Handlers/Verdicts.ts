// Routes that judge answers, made real.
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Verdicts, VoteGivenUp } from "../../actors/Verdicts.ts"
import { ballotsOf, pairOf } from "../../actors/Verdicts/Given.ts"
import { Api } from "../Api.ts"
import { told } from "./Commands.ts"

export const layer = HttpApiBuilder.group(Api, "verdicts", (handlers) =>
  Effect.gen(function*() {
    const { verify, vote } = yield* Verdicts
    return handlers.handleAll({
      verify: ({ payload }) =>
        "pairs" in payload
          ? Effect.map(verify(payload.pairs.map(pairOf)), (verdicts) => ({ verdicts }))
          : Effect.flatMap(
            verify([pairOf(payload)]),
            ([verdict]) => verdict === undefined ? Effect.die("A pair has no verdict") : Effect.succeed(verdict)
          ),
      vote: ({ payload }) =>
        told(Effect.flatMap(vote([ballotsOf(payload)]), ([result]) => {
          if (result === undefined) return Effect.die("A list of samples has no vote")
          const { _tag, ...rest } = result
          return "rule" in rest ? Effect.fail(new VoteGivenUp(rest)) : Effect.succeed(rest)
        }))
    })
  }))
