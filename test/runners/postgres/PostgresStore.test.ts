// The ports' contracts on PostgreSQL, each test in a schema of its own.
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { actorIndexContract, smallBounds } from "../../actors/ActorIndexContract.ts"
import { actorStoreContract } from "../../actors/ActorStoreContract.ts"
import { callLogContract } from "../../actors/CallLogContract.ts"
import { processesContract } from "../../actors/ProcessesContract.ts"
import { runIndexContract } from "../../actors/RunIndexContract.ts"
import { available, freshSchema, layerIn, query, skipped } from "./TestDatabase.ts"

describe.skipIf(!available)("PostgreSQL", () => {
  actorStoreContract("PostgreSQL", () => layerIn(freshSchema()))
  actorIndexContract("PostgreSQL", () => layerIn(freshSchema()))
  actorIndexContract(
    "PostgreSQL with small bounds",
    () => layerIn(freshSchema(), { searchBounds: smallBounds }),
    true
  )
  runIndexContract("PostgreSQL", () => layerIn(freshSchema()))
  callLogContract("PostgreSQL", () => layerIn(freshSchema()))

  let schema = ""
  processesContract(
    "PostgreSQL",
    () => layerIn(schema = freshSchema()),
    (millis) => Effect.asVoid(Effect.suspend(() => query(`UPDATE ${schema}.polya_process SET seen = seen - ${millis}`)))
  )
})
if (!available) it(skipped, ({ skip }) => skip(skipped))
