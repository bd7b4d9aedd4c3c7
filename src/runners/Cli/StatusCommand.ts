// `polya status`, `polya runs`, `polya watch`: how a running cluster is, its runs, and one run until its end.
import { Clock, Effect, Option } from "effect"
import { resolve } from "node:path"
import { remote } from "./Remote.ts"
import { fetchOutputs, follow } from "./RemoteRun.ts"
import { count, mebibytes, plural, printLine, seconds, summaryLines } from "./Say.ts"
import { columns } from "./Table.ts"

interface Where {
  readonly url: Option.Option<string>
  readonly json: boolean
}

const say = (words: string): Effect.Effect<void> => Effect.sync(() => void process.stderr.write(`polya: ${words}\n`))
const print = (lines: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.sync(() => void process.stdout.write(`${lines.join("\n")}\n`))

/** A process that said nothing for longer is shown as silent; it speaks every second. */
const silentSecondsMost = 5

export const statusCommand = Effect.fn("Cli.status")(function*(flags: Where) {
  const cluster = yield* remote(flags.url)
  // What the process says of itself comes first: it answers while its store does not.
  const problems = ((yield* cluster.get("/health")).checks as ReadonlyArray<any>).filter(({ ok }) => !ok)
  if (problems.length > 0 && !flags.json) {
    yield* say(`${cluster.url} is not ready: ${problems.map(({ detail, name }) => `${name}: ${detail}`).join("; ")}`)
  }
  const { items: processes } = yield* cluster.get("/admin/processes")
  const { items: shards } = yield* cluster.get("/admin/cluster-shards")
  const { items: tallies } = yield* cluster.get("/admin/tallies")
  const unowned = shards.filter(({ owners }: any) => owners.length === 0).length
  if (flags.json) return yield* printLine({ url: cluster.url, problems, processes, clusterShards: shards, tallies })
  const live = processes.filter(({ state }: any) => state !== "ended")
  const isSilent = ({ silentSeconds }: any): boolean => silentSeconds > silentSecondsMost
  const silent = live.filter(isSilent).length
  const byType = Map.groupBy(tallies as ReadonlyArray<any>, ({ type }) => type as string)
  yield* print([
    `${cluster.url}: ${plural(live.length, "process", "processes")}${
      silent === 0 ? "" : ` (${count(silent)} silent)`
    }, ${plural(shards.length, "cluster shard")}${unowned === 0 ? "" : `, ${count(unowned)} without an owner`}`,
    "",
    ...columns([
      ["PROCESS", "STATE", "KIND", "GROUPS", "ADDRESS", "UP", "SHARDS", "RUNS", "WAITING", "MEMORY"],
      ...live.map((one: any) => {
        const { address, groups, id, kind, silentSeconds, startedMillis, seenMillis, state, vitals } = one
        return [
          id,
          isSilent(one) ? `silent ${seconds(silentSeconds)}` : state,
          kind,
          groups.map((group: string) => (group === "default" ? "cpu" : group)).join(",") || "-",
          address ?? "-",
          seconds((seenMillis - startedMillis) / 1_000),
          // What a silent process said last is true no more: others own its shards.
          ...isSilent(one) ? ["-", "-", "-", "-"] : [
            count((vitals.clusterShards ?? []).length),
            count((vitals.drives ?? []).length),
            count(vitals.commits?.waiting ?? 0),
            mebibytes(vitals.memoryBytes ?? 0)
          ]
        ]
      })
    ]),
    "",
    ...columns([
      ["ACTORS", "COUNT", "BY STATUS"],
      ...[...byType].map(([type, rows]) => {
        const statuses = Map.groupBy(rows, ({ status }) => status as string)
        const of = (some: ReadonlyArray<any>) => some.reduce((sum: number, one) => sum + one.count, 0)
        return [
          type,
          count(of(rows)),
          [...statuses].map(([status, some]) => `${count(of(some))} ${status}`).join(", ")
        ]
      })
    ])
  ])
})

const more = "There are more: --limit shows up to 500, --status and --text filter."

export interface RunsFlags extends Where {
  readonly status: ReadonlyArray<string>
  readonly text: Option.Option<string>
  readonly limit: Option.Option<number>
}

/** Pages that are asked for to show one list. */
const maxPages = 20

export const runsCommand = Effect.fn("Cli.runs")(function*(flags: RunsFlags) {
  const cluster = yield* remote(flags.url)
  const limit = Option.getOrElse(flags.limit, () => 50)
  const query = new URLSearchParams()
  for (const status of flags.status) query.append("status", status)
  if (Option.isSome(flags.text)) query.set("text", flags.text.value)
  const items: Array<any> = []
  let next: string | null = null
  // A page of a search for words may be short, or empty, and the list goes on.
  for (let page = 0; page === 0 || (page < maxPages && items.length < limit); page++) {
    query.set("limit", String(limit - items.length))
    if (next !== null) query.set("after", next)
    const found: any = yield* cluster.get(`/api/runs?${query}`)
    items.push(...found.items)
    next = found.next
    if (next === null) break
  }
  if (flags.json) {
    for (const item of items) yield* printLine(item)
    if (next !== null) yield* Effect.sync(() => void process.stderr.write(`polya: ${more}\n`))
    return
  }
  if (items.length === 0) return yield* print(["no runs"])
  const nowMillis = yield* Clock.currentTimeMillis
  yield* print([
    ...columns([
      ["RUN", "STATUS", "SINCE", "IN", "DONE", "DROPPED", "FAILED", "WAITING FOR"],
      ...items.map(({ counts, error, id, sinceMillis, status, waiting }: any) => [
        id,
        status,
        seconds(Math.max(0, (nowMillis - sinceMillis) / 1_000)),
        ...(counts === null ? ["", "", "", ""] : [
          count(counts.in),
          count(counts.done),
          count(Object.values<number>(counts.dropped).reduce((sum, n) => sum + n, 0)),
          count(counts.failed)
        ]),
        error ?? waiting ?? ""
      ])
    ]),
    ...(next === null ? [] : ["", more])
  ])
})

export interface WatchFlags extends Where {
  readonly run: string
  readonly out: Option.Option<string>
}

export const watchCommand = Effect.fn("Cli.watch")(function*(flags: WatchFlags) {
  const cluster = yield* remote(flags.url)
  // Who watches through a pipe that is closed watches no more.
  if (flags.json) yield* Effect.sync(() => process.stdout.once("error", () => process.exit(0)))
  yield* follow(cluster, flags.run, { json: flags.json, recipe: undefined })
  if (Option.isSome(flags.out)) {
    const out = resolve(flags.out.value)
    const summary = yield* fetchOutputs(cluster, flags.run, out)
    if (flags.json) return yield* printLine({ event: "done", ...summary, report: undefined })
    return yield* print(summaryLines(summary, out))
  }
  const view = yield* cluster.get(`/api/runs/${encodeURIComponent(flags.run)}`)
  if (flags.json) return yield* printLine({ event: "done", ...view })
  const { done, dropped, failed, in: read } = view.counts
  yield* print([
    `${flags.run}: done. ${count(read)} in, ${count(done)} done, ${
      count(Object.values<number>(dropped).reduce((sum, n) => sum + n, 0))
    } dropped, ${count(failed)} failed.`,
    `Its files: polya watch ${flags.run} --url ${cluster.url} --out DIR`
  ])
})
