// Votes by strategy, and the confidence of traces. Equal answers pool, whatever their spelling.
import { sameAnswer } from "../../src/domain/Verify.ts"
import { addSamples, emptyVote, type TiePolicy, voteResult, type VoteSample } from "../../src/domain/Vote.ts"
import { tokenConfidences, traceConfidence, windowMeans } from "../../src/domain/Vote/TraceConfidence.ts"
import { keepConfident, type VoteRule } from "../../src/domain/Vote/VoteRule.ts"
import { conformance } from "./Conformance.ts"

interface Candidate {
  readonly answer: string | null
  readonly mean_logprob?: number | null
  readonly mean_entropy?: number | null
  readonly confidence?: number | null
  readonly score?: number | null
  readonly verify?: number | null
  readonly weight?: number | null
}
interface Row {
  readonly strategy: string
  readonly candidates: ReadonlyArray<Candidate>
  readonly tie_policy?: string
  readonly floor?: number
  readonly lambda?: number
  readonly p?: number
  readonly eta?: number
  readonly window?: number
  readonly top_logprobs?: ReadonlyArray<ReadonlyArray<number>>
  readonly expected: Readonly<Record<string, unknown>>
}

const figure = (value: unknown): number =>
  typeof value === "object" && value !== null && "f64" in value ? Number(value.f64) : Number(value)
const close = (a: unknown, b: unknown): boolean => Math.abs(figure(a) - figure(b)) <= 1e-12
const record = (value: unknown): Readonly<Record<string, unknown>> => Object(value)

const rules: ReadonlyArray<readonly [prefix: string, rule: (row: Row) => VoteRule]> = [
  ["majority", () => ({ _tag: "Majority" })],
  ["weighted: sum of exp(mean token logprob)", () => ({ _tag: "LogprobWeighted", absentWeight: 1 })],
  ["weighted: sum of 1/max(entropy,floor)", ({ floor = 0.3 }) => ({ _tag: "EntropyWeighted", floor, absentWeight: 1 })],
  ["S(a)*(1+lambda*verify(a))", ({ lambda = 0 }) => ({ _tag: "VerifierWeighted", lambda })],
  ["Borda vote by confidence rank", ({ p = 1 }) => ({ _tag: "Borda", power: p })],
  ["keep traces with confidence >= percentile", ({ eta = 1 }) => ({ _tag: "ConfidenceWeighted", keep: eta })]
]

const sampleOf = (candidate: Candidate): VoteSample => {
  const figures = {
    logprobMean: candidate.mean_logprob,
    entropyMean: candidate.mean_entropy,
    confidence: candidate.confidence,
    weight: candidate.weight ?? candidate.score,
    verified: candidate.verify
  }
  return {
    answer: candidate.answer,
    ...Object.fromEntries(Object.entries(figures).filter(([, value]) => value != null))
  }
}

/** The policy by its words: "first_seen", "higher mean logprob", "none". */
const policies: ReadonlyArray<readonly [words: RegExp, policy: TiePolicy]> = [
  [/first/, "first_seen"],
  [/log_?prob/, "mean_logprob"],
  [/none|null/, "none"]
]

const checkVote = (row: Row, rule: VoteRule): string | null => {
  const policy = policies.find(([words]) => words.test(row.tie_policy ?? "first_seen"))?.[1]
  if (policy === undefined) return `unknown tie policy ${row.tie_policy}`
  const result = voteResult(addSamples(emptyVote(rule, policy), row.candidates.map(sampleOf), sameAnswer))
  const weights = new Map(result.groups.map(({ answer, weight }) => [answer, weight]))
  const votes = new Map(result.groups.map(({ answer, votes }) => [answer, votes]))
  for (const [key, expected] of Object.entries(row.expected)) {
    const table = key === "votes" ? votes : weights
    switch (key) {
      case "answer":
        if (result.answer !== expected) return `answer ${result.answer}`
        break
      case "votes":
      case "weights":
      case "scores": {
        for (const [answer, value] of Object.entries(record(expected))) {
          if (!close(table.get(answer), value)) return `${key} of ${answer}: ${table.get(answer)}`
        }
        const others = [...table].filter(([answer, value]) => value !== 0 && !Object.hasOwn(record(expected), answer))
        if (others.length > 0) return `${key} has ${others.join(" ")} more`
        break
      }
      case "valid":
        if (result.answered !== expected) return `${result.answered} valid`
        break
      case "tie":
        if (JSON.stringify(result.tie) !== JSON.stringify(expected)) return `tie ${result.tie.join()}`
        break
      case "threshold":
      case "kept": {
        const filtered = keepConfident(row.candidates.map(({ confidence }) => confidence ?? 0), row.eta ?? 1)
        const kept = [...filtered.kept.keys()].filter((i) => filtered.kept[i])
        if (key === "threshold" && !close(filtered.threshold, expected)) return `threshold ${filtered.threshold}`
        if (key === "kept" && JSON.stringify(kept) !== JSON.stringify(expected)) return `kept ${kept.join()}`
        break
      }
      default:
        return `nothing is known of expected.${key}`
    }
  }
  return null
}

const checkTrace = (row: Row): string | null => {
  const confidences = tokenConfidences(row.top_logprobs ?? [])
  const window = row.window ?? 2048
  for (const [key, expected] of Object.entries(row.expected)) {
    const tail = Number(/^tail_(\d+)$/.exec(key)?.[1] ?? 2048)
    const bottomPercent = Number(/^bottom_(\d+)pct$/.exec(key)?.[1] ?? 10)
    const trace = traceConfidence(confidences, { window, tail, bottomPercent })
    const mine = key === "token_confidence"
      ? confidences
      : key === "window_means"
      ? [...windowMeans(confidences, window)]
      : key === "mean"
      ? trace?.mean
      : key === "lowest_window"
      ? trace?.lowestWindow
      : key.startsWith("tail_")
      ? trace?.tail
      : key.startsWith("bottom_")
      ? trace?.bottomWindows
      : "unknown"
    if (mine === "unknown") return `nothing is known of expected.${key}`
    const holds = Array.isArray(expected) && Array.isArray(mine)
      ? expected.length === mine.length && expected.every((value, i) => close(value, mine[i]))
      : close(expected, mine)
    if (!holds) return `${key}: ${JSON.stringify(mine)}`
  }
  return null
}

conformance<Row>("voting", "every vote, weight and threshold holds", {
  check: (row) => {
    if (row.strategy.startsWith("deepconf metrics")) return checkTrace(row)
    const rule = rules.find(([prefix]) => row.strategy.startsWith(prefix))
    if (rule === undefined) throw new Error(`unknown strategy ${row.strategy}`)
    return checkVote(row, rule[1](row))
  }
})
