// The main job on real problems, as a user runs it: a process, a fresh store, every problem a durable actor.
// node bench/MainJob.ts [--times N]   N times as many rows, made by seeded variation of the numbers in them.
// Needs the real problems: a folder with math_train, gsm8k_train, math500, gsm8k_test in $POLYA_SHARED_DATA/real or ../shared/data/real.
import { spawnSync } from "node:child_process"
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { figure } from "./Figure.ts"

const { values } = parseArgs({ options: { times: { type: "string", default: "1" } } })
const times = Number(values.times)
const data = join(process.env["POLYA_SHARED_DATA"] ?? "../shared/data", "real")
if (!existsSync(join(data, "math_train.jsonl"))) {
  process.stderr.write(`There are no real problems in ${data}: set POLYA_SHARED_DATA\n`)
  process.exit(2)
}
const program = fileURLToPath(new URL("../bin/polya.js", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "polya-bench-"))

interface Measured {
  readonly in: number
  readonly seconds: number
  readonly wall: number
  readonly peakMemoryBytes: number
}
const run = (sources: ReadonlyArray<string>, out: string): Measured => {
  const started = performance.now()
  const args = [
    program,
    "run",
    "dataset-cpu",
    ...sources.flatMap((source) => ["--source", source]),
    ...["math500", "gsm8k_test"].flatMap((name) => ["--against", join(data, `${name}.jsonl`)]),
    "--out",
    join(folder, out)
  ]
  const done = spawnSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "ignore", "inherit"] })
  if (done.status !== 0) process.exit(1)
  const summary = JSON.parse(readFileSync(join(folder, out, "summary.json"), "utf8"))
  return { ...summary, wall: (performance.now() - started) / 1000 }
}

const report = (name: string, measured: Measured): void => {
  figure(`${name}/rows`, measured.in, "rows")
  figure(`${name}/wall`, measured.wall, "s")
  figure(`${name}/rate`, measured.in / measured.wall, "rows/s")
  figure(`${name}/peak-memory`, measured.peakMemoryBytes / 1e6, "MB")
}

/** Marsaglia's xorshift32. */
const random = (seed: number): () => number => {
  let x = seed | 0 || 1
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) / 2 ** 32
  }
}
const write = async (name: string, lines: Iterable<string>): Promise<string> => {
  const path = join(folder, name)
  const file = createWriteStream(path)
  for (const line of lines) {
    if (!file.write(`${line}\n`)) await new Promise<void>((resolve) => file.once("drain", () => resolve()))
  }
  await new Promise<void>((resolve) => file.end(() => resolve()))
  return path
}
/** Each row `times` times: as it is, and with other numbers in its text. */
const varied = function*(path: string, field: string): Generator<string> {
  const next = random(2026)
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (line === "") continue
    yield line
    const row = JSON.parse(line)
    for (let copy = 1; copy < times; copy++) {
      const text = String(row[field]).replaceAll(
        /\d+/g,
        (digits) => String(Number(digits) + 1 + Math.floor(next() * 1_000))
      )
      yield JSON.stringify({ ...row, [field]: `${text} (Variant ${copy} of ${Math.floor(next() * 1e9)}.)` })
    }
  }
}

try {
  const real = ["math_train", "gsm8k_train"].map((name) => join(data, `${name}.jsonl`))
  const one = run(real, "one")
  report("main-job", one)
  if (times > 1) {
    const many = run([
      await write("math_varied.jsonl", varied(real[0] ?? "", "problem")),
      await write("gsm8k_varied.jsonl", varied(real[1] ?? "", "question"))
    ], "many")
    report(`main-job-${times}x`, many)
    const ratio = Number((many.peakMemoryBytes / one.peakMemoryBytes).toFixed(3))
    figure(`main-job-${times}x/memory-ratio`, ratio, "1", { against: "main-job/peak-memory", ratio })
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
