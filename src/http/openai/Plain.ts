// A model asked as it is: each choice is one sample of the generation port. All choices succeed or the request fails with the first error,
// and what still runs is called off. Streaming, a choice is one text: where a call is made again, its text must begin with what was sent.
import { Effect, Stream } from "effect"
import { Generation, type SampleEvent } from "../../actors/Generation.ts"
import { addUsage, type GenerationRequest, noUsage, type SampleOutput } from "../../domain/Generation.ts"
import type { GenerationError } from "../../domain/Generation/Errors.ts"
import { aside, type Choice, chunk, completion, type Head, ofSamples } from "./Answers.ts"
import { StreamDiverged } from "./Errors.ts"
import type { Send } from "./EventStream.ts"

/** One request a prompt; their samples are the choices, prompt by prompt. */
export type Requests = ReadonlyArray<Omit<GenerationRequest, "deltas">>

/** The samples of all requests as one numbering; fails with the first sample that does. */
const eventsOf = (requests: Requests, deltas: boolean) =>
  Effect.map(Generation, ({ generate }) =>
    Stream.mergeAll(
      requests.map((request, at) => {
        const offset = requests.slice(0, at).reduce((sum, { seeds }) => sum + seeds.length, 0)
        return Stream.map(generate({ ...request, deltas }), (event) => ({ ...event, sample: event.sample + offset }))
      }),
      { concurrency: "unbounded" }
    ).pipe(
      Stream.mapEffect((event): Effect.Effect<Exclude<SampleEvent, { readonly _tag: "Failed" }>, GenerationError> =>
        event._tag === "Failed" ? Effect.fail(event.error) : Effect.succeed(event)
      )
    ))

/** Every sample's output in order; a port that forgets one has a bug. */
const collected = (requests: Requests, outputs: ReadonlyMap<number, SampleOutput>) =>
  Effect.suspend(() => {
    const seeds = requests.flatMap(({ seeds }) => seeds)
    const all = seeds.flatMap((seed, at) => {
      const output = outputs.get(at)
      return output === undefined ? [] : [{ seed, output }]
    })
    return all.length === seeds.length
      ? Effect.succeed(all)
      : Effect.die("A stream of samples ended without all of them")
  })
const usageOf = (all: ReadonlyArray<{ readonly output: SampleOutput }>) =>
  all.reduce((sum, { output }) => addUsage(sum, output.usage), noUsage)

export const answer = Effect.fnUntraced(function*(head: Head, requests: Requests) {
  const outputs = new Map<number, SampleOutput>()
  yield* Stream.runForEach(yield* eventsOf(requests, false), (event) =>
    Effect.sync(() => {
      if (event._tag === "Ended") outputs.set(event.sample, event.output)
    }))
  const all = yield* collected(requests, outputs)
  const choices = all.map(({ output: { finish, reasoning, text } }): Choice => ({ finish, reasoning, text }))
  return completion(head, choices, usageOf(all), ofSamples(all))
})

/** A text that goes out in pieces. While a call is made again, `at` counts what of it has come again. */
interface Sent {
  text: string
  at: number | null
}
/** What of a piece is new; undefined: it is not what was sent. */
const fresh = (sent: Sent, piece: string): string | undefined => {
  if (sent.at === null) {
    sent.text += piece
    return piece
  }
  const known = sent.text.slice(sent.at, sent.at + piece.length)
  if (!piece.startsWith(known)) return undefined
  sent.at += piece.length
  const added = piece.slice(known.length)
  if (sent.at < sent.text.length) return ""
  sent.text += added
  sent.at = null
  return added
}
/** What is still to be sent of the whole; undefined: what was sent is another text. */
const rest = ({ at, text }: Sent, whole: string): string | undefined =>
  whole.startsWith(text) ? whole.slice(text.length) : at === null ? "" : undefined

export const stream = Effect.fnUntraced(function*(
  head: Head,
  requests: Requests,
  includeUsage: boolean,
  send: Send
) {
  const model = requests[0]?.model ?? head.model
  const count = requests.reduce((sum, { seeds }) => sum + seeds.length, 0)
  const choices = Array.from({ length: count }, () => ({
    text: { text: "", at: null } as Sent,
    reasoning: { text: "", at: null } as Sent
  }))
  const outputs = new Map<number, SampleOutput>()
  let isOpen = false
  /** The first parts of all choices come first and in order: clients keep a list of them. */
  const open = Effect.suspend(() => {
    if (isOpen) return Effect.void
    isOpen = true
    return head.kind === "text"
      ? Effect.void
      : Effect.forEach(choices, (_, index) => send(chunk(head, { index, opens: true })), { discard: true })
  })
  const more = (index: number, text: string | undefined, reasoning: string | undefined) => {
    if (text === undefined || reasoning === undefined) return Effect.fail(new StreamDiverged({ model }))
    return text === "" && reasoning === ""
      ? Effect.void
      : Effect.andThen(open, send(chunk(head, { index, text, reasoning })))
  }
  yield* Stream.runForEach(yield* eventsOf(requests, true), (event) => {
    const { sample: index } = event
    const choice = choices[index]
    if (choice === undefined) return Effect.die(`There is no sample ${index}`)
    switch (event._tag) {
      case "Started":
        return Effect.void
      case "Restarted":
        return Effect.sync(() => {
          for (const sent of [choice.text, choice.reasoning]) sent.at = sent.text === "" ? null : 0
        })
      case "Delta":
        return Effect.suspend(() =>
          more(index, fresh(choice.text, event.text), fresh(choice.reasoning, event.reasoning))
        )
      case "Ended":
        return Effect.suspend(() => {
          const { output } = event
          outputs.set(index, output)
          return more(index, rest(choice.text, output.text), rest(choice.reasoning, output.reasoning ?? "")).pipe(
            Effect.andThen(open),
            Effect.andThen(send(chunk(head, { index, finish: output.finish })))
          )
        })
    }
  })
  const all = yield* collected(requests, outputs)
  if (includeUsage) yield* send(aside(head, { usage: usageOf(all), polya: ofSamples(all) }))
})
