// Calls without a message. A client hands a command to its actor's host itself where the host is awake on the client's own runner and the
// runner holds the host's cluster shard, which is what the cluster asks before it delivers. Everything else goes as a message, and so does
// a call a minute to each host, because the cluster lets hosts go that get no messages. What a host leaves unanswered when it goes is asked
// again by message with the same command id, in what is left of its deadline.
import { type Cause, Clock, Effect, Exit, type Scope } from "effect"
import { Entity, Sharding } from "effect/cluster"
import { ActorUnavailable, type Cell, type Op, type Snapshot, type Waiter } from "../Committer.ts"

const messageEveryMillis = 60_000

/** A host that goes waits so long for the answers that are on their way; the rest is asked again by message. */
const drainMillis = 5_000

interface Call {
  /** Its place among the calls that wait; -1: it was answered. */
  at: number
  readonly dueMillis: number
  readonly resume: (effect: Effect.Effect<any, any>) => void
  readonly late: Effect.Effect<never, ActorUnavailable>
  readonly again: Effect.Effect<any, any>
}

export interface DirectHost<State> {
  readonly open: () => boolean
  /** The committed state, if it is in memory. */
  readonly row: (actor: string) => Snapshot<State> | undefined
  readonly ask: (
    actor: string,
    op: Op<State>,
    deadlineMillis: number,
    byMessage: (restMillis: number) => Effect.Effect<any, any>
  ) => Effect.Effect<any, any>
}

/** Hosts of one actor type that are awake, by runner. */
export class DirectHosts<State> {
  private readonly hosts = new WeakMap<Sharding.Sharding["Service"], Map<string, DirectHost<State>>>()
  on(runner: Sharding.Sharding["Service"]): Map<string, DirectHost<State>> {
    let here = this.hosts.get(runner)
    if (here === undefined) this.hosts.set(runner, here = new Map())
    return here
  }
}

/**
 * Puts the host that is being built among the awake ones for as long as its scope lives. Answers what is to be called with every message
 * that reaches the host.
 */
export const serve = <State>(
  hosts: DirectHosts<State>,
  submit: (cell: Cell<State>, op: Op<State>) => void,
  cellOf: (actor: string) => Cell<State>
): Effect.Effect<() => void, never, Scope.Scope | Entity.CurrentAddress | Sharding.Sharding> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const scope = yield* Effect.scope
    const sharding = yield* Sharding.Sharding
    const { entityId, shardId } = yield* Entity.CurrentAddress
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    const calls: Array<Call> = []
    let messageAtMillis = clock.currentTimeMillisUnsafe()
    let wakeMillis = Infinity
    let emptied = (): void => {}
    const end = (call: Call, effect: Effect.Effect<any, any>): void => {
      if (call.at < 0) return
      const last = calls.pop()
      if (last !== undefined && last !== call) calls[last.at = call.at] = last
      call.at = -1
      call.resume(effect)
      if (calls.length === 0) emptied()
    }

    /** Fails what is overdue, and comes back when the next call is; one that was set for a later time than the newest ends. */
    const sweepAt = (dueMillis: number): Effect.Effect<void> =>
      Effect.suspend(() => {
        wakeMillis = dueMillis
        return Effect.sleep(dueMillis - clock.currentTimeMillisUnsafe())
      }).pipe(Effect.andThen(Effect.suspend(() => {
        if (wakeMillis !== dueMillis) return Effect.void
        wakeMillis = Infinity
        const nowMillis = clock.currentTimeMillisUnsafe()
        let next = Infinity
        for (const call of calls.slice()) {
          if (call.dueMillis <= nowMillis) end(call, call.late)
          else next = Math.min(next, call.dueMillis)
        }
        return next === Infinity ? Effect.void : sweepAt(next)
      })))

    const ask: DirectHost<State>["ask"] = (actor, op, deadlineMillis, byMessage) =>
      Effect.callback((resume) => {
        const dueMillis = clock.currentTimeMillisUnsafe() + deadlineMillis
        const call: Call = {
          at: calls.length,
          dueMillis,
          resume,
          late: Effect.suspend(() => {
            const detail = `no answer within ${deadlineMillis} ms`
            return Effect.fail(new ActorUnavailable({ reason: "unavailable", detail }))
          }),
          again: Effect.suspend(() => byMessage(Math.max(0, dueMillis - clock.currentTimeMillisUnsafe())))
        }
        calls.push(call)
        const answer: Waiter = (exit) => end(call, Exit.isFailure(exit) && mayPass(exit.cause) ? call.again : exit)
        op.waiters.push(answer)
        submit(cellOf(actor), op)
        if (dueMillis < wakeMillis && call.at >= 0) {
          wakeMillis = dueMillis
          fork(Effect.forkIn(sweepAt(dueMillis), scope))
        }
        return Effect.sync(() => end(call, Effect.void))
      })

    let askedMillis = -1
    let owned = false
    const open = (): boolean => {
      const nowMillis = clock.currentTimeMillisUnsafe()
      if (nowMillis !== askedMillis) {
        askedMillis = nowMillis
        owned = nowMillis - messageAtMillis < messageEveryMillis && sharding.hasShardId(shardId)
      }
      return owned
    }
    const here = hosts.on(sharding)
    const host: DirectHost<State> = { open, row: (actor) => cellOf(actor).row, ask }
    const drained = Effect.callback<void>((resume) => {
      emptied = () => resume(Effect.void)
      if (calls.length === 0) emptied()
    })
    yield* Effect.acquireRelease(
      Effect.sync(() => here.set(entityId, host)),
      () =>
        Effect.suspend(() => {
          if (here.get(entityId) === host) here.delete(entityId)
          return Effect.timeoutOption(Effect.interruptible(drained), drainMillis)
        }).pipe(Effect.andThen(Effect.sync(() => {
          for (const call of calls.slice()) end(call, call.again)
        })))
    )
    return () => {
      messageAtMillis = clock.currentTimeMillisUnsafe()
    }
  })

const mayPass = (cause: Cause.Cause<unknown>): boolean => {
  const [reason] = cause.reasons
  const error = reason?._tag === "Fail" ? reason.error : undefined
  return error instanceof ActorUnavailable && error.again
}
