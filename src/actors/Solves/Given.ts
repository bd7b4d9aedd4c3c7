// A solve as it is asked for from outside: a problem or a conversation, a model whose name may carry a strategy, and what of the strategy is to be
// otherwise. What is not said has the strategy's default; what does not fit is told.
import { Effect, Result, Schema } from "effect"
import { ChatMessage, SamplingParameters } from "../../domain/Generation.ts"
import { ModelUnknown } from "../../domain/Generation/Errors.ts"
import { maxPromptCharacters, SolveBudget, type SolvePrompt, type SolveSpec } from "../../domain/Solve.ts"
import { StopRule } from "../../domain/Stopping/StopRule.ts"
import {
  defaultParallel,
  parseStrategy,
  SampleVerifier,
  Selection,
  splitModelName,
  type Strategy
} from "../../domain/Strategy.ts"
import { ToolBudget } from "../../domain/ToolReasoning.ts"
import { VerifyOptions } from "../../domain/Verdict.ts"
import { VoteRule } from "../../domain/Vote/VoteRule.ts"
import { Generation } from "../Generation.ts"

/** No strategy has this name, or it does not fit what else is asked. */
export class StrategyUnknown extends Schema.TaggedError<StrategyUnknown>()("StrategyUnknown", {
  detail: Schema.String
}, { httpApiStatus: 422 }) {
  override get message() {
    return this.detail
  }
}

/** Where nobody names one. */
export const defaultStrategy = "majority-8"

const optional = Schema.optionalKey

/** What may be said of a strategy beside its name; it wins over what the name says. */
export const GivenStrategy = {
  strategy: optional(
    Schema.String.check(Schema.isMaxLength(100)).annotate({
      description:
        "greedy, majority-16, weighted-entropy-8, tir-8, genselect-16, tournament-8, tir-weighted-entropy-8, ..."
    })
  ),
  samples: optional(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_024 }))),
  parallel: optional(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_024 }))),
  vote: optional(VoteRule),
  stop: optional(Schema.Array(StopRule).check(Schema.isMaxLength(8))),
  tools: optional(Schema.NullOr(ToolBudget)),
  select: optional(Schema.NullOr(Selection)),
  verify: optional(Schema.NullOr(SampleVerifier)),
  parameters: optional(SamplingParameters),
  answers: optional(VerifyOptions)
}
type GivenStrategy = Schema.Struct<typeof GivenStrategy>["Type"]

export const GivenSolve = {
  ...GivenStrategy,
  model: optional(
    Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200)).annotate({
      description:
        "A model's name, which may carry a strategy (NAME@majority-16); without it the first one that there is."
    })
  ),
  seed: optional(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 - 1 }))),
  budget: optional(Schema.Struct({
    tokens: optional(SolveBudget.fields.tokens),
    millis: optional(SolveBudget.fields.millis)
  }))
}
type GivenSolve = Schema.Struct<typeof GivenSolve>["Type"]

/** The strategy of a name, with what else was said of it. */
export const strategyFrom = (
  name: string,
  { strategy: _, ...given }: GivenStrategy
): Effect.Effect<Strategy, StrategyUnknown> => {
  const parsed = parseStrategy(name)
  if (Result.isFailure(parsed)) return Effect.fail(new StrategyUnknown({ detail: parsed.failure }))
  const named = parsed.success
  const samples = given.samples ?? named.samples
  return Effect.succeed({
    ...named,
    ...given,
    samples,
    parallel: Math.min(given.parallel ?? Math.max(named.parallel, Math.min(samples, defaultParallel)), samples),
    parameters: { ...named.parameters, ...given.parameters },
    answers: { ...named.answers, ...given.answers }
  })
}

/** The spec that is asked for. The model is checked here, so that a wrong name is told at once. */
export const specFrom = Effect.fn("Solves.specFrom")(function*(
  prompt: SolvePrompt,
  { budget, model: asked, seed, ...given }: GivenSolve,
  whose: { readonly owner: string; readonly group?: string | null; readonly drawnSeed: number }
) {
  const { models } = yield* Generation
  const names = (yield* models).map(({ name }) => name)
  // A name that is a model's own may have an @ in it.
  const { model, strategy } = asked === undefined
    ? { model: names[0] ?? "", strategy: null }
    : names.includes(asked)
    ? { model: asked, strategy: null }
    : splitModelName(asked)
  if (!names.includes(model)) {
    return yield* new ModelUnknown({ model: model === "" ? "(none named)" : model, known: names })
  }
  const spec: SolveSpec = {
    prompt,
    model,
    strategy: yield* strategyFrom(given.strategy ?? strategy ?? defaultStrategy, given),
    seed: seed ?? whose.drawnSeed,
    budget: { tokens: budget?.tokens ?? null, millis: budget?.millis ?? null },
    owner: whose.owner,
    group: whose.group ?? null
  }
  return spec
})

export const GivenProblem = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(maxPromptCharacters))
export const GivenMessages = Schema.Array(ChatMessage).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(256),
  Schema.makeFilter((messages) =>
    messages.reduce((sum, { content }) => sum + content.length, 0) <= maxPromptCharacters ||
    `Expected at most ${maxPromptCharacters} characters, all messages together`
  )
)
