// The outputs of runs that were started from outside: written in a folder of this machine that nobody else sees, then put whole where every
// process can read them (Files), and named in the run's own state by the command that ends it. A run that names a folder writes there.
import { Effect, FileSystem, Layer } from "effect"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { patient } from "../actors/DurableActor.ts"
import { Files } from "../actors/Files.ts"
import { OutputFailed, RunOutput } from "../actors/RunOutput.ts"
import type { OutputFile } from "../domain/DatasetRun.ts"
import * as FileOutput from "./FileOutput.ts"

/** No output is larger than what a source may be, many times over. */
const maxBytes = 64 * 1024 ** 3

export const layer: Layer.Layer<RunOutput, never, Files | FileSystem.FileSystem> = Layer.effect(
  RunOutput,
  Effect.gen(function*() {
    const folders = yield* RunOutput
    const files = yield* Files
    const fileSystem = yield* FileSystem.FileSystem
    return RunOutput.of({
      open: Effect.fn("FilesOutput.open")(function*(run) {
        if (run.state.out !== "") return yield* folders.open(run)
        const folder = yield* Effect.mapError(
          fileSystem.makeTempDirectoryScoped({ prefix: "polya-output-" }),
          (error) =>
            new OutputFailed({
              path: "the system's folder for temporary files",
              reason: "other",
              detail: error.message
            })
        )
        const failed = (name: string) => (error: { readonly message: string; readonly reason?: unknown }) =>
          new OutputFailed({ path: name, reason: error.reason === "full" ? "full" : "other", detail: error.message })
        const writer = yield* folders.open({ ...run, state: { ...run.state, out: folder } })
        const put = (name: string): Effect.Effect<OutputFile, OutputFailed> =>
          // A store that is away breaks no run: the file lies here still, and is put anew.
          patient(files.put(
            // The generation is part of the name, so that a driver that comes late with an older one replaces nothing.
            { name, kind: "output", group: `${run.id}.${run.state.generation}`, who: `run ${run.id}` },
            fileSystem.stream(join(folder, name)),
            maxBytes
          )).pipe(
            Effect.map(({ bytes, id, sha256 }) => ({ name, file: id, bytes, sha256 })),
            Effect.mapError(failed(name))
          )
        const commit = Effect.gen(function*() {
          yield* writer.commit
          const names = yield* Effect.promise(() => readdir(folder))
          const outputs = yield* Effect.forEach(names.sort(), put)
          yield* Effect.ignore(forget(run.id, run.state.generation))
          return outputs
        })
        return { write: writer.write, commit }
      })
    })

    /** What the generation before the last one left is not needed any more; the last one's outputs stay until the run says it is done. */
    function forget(run: string, generation: number): Effect.Effect<void, unknown> {
      return Effect.forEach(
        generation < 2 ? [] : [generation - 2],
        (old) =>
          Effect.flatMap(
            files.list({ kind: "output", group: `${run}.${old}`, limit: 500 }),
            (list) => Effect.forEach(list, ({ id }) => files.remove(id), { discard: true })
          ),
        { discard: true }
      )
    }
  })
).pipe(Layer.provide(FileOutput.layer))
