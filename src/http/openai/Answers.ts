// What goes back: completions, chunks of streams and lists of models in the OpenAI API's form, and what a vote says in the extension field
// `polya`, which other clients pass over.
import type { ModelFacts } from "../../actors/Generation.ts"
import type { FinishReason, SampleOutput, TokenUsage } from "../../domain/Generation.ts"
import { currentVote, isOver, type SolveState } from "../../domain/Solve.ts"
import type { VoteResult } from "../../domain/Vote.ts"

/** Which of both ways of asking is answered. */
export type Kind = "chat" | "text"

/** What all parts of one answer say of it. */
export interface Head {
  readonly kind: Kind
  readonly id: string
  readonly createdSeconds: number
  readonly model: string
}

export interface Choice {
  readonly text: string
  readonly reasoning: string | null
  readonly finish: FinishReason
}

const finishNames: { readonly [F in FinishReason]: string } = {
  stop: "stop",
  length: "length",
  filter: "content_filter",
  // A call of a tool that nobody offered is only the end of a text.
  tool: "stop"
}

/** Tokens as they were counted for all samples together: the prompt counts once for each. */
export const usageOf = ({ cachedTokens, completionTokens, promptTokens, reasoningTokens }: TokenUsage) => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
  ...(cachedTokens === undefined ? {} : { prompt_tokens_details: { cached_tokens: cachedTokens } }),
  ...(reasoningTokens === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoningTokens } })
})

const headOf = ({ createdSeconds, id, kind, model }: Head, chunk: boolean) => ({
  id,
  object: kind === "text" ? "text_completion" : chunk ? "chat.completion.chunk" : "chat.completion",
  created: createdSeconds,
  model
})

const reasoningOf = (reasoning: string | null) => reasoning === null ? {} : { reasoning_content: reasoning }

/** A whole answer. */
export const completion = (head: Head, choices: ReadonlyArray<Choice>, usage: TokenUsage, polya: object) => ({
  ...headOf(head, false),
  choices: choices.map(({ finish, reasoning, text }, index) => ({
    index,
    ...(head.kind === "chat"
      ? { message: { role: "assistant", content: text, refusal: null, ...reasoningOf(reasoning) } }
      : { text, ...reasoningOf(reasoning) }),
    logprobs: null,
    finish_reason: finishNames[finish]
  })),
  usage: usageOf(usage),
  polya
})

export interface Part {
  readonly index: number
  /** The first part of a choice. */
  readonly opens?: boolean
  readonly text?: string
  readonly reasoning?: string
  readonly finish?: FinishReason
}

/** A piece of an answer: more of one choice. */
export const chunk = (head: Head, { finish, index, opens, reasoning = "", text = "" }: Part, polya?: object) => {
  const more = reasoning === "" ? {} : { reasoning_content: reasoning }
  return {
    ...headOf(head, true),
    choices: [{
      index,
      ...(head.kind === "chat"
        ? {
          delta: {
            ...(opens === true ? { role: "assistant" } : {}),
            ...(text !== "" || opens === true ? { content: text } : {}),
            ...more
          }
        }
        : { text, ...more }),
      logprobs: null,
      finish_reason: finish === undefined ? null : finishNames[finish]
    }],
    ...(polya === undefined ? {} : { polya })
  }
}
/** A piece without a choice: the usage at the end, or how far a vote is. */
export const aside = (head: Head, more: { readonly usage?: TokenUsage; readonly polya?: object }) => ({
  ...headOf(head, true),
  choices: [],
  ...(more.usage === undefined ? {} : { usage: usageOf(more.usage) }),
  ...(more.polya === undefined ? {} : { polya: more.polya })
})

/** What the extension says of samples that no vote was held on. */
export const ofSamples = (outputs: ReadonlyArray<{ readonly seed: number | null; readonly output: SampleOutput }>) => ({
  samples: outputs.map(({ output, seed }, sample) => ({
    sample,
    seed,
    finish: output.finish,
    usage: output.usage,
    figures: output.figures,
    queueMillis: output.queueMillis,
    firstTokenMillis: output.firstTokenMillis,
    millis: output.millis,
    attempts: output.attempts,
    microDollars: output.microDollars
  })),
  microDollars: outputs.reduce((sum, { output }) => sum + output.microDollars, 0)
})

/** Of a vote with more answers than that, the others are left out. */
const maxGroups = 256
const maxProgressGroups = 8
const maxProgressCharacters = 200

const voteOf = (vote: VoteResult | null) => ({
  answer: vote?.answer ?? null,
  groups: (vote?.groups ?? []).slice(0, maxGroups),
  margin: vote?.margin ?? 0,
  tie: (vote?.tie ?? []).slice(0, maxGroups)
})

/** How far a vote is; small, because it is told often. */
export const progressOf = (solve: string, state: SolveState, atMillis: number) => {
  const vote = voteOf(isOver(state) ? state.vote : currentVote(state))
  const short = (answer: string) => answer.slice(0, maxProgressCharacters)
  const count = (wanted: string) => state.samples.filter(({ status }) => status === wanted).length
  return {
    event: "progress",
    solve,
    strategy: state.spec?.strategy.name ?? null,
    status: state.status,
    answer: vote.answer === null ? null : short(vote.answer),
    groups: vote.groups.slice(0, maxProgressGroups).map((group) => ({ ...group, answer: short(group.answer) })),
    margin: vote.margin,
    tie: vote.tie.slice(0, maxProgressGroups).map(short),
    planned: state.spec?.strategy.samples ?? 0,
    done: count("done"),
    running: count("running"),
    failed: count("failed"),
    usage: state.usage,
    millis: Math.max(0, atMillis - state.startedMillis)
  }
}

/** All that there is to say of a vote that is over. */
export const resultOf = (solve: string, state: SolveState) => {
  const { endedMillis, microDollars, rounds, sample, samples, spec, startedMillis, status, stop, usage, vote } = state
  return {
    event: "result",
    solve,
    strategy: spec?.strategy.name ?? null,
    seed: spec?.seed ?? null,
    status,
    ...voteOf(vote),
    answer: state.answer,
    stop,
    sample,
    samples: samples.map((one, sample) => ({
      sample,
      status: one.status,
      seed: one.seed,
      answer: one.answer,
      finish: one.finish,
      usage: one.usage,
      executions: one.executions,
      millis: one.millis,
      microDollars: one.microDollars,
      error: one.error
    })),
    rounds,
    usage,
    microDollars,
    millis: Math.max(0, (endedMillis ?? startedMillis) - startedMillis)
  }
}

/** Short names of strategies that the list of models shows for each. */
const shownStrategies = ["majority-8", "weighted-entropy-8", "tir-8", "genselect-8"]

/** A model as it can be asked for. `id`: its name as it was asked for, with a strategy perhaps. */
export const modelOf = ({ completionPrice, contextTokens, name, promptPrice }: ModelFacts, id = name) => ({
  id,
  object: "model",
  // When a model was made is not known here.
  created: 0,
  owned_by: "polya",
  polya: {
    model: name,
    contextTokens,
    promptPrice,
    completionPrice,
    strategies: shownStrategies.map((strategy) => `${name}@${strategy}`)
  }
})
