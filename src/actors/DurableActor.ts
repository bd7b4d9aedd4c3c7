// A durable actor: a state schema, commands, and a pure `decide`. Every command has exactly one effect and one reply per command id,
// whatever is killed: state, reply and events are one fenced commit (Committer, ActorStore).
// Actors live in host entities of Effect's cluster: one host per actor (`own`) or a fixed number of hosts that share them
// (`shared`): a host is then one bucket of actors, wakes once, and takes many commands in one message (docs/decisions/0002).
import type { Layer } from "effect"
import { Clock, Context, Effect, type Exit, Queue, Schedule, Schema, type Scope, Stream } from "effect"
import { ClusterError, ClusterSchema, Entity, type Sharding } from "effect/cluster"
import { Rpc } from "effect/rpc"
import type { Decision } from "../domain/Decision.ts"
import { digest } from "../domain/Ids.ts"
import { ActorStore, type HistoryEntry, StoreFailed } from "./ActorStore.ts"
import { ActorUnavailable, Cell, Committer, type Op, readOp, type Snapshot, type StateCodec } from "./Committer.ts"

export interface CommandSpec {
  readonly payload: Schema.Struct.Fields
  readonly success: Schema.Codec<any, any>
  /** Refusals: tagged errors that `decide` may answer with. */
  readonly error?: Schema.Codec<any, any>
}
export type Commands = Readonly<Record<string, CommandSpec>>
export type PayloadOf<C extends CommandSpec> = Schema.Struct<C["payload"]>["Type"]
export type ReplyOf<C extends CommandSpec> = C["success"]["Type"]
export type RefusalOf<C extends CommandSpec> = C extends { readonly error: Schema.Codec<infer E, any> } ? E : never

/** Where actors of a type live. `shared` must never change on live data of several runners that run at once. */
export type Placement = { readonly _tag: "own" } | { readonly _tag: "shared"; readonly hosts: number }

export interface Definition<Type extends string, S extends Schema.Codec<any, any>, C extends Commands> {
  readonly type: Type
  /** The stored form. A schema that changes must still decode what is stored: add fields with defaults, never rename. */
  readonly state: S
  readonly initial: S["Type"]
  readonly commands: C
  readonly decide: {
    readonly [K in keyof C]: (
      state: S["Type"],
      command: PayloadOf<C[K]>
    ) => Decision<S["Type"], ReplyOf<C[K]>, RefusalOf<C[K]>>
  }
  readonly placement: Placement
  /** Cluster shard group of an actor's host. Default "default". */
  readonly shardGroup?: string
}

/** Limits of the actors of one runner; the fields of `polya config`'s area "actor". */
export interface ActorLimits {
  /** A call that is not answered by then fails. Default 30,000. */
  readonly commandDeadlineMillis: number
  /** An actor that nobody used for so long leaves memory. Default 30,000. */
  readonly idleMillis: number
  /** Actors in memory on one runner, of one type; the longest unused leave first. Default 8,192. */
  readonly maxResidentActors: number
}
export const actorLimitsDefaults: ActorLimits = {
  commandDeadlineMillis: 30_000,
  idleMillis: 30_000,
  maxResidentActors: 8_192
}
export const ActorLimits = Context.Reference<ActorLimits>("polya/ActorLimits", {
  defaultValue: () => actorLimitsDefaults
})

/** A step from inside a host, without a command id. */
export type Step<C extends Commands> = {
  [K in keyof C & string]: { readonly actor: string; readonly tag: K; readonly payload: PayloadOf<C[K]> }
}[keyof C & string]

/** What handlers of procedures may do with the actors of their host. */
export interface Host<State, C extends Commands> {
  readonly hostId: string
  readonly snapshot: (actor: string) => Effect.Effect<Snapshot<State>, ActorUnavailable>
  /** The states of many actors, loaded together. */
  readonly snapshots: (actors: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Snapshot<State>>, ActorUnavailable>
  /** A step from inside: without a command id it is guarded by the state alone. */
  readonly send: <K extends keyof C & string>(
    actor: string,
    tag: K,
    payload: PayloadOf<C[K]>,
    commandId?: string
  ) => Effect.Effect<ReplyOf<C[K]>, RefusalOf<C[K]> | ActorUnavailable>
  /** Many steps at once, in one flush where they fit; each has its own exit. */
  readonly sendAll: (steps: ReadonlyArray<Step<C>>) => Effect.Effect<
    ReadonlyArray<Exit.Exit<ReplyOf<C[keyof C]>, RefusalOf<C[keyof C]> | ActorUnavailable>>
  >
  /** Lets these actors leave memory now, if nothing waits for them. */
  readonly release: (actors: ReadonlyArray<string>) => void
}

/** Calls to one actor. Every command takes an id; without one it gets a new one, so that only its own retries share the effect. */
export interface Client<State, C extends Commands> {
  readonly send: <K extends keyof C & string>(
    tag: K,
    payload: PayloadOf<C[K]>,
    options?: { readonly commandId?: string; readonly deadlineMillis?: number }
  ) => Effect.Effect<ReplyOf<C[K]>, RefusalOf<C[K]> | ActorUnavailable>
  readonly get: Effect.Effect<Snapshot<State>, ActorUnavailable>
  /** The committed state now, then every later one that the consumer is quick enough to see. Versions only grow. */
  readonly watch: Stream.Stream<Snapshot<State>, ActorUnavailable>
}

type RpcOf<Tag extends string, C extends CommandSpec> = Rpc.Rpc<
  Tag,
  Schema.Struct<C["payload"] & { readonly actor: typeof Schema.String; readonly commandId: typeof Schema.String }>,
  C["success"],
  Schema.Codec<RefusalOf<C> | ActorUnavailable, any>
>

const hostNumber = (id: string, hosts: number): number => Number.parseInt(digest(["host", id], 8), 16) % hosts

export const make = <
  const Type extends string,
  S extends Schema.Codec<any, any>,
  const C extends Commands,
  P extends Rpc.Any = never
>(definition: Definition<Type, S, C>, procedures: ReadonlyArray<P> = []) => {
  type State = S["Type"]
  const { placement, type } = definition
  const hostOf = (actor: string): string => placement._tag === "own" ? actor : `h${hostNumber(actor, placement.hosts)}`
  const snapshotSchema = Schema.Struct({ version: Schema.Int, state: definition.state })
  const read = { payload: { actor: Schema.String }, success: snapshotSchema, error: ActorUnavailable }
  const rpcs = Object.entries(definition.commands).map(([tag, spec]) =>
    Rpc.make(tag, {
      payload: { ...spec.payload, actor: Schema.String, commandId: Schema.String },
      success: spec.success,
      error: spec.error === undefined ? ActorUnavailable : Schema.Union([spec.error, ActorUnavailable])
    })
  )
  // The command rpcs are made from a record, so their types are stated here, once.
  type Rpcs = { [K in keyof C & string]: RpcOf<K, C[K]> }[keyof C & string] | P
  const made = Entity.make(type, [
    ...rpcs,
    Rpc.make("Get", read),
    Rpc.make("Watch", { ...read, stream: true }),
    ...procedures
  ] as Array<any>)
  const entity = (definition.shardGroup === undefined
    ? made
    : made.annotate(ClusterSchema.ShardGroup, () => definition.shardGroup as string)) as unknown as Entity.Entity<
      Type,
      Rpcs
    >

  const codec = jsonCodec<State>(definition.state)
  const stateCodec: StateCodec<State> = { initial: definition.initial, ...codec }
  const replies = new Map(Object.entries(definition.commands).map(([tag, spec]) => [tag, jsonCodec<any>(spec.success)]))
  const decides = definition.decide as Readonly<
    Record<string, (state: State, payload: any) => Decision<State, any, any>>
  >

  const makeHost = Effect.gen(function*() {
    const committer = yield* Committer
    const limits = yield* ActorLimits
    const clock = yield* Clock.Clock
    const { entityId } = yield* Entity.CurrentAddress
    const cells = new Map<string, Cell<State>>()
    const mine = Math.max(1, Math.ceil(limits.maxResidentActors / (placement._tag === "own" ? 1 : placement.hosts)))

    /** Cells are kept in order of last use, so the first quiet ones are the longest unused. */
    const cellOf = (actor: string): Cell<State> => {
      let cell = cells.get(actor)
      if (cell === undefined) cell = new Cell(type, actor, stateCodec)
      else cells.delete(actor)
      cells.set(actor, cell)
      cell.lastUsedMillis = clock.currentTimeMillisUnsafe()
      if (cells.size > mine) forget((_, over) => over > 0)
      return cell
    }
    const forget = (gone: (cell: Cell<State>, over: number) => boolean): void => {
      let over = cells.size - mine
      for (const [actor, cell] of cells) {
        if (!gone(cell, over)) break
        if (!cell.quiet) continue
        cells.delete(actor)
        over--
      }
    }
    yield* Effect.sync(() => {
      const unusedSince = clock.currentTimeMillisUnsafe() - limits.idleMillis
      forget((cell) => cell.lastUsedMillis <= unusedSince)
    }).pipe(
      Effect.repeat(Schedule.spaced(Math.max(1_000, limits.idleMillis / 2))),
      Effect.forkScoped
    )

    const opOf = (tag: string, payload: any, commandId: string | undefined): Op<State> => {
      const decide = decides[tag]
      const reply = replies.get(tag)
      if (decide === undefined || reply === undefined) throw new Error(`${type} has no command ${tag}`)
      return {
        commandId,
        decide: (state) => decide(state, payload),
        encodeReply: reply.encode,
        decodeReply: reply.decode,
        waiters: []
      }
    }
    const submitAll = (
      ops: ReadonlyArray<readonly [string, Op<State>]>
    ): Effect.Effect<ReadonlyArray<Exit.Exit<any, any>>> =>
      ops.length === 0 ? Effect.succeed([]) : Effect.callback((resume) => {
        const exits: Array<Exit.Exit<any, any>> = new Array(ops.length)
        let missing = ops.length
        ops.forEach(([actor, op], index) => {
          op.waiters.push((exit) => {
            exits[index] = exit
            if (--missing === 0) resume(Effect.succeed(exits))
          })
          committer.submit(cellOf(actor), op)
        })
      })
    const submit = (actor: string, op: Op<State>): Effect.Effect<any, any> =>
      Effect.callback((resume) => {
        op.waiters.push((exit) => resume(exit))
        committer.submit(cellOf(actor), op)
      })
    const snapshot = (actor: string): Effect.Effect<Snapshot<State>, ActorUnavailable> =>
      Effect.suspend(() => {
        const row = cellOf(actor).row
        return row === undefined ? submit(actor, readOp()) : Effect.succeed(row)
      })
    type Read = Exit.Exit<Snapshot<State>, ActorUnavailable>
    const host: Host<State, C> = {
      hostId: entityId,
      snapshot,
      snapshots: (actors) =>
        Effect.gen(function*() {
          const rows = actors.map((actor) => cellOf(actor).row)
          const cold = actors.flatMap((actor, at): ReadonlyArray<readonly [string, Op<State>]> =>
            rows[at] === undefined ? [[actor, readOp()]] : []
          )
          const loaded = (yield* submitAll(cold)).values()
          return yield* Effect.forEach(rows, (row) =>
            row === undefined ? loaded.next().value as Read : Effect.succeed(row))
        }),
      send: (actor, tag, payload, commandId) => submit(actor, opOf(tag, payload, commandId)),
      sendAll: (steps) => submitAll(steps.map(({ actor, payload, tag }) => [actor, opOf(tag, payload, undefined)])),
      release: (actors) => {
        for (const actor of actors) if (cells.get(actor)?.quiet === true) cells.delete(actor)
      }
    }
    const watch = (actor: string) =>
      Stream.callback<Snapshot<State>, ActorUnavailable>((queue) =>
        Effect.gen(function*() {
          let shown = -1
          const push = (row: Snapshot<State>): void => {
            if (row.version <= shown) return
            shown = row.version
            Queue.offerUnsafe(queue, row)
          }
          yield* Effect.acquireRelease(
            Effect.sync(() => cellOf(actor).watchers.add(push)),
            (watchers) => Effect.sync(() => watchers.delete(push))
          )
          push(yield* patiently(snapshot(actor), limits.commandDeadlineMillis))
        }), { bufferSize: 1, strategy: "sliding" })
    const handlers: Record<string, (request: any) => any> = {
      Get: ({ payload }) => snapshot(payload.actor),
      Watch: ({ payload }) => Rpc.fork(watch(payload.actor))
    }
    for (const tag of Object.keys(definition.commands)) {
      handlers[tag] = ({ payload: { actor, commandId, ...payload } }) => submit(actor, opOf(tag, payload, commandId))
    }
    return { host, handlers }
  })

  /** Serves the actors on this runner. `procedures` makes the handlers of the extra rpcs, once per host. */
  const layer = <R = never>(
    makeProcedures: (
      host: Host<State, C>
    ) => Effect.Effect<Readonly<Record<string, (payload: any) => Effect.Effect<any, any>>>, never, R> = () =>
      Effect.succeed({})
  ): Layer.Layer<never, never, Exclude<R, Scope.Scope | Entity.CurrentAddress> | Committer | Sharding.Sharding> =>
    made.toLayer(
      Effect.gen(function*() {
        const { handlers, host } = yield* makeHost
        for (const [tag, handler] of Object.entries(yield* makeProcedures(host))) {
          handlers[tag] = ({ payload }) => handler(payload)
        }
        return handlers
      }) as any,
      { concurrency: "unbounded", mailboxCapacity: "unbounded", disableFatalDefects: true, maxIdleTime: "10 minutes" }
    ) as any

  const client = Effect.gen(function*() {
    const clientOf = (yield* made.client) as unknown as (host: string) => Record<string, (payload: any) => any>
    const limits = yield* ActorLimits
    return (actor: string): Client<State, C> => {
      const host = clientOf(hostOf(actor))
      return {
        send: (tag, payload, options = {}) =>
          Effect.flatMap(
            options.commandId === undefined ? newCommandId : Effect.succeed(options.commandId),
            (commandId) =>
              patiently(
                Effect.suspend(() =>
                  host[tag]?.({ ...payload, actor, commandId }) ?? Effect.die(`${type} has no command ${tag}`)
                ),
                options.deadlineMillis ?? limits.commandDeadlineMillis
              )
          ) as any,
        get: patiently(Effect.suspend(() => host["Get"]?.({ actor })), limits.commandDeadlineMillis) as any,
        watch: Stream.suspend(() => host["Watch"]?.({ actor }) as Stream.Stream<Snapshot<State>, ActorUnavailable>)
      }
    }
  })

  /** The state as it was at `version`, from the store; none if that version never was or was pruned. */
  const asOf = (actor: string, version: number): Effect.Effect<Snapshot<State> | undefined, StoreFailed, ActorStore> =>
    Effect.map(
      Effect.flatMap(ActorStore, (store) => store.asOf({ type, id: actor }, version)),
      (row) => row && { version: row.version, state: codec.decode(row.state) }
    )
  /** Commits newest first, each with its events; at most `limit`. */
  const history = (
    actor: string,
    options: { readonly limit: number; readonly before?: number }
  ): Effect.Effect<ReadonlyArray<HistoryEntry>, StoreFailed, ActorStore> =>
    Effect.flatMap(ActorStore, (store) => store.history({ type, id: actor }, options))

  return { type, entity, hostOf, codec, layer, client, asOf, history }
}

/** JSON text of a schema's values. States whose stored form is their memory form cost one `JSON.parse` and one check. */
const jsonCodec = <A>(
  schema: Schema.Codec<A, any>
): { readonly encode: (value: A) => string; readonly decode: (json: string) => A } => {
  const encode = Schema.encodeSync(schema)
  const decode = Schema.decodeSync(schema)
  return { encode: (value) => JSON.stringify(encode(value) ?? null), decode: (json) => decode(JSON.parse(json)) }
}

const newCommandId = Effect.sync(() => globalThis.crypto.randomUUID() as string)

/**
 * Asks an actor or the store until the deadline: while the actor moves, the store is away or the runner is overloaded, the same command goes out again,
 * which is safe because its id is the same. Then fails with `ActorUnavailable`.
 */
export const patiently = <A, E>(
  call: Effect.Effect<A, E>,
  deadlineMillis: number
): Effect.Effect<A, E | ActorUnavailable> =>
  Effect.suspend(() => {
    let last = ""
    return call.pipe(
      Effect.catchIf(
        (error): error is E => isRouting(error),
        (error) => Effect.fail(new ActorUnavailable({ reason: "unavailable", detail: String(error) }))
      ),
      Effect.tapError((error) => Effect.sync(() => last = `; the last one: ${String((error as Error).message)}`)),
      Effect.retry({
        while: mayPass,
        schedule: Schedule.min([Schedule.exponential("10 millis"), Schedule.spaced("1 second")])
      }),
      Effect.timeoutOrElse({
        duration: deadlineMillis,
        orElse: () =>
          Effect.fail(
            new ActorUnavailable({ reason: "unavailable", detail: `no answer within ${deadlineMillis} ms${last}` })
          )
      })
    ) as Effect.Effect<A, E | ActorUnavailable>
  })

/** The patience of work that no caller waits for: ten minutes of a store or a runner being away. */
export const patient = <A, E>(call: Effect.Effect<A, E>): Effect.Effect<A, E | ActorUnavailable> =>
  patiently(call, 600_000)

const mayPass = (error: unknown): boolean =>
  (error instanceof ActorUnavailable && error.again) || (error instanceof StoreFailed && error.reason === "unavailable")

const isRouting = (error: unknown): boolean =>
  error instanceof ClusterError.MailboxFull || error instanceof ClusterError.AlreadyProcessingMessage ||
  error instanceof ClusterError.PersistenceError || error instanceof ClusterError.RunnerUnavailable ||
  error instanceof ClusterError.EntityNotAssignedToRunner || error instanceof ClusterError.RunnerNotRegistered
