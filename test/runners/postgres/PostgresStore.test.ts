// Both ports' contracts on PostgreSQL, each test in a schema of its own.
import { describe, it } from "@effect/vitest"
import { actorStoreContract } from "../../actors/ActorStoreContract.ts"
import { runIndexContract } from "../../actors/RunIndexContract.ts"
import { available, freshSchema, layerIn, skipped } from "./TestDatabase.ts"

describe.skipIf(!available)("PostgreSQL", () => {
  actorStoreContract("PostgreSQL", () => layerIn(freshSchema()))
  runIndexContract("PostgreSQL", () => layerIn(freshSchema()))
})
if (!available) it(skipped, ({ skip }) => skip(skipped))
