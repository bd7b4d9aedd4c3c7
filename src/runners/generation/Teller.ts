// Tells what becomes of one sample, in order. Parts come faster than some consumers take them: what does not fit into the queue is put together
// and told with the next part, so that nothing waits but the end.
import { Effect, Queue } from "effect"
import type { SampleEvent } from "../../actors/Generation.ts"
import type { WirePart } from "../openai/Wire.ts"

export interface Teller {
  /** A call goes out: the first, or another one. */
  readonly started: Effect.Effect<void>
  readonly part: (part: WirePart) => void
  /** What was told is void: the answer is another call's. */
  readonly discard: () => void
  /** Tells what is left of this text, so that the parts together are the whole. */
  readonly whole: (output: { readonly text: string; readonly reasoning: string | null }) => Effect.Effect<void>
}

/** Nobody listens. */
export const silentTeller: Teller = {
  started: Effect.void,
  part: () => {},
  discard: () => {},
  whole: () => Effect.void
}

export const makeTeller = (queue: Queue.Enqueue<SampleEvent, never>, sample: number, deltas: boolean): Teller => {
  let isStarted = false
  /** Characters told and untold since the start or the last `Restarted`. */
  let textLength = 0
  let reasoningLength = 0
  let text = ""
  let reasoning = ""
  let restart = false
  const forget = () => {
    text = reasoning = ""
    textLength = reasoningLength = 0
  }
  const discard = () => {
    restart ||= textLength > 0 || reasoningLength > 0
    forget()
  }
  const delta = (): SampleEvent => ({ _tag: "Delta", sample, text, reasoning })
  const rest = Effect.gen(function*() {
    if (restart) {
      restart = false
      yield* Queue.offer(queue, { _tag: "Restarted", sample })
    }
    if (text === "" && reasoning === "") return
    const event = delta()
    text = reasoning = ""
    yield* Queue.offer(queue, event)
  })
  return {
    started: Effect.suspend(() => {
      if (isStarted) {
        forget()
        restart = true
        return rest
      }
      isStarted = true
      return Effect.asVoid(Queue.offer(queue, { _tag: "Started", sample }))
    }),
    part: (part) => {
      if (!deltas) return
      if (part.restarted) {
        forget()
        restart = true
      }
      text += part.text
      reasoning += part.reasoning
      textLength += part.text.length
      reasoningLength += part.reasoning.length
      if (restart && Queue.offerUnsafe(queue, { _tag: "Restarted", sample })) restart = false
      if (!restart && (text !== "" || reasoning !== "") && Queue.offerUnsafe(queue, delta())) text = reasoning = ""
    },
    discard,
    whole: (output) =>
      Effect.suspend(() => {
        if (!deltas) return Effect.void
        // It came in one piece.
        if (textLength !== output.text.length || reasoningLength !== (output.reasoning ?? "").length) {
          discard()
          text = output.text
          reasoning = output.reasoning ?? ""
        }
        return rest
      })
  }
}
