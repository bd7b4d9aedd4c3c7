// A cluster of real processes over PostgreSQL, for tests and benchmarks that kill, freeze and cut them off: runners, runs given to them, and
// what the database says of both. Everything is ended and dropped with it.
import { PgClient } from "@effect/sql-pg"
import { Effect, ManagedRuntime, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { fileURLToPath } from "node:url"
import type { RunState } from "../../src/domain/DatasetRun.ts"
import type { Vitals } from "../../src/domain/Vitals.ts"
import type { Submitted } from "./SubmitRun.ts"

const program = fileURLToPath(new URL("../../bin/polya.js", import.meta.url))
const submitProgram = fileURLToPath(new URL("./SubmitRun.ts", import.meta.url))

export interface TestProcess {
  readonly child: ChildProcess
  readonly address: string
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** All that it said on stderr. */
  readonly said: () => string
}

export interface TestCluster extends AsyncDisposable {
  readonly schema: string
  /** Answers when the runner is ready. */
  readonly runner: (env?: NodeJS.ProcessEnv, args?: ReadonlyArray<string>) => Promise<TestProcess>
  readonly submit: (run: Submitted) => Promise<void>
  readonly query: <Row>(text: string) => Promise<ReadonlyArray<Row>>
  /** The committed state of a run; undefined: never started. */
  readonly stateOf: (run: string) => Promise<{ readonly version: number; readonly state: RunState } | undefined>
  /** What the processes say of themselves, those that spoke in the last `sinceMillis`. */
  readonly vitals: (
    sinceMillis?: number
  ) => Promise<ReadonlyArray<{ readonly id: string; readonly state: string; readonly vitals: Vitals }>>
  /** The living runner that drives the run, as far as it said so. */
  readonly driverOf: (run: string, among: ReadonlyArray<TestProcess>) => Promise<TestProcess | undefined>
}

/** Looks again and again until there is something; fails when the deadline is over. */
export const until = async <A>(
  what: string,
  look: () => Promise<A | undefined | false>,
  { everyMillis = 50, deadlineMillis = 60_000 } = {}
): Promise<A> => {
  const end = performance.now() + deadlineMillis
  let trouble = ""
  while (performance.now() < end) {
    try {
      const found = await look()
      if (found !== undefined && found !== false) return found
      trouble = ""
    } catch (error) {
      trouble = `; the last look failed: ${String(error)}`
    }
    await new Promise((resolve) => setTimeout(resolve, everyMillis))
  }
  throw new Error(`${what} did not come within ${deadlineMillis} ms${trouble}`)
}

export const testCluster = (
  url: string,
  settings: NodeJS.ProcessEnv = {},
  schema = `polya_test_${randomBytes(6).toString("hex")}`
): TestCluster => {
  const env = {
    ...process.env,
    POLYA_NODE_READY: undefined,
    POLYA_STAGE_WORKERS: "1",
    ...settings,
    POLYA_DATABASE_URL: url,
    POLYA_STORE_SCHEMA: schema
  }
  const living = new Set<ChildProcess>()
  const database = ManagedRuntime.make(
    PgClient.layer({ url: Redacted.make(url), maxConnections: 2, connectTimeout: "2 seconds" })
  )
  const query = <Row>(text: string): Promise<ReadonlyArray<Row>> =>
    database.runPromise(
      Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe<any>(text)).pipe(Effect.timeout("5 seconds"))
    )
  const launch = (args: ReadonlyArray<string>, extra: NodeJS.ProcessEnv = {}) => {
    const child = spawn(process.execPath, args, { env: { ...env, ...extra }, stdio: ["ignore", "pipe", "pipe"] })
    living.add(child)
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (data) => stdout += data)
    child.stderr.setEncoding("utf8").on("data", (data) => stderr += data)
    const ended = new Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>((resolve) =>
      child.on("close", (code, signal) => {
        living.delete(child)
        resolve({ code, signal })
      })
    )
    return { child, ended, said: () => stderr, told: () => stdout }
  }
  const cluster: TestCluster = {
    schema,
    query,
    runner: async (extra = {}, args = []) => {
      const { child, ended, said, told } = launch([program, "runner", "--json", ...args], extra)
      const address = await until("a runner that is ready", () => {
        const ready = told().split("\n").find((line) => line.includes("\"ready\""))
        if (child.exitCode !== null) throw new Error(`the runner ended with ${child.exitCode}: ${said()}`)
        return Promise.resolve(ready === undefined ? undefined : String(JSON.parse(ready).address))
      }, { everyMillis: 20 })
      return { child, address, ended, said }
    },
    submit: async (run) => {
      const { ended, said, told } = launch([
        "--disable-warning=ExperimentalWarning",
        submitProgram,
        JSON.stringify(run)
      ])
      const { code } = await ended
      if (code !== 0) throw new Error(`the run was not taken (${code}): ${said()}${told()}`)
    },
    stateOf: async (run) => {
      const [row] = await query<{ readonly version: number; readonly state: string }>(
        `SELECT version::float8 AS version, state FROM ${schema}.polya_actor_state WHERE type = 'DatasetRun' AND id = '${run}'`
      )
      return row === undefined ? undefined : { version: row.version, state: JSON.parse(row.state) }
    },
    vitals: async (sinceMillis = 3_000) => {
      const rows = await query<{ readonly id: string; readonly state: string; readonly vitals: string }>(
        `SELECT id, state, vitals::text AS vitals FROM ${schema}.polya_process
          WHERE seen > extract(epoch FROM clock_timestamp()) * 1000 - ${sinceMillis}`
      )
      return rows.map((row) => ({ ...row, vitals: JSON.parse(row.vitals) }))
    },
    driverOf: async (run, among) => {
      const rows = await cluster.vitals()
      const pids = new Set(rows.flatMap(({ vitals }) => vitals.drives.includes(run) ? [vitals.pid] : []))
      return among.find(({ child }) =>
        pids.has(child.pid ?? -1) && child.exitCode === null && child.signalCode === null
      )
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of living) {
        child.kill("SIGCONT")
        child.kill("SIGKILL")
      }
      await until("the end of all processes", () => Promise.resolve(living.size === 0 ? true : undefined))
      await query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`).catch(() => undefined)
      await database.dispose()
    }
  }
  return cluster
}
