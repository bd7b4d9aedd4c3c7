// How this process is, for `/health`, `/ready` and the health listener: what it finds when it looks, remembered for a second, because probes
// may ask often. A look that takes too long is a check that failed, never a probe that waits.
import { Effect, Layer } from "effect"
import { Sharding } from "effect/cluster"
import { access, constants, statfs } from "node:fs/promises"
import { ActorStore } from "../actors/ActorStore.ts"
import { CodeSandbox } from "../actors/CodeSandbox.ts"
import { Generation } from "../actors/Generation.ts"
import { type Check, Health, type HealthReport } from "../actors/Health.ts"
import { Lifecycle } from "../actors/Lifecycle.ts"
import { Member } from "./Cluster/Member.ts"
import { StoreConfig } from "./Config.ts"
import { EventLoop } from "./EventLoop.ts"
import { version } from "./Package.ts"

export interface HealthOptions {
  /** Folder of the SQLite files and of what is uploaded. */
  readonly dataDir: string
  /** A member of a cluster of several processes. */
  readonly joined: boolean
  /** What a look found holds for so long. Default 1,000. */
  readonly holdMillis?: number
  /** A check that takes longer has failed. Default 1,000. */
  readonly patienceMillis?: number
  /** Less space than this in the folder and nothing new is taken. Default 64 MiB. */
  readonly minFreeBytes?: number
}

/** An event loop that was held up for so long in one piece makes the process look dead to others: no new work. */
const stuckMillis = 5_000
/** An event loop whose common turn takes so long does not come back by itself. */
const crawlingMillis = 1_000

export const layer = (options: HealthOptions) =>
  Layer.effect(
    Health,
    Effect.gen(function*() {
      const { dataDir, holdMillis = 1_000, joined, minFreeBytes = 64 * 1_048_576, patienceMillis = 1_000 } = options
      const store = yield* ActorStore
      const member = yield* Member
      const sharding = yield* Sharding.Sharding
      const lifecycle = yield* Lifecycle
      const loop = yield* EventLoop
      const { facts } = yield* CodeSandbox
      const generation = yield* Generation
      const kind = (yield* StoreConfig).databaseUrl === undefined ? "sqlite" : "postgres"
      const role = !joined ? "alone" : member.address === null ? "client" : "runner"

      const storeCheck = store.load([{ type: "Health", id: "probe" }]).pipe(
        Effect.timeout(patienceMillis),
        Effect.matchCause({
          onSuccess: (): Check => ({ name: "store", ok: true, detail: `${kind} answers; its tables are up to date` }),
          onFailure: (): Check => ({
            name: "store",
            ok: false,
            detail: `${kind} does not answer within ${patienceMillis} ms; what was answered is safe, new commands wait`
          })
        })
      )
      const clusterCheck = Effect.map(sharding.isShutdown, (left): Check => {
        const runners = member.runners()
        const missing = role === "runner" && member.address !== null && !runners.includes(member.address)
        return left
          ? { name: "cluster", ok: false, detail: "this process has left the cluster" }
          : missing
          ? { name: "cluster", ok: false, detail: "the cluster does not count this runner among its living yet" }
          : role === "client" && runners.length === 0
          ? { name: "cluster", ok: false, detail: "no runner of the cluster lives: start one with `polya runner`" }
          : {
            name: "cluster",
            ok: true,
            detail: role === "alone" ? "a cluster of its own" : `joined; ${runners.length} runners live`
          }
      })
      const diskCheck = Effect.promise(async (): Promise<Check> => {
        try {
          await access(dataDir, constants.W_OK)
          const { bavail, bsize } = await statfs(dataDir)
          const free = bavail * bsize
          const mebibytes = Math.floor(free / 1_048_576)
          return { name: "disk", ok: free >= minFreeBytes, detail: `${mebibytes} MiB free where the data is` }
        } catch {
          return { name: "disk", ok: false, detail: "the folder of the data cannot be written" }
        }
      }).pipe(Effect.timeoutOrElse({
        duration: patienceMillis,
        orElse: () =>
          Effect.succeed<Check>({ name: "disk", ok: false, detail: "the folder of the data does not answer" })
      }))
      const processCheck = Effect.sync((): Check => {
        const reasons = lifecycle.reasons()
        return {
          name: "process",
          ok: reasons.length === 0,
          detail: reasons.length === 0 ? "takes new work" : reasons.join("; ")
        }
      })
      const live = Effect.sync(() => {
        const { p50Millis } = loop.delay()
        return p50Millis >= crawlingMillis
          ? { ok: false, detail: `the event loop takes ${Math.round(p50Millis)} ms for most of its turns` }
          : { ok: true, detail: "the event loop turns" }
      })
      const loopCheck = Effect.sync((): Check => {
        const { maxMillis } = loop.delay()
        return {
          name: "eventLoop",
          ok: maxMillis < stuckMillis,
          detail: `held up for ${Math.round(maxMillis)} ms at most in the last seconds`
        }
      })

      const sandbox = facts.pipe(
        Effect.map(({ level, levels, numpy, python, sympy }): HealthReport["sandbox"] => {
          const told = level === null ? levels : levels.filter((one) => one.level === level)
          const detail = told.map((one) => `${one.level}: ${one.detail}`).join("; ")
          return { level, python, sympy, numpy, detail: detail === "" ? "no code runs here" : detail }
        }),
        Effect.timeoutOrElse({ duration: patienceMillis, orElse: () => Effect.succeed(null) })
      )

      const models = generation.models.pipe(
        Effect.map((all): HealthReport["models"] =>
          all.map(({ endpoints, name }) => {
            const of = (health: "up" | "down" | "unknown") => endpoints.filter((one) => one.health === health).length
            return { name, up: of("up"), down: of("down"), unknown: of("unknown") }
          })
        ),
        Effect.timeoutOrElse({ duration: patienceMillis, orElse: () => Effect.succeed(null) })
      )

      const looks = [processCheck, storeCheck, clusterCheck, loopCheck, ...(kind === "sqlite" ? [diskCheck] : [])]
      const look = yield* Effect.cachedWithTTL(Effect.all(looks, { concurrency: "unbounded" }), holdMillis)
      const seen = yield* Effect.cachedWithTTL(Effect.all([sandbox, models], { concurrency: 2 }), holdMillis)
      const report = Effect.map(
        Effect.all([look, seen], { concurrency: 2 }),
        ([checks, [sandbox, models]]): HealthReport => ({
          version,
          state: lifecycle.state(),
          store: kind,
          cluster: { role, address: member.address, groups: member.groups, runners: member.runners() },
          sandbox,
          models,
          checks
        })
      )
      return Health.of({
        live,
        health: Effect.map(
          Effect.all([report, live]),
          ([said, { ok }]) => ({ ...said, ok: ok && said.state !== "starting" && said.state !== "ended" })
        ),
        ready: Effect.map(report, (said) => ({ ...said, ok: said.checks.every(({ ok }) => ok) }))
      })
    })
  )
