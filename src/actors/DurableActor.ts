// A durable actor: a state schema, commands, and a pure `decide`. Every command has exactly one effect and one reply per command id,
// whatever is killed: state, reply and events are one fenced commit (Committer, ActorStore).
// Actors live in host entities of Effect's cluster: one host per actor (`own`) or a fixed number of hosts that share them
// (`shared`): a host is then one bucket of actors, wakes once, and takes many commands in one message (docs/decisions/0002).
import type { Layer } from "effect"
import {
  Cause,
  Clock,
  Effect,
  type Exit,
  Queue,
  Schedule,
  Schema,
  type Scope,
  Stream,
  type Tracer
} from "effect"
import { ClusterError, ClusterSchema, Entity, Sharding } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { Socket } from "effect/socket"
import type { By, Facets } from "../domain/Commit.ts"
import { accept, type Decision, refuse } from "../domain/Decision.ts"
import { ActorLimits } from "./ActorLimits.ts"
import { ActorStore, type HistoryEntry, StoreFailed } from "./ActorStore.ts"
import {
  ActorUnavailable,
  Cell,
  Committer,
  KeyReused,
  type Op,
  readOp,
  type Snapshot,
  type StateCodec
} from "./Committer.ts"
import { DirectHosts, serve } from "./DurableActor/DirectCalls.ts"
import { RunnerStats } from "./RunnerStats.ts"
import { recordedSpan } from "./Tracing.ts"

export { ActorLimits, actorLimitsDefaults } from "./ActorLimits.ts"

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
  /** Says what of a state nobody may replace, in a sentence; nothing where the new one will do. */
  readonly fixed?: (before: S["Type"], after: S["Type"]) => string | undefined
  /** What lists and searches are to know of an actor. Pure and cheap: it is asked before and after each commit. */
  readonly describe?: (state: S["Type"], id: string) => Facets
  /** Cluster shard group of an actor's host. Default "default". */
  readonly shardGroup?: string
}

/** The state has moved on since it was read. */
export class VersionMoved extends Schema.TaggedError<VersionMoved>()("VersionMoved", {
  expected: Schema.Int,
  version: Schema.Int
}) {
  override get message() {
    return `The actor is at version ${this.version}, not ${this.expected}: read it again and decide anew`
  }
}
/** A state that was given from outside does not fit the type's schema. */
export class StateUnfit extends Schema.TaggedError<StateUnfit>()("StateUnfit", { detail: Schema.String }) {
  override get message() {
    return `The new state does not fit: ${this.detail}`
  }
}

/** Puts another state in place of the one at version `expected`: for an operator who knows why. Every type has it. */
const Replace = {
  payload: { expected: Schema.Int, state: Schema.String },
  success: Schema.Struct({ version: Schema.Int }),
  error: Schema.Union([VersionMoved, StateUnfit])
}
/** Fields of the envelope that every command travels in. */
const reserved = ["actor", "asked", "by", "commandId"]
const ByFields = Schema.Struct({ who: Schema.String, why: Schema.String })

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

export interface SendOptions {
  readonly commandId?: string | undefined
  readonly deadlineMillis?: number | undefined
  /** Who answers for the command, and why; noted in the audit log with its effect. */
  readonly by?: By | undefined
  /** Names what is asked for: the same command id with another name is refused (KeyReused), not answered with the first reply. */
  readonly asked?: string | undefined
}

/** Calls to one actor. Every command takes an id; without one it gets a new one, so that only its own retries share the effect. */
export interface Client<State, C extends Commands> {
  readonly send: <K extends keyof C & string>(
    tag: K,
    payload: PayloadOf<C[K]>,
    options?: SendOptions
  ) => Effect.Effect<ReplyOf<C[K]>, RefusalOf<C[K]> | ActorUnavailable>
  /** Compare-and-set of the whole state, as JSON text; the history keeps the one before. */
  readonly replace: (
    command: { readonly expected: number; readonly state: string },
    options: SendOptions & { readonly by: By }
  ) => Effect.Effect<{ readonly version: number }, VersionMoved | StateUnfit | KeyReused | ActorUnavailable>
  readonly get: Effect.Effect<Snapshot<State>, ActorUnavailable>
  /**
   * The committed state now, then every later one that the consumer is quick enough to see. Versions only grow; the last is seen at the
   * latest after half of `idleMillis` (1 to 30 s), also if another runner wrote it.
   */
  readonly watch: Stream.Stream<Snapshot<State>, ActorUnavailable>
}

type RpcOf<Tag extends string, C extends CommandSpec> = Rpc.Rpc<
  Tag,
  Schema.Struct<
    C["payload"] & {
      readonly actor: typeof Schema.String
      readonly commandId: typeof Schema.String
      readonly by: Schema.optionalKey<typeof ByFields>
    }
  >,
  C["success"],
  Schema.Codec<RefusalOf<C> | ActorUnavailable, any>
>

/** A map whose entries change places at each call leaves much work to the garbage collector. */
const orderMillis = 1_000

/** FNV-1a over UTF-16 units, mixed once more (murmur3's last step), because ids that count up differ in few bits. */
const hostNumber = (id: string, hosts: number): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b)
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35)
  return ((hash ^ hash >>> 16) >>> 0) % hosts
}

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
  for (const [tag, { payload }] of Object.entries(definition.commands)) {
    const taken = reserved.find((field) => Object.hasOwn(payload, field))
    if (taken !== undefined) throw new Error(`${type}.${tag} may not have a field ${taken}: the envelope has one`)
  }
  const commands: Commands = { ...definition.commands, Replace }
  const rpcs = Object.entries(commands).map(([tag, spec]) =>
    Rpc.make(tag, {
      payload: {
        ...spec.payload,
        actor: Schema.String,
        commandId: Schema.String,
        by: Schema.optionalKey(ByFields),
        asked: Schema.optionalKey(Schema.String)
      },
      success: spec.success,
      error: Schema.Union([...(spec.error === undefined ? [] : [spec.error]), ActorUnavailable, KeyReused])
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
  const stateCodec: StateCodec<State> = { initial: definition.initial, ...codec, describe: definition.describe }
  const replies = new Map(Object.entries(commands).map(([tag, spec]) => [tag, jsonCodec<any>(spec.success)]))
  type Decide = (state: State, payload: any, version: number | undefined) => Decision<State, any, any>
  const replace = (
    before: State,
    { expected, state }: { readonly expected: number; readonly state: string },
    version: number | undefined
  ): Decision<State, { readonly version: number }, VersionMoved | StateUnfit> => {
    // A command of the same flush went first: the state that was expected is gone.
    if (version === undefined) return refuse(new VersionMoved({ expected, version: expected + 1 }))
    if (version !== expected) return refuse(new VersionMoved({ expected, version }))
    try {
      const after = codec.decode(state)
      const detail = definition.fixed?.(before, after)
      return detail === undefined
        ? accept(after, { version: version + 1 }, [{ _tag: "Replaced" }])
        : refuse(new StateUnfit({ detail }))
    } catch (cause) {
      return refuse(new StateUnfit({ detail: cause instanceof Error ? cause.message : String(cause) }))
    }
  }
  const names = new Map(Object.keys(commands).map((tag) => [tag, `${type}.${tag}`]))
  const decides: Readonly<Record<string, Decide>> = { ...definition.decide as any, Replace: replace }

  const opOf = (
    tag: string,
    payload: any,
    commandId: string | undefined,
    span: Tracer.Span | undefined,
    by?: By,
    asked?: string
  ): Op<State> => {
    const decide = decides[tag]
    const reply = replies.get(tag)
    if (decide === undefined || reply === undefined) throw new Error(`${type} has no command ${tag}`)
    return {
      name: names.get(tag) ?? tag,
      by,
      commandId,
      decide: (state, version) => decide(state, payload, version),
      asked,
      encodeReply: asked === undefined ? reply.encode : (value) => `#${asked}:${reply.encode(value)}`,
      decodeReply: (stored) => {
        if (!stored.startsWith("#")) return reply.decode(stored)
        const end = stored.indexOf(":")
        if (asked !== undefined && stored.slice(1, end) !== asked) throw new KeyReused()
        return reply.decode(stored.slice(end + 1))
      },
      waiters: [],
      span
    }
  }
  const direct = new DirectHosts<State>()

  const makeHost = Effect.gen(function*() {
    const committer = yield* Committer
    const limits = yield* ActorLimits
    const clock = yield* Clock.Clock
    const { entityId } = yield* Entity.CurrentAddress
    const cells = new Map<string, Cell<State>>()
    yield* (yield* RunnerStats).resident(type, () => cells.size)
    const hosts = placement._tag === "own" ? 1 : placement.hosts
    const mine = (): number => Math.max(1, Math.ceil(limits.maxResidentActors / hosts))

    /** Cells are kept in order of last use, within `orderMillis`, so the first quiet ones are the longest unused. */
    const cellOf = (actor: string): Cell<State> => {
      const nowMillis = clock.currentTimeMillisUnsafe()
      let cell = cells.get(actor)
      if (cell === undefined) cells.set(actor, cell = new Cell(type, actor, stateCodec))
      else if (nowMillis - cell.lastUsedMillis < orderMillis) return cell
      else {
        cells.delete(actor)
        cells.set(actor, cell)
      }
      cell.lastUsedMillis = nowMillis
      // Not the one that is asked for: its caller is about to use it, and a second cell of its actor would know nothing of that.
      if (cells.size > mine()) forget((other, over) => over > 0 && other !== cell)
      return cell
    }
    const forget = (gone: (cell: Cell<State>, over: number) => boolean): void => {
      let over = cells.size - mine()
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
      // A write that its runner gave up may land late, and no command may come to tell: what is watched is read again.
      for (const cell of cells.values()) {
        if (cell.phase !== "idle" || cell.watchers.size === 0) continue
        cell.row = undefined
        committer.submit(cell, readOp())
      }
    }).pipe(
      Effect.andThen(Effect.suspend(() => Effect.sleep(Math.max(1_000, Math.min(limits.idleMillis / 2, 30_000))))),
      Effect.forever,
      Effect.forkScoped
    )

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
      send: (actor, tag, payload, commandId) =>
        Effect.withFiber((fiber) => submit(actor, opOf(tag, payload, commandId, recordedSpan(fiber)))),
      sendAll: (steps) =>
        Effect.withFiber((fiber) => {
          const span = recordedSpan(fiber)
          return submitAll(steps.map(({ actor, payload, tag }) => [actor, opOf(tag, payload, undefined, span)]))
        }),
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
    const reached = yield* serve(direct, committer.submit, cellOf)
    const handlers: Record<string, (request: any) => any> = {
      Get: ({ payload }) => snapshot(payload.actor),
      Watch: ({ payload }) => Rpc.fork(watch(payload.actor))
    }
    for (const tag of Object.keys(commands)) {
      handlers[tag] = ({ payload: { actor, asked, by, commandId, ...payload } }) =>
        Effect.withFiber((fiber) => {
          const span = recordedSpan(fiber)
          span?.attribute("polya.actor", actor)
          span?.attribute("polya.command_id", commandId)
          return submit(actor, opOf(tag, payload, commandId, span, by, asked))
        })
    }
    return { host, handlers, reached }
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
        const { handlers, host, reached } = yield* makeHost
        for (const [tag, handler] of Object.entries(yield* makeProcedures(host))) {
          handlers[tag] = ({ payload }) => handler(payload)
        }
        const told = ([tag, handler]: readonly [string, (request: any) => any]) => [tag, (request: any) => {
          reached()
          return handler(request)
        }]
        return Object.fromEntries(Object.entries(handlers).map(told))
      }) as any,
      { concurrency: "unbounded", mailboxCapacity: "unbounded", disableFatalDefects: true, maxIdleTime: "10 minutes" }
    ) as any

  const client = Effect.gen(function*() {
    const clientOf = (yield* made.client) as unknown as (host: string) => Record<string, (payload: any) => any>
    const limits = yield* ActorLimits
    const here = direct.on(yield* Sharding.Sharding)
    return (actor: string): Client<State, C> => {
      const hostId = hostOf(actor)
      const byMessage = (tag: string, request: unknown) => (deadlineMillis: number): Effect.Effect<any, any> =>
        patiently(
          Effect.suspend(() => clientOf(hostId)[tag]?.(request) ?? Effect.die(`${type} has no command ${tag}`)),
          deadlineMillis
        )
      const send = (tag: string, payload: any, options: SendOptions = {}): Effect.Effect<any, any> =>
        Effect.withFiber((fiber) => {
          const { asked, by, commandId = globalThis.crypto.randomUUID() } = options
          const deadlineMillis = options.deadlineMillis ?? limits.commandDeadlineMillis
          const message = byMessage(tag, {
            ...payload,
            actor,
            commandId,
            ...(by === undefined ? {} : { by }),
            ...(asked === undefined ? {} : { asked })
          })
          const host = here.get(hostId)
          // A call that is being traced goes as a message, which has spans.
          return host === undefined || !host.open() || recordedSpan(fiber) !== undefined
            ? message(deadlineMillis)
            : host.ask(actor, opOf(tag, payload, commandId, undefined, by, asked), deadlineMillis, message)
        })
      const get: Client<State, C>["get"] = Effect.suspend(() => {
        const host = here.get(hostId)
        const read = byMessage("Get", { actor })
        if (host === undefined || !host.open()) return read(limits.commandDeadlineMillis)
        const row = host.row(actor)
        return row === undefined
          ? host.ask(actor, readOp(), limits.commandDeadlineMillis, read)
          : Effect.succeed(row)
      })
      return {
        send,
        replace: (command, options) => send("Replace", command, options),
        get,
        watch: onlyNewer(
          Stream.suspend(() =>
            clientOf(hostId)["Watch"]?.({ actor }) as Stream.Stream<Snapshot<State>, ActorUnavailable>
          )
        )
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

  return { type, entity, hostOf, codec, commands: definition.commands, layer, client, asOf, history }
}

/** JSON text of a schema's values. States whose stored form is their memory form cost one `JSON.parse` and one check. */
const jsonCodec = <A>(
  schema: Schema.Codec<A, any>
): { readonly encode: (value: A) => string; readonly decode: (json: string) => A } => {
  const encode = Schema.encodeSync(schema)
  const decode = Schema.decodeSync(schema)
  return { encode: (value) => JSON.stringify(encode(value) ?? null), decode: (json) => decode(JSON.parse(json)) }
}

/** When an actor moves, its stream begins anew elsewhere: what the consumer has seen is left out. */
const onlyNewer = <State>(
  stream: Stream.Stream<Snapshot<State>, ActorUnavailable>
): Stream.Stream<Snapshot<State>, ActorUnavailable> =>
  Stream.suspend(() => {
    let shown = -1
    const news = Stream.filter(stream, ({ version }) => {
      if (version <= shown) return false
      shown = version
      return true
    })
    const untilGivenUp: typeof news = Stream.catchCause(news, (cause) =>
      givenUp(cause) === cause
        ? Stream.failCause(cause)
        : Stream.concat(Stream.drain(Stream.fromEffect(Effect.sleep("100 millis"))), untilGivenUp))
    return untilGivenUp
  })

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
      Effect.catchCause((cause) => Effect.failCause(givenUp(cause))),
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

/**
 * A runner that loses an actor while it works answers with the interruption of its handler, and what is written to a connection that breaks
 * at that moment is a defect of the transport: the call is over, its caller is not. An interruption of the caller itself never comes here.
 */
const givenUp = <E>(cause: Cause.Cause<E>): Cause.Cause<E | ActorUnavailable> => {
  const isCut = cause.reasons.some((reason) => Cause.isDieReason(reason) && Socket.isSocketError(reason.defect))
  if (!isCut && !Cause.hasInterruptsOnly(cause)) return cause
  const detail = isCut ? "the connection to its runner broke" : "it moved to another runner meanwhile"
  return Cause.fail(new ActorUnavailable({ reason: "unavailable", detail }))
}

const isRouting = (error: unknown): boolean =>
  error instanceof ClusterError.MailboxFull || error instanceof ClusterError.AlreadyProcessingMessage ||
  error instanceof ClusterError.PersistenceError || error instanceof ClusterError.RunnerUnavailable ||
  error instanceof ClusterError.EntityNotAssignedToRunner || error instanceof ClusterError.RunnerNotRegistered
