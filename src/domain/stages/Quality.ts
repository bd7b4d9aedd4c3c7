// The stage that drops what no model should be trained on: texts that are too short, cut off, damaged, or ask about a
// picture that is not there. Gentle: each check names what it is sure of, and real problem sets lose well under one row
// in a hundred.
import { Effect, Schema } from "effect"
import type { Json } from "../Json.ts"
import { dropped, type Fields, kept, type MapStage } from "../Stage.ts"
import {
  encodingDamage,
  externalLink,
  foreignText,
  hasSubstance,
  missingImage,
  repetition,
  truncation,
  unbalancedMathematics,
  withoutFigures
} from "../text/Defects.ts"
import { tokenise, type Tokens } from "../text/Tokens.ts"

/** The reasons, in the order in which they are looked for. */
export const qualityReasons = [
  "too-short",
  "too-long",
  "encoding-damage",
  "no-letters-or-mathematics",
  "unbalanced-mathematics",
  "truncated",
  "needs-image",
  "external-link",
  "repetitive",
  "not-english",
  "missing-answer"
] as const
export type QualityReason = typeof qualityReasons[number]

const count = (description: string, fallback: number, maximum: number) =>
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum })).annotate({ description })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(fallback)))

export const QualityParams = Schema.Struct({
  checks: Schema.Array(Schema.Literals(qualityReasons))
    .annotate({
      description: "Reasons for which rows are dropped; not-english and missing-answer are off unless named."
    })
    .pipe(Schema.withDecodingDefaultKey(
      Effect.succeed(qualityReasons.filter((reason) => reason !== "not-english" && reason !== "missing-answer"))
    )),
  minCharacters: count("Characters that a problem has at least; 0 to 1,000.", 8, 1_000),
  maxCharacters: count("Characters that a problem has at most; 0 to 1,000,000.", 20_000, 1_000_000),
  minTokens: count("Words, numbers and signs that a problem has at least; 0 to 1,000.", 3, 1_000),
  maxTokens: count("Words, numbers and signs that a problem has at most; 0 to 1,000,000.", 8_000, 1_000_000),
  maxRepetition: Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
    .annotate({
      description: "Share of the text's runs of five tokens, outside of figures, that may be repeats of others; 0 to 1."
    })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(0.6)))
})
export type QualityParams = typeof QualityParams.Type

interface Reading {
  readonly text: string
  readonly tokens: Tokens
  readonly fields: Fields
}

/** For each reason the finding that speaks for it, to be shown; null if there is none. */
const checks: { readonly [reason in QualityReason]: (reading: Reading, params: QualityParams) => Json } = {
  "too-short": ({ text, tokens }, { minCharacters, minTokens }) =>
    text.length < minCharacters || tokens.words.length < minTokens ? sizes(text, tokens) : null,
  "too-long": ({ text, tokens }, { maxCharacters, maxTokens }) =>
    text.length > maxCharacters || tokens.words.length > maxTokens ? sizes(text, tokens) : null,
  "encoding-damage": ({ text }) => encodingDamage(text),
  "no-letters-or-mathematics": ({ text }) => (hasSubstance(text) ? null : {}),
  "unbalanced-mathematics": ({ text }) => unbalancedMathematics(text),
  truncated: ({ text }) => truncation(text),
  "needs-image": ({ text }) => missingImage(text),
  "external-link": ({ text }) => externalLink(text),
  repetitive: ({ text, tokens }, { maxRepetition }) => {
    const prose = withoutFigures(text)
    const share = repetition((prose === text ? tokens : tokenise(prose)).words)
    return share > maxRepetition ? { repeated: Math.round(share * 1_000) / 1_000 } : null
  },
  "not-english": ({ text }) => (foreignText(text) ? {} : null),
  "missing-answer": ({ fields: { answer } }) =>
    answer === undefined || answer === null || (typeof answer === "string" && answer.trim() === "") ? {} : null
}

const sizes = (text: string, { words }: Tokens): Json => ({ characters: text.length, tokens: words.length })

export const quality: MapStage<QualityParams> = {
  kind: "map",
  name: "quality",
  version: 1,
  cost: "cpu",
  summary:
    "Drops problems that are too short or long, cut off, damaged, unbalanced, repetitive, or need a picture or a link.",
  params: QualityParams,
  needs: ["problem"],
  prepare: (params) => {
    const wanted = qualityReasons.filter((reason) => params.checks.includes(reason))
    return (fields) => {
      const problem = fields["problem"]
      const text = typeof problem === "string" ? problem.trim() : ""
      // A text that is too long is not read any further.
      if (text.length > params.maxCharacters && params.checks.includes("too-long")) {
        return dropped("too-long", { characters: text.length })
      }
      const reading = { text, fields, tokens: tokenise(text) }
      for (const reason of wanted) {
        const finding = checks[reason](reading, params)
        if (finding !== null) return dropped(reason, finding)
      }
      return kept()
    }
  }
}
