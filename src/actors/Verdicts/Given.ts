// Pairs and samples as they come from outside, in files and requests: checked, bounded, and told in the words of their fields. Numbers are taken
// where texts are meant, since datasets have both.
import { Schema } from "effect"
import { VerifyOptions } from "../../domain/Verdict.ts"
import type { Ballot, Ballots, Pair } from "./Asked.ts"
import { voteStrategies } from "./Strategies.ts"

/** Characters of one text, at most. */
export const maxTextLength = 4_000_000
/** Characters of an id, at most. */
const maxIdLength = 1_000
/** Samples of one vote, at most. */
export const maxSamples = 4_096

const Text = Schema.String.check(Schema.isMaxLength(maxTextLength))
const Number = Schema.Finite.check(
  Schema.makeFilter((number) =>
    !globalThis.Number.isInteger(number) || globalThis.Number.isSafeInteger(number) ||
    "Expected a number of at most 15 digits; write a longer one as a text, in quotes"
  )
)
const Answer = Schema.Union([Text, Number])

/** What a caller knows a pair or a vote by; it comes back with the result. */
export const GivenId = Schema.Union([Schema.String.check(Schema.isMaxLength(maxIdLength)), Schema.Finite]).annotate({
  description: "Any name or number; it comes back with the result."
})

export const GivenPair = Schema.Struct({
  id: Schema.optionalKey(GivenId),
  gold: Answer.annotate({ description: "The right answer: bare, or a whole solution in which it is found." }),
  pred: Schema.NullOr(Answer).annotate({ description: "What a model said; null: nothing." }),
  opts: Schema.optionalKey(VerifyOptions),
  bare: Schema.optionalKey(
    Schema.Boolean.annotate({
      description: "Both are answers as they would stand in a box: nothing is looked for in them."
    })
  )
})
export type GivenPair = typeof GivenPair.Type

const Logprob = Schema.Finite.check(Schema.isLessThanOrEqualTo(0))
const Weight = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e12 }))
const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const figures = {
  logprobMean: Schema.optionalKey(
    Schema.NullOr(Logprob).annotate({ description: "Mean natural logarithm of its tokens' probabilities; at most 0." })
  ),
  weight: Schema.optionalKey(Schema.NullOr(Weight).annotate({ description: "What its vote counts." })),
  entropyMean: Schema.optionalKey(
    Schema.NullOr(Weight).annotate({ description: "Mean entropy of its tokens' distributions, in nats." })
  ),
  confidence: Schema.optionalKey(Schema.NullOr(Weight).annotate({ description: "Confidence of its trace." })),
  verified: Schema.optionalKey(
    Schema.NullOr(Share).annotate({ description: "Share of verifiers that held it to be right." })
  ),
  score: Schema.optionalKey(Schema.NullOr(Schema.Finite).annotate({ description: "Score of a reward model." }))
}
export const GivenSample = Schema.Struct({
  text: Schema.optionalKey(
    Schema.NullOr(Text).annotate({ description: "The sample's text; its answer is found in it." })
  ),
  answer: Schema.optionalKey(
    Schema.NullOr(Answer).annotate({
      description: "The sample's answer, which goes before its text; null: it has none."
    })
  ),
  ...figures
}).check(
  Schema.makeFilter((sample) => "text" in sample || "answer" in sample || "Expected a sample with a text or an answer")
)
export type GivenSample = typeof GivenSample.Type

/** The keys of a sample that are looked at. */
export const sampleKeys: ReadonlyArray<string> = ["text", "answer", ...Object.keys(figures)]

export const GivenBallots = Schema.Struct({
  id: Schema.optionalKey(GivenId),
  samples: Schema.Array(GivenSample).check(Schema.isMaxLength(maxSamples)),
  gold: Schema.optionalKey(Schema.NullOr(Answer)),
  strategy: Schema.optionalKey(Schema.Literals(voteStrategies)),
  opts: Schema.optionalKey(VerifyOptions)
})
export type GivenBallots = typeof GivenBallots.Type

const textOf = (value: string | number | null): string => value === null ? "" : String(value)

export const pairOf = ({ gold, id: _, pred, ...how }: GivenPair): Pair => ({
  gold: textOf(gold),
  pred: textOf(pred),
  ...how
})

const ballotOf = (given: GivenSample): Ballot => {
  const known = Object.entries(given).filter(([name, value]) => Object.hasOwn(figures, name) && value !== null)
  const answer = given.answer == null ? "" : textOf(given.answer)
  const said = answer.trim() === "" && given.text != null
    ? { text: given.text }
    : { answer: answer.trim() === "" ? null : answer }
  return { ...said, ...Object.fromEntries(known) }
}
export const ballotsOf = ({ gold, id: _, samples, ...how }: GivenBallots): Ballots => ({
  samples: samples.map(ballotOf),
  ...(gold == null ? {} : { gold: textOf(gold) }),
  ...how
})
