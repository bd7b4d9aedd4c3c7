// Effect's cluster in a world: its real sharding, runners, rpc and pings over the world's network. Who runs and who owns which cluster shard
// is kept in the world's database as in PostgreSQL: locks belong to a session, which ends with its process or when it was silent too long.
import { Effect, Exit, Layer, Option, Schedule } from "effect"
import {
  ClusterError,
  MachineId,
  MessageStorage,
  type Runner,
  RunnerAddress,
  RunnerHealth,
  Runners,
  RunnerServer,
  RunnerStorage,
  type ShardId,
  type Sharding,
  ShardingConfig
} from "effect/cluster"
import { RpcClient, RpcSerialization, RpcServer } from "effect/rpc"
import { Socket, SocketServer } from "effect/socket"
import type { Database } from "./Database.ts"
import type { Network } from "./Network.ts"
import type { Machine } from "./World.ts"

export const clusterShards = 8
/** As `polya runner` has it by default. */
export const expirationMillis = 2_000
const healthMillis = 500

const nameOf = ({ host, port }: RunnerAddress.RunnerAddress): string => `${host}:${port}`

interface Row {
  readonly runner: Runner.Runner
  readonly machineId: number
  healthy: boolean
  heartbeatMillis: number
}
interface Lock {
  readonly machine: Machine
  seenMillis: number
}

/** The tables of runners and locks. */
export class ClusterTables {
  private readonly database: Database
  private readonly runners = new Map<string, Row>()
  private readonly locks = new Map<string, Lock>()
  private ids = 0
  constructor(database: Database) {
    this.database = database
  }
  /** The database hears that the process is gone. */
  endSession(machine: Machine): void {
    for (const [shard, lock] of this.locks) if (lock.machine === machine) this.locks.delete(shard)
  }
  private isFresh(seenMillis: number): boolean {
    return seenMillis > this.database.world.nowMillis - expirationMillis
  }

  storageFor(machine: Machine): Layer.Layer<RunnerStorage.RunnerStorage> {
    const { world } = this.database
    const lost = () => new ClusterError.PersistenceError({ cause: new Error("the connection was lost") })
    const call = <A>(name: string, execute: () => A): Effect.Effect<A, ClusterError.PersistenceError> =>
      this.database.call(machine, name, () => Exit.succeed(execute()), lost)
    return Layer.succeed(RunnerStorage.RunnerStorage, {
      register: (runner, healthy) =>
        call("register", () => {
          const key = nameOf(runner.address)
          const machineId = this.runners.get(key)?.machineId ?? this.ids++
          this.runners.set(key, { runner, machineId, healthy, heartbeatMillis: world.nowMillis })
          return MachineId.make(machineId)
        }),
      unregister: (address) => call("unregister", () => void this.runners.delete(nameOf(address))),
      getRunners: call("getRunners", () =>
        [...this.runners.values()]
          .filter(({ heartbeatMillis }) => this.isFresh(heartbeatMillis))
          .map(({ healthy, runner }) => [runner, healthy] as const)),
      setRunnerHealth: (address, healthy) =>
        call("setRunnerHealth", () => {
          const row = this.runners.get(nameOf(address))
          if (row !== undefined) row.healthy = healthy
        }),
      acquire: (_, shards) =>
        call("acquire", () =>
          [...shards].filter((shard) => {
            const key = shard.toString()
            const lock = this.locks.get(key)
            if (lock !== undefined && lock.machine !== machine && this.isFresh(lock.seenMillis)) return false
            this.locks.set(key, { machine, seenMillis: world.nowMillis })
            world.trace(`${machine.name} acquires ${key}`)
            return true
          })),
      refresh: (address, shards) =>
        call("refresh", () => {
          const row = this.runners.get(nameOf(address))
          if (row !== undefined) row.heartbeatMillis = world.nowMillis
          // Only what it knows to hold: a lock that it took without hearing so ends by itself.
          return [...shards].filter((shard: ShardId.ShardId) => {
            const lock = this.locks.get(shard.toString())
            if (lock?.machine !== machine || !this.isFresh(lock.seenMillis)) return false
            lock.seenMillis = world.nowMillis
            return true
          })
        }),
      release: (_, shard) =>
        call("release", () => {
          if (this.locks.get(shard.toString())?.machine === machine) this.locks.delete(shard.toString())
        }),
      releaseAll: () => call("releaseAll", () => this.endSession(machine))
    })
  }
}

/** What one process of the cluster needs of its world. */
export interface Place {
  readonly machine: Machine
  readonly network: Network
  readonly tables: ClusterTables
}

const shared = ({ machine, network, tables }: Place, address: RunnerAddress.RunnerAddress | undefined) =>
  Layer.mergeAll(
    tables.storageFor(machine),
    MessageStorage.layerNoop,
    Layer.effect(
      Runners.RpcClientProtocol,
      Effect.map(RpcSerialization.RpcSerialization, (serialization) => ({
        codecFor: serialization.codecFor,
        make: (to: RunnerAddress.RunnerAddress) =>
          RpcClient.makeProtocolSocket({
            pingInterval: Math.ceil(expirationMillis / 3),
            pingTimeout: expirationMillis
          }).pipe(
            Effect.provideService(Socket.Socket, network.socketTo(machine, nameOf(to))),
            Effect.provideService(RpcSerialization.RpcSerialization, serialization)
          )
      }))
    )
  ).pipe(
    Layer.provideMerge(RpcSerialization.layerNdjson),
    Layer.provideMerge(ShardingConfig.layer({
      runnerAddress: Option.fromUndefinedOr(address),
      shardsPerGroup: clusterShards,
      shardLockExpiration: expirationMillis,
      shardLockRefreshInterval: Math.ceil(expirationMillis / 3),
      refreshAssignmentsInterval: healthMillis,
      runnerHealthCheckInterval: 1_000,
      entityMessagePollInterval: healthMillis,
      sendRetryInterval: 50,
      entityTerminationTimeout: 2_000,
      maxResidentEntities: "unbounded",
      entityMailboxCapacity: "unbounded",
      simulateRemoteSerialization: false
    }))
  )

/** A process that reaches all actors and hosts none. */
export const client = (place: Place): Layer.Layer<Sharding.Sharding> =>
  RunnerServer.layerClientOnly.pipe(Layer.provide(shared(place, undefined)))

/** A runner that listens at `host`. */
export const runner = (place: Place, host: string): Layer.Layer<Sharding.Sharding> => {
  const { machine, network } = place
  const self = RunnerAddress.make(host, 1)
  const knock = (address: RunnerAddress.RunnerAddress) => network.knock(machine, nameOf(address))
  // A runner whose port refuses is gone; the others say so at once.
  const neighbours = Effect.gen(function*() {
    const storage = yield* RunnerStorage.RunnerStorage
    const look = Effect.gen(function*() {
      for (const [{ address }, healthy] of yield* storage.getRunners) {
        if (!healthy || nameOf(address) === nameOf(self)) continue
        if ((yield* knock(address)) === "refused") yield* storage.setRunnerHealth(address, false)
      }
    })
    yield* look.pipe(Effect.ignore, Effect.repeat(Schedule.spaced(healthMillis)), Effect.forkScoped)
  })
  return RunnerServer.layerWithClients.pipe(
    Layer.provide(RpcServer.layerProtocolSocketServer),
    Layer.merge(Layer.effectDiscard(neighbours)),
    Layer.provide([
      Layer.succeed(RunnerHealth.RunnerHealth, {
        isAlive: (address) => Effect.map(knock(address), (answer) => answer !== "refused")
      }),
      Layer.succeed(SocketServer.SocketServer, network.serverOf(machine, host, 1))
    ]),
    Layer.provide(shared(place, self))
  )
}
