// The contract of Files on a folder, and what a folder alone can meet: kills, leftovers, a second process, a full disk.
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Files } from "../../../src/actors/Files.ts"
import * as FolderFiles from "../../../src/runners/files/FolderFiles.ts"
import { filesContract } from "../../actors/FilesContract.ts"
import { killUpload } from "./KillUpload.ts"

const root = mkdtempSync(join(tmpdir(), "polya-files-"))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0
let folder = ""
const freshFolder = (): string => folder = join(root, `${folders++}`)

/** Files in the folder that are not one of a pair of description and bytes. */
const strays = (): ReadonlyArray<string> => {
  const names = new Set(readdirSync(folder))
  return [...names].filter((name) => {
    const [id, kind] = [name.slice(0, 36), name.slice(37)]
    return kind === "json" ? !names.has(`${id}.data`) : kind === "data" ? !names.has(`${id}.json`) : true
  })
}

filesContract(
  "a folder",
  () => FolderFiles.layer({ folder: freshFolder() }),
  Effect.sync(() => strays().length)
)

const using = <A, E>(options: FolderFiles.FolderOptions, body: (files: Files["Service"]) => Effect.Effect<A, E>) =>
  Effect.provide(Effect.flatMap(Files, body), Layer.fresh(FolderFiles.layer(options)))
const upload = { name: "a", kind: "upload", group: null, who: "w" } as const
const hello = Stream.succeed(new TextEncoder().encode("hello"))

describe("files in a folder", () => {
  it.live("outlive their process, and two processes see each other's", () => {
    const options = { folder: freshFolder() }
    return Effect.gen(function*() {
      const made = yield* using(options, (files) => files.put(upload, hello, 10))
      yield* using(options, (one) =>
        using(options, (two) =>
          Effect.gen(function*() {
            assert.deepStrictEqual(yield* one.list({ kind: "upload", limit: 9 }), [made])
            const more = yield* two.put({ ...upload, name: "b" }, hello, 10)
            assert.sameDeepMembers([...yield* one.list({ kind: "upload", limit: 9 })], [made, more])
            yield* one.remove(more.id)
            assert.deepStrictEqual(yield* two.list({ kind: "upload", limit: 9 }), [made])
            assert.strictEqual((yield* Effect.flip(two.info(more.id)))._tag, "FileUnknown")
          })))
    })
  })

  it.live(
    "show nothing of an upload whose process was killed, and a pruning takes its pieces when they are old",
    () => {
      const options = { folder: freshFolder() }
      mkdirSync(options.folder)
      return Effect.gen(function*() {
        yield* Effect.promise(() => killUpload(["folder", options.folder]))
        assert.strictEqual(strays().length, 1)
        yield* using(options, (files) =>
          Effect.gen(function*() {
            assert.deepStrictEqual(yield* files.list({ kind: "upload", limit: 9 }), [])
            assert.strictEqual(yield* files.prune(0), 0)
            assert.strictEqual(strays().length, 1)
          }))
        yield* using(
          { ...options, abandonedMillis: -1_000 },
          (files) => Effect.map(files.prune(0), (gone) => assert.strictEqual(gone, 1))
        )
        assert.deepStrictEqual(readdirSync(options.folder), [])
      })
    },
    30_000
  )

  it.live("of an upload under way are never pruned, nor is what is none of theirs", () => {
    const options = { folder: freshFolder(), abandonedMillis: -1_000 }
    return using(options, (files) =>
      Effect.gen(function*() {
        mkdirSync(options.folder)
        writeFileSync(join(options.folder, "notes.txt"), "mine")
        const body = Stream.concat(hello, Stream.fromEffect(Effect.as(files.prune(0), new Uint8Array([33]))))
        const { id } = yield* files.put(upload, body, 10)
        assert.strictEqual(Buffer.concat(yield* Stream.runCollect(files.read(id))).toString(), "hello!")
        assert.deepStrictEqual(strays(), ["notes.txt"])
      }))
  })

  it.live("that were replaced by a process that died before it could remove them stay hidden, and are pruned", () => {
    const options = { folder: freshFolder() }
    return using(options, (files) =>
      Effect.gen(function*() {
        const output = { name: "o", kind: "output", group: "r", who: "w" } as const
        const made = yield* files.put(output, hello, 10)
        const old = { ...made, id: "00000000-0000-4000-8000-000000000000", atMillis: made.atMillis - 1 }
        writeFileSync(join(options.folder, `${old.id}.json`), JSON.stringify(old))
        writeFileSync(join(options.folder, `${old.id}.data`), "hello")
        assert.deepStrictEqual(yield* files.list({ kind: "output", limit: 9 }), [made])
        assert.strictEqual(yield* files.prune(0), 1)
        assert.strictEqual((yield* Effect.flip(files.info(old.id)))._tag, "FileUnknown")
      }))
  })

  it.live("cannot be kept where there can be no folder, and says so", () =>
    Effect.gen(function*() {
      const path = join(freshFolder(), "..", "file")
      writeFileSync(path, "")
      const error = yield* Effect.flip(using({ folder: path }, (files) => files.put(upload, hello, 10)))
      assert.strictEqual(error._tag === "StoreFailed" && error.reason, "unavailable")
    }))
})
