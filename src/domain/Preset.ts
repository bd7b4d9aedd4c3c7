// Presets: how the columns of well-known data sets become the canonical fields of a run. Pure; sources apply it to every row.
// A preset names, for each canonical field, the columns that may hold it, best first. What is not mapped keeps its own name.
// Column names are those of the publishers' data cards on Hugging Face (NuminaMath, OpenMathReasoning, MATH, GSM8K, AoPS-Instruct).
import { isJsonObject, type Json, type JsonObject } from "./Json.ts"
import type { Fields } from "./Stage.ts"

export interface Preset {
  readonly name: string
  /** One sentence for `--help` and the docs. */
  readonly summary: string
  /** Columns by canonical field, best first; the field's own name is tried last if it is not in the list. */
  readonly columns: { readonly [field: string]: ReadonlyArray<string> }
  /** Columns that only repeat mapped text. */
  readonly drop: ReadonlyArray<string>
  /** Whether "auto" takes this preset, by the columns (and, where they do not tell, the values) of a file's first rows. */
  readonly recognises: (columns: ReadonlySet<string>, rows: ReadonlyArray<JsonObject>) => boolean
  readonly finish?: (fields: Fields) => Fields
}

/** Canonical fields in the order in which rows carry them. All but `level` and `forum_discussions` are texts. */
const canonicalFields = [
  "id",
  "source",
  "problem",
  "answer",
  "solution",
  "type",
  "level",
  "forum_post",
  "forum_discussions"
]
const notText = new Set(["level", "forum_discussions"])

/** Tokens of replies that one forum post carries at most: the cut that OpenMathReasoning's preparation makes. */
export const repliesTokenLimit = 24_000

// Thirds of a token, so that sums stay whole numbers.
const thirdsOf = (codePoint: number): number =>
  codePoint >= 0x30 && codePoint <= 0x39
    ? 3
    : codePoint < 0x80
    ? 1
    : codePoint < 0x800
    ? 2
    : codePoint < 0x10000
    ? 3
    : 4

const thirds = (text: string): number => {
  let sum = 0
  for (const character of text) sum += thirdsOf(character.codePointAt(0) ?? 0)
  return sum
}

/**
 * Tokens of a text, estimated without a tokenizer: one for each digit (Qwen2.5 splits numbers into digits) and one for every
 * three UTF-8 bytes of the rest, rounded up. Prose has more bytes a token than that, so the estimate is rather too high.
 */
export const estimatedTokens = (text: string): number => Math.ceil(thirds(text) / 3)

/** The longest prefix of at most `limit` estimated tokens that splits no character. */
const prefixWithin = (text: string, limit: number): string => {
  let sum = 0
  let end = 0
  for (const character of text) {
    sum += thirdsOf(character.codePointAt(0) ?? 0)
    if (sum > limit * 3) break
    end += character.length
  }
  return text.slice(0, end)
}

/**
 * Replies numbered from 1 and joined ("Post 1:\n...\n\nPost 2:\n..."), whole and in order while they fit into `limit` estimated
 * tokens; the rest is left out and counted. A first reply that alone is too long is cut at the limit and ends in "[cut]".
 */
export const numberReplies = (
  replies: ReadonlyArray<string>,
  limit = repliesTokenLimit
): { readonly text: string; readonly leftOut: number } => {
  const parts: Array<string> = []
  let left = limit * 3
  for (const [index, reply] of replies.entries()) {
    const part = `${index === 0 ? "" : "\n\n"}Post ${index + 1}:\n${reply}`
    left -= thirds(part)
    if (left < 0) {
      if (index === 0) parts.push(`${prefixWithin(part, limit)}\n[cut]`)
      break
    }
    parts.push(part)
  }
  return { text: parts.join(""), leftOut: replies.length - parts.length }
}

const joinReplies = (fields: Fields): Fields => {
  const replies = fields["forum_discussions"]
  if (!Array.isArray(replies)) return fields
  const { leftOut, text } = numberReplies(replies.filter((reply): reply is string => typeof reply === "string"))
  const { forum_discussions: _, ...rest } = fields
  return { ...rest, forum_discussions: text, ...(leftOut > 0 ? { forum_replies_left_out: leftOut } : {}) }
}

const finalMark = "####"

/** GSM8K keeps working and answer in one text: `working\n#### answer`. */
const splitWorking = (fields: Fields): Fields => {
  const text = fields["answer"]
  if (typeof text !== "string" || fields["solution"] !== undefined) return fields
  const at = text.lastIndexOf(finalMark)
  if (at < 0) return fields
  const { answer: _, ...rest } = fields
  const answer = text.slice(at + finalMark.length).trim()
  const solution = text.slice(0, at).trim()
  return { ...rest, ...(answer === "" ? {} : { answer }), ...(solution === "" ? {} : { solution }) }
}

/** NuminaMath-1.5 writes "proof" and "notfound" where it has no answer. */
const withoutPlaceholders = (fields: Fields): Fields => {
  if (fields["answer"] !== "proof" && fields["answer"] !== "notfound") return fields
  const { answer: _, ...rest } = fields
  return rest
}

const all = (columns: ReadonlySet<string>, ...names: ReadonlyArray<string>) => names.every((name) => columns.has(name))
const some = (columns: ReadonlySet<string>, ...names: ReadonlyArray<string>) => names.some((name) => columns.has(name))

const idColumns = ["id", "uuid", "unique_id", "problem_id", "question_id"]

/** In the order in which "auto" tries them. */
export const presets: ReadonlyArray<Preset> = [
  {
    name: "aops-instruct",
    summary: "AoPS-Instruct: `original_question` becomes the forum post, `original_answers` its numbered replies.",
    columns: { forum_post: ["original_question"], forum_discussions: ["original_answers"] },
    drop: ["messages"],
    recognises: (columns) => all(columns, "original_question", "original_answers"),
    finish: joinReplies
  },
  {
    name: "forum",
    summary: "Forum posts: `forum_post` and `forum_discussions` (one text, or a list of replies).",
    columns: {},
    drop: [],
    recognises: (columns) => columns.has("forum_post") && !columns.has("problem"),
    finish: joinReplies
  },
  {
    name: "openmathreasoning",
    summary:
      "OpenMathReasoning: `expected_answer` is the answer, `generated_solution` the solution, `problem_source` the source.",
    columns: { answer: ["expected_answer"], solution: ["generated_solution"], source: ["problem_source"] },
    drop: [],
    recognises: (columns) =>
      all(columns, "problem", "expected_answer") &&
      some(columns, "generated_solution", "problem_source", "pass_rate_72b_tir")
  },
  {
    name: "numinamath-1.5",
    summary:
      "NuminaMath-1.5: `problem_type` is the type; the placeholder answers \"proof\" and \"notfound\" are left out.",
    columns: { id: idColumns, type: ["problem_type"] },
    drop: ["messages"],
    recognises: (columns) => all(columns, "problem", "solution", "problem_type", "question_type"),
    finish: withoutPlaceholders
  },
  {
    name: "numinamath-cot",
    summary: "NuminaMath-CoT: `source`, `problem`, `solution`; `messages`, which repeats them, is left out.",
    columns: {},
    drop: ["messages"],
    recognises: (columns) => all(columns, "source", "problem", "solution", "messages")
  },
  {
    name: "numinamath-tir",
    summary: "NuminaMath-TIR: `problem`, `solution`; `messages`, which repeats them, is left out.",
    columns: {},
    drop: ["messages"],
    recognises: (columns) => all(columns, "problem", "solution", "messages")
  },
  {
    name: "gsm8k",
    summary: "GSM8K: the text after `####` in `answer` is the answer, the working before it the solution.",
    columns: { problem: ["question"] },
    drop: [],
    recognises: (columns, rows) =>
      all(columns, "question", "answer") && rows.some((row) => String(row["answer"]).includes(finalMark)),
    finish: splitWorking
  },
  {
    name: "math",
    summary: "MATH: `subject` or `type` is the type, `level` or `difficulty` the level.",
    columns: { id: idColumns, type: ["type", "subject"], level: ["level", "difficulty"] },
    drop: [],
    recognises: (columns) =>
      columns.has("problem") && some(columns, "type", "subject") && some(columns, "level", "difficulty")
  },
  {
    name: "plain",
    summary: "Canonical names: `problem` and, where there, `answer`, `solution`, `id`, `source`, `type`, `level`.",
    columns: {},
    drop: [],
    // A lone `problem` beside an answer of another name is for "generic".
    recognises: (columns) =>
      columns.has("problem") &&
      (columns.has("answer") || !some(columns, "final_answer", "expected_answer", "target", "label"))
  },
  {
    name: "generic",
    summary:
      "Usual names: question, prompt, statement or input; final_answer, expected_answer, target or label; rationale or cot.",
    columns: {
      id: idColumns,
      source: ["source", "data_source", "problem_source"],
      problem: ["problem", "question", "prompt", "statement", "input"],
      answer: ["answer", "final_answer", "expected_answer", "target", "label"],
      solution: ["solution", "rationale", "cot"],
      type: ["type", "subject", "category"],
      level: ["level", "difficulty"]
    },
    drop: [],
    recognises: () => true
  }
]

/** By name; undefined for an unknown one. "auto" is not a preset: see `recognise`. */
export const presetNamed = (name: string): Preset | undefined => presets.find((preset) => preset.name === name)

const columnsOf = (rows: ReadonlyArray<JsonObject>): Set<string> => new Set(rows.flatMap((row) => Object.keys(row)))

/** The first preset that knows the columns of a file's first rows; "generic" when none does. */
export const recognise = (rows: ReadonlyArray<JsonObject>): Preset => {
  const columns = columnsOf(rows)
  return presets.find((preset) => preset.recognises(columns, rows)) as Preset // "generic" recognises everything
}

/** A value as text: scalars as written, a list of scalars joined by ", "; undefined for blanks, null and everything else. */
const asText = (value: Json | undefined): string | undefined => {
  if (typeof value === "string") return value.trim() === "" ? undefined : value
  if (typeof value === "number" || typeof value === "boolean") return String(value)
  if (!Array.isArray(value) || value.length === 0 || value.some((item) => item === null || typeof item === "object")) {
    return undefined
  }
  return asText(value.join(", "))
}

const asIs = (value: Json | undefined): Json | undefined => (value === null || value === "" ? undefined : value)

/**
 * The mapping of a row by a preset; `explicit` (column by field) wins over it and may name fields of its own. Null and blank
 * values are left out. Other columns keep their names unless a field has that name. Total: a row may come out without a problem.
 */
export const rowMapping = (
  preset: Preset,
  explicit: { readonly [field: string]: string } = {}
): (row: JsonObject) => Fields => {
  const names = [...canonicalFields, ...Object.keys(explicit).filter((field) => !canonicalFields.includes(field))]
  const fieldNames = new Set(names)
  const drop = new Set([...preset.drop, "__proto__"])
  const plan = names.map((field) => {
    const column = Object.hasOwn(explicit, field) ? explicit[field] : undefined
    const known = preset.columns[field] ?? []
    return {
      field,
      read: canonicalFields.includes(field) && !notText.has(field) ? asText : asIs,
      columns: column !== undefined ? [column] : known.includes(field) ? known : [...known, field]
    }
  })
  return (row) => {
    const fields: { [key: string]: Json } = {}
    const used = new Set<string>()
    for (const { columns, field, read } of plan) {
      for (const column of columns) {
        const value = Object.hasOwn(row, column) ? read(row[column]) : undefined
        if (value === undefined) continue
        fields[field] = value
        used.add(column)
        break
      }
    }
    for (const column of Object.keys(row)) {
      const value = row[column]
      if (value === null || value === undefined || used.has(column) || drop.has(column) || fieldNames.has(column)) {
        continue
      }
      fields[column] = value
    }
    return preset.finish === undefined ? fields : preset.finish(fields)
  }
}

/** The text that makes a row a problem: the problem itself, or the forum post that problems are taken from. */
export const problemText = (fields: Fields): string | undefined => {
  const text = fields["problem"] ?? fields["forum_post"]
  return typeof text === "string" ? text : undefined
}

/** All column names of some rows, in order of first appearance, at most `limit` of them. */
export const columnNames = (rows: ReadonlyArray<JsonObject>, limit = 40): ReadonlyArray<string> =>
  [...columnsOf(rows.filter(isJsonObject))].slice(0, limit)
