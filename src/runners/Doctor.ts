// What this machine has for polya: every part looked at for real, at most three seconds each (ten where interpreters are
// started for it), with what it is good for and what to do where it is missing. Answers always, whatever is broken.
import { Effect, Option, Result } from "effect"
import { existsSync } from "node:fs"
import { readFile, statfs } from "node:fs/promises"
import { availableParallelism, totalmem } from "node:os"
import { dirname, join, resolve } from "node:path"
import { LlmConfig, SandboxConfig, StoreConfig } from "./Config.ts"
import { ConfigPlaces } from "./Config/Settings.ts"
import { modelProbe } from "./Doctor/ModelProbes.ts"
import {
  Absent,
  Broken,
  firstCommand,
  firstLine,
  postgres,
  sqlite,
  workerThread
} from "./Doctor/Probes.ts"
import { sandboxProbes } from "./Doctor/SandboxProbes.ts"

/** `missing`: not there, and polya works without it. `problem`: there and broken, or not there and needed. */
export interface DoctorFinding {
  readonly name: string
  readonly status: "ok" | "missing" | "problem"
  readonly found: string
  /** What polya can do with it. */
  readonly adds: string
  /** What to do; "" where nothing is to be done. */
  readonly fix: string
}

export interface Probe {
  readonly name: string
  readonly adds: string
  readonly fix: string
  /** A required part that is absent is a problem. */
  readonly required: boolean
  readonly look: Effect.Effect<string, Absent | Broken>
  /** Time that it has; `deadlineMillis` unless told. */
  readonly withinMillis?: number
}

export const deadlineMillis = 3_000
const gibibyte = 1_073_741_824
const oldestNode = 24
const packageFolder = resolve(import.meta.dirname, "..", "..")

/** Looks at everything at once. In the order of importance: what is required first. */
export const runDoctor = Effect.fn("Doctor.run")(function*() {
  const places = yield* ConfigPlaces
  const config = yield* Effect.result(StoreConfig.config)
  const store = config._tag === "Success" ? config.success : StoreConfig.defaults
  const databaseUrl = store.databaseUrl

  const probes: ReadonlyArray<Probe> = [
    {
      name: "Node.js",
      adds: "Everything runs on it.",
      fix: `Run \`npm ci\` in the package's folder: it brings Node.js ${oldestNode}.`,
      required: true,
      look: node
    },
    {
      name: "configuration",
      adds: "Settings from the environment and polya.yaml.",
      fix: "Correct the places named; `polya config` shows all settings.",
      required: true,
      look: config._tag === "Success"
        ? Effect.succeed("no mistakes")
        : Effect.fail(new Broken({ found: config.failure.message }))
    },
    {
      name: "packages",
      adds: "The libraries polya is made of, in the versions it was tested with.",
      fix: "Run `npm ci`.",
      required: true,
      look: packages
    },
    {
      name: "SQLite",
      adds: "Keeps all state when there is no PostgreSQL.",
      fix: "Use a local file system for temporary files and for the data folder (set TMPDIR and POLYA_STORE_DATA_DIR).",
      required: true,
      look: sqlite
    },
    {
      name: "worker threads",
      adds: "Stages run in them, beside the process that answers.",
      fix: "Raise the limit of threads of this user or container (ulimit -u, pids limit).",
      required: true,
      look: workerThread
    },
    {
      name: "processor",
      adds: "One core answers, the others run stages.",
      fix: "Give the container two cores or more.",
      required: true,
      look: Effect.sync(() => `${availableParallelism()} ${availableParallelism() === 1 ? "core" : "cores"}`)
    },
    {
      name: "memory",
      adds: "A run needs about 1 GiB, and half of one more for each worker.",
      fix: "Free some memory, raise the container's limit, or set POLYA_STAGE_WORKERS and POLYA_STAGE_HEAP_MIB lower.",
      required: true,
      look: enough(Effect.sync(() => process.availableMemory()), (free) => `${free} free of ${gib(totalmem())}`)
    },
    {
      name: "disk",
      adds: "State and datasets are written to it.",
      fix: "Free some space or set POLYA_STORE_DATA_DIR to a larger disk.",
      required: true,
      look: enough(freeBytes(resolve(places.directory, store.dataDir)), (free) => `${free} free for ${store.dataDir}`)
    },
    {
      name: "PostgreSQL",
      adds: "Several machines as one cluster, and a store that is backed up like your other databases.",
      fix: databaseUrl === undefined
        ? "Set POLYA_DATABASE_URL=postgres://user:password@host/database to use one."
        : "Check that the server runs, the address and the password, and GRANT CREATE ON SCHEMA public to the user.",
      required: databaseUrl !== undefined,
      look: databaseUrl === undefined
        ? Effect.fail(
          new Absent({
            found: config._tag === "Success"
              ? "POLYA_DATABASE_URL is not set; state is kept in SQLite"
              : "not looked at: see configuration"
          })
        )
        : postgres(databaseUrl, deadlineMillis)
    },
    modelProbe(Result.getOrElse(yield* Effect.result(LlmConfig.config), () => LlmConfig.defaults)),
    {
      name: "GPU",
      adds: "Serving and training of larger models on this machine.",
      fix: "Install the NVIDIA driver (nvidia-smi comes with it).",
      required: false,
      look: firstLine("nvidia-smi", ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"])
    },
    ...sandboxProbes(Result.getOrElse(yield* Effect.result(SandboxConfig.config), () => SandboxConfig.defaults)),
    {
      name: "Chromium",
      adds: "The dashboard's own tests in a real browser.",
      fix: "Install it (apt-get install chromium).",
      required: false,
      look: firstCommand(["chromium", "chromium-browser", "google-chrome"], ["--version"])
    }
  ]
  return yield* Effect.forEach(probes, examine, { concurrency: "unbounded" })
})

/** One finding, within the probe's time. */
export const examine = (probe: Probe): Effect.Effect<DoctorFinding> =>
  probe.look.pipe(
    Effect.timeoutOption(probe.withinMillis ?? deadlineMillis),
    Effect.map(Option.match({
      onSome: (found) => ["ok", found] as const,
      onNone: () => ["problem", `no answer within ${(probe.withinMillis ?? deadlineMillis) / 1000} seconds`] as const
    })),
    Effect.catchTags({
      Absent: ({ found }) => Effect.succeed([probe.required ? "problem" : "missing", found] as const),
      Broken: ({ found }) => Effect.succeed(["problem", found] as const)
    }),
    Effect.catchDefect((defect) => Effect.succeed(["problem", String(defect)] as const)),
    Effect.map(([status, found]) => ({
      name: probe.name,
      status,
      found,
      adds: probe.adds,
      fix: status === "ok" ? "" : probe.fix
    }))
  )

const node = Effect.suspend(() => {
  const origin = /[\\/]node_modules[\\/]/.test(process.execPath) ? "from the npm package \"node\"" : "the system's own"
  const found = `${process.version}, ${origin}: ${process.execPath}`
  const major = Number(process.versions.node.split(".", 1)[0])
  return major >= oldestNode ? Effect.succeed(found) : Effect.fail(new Broken({ found }))
})

const gib = (bytes: number) => `${(bytes / gibibyte).toFixed(1)} GiB`

const enough = (bytes: Effect.Effect<number, Broken>, show: (free: string) => string) =>
  Effect.flatMap(bytes, (free) =>
    free >= gibibyte
      ? Effect.succeed(show(gib(free)))
      : Effect.fail(new Broken({ found: `${show(gib(free))}; at least 1 GiB is needed` })))

/** Free bytes for this user on the disk where `folder` is, or will be. */
const freeBytes = (folder: string) =>
  Effect.tryPromise({
    try: async () => {
      let present = folder
      while (!existsSync(present) && dirname(present) !== present) present = dirname(present)
      const facts = await statfs(present)
      return facts.bavail * facts.bsize
    },
    catch: (cause) => new Broken({ found: String(cause) })
  })

const readPackage = async (file: string): Promise<{ readonly [key: string]: unknown }> =>
  JSON.parse(await readFile(file, "utf8"))

/** Installed version of a dependency, looked for as Node does: in the nearest node_modules upwards. */
const installedVersion = async (name: string): Promise<string | undefined> => {
  for (let folder = packageFolder;; folder = dirname(folder)) {
    const file = join(folder, "node_modules", name, "package.json")
    if (existsSync(file)) return String((await readPackage(file))["version"])
    if (dirname(folder) === folder) return undefined
  }
}

const packages = Effect.tryPromise({
  try: async () => {
    const { dependencies, version } = await readPackage(join(packageFolder, "package.json"))
    const pinned = Object.entries(dependencies ?? {}).map(([name, wanted]) => [name, String(wanted)] as const)
    const installed = await Promise.all(pinned.map(([name]) => installedVersion(name)))
    const wrong = pinned.flatMap(([name, wanted], index) =>
      installed[index] === wanted ? [] : [`${name} is ${installed[index] ?? "not installed"} instead of ${wanted}`]
    )
    return { found: `polya ${String(version)} and ${pinned.length} packages as pinned`, wrong }
  },
  catch: (cause) => new Broken({ found: String(cause) })
}).pipe(
  Effect.flatMap((
    { found, wrong }
  ) => (wrong.length === 0 ? Effect.succeed(found) : Effect.fail(new Broken({ found: wrong.join("; ") }))))
)
