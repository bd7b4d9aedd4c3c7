import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { EntityId, Sharding } from "effect/cluster"
import { defaultClusterShards } from "../../src/runners/Cluster/Shards.ts"
import * as EmbeddedCluster from "../../src/runners/EmbeddedCluster.ts"

describe("the embedded cluster", () => {
  for (const clusterShards of [1, 5, defaultClusterShards]) {
    it.effect(`spreads actors over ${clusterShards} cluster shards`, () =>
      Effect.gen(function*() {
        const sharding = yield* Sharding.Sharding
        const shards = Array.from({ length: 1_000 }, (_, index) => {
          const { group, id } = sharding.getShardId(EntityId.make(`actor ${index}`), "default")
          return `${group} ${id}`
        })
        assert.strictEqual(new Set(shards).size, clusterShards)
      }).pipe(Effect.provide(EmbeddedCluster.layer({ clusterShards }))))
  }
})
