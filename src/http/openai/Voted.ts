// A model asked by a strategy: a solve, whose answer is the text of the sample that stands for the vote's. The client that goes away calls it
// off; while it waits, a stream tells it how far the vote is.
import { Clock, Effect, Stream } from "effect"
import type { ActorUnavailable, KeyReused } from "../../actors/Committer.ts"
import { patiently } from "../../actors/DurableActor.ts"
import { Solves } from "../../actors/Solves.ts"
import type { By } from "../../domain/Commit.ts"
import { isOver, type SolveSpec, type SolveState, type SolveTaken, type SolveUnknown } from "../../domain/Solve.ts"
import { aside, type Choice, chunk, completion, type Head, progressOf, resultOf } from "./Answers.ts"
import { SolveCancelled, SolveFailed, SolveUnanswered } from "./Errors.ts"
import type { Send } from "./EventStream.ts"

export interface Asked {
  readonly solve: string
  readonly spec: SolveSpec
  readonly by: By
  /** For so long it is waited for, also where the process that works for it dies meanwhile. */
  readonly millis: number
}

/** A command that is not taken by then has failed; nobody waits longer for a solve to be called off. */
const startMillis = 10_000
const cancelMillis = 3_000
/** At most ten a second. */
const progressMillis = 100
/** Characters of a text in one chunk. */
const pieceCharacters = 16_384

type StartError = SolveTaken | ActorUnavailable | KeyReused

/** Runs `use` beside the solve, which is called off unless its outcome was had. */
const solving = <A, E, R>(
  { by, millis, solve, spec }: Asked,
  use: (
    solves: Solves["Service"],
    outcome: Effect.Effect<SolveState, SolveUnknown | ActorUnavailable>
  ) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | StartError, R | Solves> =>
  Effect.flatMap(Solves, (solves) => {
    let ended = false
    const outcome = Effect.tap(patiently(solves.outcome(solve), millis), () =>
      Effect.sync(() => {
        ended = true
      }))
    const call = solves.cancel(solve, "Its client went away", { by, deadlineMillis: cancelMillis }).pipe(
      Effect.timeoutOrElse({ duration: cancelMillis, orElse: () => Effect.void }),
      Effect.catch((error) => Effect.logWarning(`The solve ${solve} was not called off: ${error.message}`))
    )
    return Effect.acquireUseRelease(
      // Not to be interrupted: a start that is on its way could not be called back. One without an answer may still come.
      Effect.tapError(
        solves.start(solve, spec, { by, deadlineMillis: startMillis }),
        ({ _tag }) => (_tag === "ActorUnavailable" ? call : Effect.void)
      ),
      () => use(solves, outcome),
      () => Effect.suspend(() => (ended ? Effect.void : call))
    )
  })

/** The choice that a solve which is over amounts to. */
const concluded = Effect.fnUntraced(function*(solves: Solves["Service"], solve: string, state: SolveState) {
  if (state.status === "cancelled") return yield* new SolveCancelled({ solve, note: state.note })
  if (state.status === "failed") {
    const { message, tag } = state.error ?? { tag: "NoneWorked", message: "no reason is known" }
    return yield* new SolveFailed({ solve, tag, why: message })
  }
  // Where nobody found an answer, the first sample that ended says why.
  const named = state.sample ?? state.samples.findIndex(({ status }) => status === "done")
  const kept = named < 0 ? undefined : yield* solves.text(solve, named)
  if (kept === undefined) return yield* new SolveUnanswered({ solve })
  const { reasoning, text } = kept
  return { text, reasoning, finish: state.samples[named]?.finish ?? "stop" } satisfies Choice
})

export const answer = (head: Head, asked: Asked) =>
  solving(asked, (solves, outcome) =>
    Effect.gen(function*() {
      const state = yield* outcome
      const choice = yield* concluded(solves, asked.solve, state)
      return completion(head, [choice], state.usage, resultOf(asked.solve, state))
    }))

/** A text in pieces that cut no character. */
export const piecesOf = (text: string): ReadonlyArray<string> => {
  const pieces: Array<string> = []
  for (let at = 0; at < text.length;) {
    let end = Math.min(text.length, at + pieceCharacters)
    const last = text.charCodeAt(end - 1)
    if (end < text.length && last >= 0xd800 && last < 0xdc00) end--
    pieces.push(text.slice(at, end))
    at = end
  }
  return pieces
}

export const stream = (head: Head, asked: Asked, includeUsage: boolean, send: Send) =>
  solving(asked, (solves, outcome) =>
    Effect.gen(function*() {
      const { solve } = asked
      // The state that is told is the latest one; a watch that breaks off costs progress, not the answer.
      const telling = solves.watch(solve).pipe(
        Stream.takeUntil(isOver),
        Stream.buffer({ capacity: 1, strategy: "sliding" }),
        Stream.runForEach((state) =>
          Clock.currentTimeMillis.pipe(
            Effect.flatMap((now) => send(aside(head, { polya: progressOf(solve, state, now) }))),
            Effect.andThen(Effect.sleep(isOver(state) ? 0 : progressMillis))
          )
        )
      )
      yield* patiently(telling, asked.millis).pipe(
        Effect.catchTag(["ActorUnavailable", "SolveUnknown"], () => Effect.void)
      )
      const state = yield* outcome
      const { finish, reasoning, text } = yield* concluded(solves, solve, state)
      if (head.kind === "chat") yield* send(chunk(head, { index: 0, opens: true }))
      for (const piece of piecesOf(reasoning ?? "")) yield* send(chunk(head, { index: 0, reasoning: piece }))
      for (const piece of piecesOf(text)) yield* send(chunk(head, { index: 0, text: piece }))
      yield* send(chunk(head, { index: 0, finish }, resultOf(solve, state)))
      if (includeUsage) yield* send(aside(head, { usage: state.usage }))
    }))
