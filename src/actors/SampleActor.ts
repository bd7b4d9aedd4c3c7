// The Sample actor: the text of one sample of a solve, written once and read when somebody wants to see it. Shared hosts: there are many.
import { Schema } from "effect"
import * as Solve from "../domain/Solve.ts"
import * as DurableActor from "./DurableActor.ts"

/** Hosts of samples, and of solves; fixed, because it says where an actor lives. */
export const solveHosts = 32

export const SampleActor = DurableActor.make({
  type: "Sample",
  state: Solve.SampleState,
  initial: Solve.initialSample,
  commands: { Keep: { payload: { state: Solve.SampleState }, success: Schema.Void } },
  decide: { Keep: Solve.keep },
  placement: { _tag: "shared", hosts: solveHosts }
})

export const layer = SampleActor.layer()
