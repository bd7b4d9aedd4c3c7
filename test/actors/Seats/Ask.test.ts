// Seats asked for without an effect: those who wait are let in, refused at their time, or leave; nobody's seat is lost, however long the row.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Seats } from "../../../src/actors/Seats.ts"
import { layerLocal } from "../../../src/actors/Seats/Local.ts"

const limits = { inFlight: 2, maxWaiting: 20_000, waitMillis: 1_000 }
const test = (title: string, body: (seats: Seats["Service"]) => Effect.Effect<void>) =>
  it.effect(title, () => Effect.provide(Effect.flatMap(Seats, body), layerLocal))

describe("seats that are asked for", () => {
  test("are had at once, after others, or not in time", ({ ask, facts }) =>
    Effect.gen(function*() {
      const told: Array<string> = []
      const one = (name: string) =>
        ask("room", "me", limits, (refusal) => told.push(`${name} ${refusal?.reason ?? "seat"}`))
      const [a, b, , d] = ["a", "b", "c", "d"].map(one)
      assert.deepStrictEqual(told, ["a seat", "b seat"])
      assert.deepStrictEqual(facts("room"), { held: 2, waiting: 2 })
      a?.()
      a?.()
      assert.deepStrictEqual(told, ["a seat", "b seat", "c seat"])
      d?.()
      assert.deepStrictEqual(facts("room"), { held: 2, waiting: 0 })
      one("e")
      ask("room", "me", { ...limits, maxWaiting: 1 }, (refusal) => told.push(`f ${refusal?.reason}`))
      yield* TestClock.adjust(1_000)
      assert.deepStrictEqual(told.slice(3), ["f queue-full", "e waited"])
      b?.()
      assert.deepStrictEqual(facts("room"), { held: 1, waiting: 0 })
    }))

  test("go through a row in which everyone gives its seat back at once", ({ ask, facts }) =>
    Effect.sync(() => {
      const first = ask("room", "me", { ...limits, inFlight: 1 }, () => {})
      let served = 0
      for (let i = 0; i < 15_000; i++) {
        const leave = ask("room", `owner ${i % 3}`, { ...limits, inFlight: 1 }, (refusal) => {
          if (refusal === null) served++
          leave()
        })
      }
      first()
      assert.strictEqual(served, 15_000)
      assert.deepStrictEqual(facts("room"), { held: 0, waiting: 0 })
    }))
})
