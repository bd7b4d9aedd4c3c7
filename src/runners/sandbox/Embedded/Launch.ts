// How a child process of the embedded level is started: behind which programs of the host, and with which switches of Node. What holds on
// this machine is tried once with a Node that only says its version, strongest first.
import { spawn } from "node:child_process"
import type { Tools } from "../Interpreter.ts"

export interface Launcher {
  /** Programs in front of Node with their arguments. */
  readonly prefix: ReadonlyArray<string>
  readonly namespaces: boolean
  /** It runs as a user without rights, not as root. */
  readonly nobody: boolean
  /** It ends with its parent, whatever ends that. */
  readonly dies: boolean
}

const tryMillis = 5_000
const nobodyId = "65534"
/** JavaScript's own memory; that of the interpreter is outside of it. */
const heapMebibytes = 256
/** Deep recursion of Python uses much of the stack; the kernel's usual limit is 8 MiB. */
const stackKibibytes = 3_000

export const switches: ReadonlyArray<string> = [
  "--permission",
  "--no-addons",
  "--disable-sigusr1",
  "--disallow-code-generation-from-strings",
  "--disable-proto=delete",
  "--no-warnings",
  "--expose-gc",
  `--max-old-space-size=${heapMebibytes}`,
  `--stack-size=${stackKibibytes}`,
  "--input-type=commonjs"
]

/** Limits that are inherited, set by the one shell that every Unix has. */
const limited = (cpuSeconds: number): ReadonlyArray<string> => [
  "/bin/sh",
  "-c",
  "ulimit -c 0; ulimit -t \"$1\"; shift; exec \"$@\"",
  "sh",
  String(cpuSeconds)
]

const isRoot = (): boolean => process.getuid?.() === 0

/** Ways to start a process, strongest first. */
const launchers = ({ setpriv, unshare }: Tools): ReadonlyArray<Launcher> => {
  const nobody = ["--reuid", nobodyId, "--regid", nobodyId, "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
  const dies = ["--no-new-privs", "--pdeathsig", "KILL"]
  const alone = ["--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]
  const found: Array<Launcher> = []
  const add = (prefix: ReadonlyArray<string>, facts: Omit<Launcher, "prefix">) => found.push({ prefix, ...facts })
  if (unshare !== null && setpriv !== null && isRoot()) {
    const facts = { namespaces: true, nobody: true, dies: true }
    add([setpriv, ...nobody, ...dies, unshare, "--user", ...alone], facts)
    // Where only root may make namespaces.
    add([setpriv, "--pdeathsig", "KILL", unshare, ...alone, setpriv, ...nobody, ...dies], facts)
  }
  // Without a mapped user there are no rights in the namespaces either.
  if (unshare !== null && setpriv !== null) {
    add([setpriv, ...dies, unshare, "--user", ...alone], { namespaces: true, nobody: false, dies: true })
  }
  if (unshare !== null) add([unshare, "--user", ...alone], { namespaces: true, nobody: false, dies: false })
  if (setpriv !== null && isRoot()) {
    add([setpriv, ...nobody, ...dies], { namespaces: false, nobody: true, dies: true })
  }
  if (setpriv !== null) add([setpriv, ...dies], { namespaces: false, nobody: false, dies: true })
  add([], { namespaces: false, nobody: false, dies: false })
  return found
}

const answers = (command: ReadonlyArray<string>): Promise<boolean> =>
  new Promise((resolve) => {
    const [program = "", ...args] = command
    const child = spawn(program, args, { cwd: "/", env: {}, detached: true, stdio: "ignore" })
    const timer = setTimeout(() => {
      end(child.pid)
      resolve(false)
    }, tryMillis)
    child.on("error", () => resolve(false))
    child.on("close", (code) => {
      clearTimeout(timer)
      resolve(code === 0)
    })
  })

/** Ends a process with its group. */
export const end = (pid: number | undefined): void => {
  if (pid === undefined) return
  try {
    process.kill(-pid, "SIGKILL")
  } catch {
    // It has ended already.
  }
}

/** The strongest way that works here; null: not even Node by itself can be run. */
export const findLauncher = async (tools: Tools): Promise<Launcher | null> => {
  for (const launcher of launchers(tools)) {
    if (await answers([...limited(60), ...launcher.prefix, process.execPath, ...switches, "--version"])) return launcher
  }
  return null
}

/** The whole command for a program given as text. */
export const commandOf = (launcher: Launcher, cpuSeconds: number, program: string): ReadonlyArray<string> => [
  ...limited(cpuSeconds),
  ...launcher.prefix,
  process.execPath,
  ...switches,
  "--eval",
  program
]
