// How long a run stands still when its runner is killed: from kill -9 of the runner that drives it to its next committed progress, over many
// kills. A killed runner is replaced at once. Needs a PostgreSQL: POLYA_DATABASE_URL (or POLYA_TEST_DATABASE_URL).
// npm run bench -- failover [--kills 20] [--runners 3]
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { testCluster, type TestProcess, until } from "../test/process/ClusterFixture.ts"
import { sourceLines } from "../test/process/Program.ts"
import { figure, median } from "./Figure.ts"

const { values } = parseArgs({
  options: { kills: { type: "string", default: "20" }, runners: { type: "string", default: "3" } }
})
const kills = Number(values.kills)
const url = process.env["POLYA_DATABASE_URL"] ?? process.env["POLYA_TEST_DATABASE_URL"]
if (url === undefined) {
  process.stderr.write("There is no database to bench on: set POLYA_DATABASE_URL\n")
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), "polya-bench-"))
const source = join(folder, "problems.jsonl")
const rows = 20_000
writeFileSync(source, sourceLines(rows, 1).join("\n"))
try {
  await using cluster = testCluster(url)
  let runners: ReadonlyArray<TestProcess> = await Promise.all(
    Array.from({ length: Number(values.runners) }, () => cluster.runner())
  )
  let run = ""
  /** A run that lasts for some kills: its progress is steady, so a stand-still is the fail-over's. */
  const begin = async (index: number): Promise<void> => {
    run = `failover-${index}`
    const limits = { rowsPerSecond: 200, batchRows: 16, inFlight: 64 }
    await cluster.submit({ id: run, recipe: "dataset-cpu", sources: [source], out: join(folder, run), limits })
  }
  await begin(0)
  const millis: Array<number> = []
  while (millis.length < kills) {
    const found = await cluster.stateOf(run)
    if (found === undefined || found.state.step > 0 || found.state.tally.in > 0.8 * rows) await begin(millis.length + 1)
    const victim = await until("a driver that stays", async () => {
      const found = await cluster.driverOf(run, runners)
      // What a process said is a second old at most, and cluster shards move when a runner has joined.
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      return found !== undefined && found === await cluster.driverOf(run, runners) && found
    })
    // Under way: it has just reported.
    const before = (await cluster.stateOf(run))?.version ?? 0
    const { version } = await until("progress before the kill", async () => {
      const now = await cluster.stateOf(run)
      return now !== undefined && now.version > before && now
    }, { everyMillis: 10 })
    victim.child.kill("SIGKILL")
    const killedMillis = performance.now()
    await victim.ended
    const last = Math.max(version, (await cluster.stateOf(run))?.version ?? 0)
    await until("progress elsewhere", async () => ((await cluster.stateOf(run))?.version ?? 0) > last, {
      everyMillis: 10
    })
    millis.push(performance.now() - killedMillis)
    process.stderr.write(`kill ${millis.length}: ${Math.round(millis.at(-1) ?? 0)} ms\n`)
    runners = [...runners.filter((runner) => runner !== victim), await cluster.runner()]
  }
  const sorted = [...millis].sort((a, b) => a - b)
  figure("failover/p50", median(millis), "ms")
  figure("failover/p95", sorted[Math.ceil(0.95 * sorted.length) - 1] ?? Number.NaN, "ms")
  figure("failover/max", sorted.at(-1) ?? Number.NaN, "ms")
} finally {
  rmSync(folder, { recursive: true, force: true })
}
