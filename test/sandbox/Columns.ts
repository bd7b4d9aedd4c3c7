// The columns of the attack table: every level as it comes, the embedded one on a host without namespaces, and two levels with no boundary
// at all, on which the suite must see breaches.
import { join } from "node:path"
import { SandboxConfig } from "../../src/runners/Config.ts"
import { makeEmbedded } from "../../src/runners/sandbox/Embedded.ts"
import type { Backend, BackendOptions, NotOffered } from "../../src/runners/sandbox/Interpreter.ts"
import { makeLsm, makeStrict } from "../../src/runners/sandbox/Native.ts"
import { findSymPy } from "../../src/runners/sandbox/SymPy.ts"
import { findTools } from "../../src/runners/sandbox/Tools.ts"
import { barePython, plainPyodide } from "./controls/Unprotected.ts"

export const levels = ["native-strict", "native-lsm", "embedded", "embedded, no namespaces"] as const
export const controls = ["no boundary, native", "no boundary, Pyodide"] as const
export type Level = (typeof levels)[number]
export type Control = (typeof controls)[number]
export type Column = Level | Control

export const isControl = (column: Column): column is Control => controls.some((control) => control === column)
export const isEmbedded = (column: Column): boolean => column.startsWith("embedded") || column.endsWith("Pyodide")

/** The user's own: what `polya doctor --fix` puts there is what is tested, and a snapshot takes seconds to make. */
export const { cacheDir } = SandboxConfig.defaults

const harnessFolder = join(import.meta.dirname, "../../src/runners/sandbox")
/** A file of the code that runs beside the attack. */
export const harnessOf = (column: Column): string =>
  join(harnessFolder, "python", isEmbedded(column) || isControl(column) ? "cells.py" : "zygote.py")

/** `folder`: where an unprotected level may work. */
export const columnOf = async (
  column: Column,
  options: { readonly folder: string; readonly sessions: number; readonly spares: number }
): Promise<Backend | NotOffered> => {
  const tools = await findTools()
  if (column === "no boundary, native") return barePython(tools, options.folder)
  if (column === "no boundary, Pyodide") return plainPyodide(options.folder)
  const given: BackendOptions = {
    tools: column === "embedded, no namespaces" ? { ...tools, unshare: null } : tools,
    sympy: await findSymPy({ cacheDir, tools }),
    cacheDir,
    sessions: options.sessions,
    spares: options.spares,
    tenants: 8,
    startMillis: 60_000
  }
  const make = { "native-strict": makeStrict, "native-lsm": makeLsm, embedded: makeEmbedded }[
    column === "embedded, no namespaces" ? "embedded" : column
  ]
  return make(given)
}
