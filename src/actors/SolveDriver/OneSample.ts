// One sample of a solve, from the request to its text: with tools or without, asked again where a failure may pass, checked by a verifier where
// the strategy has one.
import { Clock, Effect } from "effect"
import {
  addUsage,
  type GenerationRequest,
  noUsage,
  type Prompt,
  type SampleOutput,
  type SamplingParameters
} from "../../domain/Generation.ts"
import { type GenerationError, mayPassLater } from "../../domain/Generation/Errors.ts"
import { parseJudgement, solveMessages, toolInstructions, verifyMessages } from "../../domain/Prompts.ts"
import {
  maxSampleCharacters,
  type SampleError,
  type SampleState,
  type SampleStep,
  seedOf,
  type SolveSpec
} from "../../domain/Solve.ts"
import type { Figures } from "../../domain/Vote/VoteRule.ts"
import { generateOne } from "../Generation.ts"
import { SolveLimits } from "../SolveLimits.ts"
import { finalText, reasonWithTools } from "../ToolReasoning.ts"
import { answerIn } from "./Answers.ts"

export interface Sampled {
  readonly output: SampleOutput
  readonly figures: Figures
  readonly executions: number
  /** The text that the answer is looked for in: the model's own words. */
  readonly answered: string
  readonly kept: SampleState
}

export interface Asked {
  readonly solve: string
  readonly spec: SolveSpec
  readonly sample: number
  readonly attempt: number
  /** Tokens that the solve may still spend; null: no bound. */
  readonly tokensLeft: number | null
  /** When the sampling ends; null: whenever. */
  readonly until: number | null
}

/** What takes turns with others for the places of a model: an evaluation or a contest as a whole, any other solve by itself. */
export const runOf = ({ group }: SolveSpec, solve: string): string => group ?? solve

/** The conversation that a sample answers. */
export const promptOf = ({ prompt, strategy }: SolveSpec): Prompt => {
  const { answers, tools } = strategy
  if (prompt._tag === "Problem") {
    return {
      _tag: "Chat",
      messages: solveMessages(prompt.text, {
        ...(tools === null ? {} : { tools }),
        ...(answers.integers === undefined ? {} : { integers: answers.integers })
      })
    }
  }
  const { messages } = prompt
  return {
    _tag: "Chat",
    messages: tools === null ? messages : [{ role: "system", content: toolInstructions(tools) }, ...messages]
  }
}

/** What is asked, as one text: for those who judge samples. */
export const questionOf = ({ prompt }: SolveSpec): string =>
  prompt._tag === "Problem"
    ? prompt.text
    : prompt.messages.length === 1
    ? prompt.messages[0]?.content ?? ""
    : prompt.messages.map(({ content, role }) => `${role}: ${content}`).join("\n\n")

const parametersOf = ({ strategy }: SolveSpec, tokensLeft: number | null): SamplingParameters => {
  const { maxTokens } = strategy.parameters
  return tokensLeft === null
    ? strategy.parameters
    : { ...strategy.parameters, maxTokens: Math.min(maxTokens ?? 1_000_000, tokensLeft, 1_000_000) }
}

export const sampleOf = Effect.fnUntraced(
  function*(wanted: Asked) {
    const { attempt, sample, solve, spec, tokensLeft, until } = wanted
    const limits = yield* SolveLimits
    const seed = seedOf(spec.seed, sample)
    const request = Effect.map(
      Clock.currentTimeMillis,
      (now): Omit<GenerationRequest, "seeds" | "deltas"> & { readonly seed: number } => ({
        model: spec.model,
        prompt: promptOf(spec),
        parameters: parametersOf(spec, tokensLeft),
        owner: spec.owner,
        run: runOf(spec, solve),
        deadlineMillis: until === null ? limits.sampleMillis : Math.max(1, until - now),
        seed
      })
    )
    const asked = Effect.gen(function*() {
      const { tools } = spec.strategy
      const given = yield* request
      if (tools !== null) return yield* Effect.scoped(reasonWithTools(given, tools))
      const output = yield* generateOne(given)
      return { output, steps: [] as ReadonlyArray<SampleStep>, executions: 0 }
    })
    const { executions, output, steps } = yield* patiently(asked, limits, until)
    const answered = steps.length === 0 ? output.text : finalText(steps)
    const judged = yield* verified(wanted, answered, seed)
    return {
      // What its verifier wrote is a part of what the sample cost.
      output: {
        ...output,
        usage: addUsage(output.usage, judged.usage),
        microDollars: output.microDollars + judged.microDollars
      },
      figures: { ...output.figures, ...judged.figures },
      executions,
      answered,
      kept: keptOf({ solve, sample, attempt, seed, output, steps })
    } satisfies Sampled
  },
  Effect.mapError((error: GenerationError): typeof SampleError.Type => ({
    tag: error._tag,
    message: error.message.slice(0, 1_000)
  }))
)

/** A failure that may pass is tried again, while there is time. */
const patiently = <A, R>(
  asked: Effect.Effect<A, GenerationError, R>,
  { retries, retryFirstMillis }: SolveLimits,
  until: number | null,
  tries = 0
): Effect.Effect<A, GenerationError, R> =>
  Effect.catch(asked, (error) =>
    Effect.gen(function*() {
      const waitMillis = retryFirstMillis * 2 ** tries
      const now = yield* Clock.currentTimeMillis
      if (!mayPassLater(error) || tries >= retries || (until !== null && now + waitMillis >= until)) {
        return yield* Effect.fail(error)
      }
      yield* Effect.sleep(waitMillis)
      return yield* patiently(asked, { retries, retryFirstMillis } as SolveLimits, until, tries + 1)
    }))

/** The share of a verifier's votes that hold the sample right; nothing where it has no answer or no vote could be read. */
const verified = Effect.fnUntraced(function*({ solve, spec, until }: Asked, text: string, seed: number) {
  const { answers, verify } = spec.strategy
  if (verify === null || (yield* answerIn(text, answers)) === null) {
    return { figures: {}, usage: noUsage, microDollars: 0 }
  }
  const now = yield* Clock.currentTimeMillis
  const limits = yield* SolveLimits
  const messages = verifyMessages(questionOf(spec), text)
  const votes = yield* Effect.forEach(
    Array.from({ length: verify.votes }, (_, vote) => seedOf(seed, vote)),
    (voteSeed) =>
      generateOne({
        model: verify.model ?? spec.model,
        prompt: { _tag: "Chat", messages },
        parameters: { temperature: 0.7, maxTokens: 4_096 },
        owner: spec.owner,
        run: runOf(spec, solve),
        deadlineMillis: until === null ? limits.sampleMillis : Math.max(1, until - now),
        seed: voteSeed
      }).pipe(Effect.orElseSucceed(() => null)),
    { concurrency: "unbounded" }
  )
  const read = votes.flatMap((output) => output === null ? [] : [parseJudgement(output.text)]).filter((vote) =>
    vote !== null
  )
  return {
    figures: read.length === 0 ? {} : { verified: read.filter((vote) => vote).length / read.length },
    usage: votes.reduce((sum, output) => output === null ? sum : addUsage(sum, output.usage), noUsage),
    microDollars: votes.reduce((sum, output) => sum + (output?.microDollars ?? 0), 0)
  }
})

const keptOf = ({ attempt, output, sample, seed, solve, steps }: {
  readonly solve: string
  readonly sample: number
  readonly attempt: number
  readonly seed: number
  readonly output: SampleOutput
  readonly steps: ReadonlyArray<SampleStep>
}): SampleState => {
  const half = maxSampleCharacters / 4
  const short = (text: string) =>
    text.length <= half * 2
      ? text
      : `${text.slice(0, half)}\n... ${text.length - 2 * half} characters left out ...\n${text.slice(-half)}`
  const text = short(output.text)
  const reasoning = output.reasoning === null ? null : short(output.reasoning)
  const cut = text.length !== output.text.length || reasoning?.length !== output.reasoning?.length
  return { solve, sample, attempt, seed, text, reasoning, steps: cut ? [] : steps, cut }
}
