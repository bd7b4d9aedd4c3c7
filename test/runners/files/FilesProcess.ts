// A process for tests: `FOLDER PATH` or `POSTGRES SCHEMA` uploads without an end and prints a line for each piece, until it is killed.
import { Effect, Redacted, Stream } from "effect"
import { writeSync } from "node:fs"
import { Files } from "../../../src/actors/Files.ts"
import * as FolderFiles from "../../../src/runners/files/FolderFiles.ts"
import * as Postgres from "../../../src/runners/postgres/Postgres.ts"

const [kind, where = "", url = ""] = process.argv.slice(2)
const body = Stream.fromEffectRepeat(Effect.sync(() => {
  writeSync(1, "piece\n")
  return new Uint8Array(600_000)
}))
const program = Effect.flatMap(
  Files,
  (files) => files.put({ name: "endless", kind: "upload", group: null, who: "test" }, body, Number.MAX_SAFE_INTEGER)
)
await Effect.runPromise(
  kind === "folder"
    ? Effect.provide(program, FolderFiles.layer({ folder: where }))
    : Effect.provide(program, Postgres.layer({ url: Redacted.make(url), schema: where }))
)
