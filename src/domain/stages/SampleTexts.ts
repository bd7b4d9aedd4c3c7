// The samples of a row as stages read them: model responses in the field `samples`, each a text, or an object with `text` or
// an already extracted `answer`. An answer that is none (NoAnswer.ts) does not hide the text beside it. Whatever else stands
// there is no sample.
import { isJsonObject, type Json } from "../Json.ts"
import { isNoAnswer, isPlaceholder } from "../NoAnswer.ts"

export interface SampleText {
  readonly text: string
  /** The text is an answer and nothing else. */
  readonly bare: boolean
}

/** A text of nothing but "None" is what Python writes for a missing one; "none" is what somebody says. */
const responseOf = (text: string): SampleText | null =>
  isPlaceholder(text) || text.trim() === "None" ? null : { text, bare: false }

const bareOf = (answer: Json | undefined): SampleText | null =>
  typeof answer === "string"
    ? isNoAnswer(answer) ? null : { text: answer, bare: true }
    : typeof answer === "number" && Number.isFinite(answer)
    ? { text: String(answer), bare: true }
    : null

/** At most `most` samples of a row's field; a sample of which nothing can be read is null. */
export const sampleTexts = (samples: Json | undefined, most: number): ReadonlyArray<SampleText | null> =>
  !Array.isArray(samples) ? [] : samples.slice(0, most).map((sample) => {
    if (typeof sample === "string") return responseOf(sample)
    if (!isJsonObject(sample)) return null
    const text = sample["text"]
    return bareOf(sample["answer"]) ?? (typeof text === "string" ? responseOf(text) : null)
  })
