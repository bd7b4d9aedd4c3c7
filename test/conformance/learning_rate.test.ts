// Recommended learning rates by width, and schedules.
import { describe } from "@effect/vitest"
import { Schema } from "effect"
import {
  learningRateMultiplier,
  LearningRateSchedule,
  recommendedLearningRate
} from "../../src/domain/LearningRate.ts"
import { conformance } from "./Conformance.ts"
import { differs, expectNumbers, type Precise } from "./Numbers.ts"

type Row =
  & { readonly op: string }
  & (
    | { readonly hidden: number; readonly exponent: number; readonly expected: Readonly<Record<string, Precise>> }
    | { readonly schedule: string; readonly step: number; readonly total: number; readonly expected: Precise }
  )

describe("conformance", () => {
  conformance<Row>("learning_rate", "the recommended rate and the multiplier of each schedule", {
    check: (row) => {
      if ("schedule" in row && row.op === "LR multiplier") {
        const schedule = Schema.decodeUnknownSync(LearningRateSchedule)(row.schedule)
        return differs(row.schedule, learningRateMultiplier(schedule, row.step, row.total), row.expected)
      }
      if ("hidden" in row && row.op.startsWith("recommended LR")) {
        return expectNumbers(row.expected, (method) => {
          if (method !== "lora" && method !== "full") throw new Error(`unknown method ${method}`)
          return recommendedLearningRate(row.hidden, row.exponent, method)
        })
      }
      throw new Error(`unknown op ${row.op}`)
    }
  })
})
