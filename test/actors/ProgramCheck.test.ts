// Programs in fresh sessions of a scripted sandbox, compared by the real rules.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { runProgram } from "../../src/actors/ProgramCheck.ts"
import { LastResort, Verdicts } from "../../src/actors/Verdicts.ts"
import { SandboxBusy } from "../../src/domain/Sandbox.ts"
import { killedResult, makeScripted, type Script } from "./ScriptedSandbox.ts"

const verdicts = Layer.provide(Verdicts.layerMemory, LastResort.layerNone)
const scripted = (script: Script = {}) => {
  const sandbox = makeScripted(script)
  const run = (program: Partial<Parameters<typeof runProgram>[0]>) =>
    runProgram({ tenant: "t", cells: ["42"], ...program }).pipe(Effect.provide([sandbox.layer, verdicts]))
  return { ...sandbox, run }
}

describe("a program", () => {
  it.effect("is run in a session of its own, which ends with it", () =>
    Effect.gen(function*() {
      const { live, opened, ran, run, walls } = scripted()
      const program = { cells: ["1", "2"], seed: 7, wallMillis: 50, limits: { cells: 3 } }
      const { check, level, results } = yield* run(program)
      assert.deepStrictEqual(results.map(({ cell, stdout }) => [cell, stdout]), [[1, "1\n"], [2, "2\n"]])
      assert.deepStrictEqual([level, check], ["native-strict", undefined])
      assert.deepStrictEqual(opened, [{ tenant: "t", seed: 7, limits: { cells: 3 } }])
      assert.deepStrictEqual([ran, walls, live.size], [["1", "2"], [50, 50], 0])
    }))

  it.effect("is right if it prints the answer, in whatever form", () =>
    Effect.gen(function*() {
      const { run } = scripted({
        cells: { half: { value: "Fraction(1, 2)" }, root: { value: "sqrt(2)/2" }, boxed: { stdout: "So \\boxed{7}\n" } }
      })
      const outcome = (code: string, expect: string) =>
        Effect.map(run({ cells: [code], expect }), ({ check }) => check?.outcome)
      assert.strictEqual(yield* outcome("half", "0.5"), "right")
      assert.strictEqual(yield* outcome("root", "$\\frac{\\sqrt2}{2}$"), "right")
      assert.strictEqual(yield* outcome("boxed", "The answer is \\boxed{7}."), "right")
      assert.strictEqual(yield* outcome("42", "42.0"), "right")
      assert.strictEqual(yield* outcome("41", "42"), "wrong")
      const modulo = yield* run({ cells: ["1042"], expect: "42", opts: { modulo: 1_000 } })
      assert.strictEqual(modulo.check?.outcome, "right")
    }))

  it.effect("never meets the right answer", () =>
    Effect.gen(function*() {
      const { opened, ran, run } = scripted()
      yield* run({ cells: ["1", "2"], expect: "the secret 31337" })
      assert.notInclude(JSON.stringify([opened, ran]), "31337")
    }))

  it.effect("ends at the cell that lost the session's state", () =>
    Effect.gen(function*() {
      const { ran, run } = scripted({ cells: { hang: killedResult } })
      const { check, results } = yield* run({ cells: ["1", "hang", "3"], expect: "3" })
      assert.deepStrictEqual(results.map(({ status }) => status), ["ok", "killed"])
      assert.deepStrictEqual([ran, check?.outcome], [["1", "hang"], "timeout"])
    }))

  it.effect("whose interpreter somebody else ended is run once more", () =>
    Effect.gen(function*() {
      const { opened, run } = scripted({ cells: { gone: { ...killedResult, cause: "host" } } })
      const { check } = yield* run({ cells: ["gone"], expect: "3" })
      assert.strictEqual(opened.length, 2)
      assert.deepInclude(check, { outcome: "error" })
      assert.include(check?.detail ?? "", "says nothing of the program")
    }))

  it.effect("that finds no place is refused; one that is called off leaves no session", () =>
    Effect.gen(function*() {
      const busy = new SandboxBusy({ reason: "queue-full", waiting: 9, sessions: 2, waitedMillis: 0 })
      const { live, run, waiting } = scripted({ refusals: [busy] })
      assert.strictEqual((yield* Effect.flip(run({})))._tag, "SandboxBusy")
      const fiber = yield* Effect.forkChild(run({ cells: ["wait"] }))
      yield* waiting.await
      assert.strictEqual(live.size, 1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(live.size, 0)
    }))
})
