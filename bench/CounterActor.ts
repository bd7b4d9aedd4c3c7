// The actor of the peers' workload `call`: each command adds one, keeps the payload and answers the whole state.
import { Effect, Schema } from "effect"
import { ActorStore } from "../src/actors/ActorStore.ts"
import * as DurableActor from "../src/actors/DurableActor.ts"
import { accept } from "../src/domain/Decision.ts"

const State = Schema.Struct({ count: Schema.Int, payload: Schema.String })

export const payloadFields = { payload: Schema.String }

export const Counter = DurableActor.make({
  type: "Counter",
  state: State,
  initial: { count: 0, payload: "" },
  commands: { Put: { payload: payloadFields, success: State } },
  decide: {
    Put: ({ count }, { payload }) => {
      const state = { count: count + 1, payload }
      return accept(state, state)
    }
  },
  placement: { _tag: "shared", hosts: 32 }
})

/** Over all counters, from the store. */
export const sumOfCounters = Effect.gen(function*() {
  const actors = yield* ActorStore
  const limit = 1000
  let sum = 0
  let after: string | undefined
  while (true) {
    const page = yield* actors.list(Counter.type, after === undefined ? { limit } : { after, limit })
    for (const { state } of page) sum += Counter.codec.decode(state).count
    if (page.length < limit) return sum
    after = page.at(-1)?.id
  }
})

/** What a call's body holds. Throws where it does not fit. */
export const putOf = (body: string): { readonly id?: string; readonly payload: string } => {
  const { id, payload } = JSON.parse(body)
  if (typeof payload !== "string" || (id !== undefined && typeof id !== "string")) {
    throw new Error("the body is {id, payload}, both texts")
  }
  return id === undefined ? { payload } : { id, payload }
}
