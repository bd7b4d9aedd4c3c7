// Puts SymPy into the cache: a folder `sympy-VERSION` with `sympy/`, `mpmath/` and their licences, written beside and renamed when it is
// whole. Two at once end well, and an interrupted one leaves nothing that is taken for a SymPy.
import { spawn } from "node:child_process"
import { createHash, randomUUID } from "node:crypto"
import { constants } from "node:fs"
import { chmod, mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { makeCacheFolder } from "../CacheFolder.ts"
import type { Python, SymPy, Tools } from "../Interpreter.ts"
import { cachedPrefix, findSymPy, runsOnEmbedded, symPyIn } from "../SymPy.ts"
import { type ArchiveFile, ArchiveUnfit, readPackage } from "./Archives.ts"
import { download, NotDownloaded } from "./Download.ts"
import { byHand, findSources, pinnedHashes, type Source } from "./Sources.ts"

/** SymPy could not be installed. The message says what was tried, a line each, and what to do. */
export class NotInstalled extends Error {}

export interface InstallOptions {
  readonly cacheDir: string
  readonly tools: Tools
  /** The folder that the user names in the configuration. */
  readonly named?: string | undefined
  /** Files to take it from, instead of a network. */
  readonly from?: ReadonlyArray<string>
  /** Where to ask; those known to this machine unless told. */
  readonly sources?: ReadonlyArray<Source>
  /** Called off: nothing half is left. */
  readonly signal: AbortSignal
  /** What happens, a line each. */
  readonly say: (line: string) => void
}

export interface Installed {
  readonly sympy: SymPy
  /** False: it was there already. */
  readonly isNew: boolean
}

const compileMillis = 90_000
/** What a killed fix has left is removed by the next one after this time. */
const staleMillis = 3_600_000
const mostFromBytes = 64 * 1_048_576
const halfName = /^\.sympy-.*\.part$/

/** Where a file of a package goes; null: it is not needed. */
const placeOf = (path: string): string | null => {
  const [, document] = /^usr\/share\/doc\/(?:python3-)?([a-z]+)\/copyright$/.exec(path) ?? []
  if (document !== undefined) return `licenses/${document}/copyright`
  const [, project, licence] =
    /^([a-z]+)-[^/]*\.dist-info\/(?:licenses\/)?((?:LICEN[CS]E|AUTHORS|COPYING)[^/]*)$/.exec(path) ?? []
  if (project !== undefined) return `licenses/${project}/${licence}`
  const place = path.replace(/^usr\/lib\/python3\/dist-packages\//, "")
  if (!/^(sympy|mpmath)\//.test(place) || /(^|\/)(tests|__pycache__)\//.test(place)) return null
  return place
}

const writeFiles = async (files: Iterable<ArchiveFile>, folder: string, signal: AbortSignal): Promise<void> => {
  const made = new Set<string>()
  for (const { bytes, path } of files) {
    signal.throwIfAborted()
    const place = placeOf(path)
    if (place === null) continue
    if (bytes === null) throw new ArchiveUnfit(`${path} is not a regular file`)
    const target = join(folder, place)
    const parent = dirname(target)
    if (!made.has(parent)) {
      await mkdir(parent, { recursive: true, mode: 0o755 })
      made.add(parent)
    }
    // Never over another file: an archive has each once.
    await writeFile(target, bytes, { flag: "wx", mode: 0o644 })
  }
}

/** Compiles the modules, because nobody can where they are read from. `finalFolder` is what tracebacks say. */
const compile = (python: Python, folder: string, finalFolder: string, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    const places = ["-s", folder, "-p", finalFolder, "sympy", "mpmath"]
    const child = spawn(python.path, ["-I", "-m", "compileall", "-q", "-j", "2", ...places], {
      cwd: folder,
      // It has workers; all of them end together.
      detached: true,
      stdio: "ignore",
      env: {}
    })
    let isOver = false
    const settle = (done: boolean) => {
      isOver = true
      clearTimeout(deadline)
      signal.removeEventListener("abort", giveUp)
      resolve(done)
    }
    const giveUp = () => {
      if (isOver || child.pid === undefined) return
      try {
        process.kill(-child.pid, "SIGKILL")
      } catch { /* It has ended already. */ }
    }
    const deadline = setTimeout(giveUp, compileMillis)
    signal.addEventListener("abort", giveUp)
    child.on("error", () => settle(false))
    child.on("close", (code) => settle(code === 0))
  })

/** Whether the modules are compiled for this Python. */
const isCompiled = (python: Python, folder: string): Promise<boolean> => {
  const [major, minor] = python.version.split(".")
  return stat(join(folder, "sympy", "__pycache__", `__init__.cpython-${major}${minor}.pyc`)).then(
    () => true,
    () => false
  )
}

const compileIfNeeded = async (options: InstallOptions, folder: string, finalFolder: string): Promise<void> => {
  const { say, signal, tools: { python } } = options
  if (python === null || await isCompiled(python, folder)) return
  say(`SymPy: compiling for Python ${python.version}`)
  if (!await compile(python, folder, finalFolder, signal) && !signal.aborted) {
    say("SymPy: it could not be compiled; it works all the same, and its first import is slower")
  }
}

/** Reads what the user hands in. Files other than those known are used too: they are the user's own. */
const readFrom = async (path: string, say: InstallOptions["say"]): Promise<Buffer> => {
  // A pipe would keep the opening waiting.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: Error) => {
    throw new NotInstalled(`${path} cannot be read: ${cause.message}`, { cause })
  })
  try {
    const facts = await file.stat()
    if (!facts.isFile() || facts.size > mostFromBytes) {
      throw new NotInstalled(`${path} is not a package: it is ${facts.isFile() ? "too large" : "not a file"}`)
    }
    const bytes = await file.readFile()
    const sha256 = createHash("sha256").update(bytes).digest("hex")
    if (!pinnedHashes.has(sha256)) say(`SymPy: ${basename(path)} is not a file that polya knows; it is taken as it is`)
    return bytes
  } finally {
    await file.close()
  }
}

const fetchAll = async (source: Source, { say, signal }: InstallOptions): Promise<ReadonlyArray<Buffer>> => {
  const packages: Array<Buffer> = []
  for (const file of source.files) {
    say(`SymPy: getting ${file.name}, ${source.name}`)
    const progress = (bytes: number) => say(`SymPy: ${file.name}: ${(bytes / 1_000_000).toFixed(1)} MB`)
    packages.push(await download(file, { proxies: source.proxies, signal, progress }))
  }
  return packages
}

/** Makes it the folder of its version. Where there is one, by another fix or an earlier one, that is as good: answers false. */
const publish = async (half: string, target: string): Promise<boolean> => {
  for (let attempt = 0;; attempt++) {
    try {
      await rename(half, target)
      return true
    } catch (cause) {
      if ("version" in await symPyIn(target)) return false
      if (attempt === 1) throw cause
      // Something is in its place that is no SymPy; it goes away under a name that the next fix removes.
      await rename(target, join(dirname(target), `.${basename(target)}-${randomUUID()}.part`))
    }
  }
}

/** Unpacks the packages into the cache; answers whether it was not there before. */
const unpack = async (packages: ReadonlyArray<Buffer>, options: InstallOptions): Promise<boolean> => {
  const { cacheDir, signal, tools } = options
  const half = join(cacheDir, `.sympy-${process.pid}-${randomUUID()}.part`)
  try {
    await mkdir(half, { mode: 0o755 })
    // Whatever the umask is: sessions may run as somebody else.
    await chmod(half, 0o755)
    for (const bytes of packages) await writeFiles(await readPackage(bytes, tools.python?.path ?? null), half, signal)
    const facts = await symPyIn(half)
    if (!("version" in facts)) throw new ArchiveUnfit(`the packages lack ${facts.lacks}`)
    const target = join(cacheDir, `${cachedPrefix}${facts.version}`)
    await compileIfNeeded(options, half, target)
    signal.throwIfAborted()
    return await publish(half, target)
  } finally {
    await rm(half, { recursive: true, force: true })
  }
}

/** Removes what killed fixes have left. */
const sweep = async (cacheDir: string): Promise<void> => {
  const names = await readdir(cacheDir).catch(() => [])
  for (const name of names.filter((entry: string) => halfName.test(entry))) {
    const path = join(cacheDir, name)
    const changedMillis = await stat(path).then((facts) => facts.mtimeMs, () => Number.POSITIVE_INFINITY)
    if (Date.now() - changedMillis > staleMillis) await rm(path, { recursive: true, force: true }).catch(() => {})
  }
}

/** What becomes of the sources, one after the other. */
const installFromAny = async (options: InstallOptions): Promise<boolean> => {
  const refusals: Array<string> = []
  for (const source of options.sources ?? await findSources()) {
    try {
      return await unpack(await fetchAll(source, options), options)
    } catch (cause) {
      if (options.signal.aborted || !(cause instanceof NotDownloaded || cause instanceof ArchiveUnfit)) throw cause
      refusals.push(`${source.name}: ${cause.message}`)
    }
  }
  throw new NotInstalled([
    "SymPy could not be had from anywhere:",
    ...refusals,
    "By hand: get these two elsewhere, bring them here and run `polya doctor --fix --from FILE --from FILE`:",
    ...byHand
  ].join("\n"))
}

/** Sees to it that there is a SymPy that runs on every level. Rejects with NotInstalled, or with SymPyUnfit as `findSymPy` does. */
export const installSymPy = async (options: InstallOptions): Promise<Installed> => {
  const { cacheDir, from = [], named, say, tools } = options
  await sweep(cacheDir)
  const present = await findSymPy({ named, cacheDir, tools })
  if (from.length === 0 && present !== null && (present.origin === "named" || runsOnEmbedded(present.version))) {
    if (present.origin === "cache") await compileIfNeeded(options, present.folder, present.folder)
    return { sympy: present, isNew: false }
  }
  let isNew: boolean
  try {
    await makeCacheFolder(cacheDir)
    isNew = from.length === 0
      ? await installFromAny(options)
      : await unpack(await Promise.all(from.map((path) => readFrom(path, say))), options)
  } catch (cause) {
    if (cause instanceof NotInstalled) throw cause
    throw new NotInstalled(
      options.signal.aborted ? "SymPy was not installed: called off" : `SymPy was not installed: ${messageOf(cause)}`,
      { cause }
    )
  }
  const sympy = await findSymPy({ named, cacheDir, tools })
  if (sympy === null) throw new NotInstalled(`SymPy was installed in ${cacheDir}, and is not there now`)
  return { sympy, isNew }
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
