// The contract of Files, sentence by sentence. Every adapter runs it.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, type Layer, Stream } from "effect"
import { createHash } from "node:crypto"
import { type FileInfo, Files, FileTooLarge } from "../../src/actors/Files.ts"

type Port = Files["Service"]
type Wanted = Parameters<Port["put"]>[0]

const large = 16 * 1024 * 1024
const upload = (name = "rows.jsonl"): Wanted => ({ name, kind: "upload", group: null, who: "someone" })
const output = (name: string, group = "run"): Wanted => ({ name, kind: "output", group, who: "run" })
const bytesOf = (length: number, seed = 1): Uint8Array => {
  const bytes = new Uint8Array(length)
  let x = seed
  for (let i = 0; i < length; i++) {
    x = (x * 1103515245 + 12345) & 0x7fffffff
    bytes[i] = x >> 16
  }
  return bytes
}
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
/** The bytes in chunks of odd sizes. */
const chunked = (bytes: Uint8Array, size = 65_537): Stream.Stream<Uint8Array> =>
  Stream.fromIterable(
    Array.from({ length: Math.ceil(bytes.byteLength / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
  )
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")
const read = (files: Port, id: string, offset?: number) =>
  Effect.map(Stream.runCollect(files.read(id, offset)), (pieces) => {
    for (const piece of pieces) assert.isAtMost(piece.byteLength, 1024 * 1024)
    return Buffer.concat(pieces)
  })
const all = (files: Port, kind: FileInfo["kind"] = "upload") => files.list({ kind, limit: 500 })
const ids = (list: ReadonlyArray<FileInfo>): ReadonlyArray<string> => list.map(({ id }) => id)
const missing = <A, E extends { readonly _tag: string }, R>(asked: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(asked), ({ _tag }) => assert.strictEqual(_tag, "FileUnknown"))

/** `layer` makes an empty port each time. `leftover`: how many pieces of files lie in the store without a file. */
export const filesContract = (
  name: string,
  layer: () => Layer.Layer<Files, unknown>,
  leftover: Effect.Effect<number> = Effect.succeed(0)
): void => {
  const test = <E>(title: string, body: (files: Port) => Effect.Effect<void, E>) =>
    it.live(title, () => Effect.provide(Effect.flatMap(Files, body), layer()))

  describe(`Files on ${name}`, () => {
    test(
      "a file comes back byte by byte, whatever its size, with its size and digest",
      Effect.fnUntraced(function*(files) {
        for (const length of [0, 1, 524_287, 524_288, 524_289, 3_000_001]) {
          const content = bytesOf(length)
          const info = yield* files.put(upload(), chunked(content), large)
          assert.deepStrictEqual(
            { ...info, id: "", atMillis: 0 },
            {
              id: "",
              name: "rows.jsonl",
              kind: "upload",
              group: null,
              bytes: length,
              sha256: sha256(content),
              who: "someone",
              atMillis: 0
            }
          )
          assert.deepStrictEqual(yield* files.info(info.id), info)
          assert.isTrue((yield* read(files, info.id)).equals(content), `${length} bytes`)
        }
      })
    )

    test(
      "reading begins at any byte, and beyond the end there is nothing",
      Effect.fnUntraced(function*(files) {
        const content = bytesOf(1_300_000)
        const { id } = yield* files.put(upload(), chunked(content), large)
        for (const offset of [0, 1, 524_287, 524_288, 524_289, 1_299_999, 1_300_000, 9_999_999]) {
          assert.isTrue((yield* read(files, id, offset)).equals(content.subarray(offset)), `from ${offset}`)
        }
      })
    )

    test(
      "a reader that stops early, and chunks that are used again after they were given, do no harm",
      Effect.fnUntraced(function*(files) {
        const content = bytesOf(2_000_000)
        const shared = new Uint8Array(100_000)
        const body = Stream.range(0, 19).pipe(
          Stream.rechunk(1),
          Stream.map((i) => {
            shared.set(content.subarray(i * 100_000, (i + 1) * 100_000))
            return shared
          })
        )
        const { id } = yield* files.put(upload(), body, large)
        assert.strictEqual((yield* Stream.runCollect(Stream.take(files.read(id), 1))).length, 1)
        assert.isTrue((yield* read(files, id)).equals(content))
      })
    )

    test(
      "a name is a label: other scripts, dots and quotes are kept, what is no name is refused and nothing is read",
      Effect.fnUntraced(function*(files) {
        for (
          const name of [
            "Aufgaben für 数学.jsonl",
            "..",
            "a'b\"c\\\\".replaceAll("\\", ""),
            "x".repeat(200),
            "\u{1F600} 1"
          ]
        ) {
          const info = yield* files.put(upload(name), chunked(text("x")), large)
          assert.strictEqual((yield* files.info(info.id)).name, name)
        }
        let pulled = 0
        const body = Stream.tap(chunked(text("x")), () => Effect.sync(() => void pulled++))
        for (const name of ["", "a/b", "a\\b", "a\nb", "a\u0000b", "x".repeat(201)]) {
          const error = yield* Effect.flip(files.put(upload(name), body, large))
          assert.strictEqual(error._tag === "StoreFailed" && error.reason, "data")
        }
        assert.strictEqual(pulled, 0)
      })
    )

    test(
      "an id that never was, or could never be, is unknown; removing it is no mistake",
      Effect.fnUntraced(function*(files) {
        for (const id of ["00000000-0000-4000-8000-000000000000", "", "../polya", "a\u0000b", "x".repeat(300)]) {
          yield* missing(files.info(id))
          yield* missing(Stream.runDrain(files.read(id)))
          yield* files.remove(id)
        }
      })
    )

    test(
      "a file that is too large is refused as soon as that is known, and leaves nothing",
      Effect.fnUntraced(function*(files) {
        const exact = yield* files.put(upload(), chunked(bytesOf(1_000_000)), 1_000_000)
        let pulled = 0
        const endless = Stream.fromEffectRepeat(Effect.sync(() => {
          pulled++
          return new Uint8Array(100_000)
        }))
        for (const body of [chunked(bytesOf(1_000_001)), endless]) {
          const error = yield* Effect.flip(files.put(upload(), body, 1_000_000))
          assert.deepStrictEqual(error, new FileTooLarge({ maxBytes: 1_000_000 }))
        }
        assert.strictEqual(pulled, 11)
        assert.deepStrictEqual(ids(yield* all(files)), [exact.id])
        assert.strictEqual(yield* leftover, 0)
      })
    )

    test(
      "a body that fails, dies or is broken off leaves nothing, and the failure is the body's own",
      Effect.fnUntraced(function*(files) {
        const some = chunked(bytesOf(1_500_000))
        const failed = yield* Effect.flip(
          files.put(upload(), Stream.concat(some, Stream.fail("the line was cut" as const)), large)
        )
        assert.strictEqual(failed, "the line was cut")
        const died = yield* Effect.exit(files.put(upload(), Stream.concat(some, Stream.die("bug")), large))
        assert.strictEqual(died._tag, "Failure")
        const reached = yield* Deferred.make<void>()
        const stuck = Stream.concat(
          some,
          Stream.fromEffect(Effect.andThen(Deferred.succeed(reached, undefined), Effect.never))
        )
        const putting = yield* Effect.forkChild(files.put(upload(), stuck, large))
        yield* Deferred.await(reached)
        assert.deepStrictEqual(yield* all(files), [])
        yield* Fiber.interrupt(putting)
        assert.deepStrictEqual(yield* all(files), [])
        assert.strictEqual(yield* leftover, 0)
      })
    )

    test(
      "a file is seen only when it is whole",
      Effect.fnUntraced(function*(files) {
        const reached = yield* Deferred.make<void>()
        const go = yield* Deferred.make<void>()
        const body = Stream.concat(
          chunked(bytesOf(1_500_000)),
          Stream.fromEffect(
            Deferred.succeed(reached, undefined).pipe(Effect.andThen(Deferred.await(go)), Effect.as(text("end")))
          )
        )
        const old = yield* files.put(output("a.jsonl"), chunked(text("old")), large)
        const putting = yield* Effect.forkChild(files.put(output("a.jsonl"), body, large))
        yield* Deferred.await(reached)
        assert.deepStrictEqual(ids(yield* all(files, "output")), [old.id])
        assert.strictEqual((yield* read(files, old.id)).toString(), "old")
        yield* Deferred.succeed(go, undefined)
        const { id } = yield* Fiber.join(putting)
        assert.deepStrictEqual(ids(yield* all(files, "output")), [id])
      })
    )

    test(
      "an output replaces the one of its group and name, and no other; uploads of one name stay side by side",
      Effect.fnUntraced(function*(files) {
        const first = yield* files.put(output("a.jsonl"), chunked(text("one")), large)
        const others = [
          yield* files.put(output("b.jsonl"), chunked(text("b")), large),
          yield* files.put(output("a.jsonl", "other run"), chunked(text("c")), large)
        ]
        const second = yield* files.put(output("a.jsonl"), chunked(text("two")), large)
        yield* missing(files.info(first.id))
        yield* missing(Stream.runDrain(files.read(first.id)))
        assert.strictEqual((yield* read(files, second.id)).toString(), "two")
        assert.sameMembers([...ids(yield* all(files, "output"))], [...ids(others), second.id])
        const uploads = [
          yield* files.put(upload(), chunked(text("1")), large),
          yield* files.put(upload(), chunked(text("1")), large)
        ]
        assert.sameMembers([...ids(yield* all(files))], [...ids(uploads)])
        assert.strictEqual(yield* leftover, 0)
      })
    )

    test(
      "of writers of one output at once one is left, whole",
      Effect.fnUntraced(function*(files) {
        const contents = Array.from({ length: 6 }, (_, seed) => bytesOf(700_000 + seed, seed + 1))
        const made = yield* Effect.forEach(
          contents,
          (content) => files.put(output("a.jsonl"), chunked(content), large),
          { concurrency: "unbounded" }
        )
        const [left, ...more] = yield* all(files, "output")
        assert.deepStrictEqual(more, [])
        assert.include(ids(made), left?.id)
        assert.strictEqual(sha256(yield* read(files, left?.id ?? "")), left?.sha256)
        assert.strictEqual(yield* leftover, 0)
      })
    )

    test(
      "lists are newest first, of one kind and perhaps one group, in pages of any size",
      Effect.fnUntraced(function*(files) {
        const made = yield* Effect.forEach(
          Array.from({ length: 7 }, (_, i) => `f${i}`),
          (name) => files.put(upload(name), chunked(text(name)), large)
        )
        for (const group of ["r", "s"]) {
          for (const name of ["x", "y"]) yield* files.put(output(name, group), chunked(text(name)), large)
        }
        const listed = yield* all(files)
        assert.sameDeepMembers([...listed], [...made])
        const sorted = made.toSorted((a, b) => b.atMillis - a.atMillis || (a.id < b.id ? 1 : -1))
        assert.deepStrictEqual(listed, sorted)
        for (const limit of [1, 3, 7]) {
          const paged: Array<FileInfo> = []
          while (true) {
            const after = paged.at(-1)
            const page = yield* files.list({ kind: "upload", limit, ...(after === undefined ? {} : { after }) })
            if (page.length === 0) break
            paged.push(...page)
          }
          assert.deepStrictEqual(paged, sorted)
        }
        const ofGroup = yield* files.list({ kind: "output", group: "s", limit: 9 })
        assert.deepStrictEqual(ofGroup.map(({ group, name }) => `${group}/${name}`).sort(), ["s/x", "s/y"])
        assert.deepStrictEqual(yield* files.list({ kind: "upload", group: "s", limit: 9 }), [])
        assert.strictEqual((yield* files.list({ kind: "upload", limit: 0 })).length, 1)
      })
    )

    test(
      "what is removed is gone, and pruning takes old uploads and leaves outputs and young ones",
      Effect.fnUntraced(function*(files) {
        const [a, b, c] = yield* Effect.forEach(
          ["a", "b", "c"],
          (name) => files.put(upload(name), chunked(bytesOf(600_000)), large)
        )
        const kept = yield* files.put(output("o"), chunked(text("o")), large)
        yield* files.remove(a?.id ?? "")
        yield* missing(files.info(a?.id ?? ""))
        assert.strictEqual(yield* files.prune(Math.min(b?.atMillis ?? 0, c?.atMillis ?? 0)), 0)
        assert.strictEqual(yield* files.prune(Math.max(b?.atMillis ?? 0, c?.atMillis ?? 0) + 1), 2)
        assert.deepStrictEqual(yield* all(files), [])
        assert.deepStrictEqual(ids(yield* all(files, "output")), [kept.id])
        assert.strictEqual(yield* files.prune(0), 0)
        assert.strictEqual(yield* leftover, 0)
      })
    )

    test(
      "many files are written and read at once",
      Effect.fnUntraced(function*(files) {
        yield* Effect.forEach(
          Array.from({ length: 12 }, (_, seed) => bytesOf(300_000 * (1 + seed % 4), seed + 7)),
          Effect.fnUntraced(function*(content) {
            const { id } = yield* files.put(upload(), chunked(content), large)
            assert.isTrue((yield* read(files, id, 11)).equals(content.subarray(11)))
          }),
          { concurrency: "unbounded" }
        )
        assert.strictEqual((yield* all(files)).length, 12)
      })
    )
  })
}
