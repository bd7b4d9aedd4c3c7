// The native levels on this machine, each through its own backend: what a session keeps, what it is refused, how it ends, and that nothing is left.
// A level that this machine does not offer is skipped with its reason.
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest"
import { type SandboxLimits, sandboxLimitsDefaults } from "../../../src/domain/Sandbox.ts"
import type {
  Backend,
  BackendOptions,
  Cell,
  CellReply,
  Interpreter,
  MakeBackend
} from "../../../src/runners/sandbox/Interpreter.ts"
import { makeLsm, makeStrict } from "../../../src/runners/sandbox/Native.ts"
import { scratchPrefix, sweep } from "../../../src/runners/sandbox/Native/Leftovers.ts"
import { findTools } from "../../../src/runners/sandbox/Tools.ts"

const mebibyte = 1_048_576
const limits: SandboxLimits = {
  ...sandboxLimitsDefaults,
  memoryBytes: 256 * mebibyte,
  scratchBytes: 8 * mebibyte,
  fileBytes: 4 * mebibyte
}
const tools = await findTools()
const cacheDir = mkdtempSync(join(tmpdir(), "polya-native-test-"))
const options: BackendOptions = {
  tools,
  sympy: null,
  cacheDir,
  sessions: 6,
  spares: 1,
  tenants: 2,
  startMillis: 20_000
}
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }))

const lastLine = (text: string) => text.trimEnd().split("\n").at(-1)

/** Processes whose command line holds this machine's harness, by number. */
const harnessProcesses = (): ReadonlyArray<number> =>
  readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("What the interpreter is started with") &&
        parent === String(process.pid)
    } catch {
      return false
    }
  })

const scratchFolders = () =>
  readdirSync(tmpdir()).filter((name) => new RegExp(`^polya-sandbox-\\d+-${process.pid}-`).test(name))

describe.each<readonly [string, MakeBackend]>([["native-strict", makeStrict], ["native-lsm", makeLsm]])(
  "a session at %s",
  (level, make) => {
    let made: Awaited<ReturnType<MakeBackend>>
    beforeAll(async () => {
      made = process.platform === "linux"
        ? await make(options)
        : { level: "native-strict", detail: "this is not Linux" }
      if (!("facts" in made)) process.stderr.write(`Tests of ${level} are skipped: ${made.detail}\n`)
    })
    afterAll(async () => {
      if ("facts" in made) await made.close()
    })

    const backendOf = ({ skip }: TestContext): Backend => {
      if (!("facts" in made)) skip(made.detail)
      return made as Backend
    }
    const start = (
      backend: Backend,
      more: { readonly tenant?: string; readonly seed?: number; readonly limits?: Partial<SandboxLimits> } = {}
    ) =>
      backend.start({
        tenant: more.tenant ?? "somebody",
        seed: more.seed ?? 0,
        limits: { ...limits, ...more.limits },
        signal: new AbortController().signal
      })
    const cell = (code: string, more: Partial<Cell> = {}): Cell => ({
      code,
      wallMillis: 10_000,
      graceMillis: 500,
      outputBytes: 65_536,
      ...more
    })
    /** What the cells of a fresh session came to. */
    const run = async (
      backend: Backend,
      codes: ReadonlyArray<string>,
      more: Partial<Cell> = {},
      own: Partial<SandboxLimits> = {}
    ) => {
      const session = await start(backend, { limits: own })
      const replies: Array<CellReply> = []
      for (const code of codes) replies.push(await session.exec(cell(code, more)))
      await session.end()
      return replies
    }
    const values = (replies: ReadonlyArray<CellReply>) => replies.map((reply) => reply.value)

    it("keeps its variables and files from cell to cell", async (context) => {
      const replies = await run(backendOf(context), [
        "x = 20; open('kept.txt', 'w').write('text')",
        "x + 1",
        "_ * 2",
        "open('kept.txt').read()",
        "print('said'); 1/0",
        "x"
      ])
      expect(values(replies)).toEqual(["4", "21", "42", "'text'", null, "20"])
      expect(replies[4]).toMatchObject({ status: "error", stdout: "said\n", stateLost: false })
      expect(replies[4]?.stderr).toMatch(/^Traceback .*\n {2}File "<cell 5>", line 1, in <module>/)
      expect(replies[4]?.stderr).not.toContain("polya")
    })

    it("keeps its state when a cell is interrupted at its wall limit", async (context) => {
      const replies = await run(backendOf(context), ["x = 1\nwhile True: x += 1", "x > 1"], { wallMillis: 50 })
      expect(replies[0]).toMatchObject({ status: "timeout", stateLost: false, cause: null })
      expect(replies[1]?.value).toBe("True")
    })

    it("is killed when its code swallows every interrupt", async (context) => {
      const replies = await run(backendOf(context), [
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
        "1"
      ], { wallMillis: 50, graceMillis: 50 })
      expect(replies[0]).toMatchObject({ status: "killed", cause: "wall", stateLost: true })
      expect(replies[1]).toMatchObject({ status: "killed", stateLost: true })
    })

    it("has its handler back in the next cell, whatever a cell did to it", async (context) => {
      const replies = await run(backendOf(context), [
        "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN); None",
        "while True: pass"
      ], { wallMillis: 50 })
      expect(replies.map(({ status }) => status)).toEqual(["ok", "timeout"])
    })

    it("keeps its state when memory runs out, and can free some", async (context) => {
      const replies = await run(backendOf(context), [
        "kept = []\nwhile True: kept.append(bytearray(100_000))",
        "len(kept) > 1000",
        "del kept",
        "len(bytearray(100_000_000))"
      ])
      expect(replies.map(({ cause, status }) => [status, cause])).toEqual([
        ["error", null],
        ["ok", null],
        ["ok", null],
        ["ok", null]
      ])
      expect(lastLine(replies[0]?.stderr ?? "")).toBe("MemoryError")
    })

    it("has small objects fill its memory without losing its state", async (context) => {
      const replies = await run(backendOf(context), ["kept = []\nwhile True: kept.append([1])", "del kept", "1 + 1"])
      expect(replies.map(({ status }) => status)).toEqual(["error", "ok", "ok"])
      expect(replies[0]?.stderr).toContain("MemoryError")
    })

    it("is killed when its processor time is used up", async (context) => {
      const [reply] = await run(backendOf(context), ["while True: pass"], {}, { cpuMillis: 1_000 })
      expect(reply).toMatchObject({ status: "killed", cause: "cpu", stateLost: true })
    })

    it("steps back behind others when a cell of it computes for long, and cannot step forward", async (context) => {
      const replies = await run(backendOf(context), [
        "import os; before = os.getpriority(os.PRIO_PROCESS, 0)",
        "while os.getpriority(os.PRIO_PROCESS, 0) == before: pass",
        "os.setpriority(os.PRIO_PROCESS, 0, before)"
      ])
      expect(replies.map(({ status }) => status)).toEqual(["ok", "ok", "error"])
    })

    it("has its output cut at its bytes, in whole characters", async (context) => {
      const [text, value, bytes] = await run(backendOf(context), [
        "print('é' * 1_000_000)",
        "'x' * 1_000_000",
        "import sys; sys.stdout.buffer.write(b'\\xff' * 1_000_000); sys.stderr.write('\\ud800'); None"
      ], { outputBytes: 101 })
      expect(text).toMatchObject({ status: "ok", truncated: true, stdout: "é".repeat(50) })
      expect(value?.value).toHaveLength(101)
      expect(bytes).toMatchObject({ status: "ok", truncated: true, stderr: "?" })
      expect(Buffer.byteLength(bytes?.stdout ?? "")).toBeLessThanOrEqual(101)
    })

    it("writes no more than its quota, also by the C library's own calls", async (context) => {
      const [viaPython, viaC] = await run(backendOf(context), [
        `import os
total = 0
for at in range(64):
    try:
        with open(f"file{at}", "wb", buffering=0) as file:
            while True:
                total += file.write(b"x" * 65536)
    except OSError:
        continue
total`,
        `import ctypes
libc = ctypes.CDLL(None)
for name in os.listdir("."):
    os.remove(name)
total = 0
for at in range(200):
    file = libc.open(b"raw%d" % at, os.O_CREAT | os.O_RDWR, 0o600)
    while file >= 0:
        wrote = libc.write(file, b"x" * 65536, 65536)
        if wrote <= 0:
            break
        total += wrote
    libc.fallocate(file, 1, ctypes.c_long(0), ctypes.c_long(1 << 30))
total <= ${limits.scratchBytes}`
      ])
      expect(Number(viaPython?.value)).toBeGreaterThan(limits.scratchBytes / 2)
      expect(Number(viaPython?.value)).toBeLessThanOrEqual(limits.scratchBytes)
      expect(viaC?.value).toBe("True")
    })

    it("makes no files by renaming, and opens none in a mode that is neither reading nor writing", async (context) => {
      const [whiteout, modes, renamed] = await run(backendOf(context), [
        `import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
open("one", "w").close()
libc.renameat2(-100, b"one", -100, b"two", 4), ctypes.get_errno(), sorted(os.listdir("."))`,
        `def refused(flags):
    return libc.open(b"one", flags) < 0 and ctypes.get_errno() == 13
[flags for flags in (3, 3 | os.O_TRUNC, os.O_TRUNC, 0, os.O_WRONLY | os.O_TRUNC, os.O_RDWR | os.O_TRUNC) if refused(flags)] == [3, 3 | os.O_TRUNC, os.O_TRUNC]`,
        `libc.renameat2(-100, b"one", -100, b"two", 1), os.listdir(".")`
      ])
      expect(whiteout?.value).toBe("(-1, 1, ['one'])")
      expect(modes?.value).toBe("True")
      expect(renamed?.value).toBe("(0, ['two'])")
    })

    it("has its slot's next session start, whatever it set on its socket", async (context) => {
      const backend = backendOf(context)
      for (let at = 0; at < 12; at++) {
        const [, reply] = await run(backend, ["import fcntl, os\nfcntl.fcntl(3, fcntl.F_SETFL, os.O_NONBLOCK)", "1"])
        expect(["exited", "killed", "ok"]).toContain(reply?.status)
      }
    })

    it("uses files as programs do: by name, for a while, in place of another", async (context) => {
      const [reply] = await run(backendOf(context), [
        `import json, os, pathlib, tempfile
with open("a", "w") as file: json.dump([1], file)
with open("a", "a") as file: file.write(" ")
pathlib.Path("b").write_text("two")
os.replace("a", "b")
with tempfile.NamedTemporaryFile("w+") as file: file.write("x")
with tempfile.TemporaryFile("w+") as file: file.write("x")
for turn in range(100):
    with open("again", "x") as file: file.write(str(turn))
    os.remove("again")
open("b").read(), os.listdir(".")`
      ])
      expect(reply?.value).toBe("('[1] ', ['b'])")
    })

    it("has about as many threads as it may", async (context) => {
      const [reply] = await run(backendOf(context), [
        `import threading
threading.stack_size(32768)
gate, count = threading.Event(), 0
try:
    while count < 1000:
        threading.Thread(target=gate.wait, daemon=True).start()
        count += 1
except RuntimeError:
    pass
gate.set()
count`
      ])
      expect(Number(reply?.value)).toBeGreaterThan(0)
      expect(Number(reply?.value)).toBeLessThan(limits.threads * options.sessions)
    })

    it("cannot reach the host's files, network or processes", async (context) => {
      const [reply] = await run(backendOf(context), [
        `import ctypes, os, socket, subprocess
libc = ctypes.CDLL(None)
attempts = {
    "passwd": lambda: open("/etc/passwd"), "root": lambda: os.listdir("/"), "proc": lambda: open("/proc/self/status"),
    "package": lambda: open(${JSON.stringify(join(process.cwd(), "package.json"))}), "socket": socket.socket,
    "pair": socket.socketpair, "fork": os.fork, "exec": lambda: os.execv("/bin/true", ["true"]),
    "run": lambda: subprocess.run(["true"]), "kill": lambda: os.kill(os.getppid(), 0), "nice": lambda: os.nice(-1),
    "link": lambda: os.symlink("/", "root"), "empty": lambda: os.truncate("/usr/lib/os-release", 0), "session": os.setsid
}
def could(attempt):
    try:
        attempt()
    except OSError:
        return False
    return True
[name for name, attempt in attempts.items() if could(attempt)], libc.kill(-1, 9), libc.ptrace(16, 1, 0, 0), libc.unshare(0x10000000), dict(os.environ)`
      ])
      expect(reply?.value).toBe("([], -1, -1, -1, {})")
    })

    it("does not see the files of another session", async (context) => {
      const backend = backendOf(context)
      const [one, other] = await Promise.all([start(backend), start(backend)])
      const where = await one.exec(cell("import os; open('secret', 'w').write('s'); os.path.abspath('secret')"))
      const seen = await other.exec(
        cell(`import os\ntry: print(open(${where.value}).read())\nexcept OSError: print(os.listdir('.'))`)
      )
      expect(seen.stdout).toBe("[]\n")
      await Promise.all([one.end(), other.end()])
    })

    it("says how its process ended", async (context) => {
      const backend = backendOf(context)
      const ends = await Promise.all([
        run(backend, ["import os; os._exit(0)"]),
        run(backend, ["import sys; sys.exit('done')", "1"]),
        run(backend, ["import ctypes; ctypes.string_at(0)"]),
        run(backend, ["import os; os.abort()"])
      ])
      expect(ends[0]?.[0]).toMatchObject({ status: "exited", stateLost: true, cause: null })
      expect(ends[1]?.[0]).toMatchObject({ status: "exited", stateLost: false, stderr: "done\n" })
      expect(ends[1]?.[1]?.value).toBe("1")
      for (const crashed of [ends[2], ends[3]]) {
        expect(crashed?.[0]).toMatchObject({
          status: "killed",
          cause: "crash",
          stateLost: true
        })
      }
    })

    it("is killed when it writes anything but a reply to its socket", async (context) => {
      const replies = await run(backendOf(context), ["import os; os.write(3, b'anything at all, long enough'); 1"])
      expect(replies[0]).toMatchObject({ status: "killed", cause: "protocol", stateLost: true })
      // The zygote is replaced; who comes next notices nothing.
      expect(values(await run(backendOf(context), ["2"]))).toEqual(["2"])
    })

    it("gives the same numbers for the same seed", async (context) => {
      const backend = backendOf(context)
      const numbers = async (seed: number) => {
        const session = await start(backend, { seed })
        const reply = await session.exec(cell("import random; random.random(), hash('word'), [*{'a', 'b', 'c'}]"))
        await session.end()
        return reply.value
      }
      expect(await numbers(7)).toBe(await numbers(7))
      expect(await numbers(7)).not.toBe(await numbers(8))
    })

    it("says what to run when SymPy is not there", async (context) => {
      const [reply] = await run(backendOf(context), ["from sympy import symbols"])
      expect(lastLine(reply?.stderr ?? "")).toMatch(/^ModuleNotFoundError: SymPy is not here: run `polya doctor --fix`/)
    })

    it("loses its state, with its cell, when its zygote is killed, and the next session starts", async (context) => {
      const backend = backendOf(context)
      const session = await start(backend, { tenant: "struck" })
      const lost = await start(backend, { tenant: "struck" })
      const told = new Promise<string>((resolve) => lost.onLost(resolve))
      const before = harnessProcesses()
      const running = session.exec(cell("while True: pass"))
      expect(before.length).toBeGreaterThan(0)
      for (const pid of before) process.kill(pid, "SIGKILL")
      expect(await running).toMatchObject({ status: "killed", cause: "host", stateLost: true })
      expect(await told).toBe("host")
      expect(session.alive()).toBe(false)
      await Promise.all([session.end(), lost.end()])
      const next = await start(backend, { tenant: "struck" })
      expect((await next.exec(cell("1 + 1"))).value).toBe("2")
      await next.end()
    })

    it("gives up the least recently used idle tenant for a new one, and refuses when none is idle", async (context) => {
      const backend = backendOf(context)
      const held: Array<Interpreter> = []
      for (const tenant of ["first", "second"]) held.push(await start(backend, { tenant }))
      await expect(start(backend, { tenant: "third" })).rejects.toThrow(/tenants have sessions open/)
      await held[0]?.end()
      const third = await start(backend, { tenant: "third" })
      expect((await third.exec(cell("3"))).value).toBe("3")
      await Promise.all([third.end(), held[1]?.end()])
    })

    it("is not begun when the start was called off", async (context) => {
      backendOf(context)
      const own = await make(options)
      if (!("facts" in own)) return context.skip(own.detail)
      const calledOff = new AbortController()
      const starting = own.start({ tenant: "somebody", seed: 0, limits, signal: calledOff.signal })
      calledOff.abort()
      await expect(starting).rejects.toThrow("called off")
      await own.close()
      expect(own.processes()).toBe(0)
    })

    it("leaves no process and no file when its backend is closed", async (context) => {
      backendOf(context)
      const before = { processes: harnessProcesses(), folders: scratchFolders() }
      const own = await make(options)
      if (!("facts" in own)) return context.skip(own.detail)
      const session = await start(own)
      const running = session.exec(cell("open('left', 'w').write('x')\nwhile True: pass"))
      expect(harnessProcesses().length).toBeGreaterThan(before.processes.length)
      await own.close()
      expect(await running).toMatchObject({ status: "killed", stateLost: true })
      expect(own.processes()).toBe(0)
      expect({ processes: harnessProcesses(), folders: scratchFolders() }).toEqual(before)
      await expect(start(own)).rejects.toThrow("closed")
    })
  }
)

describe("folders of a process that is gone", () => {
  it("are removed at the next start, and those of a living one are not", (context) => {
    context.skip(process.platform !== "linux", "folders are named by what /proc says")
    const living = mkdtempSync(scratchPrefix())
    const { pid } = spawnSync("true")
    const dead = living.replace(`-${process.pid}-`, `-${pid}-`)
    mkdirSync(join(dead, "session-1"), { recursive: true })
    sweep()
    expect([existsSync(living), existsSync(dead)]).toEqual([true, false])
    rmSync(living, { recursive: true })
  })
})
