// Tool-integrated reasoning over any adapter of the generation port and the sandbox: one sample, in as many calls as its programs take.
import { Effect, type Scope } from "effect"
import type { GenerationRequest, SampleOutput } from "../domain/Generation.ts"
import type { GenerationError } from "../domain/Generation/Errors.ts"
import type { SampleStep } from "../domain/Solve.ts"
import type { ToolBudget } from "../domain/ToolReasoning.ts"
import type { CodeSandbox } from "./CodeSandbox.ts"
import { generateOne, type Generation } from "./Generation.ts"

export interface ToolSample {
  /** `text`: the whole of what was written, outputs included. `usage`, `microDollars`, `attempts`: of all calls. */
  readonly output: SampleOutput
  readonly steps: ReadonlyArray<SampleStep>
  readonly executions: number
}

export type ToolReasoning = (
  request: Omit<GenerationRequest, "seeds" | "deltas"> & { readonly seed: number },
  budget: ToolBudget,
  /** Told of each step as it happens. */
  told?: (step: SampleStep) => void
) => Effect.Effect<ToolSample, GenerationError, Generation | CodeSandbox | Scope.Scope>

/** Text alone, until programs run. */
export const reasonWithTools: ToolReasoning = (request) =>
  Effect.map(generateOne(request), (output) => ({ output, steps: [], executions: 0 }))

/** The model's own words that its answer is looked for in: those after the last output, else all of them. */
export const finalText = (steps: ReadonlyArray<SampleStep>): string =>
  steps.flatMap((step) => (step._tag === "Wrote" ? [step.text] : [])).join("\n")
