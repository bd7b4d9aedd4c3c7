// How fast verdicts are: in this thread, through the pool of worker threads, and as 100,000 rows through the command line with its peak memory.
// npm run bench -- verify   reads bench/bench_math500.jsonl and conformance/verifier*.jsonl in $POLYA_SHARED_DATA or ../shared/data.
import { Effect, Layer } from "effect"
import { spawnSync } from "node:child_process"
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { LastResort, Verdicts } from "../src/actors/Verdicts.ts"
import type { Pair } from "../src/actors/Verdicts/Asked.ts"
import { verdictOf } from "../src/actors/Verdicts/Judge.ts"
import * as VerdictWorkers from "../src/runners/VerdictWorkers.ts"
import { figure, median } from "./Figure.ts"

const data = process.env["POLYA_SHARED_DATA"] ?? "../shared/data"
if (!existsSync(join(data, "bench/bench_math500.jsonl"))) {
  process.stderr.write(`There are no answer pairs in ${data}: set POLYA_SHARED_DATA\n`)
  process.exit(2)
}

interface Case extends Pair {
  readonly expected: boolean | null
}
const read = (file: string): ReadonlyArray<Case> =>
  readFileSync(join(data, file), "utf8").split("\n").filter((line) => line !== "").map((line) => {
    const { bare = false, expected, gold, gold_expand, opts = {}, pred, pred_expand } = JSON.parse(line)
    return { gold: expanded(gold_expand) ?? gold, pred: expanded(pred_expand) ?? pred, opts, bare, expected }
  })
/** A long text is written as its parts and how often each comes. */
const expanded = (parts?: ReadonlyArray<readonly [string, number]>): string | undefined =>
  parts?.map(([text, times]) => text.repeat(times)).join("")

const math500 = read("bench/bench_math500.jsonl")
const mixed = [...read("conformance/verifier.jsonl"), ...read("conformance/verifier_adversarial.jsonl")]

/** Pairs a second, the best of several rounds, and how many verdicts of the last one are as expected. */
const rounds = 5
const judgeAll = (name: string, cases: ReadonlyArray<Case>): void => {
  let best = Infinity
  let right = 0
  let slowest = 0
  for (let round = 0; round < rounds; round++) {
    right = 0
    const started = performance.now()
    for (const one of cases) {
      const { ms, verdict } = verdictOf(one, () => performance.now())
      if (one.expected === null || (verdict === "equal") === one.expected) right++
      // The first round is the compiler's.
      if (round > 0) slowest = Math.max(slowest, ms)
    }
    best = Math.min(best, performance.now() - started)
  }
  figure(`verify/${name}`, (cases.length / best) * 1_000, "pairs/s")
  figure(`verify/${name}/right`, right, `of ${cases.length}`)
  figure(`verify/${name}/slowest`, slowest, "ms")
}

/** The same through worker threads. */
const poolAll = (name: string, cases: ReadonlyArray<Case>, workers: number): Promise<void> =>
  Effect.gen(function*() {
    const { verify } = yield* Verdicts
    yield* verify(cases)
    let best = Infinity
    for (let round = 0; round < rounds; round++) {
      const started = performance.now()
      yield* verify(cases)
      best = Math.min(best, performance.now() - started)
    }
    figure(`verify/${name}/workers-${workers}`, (cases.length / best) * 1_000, "pairs/s")
  }).pipe(
    Effect.provide(
      VerdictWorkers.layer({ workers, pairMillis: 1_500, voteMillis: 20_000, heapMiB: 256 }).pipe(
        Layer.provide(LastResort.layerNone)
      )
    ),
    Effect.runPromise
  )

const program = fileURLToPath(new URL("../bin/polya.js", import.meta.url))
const verifier = new URL("../src/domain/Verify.ts", import.meta.url).href

/** From the start of a process to its first verdict. */
const starts = (name: string, args: ReadonlyArray<string>): void =>
  figure(
    name,
    median(Array.from({ length: 7 }, () => {
      const started = performance.now()
      const { status } = spawnSync(process.execPath, args, { stdio: "ignore" })
      if (status !== 0) process.exit(1)
      return (performance.now() - started) / 1_000
    })),
    "s"
  )

/** `rows` rows, the cases over and over, through `polya verify`. */
const commandLine = async (rows: number): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "polya-bench-"))
  try {
    const all = [...math500, ...mixed]
    const file = createWriteStream(join(folder, "in.jsonl"))
    for (let id = 0; id < rows; id++) {
      const line = `${JSON.stringify({ id, ...all[id % all.length], expected: undefined })}\n`
      if (!file.write(line)) await new Promise<void>((resolve) => file.once("drain", () => resolve()))
    }
    await new Promise<void>((resolve) => file.end(() => resolve()))
    const args = [program, "verify", "--in", join(folder, "in.jsonl"), "--out", join(folder, "out.jsonl"), "--json"]
    const { status, stdout } = spawnSync(process.execPath, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"]
    })
    if (status !== 0) process.exit(1)
    const done = JSON.parse(stdout.trim().split("\n").at(-1) ?? "")
    figure(`verify/command-line/${rows}`, done.rowsPerSecond, "rows/s")
    figure(`verify/command-line/${rows}/peak-memory`, done.peakMemoryBytes / 1e6, "MB")
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

judgeAll("math500", math500)
judgeAll("mixed", mixed)
for (const workers of new Set([1, availableParallelism()])) {
  await poolAll("math500", math500, workers)
  await poolAll("mixed", mixed, workers)
}
starts("verify/import", ["--input-type=module", "--eval", `(await import("${verifier}")).verify("1/2", "0.5")`])
starts("verify/start", [program, "verify", "1/2", "0.5"])
await commandLine(10_000)
await commandLine(100_000)
