// Transcripts of solutions with code: a row's blocks run in one session, and print what they printed when they were written down. At every
// level of the sandbox that this machine has; what a level has not (NumPy, for one) is told, never passed over.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { sandboxLevels, sandboxLimitsDefaults } from "../../src/domain/Sandbox.ts"
import type { Backend, CellReply, NotOffered } from "../../src/runners/sandbox/Interpreter.ts"
import { columnOf } from "../sandbox/Columns.ts"
import { ownCases, sharedCases } from "./Conformance.ts"

interface Row {
  readonly problem: string
  readonly blocks: ReadonlyArray<{ readonly code: string; readonly expected_stdout: string }>
}

const own = ownCases<Row>("tir_exec_transcripts")
const shared = sharedCases<Row>("tir_exec_transcripts")
const limits = { ...sandboxLimitsDefaults, wallMillis: 20_000 }
const readyMillis = 150_000

/** A notebook shows the value below what was printed, and an error as its last line. */
const printed = ({ status, stderr, stdout, value }: CellReply): string =>
  `${stdout}${value === null ? "" : `${value}\n`}${
    status === "error" ? `${stderr.trimEnd().split("\n").at(-1)}\n` : ""
  }`
/** The same text whose lines were broken elsewhere. */
const unwrapped = (text: string): string => text.trim().replace(/\s*\n\s*/g, " ").replace(/ +/g, " ")
const isSame = (got: string, expected: string): boolean =>
  got.trimEnd() === expected.trimEnd() || (/\n./.test(expected.trim()) && unwrapped(got) === unwrapped(expected))

/** A package that the row needs and this level has not; null: none. */
const lacks = ({ stderr }: CellReply, { numpy, sympy }: Backend): string | null => {
  const name = /ModuleNotFoundError: (?:No module named '([\w]+)|.*\b(NumPy)\b|.*\b(SymPy)\b)/.exec(stderr)
  const found = (name?.[1] ?? name?.[2] ?? name?.[3])?.toLowerCase()
  if (found === undefined || (found === "numpy" && numpy !== null) || (found === "sympy" && sympy !== null)) return null
  return found
}

interface Outcome {
  readonly failures: ReadonlyArray<string>
  /** Rows by the package that they lack. */
  readonly lacking: ReadonlyMap<string, number>
}

const runRows = async (backend: Backend, rows: ReadonlyArray<Row>): Promise<Outcome> => {
  const failures: Array<string> = []
  const lacking = new Map<string, number>()
  for (const { blocks, problem } of rows) {
    const session = await backend.start({ tenant: "rows", seed: 0, limits, signal: new AbortController().signal })
    for (const { code, expected_stdout: expected } of blocks) {
      const { graceMillis, outputBytes, wallMillis } = limits
      const reply = await session.exec({ code, wallMillis, graceMillis, outputBytes })
      const lack = lacks(reply, backend)
      if (lack !== null) {
        lacking.set(lack, (lacking.get(lack) ?? 0) + 1)
        break
      }
      if (isSame(printed(reply), expected)) continue
      failures.push(
        `${problem.slice(0, 80)}\n${code}\nexpected ${JSON.stringify(expected)}\ngot ${
          JSON.stringify(printed(reply))
        } (${reply.status}) ${reply.stderr.slice(-500)}`
      )
      break
    }
    await session.end()
  }
  return { failures, lacking }
}

describe("tir_exec_transcripts", { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "polya-transcripts-"))
  const backends = new Map<string, Backend | NotOffered>()
  beforeAll(async () => {
    for (const level of sandboxLevels) {
      backends.set(level, await columnOf(level, { folder, sessions: 2, spares: 1 }))
    }
  }, readyMillis)
  afterAll(async () => {
    for (const backend of backends.values()) if ("close" in backend) await backend.close()
    rmSync(folder, { recursive: true, force: true })
  })

  for (const level of sandboxLevels) {
    it(`print what they printed, at level ${level}`, async ({ skip }) => {
      const backend = backends.get(level)
      if (backend === undefined || !("start" in backend)) {
        return skip(`${level} is not offered here: ${backend?.detail}`)
      }
      const isCi = process.env["CI"] === "true"
      if (backend.sympy === null) {
        const words = `${level} has no SymPy here: run polya doctor --fix`
        assert.isFalse(isCi, words)
        return skip(words)
      }
      for (const [name, rows] of [["own cases", own], ["CONFORMANCE_DIR", shared]] as const) {
        if (rows.length === 0) process.stdout.write(`conformance: tir_exec_transcripts, ${name}: NO ROWS\n`)
        const { failures, lacking } = await runRows(backend, rows)
        const told = [...lacking].map(([lack, count]) => `, ${count} NOT RUN (${lack} is not at this level)`).join("")
        const asserted = rows.length - [...lacking.values()].reduce((sum, count) => sum + count, 0)
        process.stdout.write(
          `conformance: tir_exec_transcripts at ${level}, ${name}: ${
            asserted - failures.length
          } of ${asserted} rows held${told}\n`
        )
        assert.strictEqual(failures.length, 0, failures.join("\n\n"))
        // What is not run is the exception.
        assert.isAtLeast(asserted, rows.length * 0.8)
      }
    })
  }
})
