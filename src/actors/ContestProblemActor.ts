// The ContestProblem actor: the text of one problem of a contest, written once and read when a pass over it begins.
import { Schema } from "effect"
import * as Contest from "../domain/Contest.ts"
import * as DurableActor from "./DurableActor.ts"

/** Hosts of contests' problems, and of contests; fixed, because it says where an actor lives. */
export const contestHosts = 16

export const ContestProblemActor = DurableActor.make({
  type: "ContestProblem",
  state: Contest.ProblemText,
  initial: Contest.noText,
  commands: { Keep: { payload: Contest.ProblemText.fields, success: Schema.Void, error: Contest.ProblemRepeated } },
  decide: { Keep: Contest.keepText },
  placement: { _tag: "shared", hosts: contestHosts }
})

export const layer = ContestProblemActor.layer()
