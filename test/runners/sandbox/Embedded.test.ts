// The embedded level: what a cell may use, what is left after a session, and a snapshot that is built, found damaged and built again. One
// snapshot in a temporary folder serves the file; parts that need SymPy are skipped with the reason where there is none.
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { sandboxLimitsDefaults } from "../../../src/domain/Sandbox.ts"
import { SandboxConfig } from "../../../src/runners/Config.ts"
import { makeEmbedded } from "../../../src/runners/sandbox/Embedded.ts"
import { cutText } from "../../../src/runners/sandbox/Embedded/Process.ts"
import { capMemory } from "../../../src/runners/sandbox/Embedded/WasmMemory.ts"
import type {
  Backend,
  BackendOptions,
  Cell,
  Interpreter,
  StartOptions
} from "../../../src/runners/sandbox/Interpreter.ts"
import { findSymPy, runsOnEmbedded } from "../../../src/runners/sandbox/SymPy.ts"
import { findTools } from "../../../src/runners/sandbox/Tools.ts"

const tools = await findTools()
const found = await findSymPy({
  cacheDir: SandboxConfig.defaults.cacheDir,
  named: process.env["POLYA_SANDBOX_SYMPY"],
  tools
})
const sympy = found !== null && runsOnEmbedded(found.version) ? found : null
if (sympy === null) {
  process.stderr.write(
    "SKIPPED: SymPy at level embedded: there is none of at least 1.13.3 (run `polya doctor --fix`)\n"
  )
}
const launched = process.platform === "linux" && tools.setpriv !== null && tools.unshare !== null
if (!launched) process.stderr.write("SKIPPED: what ends with its parent: setpriv and unshare are missing\n")

const folder = mkdtempSync(join(tmpdir(), "polya-embedded-"))
const made: Array<Backend> = []
const make = async (options: Partial<BackendOptions> = {}): Promise<Backend> => {
  const backend = await makeEmbedded({
    tools,
    sympy,
    cacheDir: join(folder, "cache"),
    sessions: 2,
    spares: 0,
    tenants: 2,
    startMillis: 120_000,
    ...options
  })
  if (!("start" in backend)) throw new Error(backend.detail)
  made.push(backend)
  return backend
}

const limits = { ...sandboxLimitsDefaults, scratchBytes: 8_388_608, fileBytes: 4_194_304, outputBytes: 4_096 }
const start = (backend: Backend, options: Partial<StartOptions> = {}): Promise<Interpreter> =>
  backend.start({ tenant: "one", seed: 7, limits, signal: new AbortController().signal, ...options })
const exec = (interpreter: Interpreter, code: string, options: Partial<Cell> = {}) =>
  interpreter.exec({ code, wallMillis: 20_000, graceMillis: 500, outputBytes: limits.outputBytes, ...options })

const parentOf = (pid: number): number => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return state === "Z" ? 0 : Number(parent)
  } catch {
    return 0
  }
}
/** Processes that descend from this one and have not ended. */
const descendants = (): ReadonlyArray<number> => {
  const living = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)).map(Number)
  const parents = new Map(living.map((pid) => [pid, parentOf(pid)]))
  const descends = (pid: number, depth = 0): boolean => {
    const parent = parents.get(pid) ?? 0
    return depth < 16 && parent !== 0 && (parent === process.pid || descends(parent, depth + 1))
  }
  return living.filter((pid) => descends(pid))
}

let backend: Backend
beforeAll(async () => {
  backend = await make()
  await backend.warm()
}, 300_000)
afterAll(async () => {
  await Promise.all(made.map((backend) => backend.close()))
  rmSync(folder, { recursive: true, force: true })
}, 300_000)

/** Runs cells in a session of its own and answers their replies. */
const session = async (
  cells: ReadonlyArray<string | readonly [string, Partial<Cell>]>,
  options: Partial<StartOptions> = {}
) => {
  const interpreter = await start(backend, options)
  const replies = []
  for (const cell of cells) {
    replies.push(typeof cell === "string" ? await exec(interpreter, cell) : await exec(interpreter, cell[0], cell[1]))
  }
  const alive = interpreter.alive()
  await interpreter.end()
  return { replies, alive }
}

describe("a session at level embedded", { timeout: 300_000 }, () => {
  it("keeps its variables from cell to cell and shows the last value", async () => {
    const { replies } = await session(["x = 41", "print('told'); x + 1"])
    assert.strictEqual(replies[0]?.status, "ok")
    assert.strictEqual(replies[0]?.value, null)
    assert.strictEqual(replies[1]?.value, "42")
    assert.strictEqual(replies[1]?.stdout, "told\n")
  })

  it("is interrupted at its wall limit, also while it sleeps, and keeps its state", async () => {
    const { alive, replies } = await session([
      "x = 1",
      ["while True: x += 1", { wallMillis: 200, graceMillis: 20_000 }],
      ["import time; time.sleep(3600)", { wallMillis: 200, graceMillis: 20_000 }],
      "x > 1"
    ])
    assert.deepStrictEqual(replies.map(({ status }) => status), ["ok", "timeout", "timeout", "ok"])
    assert.strictEqual(replies[3]?.value, "True")
    assert.isTrue(alive)
  })

  it("is killed when it swallows the interrupt, and its process serves nobody else", async () => {
    const { alive, replies } = await session([
      ["while True:\n    try:\n        while True: pass\n    except BaseException: pass", {
        wallMillis: 200,
        graceMillis: 200
      }],
      "1"
    ])
    assert.deepInclude(replies[0], { status: "killed", cause: "wall", stateLost: true })
    assert.deepInclude(replies[1], { status: "killed", stateLost: true })
    assert.isFalse(alive)
  })

  it("has a memory limit, which raises MemoryError and leaves the session as it was", async () => {
    const { replies } = await session([
      "kept = 5\ntry:\n    held = [b'x' * 10**7 for _ in range(60)]\nexcept MemoryError:\n    print('too much')",
      "kept"
    ], { limits: { ...limits, memoryBytes: 201_326_592 } })
    assert.strictEqual(replies[0]?.stdout, "too much\n")
    assert.strictEqual(replies[1]?.value, "5")
  })

  it("keeps the first bytes of what it prints and says that the rest was cut", async () => {
    const { replies } = await session([
      "for _ in range(100): print('é' * 10**5)",
      "'z' * 10**6",
      "import os\nos.write(1, b'x' * 10**6)"
    ])
    assert.isTrue(replies[0]?.truncated)
    assert.isAtMost(Buffer.byteLength(replies[0]?.stdout ?? ""), limits.outputBytes)
    assert.match(replies[0]?.stdout ?? "", /^é+$/)
    assert.isAtMost(replies[1]?.value?.length ?? 0, limits.outputBytes)
    assert.strictEqual(replies[2]?.stdout, "")
  })

  it("has a bounded disk: all files together, one file, files open at once, names", async () => {
    const { replies } = await session([
      "try:\n    for n in range(9):\n        with open('f%d' % n, 'wb') as f: f.write(b'x' * 2**21)"
      + "\nexcept OSError as e: print(n, e.strerror)",
      "import os\nfor n in range(4): os.remove('f%d' % n)\nlen(os.listdir('.')), open('again', 'wb').write(b'x' * 2**20)",
      "try: open('large', 'wb').truncate(2**23)\nexcept OSError as e: print(e.strerror)",
      "held = []\ntry:\n    for n in range(500): held.append(open('o%d' % n, 'w'))\nexcept OSError as e: print(n < 70)\ndel held",
      "try:\n    for n in range(9000): os.mkdir('d%d' % n)\nexcept OSError as e: print(e.strerror)"
    ])
    assert.strictEqual(replies[0]?.stdout, "4 No space left on device\n")
    assert.match(replies[1]?.value ?? "", /, 1048576\)$/)
    assert.strictEqual(replies[2]?.stdout, "File too large\n")
    assert.strictEqual(replies[3]?.stdout, "True\n")
    assert.strictEqual(replies[4]?.stdout, "No space left on device\n")
  })

  it("keeps its state after sys.exit and says that it is lost after os._exit", async () => {
    const { replies } = await session(["x = 3\nimport sys\nsys.exit('done')", "x", "import os\nos._exit(0)"])
    assert.deepInclude(replies[0], { status: "exited", stderr: "done\n", stateLost: false })
    assert.strictEqual(replies[1]?.value, "3")
    assert.deepInclude(replies[2], { status: "exited", stateLost: true })
  })

  it("comes to an answer when its interpreter breaks", async () => {
    const { replies } = await session(["import sys\nsys.setrecursionlimit(10**9)\ndef f(n): return f(n + 1)\nf(0)"])
    assert.include(["error", "killed"], replies[0]?.status)
  })

  it("seeds random, hashes the same everywhere and knows no zone but UTC", async () => {
    const code = "import random, time\n[random.random() for _ in range(2)], hash('polya'), time.tzname[0]"
    const [first, second, other] = [
      await session([code], { seed: 1 }),
      await session([code], { seed: 1 }),
      await session([code], { seed: 2 })
    ]
    assert.strictEqual(first.replies[0]?.value, second.replies[0]?.value)
    assert.notStrictEqual(first.replies[0]?.value, other.replies[0]?.value)
    assert.match(first.replies[0]?.value ?? "", / 'UTC'\)$/)
  })

  it("says that NumPy is not there", async () => {
    const { replies } = await session(["import numpy"])
    assert.match(replies[0]?.stderr ?? "", /ModuleNotFoundError: NumPy is not available at level embedded/)
  })

  it("reaches neither a shell, nor the host's files, nor JavaScript, nor the network", async () => {
    const { replies } = await session([
      "import os, ctypes\nos.system('id'), ctypes.CDLL(None).system(b'id')",
      "[path for path in ('/etc/passwd', '/usr/bin', '/proc/1', '/root') if os.path.exists(path)]",
      "import js",
      "import pyodide_js",
      "from pyodide.ffi import to_js\nto_js([1]).constructor.constructor('return 1')()",
      "import socket\nsocket.create_connection(('127.0.0.1', 9), 1)",
      "import pyodide.http\npyodide.http.open_url('http://127.0.0.1:9/')"
    ])
    assert.strictEqual(replies[0]?.value, "(-1, -1)")
    assert.strictEqual(replies[1]?.value, "[]")
    assert.deepStrictEqual(replies.slice(2).map(({ status }) => status), ["error", "error", "error", "error", "error"])
    assert.match(replies[4]?.stderr ?? "", /Code generation from strings disallowed/)
  })
})

/** A value that Node would look at in order to say what it is, and for which it would call a function of the session with functions of its own. */
const looked = `
from pyodide.ffi import to_js, create_proxy, jsnull
Object = to_js({"a": 1}).constructor
Symbol = Object.getOwnPropertySymbols(to_js([1]).constructor.prototype)[0].constructor
given, asked = [], []
def define(on, key, **facts):
    told = Object.create(jsnull)
    for name, value in facts.items(): setattr(told, name, value)
    return Object.defineProperty(on, key, told)
bytes_like, named = Object.create(jsnull), Object.create(jsnull)
named.name, bytes_like.byteLength = "Uint8Array", 8
define(bytes_like, "constructor", get=create_proxy(lambda: jsnull if asked else named))
define(bytes_like, Symbol.toStringTag, value="ArrayBuffer")
custom = getattr(Symbol, "for")("nodejs.util.inspect.custom")
bytes_like = define(bytes_like, custom, value=create_proxy(lambda *args: given.append(args) or "x"))
asked.append(True)
refused = 0
for encoding in ("utf-8", "latin1", "utf-16le", "iso-8859-3"):
    try: bytes_like.to_string(encoding)
    except Exception: refused += 1
refused, given, to_js(b"caf\\xe9").to_string("latin1"), to_js(b"abc").buffer.to_string("utf-8")`

describe("the JavaScript of a session", { timeout: 300_000 }, () => {
  it("gets no function of the process around it", async () => {
    const { replies } = await session([looked])
    assert.strictEqual(replies[0]?.value, "(4, [], 'café', 'abc')", replies[0]?.stderr)
  })

  it("gets no error of the process around it by reading a stack that cannot be written", async () => {
    const { replies } = await session([`
from pyodide.ffi import to_js, JsException
Object = to_js({"a": 1}).constructor
Symbol = Object.getOwnPropertySymbols(to_js([1]).constructor.prototype)[0].constructor
try: to_js([1]).at.call.call()
except JsException as raised: kind = raised.js_error.constructor
while kind.name != "Error": kind = Object.getPrototypeOf(kind)
error = kind.new("x")
error.name = Symbol.iterator
error.stack`])
    assert.strictEqual(replies[0]?.status, "ok", replies[0]?.stderr)
    assert.strictEqual(replies[0]?.value, null)
  })

  it("ends its process when it throws what can only be thrown on, and no word of it is taken", async () => {
    const { replies } = await session([
      "import sys\nfrom pyodide.ffi import JsException, to_js, create_proxy, jsnull\n"
      + "thrown = to_js({'a': 1}).constructor.create(jsnull)\n"
      + "def throw(*_): raise BaseException\n"
      + "sys.modules['_polya']._session.run = lambda *_: (thrown,) * 5",
      "1"
    ])
    assert.strictEqual(replies[1]?.status, "killed")
    assert.strictEqual(replies[1]?.stateLost, true)
  })
})

describe("a session after another of its tenant", { timeout: 300_000 }, () => {
  it("sees nothing of it, in the same process", async () => {
    const one = await make({ sessions: 1 })
    const first = await start(one)
    const pids = descendants()
    await exec(
      first,
      "x = 1\nimport builtins, math, random\nbuiltins.left = 1\nmath.pi = 3\nrandom.seed(5)\nopen('left.txt', 'w').write('left')"
    )
    await exec(first, "from pyodide.ffi import to_js\nto_js([1]).constructor.prototype.left = 1")
    await first.end()
    const second = await start(one)
    assert.deepStrictEqual(descendants().filter((pid) => !pids.includes(pid)), [])
    const reply = await exec(
      second,
      "import os, math, builtins\nfrom pyodide.ffi import to_js\n"
        + "'x' in globals(), hasattr(builtins, 'left'), math.pi > 3.1, os.path.exists('left.txt'), hasattr(to_js([1]), 'left')"
    )
    assert.strictEqual(reply.value, "(False, False, True, False, False)")
    await second.end()
    await one.close()
  })

  it("shares no process with another tenant", async () => {
    const one = await make({ sessions: 1 })
    const first = await start(one, { tenant: "one" })
    const pids = descendants()
    await first.end()
    const second = await start(one, { tenant: "two" })
    assert.isNotEmpty(descendants().filter((pid) => !pids.includes(pid)))
    await second.end()
    await one.close()
  })
})

describe("processes of level embedded", { timeout: 300_000 }, () => {
  it("that somebody kills lose one session, which says so, and the next one starts", async () => {
    const one = await make({ sessions: 1 })
    const before = descendants()
    const interpreter = await start(one)
    const told = new Promise((resolve) => interpreter.onLost(resolve))
    for (const pid of descendants().filter((pid) => !before.includes(pid))) process.kill(pid, "SIGKILL")
    assert.strictEqual(await told, "host")
    assert.isFalse(interpreter.alive())
    assert.deepInclude(await exec(interpreter, "1"), { status: "killed", cause: "host", stateLost: true })
    const next = await start(one)
    assert.strictEqual((await exec(next, "1")).value, "1")
    await one.close()
  })

  it("have all ended when the backend is closed", async () => {
    const before = descendants()
    const one = await make({ sessions: 2, spares: 1 })
    const interpreter = await start(one)
    const running = exec(interpreter, "while True: pass")
    assert.isAbove(one.processes(), 0)
    await one.close()
    assert.deepInclude(await running, { status: "killed", stateLost: true })
    assert.strictEqual(one.processes(), 0)
    assert.deepStrictEqual(descendants().filter((pid) => !before.includes(pid)), [])
  })

  it.skipIf(!launched)("end with their runner, whatever ends it", async () => {
    const runner = join(import.meta.dirname, "EmbeddedFixture.ts")
    // It opens a session that computes for ever, tells its processes, and ends itself with SIGKILL.
    const { signal, stdout } = spawnSync(process.execPath, [runner, join(folder, "cache"), sympy?.folder ?? ""], {
      encoding: "utf8"
    })
    assert.strictEqual(signal, "SIGKILL")
    const pids = stdout.trim().split(" ").map(Number)
    assert.isAtLeast(pids.length, 2)
    for (let turns = 0; turns < 5_000 && pids.some((pid) => parentOf(pid) !== 0); turns++) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.deepStrictEqual(pids.filter((pid) => parentOf(pid) !== 0), [])
  })

  it("are refused in a sentence when the start is called off", async () => {
    const failure = await start(backend, { signal: AbortSignal.abort() }).then(
      () => null,
      (error: Error) => error.message
    )
    assert.strictEqual(failure, "The start was called off")
  })
})

describe("the snapshot", { timeout: 300_000 }, () => {
  it("is built anew when it is damaged, and by two at once without harm", async () => {
    const cacheDir = join(folder, "other")
    const packs = () => readdirSync(cacheDir)
    const [one, two] = await Promise.all([make({ sympy: null, cacheDir }), make({ sympy: null, cacheDir })])
    const sessions = await Promise.all([start(one), start(two)])
    for (const interpreter of sessions) assert.strictEqual((await exec(interpreter, "6 * 7")).value, "42")
    assert.match((await exec(sessions[0], "import sympy")).stderr, /SymPy is not here: run `polya doctor --fix`/)
    await Promise.all([one.close(), two.close()])
    assert.lengthOf(packs(), 1)
    const path = join(cacheDir, packs()[0] ?? "")
    const file = openSync(path, "r+")
    writeSync(file, "damaged", 20_000_000 % readFileSync(path).length)
    const again = await make({ sympy: null, cacheDir })
    const interpreter = await start(again)
    assert.strictEqual((await exec(interpreter, "6 * 7")).value, "42")
    await again.close()
    assert.lengthOf(packs(), 1)
    assert.notInclude(readFileSync(path).subarray(4_096, 30_000_000).toString("latin1"), "damaged")
    assert.isTrue(existsSync(path))
  })

  it.skipIf(sympy === null)("holds SymPy, which prints what it prints elsewhere", async () => {
    const { replies } = await session([
      "from sympy import *\nx = symbols('x')\nsolve(x**3 - 6*x**2 + 11*x - 6, x)",
      "integrate(sin(x)**2, x)",
      "from sympy.ntheory import factorint\nfactorint(2**32 + 1)"
    ])
    assert.deepStrictEqual(replies.map(({ value }) => value), [
      "[1, 2, 3]",
      "x/2 - sin(x)*cos(x)/2",
      "{641: 1, 6700417: 1}"
    ])
  })
})

describe("parts of level embedded", () => {
  it("cut a text between characters, never inside of one", () => {
    assert.deepStrictEqual(cutText("aé€", 3), ["aé", true])
    assert.deepStrictEqual(cutText("aé€", 2), ["a", true])
    assert.deepStrictEqual(cutText("aé€", 6), ["aé€", false])
  })

  it("lower the largest memory of a module and refuse what is none", () => {
    // (module (memory 1 1000))
    const module = Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, 5, 5, 1, 1, 1, 0xe8, 7])
    assert.deepStrictEqual([...capMemory(module, 2 * 65_536).subarray(8)], [5, 5, 1, 1, 1, 0x82, 0])
    assert.isTrue(WebAssembly.validate(Uint8Array.from(capMemory(module, 2 * 65_536))))
    assert.throws(() => capMemory(Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0]), 65_536))
  })
})
