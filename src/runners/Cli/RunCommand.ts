// `polya run`: checks everything that can be checked before any work (recipe, sources, output folder, store), starts or resumes the
// run in a store beside its output, shows its progress, and says what came of it.
import { Clock, type Context, Effect, Layer, Option, Schema, Stream } from "effect"
import { existsSync } from "node:fs"
import { rename, rm, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { ActorStore } from "../../actors/ActorStore.ts"
import { DatasetRunActor, wake } from "../../actors/DatasetRunActor.ts"
import { storeResources } from "../../actors/Plans.ts"
import { Sources as SourcesPort } from "../../actors/Sources.ts"
import type { RunState } from "../../domain/DatasetRun.ts"
import { digest } from "../../domain/Ids.ts"
import { canonical, type Json } from "../../domain/Json.ts"
import type { Recipe } from "../../domain/Recipe.ts"
import type { Summary } from "../../domain/RunReport.ts"
import { SourceFormat, type SourceSpec } from "../../domain/Source.ts"
import { stages } from "../../domain/stages/Registry.ts"
import * as App from "../App.ts"
import * as Config from "../Config.ts"
import { ConfigInvalid, ConfigPlaces } from "../Config/Settings.ts"
import { checkFolder, OutputWritten } from "../FileOutput.ts"
import * as LiveSettings from "../LiveSettings.ts"
import { loadRecipe, recipeText } from "../RecipeFile.ts"
import * as Sources from "../sources/Sources.ts"
import * as Telemetry from "../Telemetry.ts"
import { CommandFailed, misused, misusedBy, workFailed } from "./Failure.ts"
import { makeProgress } from "./Progress.ts"
import { printLine, shown, summaryLines } from "./Say.ts"

export interface RunFlags {
  readonly recipe: string
  readonly source: ReadonlyArray<string>
  readonly out: Option.Option<string>
  readonly against: ReadonlyArray<string>
  readonly mode: Option.Option<string>
  readonly stages: Option.Option<string>
  readonly limit: Option.Option<number>
  readonly seed: Option.Option<number>
  readonly format: Option.Option<string>
  readonly preset: Option.Option<string>
  readonly field: ReadonlyArray<string>
  readonly query: Option.Option<string>
  readonly data: Option.Option<string>
  readonly resume: boolean
  readonly rerunFailed: boolean
  readonly rerunFrom: Option.Option<string>
  readonly inFlight: Option.Option<number>
  readonly rate: Option.Option<number>
  readonly config: Option.Option<string>
  readonly url: Option.Option<string>
  readonly json: boolean
}

export const runCommand = Effect.fn("Cli.run")(function*(flags: RunFlags) {
  const summary = yield* run(flags)
  if (flags.json) return yield* printLine({ event: "done", ...summary, report: undefined })
  yield* Effect.sync(() => process.stdout.write(`${summaryLines(summary, outOf(flags)).join("\n")}\n`))
})

/** Does the run and answers its summary; progress goes to stderr, or as JSON lines to stdout. */
export const run = Effect.fnUntraced(function*(flags: RunFlags) {
  const out = outOf(flags)
  if (out === "") return yield* misused("Say where the outputs go: --out DIR")
  const recipe = yield* recipeOf(flags)
  if (Option.isSome(flags.url)) return yield* remotely(flags, recipe, out, flags.url.value)
  const dataDir = Option.match(flags.data, { onNone: () => join(out, ".polya"), onSome: (dir) => resolve(dir) })
  const places = { environment: process.env, directory: process.cwd(), file: Option.getOrUndefined(flags.config) }
  const written: { summary: Summary | undefined } = { summary: undefined }
  const services = Layer.mergeAll(
    Layer.succeed(ConfigPlaces, places),
    Layer.succeed(OutputWritten, (_, summary) => Effect.sync(() => void (written.summary = summary)))
  )
  // Everything that can be wrong is looked at before anything is touched.
  const sourceLimits = yield* Effect.mapError(
    Effect.provide(Config.SourceConfig.config, services),
    misusedBy
  )
  const input = yield* Effect.mapError(
    Effect.provide(readable(recipe), Sources.layerWith(sourceLimits)),
    misusedBy
  )
  for (const folder of Option.isNone(flags.data) ? [out] : [out, dataDir]) {
    yield* Effect.mapError(checkFolder(folder), (error) => error.reason === "full" ? failedBy(error) : misusedBy(error))
  }
  const again = flags.resume || flags.rerunFailed || Option.isSome(flags.rerunFrom)
  if (Option.isNone(flags.data)) yield* prepareStore(dataDir, again)
  const app = App.layer({ dataDir, supervise: false }).pipe(
    Layer.provideMerge(LiveSettings.layer),
    Layer.provideMerge(services)
  )
  return yield* Effect.scoped(Effect.gen(function*() {
    const context = yield* Effect.mapError(
      Layer.build(app),
      (error: Told) => error._tag === "StoreFailed" ? failedBy(error) : misusedBy(error)
    )
    const summary = yield* Effect.mapError(
      Effect.provideContext(inApp(flags, recipe, input, out, written, again), context as Context.Context<any>),
      (error) => error instanceof CommandFailed ? error : failedBy(error as Told)
    )
    if (existsSync(App.storeFile(dataDir))) yield* Effect.promise(() => writeFile(join(dataDir, finishedMark), ""))
    return summary
  })).pipe(
    Telemetry.within({ process: "run", stays: false }),
    Effect.provide(Layer.mergeAll(Config.StoreConfig.layerFromEnv, Config.TelemetryConfig.layerFromEnv)),
    Effect.provide(services),
    Effect.mapError((error) => (error instanceof ConfigInvalid ? misusedBy(error) : error))
  ) as Effect.Effect<Summary, any>
})

/** The cluster at `url` does the work. */
const remotely = Effect.fnUntraced(function*(flags: RunFlags, recipe: Recipe, out: string, url: string) {
  if (flags.resume || flags.rerunFailed || Option.isSome(flags.rerunFrom)) {
    return yield* misused(
      "A run of a cluster is resumed and run again by commands to the cluster.",
      `\`polya runs --url ${url}\` lists them; POST /api/runs/ID/resume, /rerun-failed and /rerun command them.`
    )
  }
  if (Option.isSome(flags.data)) {
    return yield* misused("--data and --url exclude each other: the cluster has a store of its own")
  }
  yield* Effect.mapError(checkFolder(out), (error) => error.reason === "full" ? failedBy(error) : misusedBy(error))
  const { runRemotely } = yield* Effect.promise(() => import("./RemoteRun.ts"))
  return yield* runRemotely({
    url,
    recipe,
    text: yield* recipeText(flags.recipe),
    mode: Option.getOrUndefined(flags.mode),
    stages: Option.getOrUndefined(flags.stages)?.split(",").map((name) => name.trim()),
    out,
    json: flags.json
  })
})

/** An error of the program: it says itself what happened and what to do. */
interface Told {
  readonly _tag: string
  readonly message: string
  readonly reason?: string
}

const failedBy = (error: Told): CommandFailed =>
  workFailed(
    error.message,
    error.reason === "damaged"
      ? "Give the command without --resume to start anew; a damaged store in OUT/.polya is kept aside."
      : "What was committed is kept: remove the cause and give the same command with --resume.",
    error._tag
  )

/** The source and the benchmark texts, if they can be read. */
const readable = Effect.fnUntraced(function*(recipe: Recipe) {
  const sources = yield* SourcesPort
  const { bytes, fingerprint } = yield* sources.open(recipe.sources)
  return { bytes, fingerprint, texts: yield* sources.benchmarks(recipe.against) }
})
type Input = Effect.Success<ReturnType<typeof readable>>

const outOf = (flags: RunFlags): string => Option.match(flags.out, { onNone: () => "", onSome: (dir) => resolve(dir) })

const recipeOf = Effect.fnUntraced(function*(flags: RunFlags) {
  const fields: { [field: string]: string } = {}
  for (const text of flags.field) {
    const at = text.indexOf("=")
    if (at < 1) return yield* misused(`--field ${text}: write FIELD=COLUMN, such as problem=question`)
    fields[text.slice(0, at)] = text.slice(at + 1)
  }
  const format = Option.getOrUndefined(flags.format)
  if (format !== undefined && !Schema.is(SourceFormat)(format)) {
    return yield* misused(`--format ${format}: there is ${SourceFormat.literals.join(", ")}`)
  }
  const preset = Option.getOrUndefined(flags.preset)
  const query = Option.getOrUndefined(flags.query)
  const sources = flags.source.map((location): SourceSpec => ({
    location,
    ...(format === undefined ? {} : { format }),
    ...(preset === undefined ? {} : { preset }),
    ...(query === undefined ? {} : { query }),
    ...(flags.field.length === 0 ? {} : { fields })
  }))
  const limit = Option.getOrUndefined(flags.limit)
  if (limit !== undefined && limit < 1) return yield* misused("--limit must be at least 1")
  const named = Option.getOrUndefined(flags.stages)
  const recipe = yield* Effect.mapError(
    loadRecipe(flags.recipe, {
      ...(sources.length === 0 ? {} : { sources }),
      ...(flags.against.length === 0 ? {} : { against: flags.against }),
      mode: Option.getOrUndefined(flags.mode),
      stages: named?.split(",").map((name) => name.trim()),
      seed: Option.getOrUndefined(flags.seed),
      ...(limit === undefined ? {} : { limitRows: limit })
    }, stages),
    (error) =>
      misusedBy(error, error._tag === "RecipeInvalid" ? "Nothing was run. docs/recipes.md tells the format." : "")
  )
  const inFlight = Option.getOrElse(flags.inFlight, () => recipe.limits.inFlight)
  const rowsPerSecond = Option.getOrElse(flags.rate, () => recipe.limits.rowsPerSecond)
  if (!(inFlight >= 1 && inFlight <= 100_000)) return yield* misused("--in-flight must be from 1 to 100,000")
  if (!(rowsPerSecond >= 0 && rowsPerSecond <= 1_000_000)) return yield* misused("--rate must be from 0 to 1,000,000")
  return { ...recipe, limits: { ...recipe.limits, inFlight, rowsPerSecond } } satisfies Recipe
})

/** Stands in the store of a run that came to its end: such a store may be replaced without asking. */
export const finishedMark = "finished"

/** A fresh store, unless the run is to go on: a finished one is replaced, an interrupted one is kept aside. */
export const prepareStore = Effect.fnUntraced(function*(dataDir: string, again: boolean) {
  const exists = existsSync(App.storeFile(dataDir))
  if (again || !exists) return
  const finished = existsSync(join(dataDir, finishedMark))
  const aside = `${dataDir}.interrupted`
  const { acquire } = yield* Effect.promise(() => import("../sqlite/SqliteLock.ts"))
  const { StoreInUse } = yield* Effect.promise(() => import("../sqlite/Sqlite.ts"))
  yield* Effect.tryPromise({
    try: async () => {
      // A store that another process works in is not replaced under its hands.
      const lock = acquire(App.storeFile(dataDir))
      if (lock._tag === "Taken") throw new StoreInUse({ filename: App.storeFile(dataDir), pid: lock.pid })
      try {
        if (finished) return await rm(dataDir, { recursive: true, force: true })
        await rm(aside, { recursive: true, force: true })
        await rename(dataDir, aside)
      } finally {
        lock.release()
      }
      process.stderr.write(
        `polya: this folder held an unfinished run; it is kept in ${
          shown(aside)
        }. (To go on with such a run, use --resume.)\n`
      )
    },
    catch: (cause) =>
      cause instanceof StoreInUse
        ? misusedBy(cause)
        : workFailed(`Cannot replace the old store ${dataDir}: ${String(cause)}`, "", "StoreNotReplaced")
  })
})

/** What makes a run another run: all but its limits and the form of its outputs. */
const identity = ({ limits: _, outputs: __, description: ___, ...recipe }: Recipe): string =>
  canonical(recipe as unknown as Json)

const inApp = Effect.fnUntraced(function*(
  flags: RunFlags,
  recipe: Recipe,
  input: Input,
  out: string,
  written: { readonly summary: Summary | undefined },
  again: boolean
) {
  const clock = yield* Clock.Clock
  const atMillis = clock.currentTimeMillisUnsafe()
  const id = `${recipe.name.replaceAll(/[^A-Za-z0-9_-]/g, "-").slice(0, 40)}-${digest([identity(recipe), out], 8)}`
  const client = (yield* DatasetRunActor.client)(id)
  const before = yield* client.get
  if (before.state.status === "new") {
    if (again) yield* nothingToResume(flags)
    const resources = yield* Effect.catchTag(
      storeResources(input.texts),
      "ResourcesTooLarge",
      (error) => Effect.fail(misusedBy(error))
    )
    yield* client.send(
      "Start",
      { recipe, fingerprint: input.fingerprint, resources, out, supervised: false, atMillis },
      { commandId: `start-${id}` }
    )
  } else {
    if (before.state.fingerprint !== input.fingerprint) {
      return yield* misused(
        "The source has changed since this run was started.",
        "Start a new run (without --resume), or put the old content back.",
        "SourceChanged"
      )
    }
    yield* goOn(flags, recipe, before.state, client, atMillis)
  }

  yield* wake(id)
  const progress = makeProgress({ id, json: flags.json, recipe, bytes: input.bytes, startedMillis: atMillis })
  const end = yield* Effect.raceFirst(
    client.watch.pipe(
      Stream.tap(({ state }) => state.status === "running" ? progress.show(state) : Effect.void),
      Stream.takeUntil(({ state }) => state.status !== "running"),
      Stream.runLast
    ),
    trouble(id)
  ).pipe(
    Effect.onInterrupt(() => pause(id, client)),
    Effect.ensuring(progress.close)
  )
  const state = Option.getOrUndefined(end)?.state ?? (yield* client.get).state
  switch (state.status) {
    case "done": {
      if (written.summary === undefined) return yield* readAgain(id, out)
      return written.summary
    }
    case "failed":
      return yield* workFailed(
        state.error?.message ?? "The run broke off.",
        "What was done is kept: remove the cause and give the same command with --resume.",
        state.error?.tag
      )
    case "cancelled":
      return yield* workFailed("The run was cancelled.", "", "RunCancelled")
    default:
      return yield* workFailed("The run was paused.", "Give the same command with --resume to go on.", "RunPaused")
  }
})

/** `--resume` where nothing was begun begins; where another run lies, it is a mistake. */
const nothingToResume = Effect.fnUntraced(function*(flags: RunFlags) {
  const others = yield* (yield* ActorStore).list(DatasetRunActor.type, { limit: 1 })
  if (others.length > 0 && Option.isNone(flags.data)) {
    return yield* misused(
      "This folder holds a run of another recipe, source, seed or limit than this command names.",
      "Give the command as it was first given, with --resume added; or start a new run without --resume."
    )
  }
  if (!flags.resume) {
    return yield* misused(
      "There is no run whose rows could be run again.",
      "Start one with the same command without --rerun-failed and --rerun-from."
    )
  }
  process.stderr.write("polya: there is no run to go on with here yet, so this starts it\n")
})

type RunClient = ReturnType<Effect.Success<typeof DatasetRunActor.client>>

const goOn = Effect.fnUntraced(
  function*(flags: RunFlags, recipe: Recipe, state: RunState, client: RunClient, atMillis: number) {
    if (canonical(state.limits) !== canonical(recipe.limits)) yield* client.send("ChangeLimits", recipe.limits)
    if (flags.rerunFailed || Option.isSome(flags.rerunFrom)) {
      if (state.status === "running") yield* client.send("Pause", { why: "to run rows again", atMillis })
      const rerun = Option.match(flags.rerunFrom, {
        onNone: () => client.send("RerunFailed", { atMillis }),
        onSome: (stage) => client.send("Rerun", { stage, atMillis })
      })
      return yield* Effect.mapError(rerun, misusedBy)
    }
    if (state.status === "done" || state.status === "running") return
    yield* Effect.mapError(
      client.send("Resume", { why: "polya run --resume", atMillis }),
      misusedBy
    )
  }
)

/** Fails when the driver broke and could not store why (a full disk cannot hold its own obituary). */
const trouble = (id: string) =>
  wake(id).pipe(
    Effect.delay("500 millis"),
    Effect.orElseSucceed(() => ({ driving: true, trouble: null })),
    Effect.repeat({ until: ({ trouble }) => trouble !== null }),
    Effect.flatMap((found) =>
      Effect.fail(
        workFailed(
          found.trouble?.message ?? "",
          "What was committed is kept: remove the cause and give the same command with --resume.",
          found.trouble?.tag
        )
      )
    )
  )

/** On Ctrl-C: the batch in work is finished, then the run rests; a second Ctrl-C ends at once and loses nothing either. */
const pause = (id: string, client: RunClient) =>
  Effect.gen(function*() {
    const atMillis = yield* Clock.currentTimeMillis
    process.stderr.write("\npolya: pausing; give the same command with --resume to go on\n")
    yield* client.send("Pause", { why: "interrupted", atMillis }, { deadlineMillis: 5_000 })
    yield* wake(id).pipe(
      Effect.delay("50 millis"),
      Effect.repeat({ until: ({ driving }) => !driving }),
      Effect.timeout("5 seconds")
    )
  }).pipe(Effect.ignore)

/** The run was done before this command: its outputs stand. */
const readAgain = Effect.fnUntraced(function*(id: string, out: string) {
  const { readSummary } = yield* Effect.promise(() => import("../FileOutput.ts"))
  const summary = yield* Effect.promise(() => readSummary(out).catch(() => undefined))
  if ((summary as Summary | undefined)?.runId !== id) {
    return yield* workFailed(
      `The run is done, but ${out} does not hold its outputs any more.`,
      "Use --rerun-failed to write the outputs again."
    )
  }
  process.stderr.write("polya: this run was done before; these are its results\n")
  return summary as Summary
})
