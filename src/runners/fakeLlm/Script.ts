// The words of a script: what the scripted server answers, how fast, and how it fails. Rules are looked at in order and the first that matches
// answers; every draw is seeded, so that the same script, prompt and seed give the same answer. The reference: docs/fake-llm.md.
import { Result, Schema } from "effect"
import type { Json } from "../../domain/Json.ts"
import { check, type Finding, type Path } from "../YamlDocument/Findings.ts"
import { patternOf } from "./Pattern.ts"

const between = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
const count = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const list = <S extends Schema.Constraint>(item: S, most: number) =>
  Schema.Array(item).check(Schema.isMinLength(1), Schema.isMaxLength(most))

const millis = between(0, 3_600_000)
const share = between(0, 1)
const text = Schema.String.check(Schema.isMaxLength(100_000))
const phrase = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(10_000))

/** A number, or from the first to the second. */
const Span = Schema.Union([Schema.Int, Schema.Tuple([Schema.Int, Schema.Int])])
export type Span = typeof Span.Type

/** Milliseconds: always the same, evenly between two, or log-normal about a median and cut off at `most` (default: 20 medians). */
export const Spread = Schema.Union([
  millis,
  Schema.Struct({ uniform: Schema.Tuple([millis, millis]) }),
  Schema.Struct({ median: millis, sigma: between(0, 5), most: Schema.optionalKey(millis) })
])
export type Spread = typeof Spread.Type

/** Until the first token, and between two tokens of one sample. */
export const Latency = Schema.Struct({ first: Schema.optionalKey(Spread), token: Schema.optionalKey(Spread) })
export type Latency = typeof Latency.Type

/** Whose words and shape errors have. */
export const ServerKind = Schema.Literals(["vllm", "sglang", "openai", "tensorrt-llm", "llama.cpp"])
export type ServerKind = typeof ServerKind.Type

/** What can go wrong, and what may be said about each. */
export const failureKeys = {
  "rate-limited": ["retryAfter", "retryAfterAs", "message"],
  "server-error": ["status", "message"],
  refused: ["status", "message"],
  "key-refused": ["status", "message"],
  "model-unknown": ["message"],
  overflow: ["server"],
  "reset-before": [],
  "reset-amid": ["after"],
  cut: ["after"],
  stall: ["after"],
  "slow-first": ["millis"],
  malformed: ["after"],
  "wrong-shape": [],
  html: ["status"],
  huge: ["mebibytes"],
  "error-in-stream": ["after", "status", "message"],
  "empty-choices": []
} as const satisfies { readonly [kind: string]: ReadonlyArray<string> }
export type FailureKind = keyof typeof failureKeys
const failureKinds = Object.keys(failureKeys) as ReadonlyArray<FailureKind>

export const Failure = Schema.Struct({
  kind: Schema.Literals(failureKinds),
  status: Schema.optionalKey(count(200, 599)),
  message: Schema.optionalKey(phrase),
  /** Pieces that come before; default: half of them. */
  after: Schema.optionalKey(count(0, 1_000_000)),
  /** Of `slow-first`; default 60,000. */
  millis: Schema.optionalKey(millis),
  /** Seconds; without it the server does not say. */
  retryAfter: Schema.optionalKey(between(0, 86_400)),
  retryAfterAs: Schema.optionalKey(Schema.Literals(["seconds", "date", "millis"])),
  /** Of `huge`; default 128. */
  mebibytes: Schema.optionalKey(count(1, 4_096)),
  /** Of `overflow`, in place of the script's. */
  server: Schema.optionalKey(ServerKind)
})
export type Failure = typeof Failure.Type

/** All that is said must hold. */
export const Match = Schema.Struct({
  /** The problem, but for its spaces: a row of `problems` found in the prompt, else the last message of the user. */
  problem: Schema.optionalKey(phrase),
  /** The id of the row of `problems`. */
  id: Schema.optionalKey(phrase),
  /** Is in the prompt; of a list, all are. */
  contains: Schema.optionalKey(Schema.Union([phrase, list(phrase, 32)])),
  /** Matches somewhere in the prompt; see Pattern.ts. */
  pattern: Schema.optionalKey(phrase),
  model: Schema.optionalKey(phrase),
  header: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  api: Schema.optionalKey(Schema.Literals(["chat", "completions"])),
  stream: Schema.optionalKey(Schema.Boolean),
  /** Of the samples that matched everything else said here, from 1. */
  nth: Schema.optionalKey(Span),
  /** How often this prompt was asked with this seed, from 1. */
  attempt: Schema.optionalKey(Span),
  seed: Schema.optionalKey(Span),
  /** Of all prompts, seeds and attempts. */
  share: Schema.optionalKey(share),
  /** Whether what comes last is the output of code. */
  toolOutput: Schema.optionalKey(Schema.Boolean),
  /** Outputs of code in the prompt. */
  outputs: Schema.optionalKey(Span),
  /** Is in the last of them. */
  outputHas: Schema.optionalKey(phrase)
})
export type Match = typeof Match.Type

/** Answers and their weights. */
const Answers = Schema.Record(Schema.String, between(0, 1_000_000))

/** Answers to the problems of the table. */
const Solve = Schema.Struct({
  /** Of the problems, those answered right: exactly this share of them, chosen by the seed; default 1. */
  right: Schema.optionalKey(share),
  /** Of the samples of those problems, about this share is right; default 1. A row's own `accuracy` wins. */
  accuracy: Schema.optionalKey(share),
  /** What wrong samples answer; default: near the right answer if that is an integer. */
  wrong: Schema.optionalKey(Answers)
})

export const Rule = Schema.Struct({
  name: Schema.optionalKey(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(100))),
  when: Schema.optionalKey(Match),
  /** The text, or several of which the seed picks one. */
  say: Schema.optionalKey(Schema.Union([text, list(text, 1_000)])),
  /** Texts by the number of outputs of code in the prompt; the last one from then on. */
  steps: Schema.optionalKey(list(text, 100)),
  answers: Schema.optionalKey(Answers),
  solve: Schema.optionalKey(Solve),
  /** Of several solutions in the prompt, picks a right one so often; else another. */
  select: Schema.optionalKey(share),
  /** Judges the solution in the prompt, rightly so often. */
  judge: Schema.optionalKey(share),
  reasoning: Schema.optionalKey(text),
  reasoningAs: Schema.optionalKey(Schema.Literals(["field", "tags"])),
  /** As many words come before the text. */
  words: Schema.optionalKey(count(0, 100_000)),
  /** The mean probability of the tokens written, and that of tokens of wrong answers; default 0.85 both. */
  certainty: Schema.optionalKey(between(0.05, 1)),
  wrongCertainty: Schema.optionalKey(between(0.05, 1)),
  latency: Schema.optionalKey(Latency),
  fail: Schema.optionalKey(Failure)
})
export type Rule = typeof Rule.Type

/** A failure in place of an answer, or amid it, whatever rule would answer. */
export const Fault = Schema.Struct({
  when: Schema.optionalKey(Match),
  /** Of every so many requests that match, `length` one after the other. */
  burst: Schema.optionalKey(Schema.Struct({ every: count(1, 1_000_000), length: count(1, 1_000_000) })),
  fail: Failure
})
export type Fault = typeof Fault.Type

export const ProblemRow = Schema.Struct({
  id: Schema.optionalKey(Schema.String),
  problem: phrase,
  answer: Schema.String.check(Schema.isMaxLength(10_000)),
  accuracy: Schema.optionalKey(share)
})
export type ProblemRow = typeof ProblemRow.Type

export const Script = Schema.Struct({
  seed: Schema.optionalKey(count(0, 0xffff_ffff)),
  models: Schema.optionalKey(list(phrase, 64)),
  server: Schema.optionalKey(ServerKind),
  /** Of prompt and answer together; without it everything fits. */
  contextTokens: Schema.optionalKey(count(16, 100_000_000)),
  /** The key that callers must send. */
  key: Schema.optionalKey(phrase),
  /** Requests at once; those beyond are answered with 429. */
  inFlight: Schema.optionalKey(count(1, 100_000)),
  /** Whether answers tell their tokens; default true. */
  usage: Schema.optionalKey(Schema.Boolean),
  latency: Schema.optionalKey(Latency),
  /** A file of JSON lines beside the script, or the rows themselves. */
  problems: Schema.optionalKey(Schema.Union([phrase, Schema.Array(ProblemRow).check(Schema.isMaxLength(10_000))])),
  faults: Schema.optionalKey(Schema.Array(Fault).check(Schema.isMaxLength(1_000))),
  rules: Schema.Array(Rule).check(Schema.isMaxLength(10_000))
})
export type Script = typeof Script.Type

/** A script, or everything that is wrong with it. */
export const checkScript = (value: Json): Result.Result<Script, ReadonlyArray<Finding>> => {
  const checked = check(Script, value, { path: [] })
  if (Result.isFailure(checked)) return checked
  const script = checked.success
  const found = [
    ...(script.faults ?? []).flatMap(({ fail, when }, at) => [
      ...ofMatch(when, ["faults", at, "when"]),
      ...ofFailure(fail, ["faults", at, "fail"])
    ]),
    ...script.rules.flatMap((rule, at) => [
      ...ofMatch(rule.when, ["rules", at, "when"]),
      ...(rule.fail === undefined ? [] : ofFailure(rule.fail, ["rules", at, "fail"])),
      ...ofRule(rule, script.problems !== undefined, ["rules", at])
    ])
  ]
  return found.length === 0 ? Result.succeed(script) : Result.fail(found)
}

const wrong = (path: Path, message: string, at: Finding["at"] = "value"): Finding => ({ path, at, message })

const ofMatch = (match: Match | undefined, path: Path): ReadonlyArray<Finding> => {
  if (match?.pattern === undefined) return []
  const pattern = patternOf(match.pattern)
  return Result.isFailure(pattern) ? [wrong([...path, "pattern"], pattern.failure)] : []
}

const ofFailure = (failure: Failure, path: Path): ReadonlyArray<Finding> => {
  const allowed: ReadonlyArray<string> = failureKeys[failure.kind]
  return Object.keys(failure).filter((key) => key !== "kind" && !allowed.includes(key)).map((key) =>
    wrong(
      [...path, key],
      allowed.length === 0
        ? `${failure.kind} takes nothing else`
        : `${failure.kind} takes no ${key}; it takes ${allowed.join(", ")}`,
      "key"
    )
  )
}

const ofRule = (rule: Rule, hasProblems: boolean, path: Path): ReadonlyArray<Finding> => {
  const answers = (["answers", "solve", "select", "judge"] as const).filter((key) => rule[key] !== undefined)
  const says = answers.length > 0 || [rule.say, rule.steps, rule.fail, rule.words].some((one) => one !== undefined)
  const noWeight = (answers: Rule["answers"]) =>
    answers !== undefined && !Object.values(answers).some((weight) => weight > 0)
  return [
    ...(says
      ? []
      : [wrong(path, "This rule says nothing: give say, steps, answers, solve, select, judge, words or fail", "key")]),
    ...(rule.say !== undefined && rule.steps !== undefined
      ? [wrong([...path, "steps"], "Give either say or steps", "key")]
      : []),
    ...(answers.length > 1 ? [wrong([...path, answers[1] ?? ""], `Give one of ${answers.join(", ")}`, "key")] : []),
    ...(answers[0] !== undefined && answers[0] !== "answers" && !hasProblems
      ? [wrong([...path, answers[0]], `There is nothing to ${answers[0]}: name a file in problems`, "key")]
      : []),
    ...(noWeight(rule.answers) ? [wrong([...path, "answers"], "No answer has a weight above 0")] : []),
    ...(noWeight(rule.solve?.wrong) ? [wrong([...path, "solve", "wrong"], "No answer has a weight above 0")] : [])
  ]
}
