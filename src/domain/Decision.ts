// What a pure `decide(state, command)` answers: a new state with a reply and events, or a refusal that changes nothing.
import type { Json } from "./Json.ts"

export interface Accepted<State, Reply> {
  readonly _tag: "Accepted"
  /** The very same object as before means: nothing changed. */
  readonly state: State
  readonly reply: Reply
  readonly events: ReadonlyArray<Json>
}
export interface Refused<Refusal> {
  readonly _tag: "Refused"
  readonly error: Refusal
}
export type Decision<State, Reply, Refusal = never> = Accepted<State, Reply> | Refused<Refusal>

export const accept = <State, Reply>(
  state: State,
  reply: Reply,
  events: ReadonlyArray<Json> = []
): Accepted<State, Reply> => ({
  _tag: "Accepted",
  state,
  reply,
  events
})
export const refuse = <Refusal>(error: Refusal): Refused<Refusal> => ({ _tag: "Refused", error })
