// `npm run sim -- --seed N`: runs worlds from seed N on and says what was violated, a line for each seed. Exit code 1 if anything was.
import { parseArgs } from "node:util"
import { type Plant, plants } from "./Database.ts"
import { simulate } from "./Simulation.ts"

const usage = `npm run sim -- [--seed N] [--seeds COUNT] [--plant ${plants.join("|")}] [--trace]

  --seed N       the first seed (default 1)
  --seeds COUNT  how many seeds from there on (default 1)
  --plant BUG    takes a protection away, to see that the checker misses it
  --trace        prints the history of each seed, and what its machines logged`

const whole = (name: string, text: string, least: number): number => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= 2 ** 31) return value
  throw new Error(`--${name} takes a whole number from ${least} on, not ${text}`)
}

/** Node frees what a world held only between two tasks of its own, and a world is one task. */
const breath = () => new Promise<void>((resume) => setImmediate(resume))

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      seeds: { type: "string", default: "1" },
      plant: { type: "string" },
      trace: { type: "boolean", default: false },
      help: { type: "boolean", default: false }
    }
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const first = whole("seed", values.seed, 0)
  const count = whole("seeds", values.seeds, 1)
  const plant = plants.find((one): one is Plant => one === values.plant)
  if (values.plant !== undefined && plant === undefined) throw new Error(`there is no bug ${values.plant} to plant`)
  const startedMillis = performance.now()
  let virtualMillis = 0
  let commits = 0
  const failed: Array<number> = []
  for (let seed = first; seed < first + count; seed++) {
    const outcome = simulate({ seed, plant, ...(values.trace ? { listener: (line) => console.log(line) } : {}) })
    await breath()
    virtualMillis += outcome.virtualMillis
    commits += outcome.commits
    if (outcome.violations.length === 0) continue
    failed.push(seed)
    console.log(`seed ${seed}: ${outcome.violations.slice(0, 5).join("; ")}`)
  }
  const seconds = (performance.now() - startedMillis) / 1000
  console.log(
    `${count} seeds, ${failed.length} with violations, ${Math.round(virtualMillis / 1000)} s of their time in ` +
      `${seconds.toFixed(1)} s, ${commits} commits`
  )
  return failed.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  process.exitCode = 2
}
