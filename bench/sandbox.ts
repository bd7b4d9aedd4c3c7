// Code of models in sessions, at each level that this machine has: how fast one opens, cells a second, fresh sessions of SymPy cells against
// `python3 -c` each time, and what hostile sessions cost good ones beside them. Rates are of all cores together.
// npm run bench -- sandbox [--level native-strict|native-lsm|embedded] [--part open,cells,sympy,mix]
import { Effect, Layer } from "effect"
import { spawn } from "node:child_process"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { CodeSandbox, type OpenSession } from "../src/actors/CodeSandbox.ts"
import { makeRegistry, MetricRegistry } from "../src/actors/Metrics.ts"
import { type CellResult, type SandboxLevel, sandboxLevels, type SandboxLimits } from "../src/domain/Sandbox.ts"
import { SandboxConfig } from "../src/runners/Config.ts"
import * as Sandbox from "../src/runners/Sandbox.ts"
import { findSymPy } from "../src/runners/sandbox/SymPy.ts"
import { findTools } from "../src/runners/sandbox/Tools.ts"
import { figure, median } from "./Figure.ts"

const { values: asked } = parseArgs({ options: { level: { type: "string" }, part: { type: "string" } } })
const parts = new Set((asked.part ?? "open,cells,sympy,mix").split(","))
const cores = availableParallelism()
const settings = { ...SandboxConfig.defaults, startMillis: 120_000, cells: 1_000_000 }

const quantile = (values: ReadonlyArray<number>, share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN

const withLevel = <A>(level: SandboxLevel, body: Effect.Effect<A, unknown, CodeSandbox>): Promise<A> =>
  Effect.runPromise(
    body.pipe(
      Effect.provide(
        Sandbox.layer({ ...settings, level }, { checked: false }).pipe(
          Layer.provide(Layer.succeed(MetricRegistry, makeRegistry()))
        )
      )
    )
  )

/** A fresh session, its cells in order, its end. */
const session = (codes: ReadonlyArray<string>, options: Partial<OpenSession> = {}) =>
  Effect.scoped(Effect.gen(function*() {
    const { open } = yield* CodeSandbox
    const session = yield* open({ tenant: "bench", ...options })
    const results: Array<CellResult> = []
    for (const code of codes) {
      const result = yield* session.exec(code)
      results.push(result)
      if (result.stateLost) break
    }
    return results
  }))

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, number], E, R> =>
  Effect.suspend(() => {
    const started = performance.now()
    return Effect.map(effect, (result) => [result, performance.now() - started] as const)
  })

/** One after the other: from the asking to a session that runs cells. */
const opening = (name: string, times: number) =>
  Effect.gen(function*() {
    const { open } = yield* CodeSandbox
    const millis: Array<number> = []
    for (let i = 0; i < times; i++) {
      yield* Effect.scoped(Effect.gen(function*() {
        const [session, took] = yield* timed(open({ tenant: "bench" }))
        yield* session.exec("1")
        millis.push(took)
      }))
    }
    figure(`${name}/open/p50`, median(millis), "ms")
    figure(`${name}/open/p99`, quantile(millis, 0.99), "ms")
  })

const tinySessions = 4
const tinyMillis = 4_000
const tinyCells = (name: string) =>
  Effect.gen(function*() {
    let count = 0
    const one = Effect.scoped(Effect.gen(function*() {
      const session = yield* (yield* CodeSandbox).open({ tenant: "bench", limits: { cells: 1_000_000 } })
      const until = performance.now() + tinyMillis
      // A session keeps some cells for a replay; their code is a few bytes.
      while (performance.now() < until) {
        yield* session.exec("1 + 1")
        count++
      }
    }))
    const [, took] = yield* timed(
      Effect.forEach(Array.from({ length: tinySessions }), () => one, { concurrency: "unbounded", discard: true })
    )
    figure(`${name}/tiny-cells`, (count / took) * 1_000, "cells/s")
  })

const sympyCells = [
  "from sympy import symbols, solve, factor, expand\nx = symbols('x')\nroots = solve(x**3 - 6*x**2 + 11*x - 6, x)\nroots",
  "sum(roots), [k for k in range(1000) if pow(2, k, 7) == 1][:5]",
  "factor(expand((x + 1)**8 - 1))"
]
const sympySays = [
  "[1, 2, 3]",
  "(6, [0, 3, 6, 9, 12])",
  "x*(x + 2)*(x**2 + 2*x + 2)*(x**4 + 4*x**3 + 6*x**2 + 4*x + 2)"
]

/** Cells a minute where every three have a fresh session. */
const sympyRate = (sessions: number, atOnce: number) =>
  Effect.gen(function*() {
    const [all, took] = yield* timed(
      Effect.forEach(Array.from({ length: sessions }), () => session(sympyCells), { concurrency: atOnce })
    )
    const wrong = all.filter((results) => results.map(({ value }) => value).join() !== sympySays.join())
    if (wrong.length > 0) throw new Error(`a SymPy cell came to something else: ${JSON.stringify(wrong[0])}`)
    return (sessions * sympyCells.length / took) * 60_000
  })

const tools = await findTools()
const sympy = await findSymPy({ cacheDir: settings.cacheDir, tools })
/** Cells a minute where each has a `python3 -c` of its own, as many at once as there are cores. */
const pythonRate = async (runs: number): Promise<number | null> => {
  const { python } = tools
  if (python === null || sympy === null) return null
  const one = (i: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const code = sympyCells.slice(0, (i % sympyCells.length) + 1).join("\n")
      spawn(python.path, ["-c", code], { env: { PYTHONPATH: sympy.folder }, stdio: "ignore" })
        .on("error", reject)
        .on("exit", (status) => status === 0 ? resolve() : reject(new Error(`python3 -c ended with ${status}`)))
    })
  const started = performance.now()
  let next = 0
  await Promise.all(Array.from({ length: cores }, async () => {
    while (next < runs) await one(next++)
  }))
  return (runs / (performance.now() - started)) * 60_000
}

const hostile: ReadonlyArray<string> = [
  "while True: pass",
  "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
  "blocks = []\nwhile True: blocks.append(bytearray(16 << 20))",
  "while True: print('flood' * 10_000)",
  "import os\nwhile True:\n    for fd in range(1, 8):\n        try: os.write(fd, b'x' * 65536)\n        except OSError: pass",
  "import itertools\nsum(itertools.repeat(1))"
]
const hostileLimits: Partial<SandboxLimits> = { wallMillis: 300, graceMillis: 200, memoryBytes: 512 * 1_048_576 }

/** Good sessions with hostile ones among them, as many at once as there are places. */
const mix = (good: number, bad: number, atOnce: number) =>
  Effect.gen(function*() {
    const millis: Array<number> = []
    let right = 0
    const every = bad === 0 ? Infinity : Math.round(good / bad)
    const jobs = Array.from({ length: good }, (_, i) => i).flatMap((i) => {
      const job = timed(session([`total = sum(range(${i}))`, "total"])).pipe(
        Effect.map(([results, took]) => {
          millis.push(took)
          if (results[1]?.value === String((i * (i - 1)) / 2)) right++
        })
      )
      const code = hostile[Math.floor(i / every) % hostile.length] ?? ""
      return i % every === every - 1
        ? [job, Effect.asVoid(session([code], { tenant: "hostile", limits: hostileLimits }))]
        : [job]
    })
    const [, took] = yield* timed(Effect.forEach(jobs, (job) => job, { concurrency: atOnce, discard: true }))
    return { right, p99: quantile(millis, 0.99), p50: median(millis), took }
  })

const hostileMix = (name: string, good: number, bad: number, atOnce: number) =>
  Effect.gen(function*() {
    yield* session(["1"], { tenant: "hostile" })
    const alone = yield* mix(good, 0, atOnce)
    const mixed = yield* mix(good, bad, atOnce)
    figure(`${name}/mix/good-right`, mixed.right, `of ${good}`)
    figure(`${name}/mix/good-p50`, mixed.p50, "ms", { against: `alone ${alone.p50.toPrecision(3)} ms` })
    figure(`${name}/mix/good-p99`, mixed.p99, "ms", {
      against: `alone ${alone.p99.toPrecision(3)} ms`,
      ratio: Number((mixed.p99 / alone.p99).toPrecision(3))
    })
    figure(`${name}/mix/seconds`, mixed.took / 1_000, "s")
  })

const wanted = sandboxLevels.filter((level) => asked.level === undefined || asked.level === level).reverse()
if (wanted.length === 0) {
  process.stderr.write(`--level is one of ${sandboxLevels.join(", ")}\n`)
  process.exit(2)
}
for (const level of wanted) {
  const name = `sandbox/${level}`
  const isEmbedded = level === "embedded"
  // From nothing but what lies in the cache to the answer of a first cell; the first of all may have to fill the cache.
  const firsts: Array<number> = []
  const facts = await withLevel(level, Effect.flatMap(CodeSandbox, ({ facts }) => facts))
  if (facts.level === null) {
    process.stderr.write(`${level} is not offered here: ${facts.levels.map(({ detail }) => detail).join("; ")}\n`)
    continue
  }
  await withLevel(level, session(["1"]))
  if (parts.has("open")) {
    for (let i = 0; i < 5; i++) {
      const started = performance.now()
      await withLevel(
        level,
        Effect.map(session(["1 + 1"]), () => firsts.push(performance.now() - started))
      )
    }
    figure(`${name}/first-session`, median(firsts), "ms")
    await withLevel(level, Effect.andThen(session(["1"]), opening(name, isEmbedded ? 40 : 500)))
  }
  if (parts.has("cells")) await withLevel(level, tinyCells(name))
  if (parts.has("sympy") && facts.sympy !== null) {
    // In turns, so that a noisy moment falls on both.
    const rates: Array<number> = []
    const eaches: Array<number> = []
    const round = isEmbedded ? 12 : 120
    await withLevel(
      level,
      Effect.andThen(
        session(sympyCells),
        Effect.forEach(Array.from({ length: 5 }), () =>
          Effect.gen(function*() {
            rates.push(yield* sympyRate(round, isEmbedded ? cores : 2 * cores))
            const each = isEmbedded ? null : yield* Effect.promise(() => pythonRate(4 * cores))
            if (each !== null) eaches.push(each)
          }))
      )
    )
    const rate = median(rates)
    const against = eaches.length === 0
      ? undefined
      : {
        against: `python3 -c each time: ${median(eaches).toPrecision(3)}`,
        ratio: Math.round(median(rates.map((one, at) => one / (eaches[at] ?? Number.NaN))))
      }
    figure(`${name}/sympy-fresh`, rate, "cells/min", against)
  }
  if (parts.has("mix")) {
    await withLevel(level, isEmbedded ? hostileMix(name, 300, 30, cores + 2) : hostileMix(name, 3_000, 300, 4 * cores))
  }
}
