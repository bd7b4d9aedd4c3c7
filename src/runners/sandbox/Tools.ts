// Programs of the host that levels of the sandbox are built of, by absolute path, found without a shell. Python is run to be asked what it
// is; nothing else is run. Looked for once in a process.
import { spawn } from "node:child_process"
import { constants } from "node:fs"
import { access, realpath, stat } from "node:fs/promises"
import { delimiter, dirname, isAbsolute, join } from "node:path"
import type { Python, Tools } from "./Interpreter.ts"

const askMillis = 3_000
/** Enough for the few lines that a Python answers with. */
const answerBytes = 65_536
const systemFolders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"]
const oldestMinor = 9
/** Pythons on the PATH that are asked at most: a broken one costs up to `askMillis`. */
const mostPythons = 3

const question = `import sys, site
print("\\0".join([
  sys.implementation.name, "%d.%d.%d" % sys.version_info[:3], sys.executable, sys.prefix, sys.base_prefix, *site.getsitepackages()
]), end="")`

/** Absolute path of the first executable file of this name in the folders. */
const executable = async (name: string, folders: ReadonlyArray<string>): Promise<string | null> => {
  for (const folder of folders) {
    const path = join(folder, name)
    if (await isExecutable(path)) return path
  }
  return null
}

const isExecutable = async (path: string): Promise<boolean> => {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

const isFolder = (path: string): Promise<boolean> => stat(path).then((facts) => facts.isDirectory(), () => false)

/** A file or folder that users without any rights of their own can read, with all folders above it. */
export const isReadableByAll = async (path: string): Promise<boolean> => {
  try {
    let place = await realpath(path)
    const facts = await stat(place)
    if ((facts.mode & constants.S_IROTH) === 0) return false
    if (facts.isDirectory() && (facts.mode & constants.S_IXOTH) === 0) return false
    for (; dirname(place) !== place; place = dirname(place)) {
      if (((await stat(dirname(place))).mode & constants.S_IXOTH) === 0) return false
    }
    return true
  } catch {
    return false
  }
}

/** What a program prints, or null: it failed, took too long or printed too much. Nothing that it started outlives the answer. */
const ask = (path: string, args: ReadonlyArray<string>): Promise<string | null> =>
  new Promise((resolve) => {
    const { HOME, PATH } = process.env
    const child = spawn(path, args, {
      cwd: "/",
      // A group of its own, so that a wrapper ends with what it wraps.
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...(PATH === undefined ? {} : { PATH }), ...(HOME === undefined ? {} : { HOME }) }
    })
    const pieces: Array<Buffer> = []
    let bytes = 0
    // Without descriptors left there are no streams, and the error is told later.
    const stdout = child.stdout as typeof child.stdout | undefined
    const settle = (answer: string | null) => {
      clearTimeout(deadline)
      resolve(answer)
    }
    const giveUp = () => {
      try {
        if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
          process.kill(-child.pid, "SIGKILL")
        }
      } catch { /* The group has ended already. */ }
      stdout?.destroy()
      settle(null)
    }
    const deadline = setTimeout(giveUp, askMillis)
    stdout?.on("data", (piece: Buffer) => {
      bytes += piece.length
      if (bytes > answerBytes) giveUp()
      else pieces.push(piece)
    })
    stdout?.on("error", () => {})
    child.on("error", () => settle(null))
    child.on("close", (code) => settle(code === 0 ? Buffer.concat(pieces).toString("utf8") : null))
  })

/** The Python at `path`, or why it cannot be used. */
const askPython = async (path: string): Promise<Python | string> => {
  const [implementation, version, program, prefix, basePrefix, ...folders] =
    ((await ask(path, ["-I", "-c", question])) ?? "").split("\0")
  if (version === undefined || program === undefined || prefix === undefined || basePrefix === undefined) {
    return `${path} did not answer as a Python does within ${askMillis / 1_000} seconds`
  }
  if (implementation !== "cpython") return `${path} is ${implementation}, not CPython`
  const [major, minor] = version.split(".").map(Number)
  if (major !== 3 || minor === undefined || minor < oldestMinor) {
    return `${path} is Python ${version}; 3.${oldestMinor} or newer is needed`
  }
  if (![program, prefix, basePrefix].every(isAbsolute)) return `${path} does not say where it is`
  const there = await Promise.all(folders.map(async (folder) => isAbsolute(folder) && await isFolder(folder)))
  const readable = await Promise.all([program, prefix, basePrefix].map(isReadableByAll))
  return {
    path: program,
    version,
    prefix,
    basePrefix,
    purelib: folders.filter((_, index) => there[index]),
    readableByAll: readable.every(Boolean)
  }
}

/** The first Python of the paths that can be used, or why there is none. */
const firstPython = async (paths: ReadonlyArray<string>): Promise<Python | string> => {
  const refusals: Array<string> = []
  for (const path of paths) {
    const python = await askPython(path)
    if (typeof python !== "string") return python
    refusals.push(python)
  }
  return refusals.length === 0
    ? "No python3 on this machine: install it (apt-get install python3)"
    : `${refusals.join("; ")}: install a newer python3, or set sandbox.python to one`
}

/** The Python that the user names, else that of the system, else those on the PATH. */
const findPython = async (named: string | undefined, folders: ReadonlyArray<string>): Promise<Python | string> => {
  if (named !== undefined) {
    const path = isAbsolute(named) ? named : named.includes("/") ? null : await executable(named, folders)
    if (path === null) return `sandbox.python is ${named}: give the absolute path of a Python`
    if (!await isExecutable(path)) return `sandbox.python is ${named}: there is no program there`
    const python = await askPython(path)
    return typeof python === "string" ? `sandbox.python is not one to use: ${python}` : python
  }
  // Elsewhere no level needs one, and asking the one in /usr/bin of macOS opens a window.
  if (process.platform !== "linux") return "Python is used on Linux only"
  const paths = new Set<string>()
  for (const folder of ["/usr/bin", ...folders]) {
    const path = join(folder, "python3")
    if (await isExecutable(path)) paths.add(path)
  }
  return firstPython([...paths].slice(0, mostPythons))
}

const look = async (named: string | undefined): Promise<Tools> => {
  // A relative folder on the PATH is another one in each working directory.
  const folders = [...(process.env["PATH"] ?? "").split(delimiter).filter(isAbsolute), ...systemFolders]
  const [python, bwrap, unshare, setpriv] = await Promise.all([
    findPython(named, folders),
    executable("bwrap", folders),
    executable("unshare", folders),
    executable("setpriv", folders)
  ])
  return {
    arch: process.arch,
    python: typeof python === "string" ? null : python,
    pythonMissing: typeof python === "string" ? python : null,
    bwrap,
    unshare,
    setpriv
  }
}

const looked = new Map<string, Promise<Tools>>()

/** What this machine has. `python`: a program's absolute path or its name; the empty one is as none. Never rejects. */
export const findTools = (options: { readonly python?: string | undefined } = {}): Promise<Tools> => {
  const named = options.python === "" ? undefined : options.python
  const key = named ?? ""
  const known = looked.get(key)
  if (known !== undefined) return known
  const tools = look(named)
  looked.set(key, tools)
  return tools
}
