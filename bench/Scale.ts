// How much faster three runners are than one on a run whose stages burn processor time: near-duplicates with many hashes over real problems
// (POLYA_SHARED_DATA, as main-job) or made ones. Each runner has one worker thread for stages, so a runner alone uses about one core and a half.
// Needs a PostgreSQL: POLYA_DATABASE_URL (or POLYA_TEST_DATABASE_URL). npm run bench -- scale [--rounds 3] [--rows 3000]
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { testCluster, until } from "../test/process/ClusterFixture.ts"
import { sourceLines } from "../test/process/Program.ts"
import { figure, median } from "./Figure.ts"

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, rows: { type: "string", default: "3000" } }
})
const url = process.env["POLYA_DATABASE_URL"] ?? process.env["POLYA_TEST_DATABASE_URL"]
if (url === undefined) {
  process.stderr.write("There is no database to bench on: set POLYA_DATABASE_URL\n")
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), "polya-bench-"))
const rows = Number(values.rows)
const source = join(folder, "problems.jsonl")
const real = join(process.env["POLYA_SHARED_DATA"] ?? "../shared/data", "real", "math_train.jsonl")
const texts = (existsSync(real) ? readFileSync(real, "utf8").split("\n") : sourceLines(rows, 1)).flatMap((line) =>
  line.includes("\"problem\"") && line.endsWith("}") ? [String(JSON.parse(line).problem)] : []
)
// Each row is a dozen problems long, so that what its stages cost is much more than what its actor does.
const lines = Array.from({ length: rows }, (_, row) =>
  JSON.stringify({
    problem: Array.from({ length: 12 }, (_, part) => texts[(row + 97 * part * part) % texts.length] ?? "").join(" ")
  }))
writeFileSync(source, lines.join("\n"))
// Thirty-two times the hashes of the standard recipe.
const recipe = join(folder, "burn.yaml")
writeFileSync(
  recipe,
  `recipe: burn
version: 1
description: Much work a row.
seed: 2026
sources: []
stages:
  - normalise
  - near-duplicates: { bands: 128, rows: 32 }
  - split: { fractions: { train: 0.9, validation: 0.05, test: 0.05 }, stratify: [], clusters: null }
`
)

interface Measured {
  readonly rate: number
  /** Processor time of all runners, in cores. */
  readonly cores: number
  /** The busiest runner's share of the work, by processor time. */
  readonly busiest: number
}
const measure = async (count: number, round: number): Promise<Measured> => {
  await using cluster = testCluster(url)
  await Promise.all(Array.from({ length: count }, () => cluster.runner()))
  const cpu = async (): Promise<ReadonlyArray<number>> =>
    until("words of all runners", async () => {
      const said = (await cluster.vitals()).filter(({ vitals }) => vitals.clusterShards.length > 0)
      return said.length === count && said.sort((a, b) => a.id < b.id ? -1 : 1).map(({ vitals }) => vitals.cpuMillis)
    })
  const before = await cpu()
  const id = `scale-${count}-${round}`
  await cluster.submit({ id, recipe, sources: [source], out: join(folder, id) })
  // The walk over the source is what the runners share; the closing of the sets and the outputs are one driver's.
  const started = (await until("the run", () => cluster.stateOf(id))).state.startedMillis
  await until("the end of the first walk", async () => ((await cluster.stateOf(id))?.state.step ?? 0) > 0, {
    deadlineMillis: 600_000,
    everyMillis: 20
  })
  const seconds = (Date.now() - started) / 1_000
  // The last word is a second old at most.
  const used = (await cpu()).map((millis, index) => Math.max(0, millis - (before[index] ?? 0)))
  const total = used.reduce((sum, millis) => sum + millis, 0)
  await until("the end", async () => (await cluster.stateOf(id))?.state.status === "done", { deadlineMillis: 600_000 })
  return { rate: lines.length / seconds, cores: total / 1_000 / seconds, busiest: Math.max(...used) / total }
}

try {
  const results: { readonly [count: number]: Array<Measured> } = { 1: [], 3: [] }
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const count of [1, 3]) {
      const measured = await measure(count, round)
      results[count]?.push(measured)
      process.stderr.write(`${count}: ${JSON.stringify(measured)}\n`)
    }
  }
  const rateOf = (count: number): number => median((results[count] ?? []).map(({ rate }) => rate))
  const ratio = Number((rateOf(3) / rateOf(1)).toFixed(3))
  for (const count of [1, 3]) {
    figure(`scale/${count}-runners`, rateOf(count), "rows/s")
    figure(`scale/${count}-runners/cores`, median((results[count] ?? []).map(({ cores }) => cores)), "cores")
  }
  figure("scale/3-runners/busiest-share", median((results[3] ?? []).map(({ busiest }) => busiest)), "1")
  figure("scale/cores", availableParallelism(), "cores")
  figure("scale/ratio", ratio, "1", { against: "scale/1-runners", ratio })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
