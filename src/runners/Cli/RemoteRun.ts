// `polya run --url`: the recipe is read and checked here, its files are uploaded, the cluster does the work, and the outputs come back. The
// run belongs to the cluster: Ctrl-C ends the watching, not the run.
import { Clock, Effect, Option, Stream } from "effect"
import { mkdir, readFile, rm } from "node:fs/promises"
import { basename, join } from "node:path"
import { SourceUnreadable } from "../../actors/Sources.ts"
import type { RunState } from "../../domain/DatasetRun.ts"
import type { Json } from "../../domain/Json.ts"
import type { Recipe } from "../../domain/Recipe.ts"
import type { Summary } from "../../domain/RunReport.ts"
import type { SourceSpec } from "../../domain/Source.ts"
import { resolveFiles } from "../sources/Locations.ts"
import { misused, misusedBy, workFailed } from "./Failure.ts"
import { makeProgress } from "./Progress.ts"
import { type Remote, remote } from "./Remote.ts"
import { printLine, shown } from "./Say.ts"

const say = (words: string): Effect.Effect<void> => Effect.sync(() => void process.stderr.write(`polya: ${words}\n`))

/** Does the run on the cluster and leaves its outputs in `out`. `text`: the recipe as it is written. */
export const runRemotely = Effect.fn("Cli.runRemotely")(function*(options: {
  readonly url: string
  readonly recipe: Recipe
  readonly text: string
  readonly mode: string | undefined
  readonly stages: ReadonlyArray<string> | undefined
  readonly out: string
  readonly json: boolean
}) {
  const { json, mode, out, recipe, stages, text, url } = options
  const cluster = yield* remote(Option.some(url))
  yield* cluster.get("/api/recipes")
  const sources: Array<Json> = []
  for (const spec of recipe.sources) sources.push(...yield* uploaded(cluster, spec))
  const against: Array<string> = []
  for (const file of recipe.against) against.push(`upload:${(yield* cluster.upload(file, basename(file))).id}`)
  const { id } = yield* cluster.send("POST", "/api/runs", {
    recipe: { yaml: text },
    sources,
    against,
    ...(mode === undefined ? {} : { mode }),
    ...(stages === undefined ? {} : { stages }),
    seed: recipe.seed,
    ...(recipe.limitRows === null ? {} : { limitRows: recipe.limitRows }),
    limits: recipe.limits,
    why: "polya run"
  })
  yield* say(`the run is ${id}; \`polya watch ${id} --url ${cluster.url}\` shows it from anywhere`)
  yield* follow(cluster, id, { json, recipe })
  return yield* fetchOutputs(cluster, id, out)
})

const uploaded = Effect.fnUntraced(
  function*(cluster: Remote, spec: SourceSpec) {
    const { location } = spec
    if (/^postgres(ql)?:/.test(location)) {
      return yield* misused(
        "A cluster reads no databases for its callers.",
        "Export the query to a file and give that as --source."
      )
    }
    const files = yield* Effect.tryPromise({
      try: () => resolveFiles(location, spec.format ?? "auto"),
      catch: (cause) =>
        cause instanceof SourceUnreadable
          ? misusedBy(cause)
          : misused(
            (cause as NodeJS.ErrnoException).code === "ENOENT"
              ? `There is no file ${location}`
              : `Cannot read ${location}: ${(cause as Error).message}`,
            "",
            "SourceUnreadable"
          )
    })
    const specs: Array<Json> = []
    for (const file of files) {
      yield* say(`uploading ${shown(file.path)}`)
      const { id } = yield* cluster.upload(file.path, basename(file.path))
      specs.push({
        ...spec,
        format: spec.format === "folder" ? "auto" : spec.format ?? "auto",
        location: `upload:${id}`
      })
    }
    return specs
  }
)

/** Shows the run until it ends, and says what went wrong if it did not end well. */
export const follow = Effect.fn("Cli.follow")(
  function*(cluster: Remote, id: string, options: { readonly json: boolean; readonly recipe: Recipe | undefined }) {
    const first = yield* cluster.watch("DatasetRun", id).pipe(Stream.take(1), Stream.runHead)
    const state = Option.getOrUndefined(first)?.state as RunState | undefined
    const recipe = options.recipe ?? state?.recipe ?? undefined
    if (state === undefined || recipe === undefined) {
      return yield* workFailed(`There is no run ${id}.`, "", "RunUnknown")
    }
    let said = ""
    const progress = makeProgress({
      id,
      json: options.json,
      recipe,
      bytes: null,
      startedMillis: Math.min(state.startedMillis, yield* Clock.currentTimeMillis)
    })
    const last = yield* cluster.watch("DatasetRun", id).pipe(
      Stream.tap(({ state }) => {
        const news = state.status !== said
        said = state.status
        if (state.status === "running") return progress.show(state)
        if (!news || state.status !== "paused") return Effect.void
        const { note } = state
        return progress.close.pipe(
          Effect.andThen(say(`the run is paused${note === "" ? "" : ` (${note})`}`)),
          Effect.andThen(options.json ? printLine({ event: "paused", run: id, note }) : Effect.void)
        )
      }),
      Stream.takeUntil(({ state }) => ended.has(state.status)),
      Stream.runLast,
      Effect.onInterrupt(() =>
        Effect.sync(() => process.stderr.write(`\npolya: the run ${id} goes on without you; polya watch ${id}\n`))
      ),
      Effect.ensuring(progress.close)
    )
    const end = Option.getOrUndefined(last)?.state as RunState | undefined
    switch (end?.status) {
      case "done":
        return
      case "failed":
        return yield* workFailed(
          end.error?.message ?? "The run broke off.",
          `Remove the cause and resume it: POST ${cluster.url}/api/runs/${id}/resume`,
          end.error?.tag
        )
      case "cancelled":
        return yield* workFailed("The run was cancelled.", "", "RunCancelled")
      default:
        return yield* workFailed("The watch of the run ended before the run did.", "", "ClusterAway")
    }
  }
)
const ended: ReadonlySet<RunState["status"]> = new Set(["done", "failed", "cancelled"])

/** Brings the files of a run that is done; the summary comes last. */
export const fetchOutputs = Effect.fn("Cli.fetchOutputs")(function*(cluster: Remote, id: string, out: string) {
  yield* Effect.tryPromise({
    try: () => mkdir(out, { recursive: true }),
    catch: (cause) => workFailed(`Cannot make the folder ${out}: ${String(cause)}`, "", "OutputFailed")
  })
  const { items } = yield* cluster.get(`/api/runs/${encodeURIComponent(id)}/outputs`)
  const names = (items as ReadonlyArray<{ readonly name: string }>).map(({ name }) => basename(name))
  if (!names.includes("summary.json")) {
    return yield* workFailed(
      `The run ${id} left no outputs on the cluster.`,
      "It was told to write into a folder of a runner."
    )
  }
  // A folder with a summary is whole: the one of an earlier run goes first, and this run's comes last.
  yield* Effect.promise(() => rm(join(out, "summary.json"), { force: true }))
  for (const name of [...names.filter((one) => one !== "summary.json"), "summary.json"]) {
    yield* cluster.download(
      `/api/runs/${encodeURIComponent(id)}/outputs/${encodeURIComponent(name)}`,
      join(out, name)
    )
  }
  return JSON.parse(yield* Effect.promise(() => readFile(join(out, "summary.json"), "utf8"))) as Summary
})
