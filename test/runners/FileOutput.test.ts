// The promise that a reader of an output folder relies on: where there is a summary.json, all files belong together.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { RunOutput } from "../../src/actors/RunOutput.ts"
import { initialRun } from "../../src/domain/DatasetRun.ts"
import { emptyTally } from "../../src/domain/Tally.ts"
import * as FileOutput from "../../src/runners/FileOutput.ts"
import { recipeOf } from "../actors/Fixture.ts"
import { folder } from "../process/Program.ts"

/** Writes the outputs of a run of one row into `out`. */
const written = (out: string) =>
  Effect.scoped(Effect.gen(function*() {
    const outputs = yield* RunOutput
    const writer = yield* outputs.open({
      id: "run",
      recipe: recipeOf([]),
      plan: { stages: [], steps: [], chain: [] },
      state: { ...initialRun, out, tally: { ...emptyTally(0), in: 1, done: 1, sources: { memory: 1 } } }
    })
    yield* writer.write([
      { _tag: "Done", split: "train", derived: false, source: "memory", line: 1, row: { id: "1", problem: "1 + 1?" } }
    ])
    yield* writer.commit
  })).pipe(Effect.provide(FileOutput.layer))

describe("an output folder", () => {
  it.effect("has no summary of an older run beside files of a newer one that could not be finished", () =>
    Effect.gen(function*() {
      using place = folder()
      const out = place.path
      yield* written(out)
      assert.isTrue(existsSync(join(out, "summary.json")))
      // The last of the data files cannot get its name: train.jsonl is new by then.
      rmSync(join(out, "failed.jsonl"))
      mkdirSync(join(out, "failed.jsonl"))
      writeFileSync(join(out, "failed.jsonl", "in the way"), "")
      const failure = yield* Effect.flip(written(out))
      assert.strictEqual(failure._tag, "OutputFailed")
      assert.isFalse(existsSync(join(out, "summary.json")))
      assert.deepStrictEqual(readdirSync(out).filter((name) => name.startsWith(".")), [])
    }))
})
