// Ways to look at the machine, each an effect that answers with what it found. All can be interrupted at any time and leave
// no process, thread or file behind. What they find is shown to people, so no secret is ever part of it.
import { PgClient } from "@effect/sql-pg"
import { Data, Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Worker } from "node:worker_threads"
import { withoutCredentials } from "../sources/PostgresRows.ts"

/** The part is not there. Whether that is bad, the caller knows. */
export class Absent extends Data.TaggedError("Absent")<{ readonly found: string }> {}
/** The part is there and does not work. */
export class Broken extends Data.TaggedError("Broken")<{ readonly found: string }> {}

const said = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))
const broken = (cause: unknown) => new Broken({ found: said(cause) })

/** First line that a command prints, at most 200 characters. */
export const firstLine = (command: string, args: ReadonlyArray<string>): Effect.Effect<string, Absent | Broken> =>
  Effect.callback((resume) => {
    const child = execFile(command, args, { maxBuffer: 65_536, killSignal: "SIGKILL" }, (error, stdout) => {
      const line = stdout.trim().split("\n", 1)[0]?.slice(0, 200) ?? ""
      if (error === null) resume(Effect.succeed(line))
      else if (error.code === "ENOENT") resume(Effect.fail(new Absent({ found: `no ${command} on the PATH` })))
      else resume(Effect.fail(new Broken({ found: `${command} ended with ${String(error.code ?? error.signal)}` })))
    })
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

/** The first of the commands that is on the PATH. */
export const firstCommand = (commands: ReadonlyArray<string>, args: ReadonlyArray<string>) =>
  Effect.firstSuccessOf(commands.map((command) => firstLine(command, args)))

/** First message of a worker thread, which is ended then. */
const message = (
  script: URL | string,
  options: ConstructorParameters<typeof Worker>[1]
): Effect.Effect<string, Broken> =>
  Effect.callback((resume) => {
    const worker = new Worker(script, options)
    worker.once("message", (text: unknown) => resume(Effect.succeed(String(text))))
    worker.once("error", (error) => resume(Effect.fail(broken(error))))
    worker.once("exit", (code) => resume(Effect.fail(new Broken({ found: `the thread ended with code ${code}` }))))
    return Effect.promise(() => worker.terminate())
  })

export const workerThread = message(
  `require("node:worker_threads").parentPort.postMessage("a thread started and answered")`,
  {
    eval: true
  }
)

const sqliteScript = new URL(import.meta.url.endsWith(".ts") ? "./SqliteProbe.ts" : "./SqliteProbe.js", import.meta.url)

export const sqlite = Effect.acquireUseRelease(
  Effect.tryPromise({ try: () => mkdtemp(join(tmpdir(), "polya-doctor-")), catch: broken }),
  (folder) => message(sqliteScript, { workerData: folder, execArgv: ["--disable-warning=ExperimentalWarning"] }),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

interface ServerFacts {
  readonly version: number
  readonly creates: boolean
}

/** Oldest PostgreSQL that the cluster's locks work on (`idle_session_timeout`). */
const oldestPostgres = 14

/** A connection, the server's version, and whether tables may be created. */
export const postgres = Effect.fnUntraced(function*(url: Redacted.Redacted<string>, connectMillis: number) {
  const sql = yield* PgClient.make({
    url,
    maxConnections: 1,
    connectTimeout: connectMillis,
    applicationName: "polya doctor"
  })
  const [facts] = yield* sql<ServerFacts>`SELECT current_setting('server_version_num')::int / 10000 AS version,
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS creates`
  const where = withoutCredentials(Redacted.value(url))
  if (facts === undefined) return yield* new Broken({ found: `${where} gave no answer to a query` })
  if (facts.version < oldestPostgres) {
    return yield* new Broken({ found: `${where} is PostgreSQL ${facts.version}; ${oldestPostgres} or newer is needed` })
  }
  if (!facts.creates) {
    return yield* new Broken({ found: `${where}: this user may not create tables in the current schema` })
  }
  return `PostgreSQL ${facts.version} at ${where}, tables can be created`
}, (effect, url) =>
  effect.pipe(
    Effect.scoped,
    Effect.provide(Reactivity.layer),
    Effect.catchTag("SqlError", (error) =>
      Effect.fail(
        new Broken({ found: withoutPassword(`${said(error)}: ${said(error.reason.cause)}`, Redacted.value(url)) })
      ))
  ))

/** `text` without the password of a database's address, as it is written there or decoded. */
export const withoutPassword = (text: string, address: string): string => {
  const url = URL.parse(address)
  const secrets = url === null ? [address] : [address, url.password, decodeURIComponent(url.password)]
  return secrets.filter((secret) => secret !== "").reduce((shown, secret) => shown.replaceAll(secret, "***"), text)
}

/** Names of the models that an OpenAI-compatible server offers under `base` (up to `/v1`), and whether the wanted one is among them. */
export const languageModel = Effect.fnUntraced(
  function*(base: string, key: string | undefined, model: string | undefined) {
    const url = URL.parse(`${base}/models`)
    if (url === null) return yield* new Broken({ found: `${base} is no address; it looks like http://host:8000/v1` })
    const response = yield* Effect.tryPromise({
      try: (signal) => fetch(url, { signal, headers: key === undefined ? {} : { authorization: `Bearer ${key}` } }),
      catch: () => new Broken({ found: `${url.host} cannot be reached` })
    })
    if (!response.ok) {
      yield* Effect.promise(() => response.body?.cancel() ?? Promise.resolve())
      return yield* new Broken({ found: `${url.host} answered ${response.status} to GET ${url.pathname}` })
    }
    const body: unknown = yield* Effect.tryPromise({
      try: () => response.json(),
      catch: () => new Broken({ found: `${url.host} answered GET ${url.pathname} with something that is not JSON` })
    })
    const list = typeof body === "object" && body !== null && "data" in body && Array.isArray(body.data)
      ? body.data
      : []
    const names = list.map((entry: { readonly id?: unknown } | null) => String(entry?.id ?? "?"))
    const few = names.slice(0, 5).join(", ")
    if (model !== undefined && !names.includes(model)) {
      return yield* new Broken({ found: `${url.host} has no model ${model}; it has ${few}` })
    }
    return `${url.host} serves ${names.length > 5 ? `${few} and ${names.length - 5} more` : few}`
  }
)
