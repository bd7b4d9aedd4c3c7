// Where SymPy is: one for all levels, so that a cell prints the same on each. Told by its files; nothing of it is run here.
import { constants } from "node:fs"
import { access, readdir, readFile, realpath, stat } from "node:fs/promises"
import { isAbsolute, join } from "node:path"
import type { SymPy, Tools } from "./Interpreter.ts"
import { isReadableByAll } from "./Tools.ts"

/** The folder that the user named is not one of SymPy. */
export class SymPyUnfit extends Error {}

/** Says what brings SymPy. */
export const symPyAdvice = "run `polya doctor --fix`"
/** Folders in the cache are named by it and a version. */
export const cachedPrefix = "sympy-"
/** A module that says its version has some hundred bytes. */
const releaseBytes = 65_536

/** Numbers of a version, compared part by part; a part that is none counts as 0. */
export const compareVersions = (left: string, right: string): number => {
  const [a, b] = [left, right].map((version) => version.split(".").map((part) => Number.parseInt(part, 10) || 0))
  for (let index = 0; index < Math.max(a?.length ?? 0, b?.length ?? 0); index++) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** Older ones use modules that the Python of Pyodide (3.14) has no more. */
export const oldestOnEmbedded = "1.13.3"
export const runsOnEmbedded = (version: string): boolean => compareVersions(version, oldestOnEmbedded) >= 0

/** The version of SymPy in a folder, or what the folder lacks. */
export const symPyIn = async (
  folder: string
): Promise<{ readonly version: string } | { readonly lacks: string }> => {
  const release = join(folder, "sympy", "release.py")
  try {
    const facts = await stat(release)
    if (!facts.isFile() || facts.size > releaseBytes) return { lacks: "a sympy/release.py as SymPy has it" }
    await access(join(folder, "sympy", "__init__.py"), constants.R_OK)
    const version = /^__version__\s*=\s*["'](\d+(?:\.\d+)+[\w.]*)["']/m.exec(await readFile(release, "utf8"))?.[1]
    if (version === undefined) return { lacks: "a version in sympy/release.py" }
    try {
      await access(join(folder, "mpmath", "__init__.py"), constants.R_OK)
    } catch {
      return { lacks: "mpmath/__init__.py, which SymPy needs" }
    }
    return { version }
  } catch {
    return { lacks: "sympy/release.py and sympy/__init__.py" }
  }
}

const found = async (folder: string, version: string, origin: SymPy["origin"]): Promise<SymPy> => ({
  folder: await realpath(folder),
  version,
  origin,
  readableByAll: await isReadableByAll(folder) && await isReadableByAll(join(folder, "sympy", "release.py"))
})

/** The newest one that `polya doctor --fix` put into the cache. */
export const findCachedSymPy = async (cacheDir: string): Promise<SymPy | null> => {
  const names = await readdir(cacheDir).catch(() => [])
  const versions = names.filter((name) => /^sympy-\d+(\.\d+)+[\w.]*$/.test(name)).map((name) =>
    name.slice(cachedPrefix.length)
  ).sort((left, right) => compareVersions(right, left))
  for (const version of versions) {
    const folder = join(cacheDir, `${cachedPrefix}${version}`)
    const facts = await symPyIn(folder)
    if ("version" in facts) return found(folder, facts.version, "cache")
  }
  return null
}

/**
 * The SymPy to use: in the folder that the user names, else in the cache, else among the packages of the system's Python. Rejects with
 * SymPyUnfit if the named folder has none: another one in its place would give other answers than the user expects.
 */
export const findSymPy = async (
  options: { readonly named?: string | undefined; readonly cacheDir: string; readonly tools: Tools }
): Promise<SymPy | null> => {
  const { cacheDir, named, tools } = options
  if (named !== undefined && named !== "") {
    const facts = isAbsolute(named) ? await symPyIn(named) : { lacks: "a / in front: give its absolute path" }
    if ("version" in facts) return found(named, facts.version, "named")
    throw new SymPyUnfit(
      `sandbox.sympy is ${named}, which lacks ${facts.lacks}; ` +
        `name the folder that holds sympy/ and mpmath/, or name none and ${symPyAdvice}`
    )
  }
  const cached = await findCachedSymPy(cacheDir)
  if (cached !== null) return cached
  for (const folder of tools.python?.purelib ?? []) {
    const facts = await symPyIn(folder)
    if ("version" in facts) return found(folder, facts.version, "system")
  }
  return null
}
