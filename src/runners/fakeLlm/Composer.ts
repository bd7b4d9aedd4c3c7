// From a script and a request to what is said: the failure that comes in its way, and for each sample the rule that answers and its text.
import { Result } from "effect"
import type { IncomingHttpHeaders } from "node:http"
import { hashText } from "../../domain/text/Hash.ts"
import type { Asked } from "./Asked.ts"
import { fraction, mixed, weighted } from "./Draws.ts"
import { patternOf } from "./Pattern.ts"
import { talk } from "./Pieces.ts"
import { ends, type Known, plain, type Problems, type Solved, solverOf } from "./Problems.ts"
import { judged, selected } from "./Reviewer.ts"
import type { Failure, Fault, Latency, Match, Rule, Script, Span } from "./Script.ts"

export interface Told {
  /** The rule's name or number. */
  readonly rule: string
  readonly reasoning: string
  /** The reasoning is part of the text, between tags. */
  readonly tagged: boolean
  readonly text: string
  readonly certainty: number
  readonly latency: Latency
  readonly fail: Failure | undefined
  /** What its other draws hang on. */
  readonly key: number
}

export interface Composer {
  /** What the request fails with, and what each of its samples says. */
  readonly compose: (
    asked: Asked,
    headers: IncomingHttpHeaders
  ) => { readonly fault: Failure | undefined; readonly samples: ReadonlyArray<Told> }
  /** Forgets what was counted. */
  readonly reset: () => void
}

interface Seen {
  readonly asked: Asked
  readonly headers: IncomingHttpHeaders
  readonly known: Known | undefined
  readonly problem: string
  readonly sampleSeed: number
  readonly attempt: number
}
type Matches = (seen: Seen) => boolean

/** Prompts and seeds whose attempts are counted; the oldest are forgotten first. */
const maxAttempts = 200_000

export const composerOf = (script: Script, problems: Problems, seed: number): Composer => {
  const counters: Array<number> = []
  const attempts = new Map<number, number>()

  const within = (span: Span, value: number): boolean =>
    typeof span === "number" ? value === span : value >= span[0] && value <= span[1]

  const matcherOf = (match: Match = {}, salt: number, withAttempt: boolean): Matches => {
    const tests: Array<Matches> = []
    const {
      api,
      attempt,
      contains,
      header,
      id,
      model,
      nth,
      outputHas,
      outputs,
      pattern,
      problem,
      share,
      stream,
      toolOutput
    } = match
    if (api !== undefined) tests.push(({ asked }) => asked.api === api)
    if (stream !== undefined) tests.push(({ asked }) => asked.stream === stream)
    if (model !== undefined) tests.push(({ asked }) => asked.model === model)
    if (id !== undefined) tests.push(({ known }) => known?.id === id)
    if (problem !== undefined) {
      const wanted = plain(problem)
      tests.push(({ known, problem }) => (known?.problem ?? plain(problem)) === wanted)
    }
    if (toolOutput !== undefined) tests.push(({ asked }) => asked.endsInOutput === toolOutput)
    if (outputs !== undefined) tests.push(({ asked }) => within(outputs, asked.outputs.length))
    if (outputHas !== undefined) tests.push(({ asked }) => asked.outputs.at(-1)?.includes(outputHas) === true)
    for (const [name, value] of Object.entries(header ?? {})) {
      tests.push(({ headers }) => headers[name.toLowerCase()] === value)
    }
    for (const part of typeof contains === "string" ? [contains] : contains ?? []) {
      tests.push(({ asked }) => asked.prompt.includes(part))
    }
    if (pattern !== undefined) {
      const found = patternOf(pattern)
      // A script that was checked has none that is wrong.
      if (Result.isSuccess(found)) tests.push(({ asked }) => found.success(ends(asked.prompt)))
    }
    if (match.seed !== undefined) {
      const span = match.seed
      tests.push(({ sampleSeed }) => within(span, sampleSeed))
    }
    if (attempt !== undefined) tests.push((seen) => within(attempt, seen.attempt))
    if (share !== undefined) {
      tests.push((seen) =>
        fraction(mixed(seed, salt, seen.problem, seen.sampleSeed, withAttempt ? seen.attempt : 0)) < share
      )
    }
    if (nth !== undefined) {
      const counter = counters.push(0) - 1
      tests.push(() => within(nth, counters[counter] = (counters[counter] ?? 0) + 1))
    }
    return (seen) => tests.every((test) => test(seen))
  }

  const faults = (script.faults ?? []).map((fault: Fault, at) => {
    const matches = matcherOf(fault.when, mixed(10, at), true)
    const counter = counters.push(0) - 1
    return (seen: Seen): Failure | undefined => {
      if (!matches(seen)) return undefined
      if (fault.burst === undefined) return fault.fail
      const number = counters[counter] ?? 0
      counters[counter] = number + 1
      return number % fault.burst.every < fault.burst.length ? fault.fail : undefined
    }
  })

  const rules = script.rules.map((rule: Rule, at) => {
    const matches = matcherOf(rule.when, mixed(20, at), false)
    const solver = rule.solve === undefined ? undefined : solverOf(rule.solve, problems, seed)
    const tell = (seen: Seen, index: number): Told => {
      const { asked, known, problem, sampleSeed } = seen
      const key = mixed(seed, 30 + at, problem, sampleSeed)
      const solved: Solved | undefined = known === undefined ? undefined : solver?.(known, sampleSeed)
      // A prompt that shows other solutions is another draw.
      const reviewed = mixed(key, asked.prompt)
      const answer = rule.answers !== undefined
        ? weighted(rule.answers, mixed(key, 1))
        : known !== undefined && rule.select !== undefined
        ? selected(asked.prompt, known.answer, rule.select, reviewed)
        : known !== undefined && rule.judge !== undefined
        ? judged(asked.prompt, known.answer, rule.judge, reviewed)
        : solved?.answer ?? ""
      const words: { readonly [name: string]: string } = {
        answer,
        id: known?.id ?? "",
        model: asked.model,
        n: String(index + 1),
        output: asked.outputs.at(-1) ?? "",
        problem,
        seed: String(sampleSeed)
      }
      const fill = (template: string): string =>
        template.replace(placeholder, (whole, name: string) => words[name] ?? whole)
      const form = rule.select !== undefined
        ? "Choice: {answer}"
        : rule.judge !== undefined
        ? "Judgement: {answer}"
        : rule.answers !== undefined || solved !== undefined
        ? "The answer is \\boxed{{answer}}."
        : ""
      const template = rule.steps?.[Math.min(asked.outputs.length, rule.steps.length - 1)] ??
        (typeof rule.say === "string" ? rule.say : rule.say?.[Math.floor(fraction(mixed(key, 2)) * rule.say.length)]) ??
        form
      const before = rule.words === undefined ? "" : talk(rule.words)
      const text = fill(template)
      const wrong = solved?.right === false
      return {
        rule: rule.name ?? String(at + 1),
        reasoning: rule.reasoning === undefined ? "" : fill(rule.reasoning),
        tagged: rule.reasoningAs === "tags" || asked.api === "completions",
        text: before === "" || text === "" ? before + text : `${before}. ${text}`,
        certainty: (wrong ? rule.wrongCertainty : undefined) ?? rule.certainty ?? 0.85,
        latency: rule.latency ?? script.latency ?? {},
        fail: rule.fail,
        key
      }
    }
    const needsProblem = rule.solve !== undefined || rule.select !== undefined || rule.judge !== undefined
    // What knows problems says nothing about others.
    return (seen: Seen, index: number): Told | undefined =>
      (!needsProblem || seen.known !== undefined) && matches(seen) ? tell(seen, index) : undefined
  })

  const nothing = (key: number): Told => ({
    rule: "none",
    reasoning: "",
    tagged: false,
    text: "I do not know.",
    certainty: 0.5,
    latency: script.latency ?? {},
    fail: undefined,
    key
  })

  const attemptOf = ({ prompt, seed: asked }: Asked): number => {
    const key = (hashText(prompt, asked ?? -1) >>> 11) * 0x1_0000_0000 + hashText(prompt, mixed(seed, asked ?? -1))
    const attempt = (attempts.get(key) ?? 0) + 1
    if (attempt === 1 && attempts.size >= maxAttempts) {
      for (const oldest of attempts.keys()) {
        attempts.delete(oldest)
        break
      }
    }
    attempts.set(key, attempt)
    return attempt
  }

  return {
    compose: (asked, headers) => {
      const known = problems.find(asked.userTexts.join("\n"))
      const problem = known?.problem ?? lastOf(asked)
      const attempt = attemptOf(asked)
      const seenOf = (index: number): Seen => ({
        asked,
        headers,
        known,
        problem,
        // Without a seed another sample comes each time, and without a temperature always the same.
        sampleSeed: asked.greedy && asked.seed === undefined
          ? 0
          : asked.seed === undefined
          ? mixed(seed, attempt, index)
          : asked.seed + index,
        attempt
      })
      const first = seenOf(0)
      let fault: Failure | undefined
      for (const look of faults) {
        fault = look(first)
        if (fault !== undefined) break
      }
      const samples = Array.from({ length: asked.samples }, (_, index) => {
        const seen = index === 0 ? first : seenOf(index)
        for (const rule of rules) {
          const told = rule(seen, index)
          if (told !== undefined) return told
        }
        return nothing(mixed(seed, 40, problem, seen.sampleSeed))
      })
      return { fault: fault ?? samples[0]?.fail, samples }
    },
    reset: () => {
      counters.fill(0)
      attempts.clear()
    }
  }
}

const placeholder = /\{(answer|id|model|n|output|problem|seed)\}/g

/** The last thing that the user said; an output of code is none of his. */
const lastOf = ({ endsInOutput, outputs, userTexts }: Asked): string =>
  (endsInOutput && outputs.length > 0 ? userTexts.find((text) => text.trim() !== "") : userTexts.at(-1)) ?? ""
