// Samples of many problems replayed through a law of early stopping, beside a vote over all of them: what the law saves, and what it costs in
// right answers. Answers are numbers of their classes; the right one is 0.
import { pairedDifference } from "../../src/domain/Statistics/PairedTests.ts"
import { emptyStopping, endSample, leadingAnswer } from "../../src/domain/Stopping.ts"
import type { StopRule } from "../../src/domain/Stopping/StopRule.ts"
import { parseStrategy } from "../../src/domain/Strategy.ts"
import { mix } from "../../src/domain/text/Hash.ts"

/** The classes of a problem's answers in the order of its samples; null: no answer. */
export type Sampled = ReadonlyArray<number | null>

const same = (a: string, b: string): boolean => a === b

/** What `polya` does where nobody says otherwise. */
export const defaultLaw = (samples: number): ReadonlyArray<StopRule> => {
  const parsed = parseStrategy(`majority-${samples}`)
  if (parsed._tag === "Failure") throw new Error(parsed.failure)
  return parsed.success.stop
}

const answered = (law: ReadonlyArray<StopRule>, samples: Sampled) => {
  let stopping = emptyStopping(law, samples.length)
  for (const one of samples) {
    stopping = endSample(stopping, { _tag: "Finished", answer: one === null ? null : String(one) }, same)
    if (stopping.stop !== null) break
  }
  const answer = stopping.stop?.answer ?? leadingAnswer(stopping)
  return { ended: stopping.finished.length, right: answer === "0" }
}

export interface Replayed {
  readonly problems: number
  readonly samples: number
  /** Shares of all samples that were never waited for, and that were never begun with so many under way at once. */
  readonly saved: number
  readonly savedInFlight: number
  /** Shares of right votes with the law and over all samples; their paired difference with its 95 % interval. */
  readonly accuracy: number
  readonly full: number
  readonly difference: { readonly mean: number; readonly low: number; readonly high: number }
}

export const replay = (all: ReadonlyArray<Sampled>, law: ReadonlyArray<StopRule>, inFlight: number): Replayed => {
  let [planned, ended, begun] = [0, 0, 0]
  const [stopped, full]: [Array<number>, Array<number>] = [[], []]
  for (const samples of all) {
    const early = answered(law, samples)
    planned += samples.length
    ended += early.ended
    begun += Math.min(samples.length, early.ended + inFlight - 1)
    stopped.push(Number(early.right))
    full.push(Number(answered([], samples).right))
  }
  const mean = (values: ReadonlyArray<number>) => values.reduce((a, b) => a + b, 0) / values.length
  return {
    problems: all.length,
    samples: planned,
    saved: 1 - ended / planned,
    savedInFlight: 1 - begun / planned,
    accuracy: mean(stopped),
    full: mean(full),
    difference: pairedDifference(stopped, full) ?? { mean: 0, low: 0, high: 0 }
  }
}

const uniform = (seed: number): () => number => {
  let state = mix(seed)
  return () => {
    state = (state + 0x9e3779b9) | 0
    return mix(state) / 0x1_0000_0000
  }
}

/**
 * A model of models: each problem has a share of right samples, many easy and many hard ones (a U-shaped Beta(0.6, 0.6) by Jöhnk), wrong samples
 * spread over twenty answers by Zipf's law, whose largest is the same misreading each time, and one in twenty has no answer.
 */
export const seededModel = (problems: number, samples: number, seed: number): ReadonlyArray<Sampled> => {
  const next = uniform(seed)
  const zipf = Array.from({ length: 20 }, (_, rank) => 1 / (rank + 1))
  const total = zipf.reduce((a, b) => a + b, 0)
  const skill = (): number => {
    while (true) {
      const [x, y] = [next() ** (1 / 0.6), next() ** (1 / 0.6)]
      if (x + y > 0 && x + y <= 1) return x / (x + y)
    }
  }
  return Array.from({ length: problems }, () => {
    const right = skill()
    return Array.from({ length: samples }, () => {
      if (next() < 0.05) return null
      if (next() < right) return 0
      let left = next() * total
      for (const [rank, weight] of zipf.entries()) {
        left -= weight
        if (left < 0) return rank + 1
      }
      return zipf.length
    })
  })
}

/** `samples` of each problem, drawn with replacement from those that are recorded. */
export const redrawn = (recorded: ReadonlyArray<Sampled>, samples: number, seed: number): ReadonlyArray<Sampled> => {
  const next = uniform(seed)
  return recorded.map((own) => Array.from({ length: samples }, () => own[Math.floor(next() * own.length)] ?? null))
}
