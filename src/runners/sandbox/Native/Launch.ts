// How a zygote is started at each of the native levels: the command, the little of the host that it sees, and its folder for sessions' files.
import { existsSync, lstatSync, mkdtempSync, readFileSync, readlinkSync, realpathSync, rmSync } from "node:fs"
import { chown } from "node:fs/promises"
import { join } from "node:path"
import type { SandboxLevel } from "../../../domain/Sandbox.ts"
import type { Python, SymPy } from "../Interpreter.ts"
import { scratchPrefix } from "./Leftovers.ts"

/** Nobody: who has no rights of his own, on every Linux. */
export const nobody = 65_534

export interface Launch {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  /** The user to run as; null: the one who runs this. */
  readonly user: number | null
  /** The first line that it reads. */
  readonly start: (slots: number) => string
  /** Removes what it leaves; where it cannot, that is left to the next start. */
  readonly cleared: () => Promise<void>
}

/** What a zygote is made of, found once for a level. */
export interface Plan {
  readonly level: Exclude<SandboxLevel, "embedded">
  readonly python: Python
  readonly bwrap: string | null
  /** Folder with `sympy` and `mpmath` in it, and with `numpy`; null: there is none. */
  readonly sympy: SymPy | null
  readonly numpyFolder: string | null
  /** What importing a module says that is not there. */
  readonly missing: Readonly<Record<string, string>>
  readonly tasks: number
}

const moduleNames = ["cells", "confine", "scratch", "zygote"]
const sourceOf = (name: string) => readFileSync(new URL(`../python/${name}.py`, import.meta.url), "utf8")
let sources: { readonly boot: string; readonly modules: ReadonlyArray<readonly [string, string]> } | null = null
const theSources = () =>
  sources ??= { boot: sourceOf("boot"), modules: moduleNames.map((name) => [name, sourceOf(name)] as const) }

/** PYTHONHASHSEED counts unless Python is told to ignore its environment, so that it gets one of ours alone. */
const environment = {
  PYTHONHASHSEED: "0",
  TZ: "UTC",
  LC_ALL: "C.UTF-8",
  OPENBLAS_NUM_THREADS: "1",
  OMP_NUM_THREADS: "1",
  MKL_NUM_THREADS: "1"
}

/** `-c` as its own program, without the packages of the site and of the user; nothing is written beside the modules. */
const pythonArgs = () => ["-S", "-s", "-B", "-X", "utf8", "-c", theSources().boot]

const libraryFolders = (): ReadonlyArray<string> => {
  const triplet = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu"
  const own = [`/usr/lib/${triplet}`, `/lib/${triplet}`].filter((folder) => existsSync(folder))
  return own.length > 0 ? [...own, "/usr/lib64", "/lib64"] : ["/usr/lib", "/usr/lib64", "/lib", "/lib64"]
}

const standardFolders = (python: Python): ReadonlyArray<string> => {
  const version = python.version.split(".").slice(0, 2).join(".")
  return python.basePrefix === "/usr"
    ? [`/usr/lib/python${version}`, `/usr/lib64/python${version}`]
    : [`${python.basePrefix}/lib`, `${python.basePrefix}/lib64`]
}

const files = ["/etc/ld.so.cache", "/etc/alternatives", "/usr/share/zoneinfo"]

/** A link is a link inside as well; bubblewrap would follow it, and the path would lead elsewhere. */
const bind = (path: string): ReadonlyArray<string> => {
  if (!existsSync(path)) return []
  return lstatSync(path).isSymbolicLink() ? ["--ro-bind", realpathSync(path), path] : ["--ro-bind", path, path]
}

const topLink = (path: string): ReadonlyArray<string> =>
  existsSync(path) && lstatSync(path).isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : []

const packagesInside = "/packages"

interface Inside {
  readonly sympy: string | null
  readonly numpy: string | null
  readonly readable: ReadonlyArray<string>
}

const packages = (plan: Plan): ReadonlyArray<readonly [string, string]> =>
  [
    ...(plan.sympy === null ? [] : ["sympy", "mpmath"].map((name) => [plan.sympy?.folder ?? "", name] as const)),
    ...(plan.numpyFolder === null ? [] : ["numpy", "numpy.libs"].map((name) => [plan.numpyFolder ?? "", name] as const))
  ].filter(([folder, name]) => existsSync(join(folder, name)))

const startLine = (plan: Plan, inside: Inside, folder: string, load: boolean) => (slots: number): string =>
  `${
    JSON.stringify({
      modules: theSources().modules,
      options: {
        sympy: inside.sympy,
        numpy: inside.numpy,
        load,
        mounts: plan.level === "native-strict",
        folder,
        readable: inside.readable,
        slots,
        niceness: 5,
        tasks: plan.tasks,
        missing: plan.missing
      }
    })
  }\n`

const strict = (plan: Plan, load: boolean): Launch => {
  const program = realpathSync(plan.python.path)
  const readable = [...standardFolders(plan.python), ...libraryFolders(), ...files].filter((path) => existsSync(path))
  const links = ["/lib", "/lib64", "/bin"].flatMap(topLink)
  const bound = readable.filter((path) => !links.includes(path) && !links.some((link) => path.startsWith(`${link}/`)))
  return {
    command: plan.bwrap ?? "bwrap",
    args: [
      ["--unshare-all", "--unshare-user", "--uid", String(nobody), "--gid", String(nobody), "--hostname", "sandbox"],
      ["--die-with-parent", "--new-session", "--cap-drop", "ALL"],
      // For the zygote alone, to give each session a file system; a session drops it before any code of it runs.
      ["--cap-add", "CAP_SYS_ADMIN"],
      bound.flatMap(bind),
      links,
      ["--ro-bind", program, program],
      packages(plan).flatMap(([folder, name]) => ["--ro-bind", join(folder, name), join(packagesInside, name)]),
      ["--dev-bind", "/dev/null", "/dev/null", "--dev-bind", "/dev/urandom", "/dev/urandom"],
      ["--tmpfs", "/tmp", "--remount-ro", "/", "--chdir", "/tmp", "--", program, ...pythonArgs()]
    ].flat(),
    environment,
    user: process.getuid?.() === 0 ? nobody : null,
    start: startLine(
      plan,
      {
        sympy: plan.sympy === null ? null : packagesInside,
        numpy: plan.numpyFolder === null ? null : packagesInside,
        readable: [...readable, packagesInside]
      },
      "/tmp",
      load
    ),
    cleared: () => Promise.resolve()
  }
}

const lsm = async (plan: Plan, load: boolean): Promise<Launch> => {
  const user = process.getuid?.() === 0 ? nobody : null
  const folder = mkdtempSync(scratchPrefix())
  if (user !== null) await chown(folder, user, user)
  return {
    command: realpathSync(plan.python.path),
    args: pythonArgs(),
    environment,
    user,
    start: startLine(
      plan,
      {
        sympy: plan.sympy?.folder ?? null,
        numpy: plan.numpyFolder,
        readable: [
          ...standardFolders(plan.python),
          ...libraryFolders(),
          ...files,
          ...packages(plan).map(([folder, name]) => join(folder, name))
        ]
      },
      folder,
      load
    ),
    cleared: async () => rmSync(folder, { recursive: true, force: true })
  }
}

/** `load`: with the mathematics; without, it is there at once and good for a probe. */
export const launch = (plan: Plan, load: boolean): Promise<Launch> =>
  plan.level === "native-strict" ? Promise.resolve(strict(plan, load)) : lsm(plan, load)
