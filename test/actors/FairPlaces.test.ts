// Places that are shared in turn: what is held and who waits is known whatever those do who are let in.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeAlarms } from "../../src/actors/Alarms.ts"
import { makeFairPlaces } from "../../src/actors/FairPlaces.ts"

describe("places shared fairly", () => {
  it.effect("count one owner's right where who is let in leaves and asks again at once", () =>
    Effect.gen(function*() {
      const alarms = yield* makeAlarms
      const places = makeFairPlaces({ capacity: () => 1, busy: (reason) => reason })
      const limits = { maxWaiting: 10, waitMillis: 1_000 }
      const first = places.ask("a", limits, alarms, () => {})
      let leave = () => {}
      const second = places.ask("a", limits, alarms, () => {
        second()
        leave = places.ask("a", limits, alarms, () => {})
      })
      first()
      assert.deepStrictEqual([...places.owners()], [["a", { held: 1, waiting: 0 }]])
      leave()
      assert.strictEqual(places.ownerCount(), 0)
      assert.strictEqual(places.taken(), 0)
    }).pipe(Effect.scoped))
})
