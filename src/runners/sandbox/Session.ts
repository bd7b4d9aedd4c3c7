// One session over an interpreter: cells in order, what they came to, and what is true after one was killed. It holds its place until it is
// closed, so that a replay finds one.
import { Clock, Effect, Semaphore } from "effect"
import type { CodeSession } from "../../actors/CodeSandbox.ts"
import { digest } from "../../domain/Ids.ts"
import {
  type CellRefusal,
  type CellResult,
  CodeTooLong,
  type SandboxLimits,
  SandboxUnavailable,
  SessionOver,
  StateLost
} from "../../domain/Sandbox.ts"
import type { Backend, Cell, CellReply, Interpreter } from "./Interpreter.ts"

/** What the sandbox counts of its sessions. */
export interface Counts {
  readonly opened: (level: string, millis: number) => void
  readonly cell: (level: string, reply: CellReply) => void
  /** An interpreter ended outside of a cell. */
  readonly lost: (level: string, cause: string) => void
}

export interface SessionOptions {
  readonly id: string
  readonly backend: Backend
  readonly tenant: string
  readonly seed: number
  readonly limits: SandboxLimits
  /** The longest wall time that a caller may ask for a cell; read at each use. */
  readonly maxWallMillis: () => number
  readonly counts: Counts
}

export interface Session extends CodeSession {
  /** Since when nobody uses it; null: a cell runs. */
  readonly idleSinceMillis: () => number | null
  /** Ends it for a reason that later cells are told. */
  readonly end: (reason: SessionOver["reason"]) => Effect.Effect<void>
}

/** A cell that a replay runs again; what it came to is kept as a text, or as its hash where that is shorter. */
interface Done {
  readonly code: string
  readonly wallMillis: number
  readonly cell: number
  readonly cameTo: string
}

/** An interpreter that does not end by then is left to its backend, which ends it with its other processes. */
const endMillis = 5_000
/** A cell whose backend breaks its promise to answer is taken for lost after so much more than its limits. */
const overdueMillis = 5_000
/** Code kept for a replay, in times of the longest cell. */
const keptCells = 16

const overdue: CellReply = {
  status: "killed",
  stdout: "",
  stderr: "",
  value: null,
  truncated: false,
  millis: 0,
  cause: "host",
  stateLost: true
}

const execOn = (interpreter: Interpreter, cell: Cell): Effect.Effect<CellReply> =>
  Effect.callback<CellReply>((resume) => {
    const allowed = cell.wallMillis + cell.graceMillis
    const timer = setTimeout(() => resume(Effect.succeed({ ...overdue, millis: allowed })), allowed + overdueMillis)
    // A backend that rejects breaks its promise as well, which must not end the whole process.
    const settle = (reply: CellReply) => {
      clearTimeout(timer)
      resume(Effect.succeed(reply))
    }
    interpreter.exec(cell).then(settle, () => settle(overdue))
    return Effect.sync(() => clearTimeout(timer))
  })

const shortCharacters = 100
const cameTo = ({ status, stdout, value }: CellReply): string => {
  const parts = [status, stdout, ...(value === null ? [] : [value])]
  return stdout.length + (value?.length ?? 0) <= shortCharacters ? JSON.stringify(parts) : digest(parts)
}

/** A session whose interpreter runs; `end` it. */
export const makeSession = Effect.fnUntraced(function*(options: SessionOptions) {
  const { backend, counts, id, limits, seed, tenant } = options
  const { level } = backend
  const clock = yield* Clock.Clock
  const turn = yield* Semaphore.make(1)

  let interpreter: Interpreter | null = null
  let lost: StateLost["cause"] | null = null
  let over: SessionOver["reason"] | null = null
  let running = false
  let usedMillis = clock.currentTimeMillisUnsafe()
  let number = 0
  let keptBytes = 0
  let done: Array<Done> = []

  const adopt = (started: Interpreter) => {
    interpreter = started
    lost = null
    started.onLost((cause) => {
      if (interpreter !== started) return
      interpreter = null
      lost = cause
      counts.lost(level, cause)
    })
  }
  /** What an interruption, or an end meanwhile, leaves of the start is ended. */
  const begin = Effect.callback<void, SandboxUnavailable>((resume, signal) => {
    backend.start({ tenant, seed, limits, signal }).then(
      (started) => {
        if (signal.aborted || over !== null) void started.end()
        else adopt(started)
        resume(Effect.void)
      },
      (error: unknown) => {
        const detail = error instanceof Error ? error.message : String(error)
        resume(Effect.fail(new SandboxUnavailable({ detail })))
      }
    )
  })
  const drop = Effect.suspend(() => {
    const last = interpreter
    interpreter = null
    return last === null
      ? Effect.void
      : Effect.promise(() => last.end()).pipe(Effect.timeoutOption(endMillis), Effect.asVoid)
  })
  const end: Session["end"] = (reason) =>
    Effect.suspend(() => {
      over ??= reason
      done = []
      return drop
    })

  /** One cell on the interpreter that runs. Called off, it ends the session: what the cell did to the state nobody knows. */
  const run = Effect.fnUntraced(function*(code: string, wallMillis: number, cell: number) {
    const now = interpreter
    if (now === null) return yield* new StateLost({ cause: lost ?? "host", completedCells: done.length })
    const { graceMillis, outputBytes } = limits
    running = true
    const reply = yield* execOn(now, { code, wallMillis, graceMillis, outputBytes }).pipe(
      Effect.onInterrupt(() => end("interrupted"))
    )
    running = false
    usedMillis = clock.currentTimeMillisUnsafe()
    counts.cell(level, reply)
    if (reply.stateLost) {
      lost = reply.cause ?? "exited"
      yield* drop
    }
    const result: CellResult = { cell, ...reply, level }
    return result
  })

  const inTurn = <A>(effect: Effect.Effect<A, CellRefusal>): Effect.Effect<A, CellRefusal> =>
    turn.withPermits(1)(
      Effect.suspend(() => over === null ? effect : Effect.fail(new SessionOver({ reason: over })))
    )

  const exec: CodeSession["exec"] = (code, asked) =>
    inTurn(Effect.gen(function*() {
      const bytes = Buffer.byteLength(code)
      if (bytes > limits.codeBytes) return yield* new CodeTooLong({ bytes, mostBytes: limits.codeBytes })
      if (number >= limits.cells || keptBytes + bytes > keptCells * limits.codeBytes) {
        yield* end("cells")
        return yield* new SessionOver({ reason: "cells" })
      }
      const wallMillis = Math.max(1, Math.min(asked?.wallMillis ?? limits.wallMillis, options.maxWallMillis()))
      const result = yield* run(code, wallMillis, number + 1)
      number++
      // A cell that was interrupted half-way is not run again: nobody knows how far it came.
      if (result.status !== "timeout" && !result.stateLost) {
        keptBytes += bytes
        done.push({ code, wallMillis, cell: result.cell, cameTo: cameTo(result) })
      }
      return result
    }))

  const replay = inTurn(Effect.gen(function*() {
    yield* drop
    yield* begin
    const results: Array<CellResult> = []
    const drifted: Array<number> = []
    for (const { cameTo: before, cell, code, wallMillis } of done) {
      const again = yield* run(code, wallMillis, cell)
      results.push(again)
      if (cameTo(again) !== before) drifted.push(cell)
      if (again.stateLost) break
    }
    return { results, drifted }
  }))

  const restart = inTurn(Effect.suspend(() => {
    done = []
    keptBytes = 0
    return Effect.andThen(drop, begin)
  }))

  const from = clock.currentTimeMillisUnsafe()
  yield* begin
  counts.opened(level, clock.currentTimeMillisUnsafe() - from)
  const session: Session = {
    id,
    level,
    exec,
    replay,
    restart,
    close: end("closed"),
    end,
    idleSinceMillis: () => running ? null : usedMillis
  }
  return session
})
