// `polya calls`: the record of calls to models, newest first; of a running cluster, or of a store that nobody serves.
import { Effect, Layer, Option } from "effect"
import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { type CallFilter, CallLog, type NumberedCallEntry } from "../../actors/CallLog.ts"
import * as App from "../App.ts"
import { StoreConfig } from "../Config.ts"
import { ConfigPlaces } from "../Config/Settings.ts"
import * as LiveSettings from "../LiveSettings.ts"
import { CommandFailed, misused, misusedBy, workFailed } from "./Failure.ts"
import { count, printLine, shown } from "./Say.ts"
import { columns } from "./Table.ts"

export interface CallsFlags {
  readonly url: Option.Option<string>
  readonly data: Option.Option<string>
  readonly config: Option.Option<string>
  readonly limit: Option.Option<number>
  readonly model: Option.Option<string>
  readonly owner: Option.Option<string>
  readonly outcome: Option.Option<string>
  readonly json: boolean
}

const pageRows = 500
/** Entries that one command shows. */
const maxRows = 100_000

type Page = (before: number | null, limit: number) => Effect.Effect<ReadonlyArray<NumberedCallEntry>, CommandFailed>

export const callsCommand = Effect.fn("Cli.calls")(function*(flags: CallsFlags) {
  const limit = Option.getOrElse(flags.limit, () => 50)
  if (limit < 1 || limit > maxRows) {
    return yield* misused(`--limit ${limit}: write a number from 1 to ${count(maxRows)}`)
  }
  if (Option.isSome(flags.url) && Option.isSome(flags.data)) {
    return yield* misused("--url is for a running cluster and --data for a store that nobody serves: give one of them")
  }
  const filter: CallFilter = {
    ...Option.match(flags.model, { onNone: () => ({}), onSome: (model) => ({ model }) }),
    ...Option.match(flags.owner, { onNone: () => ({}), onSome: (owner) => ({ owner }) }),
    ...Option.match(flags.outcome, { onNone: () => ({}), onSome: (outcome) => ({ outcome }) })
  }
  yield* Option.isSome(flags.url)
    ? Effect.flatMap(ofCluster(flags.url, filter), (page) => show(page, limit, flags.json))
    : ofStore(flags, filter, (page) => show(page, limit, flags.json))
})

const show = Effect.fnUntraced(function*(page: Page, limit: number, json: boolean) {
  const rows: Array<NumberedCallEntry> = []
  for (let before: number | null = null, left = limit; left > 0;) {
    const asked = Math.min(left, pageRows)
    const some: ReadonlyArray<NumberedCallEntry> = yield* page(before, asked)
    if (json) yield* Effect.forEach(some, printLine, { discard: true })
    else rows.push(...some)
    left -= some.length
    const last = some.at(-1)
    if (last === undefined || some.length < asked) break
    before = last.seq
  }
  if (json) return
  const lines = rows.length === 0 ? ["no calls"] : columns([
    ["TIME", "MODEL", "OWNER", "TRY", "PROMPT", "ANSWER", "COST $", "WAITED", "FIRST", "TOOK", "OUTCOME"],
    ...rows.map((call) => [
      new Date(call.atMillis).toISOString().replace("T", " ").slice(0, 23),
      call.model,
      call.owner,
      `${call.attempt}${call.hedged ? "h" : ""}`,
      count(call.promptTokens),
      count(call.completionTokens),
      (call.microDollars / 1e6).toFixed(6),
      millis(call.queueMillis),
      call.firstTokenMillis === null ? "-" : millis(call.firstTokenMillis),
      millis(call.millis),
      [call.outcome, call.status === null || call.outcome === "ok" ? "" : String(call.status), call.detail ?? ""]
        .filter((word) => word !== "").join(" ")
    ])
  ])
  yield* Effect.sync(() => void process.stdout.write(`${lines.join("\n")}\n`))
})
const millis = (value: number): string => `${count(Math.round(value))} ms`

const ofCluster = Effect.fnUntraced(function*(url: Option.Option<string>, filter: CallFilter) {
  const { remote } = yield* Effect.promise(() => import("./Remote.ts"))
  const cluster = yield* remote(url)
  const page: Page = (before, limit) => {
    const query = new URLSearchParams({ ...filter as Record<string, string>, limit: String(limit) })
    if (before !== null) query.set("before", String(before))
    return Effect.map(cluster.get(`/api/calls?${query}`), ({ items }) => items)
  }
  return page
})

const told = (error: { readonly _tag: string; readonly message: string }): CommandFailed => {
  if (error instanceof CommandFailed) return error
  if (error._tag === "StoreInUse") {
    return misusedBy(
      error,
      "If `polya serve` has it open, ask that: --url http://127.0.0.1:7411, with POLYA_TOKEN if it wants one."
    )
  }
  return error._tag === "StoreFailed" ? workFailed(error.message, "", error._tag) : misusedBy(error)
}

const ofStore = (
  { config, data }: CallsFlags,
  filter: CallFilter,
  work: (page: Page) => Effect.Effect<void, CommandFailed>
): Effect.Effect<void, CommandFailed> => {
  const places = { environment: process.env, directory: process.cwd(), file: Option.getOrUndefined(config) }
  return Effect.gen(function*() {
    const { dataDir: configured, databaseUrl } = yield* StoreConfig
    if (databaseUrl !== undefined && Option.isSome(data)) {
      return yield* misused(
        "--data names a SQLite store, but POLYA_DATABASE_URL is set: unset it, or leave --data away"
      )
    }
    const named = resolve(Option.getOrElse(data, () => configured))
    // Evaluations and contests keep theirs beside their outputs.
    const dataDir = [named, join(named, ".polya")].find((folder) => existsSync(App.storeFile(folder))) ?? named
    if (databaseUrl === undefined && !existsSync(App.storeFile(dataDir))) {
      return yield* misused(
        `There is no store in ${shown(dataDir)}`,
        "Name with --data its folder, or the folder of an evaluation or a contest, or a running cluster with --url."
      )
    }
    return yield* Effect.flatMap(
      CallLog,
      (log) =>
        work((before, limit) =>
          Effect.mapError(log.list({ ...filter, limit, ...(before === null ? {} : { before }) }), told)
        )
    ).pipe(Effect.provide(App.storeLayer({ dataDir, supervise: false })))
  }).pipe(
    Effect.provide(LiveSettings.layer.pipe(Layer.provideMerge(Layer.succeed(ConfigPlaces, places)))),
    Effect.mapError(told)
  )
}
