import { Effect } from "effect"
import type { RunPlan } from "./Plans.ts"
import { RunIndex } from "./RunIndex.ts"
export const closeSet = (_: { readonly run: string; readonly plan: RunPlan; readonly ord: number }): Effect.Effect<void, never, RunIndex> => Effect.void
