// The programs of one sample: one session, opened at the first of them, begun afresh when its state is lost, and never a failure: what cannot
// run is told to the model in place of an output. The session ends with the scope, or before when nothing will run any more: others wait for
// its place.
import { Clock, Effect, Exit, Option, Schedule, Scope } from "effect"
import { outputText } from "../../domain/CodeBlocks/Output.ts"
import type { CellRefusal, CellResult, OpenRefusal } from "../../domain/Sandbox.ts"
import type { ToolBudget } from "../../domain/ToolReasoning.ts"
import { CodeSandbox, type CodeSession } from "../CodeSandbox.ts"

export interface Ran {
  /** For the model. */
  readonly text: string
  /** As the sandbox says, or `refused`: it did not run. */
  readonly status: CellResult["status"] | "refused"
  readonly millis: number
  /** Whether asking again can help. */
  readonly isOver: boolean
}

/** With less, a program is not begun. */
const leastWallMillis = 10
/** How often a place is waited for again, each time for as long as the sandbox lets anybody wait, and the pause between. */
const waits = 3
const pauseMillis = 1_000

const refused = (text: string, isOver = false): Ran => ({ text: `[${text}]`, status: "refused", millis: 0, isOver })
const noTime = refused("The program was not run: the time for programs is used up. Go on without programs.", true)
const startedAfresh = "[The interpreter was started afresh for this program: variables of earlier ones are lost.]\n"

const told = (error: OpenRefusal | CellRefusal): Ran => {
  switch (error._tag) {
    case "SandboxBusy":
      return refused("The program was not run: no interpreter is free now. Go on without it, or try again.")
    case "SandboxUnavailable":
      return refused("The program was not run: programs cannot be run here. Go on without programs.", true)
    case "CodeTooLong":
      return refused(
        `The program was not run: it has ${error.bytes} bytes, and at most ${error.mostBytes} are allowed.`
      )
    case "SessionOver":
    case "StateLost":
      return refused("The program was not run: its interpreter has ended. Variables of earlier programs are lost.")
  }
}

interface Owner {
  readonly tenant: string
  readonly seed: number
  /** When programs have to be done, and when a cell is given up that has not even been interrupted by its own limit. */
  readonly untilMillis: number
  readonly givenUpMillis: number
}

export const makePrograms = Effect.fnUntraced(function*(owner: Owner, budget: ToolBudget) {
  const sandbox = yield* CodeSandbox
  const { givenUpMillis, seed, tenant, untilMillis } = owner
  /** The scope of the session is its place as well. */
  let held: { readonly scope: Scope.Closeable; session: CodeSession | null } | undefined
  let isLost = false
  let spentMillis = 0
  const wallMillis = (now: number): number =>
    Math.floor(Math.min(budget.cellMillis, budget.totalMillis - spentMillis, untilMillis - now))

  const close = Effect.suspend(() => {
    const last = held
    held = undefined
    isLost = false
    return last === undefined ? Effect.void : Scope.close(last.scope, Exit.void)
  })
  yield* Effect.addFinalizer(() => close)

  const open = Effect.suspend(() => {
    const scope = Scope.makeUnsafe()
    const mine = { scope, session: null as CodeSession | null }
    held = mine
    return sandbox.open({ tenant, seed: seed >>> 0 }).pipe(
      Scope.provide(scope),
      Effect.tap((session) => Effect.sync(() => void (mine.session = session))),
      Effect.onError(() => close)
    )
  })
  const ready = Effect.gen(function*() {
    const session = held?.session ?? null
    if (session === null) {
      return yield* Effect.retry(open, {
        while: ({ _tag }) => _tag === "SandboxBusy",
        schedule: Schedule.spaced(pauseMillis),
        times: waits
      })
    }
    if (isLost) yield* session.restart
    isLost = false
    return session
  })
  const attempt = Effect.fnUntraced(function*(code: string) {
    const open = yield* ready
    const since = yield* Clock.currentTimeMillis
    const wall = wallMillis(since)
    if (wall < leastWallMillis) return noTime
    const result = yield* open.exec(code, { wallMillis: wall }).pipe(
      Effect.ensuring(Effect.map(Clock.currentTimeMillis, (now) => {
        spentMillis += Math.max(0, now - since)
      }))
    )
    isLost = result.stateLost
    const { millis, status } = result
    return { text: outputText(result, budget.characters), status, millis, isOver: false } satisfies Ran
  })
  /** A session that ended while the model was thinking is begun again, once. */
  const again = (code: string) => (error: OpenRefusal | CellRefusal) => {
    if (error._tag !== "SessionOver" && error._tag !== "StateLost") return Effect.fail(error)
    isLost = error._tag === "StateLost"
    return (isLost ? Effect.void : close).pipe(
      Effect.andThen(attempt(code)),
      Effect.map((ran): Ran => ({ ...ran, text: `${startedAfresh}${ran.text}` }))
    )
  }

  const run = Effect.fnUntraced(function*(code: string): Effect.fn.Return<Ran> {
    const now = yield* Clock.currentTimeMillis
    if (wallMillis(now) < leastWallMillis) return noTime
    const ran = yield* attempt(code).pipe(
      Effect.catch(again(code)),
      Effect.catch((error) => Effect.succeed(told(error))),
      Effect.timeoutOption(givenUpMillis - now)
    )
    if (Option.isSome(ran)) return ran.value
    yield* close
    return refused("The program was given up: it did not come to an end in time. Its variables are lost.")
  })
  return { run, close }
})
