// Cells run in a fresh session, and whether what they printed is the right answer. The right answer never comes near the sandbox: it is
// compared by the port to verdicts, with what came out.
import { Effect } from "effect"
import { isAnswered, printedAnswer, type ProgramCheck, programCheck } from "../domain/ProgramCheck.ts"
import type { CellRefusal, CellResult, OpenRefusal, SandboxLevel } from "../domain/Sandbox.ts"
import type { VerifyOptions } from "../domain/Verdict.ts"
import { CodeSandbox, type CodeSession, type OpenSession } from "./CodeSandbox.ts"
import { Verdicts } from "./Verdicts.ts"

export interface Program extends OpenSession {
  /** Run in order, in one session; at least one. */
  readonly cells: ReadonlyArray<string>
  /** Of each cell. */
  readonly wallMillis?: number
  /** The right answer: bare, or a solution in which it is found. */
  readonly expect?: string
  /** How answers are read and compared. */
  readonly opts?: VerifyOptions
}
export interface ProgramRun {
  readonly level: SandboxLevel
  /** In order; fewer than the cells where one of them lost the session's state, which ends the run. */
  readonly results: ReadonlyArray<CellResult>
  readonly check?: ProgramCheck
}

/** Sessions for one program whose interpreter somebody else ended: that says nothing of the program. */
const attempts = 2

/** Runs the cells; with `expect` says what the last one of them came to. */
export const runProgram: (
  program: Program
) => Effect.Effect<ProgramRun, OpenRefusal | CellRefusal, CodeSandbox | Verdicts> = Effect.fn("ProgramCheck.run")(
  function*(program) {
    const { expect, opts } = program
    let run = yield* inFreshSession(program)
    for (let attempt = 1; attempt < attempts && run.results.at(-1)?.cause === "host"; attempt++) {
      run = yield* inFreshSession(program)
    }
    const last = run.results.at(-1)
    return expect === undefined || last === undefined ? run : { ...run, check: yield* checkCell(last, expect, opts) }
  }
)

const inFreshSession = (program: Program): Effect.Effect<ProgramRun, OpenRefusal | CellRefusal, CodeSandbox> =>
  Effect.scoped(Effect.gen(function*() {
    const { cells, expect: _, opts: _opts, ...how } = program
    const sandbox = yield* CodeSandbox
    const session = yield* sandbox.open(openOf(how))
    return { level: session.level, results: yield* runCells(session, cells, program.wallMillis) }
  }))

/** Only what a session may know. */
const openOf = ({ limits, seed, tenant }: OpenSession): OpenSession => ({
  tenant,
  ...(seed === undefined ? {} : { seed }),
  ...(limits === undefined ? {} : { limits })
})

const runCells = Effect.fnUntraced(function*(
  session: CodeSession,
  cells: ReadonlyArray<string>,
  wallMillis: number | undefined
) {
  const results: Array<CellResult> = []
  for (const code of cells) {
    const result = yield* session.exec(code, wallMillis === undefined ? {} : { wallMillis })
    results.push(result)
    if (result.stateLost) break
  }
  return results
})

/** What a cell that was to print an answer came to. */
export const checkCell = (
  result: CellResult,
  expect: string,
  opts: VerifyOptions = {}
): Effect.Effect<ProgramCheck, never, Verdicts> => {
  if (!isAnswered(result)) return Effect.succeed(programCheck(result, null))
  const pred = printedAnswer(result) ?? ""
  return Effect.flatMap(
    Verdicts,
    ({ verify }) =>
      Effect.map(verify([{ gold: expect, pred, opts }]), ([verdict]) => programCheck(result, verdict ?? null))
  )
}
