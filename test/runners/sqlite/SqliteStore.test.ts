// Both ports' contracts on SQLite, each test on a file of its own.
import { afterAll } from "@effect/vitest"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Sqlite from "../../../src/runners/sqlite/Sqlite.ts"
import { actorStoreContract } from "../../actors/ActorStoreContract.ts"
import { runIndexContract } from "../../actors/RunIndexContract.ts"

const folder = mkdtempSync(join(tmpdir(), "polya-sqlite-"))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
const layer = () => Sqlite.layer({ filename: join(folder, `${files++}`, "store.db") })

actorStoreContract("SQLite", layer)
runIndexContract("SQLite", layer)
