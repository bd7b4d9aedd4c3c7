// The ladder that measures how hard a problem is: rungs of models and budgets from weak to strong, tried from below until
// one solves it. A pure state machine: `ladderNext` says what to try, `ladderFed` takes what came of it. Every rung has a
// limit of tries and so has every run of a ladder; a rung that is decided, passed or hopeless gets no more of them.
import { type Interval, normalQuantile95, wilsonInterval } from "./Statistics.ts"
import { finite, whole } from "./Statistics/Range.ts"

/** One rung. */
export interface Rung {
  /** Its place on the ladder, a whole number >= 0; higher is stronger. */
  readonly level: number
  /** Tokens that one try may generate; at least 1. */
  readonly tokens: number
  /** Seconds that running one try's code may take; above 0. */
  readonly seconds: number
  /** Tries before anything but a pass or a failure that cannot be mended decides; at least 1. */
  readonly minTries: number
  /** Tries at most; `minTries` to 10,000. */
  readonly maxTries: number
}

/**
 * When a rung counts as having solved the problem. `any-pass`: at its first pass. `pass-rate`: when its pass rate is at least
 * `atLeast`; tries go on while the Wilson interval of the rate has `atLeast` inside, to `maxTries`, where the
 * rate itself decides.
 */
export type SolvedRule =
  | { readonly _tag: "any-pass" }
  | { readonly _tag: "pass-rate"; /** In (0, 1]. */ readonly atLeast: number }

export interface LadderPolicy {
  /** In ascending order of level; 1 to 100. */
  readonly rungs: ReadonlyArray<Rung>
  readonly solved: SolvedRule
  /** A rung is given up once the upper end of the interval of its pass rate is below this; in [0, 1], 0: never. */
  readonly hopelessBelow: number
  /** Half-width of the intervals in standard deviations; above 0. 1.96 for 95 %. */
  readonly z: number
  /** Rungs outside of these levels are not tried. */
  readonly lowestLevel: number
  readonly highestLevel: number
  /** Whether a rung that failed in an earlier run is tried again; a rung that passed never is. */
  readonly retryFailed: boolean
  /** Tries of one rung that may be lost to errors that say nothing about the problem; 0 to 1,000. */
  readonly maxErrors: number
  /** Tokens that all tries together may take; a try starts only if its own limit still fits. */
  readonly maxTokens: number
}

export const ladderPolicy = (
  rungs: ReadonlyArray<Rung>,
  choices: Partial<Omit<LadderPolicy, "rungs">> = {}
): LadderPolicy => {
  const policy: LadderPolicy = {
    rungs,
    solved: { _tag: "any-pass" },
    hopelessBelow: 0,
    z: normalQuantile95,
    lowestLevel: 0,
    highestLevel: Number.MAX_SAFE_INTEGER,
    retryFailed: false,
    maxErrors: 3,
    maxTokens: Number.MAX_SAFE_INTEGER,
    ...choices
  }
  whole("rungs", rungs.length, 1, 100)
  for (const [i, rung] of rungs.entries()) {
    whole("level", rung.level, i === 0 ? 0 : (rungs[i - 1]?.level ?? 0) + 1)
    whole("tokens", rung.tokens, 1)
    finite("seconds", rung.seconds, Number.MIN_VALUE)
    whole("minTries", rung.minTries, 1, 10_000)
    whole("maxTries", rung.maxTries, rung.minTries, 10_000)
  }
  if (policy.solved._tag === "pass-rate") finite("atLeast", policy.solved.atLeast, Number.MIN_VALUE, 1)
  finite("hopelessBelow", policy.hopelessBelow, 0, 1)
  finite("z", policy.z, Number.MIN_VALUE, 1e6)
  whole("maxErrors", policy.maxErrors, 0, 1_000)
  whole("maxTokens", policy.maxTokens, 0)
  return policy
}

/** What is known of one rung. */
export interface RungRecord {
  readonly level: number
  /** Tries that came to an end. */
  readonly attempts: number
  readonly passes: number
  readonly errors: number
  /** Of the pass rate; [0, 1] without a try. */
  readonly interval: Interval
  /** `undecided`: tries, tokens or patience with errors ran out before the rule could be sure. */
  readonly state: "open" | "solved" | "unsolved" | "undecided"
}

export interface LadderState {
  readonly policy: LadderPolicy
  /** In the order of the policy's rungs. */
  readonly records: ReadonlyArray<RungRecord>
  readonly tokens: number
  /** The rung that tries go to; the number of rungs when there is none left. */
  readonly at: number
  readonly stop: LadderStop | null
}

/** `solved`: a rung solved it. `top`: no rung did. `tokens`: no try fits into what is left. */
export type LadderStop = "solved" | "top" | "tokens"

export interface LadderResult {
  /** Of the lowest rung that solved the problem; null when none did. */
  readonly level: number | null
  readonly stop: LadderStop
  /** Of the rung that solved it, else of the highest one that was tried; [0, 1] and 0 when none was. */
  readonly attempts: number
  readonly passes: number
  readonly interval: Interval
  /** The highest level that was tried: an unsolved problem is known to be harder than this. */
  readonly highestTried: number | null
  /** Some rung below the result was left undecided: the level may be too high. */
  readonly isCertain: boolean
  readonly rungs: ReadonlyArray<RungRecord>
  readonly tokens: number
}

export type LadderStep =
  /** `attempt` counts from 0 on this rung, errors included, and serves as the seed. */
  | { readonly _tag: "Try"; readonly rung: Rung; readonly attempt: number }
  | { readonly _tag: "Finished"; readonly result: LadderResult }

/** What an earlier run knows: rungs of other levels than the policy's are ignored. */
export interface EarlierRung {
  readonly level: number
  readonly attempts: number
  readonly passes: number
}

const noTry: Interval = { low: 0, high: 1 }

/** Whether a rung is decided, by its rule and its limits. */
const stateOf = (record: RungRecord, rung: Rung, policy: LadderPolicy): RungRecord["state"] => {
  const { attempts, interval, passes } = record
  const isHopeless = attempts >= rung.minTries && interval.high < policy.hopelessBelow
  if (policy.solved._tag === "any-pass") {
    if (passes > 0) return "solved"
    if (attempts >= rung.maxTries || isHopeless) return "unsolved"
  } else {
    const { atLeast } = policy.solved
    // An earlier run may have tried more often than this policy allows: then the rate over all of its tries decides.
    const tries = Math.max(rung.maxTries, attempts)
    const left = tries - attempts
    // A count compared with a share of a count: the factor keeps 0.1 * 30 from being above 3.
    const needed = atLeast * tries * (1 - 4 * Number.EPSILON)
    if (passes > 0 && passes >= needed) return "solved"
    if (left <= 0 || passes + left < needed) return "unsolved"
    if (attempts >= rung.minTries) {
      if (passes > 0 && interval.low >= atLeast) return "solved"
      if (interval.high < atLeast || isHopeless) return "unsolved"
    }
  }
  return record.errors > policy.maxErrors ? "undecided" : "open"
}

/** The state with `at` on the next rung that may be tried, or stopped. */
const settled = (state: LadderState): LadderState => {
  const { policy, records } = state
  for (let at = state.at; at < records.length; at++) {
    const record = records[at]
    const rung = policy.rungs[at]
    if (record === undefined || rung === undefined) break
    if (record.state === "solved") return { ...state, at, stop: "solved" }
    if (record.state !== "open" || rung.level < policy.lowestLevel || rung.level > policy.highestLevel) continue
    return { ...state, at, stop: state.tokens + rung.tokens > policy.maxTokens ? "tokens" : null }
  }
  return { ...state, at: records.length, stop: "top" }
}

const isCount = (value: number, most: number): boolean => Number.isSafeInteger(value) && value >= 0 && value <= most

/**
 * The ladder before its first try, with what earlier runs know. A rung that passed before has solved the problem; one that
 * failed is passed over, unless `retryFailed`. Entries whose numbers make no sense are ignored.
 */
export const ladderStart = (policy: LadderPolicy, earlier: ReadonlyArray<EarlierRung> = []): LadderState => {
  const records = policy.rungs.map((rung): RungRecord => {
    const known = earlier.find(({ attempts, level, passes }) =>
      level === rung.level && isCount(attempts, 1e9) && attempts > 0 && isCount(passes, attempts)
    )
    const nothing: RungRecord = { level: rung.level, attempts: 0, passes: 0, errors: 0, interval: noTry, state: "open" }
    if (known === undefined || (known.passes === 0 && policy.retryFailed)) return nothing
    const { attempts, passes } = known
    const record = { ...nothing, attempts, passes, interval: wilsonInterval(passes, attempts, policy.z) }
    const state = stateOf(record, rung, policy)
    // What failed before is not taken up again in the middle.
    return { ...record, state: state === "open" ? (passes === 0 ? "unsolved" : "undecided") : state }
  })
  return settled({ policy, records, tokens: 0, at: 0, stop: null })
}

/** What came of a try. `error`: it says nothing about the problem (a lost model, a full disk). */
export interface TryOutcome {
  readonly outcome: "pass" | "fail" | "error"
  /** Tokens that it took; what is no whole number >= 0 counts as the rung's limit. */
  readonly tokens: number
}

/** The ladder after the try that `ladderNext` asked for; a finished ladder stays as it is. */
export const ladderFed = (state: LadderState, { outcome, tokens }: TryOutcome): LadderState => {
  const rung = rungOf(state)
  const record = state.records[state.at]
  if (state.stop !== null || rung === undefined || record === undefined) return state
  const isError = outcome === "error"
  const attempts = record.attempts + (isError ? 0 : 1)
  const passes = record.passes + (outcome === "pass" ? 1 : 0)
  const next = {
    ...record,
    attempts,
    passes,
    errors: record.errors + (isError ? 1 : 0),
    interval: wilsonInterval(passes, attempts, state.policy.z)
  }
  const records = state.records.with(state.at, { ...next, state: stateOf(next, rung, state.policy) })
  const taken = isCount(tokens, Number.MAX_SAFE_INTEGER) ? tokens : rung.tokens
  return settled({ ...state, records, tokens: Math.min(Number.MAX_SAFE_INTEGER, state.tokens + taken) })
}

const rungOf = ({ at, policy }: LadderState): Rung | undefined => policy.rungs[at]

const resultOf = ({ at, records, stop, tokens }: LadderState): LadderResult => {
  const tried = records.filter((record) => record.attempts > 0)
  const solved = stop === "solved" ? records[at] : undefined
  const last = solved ?? tried.at(-1)
  return {
    level: solved?.level ?? null,
    stop: stop ?? "top",
    attempts: last?.attempts ?? 0,
    passes: last?.passes ?? 0,
    interval: last?.interval ?? noTry,
    highestTried: tried.at(-1)?.level ?? null,
    isCertain: !records.slice(0, at).some((record) => record.state === "undecided") && stop !== "tokens",
    rungs: records,
    tokens
  }
}

/** What to do next. Asking twice gives the same. */
export const ladderNext = (state: LadderState): LadderStep => {
  const rung = rungOf(state)
  const record = state.records[state.at]
  return state.stop !== null || rung === undefined || record === undefined
    ? { _tag: "Finished", result: resultOf(state) }
    : { _tag: "Try", rung, attempt: record.attempts + record.errors }
}
