// The stage that makes rows of many sources alike: canonical fields, clean text, bare answers, whole levels. It changes
// how things are written and never what they say; normalising twice changes nothing.
import { Effect, Schema } from "effect"
import type { Json } from "../Json.ts"
import { type Fields, kept, type MapStage, patched } from "../Stage.ts"
import { bareAnswer, splitFinalLine } from "../text/Answer.ts"
import { cleanText } from "../text/Clean.ts"

const flag = (description: string) =>
  Schema.Boolean.annotate({ description }).pipe(Schema.withDecodingDefaultKey(Effect.succeed(true)))

export const NormaliseParams = Schema.Struct({
  fields: flag(
    "Give fields of other names their canonical one where it is missing: question, prompt, final_answer, ..."
  ),
  quotes: flag("Write curly quotation marks, dashes, the minus sign and the ellipsis in ASCII."),
  latexSpacing: flag("Make LaTeX's horizontal spacing (\\, \\; \\! ~) one space, outside of code and figures."),
  answers: flag("Take $...$ and \\boxed{} off answers, 1,000 to 1000, and the answer out of a last line \"#### 42\"."),
  levels: flag("Write levels such as \"Level 5\" or \"5\" as whole numbers.")
})
export type NormaliseParams = typeof NormaliseParams.Type

/** Other names of the canonical fields, best first. */
const otherNames: { readonly [field: string]: ReadonlyArray<string> } = {
  problem: ["question", "prompt", "statement"],
  answer: ["final_answer", "expected_answer"],
  solution: ["rationale", "generated_solution"],
  type: ["subject"],
  level: ["difficulty"]
}
const texts = ["problem", "solution", "forum_post", "forum_discussions"]

const isMissing = (value: Json | undefined): boolean => value === undefined || value === null || value === ""

const renamed = (fields: Fields): Fields => {
  const patch: { [key: string]: Json } = {}
  for (const [field, names] of Object.entries(otherNames)) {
    // A row of a forum asks nothing yet: its other texts are no problem statements.
    if (!isMissing(fields[field]) || (field === "problem" && !isMissing(fields["forum_post"]))) continue
    const name = names.find((other) => Object.hasOwn(fields, other) && !isMissing(fields[other]))
    if (name === undefined) continue
    patch[field] = fields[name] ?? null
    patch[name] = null
  }
  return patch
}

const asText = (value: Json | undefined): Json | undefined =>
  typeof value === "number" || typeof value === "boolean" ? String(value) : value

/** "Level 5", "5.0" and 5.0 are 5; anything else is left as it is. */
const levelOf = (value: Json): Json => {
  if (typeof value !== "string") return value
  const level = /^(?:level\s*)?(\d{1,9})(?:\.0{1,9})?$/i.exec(value.trim())
  return level === null ? value : Number(level[1])
}

/** The answer in a last line of the solution, or of the answer itself where that holds the whole working. */
const finalLines = (fields: Fields): Fields => {
  const { answer, solution } = fields
  if (typeof answer === "string" && answer !== "") {
    const found = splitFinalLine(answer)
    if (found === null) return {}
    return { answer: found.answer, ...(isMissing(solution) && found.working !== "" ? { solution: found.working } : {}) }
  }
  const found = isMissing(answer) && typeof solution === "string" ? splitFinalLine(solution) : null
  return found === null ? {} : { answer: found.answer, solution: found.working === "" ? null : found.working }
}

const equal = (a: Json | undefined, b: Json | undefined): boolean =>
  a === b || (isMissing(a) && isMissing(b) && a !== "" && b !== "")

export const normalise: MapStage<NormaliseParams> = {
  kind: "map",
  name: "normalise",
  version: 1,
  cost: "cpu",
  summary: "Gives rows canonical fields, clean text, bare answers and whole levels, without changing what they say.",
  params: NormaliseParams,
  needs: [],
  prepare: (params) => (fields) => {
    let next = params.fields ? patched(fields, renamed(fields)) : fields
    const changed: { [key: string]: Json } = {}
    for (const name of texts) {
      const value = name === "forum_discussions" ? next[name] : asText(next[name])
      if (typeof value === "string") changed[name] = cleanText(value, params)
      else if (Array.isArray(value)) {
        changed[name] = value.map((part) => (typeof part === "string" ? cleanText(part, params) : part))
      }
    }
    for (const name of ["answer", "type"]) {
      const value = asText(next[name])
      if (typeof value === "string") changed[name] = cleanText(value, params)
    }
    next = patched(next, changed)
    if (params.answers) next = patched(next, finalLines(next))
    const { answer, level } = next
    if (typeof answer === "string") {
      const bare = params.answers ? bareAnswer(answer) : answer
      next = patched(next, { answer: bare === "" ? null : bare })
    }
    if (params.levels && level !== undefined) next = patched(next, { level: levelOf(level) })
    return kept(difference(fields, next))
  }
}

/** The patch that makes `after` of `before`. Arrays are compared as JSON. */
const difference = (before: Fields, after: Fields): Fields => {
  const patch: { [key: string]: Json } = {}
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, now] = [before[key], after[key]]
    if (equal(old, now)) continue
    if (Array.isArray(old) && Array.isArray(now) && JSON.stringify(old) === JSON.stringify(now)) continue
    patch[key] = now ?? null
  }
  return patch
}
