// The port to verdicts and votes: pairs of a gold answer and a model's text in, verdicts out. In a runner they are decided in worker threads
// with limits of time and memory (VerdictWorkers.ts); here is the same without threads, for tests. What the rules leave undecided may be given
// to a last resort, a port of its own.
import { Clock, Context, Duration, Effect, Layer, Schema } from "effect"
import type { Outcome, Verdict } from "../domain/Verdict.ts"
import type { Ballots, GivenUp, Pair, TimedVerdict, VoteResult } from "./Verdicts/Asked.ts"

export class Verdicts extends Context.Service<Verdicts, {
  /**
   * The verdict of each pair, in order. Never fails: a pair that outlives its limit, needs too much memory or breaks its thread is
   * `undecided` with the rule `time`, `memory` or `crash`, alone. An interruption calls off what has not begun.
   */
  readonly verify: (pairs: ReadonlyArray<Pair>) => Effect.Effect<ReadonlyArray<TimedVerdict>>
  /** The vote of each list of samples, in order; one that outlives its limit or breaks its thread is given up, alone. */
  readonly vote: (ballots: ReadonlyArray<Ballots>) => Effect.Effect<ReadonlyArray<VoteResult | GivenUp>>
}>()("polya/Verdicts") {
  /** Decides in this thread, without limits. */
  static readonly layerMemory: Layer.Layer<Verdicts, never, LastResort> = Layer.effect(
    Verdicts,
    Effect.gen(function*() {
      // Loaded here: where threads judge, this one needs no rules.
      const { verdictOf } = yield* Effect.promise(() => import("./Verdicts/Judge.ts"))
      const { voteOf } = yield* Effect.promise(() => import("./Verdicts/Count.ts"))
      const clock = yield* Clock.Clock
      const now = () => clock.currentTimeMillisUnsafe()
      return Verdicts.of({
        verify: withLastResort(
          yield* LastResort,
          (pairs) => Effect.sync(() => pairs.map((pair) => verdictOf(pair, now)))
        ),
        vote: (all) => Effect.sync(() => all.map((ballots) => voteOf(ballots)))
      })
    })
  )
}

/** The refusal that a vote was given up becomes where callers wait for it. */
export class VoteGivenUp extends Schema.TaggedError<VoteGivenUp>()("VoteGivenUp", {
  rule: Schema.Literals(["time", "memory", "crash"]),
  detail: Schema.String
}) {
  override get message() {
    return this.detail
  }
}

/**
 * Decides what the rules of the domain leave undecided, such as a computer algebra system in the sandbox. It gets the pair as it was given, since
 * options and what stands around an answer say how it is read, and the verdict with both answers.
 */
export class LastResort extends Context.Service<LastResort, {
  readonly decide: (pair: Pair, undecided: Verdict) => Effect.Effect<Outcome>
}>()("polya/LastResort") {
  /** There is none: what is undecided stays so. */
  static readonly layerNone: Layer.Layer<LastResort> = Layer.succeed(LastResort, {
    decide: () => Effect.succeed("undecided")
  })
}

/** Questions to the last resort at once. */
const maxLastResorts = 4

/** The rule of a verdict that the last resort decided. */
export const lastResortRule = "last-resort"

/** Gives what is undecided, and has both answers, to the last resort. */
export const withLastResort = (
  lastResort: LastResort["Service"],
  verify: Verdicts["Service"]["verify"]
): Verdicts["Service"]["verify"] =>
(pairs) =>
  Effect.flatMap(
    verify(pairs),
    (verdicts) =>
      verdicts.every(({ verdict }) => verdict !== "undecided") ? Effect.succeed(verdicts) : Effect.forEach(
        verdicts,
        (one, at) => {
          const pair = pairs[at]
          return pair === undefined || one.verdict !== "undecided" || one.gold === null || one.answer === null
            ? Effect.succeed(one)
            : Effect.map(
              Effect.timed(lastResort.decide(pair, one)),
              ([took, verdict]): TimedVerdict => {
                const timed = { ...one, ms: Math.round((one.ms + Duration.toMillis(took)) * 1_000) / 1_000 }
                return verdict === "undecided" ? timed : { ...timed, verdict, rule: lastResortRule }
              }
            )
        },
        { concurrency: maxLastResorts }
      )
  )
