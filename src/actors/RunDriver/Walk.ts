// A walk: rows, from the source or from the run's index, go in batches through the Problem actors; each batch leaves its rows and entries in
// the index and is then reported to the run. Batches overlap, within the limit of rows in flight; reports stay in order.
import { Clock, Effect, Option, Semaphore, Stream } from "effect"
import type { Position, RunState } from "../../domain/DatasetRun.ts"
import { derivedId, type ProblemId, problemId } from "../../domain/Ids.ts"
import { canonical, isJsonObject, type Json, type JsonObject } from "../../domain/Json.ts"
import type { PlanStep } from "../../domain/Plan.ts"
import type { RunRow } from "../../domain/RunRow.ts"
import { type SourceItem, type SourceSpec } from "../../domain/Source.ts"
import type { Fields } from "../../domain/Stage.ts"
import { type Tally, TallyBuilder } from "../../domain/Tally.ts"
import { patient } from "../DurableActor.ts"
import type { RunPlan } from "../Plans.ts"
import { type EnrichRow, ProblemActor, type RowReport } from "../ProblemActor.ts"
import { type IndexedEntry, RunIndex, type RunOwner } from "../RunIndex.ts"
import { Sources, SourceUnreadable } from "../Sources.ts"
import { inOwnTrace } from "../Tracing.ts"

type WalkStep = Extract<PlanStep, { readonly _tag: "Walk" }>

/** The address of a row's Problem actor: rows of a run lie together in the store, in order. */
export const actorOf = (run: string, seq: number, sub: number): string =>
  `${run}.${String(seq).padStart(9, "0")}.${sub}`

interface Done {
  readonly from: Position
  readonly to: Position
  readonly tally: Tally
}

/** One row of a batch, with what the index needs to know of it beside the actor's report. */
interface Walker {
  readonly seq: number
  readonly sub: number
  readonly parent: number | null
  readonly read: { readonly source: string } | null
  /** First stage that it meets in this walk. */
  readonly from: number
  readonly enrich: EnrichRow
}

export interface WalkContext {
  readonly owner: RunOwner
  readonly plan: RunPlan
  readonly step: WalkStep
  readonly state: RunState
  /** The state as it is now, for live limits. */
  readonly now: Effect.Effect<RunState>
  /** Reports a batch; false: the run is not to go on. */
  readonly report: (done: Done) => Effect.Effect<boolean, any>
}

/** Answers whether the walk came to its end: a run that was paused and resumed meanwhile looks as if it had. */
export const walk = Effect.fn("RunDriver.walk")(function*(context: WalkContext) {
  const { state } = context
  let ended = true
  const stop = (): boolean => ended = false
  const gate = yield* makeGate(context)
  const work = yield* makeWorker(context)
  const traced = (batch: Batch) =>
    inOwnTrace("RunDriver.batch", { "polya.run": context.owner.run, "polya.rows": batch.items.length })(work(batch))
  const batches = state.position._tag === "Source" && context.step.source
    ? yield* sourceBatches(context, state.position.cursor)
    : indexBatches(context)
  yield* batches.pipe(
    Stream.mapEffect((batch) => Effect.map(gate.enter(batch.size), (taken) => ({ batch, taken }))),
    Stream.takeWhile(({ taken }) => taken > 0 || stop()),
    Stream.mapEffect(({ batch, taken }) => Effect.ensuring(traced(batch), gate.leave(taken)), { concurrency: 64 }),
    Stream.runForEachWhile((done) => Effect.map(context.report(done), (goesOn) => goesOn || stop()))
  )
  return ended
})

interface Batch {
  /** What it counts against the limit of rows in flight. */
  readonly size: number
  readonly from: Position
  readonly to: Position
  readonly items: ReadonlyArray<SourceItem> | ReadonlyArray<RunRow>
  readonly source: boolean
}

/**
 * At most `inFlight` rows at once and `rowsPerSecond` a second; both are read anew for each batch and while it waits for its time, so that
 * a change counts at once. `enter` waits before a batch is begun (nothing more is read meanwhile) and answers 0 if the run does not go on
 * with this walk; `leave` makes room again.
 */
const makeGate = Effect.fnUntraced(function*({ now, state: { generation, step } }: WalkContext) {
  const clock = yield* Clock.Clock
  const semaphore = yield* Semaphore.make(1)
  let permits = 1
  /** When the last batch began, and its rows: they say when the next may, at today's rate. */
  let last = { atMillis: Number.NEGATIVE_INFINITY, size: 0 }
  return {
    enter: Effect.fnUntraced(function*(size: number) {
      let limits: RunState["limits"]
      while (true) {
        const state = yield* now
        if (state.status !== "running" || state.generation !== generation || state.step !== step) return 0
        limits = state.limits
        const atMillis = clock.currentTimeMillisUnsafe()
        const dueMillis = limits.rowsPerSecond > 0
          ? last.atMillis + (last.size / limits.rowsPerSecond) * 1_000
          : atMillis
        if (dueMillis <= atMillis) {
          // A wait that was overslept a little is made good, so that the rate is kept in the mean.
          last = { atMillis: Math.max(dueMillis, atMillis - gateMillis), size }
          break
        }
        yield* Effect.sleep(Math.min(gateMillis, dueMillis - atMillis))
      }
      const { inFlight } = limits
      if (inFlight !== permits) {
        permits = inFlight
        yield* semaphore.resize(inFlight)
      }
      const taken = Math.min(size, inFlight)
      yield* semaphore.take(taken)
      return taken
    }),
    leave: (taken: number) => semaphore.release(taken)
  }
})

/** A batch that waits for its time looks at the run again so often. */
const gateMillis = 250

const batchRowsOf = ({ state }: WalkContext): number => Math.min(state.limits.batchRows, state.limits.inFlight)

const sourceBatches = Effect.fnUntraced(function*(
  context: WalkContext,
  cursor: Extract<Position, { readonly _tag: "Source" }>["cursor"]
) {
  const { recipe } = context.plan
  const source = yield* (yield* Sources).open(recipe.sources)
  if (source.fingerprint !== context.state.fingerprint) {
    return yield* new SourceUnreadable({
      location: recipe.sources.map(({ location }: SourceSpec) => location).join(", "),
      reason: "changed",
      detail: "it has changed since the run was started. Start a new run, or put the old content back and resume."
    })
  }
  const left = recipe.limitRows === null ? Number.POSITIVE_INFINITY : recipe.limitRows - cursor.rows
  let from: Position = { _tag: "Source", cursor }
  return source.rows(cursor).pipe(
    (rows) => Number.isFinite(left) ? Stream.take(rows, Math.max(0, left)) : rows,
    inBatches(batchRowsOf(context)),
    Stream.map(({ items, size }): Batch => {
      const to: Position = { _tag: "Source", cursor: items[items.length - 1]?.next ?? cursor }
      const batch: Batch = { size, from, to, items, source: true }
      from = to
      return batch
    })
  )
})

/** A row counts once more against the limits for each so many characters of its texts: memory is bounded by text, not by rows alone. */
const charactersOfRow = 16_384

const weightOf = (item: SourceItem): number => {
  if (item._tag === "Fault") return 1
  let characters = 0
  for (const value of Object.values(item.fields)) {
    characters += typeof value === "string"
      ? value.length
      : typeof value === "object"
      ? JSON.stringify(value).length
      : 0
  }
  return 1 + Math.floor(characters / charactersOfRow)
}

interface Gathered {
  readonly items: ReadonlyArray<SourceItem>
  readonly size: number
}

/** Batches of rows that weigh `limit` together; a heavier row is one alone. */
const inBatches = (limit: number) => <E, R>(items: Stream.Stream<SourceItem, E, R>): Stream.Stream<Gathered, E, R> => {
  let gathered: Array<SourceItem> = []
  return Stream.mapAccum(
    items,
    () => 0,
    (before, item): readonly [number, ReadonlyArray<Gathered>] => {
      gathered.push(item)
      const size = before + weightOf(item)
      if (size < limit) return [size, []]
      const full = gathered
      gathered = []
      return [0, [{ items: full, size }]]
    },
    { onHalt: (size): ReadonlyArray<Gathered> => (gathered.length === 0 ? [] : [{ items: gathered, size }]) }
  )
}

const indexBatches = (context: WalkContext): Stream.Stream<Batch, any, RunIndex> => {
  const position = context.state.position
  const start = position._tag === "Index" ? position.after : null
  return Stream.unwrap(
    Effect.map(
      RunIndex,
      (index) =>
        Stream.paginate(start, (after: RunRow | { readonly seq: number; readonly sub: number } | null) =>
          Effect.map(
            patient(
              index.rows(context.owner.run, {
                after,
                limit: batchRowsOf(context),
                statuses: ["live", "expanded", "done", "dropped", "failed"]
              })
            ),
            (items) => {
              const last = items.at(-1)
              if (last === undefined) {
                return [[], Option.none()] as const
              }
              const from: Position = {
                _tag: "Index",
                after: after === null ? null : { seq: after.seq, sub: after.sub }
              }
              const to: Position = { _tag: "Index", after: { seq: last.seq, sub: last.sub } }
              return [
                [{ size: items.length, from, to, items, source: false } satisfies Batch],
                Option.some(last)
              ] as const
            }
          ))
    )
  )
}

const makeWorker = Effect.fnUntraced(function*(context: WalkContext) {
  const { owner, plan, step } = context
  const { run } = owner
  const index = yield* RunIndex
  const clientOf = yield* ProblemActor.entity.client
  const names = plan.recipe.stages.map(({ name }) => name)
  const setStages = plan.plan.stages.filter(({ ord, stage }) =>
    stage.kind === "set" && ord >= step.from && ord < step.to
  )

  /** Sends rows to their hosts, one message a host, and answers their reports in order. */
  const enrich = Effect.fnUntraced(function*(walkers: ReadonlyArray<Walker>) {
    const { limits } = yield* context.now
    const byHost = Map.groupBy(walkers, ({ enrich }) => ProblemActor.hostOf(enrich.actor))
    const reports = new Map<string, RowReport>()
    yield* Effect.forEach(byHost, ([host, mine]) =>
      Effect.map(
        patient(
          Effect.suspend(() =>
            clientOf(host).EnrichMany({
              run,
              from: step.from,
              to: step.to,
              index: step.index,
              last: step.last,
              generation: context.state.generation,
              redoFrom: context.state.redoFrom,
              attempts: limits.attempts,
              rows: mine.map(({ enrich }) => enrich)
            })
          )
        ),
        (answers) => {
          for (const answer of answers) reports.set(answer.actor, answer)
        }
      ), { concurrency: "unbounded", discard: true })
    return reports
  })

  const fromSource = (
    items: ReadonlyArray<SourceItem>
  ): { readonly walkers: Array<Walker>; readonly faults: Array<RunRow> } => {
    const walkers: Array<Walker> = []
    const faults: Array<RunRow> = []
    for (const item of items) {
      const seq = item.next.rows - 1
      const actor = actorOf(run, seq, 0)
      if (item._tag === "Fault") {
        const detail = canonical({ source: item.source, line: item.line, message: item.message })
        faults.push({ seq, sub: 0, parent: null, actor: null, status: "failed", stage: -1, reason: item.tag, detail })
        continue
      }
      const { fields, key, line, source } = item
      const id = problemId(source, key, textOf(fields))
      walkers.push({
        seq,
        sub: 0,
        parent: null,
        read: { source },
        from: 0,
        enrich: {
          actor,
          ingest: { run, seq, sub: 0, parent: null, id, source, line, from: 0, raw: fields },
          applied: []
        }
      })
    }
    return { walkers, faults }
  }

  /**
   * Rows that this walk has to take: those alive, those that the closings before it dropped, and those that it ended itself before it was
   * repeated. Fates of earlier walks are counted: what failed at a set stage failed while its entry was made.
   */
  const isMine = ({ actor, stage, status }: RunRow): boolean =>
    actor !== null &&
    (stage === null ||
      stage >= step.from && !(status === "failed" && setStages.some(({ ord }) => ord === stage)))

  const fromIndex = Effect.fnUntraced(function*(rows: ReadonlyArray<RunRow>) {
    const mine = rows.filter(isMine)
    const refs = mine.map(({ seq, sub }) => ({ seq, sub }))
    const found = yield* Effect.forEach(
      setStages,
      ({ ord }) => Effect.map(patient(index.results(run, ord, refs)), (results) => ({ ord, results }))
    )
    return mine.map((row, at): Walker => ({
      seq: row.seq,
      sub: row.sub,
      parent: row.parent,
      read: null,
      from: step.from,
      enrich: {
        actor: row.actor ?? actorOf(run, row.seq, row.sub),
        ingest: null,
        applied: found.flatMap(({ ord, results }) => {
          const result = results[at]
          return result === undefined ? [] : [{ ord, drop: result.drop, patch: result.patch }]
        })
      }
    }))
  })

  /** Rows derived from the walkers that expanded; `subs` counts derived rows by source row. */
  const derived = (
    walkers: ReadonlyArray<Walker>,
    reports: ReadonlyMap<string, RowReport>,
    subs: Map<number, number>
  ): ReadonlyArray<Walker> =>
    walkers.flatMap((parent) => {
      const report = reports.get(parent.enrich.actor)
      const origin = parent.enrich.ingest
      if (report?.status !== "expanded" || report.stage === null || origin === null) return []
      const { stage } = report
      return report.children.map((raw, at): Walker => {
        const sub = (subs.get(parent.seq) ?? 0) + 1
        subs.set(parent.seq, sub)
        const { line, source } = origin
        const id = derivedId(origin.id as ProblemId, names[stage] ?? "", at, textOf(raw))
        const from = stage + 1
        const ingest = { run, seq: parent.seq, sub, parent: parent.sub, id, source, line, from, raw }
        const actor = actorOf(run, parent.seq, sub)
        return {
          seq: parent.seq,
          sub,
          parent: parent.sub,
          read: null,
          from,
          enrich: { actor, ingest, applied: [] }
        }
      })
    })

  return Effect.fnUntraced(function*(batch: Batch) {
    const { faults, walkers } = batch.source
      ? fromSource(batch.items as ReadonlyArray<SourceItem>)
      : { faults: [], walkers: yield* fromIndex(batch.items as ReadonlyArray<RunRow>) }
    const tally = new TallyBuilder(names)
    const rows: Array<RunRow> = []
    const entries = new Map<number, Array<IndexedEntry>>(step.index.map((ord) => [ord, []]))
    for (const fault of faults) {
      const source = faultOrigin(fault.detail).source
      rows.push(fault)
      tally.add({
        derived: false,
        from: 0,
        to: 0,
        status: "failed",
        stage: -1,
        reason: fault.reason,
        children: 0,
        millis: [],
        read: { source }
      })
    }
    const subs = new Map<number, number>()
    let round = walkers
    while (round.length > 0) {
      const reports = yield* enrich(round)
      for (const walker of round) {
        const report = reports.get(walker.enrich.actor)
        if (report === undefined) return yield* Effect.die(`no report for ${walker.enrich.actor}`)
        const { children, detail, millis, reason, stage, status } = report
        const { parent, seq, sub } = walker
        rows.push({ seq, sub, parent, actor: walker.enrich.actor, status, stage, reason, detail })
        for (const { entry, ord } of report.entries) entries.get(ord)?.push({ seq, sub, ...entry })
        tally.add({
          derived: parent !== null,
          from: walker.from,
          to: step.to,
          status,
          stage,
          reason,
          children: children.length,
          millis,
          read: walker.read
        })
      }
      round = [...derived(round, reports, subs)]
    }
    const indexed = step.index.map((stage) => ({ stage, entries: entries.get(stage) ?? [] }))
    yield* patient(index.put(owner, rows, indexed))
    return { from: batch.from, to: batch.to, tally: tally.tally } satisfies Done
  })
})

/** Source, line and message of a row that could not be read, as the index keeps them. */
export const faultOrigin = (
  detail: string | null
): { readonly source: string; readonly line: number; readonly message: string } => {
  const value: Json = detail === null ? null : JSON.parse(detail)
  const fields: JsonObject = isJsonObject(value) ? value : {}
  return {
    source: String(fields["source"] ?? ""),
    line: Number(fields["line"] ?? 0),
    message: String(fields["message"] ?? "")
  }
}

const textOf = (fields: Fields): string => {
  const text = fields["problem"] ?? fields["forum_post"] ?? ""
  return typeof text === "string" ? text : canonical(text)
}
