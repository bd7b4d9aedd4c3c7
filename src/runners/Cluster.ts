// Effect's cluster for many processes: runners reach each other over TCP, and PostgreSQL says who they are (a heartbeat row each) and who
// owns which cluster shard (advisory locks, which die with their owner's connection). Messages are not stored: what must last is in the
// actors' rows. A runner that is gone is noticed by its neighbours within `healthMillis`, one that is frozen or cut off by its heartbeat.
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import { Effect, Layer, Option, Schema } from "effect"
import {
  MessageStorage,
  RunnerAddress,
  Runners,
  RunnerServer,
  type Sharding,
  ShardingConfig,
  SocketRunner
} from "effect/cluster"
import { RpcClient, RpcSerialization, RpcServer } from "effect/rpc"
import { Socket, SocketServer } from "effect/socket"
import { EventEmitter } from "node:events"
import type { StoreFailed } from "../actors/ActorStore.ts"
import { type Groups, Member } from "./Cluster/Member.ts"
import * as Neighbours from "./Cluster/Neighbours.ts"
import * as Storage from "./Cluster/Storage.ts"

/**
 * Every shard group that there will ever be. The number of an advisory lock follows from a group's place in this list, so two processes with
 * different lists would not exclude each other: the list is the same everywhere, and never changed while a process of the cluster lives.
 */
export const shardGroups: ReadonlyArray<string> = [
  "default",
  "gpu",
  ...Array.from({ length: 16 }, (_, index) => `gpu-${String(index).padStart(2, "0")}`)
]

export const assignedGroups: { readonly [groups in Groups]: ReadonlyArray<string> } = {
  cpu: ["default"],
  gpu: ["gpu"],
  none: []
}

export interface ClusterOptions extends Omit<Storage.StorageOptions, "database"> {
  readonly groups: Groups
  readonly host: string
  readonly listenHost: string
  readonly port: number
  readonly shards: number
  readonly terminationMillis: number
}

export class PortTaken extends Schema.TaggedError<PortTaken>()("PortTaken", {
  host: Schema.String,
  port: Schema.Int,
  detail: Schema.String
}) {
  override get message() {
    return `Cannot listen on ${this.host}:${this.port} (${this.detail}); choose another port, or 0 for any free one`
  }
}

/**
 * Lines of JSON: a row keeps the order of its fields from runner to runner, which the cluster's binary form does not, and the bytes of the
 * outputs rest on it. A longer message is refused; batches of rows are bounded far below that.
 */
const serialization = RpcSerialization.layerNdjsonWith({ maxBufferSize: 64 * 1024 * 1024 })

export const layer = (
  options: ClusterOptions
): Layer.Layer<Sharding.Sharding | Member, PortTaken | StoreFailed> => {
  const database = { away: false }
  const storage = Storage.layer({ ...options, database })
  return (options.groups === "none" ? client(options, storage) : runner(options, storage)).pipe(
    Layer.provide([manyWriters, Storage.quietLoggers(database)]),
    Layer.provide([MessageStorage.layerNoop, transport(options)]),
    Layer.provide(serialization)
  )
}

/** On a socket between runners each writer that waits for room listens; Node takes more than ten listeners for a mistake. */
const manyWriters = Layer.effectDiscard(Effect.sync(() => {
  EventEmitter.defaultMaxListeners = Math.max(EventEmitter.defaultMaxListeners, 1_000)
}))

const shardingConfig = (options: ClusterOptions, address: RunnerAddress.RunnerAddress | undefined) =>
  ShardingConfig.layer({
    runnerAddress: Option.fromUndefinedOr(address),
    availableShardGroups: shardGroups,
    assignedShardGroups: assignedGroups[options.groups],
    shardsPerGroup: options.shards,
    shardLockExpiration: options.expirationMillis,
    shardLockRefreshInterval: Math.ceil(options.expirationMillis / 3),
    refreshAssignmentsInterval: options.healthMillis,
    // Only brings back runners that were taken for dead wrongly: the neighbours are quicker with the others.
    runnerHealthCheckInterval: Math.max(1_000, options.healthMillis),
    // How soon a failed try to take cluster shards is made again.
    entityMessagePollInterval: Math.max(250, options.healthMillis),
    sendRetryInterval: 50,
    entityTerminationTimeout: Math.ceil(options.terminationMillis / 2),
    // As in the embedded cluster: hosts are few and bounded by design, waiting commands are bounded by the Committer.
    maxResidentEntities: "unbounded",
    entityMailboxCapacity: "unbounded",
    simulateRemoteSerialization: false
  })

const client = (options: ClusterOptions, storage: ReturnType<typeof Storage.layer>) =>
  SocketRunner.layerClientOnly.pipe(
    Layer.merge(memberLayer(null, options)),
    Layer.provide(storage),
    Layer.provide(shardingConfig(options, undefined))
  )

const runner = (options: ClusterOptions, storage: ReturnType<typeof Storage.layer>) => {
  const { healthMillis, host, port } = options
  const listenHost = options.listenHost === "" ? host : options.listenHost
  return Layer.unwrap(Effect.gen(function*() {
    const { address } = yield* SocketServer.SocketServer
    const self = RunnerAddress.make(host, "port" in address ? Number(address.port) : port)
    return RunnerServer.layerWithClients.pipe(
      Layer.provide(RpcServer.layerProtocolSocketServer),
      Layer.merge(memberLayer(`${self.host}:${self.port}`, options)),
      Layer.merge(Layer.effectDiscard(Effect.forkScoped(Neighbours.watch(self, healthMillis)))),
      Layer.provide([Neighbours.healthLayer, storage]),
      Layer.provide(shardingConfig(options, self))
    )
  })).pipe(Layer.provide(Layer.effect(
    SocketServer.SocketServer,
    Effect.mapError(
      NodeSocketServer.make({ host: listenHost, port }),
      ({ cause, message }) =>
        new PortTaken({ host: listenHost, port, detail: cause instanceof Error ? cause.message : message })
    )
  )))
}

const memberLayer = (address: string | null, { groups, shards }: ClusterOptions) =>
  Layer.effect(
    Member,
    Effect.map(Storage.RunnerTable, (table) =>
      Member.of({
        address,
        groups: assignedGroups[groups],
        shards,
        runners: () =>
          table.runners().flatMap(({ healthy, runner: { address } }) =>
            healthy ? [`${address.host}:${address.port}`] : []
          )
      }))
  )

/** TCP to other runners. One that does not answer pings (frozen, or the network is cut) fails the calls that wait for it, which are sent again. */
const transport = ({ expirationMillis }: ClusterOptions) =>
  Layer.effect(
    Runners.RpcClientProtocol,
    Effect.map(RpcSerialization.RpcSerialization, (serialization) => ({
      codecFor: serialization.codecFor,
      make: Effect.fnUntraced(function*(address: RunnerAddress.RunnerAddress) {
        const socket = yield* NodeSocket.makeNet({ host: address.host, port: address.port, openTimeout: 1_000 })
        return yield* RpcClient.makeProtocolSocket({
          pingInterval: Math.ceil(expirationMillis / 3),
          pingTimeout: expirationMillis
        }).pipe(
          Effect.provideService(Socket.Socket, socket),
          Effect.provideService(RpcSerialization.RpcSerialization, serialization)
        )
      }, Effect.orDie)
    }))
  )
