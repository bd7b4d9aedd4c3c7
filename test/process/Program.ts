// The real program as a child process, for tests that kill it, fill its disk or give it wrong input.
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("../../bin/polya.js", import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

const living = new Set<ChildProcess>()

/** Starts `polya` with the given arguments; it is ended with the test's `folder` at the latest. */
export const start = (
  args: ReadonlyArray<string>,
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}
): {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Waits until the two outputs together match; fails if the program ends before. */
  readonly said: (pattern: RegExp) => Promise<void>
  /** Both outputs so far. */
  readonly printed: () => string
} => {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, POLYA_DATABASE_URL: undefined, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd })
  })
  living.add(child)
  let stdout = ""
  let stderr = ""
  const waiting = new Set<() => void>()
  const look = (): void => waiting.forEach((one) => one())
  child.stdout?.setEncoding("utf8").on("data", (data) => {
    stdout += data
    look()
  })
  child.stderr?.setEncoding("utf8").on("data", (data) => {
    stderr += data
    look()
  })
  const ended = new Promise<Ended>((resolve) =>
    child.on("close", (code, signal) => {
      living.delete(child)
      resolve({ code, signal, stdout, stderr })
    })
  )
  const said = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const one = (): void => {
        if (!pattern.test(stdout + stderr)) return
        waiting.delete(one)
        resolve()
      }
      waiting.add(one)
      one()
      void ended.then((end) => reject(new Error(`ended with ${end.code} before it said ${pattern}: ${end.stderr}`)))
    })
  return { child, ended, said, printed: () => stdout + stderr }
}

export const polya = (args: ReadonlyArray<string>, options?: Parameters<typeof start>[1]): Promise<Ended> =>
  start(args, options).ended

/** A folder that is removed when the test is over; programs that still run are ended with it. */
export const folder = (): Disposable & {
  readonly path: string
  readonly file: (name: string, text: string | Buffer) => string
} => {
  const path = mkdtempSync(join(tmpdir(), "polya-test-"))
  return {
    path,
    file: (name, text) => {
      writeFileSync(join(path, name), text)
      return join(path, name)
    },
    [Symbol.dispose]: () => {
      for (const child of living) child.kill("SIGKILL")
      rmSync(path, { recursive: true, force: true, maxRetries: 3 })
    }
  }
}

export const dataFiles = ["train.jsonl", "validation.jsonl", "test.jsonl", "dropped.jsonl", "failed.jsonl"]

/** The bytes of all data files of an output folder. */
export const bytesOf = (out: string): ReadonlyArray<string> =>
  dataFiles.map((name) => readFileSync(join(out, name), "utf8"))

/** The objects of a JSONL text or of the JSONL file at a path. */
export const jsonLines = (text: string): ReadonlyArray<any> =>
  text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))
export const rowsOf = (out: string, name: string): ReadonlyArray<any> =>
  jsonLines(readFileSync(join(out, name), "utf8"))
export const summaryOf = (out: string): any => JSON.parse(readFileSync(join(out, "summary.json"), "utf8"))

/** The names in an output folder apart from the store's; none if there is no folder. */
export const namesIn = (out: string): ReadonlyArray<string> =>
  existsSync(out) ? readdirSync(out).filter((name) => !/^\.polya(\.interrupted)?$/.test(name)).sort() : []

/** A file system in memory at `path` until disposal; undefined where this user may not mount one. `options`: as mount's -o. */
export const smallDisk = (
  path: string,
  options: string
): (Disposable & { readonly change: (options: string) => void }) | undefined => {
  mkdirSync(path, { recursive: true })
  const mount = (args: ReadonlyArray<string>): boolean => spawnSync("mount", args).status === 0
  if (process.platform !== "linux" || !mount(["-t", "tmpfs", "-o", options, "tmpfs", path])) return undefined
  return {
    change: (next) => void mount(["-o", `remount,${next}`, path]),
    [Symbol.dispose]: () => void spawnSync("umount", ["-l", path])
  }
}

/** Marsaglia's xorshift32: numbers in [0, 1). */
export const random = (seed: number): () => number => {
  let x = (seed * 2_654_435_761) >>> 0 || 1
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) / 2 ** 32
  }
}

const things = ["apples", "marbles", "stamps", "ribbons", "tiles", "candles", "notebooks", "shells", "coins", "pencils"]
const people = ["Ada", "Emmy", "Leonhard", "Sophie", "Carl", "Hypatia", "Kurt", "Maryam", "Pierre", "Blaise"]
const places = ["a market", "a school fair", "the old harbour", "a village shop", "the city library", "a museum"]

/** Lines of a JSONL source with all that can go wrong in it: duplicates, short rows, malformed lines, forum posts, missing fields. */
export const sourceLines = (rows: number, seed: number): ReadonlyArray<string> => {
  const next = random(seed)
  const pick = <A>(list: ReadonlyArray<A>): A => list[Math.floor(next() * list.length)] as A
  const problem = (): string => {
    const [a, b, c] = [1, 2, 3].map(() => 2 + Math.floor(next() * 900))
    return `${pick(people)} counted ${a} ${pick(things)} at ${
      pick(places)
    }, sold ${b} of them in boxes of ${c} and gave the rest to ${pick(people)}. ` +
      `How many ${pick(things)} did ${pick(people)} have when ${a} became ${b} and each box held ${c} more?`
  }
  const lines: Array<string> = []
  const said: Array<string> = []
  for (let i = 0; i < rows; i++) {
    const what = next()
    if (what < 0.01) lines.push("{\"problem\": \"never closed")
    else if (what < 0.02) lines.push(JSON.stringify({ answer: "no problem here" }))
    else if (what < 0.04) lines.push(JSON.stringify({ problem: "Why?" }))
    else if (what < 0.1 && said.length > 0) lines.push(JSON.stringify({ problem: pick(said), answer: String(i) }))
    else if (what < 0.13) {
      lines.push(
        JSON.stringify({
          problem: `1. ${problem()}`,
          forum_post: `1. ${problem()}\n\n2. ${problem()}`,
          forum_discussions: ""
        })
      )
    } else {
      const text = problem()
      said.push(text)
      lines.push(
        JSON.stringify({
          problem: text,
          answer: String(Math.floor(next() * 100)),
          type: pick(["Algebra", "Counting"]),
          level: 1 + Math.floor(next() * 5)
        })
      )
    }
  }
  return lines
}
