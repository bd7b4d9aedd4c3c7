// A contest as it is asked for from outside, by the API and the command line alike. What is not said has a default; what does not fit is told.
import { Effect, Schema } from "effect"
import { ContestSpec, defaultReserve, GivenProblem, maxProblems } from "../../domain/Contest.ts"
import { GivenStrategy, specFrom } from "../Solves/Given.ts"

const { fallback, hardQuota, modulo, parallel, passes, reserveMillis, seed, totalMillis } = ContestSpec.fields
const optional = Schema.optionalKey
const { answers: _answers, ...strategy } = GivenStrategy

/** Letters of an id: solves of its problems have ids made of it. */
export const ContestId = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_.-]{1,100}$/u, { expected: "1 to 100 letters, digits and . _ -" })
)

export const GivenProblems = Schema.Array(GivenProblem).check(Schema.isMinLength(1), Schema.isMaxLength(maxProblems))

export const GivenContest = {
  ...strategy,
  model: optional(
    ContestSpec.fields.model.annotate({
      description: "A model's name, which may carry a strategy (NAME@majority-16); without it the first that there is."
    })
  ),
  seed: optional(seed),
  totalMillis: totalMillis.annotate({ description: "The time of the contest, from its start, also over crashes." }),
  reserveMillis: optional(
    reserveMillis.annotate({ description: "Kept free at the end; default a fiftieth of the time, at most 10 s." })
  ),
  parallel: optional(parallel.annotate({ description: "Problems in work at once; default 2, in a served contest 1." })),
  passes: optional(passes.from.annotate({ description: "How often a problem is asked at most; default 3." })),
  hardQuota: optional(hardQuota.from.annotate({ description: "Problems that may be asked again; null: no bound." })),
  modulo: optional(modulo.from.annotate({ description: "Answers are reduced by it; null: they are 0..99999." })),
  fallback: optional(fallback.from.annotate({ description: "What is written where nobody answered; default 0." }))
}
export type GivenContest = Schema.Struct<typeof GivenContest>["Type"]

/** Where nobody names one. */
export const defaultStrategy = "majority-16"
/** Problems in work at once. Who serves them one by one leaves no use for time that is counted for a second place. */
const defaultParallel = { given: 2, served: 1 }

/** The spec that is asked for. `problems`: how many, or in a served contest how many are expected. */
export const contestFrom = Effect.fn("Contests.contestFrom")(function*(
  given: GivenContest,
  mode: ContestSpec["mode"],
  problems: number,
  whose: { readonly owner: string; readonly drawnSeed: number }
) {
  const { fallback, hardQuota, modulo, parallel, passes, reserveMillis, totalMillis, ...asked } = given
  const { model, seed, strategy } = yield* specFrom({ _tag: "Problem", text: "-" }, {
    ...asked,
    ...(asked.strategy === undefined && asked.model?.includes("@") !== true ? { strategy: defaultStrategy } : {})
  }, whose)
  const spec: ContestSpec = {
    model,
    strategy,
    seed,
    mode,
    problems,
    totalMillis,
    reserveMillis: reserveMillis ?? defaultReserve(totalMillis),
    parallel: parallel ?? defaultParallel[mode],
    passes: passes ?? 3,
    hardQuota: hardQuota ?? null,
    modulo: modulo ?? null,
    fallback: fallback ?? 0,
    owner: whose.owner
  }
  return spec
})
