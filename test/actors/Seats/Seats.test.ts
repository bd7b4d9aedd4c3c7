import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { layerCluster } from "../../../src/actors/Seats/Cluster.ts"
import { layerLocal } from "../../../src/actors/Seats/Local.ts"
import * as SeatsActor from "../../../src/actors/SeatsActor.ts"
import * as EmbeddedCluster from "../../../src/runners/EmbeddedCluster.ts"
import { seatsContract } from "../SeatsContract.ts"

seatsContract("of a process alone", () => layerLocal)
seatsContract(
  "of a cluster",
  () =>
    Layer.fresh(
      layerCluster.pipe(Layer.provide(SeatsActor.layer), Layer.provide(EmbeddedCluster.layer()))
    ),
  // The cluster takes its shards, and the desk's first lease passes.
  Effect.andThen(TestClock.adjust(1), Effect.forEach(Array.from({ length: 10 }), () => TestClock.adjust(500)))
)
