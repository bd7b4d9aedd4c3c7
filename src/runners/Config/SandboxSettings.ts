// Settings of area `sandbox`: at which level code of models runs, where its parts are found, and what a session may use. docs/sandbox.md tells
// what each level promises.
import { Schema } from "effect"
import { homedir } from "node:os"
import { join } from "node:path"
import { sandboxLevels, sandboxLimitsDefaults as defaults } from "../../domain/Sandbox.ts"
import { int, type Setting, text } from "./Settings.ts"

const kibibyte = 1_024
const mebibyte = 1_024 * kibibyte
const gibibyte = 1_024 * mebibyte
const hourMillis = 3_600_000

/** Under /root nobody else could read it, and interpreters that root starts run as nobody. */
const cacheHome = process.getuid?.() === 0
  ? "/var/cache"
  : process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache")

const level: Setting<"auto" | (typeof sandboxLevels)[number]> = {
  schema: Schema.Literals(["auto", ...sandboxLevels]),
  default: "auto",
  unit: "",
  doc: "The level at which code runs. auto: the strongest that this machine has. A level that it has not: nothing runs."
}

const minIsolation: Setting<"none" | (typeof sandboxLevels)[number]> = {
  schema: Schema.Literals(["none", ...sandboxLevels]),
  default: "none",
  unit: "",
  doc: "`polya serve` and `polya runner` refuse to start where only a weaker level can be had, and no code runs at one."
}

const prewarm: Setting<boolean> = {
  schema: Schema.Boolean,
  default: false,
  unit: "",
  doc:
    "Interpreters are made ready when the process starts; otherwise the first session pays for that (about 1.5 s with SymPy)."
}

export const sandbox = {
  level,
  minIsolation,
  prewarm,
  python: text("", "The Python of the native levels; empty: /usr/bin/python3, else python3 on the PATH."),
  sympy: text("", "Folder with sympy/ and mpmath/ in it; empty: that of `polya doctor --fix`, else the Python's own."),
  cacheDir: text(
    join(cacheHome, "polya"),
    "Folder for what can be made again at any time: SymPy, snapshots of the embedded interpreter."
  ),
  sessions: int(
    0,
    "sessions",
    "Sessions that run at once on this runner. 0: four for each core on native levels, one for each core and two more on the embedded one.",
    { minimum: 0, maximum: 1_024 }
  ),
  maxWaiting: int(1_000, "sessions", "Sessions that may wait for a place; more are told to come again later.", {
    maximum: 100_000,
    live: true
  }),
  waitMillis: int(30_000, "ms", "A session that finds no place within this time is told to come again later.", {
    maximum: hourMillis,
    live: true
  }),
  startMillis: int(20_000, "ms", "An interpreter that is not ready by then has failed to start.", {
    minimum: 1_000,
    maximum: hourMillis
  }),
  spares: int(2, "interpreters", "Interpreters kept ready beyond those in use, for each tenant in work.", {
    minimum: 0,
    maximum: 64
  }),
  tenants: int(4, "tenants", "Tenants with processes of their own at once; the longest unused makes room.", {
    maximum: 256
  }),
  idleMillis: int(600_000, "ms", "A session that nobody used for so long is closed.", {
    minimum: 1_000,
    live: true
  }),
  maxWallMillis: int(600_000, "ms", "The longest wall time that a caller may ask for a cell.", {
    minimum: 10,
    maximum: 24 * hourMillis,
    live: true
  }),
  wallMillis: int(defaults.wallMillis, "ms", "A cell is interrupted after this time; what it did so far is kept.", {
    minimum: 10,
    maximum: 24 * hourMillis,
    live: true
  }),
  graceMillis: int(
    defaults.graceMillis,
    "ms",
    "A cell that does not stop when it is interrupted is killed after so much more; its session's state is lost.",
    { minimum: 10, maximum: 60_000, live: true }
  ),
  cpuMillis: int(defaults.cpuMillis, "ms", "Processor time of a session; the kernel counts whole seconds.", {
    minimum: 1_000,
    live: true
  }),
  memoryBytes: int(
    defaults.memoryBytes,
    "bytes",
    "Memory of a session, beyond what every session shares; the embedded level gives at most 512 MiB.",
    { minimum: 64 * mebibyte, maximum: 1_024 * gibibyte, live: true }
  ),
  outputBytes: int(
    defaults.outputBytes,
    "bytes",
    "Of a cell's stdout, stderr and value each; the rest is dropped as it is written.",
    { minimum: 256, maximum: 16 * mebibyte, live: true }
  ),
  scratchBytes: int(defaults.scratchBytes, "bytes", "Disk of a session, all its files together.", {
    minimum: 64 * kibibyte,
    maximum: 16 * gibibyte,
    live: true
  }),
  fileBytes: int(defaults.fileBytes, "bytes", "The largest file that a session can write.", {
    minimum: 4 * kibibyte,
    maximum: 16 * gibibyte,
    live: true
  }),
  openFiles: int(defaults.openFiles, "files", "Files that a session can have open at once.", {
    minimum: 16,
    maximum: 4_096,
    live: true
  }),
  threads: int(defaults.threads, "threads", "Threads of a session, about; it has no other processes.", {
    maximum: 1_024,
    live: true
  }),
  cells: int(defaults.cells, "cells", "Cells of a session.", { maximum: 100_000, live: true }),
  codeBytes: int(defaults.codeBytes, "bytes", "Code of one cell.", {
    minimum: 1_024,
    maximum: 16 * mebibyte,
    live: true
  })
}
