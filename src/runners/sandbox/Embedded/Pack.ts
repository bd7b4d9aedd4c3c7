// The pack: one file in the cache with all that a child process reads, above all the memory of an interpreter that has imported SymPy.
// It is built at first use, written under another name and moved into place, and built again when it is damaged, foreign or of
// something else.
import { spawn } from "node:child_process"
import { createHash, randomUUID } from "node:crypto"
import { type FileHandle, open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { makeCacheFolder } from "../CacheFolder.ts"
import { StartFailed, type SymPy } from "../Interpreter.ts"
import { bootFailedCode, child, type ChildSettings, overdueCode, type PackParts } from "./Child.ts"
import { commandOf, end, type Launcher } from "./Launch.ts"
import { room } from "./Room.ts"
import { capMemory } from "./WasmMemory.ts"
import { packedFiles, zipFiles } from "./Zip.ts"

/** Raised when the layout of a pack changes, or what a room gives Pyodide while it boots: the snapshot holds that. */
const format = 2
const headBytes = 4_096
const buildMillis = 60_000
const buildCpuSeconds = 120
const keptPacks = 3
const leftoverMillis = 600_000
/** A snapshot with SymPy has 55 MB. */
const mostBuiltBytes = 512 * 1_048_576
const stackFrames = 1_500
/** What Pyodide's memory has at first; what is behind it comes by growing. */
const leastMemoryBytes = 32 * 1_048_576
/** The largest memory of any session at this level. */
export const mostMemoryBytes = 512 * 1_048_576

export interface Pack {
  /** Open for reading; children get it as a descriptor. */
  readonly file: FileHandle
  /** Text of the program that a child runs. */
  readonly program: string
}

export interface PackOptions {
  readonly cacheDir: string
  readonly sympy: SymPy | null
  readonly launcher: Launcher
  /** Aborted: a build is called off. */
  readonly signal: AbortSignal
}

export interface Pyodide {
  readonly folder: string
  readonly version: string
  readonly python: string
}

/** Where Pyodide is installed, and what is in it. */
export const findPyodide = async (): Promise<Pyodide> => {
  const folder = dirname(fileURLToPath(import.meta.resolve("pyodide/package.json")))
  const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as { version: string }
  const { info } = JSON.parse(await readFile(join(folder, "pyodide-lock.json"), "utf8")) as { info: { python: string } }
  return { folder, version, python: info.python }
}

const imported =
  "ast cmath collections dataclasses datetime decimal fractions functools heapq bisect io itertools json math "
  + "operator random re statistics string time traceback typing"

/** What the snapshot's interpreter runs before it is frozen. */
const buildSource = (cells: string, embedded: string, withSymPy: boolean): string => `
import gc, sys, types
def load(name, source, **names):
    module = types.ModuleType(name)
    module.__dict__.update(names)
    exec(compile(source, "<" + name + ">", "exec"), module.__dict__)
    return module
cells = load("cells", ${JSON.stringify(cells)})
embedded = load("_polya", ${JSON.stringify(embedded)}, cells=cells)
cells.HARNESS_FILES.add("<_polya>")
embedded.sleep_by_slices()
sys.modules["_polya"] = embedded
del load, cells, embedded
import ${imported.replaceAll(" ", ", ")}
${
  withSymPy
    ? `sys.path.append("/lib/sympy.zip")
import mpmath, sympy
_x = sympy.Symbol("x")
sympy.simplify(sympy.integrate(sympy.sin(_x) ** 2, _x))
sympy.factor(sympy.expand((_x + 1) ** 4 - 1))
sympy.solve(_x ** 3 - 6 * _x ** 2 + 11 * _x - 6, _x)
sympy.limit(sympy.sin(_x) / _x, _x, 0)
sympy.series(sympy.exp(_x), _x, 0, 4)
sympy.sympify("x + 1").diff("x")
sympy.Matrix([[1, 2], [3, 4]]).det()
del _x`
    : ""
}
for name in list(globals()):
    if not name.startswith("__") and name != "name": del globals()[name]
del name
import gc
gc.collect()
del gc
`

const missing = (withSymPy: boolean): ReadonlyArray<readonly [string, string]> => [
  ["numpy", "NumPy is not available at level embedded: use SymPy or plain Python, or run on a native level"],
  ...(withSymPy ? [] : [
    ["sympy", "SymPy is not here: run `polya doctor --fix`"] as const,
    ["mpmath", "mpmath is not here: run `polya doctor --fix`"] as const
  ])
]

const programOf = (settings: ChildSettings): string =>
  // Strict, so that call sites give out neither functions nor their receivers.
  `"use strict";(${String(child)})(${JSON.stringify(settings)}, ${overdueCode}, ${bootFailedCode})`

/** Pyodide's two scripts as scripts of a room: without imports and exports. */
const asScripts = (loader: string, asm: string): { readonly loader: string; readonly asm: string } => {
  const url = "\"file:///pyodide/script\""
  const exported = /export\s*\{\s*(\w+) as loadPyodide\s*,[^}]*\};?/.exec(loader)
  const created = /export default (\w+);?\s*$/.exec(asm)
  // It calls the zone "UTC-0000", which no other level does.
  const zone = "var extractZone=timezoneOffset=>{"
  if (exported === null || created === null || !asm.includes(zone)) {
    throw new Error("The scripts of Pyodide are not those of the pinned version")
  }
  return {
    loader: `{${
      loader.replace(exported[0], `globalThis.loadPyodide = ${exported[1]};`).replaceAll("import.meta.url", url)
    }\n}`,
    asm: asm.replace(created[0], created[1] ?? "").replace(zone, `${zone}if(timezoneOffset===0)return"UTC";`)
      .replaceAll("import.meta.url", url)
  }
}

const sha256 = (...parts: ReadonlyArray<string | Uint8Array>): string => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest("hex")
}

interface Sources {
  readonly pyodide: Pyodide
  readonly name: string
  readonly cells: string
  readonly embedded: string
  readonly files: ReadonlyArray<string>
}

const pythonFile = (name: string): Promise<string> => readFile(new URL(`../python/${name}`, import.meta.url), "utf8")

/** All that decides what a pack holds; its name holds a hash of it. */
const sourcesOf = async (pyodide: Pyodide, sympy: SymPy | null): Promise<Sources> => {
  const [cells, embedded] = await Promise.all([pythonFile("cells.py"), pythonFile("embedded.py")])
  const files = sympy === null ? [] : await packedFiles(sympy.folder, ["mpmath", "sympy"])
  // Sizes and times stand for the contents, as for make: reading 25 MB at each start would cost more than it tells.
  const facts = await Promise.all(files.map(async (path) => {
    const { mtimeMs, size } = await stat(join(sympy?.folder ?? "", path))
    return `${path} ${size} ${mtimeMs}`
  }))
  const key = sha256(JSON.stringify([
    format,
    pyodide.version,
    process.versions.v8,
    process.arch,
    mostMemoryBytes,
    buildSource(cells, embedded, sympy !== null),
    facts
  ]))
  const library = sympy === null ? "without-sympy" : `sympy-${sympy.version.replace(/[^\w.]/g, "")}`
  return { pyodide, cells, embedded, files, name: `embedded-${pyodide.version}-${library}-${key.slice(0, 16)}.pack` }
}

interface Head {
  readonly format: number
  readonly name: string
  readonly parts: PackParts
  readonly memoryBytes: number
  readonly sha256: string
}

/** The head of the file if the file is whole and ours. */
const verified = async (file: FileHandle, name: string): Promise<Head | null> => {
  const facts = await file.stat()
  if (!facts.isFile() || facts.size > mostBuiltBytes) return null
  // Somebody else could have written what everybody may write.
  if (process.getuid !== undefined && (facts.uid !== process.getuid() || (facts.mode & 0o022) !== 0)) return null
  const buffer = Buffer.alloc(headBytes)
  const { bytesRead } = await file.read(buffer, 0, headBytes, 0)
  if (bytesRead < headBytes) return null
  let head: Head
  try {
    head = JSON.parse(buffer.toString("utf8")) as Head
  } catch {
    return null
  }
  if (head.format !== format || head.name !== name || !Array.isArray(head.parts)) return null
  const hash = createHash("sha256").update(JSON.stringify([head.parts, head.memoryBytes]))
  const piece = Buffer.alloc(4 * 1_048_576)
  let at = headBytes
  for (;;) {
    const { bytesRead } = await file.read(piece, 0, piece.length, at)
    if (bytesRead === 0) break
    hash.update(piece.subarray(0, bytesRead))
    at += bytesRead
  }
  return hash.digest("hex") === head.sha256 ? head : null
}

const settingsOf = (
  parts: PackParts,
  memoryBytes: number,
  withSymPy: boolean,
  build: string | null
): ChildSettings => ({
  parts,
  memoryBytes,
  room: String(room),
  stackFrames,
  missing: missing(withSymPy),
  build
})

/** The pack of this name, or null: there is none, or it cannot be used. */
const openPack = async (path: string, name: string, withSymPy: boolean): Promise<Pack | null> => {
  const file = await open(path, "r").catch(() => null)
  if (file === null) return null
  const head = await verified(file, name).catch(() => null)
  if (head === null) {
    await file.close()
    return null
  }
  // The packs that are in use are the last to be removed.
  await utimes(path, new Date(), new Date()).catch(() => {})
  return { file, program: programOf(settingsOf(head.parts, head.memoryBytes, withSymPy, null)) }
}

/** Runs the child that makes the snapshot and resolves with what it sends. */
const runBuild = (
  { launcher, signal }: PackOptions,
  file: FileHandle,
  settings: ChildSettings
): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const [command = "", ...args] = commandOf(launcher, buildCpuSeconds, programOf(settings))
    const builder = spawn(command, args, {
      cwd: "/",
      env: { TZ: "UTC" },
      detached: true,
      stdio: ["ignore", "ignore", "pipe", file.fd, "pipe"]
    })
    const pieces: Array<Buffer> = []
    let bytes = 0
    let said = ""
    let late = false
    const timer = setTimeout(() => {
      late = true
      end(builder.pid)
    }, buildMillis)
    const callOff = () => end(builder.pid)
    if (signal.aborted) callOff()
    signal.addEventListener("abort", callOff, { once: true })
    // Without descriptors left there are no streams, and the error is told later.
    const built = builder.stdio?.[4] as NodeJS.ReadableStream | undefined
    built?.on("data", (piece: Buffer) => {
      bytes += piece.length
      if (bytes > mostBuiltBytes) end(builder.pid)
      else pieces.push(piece)
    })
    builder.stderr?.setEncoding("utf8").on("data", (piece: string) => {
      if (said.length < 4_000) said += piece
    })
    builder.on("error", (error) => {
      clearTimeout(timer)
      reject(new StartFailed(`The interpreter's snapshot could not be built: ${error.message}`))
    })
    builder.on("close", (code) => {
      clearTimeout(timer)
      signal.removeEventListener("abort", callOff)
      if (code === 0 && bytes > 0) resolve(Buffer.concat(pieces))
      else {
        const why = late
          ? `it took more than ${buildMillis / 1_000} s`
          : said.trim().slice(-1_000) || `its process ended with ${code}`
        reject(new StartFailed(`The interpreter's snapshot could not be built: ${why}`))
      }
    })
  })

const writeParts = async (
  file: FileHandle,
  at: number,
  parts: ReadonlyArray<readonly [string, Uint8Array]>
): Promise<PackParts> => {
  const written: Array<readonly [string, number, number]> = []
  for (const [name, bytes] of parts) {
    for (let done = 0; done < bytes.length;) {
      done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten
    }
    written.push([name, at, bytes.length])
    at += bytes.length
  }
  return written
}

/** The header of a snapshot and the memory behind it. */
const splitSnapshot = (
  built: Buffer
): { readonly memoryBytes: number; readonly parts: ReadonlyArray<readonly [string, Uint8Array]> } => {
  const lineEnd = built.indexOf(10)
  const [snapshotBytes = 0, asmBytes = 0, loaderBytes = 0] = JSON.parse(built.subarray(0, lineEnd).toString()) as Array<
    number
  >
  const rest = built.subarray(lineEnd + 1)
  if (rest.length !== snapshotBytes + asmBytes + loaderBytes) throw new Error("It is not as long as it says")
  const headerBytes = rest.readUInt32LE(4)
  const memory = rest.subarray(headerBytes, snapshotBytes)
  // What is free at its end is not copied: memory that grows is zero.
  let used = memory.length
  while (used > leastMemoryBytes && memory[used - 1] === 0) used--
  return {
    memoryBytes: memory.length,
    parts: [
      ["header", rest.subarray(0, headerBytes)],
      ["memory", memory.subarray(0, used)],
      ["asm.js.cache", rest.subarray(snapshotBytes, snapshotBytes + asmBytes)],
      ["loader.js.cache", rest.subarray(snapshotBytes + asmBytes)]
    ]
  }
}

const build = async (sources: Sources, options: PackOptions): Promise<void> => {
  const { cacheDir, sympy } = options
  const { cells, embedded, files, name, pyodide } = sources
  const read = (file: string) => readFile(join(pyodide.folder, file))
  const scripts = asScripts((await read("pyodide.mjs")).toString(), (await read("pyodide.asm.mjs")).toString())
  const text = new TextEncoder()
  const temporary = join(cacheDir, `.${name}.${process.pid}-${randomUUID()}.tmp`)
  const file = await open(temporary, "wx+", 0o600)
  try {
    const given = await writeParts(file, headBytes, [
      ["pyodide.asm.wasm", capMemory(await read("pyodide.asm.wasm"), mostMemoryBytes)],
      ["asm.js", text.encode(scripts.asm)],
      ["loader.js", text.encode(scripts.loader)],
      ["python_stdlib.zip", await read("python_stdlib.zip")],
      ["pyodide-lock.json", await read("pyodide-lock.json")],
      ...(sympy === null ? [] : [["sympy.zip", await zipFiles(sympy.folder, files)] as const])
    ])
    const source = buildSource(cells, embedded, sympy !== null)
    const built = await runBuild(options, file, settingsOf(given, 0, sympy !== null, source))
    const [, lastOffset = 0, lastBytes = 0] = given.at(-1) ?? []
    const split = splitSnapshot(built)
    const { memoryBytes } = split
    const made = await writeParts(file, lastOffset + lastBytes, split.parts)
    const parts = [...given, ...made]
    const hash = createHash("sha256").update(JSON.stringify([parts, memoryBytes]))
    const piece = Buffer.alloc(4 * 1_048_576)
    for (let at = headBytes;;) {
      const { bytesRead } = await file.read(piece, 0, piece.length, at)
      if (bytesRead === 0) break
      hash.update(piece.subarray(0, bytesRead))
      at += bytesRead
    }
    const head = JSON.stringify({ format, name, parts, memoryBytes, sha256: hash.digest("hex") } satisfies Head)
    await file.write(head.padEnd(headBytes, " "), 0)
    await file.sync()
    await rename(temporary, join(cacheDir, name))
  } finally {
    await file.close()
    await rm(temporary, { force: true })
  }
}

/** Removes packs beyond those used last, and what an ended build left. */
const removeOld = async (cacheDir: string, name: string): Promise<void> => {
  const found = (await readdir(cacheDir).catch(() => [])).filter((entry) => /^\.?embedded-.*\.(pack|tmp)$/.test(entry))
  const aged = await Promise.all(found.map(async (entry) => ({
    entry,
    usedMillis: await stat(join(cacheDir, entry)).then((facts) => facts.mtimeMs, () => 0)
  })))
  const packs = aged.filter(({ entry }) => entry.endsWith(".pack") && entry !== name)
  packs.sort((left, right) => right.usedMillis - left.usedMillis)
  const leftovers = aged.filter(({ entry, usedMillis }) =>
    entry.endsWith(".tmp") && Date.now() - usedMillis > leftoverMillis
  )
  for (const { entry } of [...packs.slice(keptPacks - 1), ...leftovers]) {
    await rm(join(cacheDir, entry), { force: true }).catch(() => {})
  }
}

/** The pack for what is installed, from the cache or built now. Rejects with StartFailed. */
export const loadPack = async (pyodide: Pyodide, options: PackOptions): Promise<Pack> => {
  const { cacheDir, sympy } = options
  try {
    await makeCacheFolder(cacheDir)
    const sources = await sourcesOf(pyodide, sympy)
    const path = join(cacheDir, sources.name)
    const cached = await openPack(path, sources.name, sympy !== null)
    if (cached !== null) return cached
    await build(sources, options)
    await removeOld(cacheDir, sources.name)
    const built = await openPack(path, sources.name, sympy !== null)
    if (built === null) {
      throw new StartFailed(`The interpreter's snapshot at ${path} is not as it was written: is the disk full?`)
    }
    return built
  } catch (error) {
    if (error instanceof StartFailed) throw error
    const { message } = error as Error
    throw new StartFailed(`The interpreter's snapshot could not be made in ${cacheDir} (sandbox.cacheDir): ${message}`)
  }
}
