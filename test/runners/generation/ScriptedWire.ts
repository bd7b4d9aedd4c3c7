// A wire client without a wire: each call comes to what a function says of it, in virtual time. What was called is kept.
import { Clock, Effect, Layer } from "effect"
import { WireClient } from "../../../src/runners/openai/Client.ts"
import {
  type WireDeadlines,
  type WireEndpoint,
  WireFailure,
  type WireOutput,
  type WirePart,
  type WireRequest
} from "../../../src/runners/openai/Wire.ts"

export interface WireCall {
  readonly url: string
  readonly endpoint: WireEndpoint
  readonly request: WireRequest
  readonly deadlines: WireDeadlines
  readonly atMillis: number
}
/** `nth`: which call of that URL it is, from 1. */
export type WireScript = (
  call: WireCall,
  nth: number,
  part: (part: WirePart) => void
) => Effect.Effect<WireOutput, WireFailure>

export const wireOutput = (text: string, more: Partial<WireOutput> = {}): WireOutput => ({
  text,
  reasoning: null,
  finish: "stop",
  usage: { promptTokens: 10, completionTokens: 5 },
  figures: {},
  firstTokenMillis: null,
  millis: 0,
  status: 200,
  ...more
})

export const wireFailure = (failing: WireFailure["class"], more: Partial<WireFailure> = {}): WireFailure =>
  new WireFailure({
    class: failing,
    status: null,
    detail: `scripted ${failing}`,
    retryAfterMillis: null,
    deadline: null,
    overflow: null,
    usage: { promptTokens: 0, completionTokens: 0 },
    firstTokenMillis: null,
    millis: 0,
    ...more
  })

/** An answer: its words come from `firstMillis` on, the whole at `millis`. */
export const answers = (
  text: string,
  part: (part: WirePart) => void = () => {},
  { firstMillis = 0, millis = firstMillis }: { readonly firstMillis?: number; readonly millis?: number } = {}
): Effect.Effect<WireOutput> =>
  Effect.gen(function*() {
    if (firstMillis > 0) yield* Effect.sleep(firstMillis)
    const pieces = text.match(/\s*\S+/g) ?? []
    pieces.forEach((piece, at) => part({ text: piece, reasoning: "", restarted: false, tokens: at + 1 }))
    if (millis > firstMillis) yield* Effect.sleep(millis - firstMillis)
    return wireOutput(text, { firstTokenMillis: firstMillis, millis })
  })

export const fails = (
  failing: WireFailure["class"],
  more: Partial<WireFailure> = {}
): Effect.Effect<never, WireFailure> => Effect.fail(wireFailure(failing, more))

export const makeWire = (script: WireScript) => {
  const calls: Array<WireCall> = []
  const counts = new Map<string, number>()
  let running = 0
  let mostRunning = 0
  let interrupted = 0
  const service = WireClient.of({
    call: (endpoint, request, deadlines, onPart = () => {}) =>
      Effect.gen(function*() {
        const call = { url: endpoint.url, endpoint, request, deadlines, atMillis: yield* Clock.currentTimeMillis }
        calls.push(call)
        const nth = (counts.get(endpoint.url) ?? 0) + 1
        counts.set(endpoint.url, nth)
        mostRunning = Math.max(mostRunning, ++running)
        return yield* script(call, nth, onPart).pipe(
          Effect.onInterrupt(() => Effect.sync(() => void interrupted++)),
          Effect.ensuring(Effect.sync(() => void running--))
        )
      })
  })
  return {
    layer: Layer.succeed(WireClient, service),
    calls: calls as ReadonlyArray<WireCall>,
    running: () => running,
    mostRunning: () => mostRunning,
    interrupted: () => interrupted
  }
}
