// The attack suite: every row of the table on every level that this machine has, and on two levels without a boundary, where the suite must
// see breaches. Rows are shared/data/conformance/sandbox_attacks.jsonl (CONFORMANCE_DIR) and the project's own beside the other cases.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ownCases, sharedCases } from "../conformance/Conformance.ts"
import { type Attack, failing } from "./Attack.ts"
import { type Column, columnOf, type Control, controls, isControl, isEmbedded, levels } from "./Columns.ts"
import { readingOf } from "./Detectors.ts"
import type { Told } from "./Told.ts"

const own = ownCases<Attack>("sandbox_attacks")
const shared = sharedCases<Attack>("sandbox_attacks")
const ids = new Set(shared.map(({ id }) => id))
const attacks = [...shared, ...own.filter(({ id }) => !ids.has(id))]

/** A column that takes longer hangs. */
const columnMillis = 400_000
const mostErrorText = 4_000

interface Outcome {
  readonly rows: ReadonlyMap<string, Extract<Told, { kind: "row" }>>
  readonly absent: string | null
  readonly offered: string
  /** What outlived the level; undefined: it never came to its end. */
  readonly left: ReadonlyArray<string> | undefined
  /** Why the column's process did not come to its end. */
  readonly failed: string | null
}

/** Where nothing shuts code in, attacks on the machine's own means are left out. */
const tame = ({ category, harmful, source }: Attack): boolean =>
  harmful !== true && !["resource", "output", "crash", "timeout", "lifecycle"].includes(category) &&
  !/kill\(-?\s*-1|killpg|SIGKILL|SIGSTOP|rmtree|reboot|\/dev\/(?:sd|vd|nvme)/.test(source)

/** Where a row is at home: at all levels, at those of one kind, or at one. */
const applies = (only: string | undefined, column: Column): boolean =>
  only === "pyodide" || only === "embedded"
    ? isEmbedded(column)
    : only === "native"
    ? !isEmbedded(column)
    : only === "native-strict" || only === "native-lsm"
    ? only === column
    : true

const rowsOf = (column: Column): ReadonlyArray<Attack> =>
  attacks.filter((attack) =>
    applies(attack.only, column) &&
    (!isControl(column) || tame(attack)) &&
    (column !== "no boundary, Pyodide" || (attack.only === "pyodide" && /SECRET|WRITE|listener/.test(attack.detect)))
  )

const lanesOf = (column: Column): number =>
  isControl(column) ? (isEmbedded(column) ? 1 : 2) : isEmbedded(column) ? 2 : 3

const root = realpathSync(mkdtempSync(join(tmpdir(), "polya-attacks-")))
// Files that attacks look for must be there for everybody.
chmodSync(root, 0o755)

const run = (column: Column, index: number): Promise<Outcome> =>
  new Promise((resolve) => {
    const folder = mkdtempSync(join(root, `${index}-`))
    const rowsFile = join(folder, "rows.json")
    writeFileSync(rowsFile, JSON.stringify(rowsOf(column)))
    const options = JSON.stringify({ column, folder, lanes: lanesOf(column), rowsFile })
    const child = spawn(process.execPath, [join(import.meta.dirname, "Level.main.ts"), options], {
      stdio: ["pipe", "pipe", "pipe"]
    })
    const rows = new Map<string, Extract<Told, { kind: "row" }>>()
    const running = new Set<string>()
    let [absent, failed, offered, errors, buffered]: [string | null, string | null, string, string, string] = [
      null,
      null,
      "",
      "",
      ""
    ]
    let left: ReadonlyArray<string> | undefined
    const deadline = setTimeout(() => {
      failed = `not over after ${columnMillis} ms, at ${[...running].join(", ")}`
      child.kill("SIGKILL")
    }, columnMillis)
    child.stderr.setEncoding("utf8").on("data", (data: string) => errors = (errors + data).slice(-mostErrorText))
    child.stdout.setEncoding("utf8").on("data", (data: string) => {
      buffered += data
      for (let end = buffered.indexOf("\n"); end >= 0; end = buffered.indexOf("\n")) {
        const told: Told = JSON.parse(buffered.slice(0, end))
        buffered = buffered.slice(end + 1)
        if (told.kind === "absent") absent = told.detail
        else if (told.kind === "offered") offered = told.detail
        else if (told.kind === "started") running.add(told.id)
        else if (told.kind === "row") rows.set(told.id, told)
        else if (told.kind === "over") left = told.left
        else failed = told.detail
      }
    })
    child.on("close", (code, signal) => {
      clearTimeout(deadline)
      if (absent === null && left === undefined) {
        failed ??= `its process ended with ${signal ?? code} around ${[...running].slice(-6).join(", ")}: ${errors}`
      }
      resolve({ rows, absent, offered, left, failed })
    })
  })

const outcomes = new Map<Column, Outcome>()
const outcomeOf = (column: Column): Outcome => outcomes.get(column) ?? assert.fail(`nothing ran on ${column}`)

/** Of a column: rows that got through although they must not, as lines. */
const breaches = (column: Column): ReadonlyArray<string> =>
  attacks.flatMap((attack) => {
    const row = outcomeOf(column).rows.get(attack.id)
    return row === undefined || row.why.length === 0 || !failing(attack)
      ? []
      : [`${attack.id} (${row.status}): ${row.why.join("; ")}`]
  })

/** Of a column: rows that ran out of time before they had tried what they are about, as lines. */
const untried = (column: Column): ReadonlyArray<string> =>
  attacks.flatMap(({ category, id }) =>
    outcomeOf(column).rows.get(id)?.cut === true && category !== "resource" ? [`${id} ran out of time`] : []
  )

const table = (): string => {
  const columns = [...levels, ...controls]
  const width = Math.max(...attacks.map(({ id }) => id.length))
  const mark = (attack: Attack, column: Column): string => {
    const outcome = outcomeOf(column)
    const row = outcome.rows.get(attack.id)
    if (row === undefined) return outcome.failed !== null && rowsOf(column).includes(attack) ? "not run" : "-"
    return row.why.length === 0 ? "ok" : failing(attack) ? "BREACH" : `${attack.severity}`
  }
  const reasons = (attack: Attack): string => {
    for (const level of levels) {
      const row = outcomeOf(level).rows.get(attack.id)
      if (row !== undefined && row.why.length > 0) return `  ${row.why.join("; ").slice(0, 110)}`
    }
    return ""
  }
  const line = (first: string, rest: ReadonlyArray<string>) =>
    `${first.padEnd(width)} ${rest.map((word, i) => word.padEnd((columns[i]?.length ?? 0) + 1)).join(" ")}`
  const summary = columns.map((column) => {
    const { absent, failed, left, rows } = outcomeOf(column)
    if (absent !== null) return `${column}: not offered: ${absent}`
    const through = [...rows.values()].filter(({ why }) => why.length > 0).length
    return `${column}: ${rows.size} attacks, ${breaches(column).length} breaches, ${
      through - breaches(column).length
    } told only` +
      `${failed === null ? "" : `; FAILED: ${failed}`}${
        (left?.length ?? 0) === 0 ? "" : `; left over: ${left?.join(", ")}`
      }`
  })
  return [
    line("attack", columns),
    ...attacks.map((attack) => line(attack.id, columns.map((column) => mark(attack, column))) + reasons(attack)),
    ...summary.map((words) => `attacks: ${words}`)
  ].map((words) => words.trimEnd()).join("\n")
}

describe("attacks", () => {
  beforeAll(async () => {
    // A snapshot that is not there yet is made once, not by every column, and not on the clock of the attacks.
    const first = await columnOf("embedded", { folder: root, sessions: 1, spares: 0 })
    if ("start" in first) {
      await first.warm()
      await first.close()
    }
    await Promise.all([...levels, ...controls].map(async (column, index) => {
      outcomes.set(column, await run(column, index))
    }))
    process.stdout.write(`${table()}\n`)
  }, columnMillis + 120_000)
  afterAll(() => rmSync(root, { recursive: true, force: true, maxRetries: 3 }))

  it("are all understood: every row says how a breach is seen", () => {
    assert.isAbove(own.length, 30)
    if (shared.length === 0) {
      process.stdout.write("attacks: NO SHARED ROWS (CONFORMANCE_DIR): ONLY THE PROJECT'S OWN RAN\n")
    }
    const lost = attacks.map((attack) => ({ id: attack.id, left: readingOf(attack).left })).filter(({ left }) =>
      left !== ""
    )
    assert.deepStrictEqual(lost, [])
  })

  for (const level of levels) {
    it(`do not get through on ${level}`, ({ skip }) => {
      const { absent, failed, left, rows } = outcomeOf(level)
      // Everything that the embedded level needs comes with npm ci.
      if (isEmbedded(level)) assert.isNull(absent)
      skip(absent !== null, `${level}: ${absent}`)
      assert.isNull(failed)
      assert.deepStrictEqual(breaches(level), [])
      assert.deepStrictEqual(left, [])
      assert.deepStrictEqual(untried(level), [])
      assert.strictEqual(rows.size, rowsOf(level).length)
    })
  }

  const seen = (control: Control): ReadonlyArray<string> => {
    const { failed } = outcomeOf(control)
    assert.isNull(failed)
    return breaches(control)
  }
  it("are seen to get through where nothing shuts native code in", ({ skip }) => {
    const { absent } = outcomeOf("no boundary, native")
    skip(absent !== null, `${absent}`)
    assert.isAtLeast(seen("no boundary, native").length, 15)
  })

  it("are seen to get through, also onto the network, from a plain Pyodide", () => {
    const through = seen("no boundary, Pyodide")
    assert.isAtLeast(through.length, 8)
    assert.isTrue(through.some((line) => /tcp [1-9]/.test(line)), through.join("\n"))
  })
})
