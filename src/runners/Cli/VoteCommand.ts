// `polya vote`: the answer that samples agree on, for each line of a file.
import { Effect, Option, Result } from "effect"
import { Verdicts } from "../../actors/Verdicts.ts"
import type { Ballots, GivenUp, VoteResult } from "../../actors/Verdicts/Asked.ts"
import { ballotsOf, GivenBallots, sampleKeys } from "../../actors/Verdicts/Given.ts"
import type { VoteStrategy } from "../../actors/Verdicts/Strategies.ts"
import { isJsonObject, type Json, type JsonObject } from "../../domain/Json.ts"
import { type LineFailure, placesOf, workLines } from "./LineWork.ts"
import { count } from "./Say.ts"
import { checked, optionsOf, settingsOf, type VerdictFlags } from "./VerifyCommand.ts"

export interface VoteFlags extends VerdictFlags {
  readonly strategy: Option.Option<VoteStrategy>
}

/** The row with only those keys of its samples that a vote looks at: files carry more. */
const withKnownKeys = (row: JsonObject): JsonObject => {
  const { samples } = row
  if (!Array.isArray(samples)) return row
  const known = (sample: Json): Json =>
    isJsonObject(sample)
      ? Object.fromEntries(Object.entries(sample).filter(([key]) => sampleKeys.includes(key)))
      : sample
  return { ...row, samples: samples.map(known) }
}

export const voteCommand = Effect.fn("Cli.vote")(function*(flags: VoteFlags) {
  const opts = yield* optionsOf(flags.opts)
  const settings = yield* settingsOf(flags, "none")
  const places = yield* placesOf(flags)
  const strategy = Option.getOrUndefined(flags.strategy)
  yield* Effect.gen(function*() {
    const verdicts = yield* Verdicts
    yield* workLines<Ballots>({
      command: "vote",
      noun: "problem",
      ...places,
      ...settings,
      json: flags.json,
      read: (value) =>
        Result.map(checked(GivenBallots, withKnownKeys(value), ["samples", "gold", "strategy", "opts"]), (given) => {
          const ballots = ballotsOf(given)
          return {
            ...(strategy === undefined ? {} : { strategy }),
            ...ballots,
            opts: { ...opts, ...ballots.opts }
          }
        }),
      work: (all) => Effect.map(verdicts.vote(all), (results) => results.map(rowOf)),
      tally: makeTally()
    })
  }).pipe(Effect.provide(settings.workers), Effect.scoped)
})

const rowOf = (result: VoteResult | GivenUp): JsonObject | LineFailure => {
  if (result._tag === "GivenUp") return { error: "VoteGivenUp", message: result.detail }
  const { _tag, ...row } = result
  return row as unknown as JsonObject
}

const makeTally = () => {
  const counts = { decided: 0, tied: 0, unanswered: 0, correct: 0, wrong: 0 }
  return {
    add: ({ answer, correct, tie }: JsonObject) => {
      counts[answer === null ? "unanswered" : "decided"]++
      if (tie === true) counts.tied++
      if (typeof correct === "boolean") counts[correct ? "correct" : "wrong"]++
    },
    lines: () => Object.entries(counts).map(([name, n]) => [name, count(n)] as const),
    fields: (): JsonObject => counts
  }
}
