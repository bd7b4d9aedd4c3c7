// Lists on a SQLite file that is older than they.
import { afterAll, assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { ActorIndex } from "../../../src/actors/ActorIndex.ts"
import { ActorStore } from "../../../src/actors/ActorStore.ts"
import { migrationTable, sqliteMigrations } from "../../../src/runners/Migrations.ts"
import * as Sqlite from "../../../src/runners/sqlite/Sqlite.ts"

const folder = mkdtempSync(join(tmpdir(), "polya-sqlite-"))
afterAll(() => rmSync(folder, { recursive: true }))

it.effect("lists begin empty on an older store and fill with its next commits", () => {
  const filename = join(folder, "old.db")
  const db = new DatabaseSync(filename)
  db.exec(migrationTable)
  for (const { name, number, statements } of sqliteMigrations.filter(({ number }) => number <= 2)) {
    for (const statement of statements) db.exec(statement)
    db.prepare("INSERT INTO polya_migration VALUES (?, ?, 'then')").run(number, name)
  }
  db.exec("INSERT INTO polya_actor_state VALUES ('T', 'a', 7, '1', 0)")
  db.close()
  return Effect.gen(function*() {
    const store = yield* ActorStore
    const index = yield* ActorIndex
    assert.deepStrictEqual(yield* index.tally({}), [])
    assert.deepStrictEqual(yield* store.load([{ type: "T", id: "a" }]), [{ version: 7, state: "1" }])
    const facets = { status: "s", stage: "x", group: null, attempts: 0, error: null, waiting: null, text: "word" }
    const commit = { type: "T", id: "a", expected: 7, state: "2", replies: [], events: [], facets }
    assert.deepStrictEqual(yield* store.commit([commit]), [{ _tag: "Committed" }])
    assert.deepStrictEqual(yield* index.tally({}), [{ type: "T", status: "s", stage: "x", count: 1 }])
    assert.deepStrictEqual(yield* index.count({ type: "T", text: "wo" }, 9), { count: 1, more: false })
  }).pipe(Effect.provide(Sqlite.layer({ filename })))
})
