// One call of a sample with tools: it ends where the model ends it, or soon after a complete block of code, when the model goes on writing
// what only a run of the block can tell.
import { Clock, Effect, Stream } from "effect"
import {
  type BlockScanner,
  type CodeBlock,
  firstBlock,
  makeBlockScanner,
  outputFence
} from "../../domain/CodeBlocks.ts"
import type { GenerationRequest, SampleOutput } from "../../domain/Generation.ts"
import type { GenerationError } from "../../domain/Generation/Errors.ts"
import { estimatedTokens, type ToolStyle } from "../../domain/ToolReasoning.ts"
import { Generation, type ModelFacts } from "../Generation.ts"

export interface Leg {
  /** Text and reasoning as the model wrote them, also what comes after the block. */
  readonly output: SampleOutput
  /** The first complete block, and in which of both it stands. */
  readonly block: { readonly of: "text" | "reasoning"; readonly at: CodeBlock } | null
}

/** Characters behind a block that a call may still bring before it is called off: most models end there by themselves. */
const runOnCharacters = 64

/** The text so far, and whether the model has gone on behind a complete block. */
const makeWatch = (style: ToolStyle) => {
  let scanner: BlockScanner = makeBlockScanner(style)
  let parts: Array<string> = []
  let behind: string | null = null
  return {
    add: (part: string): boolean => {
      parts.push(part)
      if (behind !== null) behind += part
      else {
        const block = scanner.push(part)
        if (block === null) return false
        behind = parts.join("").slice(block.end)
      }
      const words = behind.trimStart()
      return behind.length > runOnCharacters || !(outputFence.startsWith(words) || words.startsWith(outputFence))
    },
    reset: () => {
      scanner = makeBlockScanner(style)
      parts = []
      behind = null
    },
    text: () => parts.join("")
  }
}

/** style null: blocks are not looked for. */
export const runLeg: (
  request: Omit<GenerationRequest, "seeds" | "deltas"> & { readonly seed: number },
  style: ToolStyle | null
) => Effect.Effect<Leg, GenerationError, Generation> = Effect.fnUntraced(function*({ seed, ...request }, style) {
  const { generate, models } = yield* Generation
  const since = yield* Clock.currentTimeMillis
  const watch = makeWatch(style ?? "auto")
  const thought: Array<string> = []
  let ended: SampleOutput | undefined
  let failed: GenerationError | undefined
  let first: number | null = null
  const now = (yield* Clock.Clock).currentTimeMillisUnsafe
  yield* Stream.runForEachWhile(
    generate({ ...request, seeds: [seed], deltas: style !== null }),
    (event) =>
      Effect.sync(() => {
        switch (event._tag) {
          case "Started":
            return true
          case "Restarted":
            watch.reset()
            thought.length = 0
            return true
          case "Delta":
            first ??= now() - since
            thought.push(event.reasoning)
            return !watch.add(event.text)
          case "Ended":
            ended = event.output
            return true
          case "Failed":
            failed = event.error
            return true
        }
      })
  )
  if (failed !== undefined) return yield* Effect.fail(failed)
  if (ended === undefined) {
    const text = watch.text()
    if (style === null || text === "") return yield* Effect.die("A stream of samples ended without its sample")
    const reasoning = thought.join("")
    const output = calledOff(request, text, reasoning, yield* models, {
      firstTokenMillis: first,
      millis: now() - since
    })
    return { output, block: blockOf(output, style) }
  }
  return { output: ended, block: style === null ? null : blockOf(ended, style) }
})

/** A block in a thought counts only where the model stopped inside of its thought; else it was a draft. */
const blockOf = ({ finish, reasoning, text }: SampleOutput, style: ToolStyle): Leg["block"] => {
  const stopped = finish === "stop" || finish === "tool"
  if (text.trim() === "" && reasoning !== null && stopped) {
    const at = firstBlock(reasoning, style, stopped)
    return at === null ? null : { of: "reasoning", at }
  }
  const at = firstBlock(text, style, stopped)
  return at === null ? null : { of: "text", at }
}

/** What is known of a call that was called off: nobody told its tokens, so they are estimated. */
const calledOff = (
  { model, prompt }: Pick<GenerationRequest, "model" | "prompt">,
  text: string,
  reasoning: string,
  models: ReadonlyArray<ModelFacts>,
  times: Pick<SampleOutput, "firstTokenMillis" | "millis">
): SampleOutput => {
  const asked = prompt._tag === "Text" ? prompt.text : prompt.messages.map(({ content }) => content).join("\n")
  const promptTokens = estimatedTokens(asked)
  const completionTokens = estimatedTokens(text + reasoning)
  const facts = models.find(({ name }) => name === model)
  return {
    text,
    reasoning: reasoning === "" ? null : reasoning,
    finish: "stop",
    usage: { promptTokens, completionTokens, estimated: true },
    figures: {},
    endpoint: facts?.endpoints.length === 1 ? facts.endpoints[0]?.name ?? model : model,
    queueMillis: 0,
    attempts: 1,
    microDollars: promptTokens * (facts?.promptPrice ?? 0) + completionTokens * (facts?.completionPrice ?? 0),
    ...times
  }
}
