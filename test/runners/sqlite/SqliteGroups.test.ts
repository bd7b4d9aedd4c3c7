import { assert, describe, it } from "@effect/vitest"
import { open } from "../../../src/runners/sqlite/SqliteDatabase.ts"
import * as SqliteGroups from "../../../src/runners/sqlite/SqliteGroups.ts"
import { packEntries } from "../../../src/runners/sqlite/SqliteProtocol.ts"
import * as SqliteRunIndex from "../../../src/runners/sqlite/SqliteRunIndex.ts"

describe("groups on SQLite", () => {
  it("are made in steps of bounded work, two scans and two ends", () => {
    const database = open({ filename: ":memory:", synchronous: "FULL", busyMillis: 0, maxValueBytes: 1_000_000 })
    const count = 5000
    const seqs = Array.from({ length: count }, (_, seq) => seq)
    const index = SqliteRunIndex.make(database)
    index.put(
      { run: "r", epoch: index.claim("r") },
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
      [packEntries(
        1,
        seqs.map((seq) => ({ seq, sub: 0, key: `k${seq >> 1}`, bands: [], payload: null, stratum: null }))
      )]
    )
    const groups = SqliteGroups.make(database, "groups", "r", 1, "key")
    let steps = 1
    while (!groups.prepare()) steps++
    assert.strictEqual(steps, 2 * Math.ceil(count / 1024) + 2)
    assert.strictEqual(groups.page(null, count + 1).length, count)
    database.close()
  })
})
