// One attempt at one problem, as evaluation files hold it, and what it scores. The field names are those of NeMo-Skills' files, so
// that they can be read as they are.
import { Schema } from "effect"

const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(schema)

export const Prediction = Schema.Struct({
  predicted_answer: optional(Schema.NullOr(Schema.String)),
  symbolic_correct: optional(Schema.Boolean),
  /** Text of a judge; it says "Judgement: Yes" or "Judgement: No" somewhere, the last one counts. */
  judgement: optional(Schema.String),
  expected_judgement: optional(Schema.String),
  reward_model_score: optional(Schema.Finite),
  num_generated_tokens: optional(Schema.Finite),
  num_reasoning_tokens: optional(Schema.Finite),
  num_answer_tokens: optional(Schema.Finite),
  /** Seconds. */
  generation_start_time: optional(Schema.Finite),
  generation_end_time: optional(Schema.Finite),
  proof_status: optional(Schema.String),
  subset_for_metrics: optional(Schema.String)
})
export type Prediction = typeof Prediction.Type

/** What is measured: answers to problems (multiple choice too), judgements of a judge against known ones, or proofs in Lean 4. */
export const MetricsType = Schema.Literals(["math", "multichoice", "answer-judgement", "lean4"])
export type MetricsType = typeof MetricsType.Type

/** What a judge said: null when the text holds no readable judgement. Case is ignored. Linear. */
export const judgementOf = (text: string | undefined): boolean | null => {
  const marker = "Judgement:"
  const at = text?.lastIndexOf(marker) ?? -1
  if (text === undefined || at < 0) return null
  const said = text.slice(at + marker.length).trimStart().slice(0, 3).toLowerCase()
  return said === "yes" ? true : said.startsWith("no") ? false : null
}

/** An attempt as it is counted. answer: undefined where the measure knows no answers. */
export interface Scored {
  readonly answer: string | null | undefined
  readonly scores: Readonly<Record<string, boolean>>
}

/** `symbolic_correct` and `judge_correct` as far as they are known, and with both `both_correct` and `any_correct`. */
const mathScores = ({ judgement, symbolic_correct }: Prediction): Readonly<Record<string, boolean>> => {
  if (judgement === undefined) return symbolic_correct === undefined ? {} : { symbolic_correct }
  const judge_correct = judgementOf(judgement) === true
  if (symbolic_correct === undefined) return { judge_correct }
  return {
    symbolic_correct,
    judge_correct,
    both_correct: symbolic_correct && judge_correct,
    any_correct: symbolic_correct || judge_correct
  }
}

export const scored = (type: MetricsType, prediction: Prediction): Scored => {
  switch (type) {
    case "math":
    case "multichoice":
      return { answer: prediction.predicted_answer ?? null, scores: mathScores(prediction) }
    case "answer-judgement": {
      const said = judgementOf(prediction.judgement)
      const correct = said !== null && said === judgementOf(prediction.expected_judgement)
      return { answer: said === null ? null : said ? "yes" : "no", scores: { correct_judgements: correct } }
    }
    case "lean4":
      return { answer: undefined, scores: { lean4_correct: prediction.proof_status === "completed" } }
  }
}

/** The prediction scored as wrong, whatever it was: how an attempt that was too long counts. */
export const asWrong = (type: MetricsType, prediction: Prediction): Prediction => {
  switch (type) {
    case "math":
    case "multichoice":
      return {
        ...prediction,
        predicted_answer: null,
        ...(prediction.symbolic_correct === undefined ? {} : { symbolic_correct: false }),
        ...(prediction.judgement === undefined ? {} : { judgement: "Judgement: No" })
      }
    case "answer-judgement":
      return {
        ...prediction,
        judgement: judgementOf(prediction.expected_judgement) === true ? "Judgement: No" : "Judgement: Yes"
      }
    case "lean4":
      return { ...prediction, proof_status: "error" }
  }
}

const count = (value: number | undefined): number => value !== undefined && Number.isFinite(value) ? value : 0

/** Tokens of the prediction: all, and by part. Without a split all of them count as answer tokens. Absent counts as 0. */
export const tokensOf = (
  prediction: Prediction
): { readonly generated: number; readonly reasoning: number; readonly answer: number } => {
  const generated = count(prediction.num_generated_tokens)
  const reasoning = count(prediction.num_reasoning_tokens)
  const answer = count(prediction.num_answer_tokens)
  return { generated, reasoning, answer: reasoning === 0 && answer === 0 ? generated : answer }
}
