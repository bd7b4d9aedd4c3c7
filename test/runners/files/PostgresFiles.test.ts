// The contract of Files on PostgreSQL, and what only a cluster meets: kills, uploads that are given up, several processes.
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Stream } from "effect"
import { Files } from "../../../src/actors/Files.ts"
import * as PostgresFiles from "../../../src/runners/files/PostgresFiles.ts"
import { make } from "../../../src/runners/postgres/PostgresClient.ts"
import { filesContract } from "../../actors/FilesContract.ts"
import { available, freshSchema, layerIn, query, skipped, url } from "../postgres/TestDatabase.ts"
import { killUpload } from "./KillUpload.ts"

let schema = ""
const count = (what: string) =>
  Effect.map(query<{ count: number }>(`SELECT count(*)::int4 AS count FROM ${what}`), ([row]) => row?.count ?? -1)
/** Pieces of files that are not whole. */
const strays = Effect.suspend(() =>
  count(`${schema}.polya_file f LEFT JOIN ${schema}.polya_file_piece p ON p.file = f.id WHERE NOT f.whole`)
)
const fresh = () => layerIn(schema = freshSchema())
const upload = { name: "a", kind: "upload", group: null, who: "w" } as const
const hello = Stream.succeed(new TextEncoder().encode("hello"))

describe.skipIf(!available)("PostgreSQL", () => {
  filesContract("PostgreSQL", fresh, strays)

  const files = Effect.map(Effect.suspend(() => Layer.build(fresh())), (context) => Context.get(context, Files))
  /** The same files, where uploads are given up at once. */
  const impatient = Effect.suspend(() =>
    Effect.map(make({ url, schema }), (client) => PostgresFiles.make(client, -1_000))
  )

  it.live(
    "shows nothing of an upload whose process was killed, and a pruning takes its pieces when they are old",
    () =>
      Effect.gen(function*() {
        const port = yield* files
        yield* Effect.promise(() => killUpload(["postgres", schema, Redacted.value(url)]))
        assert.isAbove(yield* strays, 2)
        assert.deepStrictEqual(yield* port.list({ kind: "upload", limit: 9 }), [])
        assert.strictEqual(yield* port.prune(0), 0)
        assert.strictEqual(yield* (yield* impatient).prune(0), 1)
        assert.strictEqual(yield* strays, 0)
        assert.strictEqual(yield* count(`${schema}.polya_file_piece`), 0)
      }).pipe(Effect.scoped),
    30_000
  )

  it.live("tells an upload that was given up, however it goes on, and keeps nothing of it", () =>
    Effect.gen(function*() {
      const port = yield* files
      const other = yield* impatient
      const rest = (bytes: number) => Stream.fromEffect(Effect.as(other.prune(0), new Uint8Array(bytes)))
      for (const bytes of [1, 600_000]) {
        const error = yield* Effect.flip(port.put(upload, Stream.concat(hello, rest(bytes)), 1_000_000))
        assert.strictEqual(error._tag === "StoreFailed" && error.reason, "unavailable")
        assert.include(error.message, "send it again")
      }
      assert.strictEqual(yield* count(`${schema}.polya_file`), 0)
    }).pipe(Effect.scoped))

  it.live("lets every process read what one has written, and a reader whose file goes away knows it", () =>
    Effect.gen(function*() {
      const port = yield* files
      const other = yield* impatient
      const { id } = yield* port.put(upload, Stream.succeed(new Uint8Array(1_500_000)), 2_000_000)
      assert.strictEqual((yield* other.info(id)).bytes, 1_500_000)
      const error = yield* Effect.flip(Stream.runForEach(other.read(id), () => port.remove(id)))
      assert.strictEqual(error._tag, "FileUnknown")
      assert.strictEqual(yield* count(`${schema}.polya_file_piece`), 0)
    }).pipe(Effect.scoped))
})
if (!available) it(skipped, ({ skip }) => skip(skipped))
