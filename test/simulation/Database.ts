// The one database of a world: the in-memory stores, behind calls that take time, fail, lose their answer, or land after their caller gave up.
// It keeps what every writer did, for the checker. `plant` takes a protection away, to see that the checker misses it.
import { Clock, Context, Effect, type Exit, Layer } from "effect"
import { ActorStore, StoreFailed } from "../../src/actors/ActorStore.ts"
import * as ActorStoreMemory from "../../src/actors/ActorStoreMemory.ts"
import { RunIndex } from "../../src/actors/RunIndex.ts"
import * as RunIndexMemory from "../../src/actors/RunIndexMemory.ts"
import type { ActorCommit, CommitOutcome } from "../../src/domain/Commit.ts"
import type { Machine, World } from "./World.ts"

/** `no-fencing`: a write is taken whatever version it was decided on. `no-dedup`: command ids are not looked up. `no-run-fence`: every driver of a run may write. */
export const plants = ["no-fencing", "no-dedup", "no-run-fence"] as const
export type Plant = (typeof plants)[number]

/** One write of an actor that reached the database. */
export interface ActorWrite {
  readonly atMillis: number
  readonly machine: string
  readonly commit: ActorCommit
  /** The version that stood there. */
  readonly found: number
  readonly outcome: CommitOutcome["_tag"]
}
/** A write of a run's index that was taken. */
export interface IndexWrite {
  readonly run: string
  readonly epoch: number
  readonly latest: number
}

/** How likely it is that a call meets it. */
export interface CallFaults {
  /** Not done, and the caller is told that nobody knows. */
  readonly before: number
  /** Done, and the caller is told that nobody knows. */
  readonly after: number
  /** The caller is told that nobody knows, and it is done some seconds later. */
  readonly late: number
}
export const noCallFaults: CallFaults = { before: 0, after: 0, late: 0 }

/** A caller that hears nothing gives up after so long. */
const silenceMillis = 3_000

const lost = () => new StoreFailed({ reason: "unavailable", detail: "the connection was lost" })

const indexWrites = ["put", "reopen", "putResults", "forget"] as const
const isWrite = (name: string): boolean =>
  name === "commit" || name === "claim" || indexWrites.some((write) => write === name)

export class Database {
  readonly world: World
  readonly plant: Plant | undefined
  readonly actorWrites: Array<ActorWrite> = []
  readonly indexWrites: Array<IndexWrite> = []
  /** Nobody reaches it. */
  away = false
  /** These do not reach it. */
  readonly cut = new Set<Machine>()
  faults: CallFaults = noCallFaults
  /** Happens when the machine asks for its next write, before the write has left it. */
  readonly traps = new Map<Machine, () => void>()
  /** Milliseconds that a slow call takes at most; 0: none is slow. */
  slowest = 0
  private readonly context: Context.Context<ActorStore | RunIndex>
  private readonly epochs = new Map<string, number>()
  private readonly clock: Context.Context<never>
  constructor(world: World, plant: Plant | undefined) {
    this.world = world
    this.plant = plant
    this.clock = Context.pick(Clock.Clock)(world.machine("database").context as Context.Context<never>)
    this.context = Effect.runSync(Effect.scoped(Layer.build(
      Layer.fresh(Layer.mergeAll(ActorStoreMemory.layer, RunIndexMemory.layer))
    ))) as Context.Context<ActorStore | RunIndex>
  }

  /** One call of a program on `machine`. */
  call<A, E>(machine: Machine, name: string, execute: () => Exit.Exit<A, E>, fail: () => E): Effect.Effect<A, E> {
    return Effect.callback((resume) => {
      const answer = (millis: number, exit: Effect.Effect<A, E>): void => {
        this.world.after(millis, machine, () => resume(exit))
      }
      this.world.listener?.(`  ${machine.name} asks ${name}`)
      const trap = isWrite(name) ? this.traps.get(machine) : undefined
      if (trap !== undefined && this.traps.delete(machine)) trap()
      machine.send(this.latency(), () => {
        const { dice } = this.world
        const later = (): void => {
          this.world.after(dice.between(100, 6_000), undefined, () => {
            if (this.away) return
            this.world.trace(`${machine.name} late ${name}`)
            execute()
          })
        }
        if (this.away || this.cut.has(machine)) {
          if (dice.chance(0.5)) return answer(this.latency(), Effect.fail(fail()))
          if (dice.chance(0.2)) later()
          return answer(silenceMillis, Effect.fail(fail()))
        }
        const met = dice.next()
        const { after, before, late } = this.faults
        if (met < before) return answer(this.latency(), Effect.fail(fail()))
        if (met < before + after) {
          this.world.trace(`${machine.name} unanswered ${name}`)
          execute()
          return answer(this.latency(), Effect.fail(fail()))
        }
        if (met < before + after + late) {
          later()
          return answer(dice.chance(0.5) ? this.latency() : silenceMillis, Effect.fail(fail()))
        }
        return answer(this.latency(), execute())
      })
    })
  }

  /** The stores, as a program on `machine` has them. */
  layerFor(machine: Machine): Layer.Layer<ActorStore | RunIndex> {
    const store = Context.get(this.context, ActorStore)
    const index = Context.get(this.context, RunIndex)
    const wrap = <Args extends ReadonlyArray<any>, A, E>(
      name: string,
      method: (...args: Args) => Effect.Effect<A, E | StoreFailed>
    ) =>
    (...args: Args): Effect.Effect<A, E | StoreFailed> =>
      this.call(machine, name, () => this.execute(method(...args)), lost)
    const fenced: Record<string, unknown> = {}
    for (const name of indexWrites) {
      fenced[name] = wrap(name, (owner: { run: string; epoch: number }, ...args: ReadonlyArray<any>) => {
        const latest = this.epochs.get(owner.run) ?? 0
        const as = this.plant === "no-run-fence" ? { ...owner, epoch: latest } : owner
        return Effect.tap((index[name] as any)(as, ...args), () =>
          Effect.sync(() => {
            this.indexWrites.push({ ...owner, latest })
            this.world.trace(`${machine.name} ${name} ${owner.run}@${owner.epoch}`)
          }))
      })
    }
    return Layer.succeedContext(
      Context.make(ActorStore, {
        load: wrap("load", store.load),
        commit: wrap("commit", (batch) => Effect.sync(() => this.commit(machine, store, batch))),
        asOf: wrap("asOf", store.asOf),
        history: wrap("history", store.history),
        list: wrap("list", store.list),
        prune: wrap("prune", store.prune)
      }).pipe(Context.add(RunIndex, {
        ...index,
        ...fenced,
        claim: wrap("claim", (run) =>
          Effect.tap(index.claim(run), (epoch) =>
            Effect.sync(() => {
              this.epochs.set(run, epoch)
              this.world.trace(`${machine.name} claim ${run}@${epoch}`)
            }))),
        rows: wrap("rows", index.rows),
        groups: wrap("groups", index.groups),
        payloads: wrap("payloads", index.payloads),
        strata: wrap("strata", index.strata),
        results: wrap("results", index.results),
        counts: wrap("counts", index.counts)
      }))
    )
  }

  /** What stands there now, for the checker. */
  stored(type: string, id: string): { readonly version: number; readonly state: string } | undefined {
    return Effect.runSync(Context.get(this.context, ActorStore).load([{ type, id }]))[0]
  }

  private execute<A, E>(effect: Effect.Effect<A, E>): Exit.Exit<A, E> {
    return Effect.runSyncExitWith(this.clock)(effect)
  }
  private commit(
    machine: Machine,
    store: ActorStore["Service"],
    batch: ReadonlyArray<ActorCommit>
  ): ReadonlyArray<CommitOutcome> {
    return batch.map((commit) => {
      const found = this.stored(commit.type, commit.id)?.version ?? 0
      const as: ActorCommit = {
        ...commit,
        ...(this.plant === "no-fencing" && commit.expected >= 0 ? { expected: found } : {}),
        ...(this.plant === "no-dedup" ? { replies: [] } : {})
      }
      const [outcome = { _tag: "Fenced" }] = Effect.runSyncWith(this.clock)(store.commit([as]))
      this.actorWrites.push({
        atMillis: this.world.nowMillis,
        machine: machine.name,
        commit,
        found,
        outcome: outcome._tag
      })
      this.world.trace(`${machine.name} ${commit.type} ${commit.id} ${commit.expected} ${outcome._tag}`)
      return outcome
    })
  }
  private latency(): number {
    const { dice } = this.world
    return this.slowest > 0 && dice.chance(0.05) ? dice.between(5, this.slowest) : 0.2 + dice.next()
  }
}
