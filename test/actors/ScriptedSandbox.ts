// A sandbox that runs nothing: cells come to what a table says of their code, sessions are counted, and what they were given is kept.
import { Effect, Latch, Layer } from "effect"
import { CodeSandbox, type CodeSession, type OpenSession, type SandboxFacts } from "../../src/actors/CodeSandbox.ts"
import {
  type CellRefusal,
  type CellResult,
  CodeTooLong,
  type OpenRefusal,
  SessionOver,
  StateLost
} from "../../src/domain/Sandbox.ts"

export const cellResult = (more: Partial<CellResult> = {}): CellResult => ({
  cell: 1,
  status: "ok",
  stdout: "",
  stderr: "",
  value: null,
  truncated: false,
  millis: 2,
  cause: null,
  stateLost: false,
  level: "native-strict",
  ...more
})
export const killedResult = cellResult({ status: "killed", cause: "wall", stateLost: true, millis: 1_000 })

export interface Script {
  /** What cells come to by their code; those that are not here print it. */
  readonly cells?: { readonly [code: string]: Partial<CellResult> }
  /** Refused in place of each session that is asked for, as long as there are some. */
  readonly refusals?: Array<OpenRefusal>
  /** Bytes of one cell, at most. */
  readonly codeBytes?: number
}

/** What happened to it. A cell with the code "wait" ends when `gate` is opened, or with its session. */
export const makeScripted = ({ cells = {}, codeBytes = 1_000_000, refusals = [] }: Script = {}) => {
  const opened: Array<OpenSession> = []
  const ran: Array<string> = []
  const walls: Array<number | undefined> = []
  const live = new Set<string>()
  const gate = Latch.makeUnsafe()
  /** Told when a cell begins to wait. */
  const waiting = Latch.makeUnsafe()
  /** Told when a session has ended. */
  const ended = Latch.makeUnsafe()
  const facts: SandboxFacts = {
    level: "native-strict",
    python: "3.11",
    sympy: null,
    numpy: null,
    levels: [
      { level: "native-strict", offered: true, detail: "a script" },
      { level: "native-lsm", offered: false, detail: "there is no script for it" },
      { level: "embedded", offered: true, detail: "a script" }
    ]
  }
  const session = (id: string): CodeSession => {
    let kept: Array<string> = []
    let count = 0
    let lost = false
    const close = Effect.andThen(Effect.sync(() => void live.delete(id)), ended.open)
    const isOver = Effect.suspend(() => live.has(id) ? Effect.void : Effect.fail(new SessionOver({ reason: "closed" })))
    const run = (code: string): Effect.Effect<CellResult> =>
      Effect.suspend(() => {
        ran.push(code)
        const result = cellResult({ cell: ++count, ...(cells[code] ?? { stdout: `${code}\n` }) })
        lost = result.stateLost
        if (!lost) kept.push(code)
        return code === "wait" ? Effect.as(Effect.andThen(waiting.open, gate.await), result) : Effect.succeed(result)
      })
    return {
      id,
      level: "native-strict",
      exec: (code, options) =>
        Effect.gen(function*() {
          yield* isOver
          const bytes = Buffer.byteLength(code)
          if (bytes > codeBytes) return yield* new CodeTooLong({ bytes, mostBytes: codeBytes })
          if (lost) return yield* new StateLost({ cause: "wall", completedCells: kept.length })
          walls.push(options?.wallMillis)
          return yield* run(code)
        }).pipe(Effect.onInterrupt(() => close)),
      replay: Effect.gen(function*() {
        yield* isOver
        const again = kept
        kept = []
        count = 0
        lost = false
        return { results: yield* Effect.forEach(again, run), drifted: [] }
      }) as Effect.Effect<{ readonly results: ReadonlyArray<CellResult>; readonly drifted: [] }, CellRefusal>,
      restart: Effect.andThen(
        isOver,
        Effect.sync(() => {
          kept = []
          count = 0
          lost = false
        })
      ),
      close
    }
  }
  const layer = Layer.succeed(CodeSandbox, {
    facts: Effect.succeed(facts),
    open: (asked) =>
      Effect.suspend(() => {
        const refusal = refusals.shift()
        if (refusal !== undefined) return Effect.fail(refusal)
        opened.push(asked)
        const one = session(`session-${opened.length}`)
        live.add(one.id)
        return Effect.as(Effect.addFinalizer(() => one.close), one)
      })
  })
  return { layer, opened, ran, walls, live, gate, waiting, ended, facts }
}
