// The contract of Processes, sentence by sentence. Every adapter runs it.
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { Processes, type ProcessRow } from "../../src/actors/Processes.ts"

type Said = Omit<ProcessRow, "seenMillis">
const said = (id: string, startedMillis: number, more: Partial<Said> = {}): Said => ({
  id,
  kind: "runner",
  address: "127.0.0.1:7001",
  groups: ["cpu", "gpu"],
  startedMillis,
  state: "ready",
  vitals: { rssBytes: 1.5e9, queue: { waiting: 3 }, text: "a\u0000b \u{1F600}", none: null, list: [1, "2", true] },
  ...more
})
const hour = 3_600_000

/** `layer` makes an empty port each time; `age` makes all that was said so far older. */
export const processesContract = (
  name: string,
  layer: () => Layer.Layer<Processes, unknown>,
  age: (millis: number) => Effect.Effect<void>
): void => {
  const test = <E>(title: string, body: (processes: Processes["Service"]) => Effect.Effect<void, E>) =>
    it.effect(title, () => Effect.provide(Effect.flatMap(Processes, body), layer()))

  describe(`Processes on ${name}`, () => {
    test(
      "what a process says last is what is known of it, with the time by the store's clock",
      Effect.fnUntraced(function*(processes) {
        assert.deepStrictEqual((yield* processes.list(hour)).processes, [])
        yield* processes.say(said("a", 5, { state: "starting", vitals: {} }))
        const last = said("a", 5, { kind: "serve", address: null, groups: [], state: "draining" })
        yield* processes.say(last)
        const { nowMillis, processes: [row, ...others] } = yield* processes.list(hour)
        assert.deepStrictEqual(others, [])
        const { seenMillis, ...rest } = row ?? assert.fail("nobody is listed")
        assert.deepStrictEqual(rest, last)
        assert.isAtMost(seenMillis, nowMillis)
        assert.isAbove(seenMillis, nowMillis - hour)
      })
    )

    test(
      "they come by their start, then by their id, at most a thousand",
      Effect.fnUntraced(function*(processes) {
        for (const [id, started] of [["c", 2], ["b", 3], ["a", 3], ["d", 1]] as const) {
          yield* processes.say(said(id, started))
        }
        const listed = yield* processes.list(hour)
        assert.deepStrictEqual(listed.processes.map(({ id }) => id), ["d", "c", "a", "b"])
        yield* Effect.forEach(
          Array.from({ length: 1_000 }, (_, i) => said(`p${i}`, 10)),
          (row) => processes.say(row),
          { concurrency: 8, discard: true }
        )
        assert.strictEqual((yield* processes.list(hour)).processes.length, 1_000)
      })
    )

    test(
      "who said nothing for long is not listed, and gone after a pruning; who speaks again is there again",
      Effect.fnUntraced(function*(processes) {
        yield* processes.say(said("old", 1))
        yield* processes.say(said("silent", 2))
        yield* age(2 * hour)
        yield* processes.say(said("silent", 2))
        yield* processes.say(said("young", 3))
        const seen = (within: number) =>
          Effect.map(processes.list(within), ({ processes }) => processes.map(({ id }) => id))
        assert.deepStrictEqual(yield* seen(hour), ["silent", "young"])
        assert.deepStrictEqual(yield* seen(3 * hour), ["old", "silent", "young"])
        yield* processes.prune(hour)
        assert.deepStrictEqual(yield* seen(9 * hour), ["silent", "young"])
        yield* processes.say(said("old", 1))
        assert.deepStrictEqual(yield* seen(hour), ["old", "silent", "young"])
      })
    )
  })
}
