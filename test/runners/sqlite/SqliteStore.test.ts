// The ports' contracts on SQLite, each test on a file of its own.
import { afterAll } from "@effect/vitest"
import { TestClock } from "effect/testing"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Sqlite from "../../../src/runners/sqlite/Sqlite.ts"
import { actorIndexContract, smallBounds } from "../../actors/ActorIndexContract.ts"
import { actorStoreContract } from "../../actors/ActorStoreContract.ts"
import { callLogContract } from "../../actors/CallLogContract.ts"
import { processesContract } from "../../actors/ProcessesContract.ts"
import { runIndexContract } from "../../actors/RunIndexContract.ts"

const folder = mkdtempSync(join(tmpdir(), "polya-sqlite-"))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
const fileOf = () => join(folder, `${files++}`, "store.db")
const layer = () => Sqlite.layer({ filename: fileOf() })

actorStoreContract("SQLite", layer)
actorIndexContract("SQLite", layer)
actorIndexContract(
  "SQLite with small bounds",
  () => Sqlite.layer({ filename: fileOf(), searchBounds: smallBounds }),
  true
)
runIndexContract("SQLite", layer)
processesContract("SQLite", layer, TestClock.adjust)
callLogContract("SQLite", layer)
