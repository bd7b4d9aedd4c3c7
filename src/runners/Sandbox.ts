// The sandbox of this process: finds the strongest level that the machine has, and gives out sessions at it. Places are few and tenants take
// turns for them; what is idle for too long is closed; everything ends with the scope. docs/sandbox.md tells users what holds at each level.
import { Clock, Effect, Layer } from "effect"
import { availableParallelism } from "node:os"
import { CodeSandbox, type LevelFacts, type SandboxFacts } from "../actors/CodeSandbox.ts"
import { MetricRegistry, type Registry, secondsBounds } from "../actors/Metrics.ts"
import {
  isAtLeast,
  type SandboxLevel,
  sandboxLevels,
  type SandboxLimits,
  SandboxUnavailable
} from "../domain/Sandbox.ts"
import type { AreaValues } from "./Config.ts"
import type { Backend, BackendOptions, MakeBackend } from "./sandbox/Interpreter.ts"
import { makePlaces } from "./sandbox/Places.ts"
import { type Counts, makeSession, type Session } from "./sandbox/Session.ts"

export type SandboxOptions = AreaValues<"sandbox">

export type Makers = ReadonlyArray<readonly [level: SandboxLevel, load: () => Promise<MakeBackend>]>

/** Strongest first. Each is loaded when it is looked at. */
const levelMakers: Makers = [
  ["native-strict", async () => (await import("./sandbox/Native.ts")).makeStrict],
  ["native-lsm", async () => (await import("./sandbox/Native.ts")).makeLsm],
  ["embedded", async () => (await import("./sandbox/Embedded.ts")).makeEmbedded]
]

const sessionsAt = (level: SandboxLevel, { sessions }: SandboxOptions): number => {
  const cores = availableParallelism()
  return sessions > 0 ? sessions : level === "embedded" ? cores + 2 : 4 * cores
}

interface Found {
  readonly facts: SandboxFacts
  readonly backend: Backend | null
  /** Why nothing runs here although it was asked for. */
  readonly refusal: string | null
}

/** What a level is made with here. */
const parts = async (options: SandboxOptions) => {
  const { cacheDir, python, spares, startMillis, sympy: named, tenants } = options
  const [{ findTools }, { findSymPy }] = await Promise.all([
    import("./sandbox/Tools.ts"),
    import("./sandbox/SymPy.ts")
  ])
  const tools = await findTools(python === "" ? {} : { python })
  const sympy = await findSymPy({ ...(named === "" ? {} : { named }), cacheDir, tools })
  return (level: SandboxLevel): BackendOptions => ({
    tools,
    sympy,
    cacheDir,
    spares,
    tenants,
    startMillis,
    sessions: sessionsAt(level, options)
  })
}

/** The strongest level that is allowed, with what was learned on the way. */
const find = async (options: SandboxOptions, makers: Makers): Promise<Found> => {
  const { level: wanted, minIsolation } = options
  const levels: Array<LevelFacts> = []
  const none: SandboxFacts = { level: null, python: null, sympy: null, numpy: null, levels }
  const optionsAt = await parts(options)
  for (const [level, load] of makers) {
    if (wanted !== "auto" && wanted !== level) continue
    if (minIsolation !== "none" && !isAtLeast(level, minIsolation)) continue
    const made = await (await load())(optionsAt(level))
    if ("start" in made) {
      levels.push(made.facts)
      const { numpy, python, sympy } = made
      return { facts: { level, python, sympy, numpy, levels }, backend: made, refusal: null }
    }
    levels.push({ level, offered: false, detail: made.detail })
  }
  const asked = wanted === "auto" ? `a level of at least ${minIsolation}` : `the level ${wanted}`
  const isForbidden = wanted !== "auto" && levels.length === 0
  return {
    facts: none,
    backend: null,
    refusal: isForbidden
      ? `sandbox.level is ${wanted}, which is below sandbox.minIsolation (${minIsolation}): change one of them`
      : `The sandbox is to run code at ${asked}, and this machine has none: ${
        levels.map(({ detail, level }) => `${level}: ${detail}`).join("; ")
      }`
  }
}

/** All levels of this machine, whatever the settings allow; nothing is left running. */
export const probe = async (options: SandboxOptions): Promise<ReadonlyArray<LevelFacts>> => {
  const optionsAt = await parts(options)
  const levels: Array<LevelFacts> = []
  for (const [level, load] of levelMakers) {
    const made = await (await load())(optionsAt(level))
    if ("start" in made) {
      levels.push(made.facts)
      await made.close()
    } else levels.push({ level, offered: false, detail: made.detail })
  }
  return levels
}

/** What a caller asks for, within what is configured. */
const limitsOf = (options: SandboxOptions, asked: Partial<SandboxLimits>): SandboxLimits => {
  const within = (field: keyof SandboxLimits) => Math.max(1, Math.min(options[field], asked[field] ?? options[field]))
  return {
    wallMillis: Math.max(1, Math.min(asked.wallMillis ?? options.wallMillis, options.maxWallMillis)),
    graceMillis: within("graceMillis"),
    cpuMillis: within("cpuMillis"),
    memoryBytes: within("memoryBytes"),
    outputBytes: within("outputBytes"),
    scratchBytes: within("scratchBytes"),
    fileBytes: within("fileBytes"),
    openFiles: within("openFiles"),
    threads: within("threads"),
    cells: within("cells"),
    codeBytes: within("codeBytes")
  }
}

const instruments = ({ counter, gauge, histogram }: Registry) => ({
  sessions: gauge({ name: "polya_sandbox_sessions", help: "Sandbox sessions that hold a place now." }),
  waiting: gauge({ name: "polya_sandbox_waiting", help: "Sandbox sessions that wait for a place now." }),
  oldest: gauge({
    name: "polya_sandbox_oldest_wait_seconds",
    help: "How long the session that waits longest has waited, as of the last second."
  }),
  waited: histogram({
    name: "polya_sandbox_wait_seconds",
    help: "Time that sandbox sessions waited for a place, also in vain.",
    bounds: secondsBounds
  }),
  open: histogram({
    name: "polya_sandbox_open_seconds",
    help: "Time from a place to a running interpreter, by level.",
    labels: ["level"],
    bounds: secondsBounds
  }),
  exec: histogram({
    name: "polya_sandbox_exec_seconds",
    help: "Wall time of cells, by level and status.",
    labels: ["level", "status"],
    bounds: secondsBounds
  }),
  kills: counter({
    name: "polya_sandbox_kills_total",
    help: "Interpreters that were ended from outside, by level and cause.",
    labels: ["level", "cause"]
  })
})

/** Time between two looks for idle sessions. */
const sweepMillis = 1_000
const closeMillis = 10_000

export interface LayerOptions {
  /**
   * Looks when the layer is built, and fails where the settings ask for what this machine has not; otherwise the first session learns that.
   * Where they ask for nothing, nobody waits for the look.
   */
  readonly checked: boolean
  /** Default: those of all levels. */
  readonly makers?: Makers
}

export const layer = (
  options: SandboxOptions,
  { checked, makers = levelMakers }: LayerOptions
): Layer.Layer<CodeSandbox, SandboxUnavailable> =>
  Layer.effect(
    CodeSandbox,
    Effect.gen(function*() {
      const meters = instruments(yield* MetricRegistry)
      const clock = yield* Clock.Clock
      const sessions = new Set<Session>()
      let looked: Promise<Found> | undefined
      const look = Effect.tryPromise({
        // A look that failed is made again by the next who asks.
        try: () =>
          looked ??= find(options, makers).catch((error: unknown) => {
            looked = undefined
            throw error
          }),
        catch: (error) => new SandboxUnavailable({ detail: error instanceof Error ? error.message : String(error) })
      })
      yield* Effect.addFinalizer(() =>
        Effect.promise(async () => {
          const found = await looked?.catch(() => undefined)
          await found?.backend?.close()
        }).pipe(Effect.timeoutOption(closeMillis))
      )
      const counts: Counts = {
        opened: (level, millis) => meters.open.observe([level], millis / 1_000),
        cell: (level, { cause, millis, status }) => {
          meters.exec.observe([level, status], millis / 1_000)
          if (cause !== null) meters.kills.add([level, cause])
        },
        lost: (level, cause) => meters.kills.add([level, cause])
      }
      const placesAt = (level: SandboxLevel) =>
        makePlaces({
          places: sessionsAt(level, options),
          limits: options,
          waited: (millis) => meters.waited.observe([], millis / 1_000)
        })
      let places: ReturnType<typeof makePlaces> | undefined
      const measure = () => {
        meters.sessions.set([], places?.taken() ?? 0)
        meters.waiting.set([], places?.waiting() ?? 0)
        const oldest = places?.oldestMillis() ?? null
        meters.oldest.set([], oldest === null ? 0 : (clock.currentTimeMillisUnsafe() - oldest) / 1_000)
      }
      const sweep = Effect.suspend(() => {
        measure()
        const since = clock.currentTimeMillisUnsafe() - options.idleMillis
        const idle = [...sessions].filter((session) => (session.idleSinceMillis() ?? Infinity) < since)
        return Effect.forEach(idle, (session) => session.end("idle"), { discard: true })
      })
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(sweepMillis), sweep)))

      let opened = 0
      const open: CodeSandbox["Service"]["open"] = ({ limits = {}, seed = 0, tenant }) =>
        Effect.gen(function*() {
          const { backend, refusal } = yield* look
          if (backend === null) {
            return yield* new SandboxUnavailable({ detail: refusal ?? "This machine has no level of the sandbox" })
          }
          const { level } = backend
          places ??= placesAt(level)
          yield* places.take(tenant)
          const id = `${level}-${++opened}`
          return yield* Effect.acquireRelease(
            makeSession({
              id,
              backend,
              tenant,
              seed,
              limits: limitsOf(options, limits),
              maxWallMillis: () => options.maxWallMillis,
              counts
            }),
            (session) => {
              sessions.delete(session)
              return session.close
            },
            { interruptible: true }
          ).pipe(Effect.tap((session) => Effect.sync(() => sessions.add(session))))
        })

      const demands = options.level !== "auto" || options.minIsolation !== "none" || options.sympy !== ""
      const lookAndWarm = Effect.gen(function*() {
        const { backend, refusal } = yield* look
        if (refusal !== null) return yield* new SandboxUnavailable({ detail: refusal })
        if (backend !== null && backend.level === "embedded") yield* Effect.logInfo(`Sandbox: ${backend.facts.detail}`)
        if (options.prewarm && backend !== null) yield* Effect.promise(() => backend.warm())
      })
      if (checked && demands) yield* lookAndWarm
      else if (checked) yield* Effect.forkScoped(Effect.ignore(lookAndWarm))
      return CodeSandbox.of({
        facts: look.pipe(
          Effect.map(({ facts }) => facts),
          Effect.catch(({ detail }) =>
            Effect.succeed<SandboxFacts>({
              level: null,
              python: null,
              sympy: null,
              numpy: null,
              levels: sandboxLevels.map((level) => ({ level, offered: false, detail })).reverse()
            })
          )
        ),
        open
      })
    })
  )
