// What people and programs outside may do with actors, in one place for HTTP, WebSocket and bulk commands: the public commands of each
// type with their payloads, and reads by type and id. Reads come straight from the store and never wake an actor; a watch does.
import { Clock, Context, Effect, Layer, Schema, Stream } from "effect"
import type { Sharding } from "effect/cluster"
import type { By } from "../domain/Commit.ts"
import { RunUnknown } from "../domain/DatasetRun.ts"
import { digest } from "../domain/Ids.ts"
import { canonical, isTooDeep, type Json, maxDepth } from "../domain/Json.ts"
import { Limits } from "../domain/Recipe.ts"
import { hasRedacted, redactAddresses } from "../domain/Redact.ts"
import { TokenScope } from "../domain/Token.ts"
import { ActorStore, type HistoryEntry, type StoreFailed } from "./ActorStore.ts"
import { ActorUnavailable, type KeyReused } from "./Committer.ts"
import { ContestActor } from "./ContestActor.ts"
import { DatasetRunActor, wake } from "./DatasetRunActor.ts"
import { ActorLimits, patiently, type SendOptions, StateUnfit, type VersionMoved } from "./DurableActor.ts"
import { EvaluationActor, wake as wakeEvaluation } from "./EvaluationActor.ts"
import { ProblemActor } from "./ProblemActor.ts"
import { SolveActor } from "./SolveActor.ts"

/** What a caller may do: `read` looks, `operate` gives commands, `admin` changes states, settings and tokens. Each includes those before. */
export const Scope = TokenScope
export type Scope = typeof Scope.Type
export const includes = (scope: Scope, needed: Scope): boolean =>
  Scope.literals.indexOf(scope) >= Scope.literals.indexOf(needed)

/** 1 to 200 letters, digits and `. _ : -`. */
export const ActorId = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9._:-]{1,200}$/u, { expected: "1 to 200 letters, digits and . _ : -" })
)

export class TypeUnknown extends Schema.TaggedError<TypeUnknown>()("TypeUnknown", {
  type: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message() {
    return `There is no type of actors ${this.type}; there is ${this.known.join(", ")}`
  }
}
export class CommandUnknown extends Schema.TaggedError<CommandUnknown>()("CommandUnknown", {
  type: Schema.String,
  command: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message() {
    return `${this.type} has no command ${this.command}; it has ${this.known.join(", ")}`
  }
}
export class PayloadUnfit extends Schema.TaggedError<PayloadUnfit>()("PayloadUnfit", { detail: Schema.String }) {
  override get message() {
    return `The command's payload does not fit: ${this.detail}`
  }
}
export class ActorUnknown extends Schema.TaggedError<ActorUnknown>()("ActorUnknown", {
  type: Schema.String,
  id: Schema.String
}) {
  override get message() {
    return `There is no ${this.type} ${this.id}`
  }
}
/** That version never was, or it is past its retention. */
export class VersionUnknown extends Schema.TaggedError<VersionUnknown>()("VersionUnknown", { version: Schema.Int }) {
  override get message() {
    return `There is no version ${this.version}; it never was, or it is past its retention`
  }
}

/** A command as it is offered outside. */
export interface PublicCommand {
  readonly name: string
  readonly summary: string
  readonly scope: Scope
  readonly payload: Schema.Codec<any, any>
  /** The actor's own payload: what the caller gave, who and when. */
  readonly toActor: (payload: any, by: By, nowMillis: number) => object
  /** What is to happen after the command took effect. */
  readonly after?: (id: string) => Effect.Effect<unknown, unknown, Sharding.Sharding>
}

const command = <P extends Schema.Struct.Fields>(
  name: string,
  summary: string,
  payload: P,
  toActor: (payload: Schema.Struct<P>["Type"], by: By, nowMillis: number) => object,
  after?: PublicCommand["after"]
): PublicCommand => ({
  name,
  summary,
  scope: "operate",
  // The fields are known to `toActor` alone; everything else handles payloads as JSON.
  payload: Schema.Struct(payload) as unknown as Schema.Codec<any, any>,
  toActor,
  ...(after === undefined ? {} : { after })
})

const withWhy = (_: unknown, { why }: By, atMillis: number) => ({ why, atMillis })

/** Of runs. What only their driver says (Advance, NextStep, Finish, Break) is not offered; starting is Intake's. */
export const runCommands: ReadonlyArray<PublicCommand> = [
  command("Pause", "Lets the batches in work finish and rests", {}, withWhy),
  command("Resume", "Goes on from the last committed batch", {}, withWhy, wake),
  command("Cancel", "Ends the run for good; what is done stays readable", {}, withWhy),
  command(
    "ChangeLimits",
    "Changes live limits; batchRows counts from the next step on",
    {
      inFlight: Schema.optionalKey(Limits.fields.inFlight),
      batchRows: Schema.optionalKey(Limits.fields.batchRows),
      attempts: Schema.optionalKey(Limits.fields.attempts),
      rowsPerSecond: Schema.optionalKey(Limits.fields.rowsPerSecond)
    },
    (payload) => payload
  ),
  command("RerunFailed", "Sends failed rows through again and keeps what worked", {}, (_, __, atMillis) => ({
    atMillis
  }), wake),
  command(
    "Rerun",
    "Makes the results of a stage and of all after it anew",
    { stage: Schema.String.check(Schema.isMaxLength(100)) },
    ({ stage }, _, atMillis) => ({ stage, atMillis }),
    wake
  )
]

const JsonFields = Schema.Record(Schema.String.check(Schema.isMaxLength(100)), Schema.Json)

/** Of problems. Rows come in with a run. */
export const problemCommands: ReadonlyArray<PublicCommand> = [
  command(
    "Rerun",
    "Forgets the results from a stage on; the run's next walk (RerunFailed) makes them anew",
    { stage: Schema.String.check(Schema.isMaxLength(100)) },
    ({ stage }) => ({ stage })
  ),
  command(
    "Edit",
    "Changes raw fields (null removes one) and forgets all results; the run's next walk makes them anew",
    { patch: JsonFields },
    ({ patch }, { who, why }) => ({ patch, who, why })
  ),
  command("Cancel", "Takes the problem out of its run", {}, (_, { who, why }) => ({ who, why }))
]

/** Of solves. What only their driver says is not offered; starting is a route of its own. */
export const solveCommands: ReadonlyArray<PublicCommand> = [
  command("Cancel", "Calls off what is under way; what has ended stays readable", {}, withWhy)
]

/** Of evaluations. Creating, filling and starting are routes of their own. */
export const evaluationCommands: ReadonlyArray<PublicCommand> = [
  command(
    "Cancel",
    "Ends it for good; what runs is called off, what has ended stays readable",
    {},
    withWhy,
    wakeEvaluation
  ),
  command("Resume", "Goes on with an evaluation that broke off", {}, withWhy, wakeEvaluation)
]

/** Of contests. Starting and asking are routes of their own. */
export const contestCommands: ReadonlyArray<PublicCommand> = [
  command("Cancel", "Ends it before its time; the answers that stand stay", {}, withWhy)
]

export interface ActorSnapshot {
  readonly version: number
  /** The state as it is stored, as a JSON value. */
  readonly state: Json
}

interface Exposed {
  readonly type: string
  readonly commands: ReadonlyMap<string, PublicCommand>
  readonly send: (
    id: string,
    name: string,
    payload: object,
    options: SendOptions
  ) => Effect.Effect<unknown, any>
  readonly replace: (
    id: string,
    command: { readonly expected: number; readonly state: string },
    options: SendOptions & { readonly by: By }
  ) => Effect.Effect<{ readonly version: number }, VersionMoved | StateUnfit | KeyReused | ActorUnavailable>
  readonly watch: (id: string) => Stream.Stream<ActorSnapshot, ActorUnavailable>
}

export interface CommandRequest {
  readonly type: string
  readonly id: string
  readonly command: string
  readonly payload: Json
  readonly by: By
  /** The same id again for the same command gives the same reply again and has no second effect. */
  readonly commandId: string
  readonly deadlineMillis?: number | undefined
}

export class Gateway extends Context.Service<Gateway, {
  readonly types: ReadonlyArray<string>
  readonly commandsOf: (type: string) => ReadonlyArray<PublicCommand>
  /** Refuses types that callers from outside are not shown, such as tokens. */
  readonly shows: (type: string) => Effect.Effect<void, TypeUnknown>
  /** The public command of that name. */
  readonly find: (type: string, name: string) => Effect.Effect<PublicCommand, TypeUnknown | CommandUnknown>
  /** Gives a command and answers its reply as JSON. Fails also with the refusals of its type. */
  readonly command: (
    request: CommandRequest
  ) => Effect.Effect<Json, TypeUnknown | CommandUnknown | PayloadUnfit | KeyReused | ActorUnavailable | Refusal>
  /** Puts a state in place of the one at version `expected`. */
  readonly replace: (request: {
    readonly type: string
    readonly id: string
    readonly expected: number
    readonly state: Json
    readonly by: By
    readonly commandId: string
  }) => Effect.Effect<
    { readonly version: number },
    TypeUnknown | ActorUnknown | VersionMoved | StateUnfit | KeyReused | ActorUnavailable | StoreFailed
  >
  /** The last committed state. */
  readonly get: (type: string, id: string) => Effect.Effect<ActorSnapshot, TypeUnknown | ActorUnknown | StoreFailed>
  readonly asOf: (
    type: string,
    id: string,
    version: number
  ) => Effect.Effect<ActorSnapshot, TypeUnknown | VersionUnknown | StoreFailed>
  readonly history: (
    type: string,
    id: string,
    options: { readonly limit: number; readonly before?: number }
  ) => Effect.Effect<ReadonlyArray<HistoryEntry>, TypeUnknown | StoreFailed>
  /** The committed state now, then every later one that the consumer is quick enough to see; versions only grow. */
  readonly watch: (
    type: string,
    id: string
  ) => Stream.Stream<ActorSnapshot, TypeUnknown | ActorUnknown | StoreFailed | ActorUnavailable>
}>()("polya/Gateway") {
  static readonly layer: Layer.Layer<Gateway, never, ActorStore | Sharding.Sharding> = Layer.effect(
    Gateway,
    Effect.suspend(() => make())
  )
}

/** A state as it may be shown: addresses of databases without their passwords. Problems hold text alone, which is left as it is. */
const shown = redactAddresses
const shownOf = (type: string, state: string): Json =>
  type === DatasetRunActor.type ? shown(JSON.parse(state) as Json) : JSON.parse(state) as Json

const tooDeep = `it is nested deeper than ${maxDepth}`

/** A caller's id holds for one command: given for another one, too, it must not be answered with the reply to the first. */
/** Names what a caller asked for: a key that comes again with something else is a mistake. */
const nameOf = (asked: Json): string => digest([canonical(asked)], 16)

const ownId = (command: string, commandId: string): string => `${command}:${commandId}`

/** A typed no of an actor's `decide`, such as RunNotReady: a tag and a sentence. */
export interface Refusal {
  readonly _tag: string
  readonly message: string
}

/** A type of actors with the commands that are offered outside. */
const exposed = (
  { codec, type }: { readonly type: string; readonly codec: { readonly encode: (state: any) => string } },
  clientOf: (id: string) => {
    readonly send: (tag: any, payload: any, options: SendOptions) => Effect.Effect<unknown, any>
    readonly replace: (...args: any) => ReturnType<Exposed["replace"]>
    readonly watch: Stream.Stream<{ readonly version: number; readonly state: any }, ActorUnavailable>
  },
  commands: ReadonlyArray<PublicCommand>
): Exposed => ({
  type,
  commands: new Map(commands.map((one) => [one.name, one])),
  send: (id, name, payload, options) => clientOf(id).send(name, payload, options),
  replace: (id, command, options) => clientOf(id).replace(command, options),
  watch: (id) =>
    Stream.map(clientOf(id).watch, ({ state, version }) => ({ version, state: shownOf(type, codec.encode(state)) }))
})

const make = Effect.fnUntraced(function*() {
  const store = yield* ActorStore
  const services = yield* Effect.context<Sharding.Sharding>()
  const runs = yield* DatasetRunActor.client
  const problems = yield* ProblemActor.client
  const solves = yield* SolveActor.client
  const evaluations = yield* EvaluationActor.client
  const contests = yield* ContestActor.client
  const limits = yield* ActorLimits
  /** A run has a host of its own, which stays in memory for minutes: none is woken for an id that is no run's. */
  const isRun = (id: string, { deadlineMillis = limits.commandDeadlineMillis }: SendOptions) =>
    patiently(store.load([{ type: DatasetRunActor.type, id }]), deadlineMillis).pipe(
      Effect.catchTag("StoreFailed", ({ detail, reason }) => Effect.fail(new ActorUnavailable({ reason, detail }))),
      Effect.flatMap(([row]) => row === undefined ? Effect.fail(new RunUnknown()) : Effect.void)
    )
  const all = new Map<string, Exposed>([
    {
      ...exposed(DatasetRunActor, runs, runCommands),
      send: (id: string, name: string, payload: object, options: SendOptions) =>
        Effect.andThen(isRun(id, options), runs(id).send(name as "Pause", payload as any, options))
    },
    exposed(ProblemActor, problems, problemCommands),
    exposed(SolveActor, solves, solveCommands),
    exposed(EvaluationActor, evaluations, evaluationCommands),
    exposed(ContestActor, contests, contestCommands)
  ].map((one): [string, Exposed] => [one.type, one]))
  const types = [...all.keys()]

  const ofType = (type: string): Effect.Effect<Exposed, TypeUnknown> => {
    const found = all.get(type)
    return found === undefined ? Effect.fail(new TypeUnknown({ type, known: types })) : Effect.succeed(found)
  }
  const load = (type: string, id: string) =>
    Effect.flatMap(store.load([{ type, id }]), ([row]): Effect.Effect<ActorSnapshot, ActorUnknown> =>
      row === undefined
        ? Effect.fail(new ActorUnknown({ type, id }))
        : Effect.succeed({ version: row.version, state: shownOf(type, row.state) }))
  const find = Effect.fnUntraced(function*(type: string, name: string) {
    const { commands } = yield* ofType(type)
    const found = commands.get(name)
    if (found === undefined) return yield* new CommandUnknown({ type, command: name, known: [...commands.keys()] })
    return found
  })

  return Gateway.of({
    types,
    shows: (type) => Effect.asVoid(ofType(type)),
    commandsOf: (type) => [...all.get(type)?.commands.values() ?? []],
    find,
    command: Effect.fn("Gateway.command")(function*(request) {
      const { by, commandId, deadlineMillis, id, type } = request
      const found = yield* find(type, request.command)
      if (isTooDeep(request.payload)) return yield* new PayloadUnfit({ detail: tooDeep })
      const payload = yield* Schema.decodeUnknownEffect(found.payload)(request.payload, {
        onExcessProperty: "error"
      }).pipe(Effect.mapError((error) => new PayloadUnfit({ detail: error.message })))
      const { send } = yield* ofType(type)
      const atMillis = yield* Clock.currentTimeMillis
      const reply = yield* send(id, found.name, found.toActor(payload, by, atMillis), {
        by,
        commandId: ownId(found.name, commandId),
        asked: nameOf(request.payload),
        deadlineMillis
      })
      // A wake that is lost costs a second: the supervisor looks after running runs.
      if (found.after !== undefined) {
        yield* Effect.provideContext(found.after(id), services).pipe(Effect.ignore, Effect.forkDetach)
      }
      return (reply ?? null) as Json
    }),
    replace: Effect.fn("Gateway.replace")(function*({ by, commandId, expected, id, state, type }) {
      const { replace } = yield* ofType(type)
      if (isTooDeep(state)) return yield* new StateUnfit({ detail: tooDeep })
      if (hasRedacted(state)) {
        return yield* new StateUnfit({ detail: "it holds an address as it is shown, not as it is; write it out" })
      }
      yield* load(type, id)
      return yield* replace(id, { expected, state: JSON.stringify(state) }, {
        by,
        commandId: ownId("Replace", commandId),
        asked: nameOf({ expected, state })
      })
    }),
    get: (type, id) => Effect.andThen(ofType(type), load(type, id)),
    asOf: Effect.fnUntraced(function*(type, id, version) {
      yield* ofType(type)
      const row = yield* store.asOf({ type, id }, version)
      if (row === undefined) return yield* new VersionUnknown({ version })
      return { version: row.version, state: shownOf(type, row.state) }
    }),
    history: (type, id, options) => Effect.andThen(ofType(type), store.history({ type, id }, options)),
    watch: (type, id) =>
      Stream.unwrap(
        Effect.map(Effect.andThen(load(type, id), ofType(type)), ({ watch }) => watch(id))
      )
  })
})
