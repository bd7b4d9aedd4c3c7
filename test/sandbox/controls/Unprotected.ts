// Levels without a boundary, for the attack suite alone: it must see breaches there, or else what it says of the real levels means nothing.
import { type ChildProcess, spawn } from "node:child_process"
import { isAbsolute, join } from "node:path"
import type { SandboxLevel } from "../../../src/domain/Sandbox.ts"
import type { Backend, CellReply, Interpreter, NotOffered, Tools } from "../../../src/runners/sandbox/Interpreter.ts"
import { isReadableByAll } from "../../../src/runners/sandbox/Tools.ts"

const cellsFolder = join(import.meta.dirname, "../../../src/runners/sandbox/python")
const nobody = 65_534
/** More than any reply has, so that a flood of bytes ends here. */
const mostBytes = 4_000_000

const lost = (status: CellReply["status"], cause: CellReply["cause"]): CellReply => ({
  status,
  stdout: "",
  stderr: "",
  value: null,
  truncated: false,
  millis: 0,
  cause,
  stateLost: true
})

const interpreterOf = (child: ChildProcess): Interpreter => {
  let pending: ((reply: CellReply) => void) | null = null
  let id = 0
  let read = ""
  let living = true
  const settle = (reply: CellReply): void => {
    const waiting = pending
    pending = null
    waiting?.(reply)
  }
  const ended = new Promise<void>((resolve) =>
    child.once("close", () => {
      living = false
      settle(lost("killed", "host"))
      resolve()
    })
  )
  const kill = (): void => {
    try {
      // The whole group: the service and the child that it forked.
      process.kill(-(child.pid ?? Number.NaN), "SIGKILL")
    } catch {
      child.kill("SIGKILL")
    }
  }
  child.once("error", kill)
  child.stdin?.on("error", () => undefined)
  child.stdout?.setEncoding("utf8").on("data", (data: string) => {
    read += data
    if (read.length > mostBytes) kill()
    for (let end = read.indexOf("\n"); end >= 0; end = read.indexOf("\n")) {
      const line = read.slice(0, end)
      read = read.slice(end + 1)
      try {
        const reply = JSON.parse(line)
        if (reply.id === id) settle({ ...lost("ok", null), stateLost: false, ...reply })
      } catch {
        // Not a reply: the attack's own words.
      }
    }
  })
  return {
    exec: ({ code, graceMillis, outputBytes, wallMillis }) =>
      new Promise((resolve) => {
        const deadline = setTimeout(() => {
          kill()
          settle(lost("killed", "wall"))
        }, wallMillis + graceMillis)
        pending = (reply) => {
          clearTimeout(deadline)
          resolve(reply)
        }
        child.stdin?.write(`${JSON.stringify({ id: ++id, code, outputBytes })}\n`)
        if (!living) settle(lost("killed", "host"))
      }),
    alive: () => living,
    onLost: () => undefined,
    end: () => {
      kill()
      return ended
    }
  }
}

/** `shared`: sessions use one process after the other as long as it lives; a level without a boundary has nothing to lose by it. */
const backend = (level: SandboxLevel, start: () => ChildProcess, shared = false): Backend => {
  const running = new Set<Interpreter>()
  const fresh = async (): Promise<Interpreter> => {
    const interpreter = interpreterOf(start())
    running.add(interpreter)
    // A slow start is not a cell's time.
    await interpreter.exec({ code: "1", wallMillis: 30_000, graceMillis: 0, outputBytes: 1_000 })
    return interpreter
  }
  return {
    level,
    facts: { level, offered: true, detail: "nothing shuts the code in" },
    python: "",
    sympy: null,
    numpy: null,
    start: async () => {
      const living = shared ? [...running].find((one) => one.alive()) : undefined
      const interpreter = living ?? await fresh()
      return shared ? { ...interpreter, alive: () => false, end: () => Promise.resolve() } : interpreter
    },
    warm: () => Promise.resolve(),
    processes: () => [...running].filter((one) => one.alive()).length,
    close: async () => {
      await Promise.all([...running].map((one) => one.end()))
    }
  }
}

/** As root it runs as nobody, where nobody can read the program: it is to break out, not to break. */
const unprotected = async (
  program: string,
  args: ReadonlyArray<string>,
  folder: string
): Promise<() => ChildProcess> => {
  const readable = await Promise.all([program, ...args.filter((arg) => isAbsolute(arg))].map(isReadableByAll))
  const user = process.getuid?.() === 0 && readable.every(Boolean) ? { uid: nobody, gid: nobody } : {}
  return () => spawn(program, args, { cwd: folder, detached: true, stdio: ["pipe", "pipe", "ignore"], ...user })
}

/** A bare Python in an empty folder, with this process's environment. */
export const barePython = async (tools: Tools, folder: string): Promise<Backend | NotOffered> => {
  if (tools.python === null) return { level: "native-lsm", detail: tools.pythonMissing ?? "There is no Python" }
  const args = [join(import.meta.dirname, "bare.py"), cellsFolder]
  return backend("native-lsm", await unprotected(tools.python.path, args, folder))
}

/** A Pyodide as it comes. */
export const plainPyodide = async (folder: string): Promise<Backend> =>
  backend(
    "embedded",
    await unprotected(process.execPath, [join(import.meta.dirname, "PlainPyodide.main.ts")], folder),
    true
  )
