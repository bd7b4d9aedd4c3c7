// Tool-integrated reasoning over any adapter of the generation port and the sandbox: one sample, in as many calls as its programs take. The
// model writes up to the end of a block of code, the block runs in the sample's own session, its output is put behind it, and the model goes on.
// Gou et al. 2023 (ToRA), arXiv:2309.17452, section 2. docs/tools.md tells users what to expect.
import { Clock, Effect, type Scope } from "effect"
import { stopTexts } from "../domain/CodeBlocks.ts"
import { executionsNotice, outputBlock } from "../domain/CodeBlocks/Output.ts"
import {
  addUsage,
  type FinishReason,
  type GenerationRequest,
  noUsage,
  type SampleOutput,
  type SamplingParameters
} from "../domain/Generation.ts"
import { DeadlinePassed, type GenerationError } from "../domain/Generation/Errors.ts"
import { type SampleStep, seedOf } from "../domain/Solve.ts"
import { estimatedTokens, joinedFigures, type ToolBudget, type ToolStyle } from "../domain/ToolReasoning.ts"
import type { CodeSandbox } from "./CodeSandbox.ts"
import type { Generation } from "./Generation.ts"
import { type Leg, runLeg } from "./ToolReasoning/Leg.ts"
import { makePrograms, type Ran } from "./ToolReasoning/Programs.ts"
import { makeTranscript } from "./ToolReasoning/Transcript.ts"

export interface ToolSample {
  /**
   * `text`: the whole of what was written, outputs included. `usage`, `microDollars`, `attempts`: of all calls. A call that was called off
   * behind its block has estimated tokens and no figures.
   */
  readonly output: SampleOutput
  readonly steps: ReadonlyArray<SampleStep>
  /** Programs that ran. */
  readonly executions: number
}

export type ToolReasoning = (
  request: Omit<GenerationRequest, "seeds" | "deltas"> & { readonly seed: number },
  budget: ToolBudget,
  /** Told of each step as it happens. */
  told?: (step: SampleStep) => void
) => Effect.Effect<ToolSample, GenerationError, Generation | CodeSandbox | Scope.Scope>

/** Of a sample's deadline, the part that programs leave for the final answer: a fifth, at most half a minute. */
const reserveOf = (deadlineMillis: number): number => Math.min(30_000, deadlineMillis / 5)

/** Stop texts of one request that every server takes. */
const stopsEverywhere = 4
/** As many stop texts as the caller gave, and ours as far as there is room: without them a call is called off a little later. */
const withStops = (given: ReadonlyArray<string>, style: ToolStyle): ReadonlyArray<string> => [
  ...given,
  ...stopTexts(style).slice(0, Math.max(0, stopsEverywhere - given.length))
]

const notRun = "[The program was not run: no executions remain.]"
const unreadable = "[No program could be read in this call: write Python alone, or a call with the argument `code`.]"
const giveAnswer = "(No more programs are run. Give your final answer now.)"

const sampleOf = Effect.fnUntraced(function*(
  request: Parameters<ToolReasoning>[0],
  budget: ToolBudget,
  told: (step: SampleStep) => void
) {
  const { deadlineMillis, model, owner, parameters, prompt, run, seed } = request
  const since = yield* Clock.currentTimeMillis
  const until = since + deadlineMillis
  const reserve = reserveOf(deadlineMillis)
  const programs = yield* makePrograms(
    { tenant: owner, seed, untilMillis: until - reserve, givenUpMillis: until - reserve / 2 },
    budget
  )
  const transcript = makeTranscript(prompt, budget.turn)
  const legs: Array<SampleOutput> = []
  const steps: Array<SampleStep> = []
  let executions = 0
  let calls = 0
  let outputTokens = 0
  /** `told`: the model knows that nothing runs any more, and its blocks are words from now on. */
  let tools: "on" | "told" = "on"

  const step = (one: SampleStep): void => {
    steps.push(one)
    told(one)
  }
  const wrote = (text: string): void => {
    if (text.trim() !== "") step({ _tag: "Wrote", text })
  }
  const written = (): number => legs.reduce((sum, { usage }) => sum + usage.completionTokens, 0)
  /** Tokens that the next leg may write; null: no bound is set. */
  const tokensLeft = (): number | null => {
    const bounds = [
      ...(parameters.maxTokens === undefined ? [] : [parameters.maxTokens - written()]),
      ...(budget.tokens === null ? [] : [budget.tokens - written() - outputTokens])
    ]
    return bounds.length === 0 ? null : Math.min(...bounds)
  }
  const parametersOf = (left: number | null): SamplingParameters => ({
    ...parameters,
    ...(left === null ? {} : { maxTokens: Math.min(left, 1_000_000) }),
    ...(tools === "on" ? { stop: withStops(parameters.stop ?? [], budget.style) } : {})
  })

  const ask = Effect.fnUntraced(function*(left: number | null) {
    const remaining = until - (yield* Clock.currentTimeMillis)
    if (remaining <= 0) return yield* new DeadlinePassed({ model, of: "sample", millis: deadlineMillis })
    return yield* runLeg(
      {
        model,
        prompt: transcript.prompt(),
        parameters: parametersOf(left),
        owner,
        ...(run === undefined ? {} : { run }),
        deadlineMillis: remaining,
        seed: legs.length === 0 ? seed : seedOf(seed, legs.length)
      },
      tools === "on" ? budget.style : null
    )
  })
  /** A server that does not go on with a message is asked with outputs in the user's turn. */
  const askAnyhow = (left: number | null): Effect.Effect<Leg, GenerationError, Generation> =>
    Effect.catchTag(ask(left), "RequestRefused", (error) => {
      if (!transcript.canTakeTurns()) return Effect.fail(error)
      transcript.takeTurns()
      return ask(left)
    })

  const finished = Effect.fnUntraced(function*(finish: FinishReason) {
    const last = legs.at(-1)
    const output: SampleOutput = {
      text: transcript.words(),
      reasoning: transcript.thoughts(),
      finish,
      usage: legs.reduce((sum, { usage }) => addUsage(sum, usage), noUsage),
      figures: joinedFigures(legs),
      endpoint: last?.endpoint ?? "",
      queueMillis: legs.reduce((sum, { queueMillis }) => sum + queueMillis, 0),
      firstTokenMillis: legs[0]?.firstTokenMillis ?? null,
      millis: (yield* Clock.currentTimeMillis) - since,
      attempts: legs.reduce((sum, { attempts }) => sum + attempts, 0),
      microDollars: legs.reduce((sum, { microDollars }) => sum + microDollars, 0)
    }
    return { output, steps, executions } satisfies ToolSample
  })

  const resultOf = Effect.fnUntraced(function*(code: string | null) {
    const nothing = { status: "refused", millis: 0, isOver: false } as const
    if (calls >= budget.calls) return { ...nothing, text: notRun, isOver: true } satisfies Ran
    calls++
    if (code === null) return { ...nothing, text: unreadable } satisfies Ran
    const ran = yield* programs.run(code)
    if (ran.status !== "refused") executions++
    return ran
  })

  while (true) {
    const left = tokensLeft()
    if (left !== null && left < 1) return yield* finished("length")
    const leg = yield* askAnyhow(left).pipe(
      // Outputs have filled the context: what is written so far is the sample.
      Effect.catchTag("ContextOverflow", (error) => legs.length === 0 ? Effect.fail(error) : Effect.succeed(null))
    )
    if (leg === null) return yield* finished("length")
    const { block, output } = leg
    legs.push(output)
    const after = tokensLeft()
    if (block === null || (after !== null && after < 1)) {
      transcript.add(output.reasoning, output.text)
      wrote(output.text)
      return yield* finished(block === null ? output.finish : "length")
    }
    const { at: { close, code, end, start, style }, of } = block
    const source = of === "text" ? output.text : output.reasoning ?? ""
    const kept = `${source.slice(0, end)}${close}`
    wrote(source.slice(0, start))
    const { isOver, millis, status, text } = yield* resultOf(code)
    if (isOver) tools = "told"
    if (isOver || calls >= budget.calls) yield* programs.close
    const shown = outputBlock(text, style, isOver ? giveAnswer : executionsNotice(budget.calls - calls))
    outputTokens += estimatedTokens(shown)
    transcript.add(of === "text" ? output.reasoning : kept, of === "text" ? kept : "", shown)
    step({ _tag: "Ran", code: code ?? source.slice(start, end), output: text, status, millis })
  }
})

/** One sample. Its session and its call end with it, however it ends. */
export const reasonWithTools: ToolReasoning = (request, budget, told = () => {}) =>
  Effect.scoped(sampleOf(request, budget, told)).pipe(Effect.withSpan("ToolReasoning.sample"))

/** The model's own words that its answer is looked for in: those after the last output, else all of them. Programs and outputs are left out. */
export const finalText = (steps: ReadonlyArray<SampleStep>): string => {
  const words = (of: ReadonlyArray<SampleStep>): string =>
    of.flatMap((step) => (step._tag === "Wrote" ? [step.text] : [])).join("\n")
  const last = words(steps.slice(steps.findLastIndex(({ _tag }) => _tag === "Ran") + 1))
  return last.trim() === "" ? words(steps) : last
}
