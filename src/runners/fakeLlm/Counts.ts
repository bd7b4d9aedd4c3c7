// What the scripted server was asked: numbers, and the last requests. No header is kept, so no key is.
import { hashText } from "../../domain/text/Hash.ts"
import type { Asked } from "./Asked.ts"

export interface Recent {
  readonly number: number
  readonly path: string
  readonly model: string
  readonly promptHash: string
  /** Its last characters. */
  readonly prompt: string
  readonly parameters: { readonly [name: string]: unknown }
  readonly rules: ReadonlyArray<string>
  readonly outcome: string
}

export interface Counts {
  /** Requests for samples that could be read, and what became of them: `answered`, `cancelled` by the client, or a failure's kind. */
  readonly requests: number
  readonly outcomes: { readonly [outcome: string]: number }
  /** Requests that answered or failed amid the answer; `cancelled` and `inFlight` are not among them. */
  readonly ended: number
  readonly cancelled: number
  readonly inFlight: number
  readonly mostInFlight: number
  /** Samples asked for, by the rule that answered, and tokens told. */
  readonly samples: number
  readonly rules: { readonly [rule: string]: number }
  readonly promptTokens: number
  readonly completionTokens: number
  /** The last ones, oldest first. */
  readonly recent: ReadonlyArray<Recent>
}

const kept = 100
const shownCharacters = 2_000
const maxRules = 10_001
/** A copy: a slice would hold the whole prompt. */
const endOf = (prompt: string): string =>
  prompt.length <= shownCharacters ? prompt : Buffer.from(prompt.slice(-shownCharacters)).toString()

export interface Entry {
  readonly number: number
  rules: ReadonlyArray<string>
  end: (outcome: string, tokens?: { readonly prompt: number; readonly completion: number }) => void
}

export const countsOf = () => {
  let requests = 0
  let ended = 0
  let cancelled = 0
  let inFlight = 0
  let mostInFlight = 0
  let samples = 0
  let promptTokens = 0
  let completionTokens = 0
  let epoch = 0
  let outcomes = new Map<string, number>()
  let rules = new Map<string, number>()
  let recent: Array<Omit<Recent, "number" | "rules" | "outcome"> & { readonly entry: Entry; outcome: string }> = []
  const more = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1)
  return {
    inFlight: () => inFlight,
    begin: (asked: Asked, path: string): Entry => {
      const mine = epoch
      requests++
      samples += asked.samples
      mostInFlight = Math.max(mostInFlight, ++inFlight)
      let isOver = false
      const entry: Entry = {
        number: requests,
        rules: [],
        end: (outcome, tokens) => {
          if (isOver) return
          isOver = true
          inFlight--
          // Who was asked before a reset belongs to what is forgotten.
          if (mine !== epoch) return
          if (outcome === "cancelled") cancelled++
          else ended++
          more(outcomes, outcome)
          noted.outcome = outcome
          for (const rule of entry.rules) if (rules.has(rule) || rules.size < maxRules) more(rules, rule)
          promptTokens += tokens?.prompt ?? 0
          completionTokens += tokens?.completion ?? 0
        }
      }
      const noted = {
        path,
        model: asked.model,
        promptHash: hashText(asked.prompt).toString(16).padStart(8, "0"),
        prompt: endOf(asked.prompt),
        parameters: {
          n: asked.samples,
          seed: asked.seed ?? null,
          maxTokens: asked.maxTokens ?? null,
          stop: asked.stops,
          stream: asked.stream,
          topLogprobs: asked.topLogprobs ?? null
        },
        entry,
        outcome: "in flight"
      }
      recent.push(noted)
      if (recent.length >= 2 * kept) recent = recent.slice(-kept)
      return entry
    },
    reset: () => {
      epoch++
      requests =
        ended =
        cancelled =
        samples =
        promptTokens =
        completionTokens =
          0
      mostInFlight = inFlight
      outcomes = new Map()
      rules = new Map()
      recent = []
    },
    read: (): Counts => ({
      requests,
      outcomes: Object.fromEntries(outcomes),
      ended,
      cancelled,
      inFlight,
      mostInFlight,
      samples,
      rules: Object.fromEntries(rules),
      promptTokens,
      completionTokens,
      recent: recent.slice(-kept).map(({ entry, outcome, ...noted }) => ({
        number: entry.number,
        ...noted,
        rules: entry.rules,
        outcome
      }))
    })
  }
}
