// A model selects: candidates in windows, the picked ones against each other, round after round, until one is left (GenSelect and tournaments).
// Each round is a report, so that a runner that takes over repeats one round at most.
import { Clock, Effect } from "effect"
import { addUsage, noUsage, type TokenUsage } from "../../domain/Generation.ts"
import { parseChoice, selectMessages } from "../../domain/Prompts.ts"
import { sampleId, seedOf, type SelectionRound, type SolveSpec, type SolveState } from "../../domain/Solve.ts"
import { generateOne } from "../Generation.ts"
import { SampleActor } from "../SampleActor.ts"
import type { SolveHandle } from "../SolveDriver.ts"
import { SolveLimits } from "../SolveLimits.ts"
import { questionOf, runOf } from "./OneSample.ts"

/** Comparisons of one solve under way at once. */
const maxComparisons = 8

/** Samples with an answer, in an order that the seed says: a place in the row must not speak for a sample. */
const candidatesOf = ({ samples }: SolveState, seed: number): ReadonlyArray<number> =>
  samples.flatMap(({ answer, status }, sample) => (status === "done" && answer !== null ? [sample] : []))
    .map((sample) => ({ sample, order: seedOf(seed, -1 - sample) }))
    .sort((a, b) => a.order - b.order)
    .map(({ sample }) => sample)

/** Who is still in after the rounds that were reported. */
const playersOf = (state: SolveState, seed: number): ReadonlyArray<number> => {
  const last = state.rounds.at(-1)?.round
  return last === undefined
    ? candidatesOf(state, seed)
    : state.rounds.flatMap(({ chosen, round }) => (round === last ? [chosen] : []))
}

export const selectAnswer = Effect.fnUntraced(function*(handle: SolveHandle, state: SolveState) {
  const { spec } = state
  const selection = spec?.strategy.select
  if (spec === null || selection == null) return
  let players = playersOf(state, spec.seed)
  let round = (state.rounds.at(-1)?.round ?? -1) + 1
  while (true) {
    const windows = windowsOf(players, selection.window)
    const compared = yield* Effect.forEach(
      windows,
      (window, at) => compare(handle, state, spec, window, round, at),
      { concurrency: maxComparisons }
    )
    players = compared.map(({ chosen }) => chosen)
    const last = players.length <= 1
    const atMillis = yield* Clock.currentTimeMillis
    yield* Effect.catchTag(
      handle.send("Select", { rounds: compared, last, atMillis }),
      "ReportStale",
      () => handle.refresh
    )
    if (last) return
    round++
  }
})

/** Windows of about equal size, so that none has a single candidate unless there is only one. */
const windowsOf = (players: ReadonlyArray<number>, size: number): ReadonlyArray<ReadonlyArray<number>> => {
  const windows = Math.max(1, Math.ceil(players.length / size))
  return Array.from(
    { length: windows },
    (_, at) => players.slice(Math.floor(at * players.length / windows), Math.floor((at + 1) * players.length / windows))
  )
}

const compare = Effect.fnUntraced(function*(
  handle: SolveHandle,
  { samples, vote }: SolveState,
  spec: SolveSpec,
  window: ReadonlyArray<number>,
  round: number,
  at: number
) {
  const groups = new Set(window.map((sample) => samples[sample]?.group))
  const [first = 0] = window
  const alone = { round, candidates: window, picks: [], chosen: first, usage: noUsage, microDollars: 0 }
  if (groups.size <= 1) return alone
  const { model, repeats } = spec.strategy.select ?? { model: null, repeats: 1 }
  const limits = yield* SolveLimits
  const texts = yield* textsOf(handle.id, window)
  const messages = selectMessages(questionOf(spec), texts)
  const asked = yield* Effect.forEach(
    Array.from({ length: repeats }, (_, repeat) => seedOf(seedOf(spec.seed, round * 1_000 + at), repeat)),
    (seed) =>
      generateOne({
        model: model ?? spec.model,
        prompt: { _tag: "Chat", messages },
        parameters: { temperature: repeats === 1 ? 0 : 0.6, maxTokens: 16_384 },
        owner: spec.owner,
        run: runOf(spec, handle.id),
        deadlineMillis: limits.sampleMillis,
        seed
      }).pipe(
        Effect.map((output) => ({
          pick: parseChoice(output.text, window.length),
          usage: output.usage,
          microDollars: output.microDollars
        })),
        // A selector that fails picks nobody: the vote speaks for it.
        Effect.orElseSucceed(() => ({ pick: null, usage: noUsage, microDollars: 0 }))
      ),
    { concurrency: "unbounded" }
  )
  const picks = asked.map(({ pick }) => (pick === null ? null : window[pick - 1] ?? null))
  const votesOf = (sample: number) => {
    const group = samples[sample]?.group ?? -1
    const name = samples.find(({ group: own }) => own === group)?.answer
    return vote?.groups.find(({ answer }) => answer === name)?.votes ?? 0
  }
  const picked = (sample: number) => picks.filter((pick) => pick === sample).length
  const chosen = window.toSorted((a, b) => picked(b) - picked(a) || votesOf(b) - votesOf(a))[0] ?? first
  return {
    round,
    candidates: window,
    picks,
    chosen,
    usage: asked.reduce((sum: TokenUsage, { usage }) => addUsage(sum, usage), noUsage),
    microDollars: asked.reduce((sum, { microDollars }) => sum + microDollars, 0)
  } satisfies SelectionRound
})

const textsOf = Effect.fnUntraced(function*(solve: string, window: ReadonlyArray<number>) {
  const clientOf = yield* SampleActor.client
  return yield* Effect.forEach(
    window,
    (sample) =>
      clientOf(sampleId(solve, sample)).get.pipe(
        Effect.map(({ state }) => state.text),
        // A text that cannot be read is nothing to pick; a store that is away is waited for.
        Effect.catchIf(({ reason }) => reason !== "unavailable", () => Effect.succeed(""))
      ),
    { concurrency: maxComparisons }
  )
})
