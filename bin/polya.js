#!/usr/bin/env node
// The `polya` program. Finds a Node that can run it (24 or newer; the `node` package is a dependency), gives it the heap settings that keep
// a run's memory flat, and then the program itself: TypeScript sources in a clone, JavaScript in an installed package.
// Runs on old Nodes, so plain JavaScript.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import * as nodeModule from "node:module"
import { fileURLToPath } from "node:url"

const source = new URL("../src/runners/Polya.main.ts", import.meta.url)
const built = new URL("../dist/runners/Polya.main.js", import.meta.url)
const self = fileURLToPath(import.meta.url)
// Small young generations and early collections: four threads would otherwise let garbage of hundreds of megabytes lie.
const heap = ["--max-old-space-size=1024", "--max-semi-space-size=16", "--heap-growing-percent=20"]
// glibc keeps a pool of freed memory for each thread, and large buffers in it once one was freed: two pools, and large buffers go back.
const allocator = { MALLOC_ARENA_MAX: "2", MALLOC_MMAP_THRESHOLD_: "131072", MALLOC_TRIM_THRESHOLD_: "1048576" }
const environment = { ...allocator, ...process.env, POLYA_NODE_READY: "1" }
// A heap that the user set is theirs; one process down the line is enough.
const settled = process.env.POLYA_NODE_READY === "1" || process.execArgv.some((flag) => flag.startsWith("--max-")) ||
  /--max-(old|semi)-space/.test(process.env.NODE_OPTIONS ?? "")

if (Number(process.versions.node.split(".")[0]) >= 24) {
  const warn = process.emitWarning
  process.emitWarning = (warning, ...rest) =>
    /SQLite is an experimental|Type Stripping is|process\.execve is/.test(String(warning))
      ? undefined
      : warn.call(process, warning, ...rest)
  if (!settled && typeof process.execve === "function" && process.platform !== "win32") {
    // The same process goes on as another program: its pid, its terminal and its signals stay.
    const argv = [process.execPath, ...heap, ...process.execArgv, self, ...process.argv.slice(2)]
    process.execve(process.execPath, argv, environment)
  }
  delete process.env.POLYA_NODE_READY
  // Only where this program was started as a child of an older Node: it must not outlive it.
  if (process.channel !== undefined) {
    process.once("disconnect", () => process.kill(process.pid, "SIGKILL"))
    process.channel.unref()
  }
  nodeModule.enableCompileCache?.()
  await import((existsSync(fileURLToPath(source)) ? source : built).href)
} else {
  const require = nodeModule.createRequire(import.meta.url)
  let node
  try {
    node = require.resolve("node/bin/node")
  } catch {
    process.stderr.write(
      `polya needs Node 24 or newer (this is ${process.version}) and its dependency "node" is not installed: run npm ci\n`
    )
    process.exit(2)
  }
  const stdio = ["inherit", "inherit", "inherit", "ipc"]
  const child = spawn(node, [...heap, self, ...process.argv.slice(2)], {
    stdio,
    env: environment
  })
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal))
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
