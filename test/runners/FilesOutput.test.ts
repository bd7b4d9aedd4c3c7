// What a run that names no folder leaves: whole files that every process can read, named by the command that ends the run.
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { readdirSync } from "node:fs"
import { tmpdir } from "node:os"
import { StoreFailed } from "../../src/actors/ActorStore.ts"
import { Files } from "../../src/actors/Files.ts"
import * as FilesMemory from "../../src/actors/FilesMemory.ts"
import { type OutputRow, RunOutput } from "../../src/actors/RunOutput.ts"
import { initialRun } from "../../src/domain/DatasetRun.ts"
import { emptyTally } from "../../src/domain/Tally.ts"
import * as FilesOutput from "../../src/runners/FilesOutput.ts"
import { recipeOf } from "../actors/Fixture.ts"

const layer = FilesOutput.layer.pipe(Layer.provideMerge(FilesMemory.layer), Layer.provide(NodeFileSystem.layer))
const runOf = (generation: number) => ({
  id: "run",
  recipe: recipeOf([]),
  plan: { stages: [], steps: [], chain: [] },
  state: { ...initialRun, recipe: recipeOf([]), tally: emptyTally(0), generation, out: "" }
})
const row: OutputRow = {
  _tag: "Done",
  split: "train",
  source: "s",
  line: 1,
  derived: false,
  row: { problem: "1 + 1?" }
}
const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith("polya-output-"))

const write = (generation: number) =>
  Effect.scoped(Effect.gen(function*() {
    const writer = yield* (yield* RunOutput).open(runOf(generation))
    yield* writer.write([row])
    return yield* writer.commit
  }))

describe("the outputs of a run without a folder", () => {
  it.live("are whole files under their names, and nothing stays on the machine", () =>
    Effect.gen(function*() {
      const before = leftovers()
      const outputs = yield* write(0)
      assert.deepStrictEqual(outputs.map(({ name }) => name), [
        "dropped.jsonl",
        "failed.jsonl",
        "report.html",
        "summary.json",
        "test.jsonl",
        "train.jsonl",
        "validation.jsonl"
      ])
      const files = yield* Files
      const train = outputs.find(({ name }) => name === "train.jsonl")
      const text = yield* Stream.mkString(Stream.decodeText(files.read(train?.file ?? "")))
      assert.strictEqual(text, "{\"problem\":\"1 + 1?\"}\n")
      assert.deepStrictEqual(leftovers(), before)
    }).pipe(Effect.provide(Layer.fresh(layer))))

  it.live("are put again when the store was away for a while", () =>
    Effect.gen(function*() {
      let puts = 0
      const away = Layer.effect(
        Files,
        Effect.map(Files, (files) => ({
          ...files,
          put: (file, body, maxBytes) =>
            Effect.suspend((): ReturnType<typeof files.put<any, any>> =>
              puts++ % 2 === 0
                ? Effect.fail(new StoreFailed({ reason: "unavailable", detail: "the connection was cut" }))
                : files.put(file, body, maxBytes)
            )
        }))
      ).pipe(Layer.provide(FilesMemory.layer))
      const outputs = yield* write(0).pipe(
        Effect.provide(FilesOutput.layer.pipe(Layer.provide([away, NodeFileSystem.layer])))
      )
      assert.strictEqual(outputs.length, 7)
      assert.strictEqual(puts, 14)
    }))

  it.live("of a later generation take the place of older ones but for the last", () =>
    Effect.gen(function*() {
      yield* write(0)
      yield* write(1)
      yield* write(2)
      const files = yield* Files
      const all = yield* files.list({ kind: "output", limit: 100 })
      assert.deepStrictEqual([...new Set(all.map(({ group }) => group))].sort(), ["run.1", "run.2"])
    }).pipe(Effect.provide(Layer.fresh(layer))))
})
