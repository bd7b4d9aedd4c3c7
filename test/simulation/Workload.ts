// What the clients of a world ask for, and what they were told: commands with ids to small actors, compare-and-set races, watches, and one
// dataset run with an operator who meddles. Everything told goes into a ledger, which the checker holds against the database.
import { Effect, Schedule, Schema, Stream } from "effect"
import type { Sharding } from "effect/cluster"
import type { ActorStore } from "../../src/actors/ActorStore.ts"
import { ActorUnavailable } from "../../src/actors/Committer.ts"
import { DatasetRunActor } from "../../src/actors/DatasetRunActor.ts"
import * as DurableActor from "../../src/actors/DurableActor.ts"
import { accept, refuse } from "../../src/domain/Decision.ts"
import { start } from "../actors/Fixture.ts"
import type { RunShape } from "./RunShape.ts"
import type { Dice, Machine } from "./World.ts"

/** Items that a log takes. */
const room = 14
export class LogFull extends Schema.TaggedError<LogFull>()("LogFull", {}) {
  override get message() {
    return "The log takes no more items"
  }
}
const LogState = Schema.Struct({ items: Schema.Array(Schema.String) })

const logOf = <const Type extends string>(type: Type, placement: DurableActor.Placement) =>
  DurableActor.make({
    type,
    state: LogState,
    initial: { items: [] },
    commands: { Add: { payload: { item: Schema.String }, success: Schema.Int, error: LogFull } },
    decide: {
      Add: (state, { item }) =>
        state.items.length >= room
          ? refuse(new LogFull())
          : accept({ items: [...state.items, item] }, state.items.length + 1, [{ item }])
    },
    placement
  })
export const OwnLog = logOf("OwnLog", { _tag: "own" })
export const SharedLog = logOf("SharedLog", { _tag: "shared", hosts: 3 })

const RegisterState = Schema.Struct({ value: Schema.String })
export const Register = DurableActor.make({
  type: "Register",
  state: RegisterState,
  initial: { value: "" },
  commands: { Set: { payload: { value: Schema.String }, success: Schema.Void } },
  decide: { Set: (_, { value }) => accept({ value }, undefined) },
  placement: { _tag: "own" }
})

const ownLogs = ["o0", "o1", "o2"]
const sharedLogs = ["s0", "s1", "s2", "s3"]
const registers = ["r0"]

/** What one asker was told of one command. `value` is what the command puts into the state. */
export interface Answer {
  readonly type: "OwnLog" | "SharedLog" | "Register"
  readonly actor: string
  readonly commandId: string
  readonly tag: "Add" | "Set" | "Replace"
  readonly value: string
  readonly told: { readonly _tag: "Done"; readonly reply: number | null } | { readonly _tag: "Refused" | "Unknown" }
}
export interface Watched {
  readonly type: "OwnLog" | "SharedLog"
  readonly actor: string
  /** By subscription of the client. */
  readonly versions: Array<number>
}
/** All that anybody was told. */
export interface Ledger {
  readonly answers: Array<Answer>
  readonly watches: Array<Watched>
  /** Clients and operators that are not through. */
  busy: number
  /** What no client may ever meet. */
  readonly surprises: Array<string>
  quiet: boolean
}
export const newLedger = (): Ledger => ({ answers: [], watches: [], busy: 0, surprises: [], quiet: false })

const again = (error: unknown): boolean => error instanceof ActorUnavailable && error.again

/** Asks with one id until it is told, or gives up sometimes: then nobody knows. */
const insist = Effect.fnUntraced(function*<A, E>(
  dice: Dice,
  ledger: Ledger,
  ask: (deadlineMillis: number) => Effect.Effect<A, E | ActorUnavailable>
): Effect.fn.Return<{ readonly _tag: "Done"; readonly reply: A } | { readonly _tag: "Refused" | "Unknown" }> {
  while (true) {
    const exit = yield* Effect.result(ask(dice.between(300, 5_000)))
    if (exit._tag === "Success") return { _tag: "Done", reply: exit.success }
    if (!(exit.failure instanceof ActorUnavailable)) return { _tag: "Refused" }
    if (!again(exit.failure)) ledger.surprises.push(exit.failure.message)
    if (!ledger.quiet && dice.chance(0.15)) return { _tag: "Unknown" }
    yield* Effect.sleep(dice.between(1, 300))
  }
})

const leastCommands = 10
const mostCommands = 60

/** One client's day: commands one after the other, some of them asked for twice, until all is quiet. */
export const client = Effect.fnUntraced(function*(
  machine: Machine,
  dice: Dice,
  ledger: Ledger
): Effect.fn.Return<void, never, Sharding.Sharding> {
  const own = yield* OwnLog.client
  const shared = yield* SharedLog.client
  const register = yield* Register.client
  const add = Effect.fnUntraced(function*(commandId: string) {
    const isOwn = dice.chance(0.5)
    const actor = dice.pick(isOwn ? ownLogs : sharedLogs)
    const { send } = isOwn ? own(actor) : shared(actor)
    const once = Effect.gen(function*() {
      const told = yield* insist(
        dice,
        ledger,
        (deadlineMillis) => send("Add", { item: commandId }, { commandId, deadlineMillis })
      )
      const type = isOwn ? "OwnLog" as const : "SharedLog" as const
      ledger.answers.push({ type, actor, commandId, tag: "Add", value: commandId, told })
    })
    // An impatient client asks again beside itself; a forgetful one after it was told.
    if (dice.chance(0.2)) yield* Effect.all([once, once], { concurrency: 2, discard: true })
    else yield* once
    if (dice.chance(0.2)) yield* once
  })
  const set = Effect.fnUntraced(function*(commandId: string) {
    const actor = dice.pick(registers)
    const to = register(actor)
    const isReplace = dice.chance(0.7)
    const read = yield* insist(dice, ledger, () => to.get)
    if (read._tag !== "Done") return
    const expected = read.reply.version
    const state = JSON.stringify({ value: commandId })
    const by = { who: machine.name, why: "a race" }
    const told = yield* insist(dice, ledger, (deadlineMillis) =>
      isReplace
        ? Effect.map(to.replace({ expected, state }, { commandId, deadlineMillis, by }), ({ version }) => version)
        : Effect.as(to.send("Set", { value: commandId }, { commandId, deadlineMillis }), null))
    const tag = isReplace ? "Replace" : "Set"
    ledger.answers.push({ type: "Register", actor, commandId, tag, value: commandId, told })
  })
  ledger.busy++
  for (let n = 0; n < leastCommands || (!ledger.quiet && n < mostCommands); n++) {
    const commandId = `${machine.name}-${n}`
    yield* dice.chance(0.7) ? add(commandId) : set(commandId)
    yield* Effect.sleep(dice.between(0, 500))
  }
  ledger.busy--
})

/** Watches one log for good. A watch that fails is begun anew: its versions are counted anew. */
export const watcher = Effect.fnUntraced(function*(
  type: "OwnLog" | "SharedLog",
  ledger: Ledger
): Effect.fn.Return<void, never, Sharding.Sharding> {
  const actor = type === "OwnLog" ? "o0" : "s0"
  const { watch } = (type === "OwnLog" ? yield* OwnLog.client : yield* SharedLog.client)(actor)
  yield* Effect.suspend(() => {
    const versions: Array<number> = []
    ledger.watches.push({ type, actor, versions })
    return Stream.runForEach(watch, ({ version }) => Effect.sync(() => void versions.push(version)))
  }).pipe(Effect.ignore, Effect.repeat(Schedule.spaced(500)))
})

export const runId = "run"
/** Starts the run, meddles with it as the dice say, and waits until it is done. */
export const operator = Effect.fnUntraced(function*(
  dice: Dice,
  ledger: Ledger,
  shape: RunShape
): Effect.fn.Return<void, never, Sharding.Sharding | ActorStore> {
  ledger.busy++
  const patience = Effect.retry({ while: () => true, schedule: Schedule.spaced(300) })
  const run = (yield* DatasetRunActor.client)(runId)
  const meddle = Effect.suspend(() => {
    const atMillis = 0
    const options = { deadlineMillis: 4_000, by: { who: "operator", why: "a test" } }
    switch (dice.between(0, 5)) {
      case 0:
        return run.send("Pause", { why: "", atMillis }, options)
      case 1:
        return run.send("ChangeLimits", { inFlight: dice.between(1, 24), rowsPerSecond: dice.between(4, 20) }, options)
      case 2:
        return Effect.andThen(
          run.send("Cancel", { why: "", atMillis }, options),
          run.send("Rerun", { stage: dice.pick(shape.recipe.stages).name, atMillis }, options)
        )
      case 3:
        return Effect.andThen(
          run.send("Pause", { why: "", atMillis }, options),
          run.send("RerunFailed", { atMillis }, options)
        )
      default:
        return run.send("Resume", { why: "", atMillis }, options)
    }
  })
  // Whatever comes of a command: the run is looked at, and pushed on, until it is done.
  yield* start(runId, shape.recipe).pipe(Effect.timeout(20_000), patience, Effect.orDie)
  const push = (tag: "Resume" | "RerunFailed") =>
    Effect.ignore(run.send(tag, { why: "", atMillis: 0 }, { deadlineMillis: 4_000 }))
  while (true) {
    yield* Effect.sleep(dice.between(200, 1_500))
    if (dice.chance(0.2) && !ledger.quiet) {
      yield* Effect.ignore(meddle)
      continue
    }
    const read = yield* Effect.result(Effect.timeout(run.get, 5_000))
    if (read._tag === "Failure") continue
    const { error, limits, status } = read.success.state
    if (status === "failed") {
      const told = `the run broke off: ${error?.tag} ${error?.message}`
      if (!ledger.surprises.includes(told)) ledger.surprises.push(told)
    }
    if (ledger.quiet && limits.rowsPerSecond > 0) {
      yield* Effect.ignore(run.send("ChangeLimits", { rowsPerSecond: 0, inFlight: 12 }, { deadlineMillis: 4_000 }))
    } else if (status === "done") {
      if (ledger.quiet) break
      yield* dice.chance(0.5) ? push("RerunFailed") : Effect.ignore(
        run.send("Rerun", { stage: dice.pick(shape.recipe.stages).name, atMillis: 0 }, { deadlineMillis: 4_000 })
      )
    } else if (status === "cancelled") yield* push("RerunFailed")
    else if (status !== "running") yield* push("Resume")
  }
  ledger.busy--
})
