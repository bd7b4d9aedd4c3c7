// Routes that judge answers: a pair, a list of pairs, the samples of a problem. They compute and change nothing.
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { GivenBallots, GivenId, GivenPair, maxSamples } from "../../actors/Verdicts/Given.ts"
import { Verdict } from "../../domain/Verdict.ts"
import { problems } from "../Problems.ts"
import * as Shapes from "./Shapes.ts"

/** Pairs of one request, at most. */
const maxPairs = 1_000

const TimedVerdict = Schema.Struct({
  id: Schema.optionalKey(GivenId),
  ...Verdict.fields,
  ms: Schema.Finite.annotate({ description: "How long it took, in milliseconds." })
})

export class Verdicts extends HttpApiGroup.make("verdicts")
  .add(
    HttpApiEndpoint.post("verify", "/verify", {
      payload: Schema.Union([
        GivenPair,
        Schema.Struct({
          pairs: Schema.Array(GivenPair).check(Schema.isMaxLength(maxPairs)).annotate({
            description: `At most ${maxPairs} pairs; their verdicts come in the same order.`
          })
        })
      ]),
      success: Schema.Union([TimedVerdict, Schema.Struct({ verdicts: Schema.Array(TimedVerdict) })])
    }).annotateMerge(Shapes.about(
      "read",
      "Whether an answer is equal to the right one",
      "A pair, or a list of pairs. A text that takes too long is `undecided` by the rule `time` and costs no other verdict; docs/verdicts.md tells the rules and the options."
    )),
    HttpApiEndpoint.post("vote", "/vote", {
      payload: GivenBallots,
      success: Schema.Struct({
        id: Schema.optionalKey(GivenId),
        answer: Schema.NullOr(Schema.String),
        groups: Schema.Array(Schema.Struct({ answer: Schema.String, votes: Schema.Int, weight: Schema.Finite })),
        margin: Schema.Finite,
        tie: Schema.Boolean,
        tied: Schema.Array(Schema.String),
        answered: Schema.Int,
        exhausted: Schema.optionalKey(
          Schema.Boolean.annotate({
            description: "There, and true, if the answers were too many or too hard to compare all of them."
          })
        ),
        correct: Schema.optionalKey(Schema.Boolean)
      }),
      error: problems("VoteGivenUp")
    }).annotateMerge(Shapes.about(
      "read",
      "The answer that samples agree on",
      `At most ${maxSamples} samples. Equal answers are one group, however they are written. \`correct\` is there if \`gold\` has an answer.`
    ))
  )
  .middleware(Shapes.Guard)
  .prefix("/api")
  .annotateMerge(OpenApi.annotations({ description: "Verdicts on answers and votes over samples; nothing is kept." }))
{}
