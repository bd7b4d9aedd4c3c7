// Group commit, one per runner, for the cells (memories) of all its actors. Commands wait in their cell; a flush decides them from
// the last committed state and writes all actors at once; replies leave after the commit. A flush starts as soon as the previous
// one is done. Nothing speculative exists: a failed flush has nothing to undo, callers retry with the same command id.
import { Cause, Context, Effect, Exit, Layer, Schema, type Tracer } from "effect"
import type { ActorCommit, ActorRow, AuditNote, By, CommitOutcome, Facets } from "../domain/Commit.ts"
import type { Decision } from "../domain/Decision.ts"
import { ActorStore, StoreFailed } from "./ActorStore.ts"
import { type CommitterStats, countCommand, makeStats, observe } from "./Committer/Stats.ts"
import { maxLinks, servingSpans } from "./Tracing.ts"

/**
 * The command has not been answered. `fenced`, `unavailable`, `overloaded`: ask again with the same command id (clients do, until
 * their deadline). `full`: the store has no space left. `data`: the store refuses a value in it. `damaged`: the store
 * itself cannot be read. `unreadable`: the stored state does not fit its schema.
 */
export class ActorUnavailable extends Schema.TaggedError<ActorUnavailable>()("ActorUnavailable", {
  reason: Schema.Literals(["fenced", "unavailable", "overloaded", "full", "data", "damaged", "unreadable"]),
  detail: Schema.String
}) {
  override get message() {
    return `The actor could not answer (${this.reason}): ${this.detail}`
  }
  get again() {
    return this.reason === "fenced" || this.reason === "unavailable" || this.reason === "overloaded"
  }
}

/** A command id that was used for something else: the first command's reply is no answer to this one. */
export class KeyReused extends Schema.TaggedError<KeyReused>()("KeyReused", {}) {
  override get message() {
    return "This key was used for another command before; nothing was done"
  }
}

export interface Snapshot<State> {
  /** Counts the actor's commits; 0: never committed. */
  readonly version: number
  readonly state: State
}

export interface StateCodec<State> {
  readonly initial: State
  readonly encode: (state: State) => string
  /** Throws if the text does not fit the schema. */
  readonly decode: (json: string) => State
  /** What lists and searches are to know; none: actors of the type are in no list. */
  readonly describe?: ((state: State, id: string) => Facets) | undefined
}

export type Waiter = (exit: Exit.Exit<any, any>) => void

/** One waiting command. */
export interface Op<State> {
  /** Name of the command, for counters and the audit log. */
  readonly name: string
  /** Who answers for it; none: a step of the system's own, which the audit log leaves out. */
  readonly by?: By | undefined
  /** None: a step from inside the actor, guarded by the state alone; its reply is not stored. */
  readonly commandId: string | undefined
  /** None: a read, which waits for its turn and answers the committed snapshot. `version`: of the state; none: it is not committed yet. */
  readonly decide: ((state: State, version: number | undefined) => Decision<State, unknown, unknown>) | undefined
  /** Names what is asked for; none: the caller does not say. */
  readonly asked?: string | undefined
  readonly encodeReply: (reply: any) => string
  readonly decodeReply: (json: string) => unknown
  readonly waiters: Array<Waiter>
  /** The recorded span that it was asked in; the flush that writes it is linked to it. */
  readonly span?: Tracer.Span | undefined
  /** The store does not know its id: it may be refused. */
  isUnknown?: boolean
}

/** The memory of one actor on its runner. */
export class Cell<State> {
  /** Last committed state; none: must be loaded. */
  row: Snapshot<State> | undefined = undefined
  queue: Array<Op<State>> = []
  /** Ops with an id that wait or are being written: a retry that overtakes its first attempt shares the answer. */
  pending: Map<string, Op<State>> | undefined = undefined
  phase: "idle" | "ready" | "busy" = "idle"
  /** Told every committed state that this runner comes to know, in the order of versions. */
  readonly watchers = new Set<(row: Snapshot<State>) => void>()
  private shown = -1
  lastUsedMillis = 0
  /** So many of the next commands are written one by one, to find the one that the store refuses. */
  alone = 0
  readonly type: string
  readonly id: string
  readonly codec: StateCodec<State>
  constructor(type: string, id: string, codec: StateCodec<State>) {
    this.type = type
    this.id = id
    this.codec = codec
  }
  /** Takes a state from the store, and shows it if it is news: a commit whose answer was lost shows itself when the state is loaded again. */
  know(row: Snapshot<State>): void {
    this.row = row
    if (row.version <= this.shown) return
    this.shown = row.version
    for (const watcher of this.watchers) watcher(row)
  }
  /** Nothing waits, nothing is written, nobody watches: it can be forgotten. */
  get quiet() {
    return this.phase === "idle" && this.queue.length === 0 && this.watchers.size === 0
  }
}

export interface CommitterOptions {
  /** Actors in one flush, at most. Default 512. */
  readonly maxActorsPerFlush: number
  /** Commands of one actor in one flush, at most. Default 256. */
  readonly maxCommandsPerActor: number
  /** Commands that may wait on this runner; more are answered `overloaded`. Default 20,000. */
  readonly maxWaitingCommands: number
}
export const committerDefaults: CommitterOptions = {
  maxActorsPerFlush: 512,
  maxCommandsPerActor: 256,
  maxWaitingCommands: 20_000
}
/** Read at each use, so that an object with getters makes them live. */
export const CommitterLimits = Context.Reference<CommitterOptions>("polya/CommitterLimits", {
  defaultValue: () => committerDefaults
})

interface Draft {
  readonly cell: Cell<any>
  readonly ops: ReadonlyArray<Op<any>>
  readonly exits: ReadonlyArray<Exit.Exit<any, any>>
  readonly next: unknown
  readonly commit: ActorCommit | undefined
  /** Nothing is to be written: the store is asked for replies to commands that would be refused now. */
  readonly isQuestion?: boolean
}

export class Committer extends Context.Service<Committer, {
  readonly submit: <State>(cell: Cell<State>, op: Op<State>) => void
  readonly stats: Readonly<CommitterStats>
}>()("polya/Committer") {
  static readonly layer: Layer.Layer<Committer, never, ActorStore> = Layer.effect(
    Committer,
    Effect.suspend(() => make())
  )
}

const make = Effect.fnUntraced(function*() {
  const store = yield* ActorStore
  const options = yield* CommitterLimits
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const stats = makeStats()
  const ready: Array<Cell<any>> = []
  const cold: Array<Cell<any>> = []
  let waiting = 0
  let flushing = false
  let loading = false
  let scheduled = false

  const submit = <State>(cell: Cell<State>, op: Op<State>): void => {
    if (waiting >= options.maxWaitingCommands) {
      const exit = Exit.fail(
        new ActorUnavailable({ reason: "overloaded", detail: `${waiting} commands wait on this runner already` })
      )
      countCommand(stats, op.name, "overloaded")
      for (const waiter of op.waiters) waiter(exit)
      return
    }
    if (op.commandId !== undefined) {
      const same = cell.pending?.get(op.commandId)
      if (same !== undefined) {
        if (same.asked === op.asked) same.waiters.push(...op.waiters)
        else for (const waiter of op.waiters) waiter(Exit.fail(new KeyReused()))
        return
      }
      cell.pending ??= new Map()
      cell.pending.set(op.commandId, op)
    }
    stats.waiting = ++waiting
    cell.queue.push(op)
    wake(cell)
  }
  const wake = (cell: Cell<any>): void => {
    if (cell.phase !== "idle" || cell.queue.length === 0) return
    cell.phase = "ready"
    ;(cell.row === undefined ? cold : ready).push(cell)
    schedule()
  }
  const schedule = (): void => {
    if (scheduled || !((ready.length > 0 && !flushing) || (cold.length > 0 && !loading))) return
    scheduled = true
    setImmediate(pump)
  }
  /**
   * A host that was built anew on this runner has cells of its own, and the work of the one before it may still be here: of two cells of one
   * actor the second waits for the next turn, because a batch names an actor once.
   */
  const take = (cells: Array<Cell<any>>): Array<Cell<any>> => {
    const first = cells.splice(0, options.maxActorsPerFlush)
    const ids = new Set<string>()
    const taken = first.filter(({ id }) => ids.size < ids.add(id).size)
    if (taken.length < first.length) {
      const now = new Set(taken)
      cells.unshift(...first.filter((cell) => !now.has(cell)))
    }
    for (const cell of taken) cell.phase = "busy"
    return taken
  }
  const pump = (): void => {
    scheduled = false
    if (cold.length > 0 && !loading) {
      loading = true
      fork(load(take(cold))).addObserver(() => {
        loading = false
        schedule()
      })
    }
    if (ready.length > 0 && !flushing) {
      const drafts = take(ready).map(draft)
      const writes: Array<Draft> = []
      for (const one of drafts) {
        if (one.commit === undefined) settle(one, { _tag: "Committed" })
        else writes.push(one)
      }
      if (writes.length > 0) {
        flushing = true
        fork(flush(writes)).addObserver(() => {
          flushing = false
          schedule()
        })
      }
    }
    schedule()
  }
  const release = (cell: Cell<any>): void => {
    cell.phase = "idle"
    wake(cell)
  }
  const answer = (cell: Cell<any>, op: Op<any>, exit: Exit.Exit<any, any>): void => {
    stats.waiting = --waiting
    if (op.decide !== undefined) countCommand(stats, op.name, outcomeOf(exit))
    if (op.commandId !== undefined) {
      // A map that empties and fills again and again hangs its old tables together, and all that they held outlives the young generation.
      if (cell.pending?.size === 1) cell.pending = undefined
      else cell.pending?.delete(op.commandId)
    }
    for (const waiter of op.waiters) waiter(exit)
  }

  /** Decides everything that waits, from the committed state. A `decide` that throws or a value that cannot be encoded fails its own command alone. */
  const draft = (cell: Cell<any>): Draft => {
    const ops = cell.queue.splice(0, cell.alone > 0 ? 1 : options.maxCommandsPerActor)
    cell.alone = Math.max(0, cell.alone - ops.length)
    const committed: Snapshot<any> = cell.row ?? { version: 0, state: cell.codec.initial }
    let state = committed.state
    let changed = false
    const replies: Array<{ readonly commandId: string; readonly reply: string }> = []
    const events: Array<string> = []
    const audits: Array<AuditNote> = []
    const exits: Array<Exit.Exit<any, any>> = []
    const refused: Array<{ readonly commandId: string; readonly reply: string }> = []
    for (const op of ops) {
      if (op.decide === undefined) {
        exits.push(Exit.succeed(committed))
        continue
      }
      try {
        const decision = op.decide(state, state === committed.state ? committed.version : undefined)
        if (decision._tag === "Refused") {
          if (op.commandId !== undefined && op.isUnknown !== true) refused.push({ commandId: op.commandId, reply: "" })
          exits.push(Exit.fail(decision.error))
          continue
        }
        const texts = decision.events.map((event) => JSON.stringify(event))
        const reply = op.commandId === undefined ? undefined : op.encodeReply(decision.reply)
        if (decision.state !== state || texts.length > 0 || reply !== undefined) changed = true
        if (op.commandId !== undefined && reply !== undefined) replies.push({ commandId: op.commandId, reply })
        events.push(...texts)
        if (op.by !== undefined) {
          // The type stands beside it.
          const command = op.name.slice(op.name.indexOf(".") + 1)
          audits.push({ ...op.by, commandId: op.commandId ?? null, command })
        }
        state = decision.state
        exits.push(Exit.succeed(decision.reply))
      } catch (defect) {
        exits.push(Exit.die(defect))
      }
    }
    // It may be refused for its own effect: the answer to its first attempt was lost. The store knows.
    if (refused.length > 0) return { ...question(cell, ops, refused), exits }
    if (!changed) return { cell, ops, exits, next: state, commit: undefined }
    try {
      const facets = news(cell, committed, state)
      const commit: ActorCommit = {
        type: cell.type,
        id: cell.id,
        expected: committed.version,
        state: cell.codec.encode(state),
        replies,
        events,
        ...(facets === undefined ? {} : { facets }),
        ...(audits.length === 0 ? {} : { audits })
      }
      return { cell, ops, exits, next: state, commit }
    } catch (defect) {
      if (ops.length > 1) {
        putBack(cell, ops)
        return draft(cell)
      }
      return { cell, ops, exits: ops.map(() => Exit.die(defect)), next: committed.state, commit: undefined }
    }
  }

  const settle = (one: Draft, outcome: CommitOutcome): void => {
    const { cell } = one
    if (one.isQuestion === true && outcome._tag === "Fenced") {
      const asked = new Set(one.commit?.replies.map(({ commandId }) => commandId))
      for (const op of one.ops) if (asked.has(op.commandId ?? "")) op.isUnknown = true
      cell.queue = one.ops.concat(cell.queue)
      release(cell)
      return
    }
    switch (outcome._tag) {
      case "Committed": {
        if (one.commit !== undefined) cell.know({ version: one.commit.expected + 1, state: one.next })
        one.ops.forEach((op, index) => answer(cell, op, one.exits[index] ?? Exit.void))
        break
      }
      case "Fenced": {
        stats.fenced++
        cell.row = undefined
        const exit = Exit.fail(
          new ActorUnavailable({ reason: "fenced", detail: `${cell.type} ${cell.id} was moved on by another runner` })
        )
        for (const op of one.ops) answer(cell, op, exit)
        refresh(cell)
        break
      }
      case "Duplicate": {
        stats.duplicates += outcome.stored.size
        cell.row = undefined
        const again: Array<Op<any>> = []
        for (const op of one.ops) {
          const stored = op.commandId === undefined ? undefined : outcome.stored.get(op.commandId)
          if (stored === undefined) again.push(op)
          else answer(cell, op, decoded(op, stored))
        }
        cell.queue = again.concat(cell.queue)
        refresh(cell)
      }
    }
    release(cell)
  }
  /** Whoever watches is to see what another wrote, although no command may come. */
  const refresh = (cell: Cell<any>): void => {
    if (cell.watchers.size === 0 || cell.queue.length > 0) return
    stats.waiting = ++waiting
    cell.queue.push(readOp())
  }

  const flush = (drafts: ReadonlyArray<Draft>): Effect.Effect<void> =>
    Effect.suspend(() => {
      const startedMillis = performance.now()
      return Effect.matchCauseEffect(traced(drafts, store.commit(drafts.map((one) => one.commit as ActorCommit))), {
        onSuccess: (outcomes) =>
          Effect.sync(() => {
            observe(stats, drafts.length, performance.now() - startedMillis)
            drafts.forEach((one, index) => {
              stats.commands += one.ops.length
              settle(one, outcomes[index] ?? { _tag: "Fenced" })
            })
          }),
        onFailure: (cause) => {
          const failure = failureOf(cause)
          const logged = Cause.hasDies(cause) ? Effect.logError("The store's adapter has a defect", cause) : Effect.void
          // A row that the store refuses must not hurt the others: halve until it is alone.
          if (failure.reason === "data" && drafts.length > 1) {
            stats.splits++
            const middle = drafts.length >> 1
            return Effect.andThen(flush(drafts.slice(0, middle)), flush(drafts.slice(middle)))
          }
          return Effect.map(logged, () => {
            for (const one of drafts) {
              if (failure.reason === "data" && one.ops.length > 1) oneByOne(one)
              else giveUp(one.cell, one.ops, failure)
            }
          })
        }
      })
    })

  const oneByOne = ({ cell, ops }: Draft): void => {
    putBack(cell, ops)
    release(cell)
  }
  const putBack = (cell: Cell<any>, ops: ReadonlyArray<Op<any>>): void => {
    cell.queue = ops.concat(cell.queue)
    cell.alone = ops.length
  }
  /** The write may have happened: reload before the next decision. */
  const giveUp = (cell: Cell<any>, ops: ReadonlyArray<Op<any>>, failure: ActorUnavailable): void => {
    cell.row = undefined
    const exit = Exit.fail(failure)
    for (const op of ops) answer(cell, op, exit)
    release(cell)
  }

  const load = (cells: ReadonlyArray<Cell<any>>): Effect.Effect<void> =>
    Effect.matchCause(store.load(cells.map(({ id, type }) => ({ type, id }))), {
      onSuccess: (rows) => {
        stats.loads += cells.length
        cells.forEach((cell, index) => loaded(cell, rows[index]))
      },
      onFailure: (cause) => {
        const failure = failureOf(cause)
        for (const cell of cells) giveUp(cell, cell.queue.splice(0), failure)
      }
    })
  const loaded = (cell: Cell<any>, row: ActorRow | undefined): void => {
    try {
      cell.know(
        row === undefined
          ? { version: 0, state: cell.codec.initial }
          : { version: row.version, state: cell.codec.decode(row.state) }
      )
      release(cell)
    } catch (defect) {
      const detail = `the stored state of ${cell.type} ${cell.id} does not fit its schema: ${String(defect)}`
      giveUp(cell, cell.queue.splice(0), new ActorUnavailable({ reason: "unreadable", detail }))
    }
  }

  return Committer.of({ submit, stats })
})

/** No actor is at version -1: a commit that expects it writes nothing, and is answered with the replies that are stored. */
const question = (
  cell: Cell<any>,
  ops: ReadonlyArray<Op<any>>,
  replies: ActorCommit["replies"]
): Omit<Draft, "exits"> => ({
  cell,
  ops,
  next: undefined,
  commit: { type: cell.type, id: cell.id, expected: -1, state: "", replies, events: [] },
  isQuestion: true
})

/** A read: it waits for its turn and is answered with the committed snapshot. */
export const readOp = (): Op<any> => ({
  name: "Get",
  commandId: undefined,
  decide: undefined,
  encodeReply: String,
  decodeReply: String,
  waiters: []
})

/** The write in a span of its own, if any of its commands is being traced. */
const traced = <A, E>(drafts: ReadonlyArray<Draft>, write: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  const spans = new Set<Tracer.Span>()
  let commands = 0
  for (const { ops } of drafts) {
    commands += ops.length
    for (const { span } of ops) if (span !== undefined && spans.size < maxLinks) spans.add(span)
  }
  return servingSpans(write, "Committer.flush", spans, { "polya.actors": drafts.length, "polya.commands": commands })
}

/** The facets of the new state, if they are not those of the committed one. */
const news = (cell: Cell<any>, committed: Snapshot<any>, next: unknown): Facets | undefined => {
  const { describe } = cell.codec
  if (describe === undefined || (next === committed.state && committed.version > 0)) return undefined
  const facets = describe(next, cell.id)
  if (committed.version === 0) return facets
  const before = describe(committed.state, cell.id)
  return (Object.keys(facets) as ReadonlyArray<keyof Facets>).some((key) => facets[key] !== before[key])
    ? facets
    : undefined
}

const outcomeOf = (exit: Exit.Exit<any, any>): string => {
  if (Exit.isSuccess(exit)) return "done"
  const error = Exit.findErrorOption(exit)
  if (error._tag === "None") return "defect"
  return error.value instanceof ActorUnavailable ? error.value.reason : "refused"
}

const decoded = (op: Op<any>, stored: string): Exit.Exit<unknown, KeyReused> => {
  try {
    return Exit.succeed(op.decodeReply(stored))
  } catch (defect) {
    return defect instanceof KeyReused ? Exit.fail(defect) : Exit.die(defect)
  }
}

const failureOf = (cause: Cause.Cause<StoreFailed>): ActorUnavailable => {
  const error = Cause.squash(cause)
  return error instanceof StoreFailed
    ? new ActorUnavailable({ reason: error.reason, detail: error.detail })
    : new ActorUnavailable({ reason: "unavailable", detail: String(error) })
}
