// What the machine has for running code that models write: the levels of the sandbox, as its own makers find them, and their parts.
import { Effect } from "effect"
import { readdir, stat } from "node:fs/promises"
import { resolve } from "node:path"
import { isAtLeast } from "../../domain/Sandbox.ts"
import type { AreaValues } from "../Config.ts"
import type { Probe } from "../Doctor.ts"
import { probe } from "../Sandbox.ts"
import { findSymPy, oldestOnEmbedded, runsOnEmbedded } from "../sandbox/SymPy.ts"
import { findTools } from "../sandbox/Tools.ts"
import { Absent, Broken, firstLine } from "./Probes.ts"

/** Each level starts what it would run code in. */
const levelsMillis = 10_000

type Options = AreaValues<"sandbox">

const said = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))
const look = <A>(make: () => Promise<A>): Effect.Effect<A, Broken> =>
  Effect.tryPromise({ try: make, catch: (cause) => new Broken({ found: said(cause) }) })

/** All levels, each with what shuts code in or why it cannot be had. A problem if the one that the settings ask for is not there. */
const levels = (options: Options) =>
  Effect.flatMap(look(() => probe(options)), (facts) => {
    const { level, minIsolation } = options
    const fits = facts.filter((one) =>
      one.offered && (level === "auto" || level === one.level) &&
      (minIsolation === "none" || isAtLeast(one.level, minIsolation))
    )
    const inForce = fits[0]?.level
    const found = facts.map((one) =>
      `${one.level}${one.level === inForce ? " (in force)" : one.offered ? "" : " NOT OFFERED"}: ${one.detail}`
    ).join("\n")
    if (inForce !== undefined) return Effect.succeed(found)
    const isWanted = level !== "auto" || minIsolation !== "none"
    return Effect.fail(isWanted ? new Broken({ found }) : new Absent({ found }))
  })

const python = (options: Options) =>
  Effect.flatMap(look(() => findTools({ python: options.python })), (tools) => {
    if (tools.python !== null) {
      const { path, readableByAll, version } = tools.python
      return Effect.succeed(
        `Python ${version}: ${path}${readableByAll ? "" : ", which only some users can read"}`
      )
    }
    const found = tools.pythonMissing ?? "none"
    return Effect.fail(options.python === "" ? new Absent({ found }) : new Broken({ found }))
  })

const program = (options: Options, name: "bwrap" | "unshare") =>
  Effect.flatMap(look(() => findTools({ python: options.python })), (tools) => {
    const path = tools[name]
    return path === null
      ? Effect.fail(new Absent({ found: `no ${name} on the PATH` }))
      : Effect.map(firstLine(path, ["--version"]), (version) => `${version}: ${path}`)
  })

const origins = {
  named: "as sandbox.sympy names it",
  cache: "by `polya doctor --fix`",
  system: "of the system's Python"
}

const sympy = (options: Options) =>
  Effect.flatMap(
    look(async () => findSymPy({ named: options.sympy, cacheDir: options.cacheDir, tools: await findTools(options) })),
    (found) =>
      found === null
        ? Effect.fail(new Absent({ found: "there is none, so importing it fails in every session" }))
        : Effect.succeed(
          `SymPy ${found.version} ${origins[found.origin]}: ${found.folder}` + (runsOnEmbedded(found.version)
            ? ""
            : `\nthe embedded level has none, for it needs ${oldestOnEmbedded} or newer: \`polya doctor --fix\` brings one for all levels`)
        )
  )

/** Told by the folder in which its installer writes down the version. */
const numpy = (options: Options) =>
  Effect.flatMap(
    look(async () => {
      const tools = await findTools(options)
      for (const folder of tools.python?.purelib ?? []) {
        const names: ReadonlyArray<string> = await readdir(folder).catch(() => [])
        const version = names.flatMap((name) => /^numpy-(\d[\w.]*)\.(?:dist|egg)-info$/.exec(name)?.[1] ?? [])[0]
        if (version !== undefined && names.includes("numpy")) return `NumPy ${version}: ${folder}`
      }
      return null
    }),
    (found) => (found === null ? Effect.fail(new Absent({ found: "not installed" })) : Effect.succeed(found))
  )

const mostEntries = 100
/** Files in the cache itself; SymPy has folders. */
const snapshots = ({ cacheDir }: Options) =>
  look(async () => {
    const entries = await readdir(cacheDir, { withFileTypes: true }).catch(() => [])
    const files = entries.filter((entry) => entry.isFile() && /^embedded-.*\.pack$/.test(entry.name)).slice(
      0,
      mostEntries
    )
    const sizes = await Promise.all(files.map(async ({ name }) => (await stat(resolve(cacheDir, name))).size))
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    return files.length === 0
      ? `none in ${cacheDir} yet: the first session on the embedded level makes one`
      : `${Math.round(bytes / 1_048_576)} MiB in ${cacheDir}`
  })

/** `options`: those of the configuration, or the defaults where it has mistakes. */
export const sandboxProbes = (options: Options): ReadonlyArray<Probe> => [
  {
    name: "sandbox",
    adds: "Runs code that models write: the strongest level of these.",
    fix: "Do for one level what it says above; bubblewrap and python3 give the strongest.",
    required: false,
    look: levels(options),
    withinMillis: levelsMillis
  },
  {
    name: "Python",
    adds: "The native levels of the sandbox; trainers and model servers that are Python programs.",
    fix: "Install python3 (apt-get install python3), or correct sandbox.python.",
    required: false,
    look: python(options)
  },
  {
    name: "bubblewrap",
    adds: "The strongest level of the sandbox, native-strict.",
    fix: "Install it (apt-get install bubblewrap).",
    required: false,
    look: program(options, "bwrap")
  },
  {
    name: "unshare",
    adds: "Namespaces of its own for the embedded level of the sandbox.",
    fix: "Install it (apt-get install util-linux).",
    required: false,
    look: program(options, "unshare")
  },
  {
    name: "SymPy",
    adds: "Symbolic mathematics for code that models write, and for verdicts that nothing else decides.",
    fix: options.sympy === ""
      ? "Run `polya doctor --fix`: it brings one for all levels of the sandbox."
      : "Correct sandbox.sympy, or leave it empty and run `polya doctor --fix`.",
    required: false,
    look: sympy(options)
  },
  {
    name: "NumPy",
    adds: "Arrays for code that models write, on the native levels of the sandbox.",
    fix: "Install it (apt-get install python3-numpy).",
    required: false,
    look: numpy(options)
  },
  {
    name: "snapshots",
    adds: "A quick start of the embedded level of the sandbox.",
    fix: "See that sandbox.cacheDir is a folder that this user can read.",
    required: false,
    look: snapshots(options)
  }
]
