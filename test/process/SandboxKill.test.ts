// kill -9 in the middle of a cell: of what holds the sessions, of the session itself, of the runner. The cell's caller is told, the next
// session works, and nothing is left: no process, no scratch folder.
import { assert, describe, it } from "@effect/vitest"
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { sandboxLevels } from "../../src/domain/Sandbox.ts"
import { type Below, below, descendantsOf, filesBelow, until } from "../sandbox/Watch.ts"
import { folder } from "./Program.ts"

const readyMillis = 120_000
const goneMillis = 10_000

interface Runner {
  readonly child: ChildProcess
  /** The next line that it says; null: it ended. */
  readonly next: () => Promise<any>
  readonly errors: () => string
  readonly ended: Promise<number | null>
}

const startRunner = (level: string, scratch: string): Runner => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "SandboxRunner.main.ts"), level], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TMPDIR: scratch }
  })
  const lines: Array<string> = []
  const waiting: Array<(line: string | null) => void> = []
  let [buffered, errors] = ["", ""]
  child.stdout.setEncoding("utf8").on("data", (data: string) => {
    buffered += data
    for (let end = buffered.indexOf("\n"); end >= 0; end = buffered.indexOf("\n")) {
      const line = buffered.slice(0, end)
      buffered = buffered.slice(end + 1)
      const wake = waiting.shift()
      if (wake === undefined) lines.push(line)
      else wake(line)
    }
  })
  child.stderr.setEncoding("utf8").on("data", (data: string) => errors = (errors + data).slice(-4_000))
  const ended = new Promise<number | null>((resolve) =>
    child.on("close", (code) => {
      for (const wake of waiting.splice(0)) wake(null)
      resolve(code)
    })
  )
  return {
    child,
    ended,
    errors: () => errors,
    next: async () => {
      const line = lines.shift() ??
        await new Promise<string | null>((resolve) => child.exitCode === null ? waiting.push(resolve) : resolve(null))
      return line === null ? null : JSON.parse(line)
    }
  }
}

/** More of the processor than an interpreter takes that is only made ready. In hundredths of a second. */
const busyTicks = (level: string) => level === "embedded" ? 150 : 30

/** The process that runs the cell: the one at the end of a chain that goes on using the processor. */
const busy = async (runner: number, level: string): Promise<Below> => {
  const first = new Map(below(runner).map(({ pid, ticks }) => [pid, ticks]))
  let found: Below | undefined
  await until(() => {
    const all = below(runner)
    found = all.find(({ pid, ticks }) =>
      ticks > (first.get(pid) ?? Infinity) + busyTicks(level) && !all.some(({ parent }) => parent === pid)
    )
    return found !== undefined
  }, readyMillis / 2)
  return found ?? assert.fail("no process runs the cell")
}

/** Who is killed: given the process that runs the cell, and all of the runner. */
const victims: Readonly<Record<string, (cell: Below, all: ReadonlyArray<Below>) => number>> = {
  // What started all others.
  "the outermost process": (cell, all) => {
    let outermost = cell
    for (let next: Below | undefined = cell; next !== undefined; next = all.find(({ pid }) => pid === next?.parent)) {
      outermost = next
    }
    return outermost.pid
  },
  // On native levels the zygote that forked the session, on the embedded level what stands in front of Node.
  "the process above the session's": (cell, all) => (all.find(({ pid }) => pid === cell.parent) ?? cell).pid,
  "the session's own process": (cell) => cell.pid
}

describe("kill -9 during a cell", { timeout: readyMillis + 60_000 }, () => {
  for (const level of sandboxLevels) {
    for (const [who, find] of Object.entries(victims)) {
      it(`of ${who} costs that cell alone, at level ${level}`, async ({ skip }) => {
        using place = folder()
        const runner = startRunner(level, place.path)
        const pid = runner.child.pid ?? 0
        const descendants = descendantsOf(pid)
        const first = await runner.next()
        skip(first?.absent !== undefined, `${level}: ${first?.absent}`)
        assert.deepStrictEqual(first, { running: "ok" }, runner.errors())
        descendants.look()
        const victim = find(await busy(pid, level), below(pid))
        process.kill(victim, "SIGKILL")
        const told = await runner.next()
        descendants.look()
        assert.deepInclude(told?.result, { status: "killed", stateLost: true }, runner.errors())
        // A program in front of the embedded interpreter cannot end as that did, by SIGKILL.
        assert.include(level === "embedded" ? ["host", "crash"] : ["host"], told.result.cause)
        assert.strictEqual(told.after, "StateLost")
        assert.strictEqual(told.next, "42")
        assert.strictEqual(await runner.ended, 0, runner.errors())
        await until(() => descendants.living().length === 0, goneMillis)
        assert.deepStrictEqual(descendants.living(), [])
        assert.deepStrictEqual(filesBelow(place.path), [])
      })
    }

    it(`of the runner leaves nothing, at level ${level}`, async ({ skip }) => {
      using place = folder()
      const runner = startRunner(level, place.path)
      const descendants = descendantsOf(runner.child.pid ?? 0)
      const first = await runner.next()
      skip(first?.absent !== undefined, `${level}: ${first?.absent}`)
      assert.deepStrictEqual(first, { running: "ok" }, runner.errors())
      descendants.look()
      assert.isAbove(descendants.living().length, 0)
      runner.child.kill("SIGKILL")
      await runner.ended
      await until(() => descendants.living().length === 0, goneMillis)
      const left = descendants.living()
      descendants.end()
      assert.deepStrictEqual(left, [])
      // A folder that nobody could remove any more is removed by the next runner.
      const next = startRunner(level, place.path)
      const others = descendantsOf(next.child.pid ?? 0)
      await next.next()
      others.look()
      process.kill((await busy(next.child.pid ?? 0, level)).pid, "SIGKILL")
      await next.ended
      await until(() => others.living().length === 0, goneMillis)
      others.end()
      assert.deepStrictEqual(filesBelow(place.path), [])
    })
  }
})
