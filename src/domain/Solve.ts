// The Solve actor's nouns and laws: one prompt, answered by samples of a model and a vote. The driver (actors/SolveDriver.ts) asks the model
// and reports each sample as it ends; here is what counts, when it is enough, and what the answer is. The text of a sample is an actor of its
// own (Sample), so that this state stays small. A report names its sample and the attempt: one that comes twice, or late, counts once.
import { Schema } from "effect"
import type { Facets } from "./Commit.ts"
import { accept, type Decision, refuse } from "./Decision.ts"
import { addUsage, ChatMessage, FinishReason, noUsage, TokenUsage } from "./Generation.ts"
import { canonical, type Json } from "./Json.ts"
import { emptyStopping, endSample as endStopping, Stopping } from "./Stopping.ts"
import { StopReason } from "./Stopping/StopRule.ts"
import { Strategy } from "./Strategy.ts"
import { VoteResult, voteResult } from "./Vote.ts"
import { representatives } from "./Vote/AnswerGroups.ts"
import { Figures } from "./Vote/VoteRule.ts"

export const SolveStatus = Schema.Literals(["new", "sampling", "selecting", "done", "failed", "cancelled"])
export type SolveStatus = typeof SolveStatus.Type

const count = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Characters of a prompt, all messages together, at most. */
export const maxPromptCharacters = 262_144

/** A problem, which polya asks for in its own words, or a conversation as it is. The right answer is never a part of it. */
export const SolvePrompt = Schema.Union([
  Schema.TaggedStruct("Problem", { text: Schema.String.check(Schema.isMinLength(1)) }),
  Schema.TaggedStruct("Chat", {
    messages: Schema.Array(ChatMessage).check(Schema.isMinLength(1), Schema.isMaxLength(256))
  })
]).check(Schema.makeFilter((prompt) => {
  const characters = prompt._tag === "Problem"
    ? prompt.text.length
    : prompt.messages.reduce((sum, { content }) => sum + content.length, 0)
  return characters <= maxPromptCharacters || `Expected at most ${maxPromptCharacters} characters`
}))
export type SolvePrompt = typeof SolvePrompt.Type

/** What may be spent beside the strategy's number of samples. The answer is given before `millis` have passed, whatever is missing. */
export const SolveBudget = Schema.Struct({
  /** Tokens that are written, all samples together; samples under way when it is used up are called off. */
  tokens: Schema.NullOr(count(1, 1_000_000_000)),
  millis: Schema.NullOr(Schema.Finite.check(Schema.isBetween({ minimum: 100, maximum: 86_400_000 })))
})
export type SolveBudget = typeof SolveBudget.Type

export const SolveSpec = Schema.Struct({
  prompt: SolvePrompt,
  model: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200)),
  strategy: Strategy,
  /** Seeds of the samples follow from it (`seedOf`): the same seed asks for the same samples. */
  seed: count(0, 2 ** 31 - 1),
  budget: SolveBudget,
  /** Whose work it is: owners share a model fairly. */
  owner: Schema.String.check(Schema.isMaxLength(200)),
  /** What it belongs to, such as an evaluation; null: nothing. */
  group: Schema.NullOr(Schema.String.check(Schema.isMaxLength(200)))
})
export type SolveSpec = typeof SolveSpec.Type

export const SampleError = Schema.Struct({ tag: Schema.String, message: Schema.String })

export const SampleRecord = Schema.Struct({
  status: Schema.Literals(["running", "done", "failed", "cancelled"]),
  seed: Schema.Int,
  /** How often it was begun: a runner that was killed costs one. */
  attempt: Schema.Int,
  startedMillis: Schema.Finite,
  /** From its last beginning to its end; null: it has not ended. */
  millis: Schema.NullOr(Schema.Finite),
  /** null: none was found, or it has not ended. */
  answer: Schema.NullOr(Schema.String),
  /** Number of its group of equal answers, in the order in which they were first seen. */
  group: Schema.NullOr(Schema.Int),
  finish: Schema.NullOr(FinishReason),
  figures: Figures,
  usage: TokenUsage,
  microDollars: Schema.Finite,
  /** Programs that it ran. */
  executions: Schema.Int,
  error: Schema.NullOr(SampleError)
})
export type SampleRecord = typeof SampleRecord.Type

/** Why there are no more samples: a law, or what ran out. */
export const SolveStop = Schema.Union([
  ...StopReason.members,
  /** The time was up. */
  Schema.TaggedStruct("TimeUp", { answer: Schema.NullOr(Schema.String) }),
  Schema.TaggedStruct("TokensSpent", { answer: Schema.NullOr(Schema.String), tokens: Schema.Int }),
  /** Every sample failed. */
  Schema.TaggedStruct("NoneWorked", { answer: Schema.Null })
])
export type SolveStop = typeof SolveStop.Type

/** One comparison of a selection: candidates by sample, and which of them each asking picked (null: none could be read). */
export const SelectionRound = Schema.Struct({
  round: Schema.Int,
  candidates: Schema.Array(Schema.Int),
  picks: Schema.Array(Schema.NullOr(Schema.Int)),
  /** The sample that goes on. */
  chosen: Schema.Int,
  usage: TokenUsage,
  microDollars: Schema.Finite
})
export type SelectionRound = typeof SelectionRound.Type

export const SolveState = Schema.Struct({
  status: SolveStatus,
  spec: Schema.NullOr(SolveSpec),
  startedMillis: Schema.Finite,
  endedMillis: Schema.NullOr(Schema.Finite),
  /** In the order begun; later ones were not begun. */
  samples: Schema.Array(SampleRecord),
  stopping: Schema.NullOr(Stopping),
  stop: Schema.NullOr(SolveStop),
  rounds: Schema.Array(SelectionRound),
  vote: Schema.NullOr(VoteResult),
  answer: Schema.NullOr(Schema.String),
  /** The sample whose text stands for the answer; null: no sample gave one. */
  sample: Schema.NullOr(Schema.Int),
  usage: TokenUsage,
  microDollars: Schema.Finite,
  error: Schema.NullOr(SampleError),
  note: Schema.String
})
export type SolveState = typeof SolveState.Type

export const initialSolve: SolveState = {
  status: "new",
  spec: null,
  startedMillis: 0,
  endedMillis: null,
  samples: [],
  stopping: null,
  stop: null,
  rounds: [],
  vote: null,
  answer: null,
  sample: null,
  usage: noUsage,
  microDollars: 0,
  error: null,
  note: ""
}

export class SolveUnknown extends Schema.TaggedError<SolveUnknown>()("SolveUnknown", {}, { httpApiStatus: 404 }) {
  override get message() {
    return "There is no such solve; start it first"
  }
}
/** A solve of this id exists and asks for something else. */
export class SolveTaken extends Schema.TaggedError<SolveTaken>()("SolveTaken", {}, { httpApiStatus: 409 }) {
  override get message() {
    return "A solve of this id exists and asks for something else; choose another id"
  }
}
/** The report does not fit what the solve waits for: it came twice, late, or from a driver that has lost it. */
export class ReportStale extends Schema.TaggedError<ReportStale>()("ReportStale", {}) {
  override get message() {
    return "The solve has moved on since this work was begun"
  }
}
/** There is no text of that sample, or not yet. */
export class SampleUnknown extends Schema.TaggedError<SampleUnknown>()("SampleUnknown", {
  sample: Schema.Int
}, { httpApiStatus: 404 }) {
  override get message() {
    return `There is no text of sample ${this.sample}, or not yet`
  }
}
export const refusals = Schema.Union([SolveUnknown, SolveTaken, ReportStale])

type Solve<E = SolveUnknown | SolveTaken | ReportStale> = Decision<SolveState, void, E>

/** A sample that was begun so often and never came to an end is given up: it may be what ends its runners. */
export const maxAttempts = 16

/** The seed of a solve's sample: FNV-1a over both numbers, mixed, 0..2^31-1, so that solves with neighbouring seeds share none. */
export const seedOf = (seed: number, sample: number): number => {
  let hash = 0x811c9dc5
  for (let number of [seed, sample]) {
    for (let byte = 0; byte < 4; byte++) {
      hash = Math.imul(hash ^ (number & 0xff), 0x01000193)
      number >>>= 8
    }
  }
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b)
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35)
  return (hash ^ hash >>> 16) >>> 1
}

export const isOver = ({ status }: SolveState): boolean =>
  status === "done" || status === "failed" || status === "cancelled"

/** By when the answer is to be there; null: whenever. */
export const deadlineOf = ({ spec, startedMillis }: SolveState): number | null =>
  spec?.budget.millis == null ? null : startedMillis + spec.budget.millis

export const StartFields = { spec: SolveSpec, atMillis: Schema.Finite }
export const start = (
  state: SolveState,
  { atMillis, spec }: Schema.Struct<typeof StartFields>["Type"]
): Solve<SolveTaken> => {
  if (state.spec !== null) {
    return canonical(state.spec as unknown as Json) === canonical(spec as unknown as Json)
      ? accept(state, undefined)
      : refuse(new SolveTaken())
  }
  const { samples, stop } = spec.strategy
  return accept(
    { ...initialSolve, status: "sampling", spec, startedMillis: atMillis, stopping: emptyStopping(stop, samples) },
    undefined,
    [{ _tag: "Started", model: spec.model, strategy: spec.strategy.name }]
  )
}

export const BeginFields = {
  /** Samples to begin: the next numbers, or ones that run already and are begun again. */
  samples: Schema.Array(Schema.Struct({ sample: Schema.Int, attempt: Schema.Int })),
  atMillis: Schema.Finite
}
/** Samples go out. Beginning one again takes it from whoever had it: the report of its earlier attempt will not count. */
export const begin = (
  state: SolveState,
  { atMillis, samples: asked }: Schema.Struct<typeof BeginFields>["Type"]
): Solve<ReportStale> => {
  const { spec } = state
  if (spec === null || state.status !== "sampling") return refuse(new ReportStale())
  const samples = [...state.samples]
  for (const { attempt, sample } of asked) {
    const before = samples[sample]
    const fits = before === undefined
      ? sample === samples.length && sample < spec.strategy.samples && attempt === 1
      : before.status === "running" && attempt === before.attempt + 1
    if (!fits) return refuse(new ReportStale())
    samples[sample] = {
      status: "running",
      seed: seedOf(spec.seed, sample),
      attempt,
      startedMillis: atMillis,
      millis: null,
      answer: null,
      group: null,
      finish: null,
      figures: {},
      usage: noUsage,
      microDollars: 0,
      executions: 0,
      error: null
    }
  }
  return accept({ ...state, samples }, undefined)
}

export const EndFields = {
  sample: Schema.Int,
  attempt: Schema.Int,
  atMillis: Schema.Finite,
  result: Schema.Union([
    Schema.TaggedStruct("Finished", {
      answer: Schema.NullOr(Schema.String.check(Schema.isMaxLength(10_000))),
      /** The group that its answer is equal to, as the driver found; null: none of those there are, or no answer. */
      group: Schema.NullOr(Schema.Int),
      /** Groups that it was compared with: a group that came since makes the report stale. */
      groups: Schema.Int,
      finish: FinishReason,
      figures: Figures,
      executions: Schema.Int
    }),
    Schema.TaggedStruct("Failed", { error: SampleError })
  ]),
  usage: TokenUsage,
  microDollars: Schema.Finite
}
/** A sample has ended. When that is enough, the others are called off and the answer is there (or the selection begins). */
export const end = (state: SolveState, report: Schema.Struct<typeof EndFields>["Type"]): Solve<ReportStale> => {
  const { atMillis, attempt, microDollars, result, sample, usage } = report
  const before = state.samples[sample]
  if (
    state.status !== "sampling" || state.stopping === null || before?.status !== "running" || before.attempt !== attempt
  ) return refuse(new ReportStale())
  const finished = result._tag === "Finished"
  const names = representatives(state.stopping.groups)
  if (finished && result.answer !== null && result.groups !== names.length) return refuse(new ReportStale())
  const answer = finished ? result.answer : null
  const equal = finished && result.group !== null ? names[result.group] : undefined
  const stopping = endStopping(
    state.stopping,
    finished ? { _tag: "Finished", answer } : { _tag: "Failed" },
    // Only its own group was found equal; the comparison itself took place outside of this commit.
    (first) => first === equal
  )
  const record: SampleRecord = {
    ...before,
    status: finished ? "done" : "failed",
    millis: Math.max(0, atMillis - before.startedMillis),
    answer,
    group: finished ? stopping.finished.at(-1) ?? null : null,
    finish: finished ? result.finish : null,
    figures: finished ? result.figures : {},
    executions: finished ? result.executions : 0,
    error: finished ? null : result.error,
    usage,
    microDollars
  }
  const next: SolveState = {
    ...state,
    stopping,
    samples: state.samples.map((one, at) => (at === sample ? record : one)),
    usage: addUsage(state.usage, usage),
    microDollars: state.microDollars + microDollars
  }
  const ended = { _tag: "SampleEnded", sample, answer } as const
  if (stopping.stop !== null) return accept(sampled(next, stopping.stop, atMillis), undefined, [ended])
  const most = state.spec?.budget.tokens ?? null
  if (most !== null && next.usage.completionTokens >= most) {
    const stop: SolveStop = { _tag: "TokensSpent", answer: leading(next), tokens: next.usage.completionTokens }
    return accept(sampled(next, stop, atMillis), undefined, [ended])
  }
  return accept(next, undefined, [ended])
}

/**
 * Groups of equal answers in the order of their first samples, each named by what that one answers: samples end in an order that differs from
 * run to run, and neither a tie nor a spelling may depend on it.
 */
const groupsBySample = (samples: ReadonlyArray<SampleRecord>): ReadonlyMap<number, string> => {
  const names = new Map<number, string>()
  for (const { answer, group, status } of samples) {
    if (status === "done" && group !== null && answer !== null && !names.has(group)) names.set(group, answer)
  }
  return names
}

/** What the vote says of the samples that have ended so far. */
export const currentVote = ({ samples, spec, stopping }: SolveState): VoteResult | null => {
  if (spec === null || stopping === null) return null
  const names = groupsBySample(samples)
  const places = new Map([...names.keys()].map((group, place) => [group, place]))
  return voteResult({
    rule: spec.strategy.vote,
    ties: "first_seen",
    groups: {
      ...stopping.groups,
      spellings: [...names.values()].map((answer, group) => ({ answer, group, key: null }))
    },
    samples: samples.flatMap(({ figures, group, status }) =>
      status === "done" ? [{ ...figures, group: group === null ? null : places.get(group) ?? null }] : []
    ),
    ignored: 0
  })
}
const leading = (state: SolveState): string | null => currentVote(state)?.answer ?? null

/** The sample that stands for an answer: of those in its group the one with the highest mean log-probability, else the first. */
const sampleOf = ({ samples }: SolveState, answer: string | null): number | null => {
  const group = [...groupsBySample(samples)].find(([, name]) => name === answer)?.[0]
  let best: number | null = null
  for (const [at, { figures, group: own, status }] of samples.entries()) {
    if (status !== "done" || group === undefined || own !== group) continue
    const logprob = figures.logprobMean ?? Number.NEGATIVE_INFINITY
    const held = best === null ? undefined : samples[best]?.figures.logprobMean ?? Number.NEGATIVE_INFINITY
    if (held === undefined || logprob > held) best = at
  }
  return best
}

/** No more samples: those under way are called off. */
const sampled = (state: SolveState, stop: SolveStop, atMillis: number): SolveState => {
  const samples = state.samples.map((one) =>
    one.status === "running"
      ? { ...one, status: "cancelled" as const, millis: Math.max(0, atMillis - one.startedMillis) }
      : one
  )
  const next = { ...state, samples, stop }
  const groups = new Set(samples.flatMap(({ group }) => (group === null ? [] : [group])))
  const late = stop._tag === "TimeUp"
  return state.spec?.strategy.select != null && groups.size > 1 && !late
    ? { ...next, status: "selecting", vote: currentVote(next) }
    : concluded(next, null, atMillis)
}

/** The answer is there. chosen: the sample that a selection picked; null: the vote decides. */
const concluded = (state: SolveState, chosen: number | null, atMillis: number): SolveState => {
  const vote = currentVote(state)
  const picked = chosen === null ? undefined : state.samples[chosen]
  const answer = picked?.answer ?? vote?.answer ?? null
  const worked = state.samples.some(({ status }) => status === "done")
  const failed = state.samples.findLast(({ status }) => status === "failed")
  // Where nothing came of it but errors, the error is what there is to say.
  const isFailed = !worked && failed !== undefined && state.stop?._tag !== "TimeUp"
  return {
    ...state,
    status: isFailed ? "failed" : "done",
    stop: isFailed ? { _tag: "NoneWorked", answer: null } : state.stop,
    error: isFailed ? failed.error : null,
    vote,
    answer,
    sample: picked === undefined ? sampleOf(state, answer) : chosen,
    endedMillis: atMillis
  }
}

export const SelectFields = { rounds: Schema.Array(SelectionRound), atMillis: Schema.Finite, last: Schema.Boolean }
/** Comparisons have been made. With the last one the answer is the chosen sample's. */
export const select = (
  state: SolveState,
  { atMillis, last, rounds }: Schema.Struct<typeof SelectFields>["Type"]
): Solve<ReportStale> => {
  if (state.status !== "selecting") return refuse(new ReportStale())
  const next = {
    ...state,
    rounds: [...state.rounds, ...rounds],
    usage: rounds.reduce((sum, { usage }) => addUsage(sum, usage), state.usage),
    microDollars: rounds.reduce((sum, { microDollars }) => sum + microDollars, state.microDollars)
  }
  const chosen = next.rounds.at(-1)?.chosen ?? null
  return accept(last ? concluded(next, chosen, atMillis) : next, undefined)
}

export const TimeFields = { atMillis: Schema.Finite }
/** The time is up, or as good as: the answer is what leads now. */
export const timeUp = (state: SolveState, { atMillis }: { readonly atMillis: number }): Solve<ReportStale> => {
  if (state.status === "sampling") {
    return accept(sampled(state, { _tag: "TimeUp", answer: leading(state) }, atMillis), undefined, [{ _tag: "TimeUp" }])
  }
  return state.status === "selecting"
    ? accept(concluded(state, null, atMillis), undefined, [{ _tag: "TimeUp" }])
    : refuse(new ReportStale())
}

export const CancelFields = { why: Schema.String, atMillis: Schema.Finite }
export const cancel = (
  state: SolveState,
  { atMillis, why }: Schema.Struct<typeof CancelFields>["Type"]
): Solve<SolveUnknown> => {
  if (state.spec === null) return refuse(new SolveUnknown())
  if (isOver(state)) return accept(state, undefined)
  const samples = state.samples.map((
    one
  ) => (one.status === "running" ? { ...one, status: "cancelled" as const } : one))
  return accept({ ...state, samples, status: "cancelled", endedMillis: atMillis, note: why }, undefined, [
    { _tag: "Cancelled", why }
  ])
}

/** What lists and searches know of a solve. */
export const describe = ({ error, samples, spec, status }: SolveState): Facets => ({
  status,
  stage: spec?.strategy.name.slice(0, 100) ?? null,
  group: spec?.group ?? null,
  attempts: samples.reduce((sum, { attempt }) => sum + attempt, 0),
  error: error === null ? null : `${error.tag}: ${error.message}`.slice(0, 300),
  waiting: null,
  text: spec === null
    ? null
    : (spec.prompt._tag === "Problem" ? spec.prompt.text : spec.prompt.messages.at(-1)?.content ?? "").slice(0, 4_000)
})

/** What of a solve an operator may not replace. */
export const fixed = (before: SolveState, after: SolveState): string | undefined =>
  canonical(before.spec as unknown as Json) === canonical(after.spec as unknown as Json)
    ? undefined
    : "what a solve asks for cannot be changed; start another"

/** One part of a sample with tools: what the model wrote, then what its program printed. */
export const SampleStep = Schema.Union([
  Schema.TaggedStruct("Wrote", { text: Schema.String }),
  Schema.TaggedStruct("Ran", {
    code: Schema.String,
    output: Schema.String,
    status: Schema.String,
    millis: Schema.Finite
  })
])
export type SampleStep = typeof SampleStep.Type

/** Characters of a sample's text that are kept, at most; of a longer one the middle is left out. */
export const maxSampleCharacters = 4_194_304

/** The Sample actor: the text of one sample of a solve. It is written once, before the solve counts it. */
export const SampleState = Schema.Struct({
  solve: Schema.String,
  sample: Schema.Int,
  attempt: Schema.Int,
  seed: Schema.Int,
  text: Schema.String,
  reasoning: Schema.NullOr(Schema.String),
  steps: Schema.Array(SampleStep),
  cut: Schema.Boolean
})
export type SampleState = typeof SampleState.Type
export const initialSample: SampleState = {
  solve: "",
  sample: 0,
  attempt: 0,
  seed: 0,
  text: "",
  reasoning: null,
  steps: [],
  cut: false
}
/** The text of the last attempt that was kept; an earlier one does not take its place. */
export const keep = (
  state: SampleState,
  { state: given }: { readonly state: SampleState }
): Decision<SampleState, void> => accept(given.attempt >= state.attempt ? given : state, undefined)

export const sampleId = (solve: string, sample: number): string => `${solve}:s${sample}`
