// The stage that finds programs with their answer written into them: a model that trains on such a program learns to print, not to
// solve. It reads program fields whole and the fenced Python blocks of responses; a row without a program passes untouched. Of a
// list of responses only those that leak go; the row goes with them only if nothing is left that solves its problem.
import { Effect, Schema } from "effect"
import type { Json } from "../Json.ts"
import { type LeakKind, leakKinds, scanLeaks } from "../LeakScan.ts"
import { isNoAnswer } from "../NoAnswer.ts"
import { dropped, type Fields, kept, type MapStage } from "../Stage.ts"
import { sampleTexts } from "./SampleTexts.ts"

const names = (description: string, fallback: ReadonlyArray<string>) =>
  Schema.Array(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(64))).check(Schema.isMaxLength(16))
    .annotate({ description }).pipe(Schema.withDecodingDefaultKey(Effect.succeed(fallback)))

export const LeaksParams = Schema.Struct({
  programs: names("Fields that hold a program.", ["code"]),
  texts: names(
    "Fields that hold a response, or a list of responses, with fenced Python blocks; of a list's items, strings and their `text`.",
    ["solution", "samples"]
  ),
  answer: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(64))
    .annotate({ description: "Field that holds the answer." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed("answer"))),
  onLeak: Schema.Literals(["drop", "label"])
    .annotate({
      description:
        "drop: a row with a leak is dropped; of a list of responses those that leak are left out, and the row only if nothing else solves it. label: it is said."
    })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed("drop" as const))),
  onUncertain: Schema.Literals(["keep", "label", "drop"])
    .annotate({ description: "What is done where a program is too much work or its use of the answer is unclear." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed("keep" as const))),
  label: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(64))
    .annotate({ description: "Field that gets the label." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed("leak")))
})
export type LeaksParams = typeof LeaksParams.Type

/** The most characters of one response in which blocks are looked for. */
const responseMax = 400_000

/**
 * The fenced Python blocks of a response, joined as one program: later blocks see the names of earlier ones. Blocks that name
 * another language are left out; one that is never closed ends with the text. Empty if there is none.
 */
export const pythonBlocksOf = (response: string): string => {
  if (!response.includes("```") && !response.includes("~~~")) return ""
  const blocks: Array<string> = []
  let fence: string | null = null
  let isPython = false
  let lines: Array<string> = []
  for (const line of response.slice(0, responseMax).split("\n")) {
    const match = /^[ \t]{0,8}(`{3,16}|~{3,16})[ \t]*([\w.+-]{0,32})/.exec(line)
    if (fence === null) {
      if (match === null) continue
      fence = match[1] ?? "```"
      isPython = /^(?:py|python|python3|ipython|tool_code|sage|sympy)$/i.test(match[2] ?? "")
      lines = []
    } else if (match !== null && match[2] === "" && (match[1] ?? "").startsWith(fence)) {
      if (isPython) blocks.push(lines.join("\n"))
      fence = null
    } else lines.push(line)
  }
  if (fence !== null && isPython) blocks.push(lines.join("\n"))
  return blocks.join("\n")
}

interface Found {
  readonly field: string
  readonly kind: LeakKind
  readonly line: number
  readonly snippet: string
}

const textOf = (item: Json | undefined): string | null => {
  if (typeof item === "string") return item
  if (item === null || typeof item !== "object" || Array.isArray(item)) return null
  const inner = (item as { readonly [key: string]: Json })["text"]
  return typeof inner === "string" ? inner : null
}

/** Whether a field holds a program, a solution or a response, of a list at least one. */
const isSolved = (fields: Fields, { programs, texts }: LeaksParams): boolean =>
  ["solution", ...programs, ...texts].some((name) => {
    const value = fields[name]
    return sampleTexts(Array.isArray(value) ? value : [value ?? null], Infinity).some((sample) => sample !== null)
  })

/** The reasons under which this stage drops rows. */
export const leakReasons: ReadonlyArray<string> = leakKinds.map((kind) => `answer-leak-${kind.replaceAll("_", "-")}`)

export const leaks: MapStage<LeaksParams> = {
  kind: "map",
  name: "leaks",
  version: 3,
  cost: "cpu",
  summary: "Drops or labels programs that have the answer written into them instead of working it out.",
  params: LeaksParams,
  needs: [],
  prepare: (params) => (fields) => {
    const hasProgram = params.programs.some((name) => typeof fields[name] === "string")
    if (!hasProgram && params.texts.every((name) => fields[name] === undefined)) return kept()
    const answer = fields[params.answer]
    if (typeof answer !== "string" && typeof answer !== "number") return kept()
    if (typeof answer === "string" && isNoAnswer(answer)) return kept()
    const problem = textOf(fields["problem"]) ?? undefined
    const bad: Array<Found> = []
    const told: Array<Found> = []
    /** Whether the program is to be dropped. */
    const isBad = (field: string, code: string): boolean => {
      if (code === "") return false
      const { findings: [first], verdict } = scanLeaks({ code, answer, problem })
      if (first === undefined) return false
      const action = verdict === "leak" ? params.onLeak : params.onUncertain
      const into = action === "drop" ? bad : told
      if (action !== "keep" && into.length < 20) {
        into.push({ field, kind: first.kind, line: first.line, snippet: first.snippet })
      }
      return action === "drop"
    }
    const patch: { [key: string]: Json } = {}
    let isRowBad = false
    for (const name of params.programs) {
      const code = fields[name]
      if (typeof code === "string" && isBad(name, code)) isRowBad = true
    }
    for (const name of params.texts) {
      const value = fields[name]
      if (!Array.isArray(value)) {
        const response = textOf(value)
        if (response !== null && isBad(name, pythonBlocksOf(response))) isRowBad = true
        continue
      }
      const good = value.filter((item: Json) => {
        const response = textOf(item)
        return response === null || !isBad(name, pythonBlocksOf(response))
      })
      if (good.length < value.length) patch[name] = good
    }
    if (Object.keys(patch).length > 0 && !isSolved({ ...fields, ...patch }, params)) isRowBad = true
    if (bad.length === 0 && told.length === 0) return kept()
    const detail: Json = { findings: [...bad, ...told].map((one) => ({ ...one })) }
    if (isRowBad) return dropped(`answer-leak-${surestOf(bad).replaceAll("_", "-")}`, detail)
    if (told.length > 0) {
      const surest = surestOf(told)
      patch[params.label] = { verdict: surest === "uncertain" ? "uncertain" : "leak", kind: surest }
    }
    return kept(patch, detail)
  }
}

/** The surest kind that was found. */
const surestOf = (found: ReadonlyArray<Found>): LeakKind =>
  leakKinds.find((kind) => found.some((one) => one.kind === kind)) ?? "uncertain"
