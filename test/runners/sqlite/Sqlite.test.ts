import { afterAll, assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { execFileSync, spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import type { Worker } from "node:worker_threads"
import { ActorStore, type StoreFailed } from "../../../src/actors/ActorStore.ts"
import { RunIndex } from "../../../src/actors/RunIndex.ts"
import type { ActorCommit } from "../../../src/domain/Commit.ts"
import * as Sqlite from "../../../src/runners/sqlite/Sqlite.ts"
import { runAndKill } from "./Kill.ts"

const folder = mkdtempSync(join(tmpdir(), "polya-sqlite-"))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const freshFile = () => join(folder, `${files++}`, "store.db")

const key = { type: "T", id: "a" }
const commit = (expected: number, more: Partial<ActorCommit> = {}): ActorCommit => ({
  ...key,
  expected,
  state: `{"n":${expected + 1}}`,
  replies: [{ commandId: `c${expected}`, reply: "1" }],
  events: ["1"],
  ...more
})

/** Runs `body` on a store that is closed again afterwards. */
const using = <A, E>(options: Sqlite.SqliteOptions, body: (store: ActorStore["Service"]) => Effect.Effect<A, E>) =>
  Effect.provide(Effect.flatMap(ActorStore, body), Layer.fresh(Sqlite.layer(options)))
const opening = (options: Sqlite.SqliteOptions) => Effect.flip(using(options, () => Effect.void))
const script = fileURLToPath(new URL("./StoreProcess.ts", import.meta.url))

describe("the SQLite store", () => {
  it.effect("makes its folder, keeps what was committed, and leaves one file when it closes", () => {
    const filename = freshFile()
    return Effect.gen(function*() {
      yield* using({ filename }, (store) => store.commit([commit(0)]))
      assert.isFalse(existsSync(`${filename}-wal`))
      assert.deepStrictEqual(yield* using({ filename }, (store) => store.load([key])), [{
        version: 1,
        state: `{"n":1}`
      }])
    })
  })

  it.effect("is refused to a second user with the pid of the first, and free again afterwards", () => {
    const filename = freshFile()
    return Effect.gen(function*() {
      yield* using({ filename }, () =>
        Effect.gen(function*() {
          const error = yield* opening({ filename })
          assert.strictEqual(error._tag, "StoreInUse")
          assert.include(error.message, String(process.pid))
          const other = spawnSync(process.execPath, [script, "open", filename], { encoding: "utf8" })
          assert.strictEqual(other.stdout.trim(), `StoreInUse ${process.pid}`, other.stderr)
        }))
      yield* using({ filename }, () => Effect.void)
    })
  })

  it.effect("is shared by those who ask for it", () => {
    const filename = freshFile()
    const shared = { filename, exclusive: false }
    return using(shared, (one) =>
      using(shared, (two) =>
        Effect.gen(function*() {
          yield* one.commit([commit(0)])
          assert.deepStrictEqual((yield* two.commit([commit(0)]))[0]?._tag, "Duplicate")
          assert.deepStrictEqual((yield* two.commit([commit(1)]))[0]?._tag, "Committed")
          assert.deepStrictEqual((yield* one.load([key]))[0]?.version, 2)
        })))
  })

  it.effect("is refused when a newer program has used it, and not changed", () => {
    const filename = freshFile()
    return Effect.gen(function*() {
      yield* using({ filename }, () => Effect.void)
      const db = new DatabaseSync(filename)
      db.exec("INSERT INTO polya_migration VALUES (999, 'from the future', 'then')")
      db.close()
      const error = yield* opening({ filename })
      assert.strictEqual(error._tag, "StoreTooNew")
      assert.include(error.message, "999")
    })
  })

  it.effect("names a file that is none of its own, and a folder that cannot be made", () => {
    const filename = freshFile()
    return Effect.gen(function*() {
      mkdirSync(join(filename, ".."), { recursive: true })
      writeFileSync(filename, "This is not a database, but it is long enough to be taken for one. ".repeat(100))
      const error = yield* opening({ filename })
      assert.strictEqual(error._tag, "StoreFailed")
      assert.include(error.message, "is not a SQLite file")
      const inside = yield* opening({ filename: join(filename, "store.db") })
      assert.strictEqual(inside._tag === "StoreFailed" && inside.reason, "unavailable")
    })
  })

  it.effect("refuses a value that is too large as data and writes nothing of its batch", () =>
    using({ filename: freshFile(), maxValueBytes: 100_000 }, (store) =>
      Effect.gen(function*() {
        const batch = [commit(0, { id: "small" }), commit(0, { state: "x".repeat(200_000) })]
        assert.strictEqual((yield* Effect.flip(store.commit(batch))).reason, "data")
        assert.deepStrictEqual(yield* store.load([{ type: "T", id: "small" }, key]), [undefined, undefined])
        assert.strictEqual((yield* store.commit([commit(0, { id: "small" })]))[0]?._tag, "Committed")
        // A value that cannot cross to the thread at all.
        assert.strictEqual(
          (yield* Effect.flip(store.commit([commit(0, { state: (() => {}) as never })]))).reason,
          "data"
        )
      })))

  /** Ends every thread that was started since: a crash inside SQLite would end them the same way. */
  const threads: Array<Worker> = []
  const started = (worker: Worker) => threads.push(worker)
  process.on("worker", started)
  afterAll(() => process.off("worker", started))
  const killThreads = Effect.promise(() => Promise.all(threads.splice(0).map((worker) => worker.terminate())))

  const manyKeys = Array.from({ length: 200 }, (_, i) => ({ type: "T", id: String(i) }))

  it.effect("fails what waits when its thread dies, and the next call starts it again", () =>
    using({ filename: freshFile() }, (store) =>
      Effect.gen(function*() {
        yield* store.commit([commit(0)])
        const waiting = yield* Effect.forkChild(
          Effect.forEach(Array.from({ length: 300 }), () => Effect.result(store.load(manyKeys)), {
            concurrency: "unbounded"
          }),
          { startImmediately: true }
        )
        yield* killThreads
        const results = yield* Fiber.join(waiting)
        const last = results.at(-1)
        assert.strictEqual(last?._tag === "Failure" && last.failure.reason, "unavailable")
        const rows = yield* Effect.forEach([1, 2, 3], () => store.load([key]), { concurrency: 3 })
        assert.deepStrictEqual(rows.flat(), [1, 2, 3].map(() => ({ version: 1, state: `{"n":1}` })))
        assert.strictEqual((yield* store.commit([commit(1)]))[0]?._tag, "Committed")
      })))

  it.effect("refuses calls beyond the bound of its queue at once", () =>
    using({ filename: freshFile(), maxWaiting: 2 }, (store) =>
      Effect.gen(function*() {
        const exits = yield* Effect.forEach(Array.from({ length: 5 }), () => Effect.result(store.load([key])), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(exits.map(({ _tag }) => _tag), ["Success", "Success", "Failure", "Failure", "Failure"])
        assert.deepStrictEqual(yield* store.load([key]), [undefined])
      })))

  it.effect("gives up on an answer after its deadline, and the thread goes on", () => {
    const filename = freshFile()
    return using({ filename, exclusive: false, callMillis: 1000 }, (store) =>
      Effect.gen(function*() {
        const blocker = new DatabaseSync(filename)
        blocker.exec("BEGIN IMMEDIATE")
        const late = yield* Effect.forkChild(Effect.flip(store.commit([commit(0)])), { startImmediately: true })
        yield* TestClock.adjust(1000)
        const error: StoreFailed = yield* Fiber.join(late)
        assert.strictEqual(error.reason, "unavailable")
        assert.include(error.detail, "1000 ms")
        blocker.exec("ROLLBACK")
        blocker.close()
        // The write went on in the thread: its outcome was unknown, and the retry finds out.
        const again = yield* store.commit([commit(0)])
        assert.strictEqual(again[0]?._tag, "Duplicate")
      }))
  })

  it.effect("says unavailable while another process holds the write lock, and after it was closed", () => {
    const filename = freshFile()
    return Effect.gen(function*() {
      const scope = yield* Scope.make()
      const store = Context.get(
        yield* Layer.buildWithScope(Sqlite.layer({ filename, exclusive: false, busyMillis: 0 }), scope),
        ActorStore
      )
      const blocker = new DatabaseSync(filename)
      blocker.exec("BEGIN IMMEDIATE")
      const error = yield* Effect.flip(store.commit([commit(0)]))
      assert.strictEqual(error.reason, "unavailable")
      assert.include(error.detail, "locked by another process")
      blocker.exec("ROLLBACK")
      blocker.close()
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* Effect.flip(store.load([key]))).reason, "unavailable")
    })
  })

  it.effect("lets commits through while groups are made", () =>
    Effect.gen(function*() {
      const index = yield* RunIndex
      const store = yield* ActorStore
      const seqs = Array.from({ length: 5000 }, (_, seq) => seq)
      const owner = { run: "r", epoch: yield* index.claim("r") }
      yield* index.put(
        owner,
        seqs.map((seq) => ({
          seq,
          sub: 0,
          parent: null,
          actor: null,
          status: "live",
          stage: null,
          reason: null,
          detail: null
        })),
        [{
          stage: 1,
          entries: seqs.map((seq) => ({
            seq,
            sub: 0,
            key: null,
            bands: [seq >> 1, seq + 2 ** 40],
            payload: null,
            stratum: null
          }))
        }]
      )
      const order: Array<string> = []
      const paging = yield* Effect.forkChild(
        Effect.tap(index.groups("r", 1, "band", { after: null, limit: 10_000 }), () =>
          Effect.sync(() => order.push("page"))),
        { startImmediately: true }
      )
      yield* Effect.tap(store.commit([commit(0)]), () =>
        Effect.sync(() => order.push("commit")))
      const members = yield* Fiber.join(paging)
      assert.deepStrictEqual(members.map(({ group, seq }) => [group, seq]), seqs.map((seq) => [String(seq >> 1), seq]))
      assert.deepStrictEqual(order, ["commit", "page"])
    }).pipe(Effect.provide(Sqlite.layer({ filename: freshFile() }))))

  const root = process.getuid?.() === 0

  it("says that the disk is full, and works again when there is room", async ({ skip }) => {
    skip(!root, "making a tiny file system needs root")
    const mount = join(folder, "tiny")
    mkdirSync(mount)
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", mount], { stdio: "pipe" })
    } catch {
      return skip("this machine does not let tests mount a file system")
    }
    await Effect.runPromise(
      using({ filename: join(mount, "store.db") }, (store) =>
        Effect.gen(function*() {
          yield* store.commit([commit(0)])
          let expected = 1
          let failure: StoreFailed | undefined
          while (failure === undefined && expected < 1000) {
            const result = yield* Effect.result(store.commit([commit(expected, { state: "x".repeat(50_000) })]))
            if (result._tag === "Failure") failure = result.failure
            else expected++
          }
          assert.strictEqual(failure?.reason, "full", failure?.detail)
          assert.strictEqual((yield* store.load([key]))[0]?.version, expected)
          execFileSync("mount", ["-o", "remount,size=64m", mount])
          assert.strictEqual((yield* store.commit([commit(expected)]))[0]?._tag, "Committed")
        })).pipe(Effect.ensuring(Effect.sync(() => execFileSync("umount", [mount]))))
    )
  })

  it("says so when it may not write", async ({ skip }) => {
    skip(root, "root may write everywhere")
    const filename = freshFile()
    await Effect.runPromise(Effect.gen(function*() {
      yield* using({ filename, exclusive: false }, () => Effect.void)
      chmodSync(filename, 0o444)
      const error = yield* opening({ filename, exclusive: false })
      assert.strictEqual(error._tag === "StoreFailed" && error.reason, "unavailable")
      assert.isAbove(statSync(filename).size, 0)
    }))
  })
})

describe("a process that is killed", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
    "loses no commit that it had acknowledged, and leaves none half done (seed %i)",
    async (seed) => {
      const filename = freshFile()
      const { acknowledged } = await runAndKill([script, "commit", filename], seed)
      await Effect.runPromise(using({ filename }, (store) =>
        Effect.gen(function*() {
          const actors = yield* store.list("T", { limit: 1000 })
          const versions = new Map(actors.map(({ id, version }) => [id, version]))
          for (const [id, version] of acknowledged) assert.isAtLeast(versions.get(id) ?? 0, version)
          for (const { id, state, version } of actors) {
            assert.strictEqual(state, `{"n":${version}}`)
            const history = yield* store.history({ type: "T", id }, { limit: 1000 })
            assert.deepStrictEqual(
              history.map((entry) => [entry.version, entry.events]),
              Array.from({ length: version }, (_, i) => [version - i, [`"e${version - i}"`]])
            )
            for (let at = 1; at <= version; at++) {
              assert.strictEqual((yield* store.asOf({ type: "T", id }, at))?.state, `{"n":${at}}`)
            }
            const again = yield* store.commit([{
              type: "T",
              id,
              expected: version,
              state: "null",
              events: [],
              replies: [{ commandId: `c${version}`, reply: "" }]
            }])
            assert.deepStrictEqual(again, [{ _tag: "Duplicate", stored: new Map([[`c${version}`, String(version)]]) }])
          }
        })))
    }
  )
})
