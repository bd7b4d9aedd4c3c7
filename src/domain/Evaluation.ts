// The metrics of an evaluation: k attempts at each problem, over all problems and by subset. pass@k is unbiased; majority@k and
// rm_*@k look at the first k attempts in order, and tied answers share the credit. Percentages lie in 0..100, `no_answer` among
// them: it is counted once a problem, not once a way of scoring. One pass over the problems; memory does not grow with them.
// A problem counts for the figures that all of its attempts have what it takes for: a judge's verdict, a reward, a number of tokens.
// Where those are fewer than `num_entries`, the figure's `<name>_entries` says how many. Figures have the names that NeMo-Skills gives them. By default votes are for classes of equal answers (`votes: "classes"`);
// `answer_and_score` counts as NeMo-Skills does, where "1/2" and "0.5" are two answers.
import { CompensatedSum } from "./CompensatedSum.ts"
import { JudgeCounts } from "./Evaluation/JudgeRates.ts"
import { asWrong, judgementOf, type MetricsType, type Prediction, scored, tokensOf } from "./Evaluation/Prediction.ts"
import {
  type Attempt,
  bestRewards,
  majorities,
  pooled,
  rewardMajorities,
  type VoteKey
} from "./Evaluation/VoteCredit.ts"
import { passAtK } from "./Statistics.ts"
import { RunStatistics } from "./Statistics/RunStatistics.ts"
import type { SameAnswer } from "./Verdict.ts"

/** Attempts at one problem, and subsets, at most. */
export const attemptsMaximum = 1024
export const subsetsMaximum = 1000

export interface EvaluationOptions {
  readonly type: MetricsType
  /** When two answers are one vote; default equal strings. Not asked under `answer_and_score`. */
  readonly same?: SameAnswer
  /** Default `classes`. */
  readonly votes?: VoteKey
  /** Attempts with more generated tokens are scored as wrong and without an answer. */
  readonly maximumTokens?: number
}

/** A score's spread over the first k runs, in the score's own unit (0..1 for right or wrong, tokens for tokens). */
export interface ScoreStatistics {
  readonly avg: number
  readonly std_dev_across_runs: number
  readonly avg_sample_std_dev: number
  readonly std_err_across_runs: number
}

/**
 * By name: a percentage, a count (`num_entries`, `avg_tokens`, `gen_seconds`, and `<name>_entries` where only so many problems have the
 * figure) or the statistics of a score.
 */
export type Metrics = Readonly<Record<string, number | ScoreStatistics>>

/** By aggregation: `pass@k`, `pass@1[avg-of-k]` (k >= 2), `majority@k` (k >= 2), `rm_best@k`, `rm_majority@k`. */
export type Aggregations = Readonly<Record<string, Metrics>>

export type Evaluation =
  | {
    readonly _tag: "Evaluated"
    /** `_all_`, and each subset named by the first attempt's `subset_for_metrics`. */
    readonly subsets: Readonly<Record<string, Aggregations>>
    /** Problems with too many different answers to compare all of them: equal ones may be split there. */
    readonly exhausted: number
  }
  /** Problem number `problem` (from 0) has another number of attempts than the first one, none or too many. */
  | { readonly _tag: "UnevenAttempts"; readonly problem: number; readonly expected: number; readonly found: number }
  | { readonly _tag: "TooManySubsets"; readonly problem: number }

const all = "_all_"

/** The metrics of the problems, each with its attempts in the order of the runs. No problem: no aggregation. Reads once. */
export const evaluate = (
  problems: Iterable<ReadonlyArray<Prediction>>,
  options: EvaluationOptions
): Evaluation => {
  const totals = new Map<string, Totals>()
  let problem = 0
  let attempts: number | null = null
  for (const raw of problems) {
    const expected = attempts ??= raw.length
    if (raw.length !== expected || raw.length === 0 || raw.length > attemptsMaximum) {
      return { _tag: "UnevenAttempts", problem, expected, found: raw.length }
    }
    const limit = options.maximumTokens ?? Number.POSITIVE_INFINITY
    const predictions = raw.map((prediction) =>
      tokensOf(prediction).generated > limit ? asWrong(options.type, prediction) : prediction
    )
    for (const subset of new Set([all, raw[0]?.subset_for_metrics ?? all])) {
      const own = totals.get(subset) ?? new Totals(expected, options)
      if (!totals.has(subset) && totals.size > subsetsMaximum) return { _tag: "TooManySubsets", problem }
      totals.set(subset, own)
      own.add(predictions)
    }
    problem++
  }
  return {
    _tag: "Evaluated",
    subsets: Object.fromEntries([...totals].map(([subset, own]) => [subset, own.aggregations])),
    exhausted: totals.get(all)?.exhausted ?? 0
  }
}

/** A sum over problems, and how many of them there are. A problem may add to it in several parts. */
class Share {
  readonly #sum = new CompensatedSum()
  #last = 0
  problems = 0

  add(problem: number, share: number): void {
    if (problem !== this.#last) this.problems++
    this.#last = problem
    this.#sum.add(share)
  }

  get mean(): number {
    return this.#sum.total / this.problems
  }

  get total(): number {
    return this.#sum.total
  }
}

/** Sums over the problems of one subset. */
class Totals {
  readonly #attempts: number
  readonly #options: EvaluationOptions
  #problems = 0
  exhausted = 0
  readonly #tokens = new Share()
  #firstStart = Number.POSITIVE_INFINITY
  #lastEnd = Number.NEGATIVE_INFINITY
  /** Aggregation -> metric -> sum over problems of a share in 0..1. */
  readonly #shares = new Map<string, Map<string, Share>>()
  readonly #spreads = new Map<string, RunStatistics>()
  readonly #judges = new Map<string, JudgeCounts>()

  constructor(attempts: number, options: EvaluationOptions) {
    this.#attempts = attempts
    this.#options = options
  }

  #count(aggregation: string, metric: string, share: number): void {
    const metrics = this.#shares.get(aggregation) ?? new Map<string, Share>()
    this.#shares.set(aggregation, metrics)
    const sum = metrics.get(metric) ?? new Share()
    metrics.set(metric, sum)
    sum.add(this.#problems, share)
  }

  #spread(metric: string, values_K: ReadonlyArray<number>): void {
    const spread = this.#spreads.get(metric) ?? new RunStatistics(this.#attempts)
    this.#spreads.set(metric, spread)
    spread.add(values_K)
  }

  #judge(aggregation: string): JudgeCounts {
    const counts = this.#judges.get(aggregation) ?? new JudgeCounts()
    this.#judges.set(aggregation, counts)
    return counts
  }

  add(predictions: ReadonlyArray<Prediction>): void {
    const { same = (a: string, b: string) => a === b, type, votes = "classes" } = this.#options
    this.#problems++
    this.#addCosts(predictions)
    const seen = predictions.map((prediction) => scored(type, prediction))
    const hasAnswers = seen[0]?.answer !== undefined
    const given = seen.map(({ answer }) => answer ?? null)
    const { answers, exhausted } = votes === "classes" && type !== "answer-judgement"
      ? pooled(given, same)
      : { answers: given, exhausted: false }
    if (exhausted) this.exhausted++
    const rewards = predictions.map(({ reward_model_score: reward }) => Number.isFinite(reward) ? reward : undefined)
    const hasRewards = hasAnswers && rewards.every((reward) => reward !== undefined)
    const kinds = Object.keys(seen[0]?.scores ?? {}).filter((kind) =>
      seen.every(({ scores }) => scores[kind] !== undefined)
    )
    for (const kind of kinds) {
      const scores = seen.map(({ scores }) => Number(scores[kind] ?? false))
      this.#spread(kind, scores)
      this.#addPass(kind, scores)
      if (!hasAnswers) continue
      const attempts = seen.map(({ scores }, i): Attempt => ({
        answer: answers[i] ?? null,
        score: scores[kind] ?? false,
        reward: rewards[i]
      }))
      for (const [i, { credit }] of majorities(attempts, votes).entries()) {
        if (i > 0) this.#count(`majority@${i + 1}`, kind, credit)
      }
      if (!hasRewards) continue
      for (const [i, credit] of bestRewards(attempts).entries()) this.#count(`rm_best@${i + 1}`, kind, credit)
      for (const [i, credit] of rewardMajorities(attempts, votes).entries()) {
        this.#count(`rm_majority@${i + 1}`, kind, credit)
      }
    }
    if (hasAnswers) this.#addMissing(answers.map((answer) => answer === null), hasRewards)
    if (type === "lean4") {
      this.#addShares("timeout_error", predictions.map(({ proof_status }) => proof_status === "timeout"))
    }
    if (type === "answer-judgement") this.#addJudgements(predictions)
  }

  #addCosts(predictions: ReadonlyArray<Prediction>): void {
    const tokens = predictions.map(tokensOf)
    if (predictions.every(({ num_generated_tokens: count }) => Number.isFinite(count))) {
      this.#tokens.add(this.#problems, tokens.reduce((sum, { generated }) => sum + generated, 0) / predictions.length)
    }
    this.#spread("reasoning_tokens", tokens.map(({ reasoning }) => reasoning))
    this.#spread("answer_tokens", tokens.map(({ answer }) => answer))
    for (const { generation_end_time: end = Number.NaN, generation_start_time: start = Number.NaN } of predictions) {
      if (start < this.#firstStart) this.#firstStart = start
      if (end > this.#lastEnd) this.#lastEnd = end
    }
  }

  #addPass(kind: string, scores: ReadonlyArray<number>): void {
    const right = scores.reduce((sum, score) => sum + score, 0)
    let sum = 0
    for (const [i, score] of scores.entries()) {
      const k = i + 1
      sum += score
      this.#count(`pass@${k}`, kind, passAtK(scores.length, right, k))
      this.#count(`pass@1[avg-of-${k}]`, kind, sum / k)
    }
  }

  /** For every k: whether all of the first k are so, and what share of them. */
  #addShares(metric: string, flags: ReadonlyArray<boolean>): void {
    let sum = 0
    for (const [i, flag] of flags.entries()) {
      const k = i + 1
      if (flag) sum++
      this.#count(`pass@${k}`, metric, Number(sum === k))
      this.#count(`pass@1[avg-of-${k}]`, metric, sum / k)
    }
  }

  #addMissing(missing: ReadonlyArray<boolean>, hasRewards: boolean): void {
    const metric = this.#options.type === "answer-judgement" ? "invalid_judgements" : "no_answer"
    this.#addShares(metric, missing)
    const first = missing.indexOf(false)
    for (let k = 1; k <= missing.length; k++) {
      const none = Number(first === -1 || first >= k)
      if (k > 1) this.#count(`majority@${k}`, metric, none)
      if (!hasRewards) continue
      this.#count(`rm_best@${k}`, metric, none)
      this.#count(`rm_majority@${k}`, metric, none)
    }
  }

  /** False positives and negatives: of each attempt, of the majority, and of the best of the first k. */
  #addJudgements(predictions: ReadonlyArray<Prediction>): void {
    const truth = judgementOf(predictions[0]?.expected_judgement)
    const said = predictions.map(({ judgement }) => judgementOf(judgement))
    const truths = predictions.map(({ expected_judgement }) => judgementOf(expected_judgement))
    const attempts = seenAsAttempts(said, truths)
    const majority = majorities(attempts, this.#options.votes ?? "classes")
    const rate = (aggregation: string, run: number, answer: boolean | null, truth: boolean | null, share: number) => {
      this.#count(aggregation, "false_positives", answer === true && truth === false ? share : 0)
      this.#count(aggregation, "false_negatives", answer === false && truth === true ? share : 0)
      this.#judge(aggregation).add(run, answer, truth)
    }
    for (let k = 1; k <= said.length; k++) {
      const first = said.slice(0, k)
      const best = first.includes(truth) ? truth : first.find((answer) => answer !== null) ?? null
      const names = [`pass@${k}`, `pass@1[avg-of-${k}]`, ...(k > 1 ? [`majority@${k}`] : [])]
      if (truth === true) { for (const name of names) this.#judge(name).addPositive() }
      rate(`pass@${k}`, 0, best, truth, 1)
      for (const [run, answer] of first.entries()) rate(`pass@1[avg-of-${k}]`, run, answer, truths[run] ?? null, 1 / k)
      const winner = majority[k - 1]?.answer ?? null
      if (k > 1) rate(`majority@${k}`, 0, winner === null ? null : winner === "yes", truth, 1)
    }
  }

  get aggregations(): Aggregations {
    const seconds = Math.trunc(this.#lastEnd - this.#firstStart)
    const entries = (name: string, { problems }: Share) =>
      problems === this.#problems ? [] : [[`${name}_entries`, problems] as const]
    const common = {
      num_entries: this.#problems,
      ...(this.#tokens.total > 0
        ? { avg_tokens: Math.trunc(this.#tokens.mean), ...Object.fromEntries(entries("avg_tokens", this.#tokens)) }
        : {}),
      ...(Number.isFinite(seconds) ? { gen_seconds: seconds } : {})
    }
    const aggregations = [...this.#shares].filter(([name]) => name !== "pass@1[avg-of-1]").map(([name, metrics]) => {
      const percentages = [...metrics].flatMap(([metric, share]) => [
        [metric, 100 * share.mean] as const,
        ...entries(metric, share)
      ])
      const k = Number(/^pass@1\[avg-of-(\d+)\]$/.exec(name)?.[1] ?? 0)
      const own = { ...common, ...Object.fromEntries(percentages), ...(k < 2 ? {} : this.#statistics(k)) }
      const rates = this.#judges.get(name)?.rates
      return [name, rates === undefined ? own : { ...own, ...rates }] as const
    })
    return Object.fromEntries(aggregations)
  }

  #statistics(k: number): Readonly<Record<string, ScoreStatistics>> {
    const entries = [...this.#spreads].flatMap(([metric, spread]) => {
      const at = spread.at(k)
      if (at === null) return []
      const statistics = {
        avg: at.mean,
        std_dev_across_runs: at.acrossRuns,
        avg_sample_std_dev: at.withinProblem,
        std_err_across_runs: at.standardError
      }
      return [[`${metric}_statistics`, statistics] as const]
    })
    return Object.fromEntries(entries)
  }
}

const seenAsAttempts = (
  said: ReadonlyArray<boolean | null>,
  truths: ReadonlyArray<boolean | null>
): ReadonlyArray<Attempt> =>
  said.map((answer, i) => ({ answer: answer === null ? null : answer ? "yes" : "no", score: answer === truths[i] }))
