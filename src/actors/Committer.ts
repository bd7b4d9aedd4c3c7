// Group commit, one per runner, for the cells (memories) of all its actors. Commands wait in their cell; a flush decides them from
// the last committed state and writes all actors at once; replies leave after the commit. A flush starts as soon as the previous
// one is done. Nothing speculative exists: a failed flush has nothing to undo, callers retry with the same command id.
import { Cause, Context, Effect, Exit, Layer, Schema } from "effect"
import type { ActorCommit, ActorRow, CommitOutcome } from "../domain/Commit.ts"
import type { Decision } from "../domain/Decision.ts"
import { ActorStore, StoreFailed } from "./ActorStore.ts"

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
}

export type Waiter = (exit: Exit.Exit<any, any>) => void

/** One waiting command. */
export interface Op<State> {
  /** None: a step from inside the actor, guarded by the state alone; its reply is not stored. */
  readonly commandId: string | undefined
  /** None: a read, which waits for its turn and answers the committed snapshot. */
  readonly decide: ((state: State) => Decision<State, unknown, unknown>) | undefined
  readonly encodeReply: (reply: any) => string
  readonly decodeReply: (json: string) => unknown
  readonly waiters: Array<Waiter>
}

/** The memory of one actor on its runner. */
export class Cell<State> {
  /** Last committed state; none: must be loaded. */
  row: Snapshot<State> | undefined = undefined
  queue: Array<Op<State>> = []
  /** Ops with an id that wait or are being written: a retry that overtakes its first attempt shares the answer. */
  readonly pending = new Map<string, Op<State>>()
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

/** Counters since start, for metrics and benchmarks. */
export interface CommitterStats {
  flushes: number
  actors: number
  commands: number
  loads: number
  fenced: number
  duplicates: number
  splits: number
  flushMillis: number
}

interface Draft {
  readonly cell: Cell<any>
  readonly ops: ReadonlyArray<Op<any>>
  readonly exits: ReadonlyArray<Exit.Exit<any, any>>
  readonly next: unknown
  readonly commit: ActorCommit | undefined
}

export class Committer extends Context.Service<Committer, {
  readonly submit: <State>(cell: Cell<State>, op: Op<State>) => void
  readonly stats: Readonly<CommitterStats>
}>()("polya/Committer") {
  static readonly layer = (options: Partial<CommitterOptions> = {}): Layer.Layer<Committer, never, ActorStore> =>
    Layer.effect(Committer, make({ ...committerDefaults, ...options }))
}

const make = Effect.fnUntraced(function*(options: CommitterOptions) {
  const store = yield* ActorStore
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const stats: CommitterStats = {
    flushes: 0,
    actors: 0,
    commands: 0,
    loads: 0,
    fenced: 0,
    duplicates: 0,
    splits: 0,
    flushMillis: 0
  }
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
      for (const waiter of op.waiters) waiter(exit)
      return
    }
    if (op.commandId !== undefined) {
      const same = cell.pending.get(op.commandId)
      if (same !== undefined) {
        same.waiters.push(...op.waiters)
        return
      }
      cell.pending.set(op.commandId, op)
    }
    waiting++
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
  const take = (cells: Array<Cell<any>>): Array<Cell<any>> => {
    const taken = cells.splice(0, options.maxActorsPerFlush)
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
    waiting--
    if (op.commandId !== undefined) cell.pending.delete(op.commandId)
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
    const exits: Array<Exit.Exit<any, any>> = []
    for (const op of ops) {
      if (op.decide === undefined) {
        exits.push(Exit.succeed(committed))
        continue
      }
      try {
        const decision = op.decide(state)
        if (decision._tag === "Refused") {
          exits.push(Exit.fail(decision.error))
          continue
        }
        const texts = decision.events.map((event) => JSON.stringify(event))
        const reply = op.commandId === undefined ? undefined : op.encodeReply(decision.reply)
        if (decision.state !== state || texts.length > 0 || reply !== undefined) changed = true
        if (op.commandId !== undefined && reply !== undefined) replies.push({ commandId: op.commandId, reply })
        events.push(...texts)
        state = decision.state
        exits.push(Exit.succeed(decision.reply))
      } catch (defect) {
        exits.push(Exit.die(defect))
      }
    }
    if (!changed) return { cell, ops, exits, next: state, commit: undefined }
    try {
      const commit = {
        type: cell.type,
        id: cell.id,
        expected: committed.version,
        state: cell.codec.encode(state),
        replies,
        events
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
    waiting++
    cell.queue.push(readOp())
  }

  const flush = (drafts: ReadonlyArray<Draft>): Effect.Effect<void> =>
    Effect.suspend(() => {
      const startedMillis = performance.now()
      return Effect.matchCauseEffect(store.commit(drafts.map((one) => one.commit as ActorCommit)), {
        onSuccess: (outcomes) =>
          Effect.sync(() => {
            stats.flushes++
            stats.actors += drafts.length
            stats.flushMillis += performance.now() - startedMillis
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

/** A read: it waits for its turn and is answered with the committed snapshot. */
export const readOp = (): Op<any> => ({
  commandId: undefined,
  decide: undefined,
  encodeReply: String,
  decodeReply: String,
  waiters: []
})

const decoded = (op: Op<any>, stored: string): Exit.Exit<unknown, never> => {
  try {
    return Exit.succeed(op.decodeReply(stored))
  } catch (defect) {
    return Exit.die(defect)
  }
}

const failureOf = (cause: Cause.Cause<StoreFailed>): ActorUnavailable => {
  const error = Cause.squash(cause)
  return error instanceof StoreFailed
    ? new ActorUnavailable({ reason: error.reason, detail: error.detail })
    : new ActorUnavailable({ reason: "unavailable", detail: String(error) })
}
