// The sandbox sessions of one WebSocket. They end with it, and so does what runs in them; their number, and that of the messages that wait
// for a cell, is bounded. Cells run beside the connection's other messages. Who opened a session is in the audit log when it begins; how
// much code it ran, with its hash, when it ends.
import { Clock, Effect, Exit, Scope } from "effect"
import { createHash } from "node:crypto"
import type { StoreFailed } from "../../actors/ActorStore.ts"
import type { AuditLog } from "../../actors/AuditLog.ts"
import type { CodeSandbox, CodeSession, OpenSession, Replayed } from "../../actors/CodeSandbox.ts"
import type { CellRefusal, CellResult, OpenRefusal } from "../../domain/Sandbox.ts"
import { type Caller, tenantOf } from "../Security.ts"
import { SessionUnknown, TooManyCells, TooManySessions } from "./Refusals.ts"

/** Messages of one connection that run code and have no answer yet. */
export const maxWaitingCells = 32

type Refused = CellRefusal | SessionUnknown

export interface CodeSessions {
  /** Does it beside all else; called off when the connection ends. */
  readonly start: (work: Effect.Effect<void>) => Effect.Effect<void, TooManyCells>
  readonly open: (
    asked: Omit<OpenSession, "tenant">
  ) => Effect.Effect<CodeSession, OpenRefusal | TooManySessions | StoreFailed>
  readonly exec: (id: string, code: string, wallMillis: number | undefined) => Effect.Effect<CellResult, Refused>
  readonly replay: (id: string) => Effect.Effect<Replayed, Refused>
  readonly restart: (id: string) => Effect.Effect<void, Refused>
  readonly close: (id: string) => Effect.Effect<void, SessionUnknown>
}

export interface CodeSessionsOptions {
  readonly sandbox: CodeSandbox["Service"]
  readonly audit: AuditLog["Service"]
  readonly caller: Caller
  readonly maxSessions: () => number
  /** Of the connection. */
  readonly scope: Scope.Scope
}

interface Held {
  readonly session: CodeSession
  readonly scope: Scope.Closeable
  readonly ran: { cells: number; bytes: number }
  readonly hash: ReturnType<typeof createHash>
}

export const make = ({ audit, caller, maxSessions, sandbox, scope }: CodeSessionsOptions): CodeSessions => {
  const held = new Map<string, Held>()
  let coming = 0
  let waiting = 0

  const noted = (command: string, id: string, detail: string) =>
    Effect.flatMap(Clock.currentTimeMillis, (atMillis) =>
      audit.append([{
        atMillis,
        who: caller.name,
        why: "",
        command,
        type: "Sandbox",
        id,
        commandId: null,
        version: null,
        outcome: "done",
        detail
      }]))

  const found = (id: string): Effect.Effect<Held, SessionUnknown> =>
    Effect.suspend(() => {
      const one = held.get(id)
      return one === undefined ? Effect.fail(new SessionUnknown({ session: id.slice(0, 100) })) : Effect.succeed(one)
    })
  const forget = ({ scope, session }: Held) =>
    Effect.suspend(() => {
      held.delete(session.id)
      return Scope.close(scope, Exit.void)
    })
  /** A session that has ended by itself leaves its place. */
  const asked = <A>(id: string, ask: (one: Held) => Effect.Effect<A, CellRefusal>): Effect.Effect<A, Refused> =>
    Effect.flatMap(
      found(id),
      (one) => Effect.tapError(ask(one), ({ _tag }) => _tag === "SessionOver" ? forget(one) : Effect.void)
    )

  return {
    start: (work) =>
      Effect.suspend(() => {
        if (waiting >= maxWaitingCells) return Effect.fail(new TooManyCells({ most: maxWaitingCells }))
        waiting++
        return Effect.asVoid(Effect.forkIn(Effect.ensuring(work, Effect.sync(() => void waiting--)), scope))
      }),
    open: (session) =>
      Effect.suspend((): ReturnType<CodeSessions["open"]> => {
        const most = maxSessions()
        if (held.size + coming >= most) return Effect.fail(new TooManySessions({ most }))
        coming++
        const own = Scope.forkUnsafe(scope)
        return Effect.gen(function*() {
          const opened = yield* sandbox.open({ ...session, tenant: tenantOf(caller) })
          yield* noted("OpenSession", opened.id, opened.level)
          const one: Held = { session: opened, scope: own, ran: { cells: 0, bytes: 0 }, hash: createHash("sha256") }
          yield* Effect.addFinalizer(() => {
            const { bytes, cells } = one.ran
            const detail = `${cells} ${cells === 1 ? "cell" : "cells"}, ${bytes} bytes, sha256 ${
              one.hash.digest("hex")
            }`
            return Effect.catch(
              noted("CloseSession", opened.id, detail),
              (error) => Effect.logWarning(`The end of a session is not in the audit log: ${error.message}`)
            )
          })
          held.set(opened.id, one)
          return opened
        }).pipe(
          Scope.provide(own),
          Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(own, exit)),
          Effect.ensuring(Effect.sync(() => void coming--))
        )
      }),
    exec: (id, code, wallMillis) =>
      asked(id, ({ hash, ran, session }) =>
        Effect.suspend(() => {
          ran.cells++
          ran.bytes += Buffer.byteLength(code)
          hash.update(code)
          return session.exec(code, wallMillis === undefined ? {} : { wallMillis })
        })),
    replay: (id) => asked(id, ({ session }) => session.replay),
    restart: (id) => asked(id, ({ session }) => session.restart),
    close: (id) => Effect.flatMap(found(id), forget)
  }
}
