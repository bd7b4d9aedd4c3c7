#!/usr/bin/env node
// The `polya` program. Finds a Node that can run it (24 or newer; the `node` package is a dependency) and then the program itself:
// TypeScript sources in a clone, JavaScript in an installed package. Runs on old Nodes, so plain JavaScript.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import * as nodeModule from "node:module"
import { fileURLToPath } from "node:url"

const source = new URL("../src/runners/Polya.main.ts", import.meta.url)
const built = new URL("../dist/runners/Polya.main.js", import.meta.url)

if (Number(process.versions.node.split(".")[0]) >= 24) {
  nodeModule.enableCompileCache?.()
  const warn = process.emitWarning
  process.emitWarning = (warning, ...rest) =>
    /SQLite is an experimental|Type Stripping is an experimental/.test(String(warning)) ? undefined : warn.call(process, warning, ...rest)
  await import((existsSync(fileURLToPath(source)) ? source : built).href)
} else {
  const require = nodeModule.createRequire(import.meta.url)
  let node
  try {
    node = require.resolve("node/bin/node")
  } catch {
    process.stderr.write(`polya needs Node 24 or newer (this is ${process.version}) and its dependency "node" is not installed: run npm ci\n`)
    process.exit(2)
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" })
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal))
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
