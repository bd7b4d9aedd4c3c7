// Staleness, minimum viable groups, constant groups and dynamic sampling.
import { describe } from "@effect/vitest"
import {
  addGenerationBatch,
  type DynamicSampling,
  isFresh,
  isViable,
  keepForDynamicSampling,
  minimumViableSize,
  startDynamicSampling
} from "../../src/domain/GroupFilters.ts"
import { conformance } from "./Conformance.ts"

interface Row {
  readonly op: string
  readonly current_step: number
  readonly sampling_step: number
  readonly max_steps_off_policy: number
  readonly group_size: number
  readonly successes: number
  readonly rewards: ReadonlyArray<number>
  readonly target_groups: number
  readonly generation_batches?: ReadonlyArray<ReadonlyArray<number>>
  readonly qualifies_per_batch?: ReadonlyArray<number>
  readonly max_gen_batches: number
  readonly expected: unknown
}

const actualOf = (row: Row): Readonly<Record<string, unknown>> | boolean => {
  if (row.op.startsWith("keep when current_step - sampling_step")) {
    return isFresh(row.current_step, row.sampling_step, row.max_steps_off_policy)
  }
  if (row.op.startsWith("keep a partially failed group")) {
    return { floor: minimumViableSize(row.group_size), keep: isViable(row.group_size, row.successes) }
  }
  if (row.op === "drop groups whose rewards are all equal") return keepForDynamicSampling(row.rewards)
  if (row.op.startsWith("dynamic sampling")) {
    const qualified = row.qualifies_per_batch ??
      (row.generation_batches ?? []).map((batch) => batch.filter((group) => group === 1).length)
    const end = qualified.reduce<DynamicSampling>(
      addGenerationBatch,
      startDynamicSampling(row.target_groups, row.max_gen_batches)
    )
    return {
      batches_used: end.batchesUsed,
      kept: end.kept,
      discarded_valid: end.discardedValid,
      error: end.status === "exhausted"
    }
  }
  throw new Error(`unknown op ${row.op}`)
}

describe("conformance", () => {
  conformance<Row>("group_filters", "the same groups are kept", {
    skip: ({ expected }) => expected === null ? "a question of convention" : null,
    check: (row) => {
      const actual = actualOf(row)
      const wanted = row.expected
      if (typeof actual === "boolean") return actual === wanted ? null : `${actual} for ${String(wanted)}`
      if (typeof wanted !== "object" || wanted === null) return `${JSON.stringify(actual)} for ${String(wanted)}`
      const wrong = Object.entries(wanted).find(([key, value]) => actual[key] !== value)
      return wrong === undefined ? null : `${wrong[0]}: ${String(actual[wrong[0]])} for ${wrong[1]}`
    }
  })
})
