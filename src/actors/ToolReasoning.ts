// Tool-integrated reasoning over any adapter of the generation port and the sandbox: one sample, in as many calls as its programs take.
import type { Effect, Scope } from "effect"
import type { GenerationRequest, SampleOutput } from "../domain/Generation.ts"
import type { GenerationError } from "../domain/Generation/Errors.ts"
import type { SampleStep } from "../domain/Solve.ts"
import type { ToolBudget } from "../domain/ToolReasoning.ts"
import type { CodeSandbox } from "./CodeSandbox.ts"
import type { Generation } from "./Generation.ts"

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
