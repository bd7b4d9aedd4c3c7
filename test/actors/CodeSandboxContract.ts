// The contract of CodeSandbox, sentence by sentence, with real Python. Every level runs it; what hangs on clocks and queues alone (idle
// sessions, turns of tenants) is tested over a scripted interpreter in test/runners/Sandbox.test.ts.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, type Layer, ManagedRuntime, Scope } from "effect"
import { CodeSandbox, type CodeSession, type OpenSession, type SandboxFacts } from "../../src/actors/CodeSandbox.ts"
import type { SandboxLevel } from "../../src/domain/Sandbox.ts"

/** A cell that does not end by itself, and one that does not end when it is told to. */
const endless = "while True: pass"
const deaf = "import itertools\nsum(itertools.repeat(1))"
/** Room for a first start that has to import SymPy, or to make a snapshot, on a busy machine. */
const readyMillis = 150_000
const testMillis = 60_000

/** `layer` offers this level or none. */
export const codeSandboxContract = (level: SandboxLevel, layer: Layer.Layer<CodeSandbox, unknown>): void => {
  describe(`code at level ${level}`, { timeout: testMillis }, () => {
    const runtime = ManagedRuntime.make(layer)
    let facts: SandboxFacts | undefined
    beforeAll(async () => {
      facts = await runtime.runPromise(Effect.flatMap(CodeSandbox, ({ facts }) => facts))
    }, readyMillis)
    afterAll(() => runtime.dispose())

    const open = (asked: Partial<OpenSession> = {}) =>
      Effect.flatMap(CodeSandbox, ({ open }) => open({ tenant: "contract", ...asked }))
    const test = <E>(title: string, body: Effect.Effect<void, E, CodeSandbox | Scope.Scope>) =>
      it(title, async ({ skip }) => {
        const detail = facts?.levels.find((one) => one.level === level)?.detail
        skip(facts?.level !== level, `${level} is not offered here: ${detail}`)
        await runtime.runPromise(Effect.scoped(body))
      })
    /** A session and what its cells print. */
    const said = (session: CodeSession, code: string) =>
      Effect.map(session.exec(code), (result) => {
        assert.strictEqual(result.status, "ok", result.stderr)
        return result.stdout
      })

    test(
      "keeps variables, functions, modules and files from cell to cell",
      Effect.gen(function*() {
        const session = yield* open()
        assert.strictEqual(session.level, level)
        const first = yield* session.exec(
          "import math\nx = 20\ndef twice(n): return 2 * n\nopen('note.txt', 'w').write('kept')"
        )
        assert.deepInclude(first, { cell: 1, status: "ok", stdout: "", stderr: "", value: "4", truncated: false })
        assert.deepInclude(first, { cause: null, stateLost: false, level })
        const second = yield* session.exec("print(twice(x) + math.floor(2.5), open('note.txt').read())")
        assert.deepInclude(second, { cell: 2, stdout: "42 kept\n", value: null })
      })
    )

    test(
      "marks in a traceback what raised, wherever lines end",
      Effect.gen(function*() {
        const session = yield* open()
        for (const code of ["1/0", "1/0\n", "x = 1\r\n1/0\r\nx"]) {
          const { stderr } = yield* session.exec(code)
          // Pythons before 3.11 mark nothing.
          assert.match(stderr, /\n {4}1\/0\n(?: {4}~\^~\n)?ZeroDivisionError/)
        }
      })
    )

    test(
      "says of a notebook's magics that they do not run",
      Effect.gen(function*() {
        const session = yield* open()
        for (const code of ["%time 1 + 1", "x = 1\n!pip install numpy", "%%timeit\nx"]) {
          const { status, stderr } = yield* session.exec(code)
          assert.strictEqual(status, "error")
          assert.match(stderr, /SyntaxError.*\nMagics \(%\) and shell commands \(!\) are a notebook's/)
        }
        assert.notMatch((yield* session.exec("def f(:")).stderr, /Magics/)
      })
    )

    test(
      "shows the last expression as a notebook does, and what is printed as it was printed",
      Effect.gen(function*() {
        const session = yield* open()
        assert.strictEqual((yield* session.exec("[1, 'two', {3: (4,)}]")).value, "[1, 'two', {3: (4,)}]")
        assert.strictEqual((yield* session.exec("_[1]")).value, "'two'")
        assert.isNull((yield* session.exec("x = 5")).value)
        assert.isNull((yield* session.exec("None")).value)
        const both = yield* session.exec("import sys\nprint('π ≈ 3', end='')\nprint('no', file=sys.stderr)\n'é'")
        assert.deepInclude(both, { stdout: "π ≈ 3", stderr: "no\n", value: "'é'" })
      })
    )

    test(
      "tells errors by a traceback of the cell alone, and keeps what was done before them",
      Effect.gen(function*() {
        const session = yield* open()
        yield* session.exec("a = 1")
        const failed = yield* session.exec("b = 2\ndef inner():\n    return 1 / 0\ninner()")
        assert.deepInclude(failed, { status: "error", stateLost: false, cause: null })
        assert.match(failed.stderr, /<cell 2>", line 4[^]*line 3, in inner[^]*ZeroDivisionError: division by zero\n$/)
        assert.notMatch(failed.stderr, /cells\.py|zygote|<exec>/)
        assert.strictEqual((yield* session.exec("this is no python")).status, "error")
        assert.strictEqual(yield* said(session, "print(a, b)"), "1 2\n")
        const asked = yield* session.exec("input('? ')")
        assert.deepInclude(asked, { status: "error" })
        assert.match(asked.stderr, /EOFError/)
      })
    )

    test(
      "interrupts a cell at its wall limit and keeps the state",
      Effect.gen(function*() {
        const session = yield* open({ limits: { wallMillis: 200 } })
        yield* session.exec("n = 7")
        const loop = yield* session.exec(`n = 8\n${endless}`)
        assert.deepInclude(loop, { status: "timeout", cause: null, stateLost: false })
        assert.isAtLeast(loop.millis, 150)
        assert.strictEqual(yield* said(session, "print(n)"), "8\n")
        const slept = yield* session.exec("import time\ntime.sleep(60)", { wallMillis: 100 })
        assert.include(["timeout", "killed"], slept.status)
      })
    )

    test(
      "kills a cell that does not stop, says that the state is lost, and replays when asked to",
      Effect.gen(function*() {
        const session = yield* open({ limits: { wallMillis: 200, graceMillis: 100 } })
        yield* session.exec("import random\nxs = [random.random()]")
        const wrong = yield* session.exec("xs.append(1 / 0)")
        const shown = yield* session.exec("xs")
        assert.deepInclude(yield* session.exec(deaf), { status: "killed", cause: "wall", stateLost: true, cell: 4 })
        assert.deepInclude(yield* Effect.flip(session.exec("xs")), {
          _tag: "StateLost",
          cause: "wall",
          completedCells: 3
        })
        const { drifted, results } = yield* session.replay
        assert.deepStrictEqual(drifted, [])
        assert.deepStrictEqual(results.map(({ cell, status }) => [cell, status]), [[1, "ok"], [2, "error"], [3, "ok"]])
        assert.strictEqual(results[1]?.stderr, wrong.stderr)
        assert.deepInclude(yield* session.exec("xs"), { value: shown.value, cell: 5 })
      })
    )

    test(
      "tells a replay's cells that came to something else",
      Effect.gen(function*() {
        const session = yield* open()
        yield* session.exec("import time\nprint('same')")
        yield* session.exec("time.time_ns()")
        yield* session.exec("print('same again')")
        const { drifted, results } = yield* session.replay
        assert.deepStrictEqual(drifted, [2])
        assert.lengthOf(results, 3)
      })
    )

    test(
      "ends a program that ends itself: sys.exit keeps the state, a harder end loses it",
      Effect.gen(function*() {
        const session = yield* open()
        yield* session.exec("k = 3")
        const left = yield* session.exec("import sys\nprint('before')\nsys.exit('enough')")
        assert.deepInclude(left, { status: "exited", stdout: "before\n", stateLost: false })
        assert.include(left.stderr, "enough")
        assert.strictEqual(yield* said(session, "print(k)"), "3\n")
        const hard = yield* session.exec("import os\nos._exit(0)")
        assert.notStrictEqual(hard.status, "ok")
        if (hard.stateLost) {
          assert.strictEqual((yield* Effect.flip(session.exec("k")))._tag, "StateLost")
          yield* session.restart
          assert.strictEqual((yield* session.exec("k")).status, "error")
        }
      })
    )

    test(
      "starts afresh and empty when asked to",
      Effect.gen(function*() {
        const session = yield* open()
        yield* session.exec("gone = 1\nopen('gone.txt', 'w').close()")
        yield* session.restart
        assert.strictEqual(
          yield* said(session, "import os\nprint('gone' in globals(), os.path.exists('gone.txt'))"),
          "False False\n"
        )
        assert.lengthOf((yield* session.replay).results, 1)
      })
    )

    test(
      "cuts each text at its limit while the cell runs, and says so",
      Effect.gen(function*() {
        const session = yield* open({ limits: { outputBytes: 1_000 } })
        const flood = yield* session.exec("for i in range(300): print('é' * 100_000)\n'v' * 5_000")
        assert.deepInclude(flood, { status: "ok", truncated: true })
        assert.isAtMost(Buffer.byteLength(flood.stdout), 1_000)
        assert.isAtLeast(Buffer.byteLength(flood.stdout), 990)
        assert.isAtMost(Buffer.byteLength(flood.value ?? ""), 1_000)
        assert.deepInclude(yield* session.exec("print('short')"), { stdout: "short\n", truncated: false })
      })
    )

    test(
      "is the same for the same seed, whatever ran before, and knows neither the host's time zone nor its environment",
      Effect.gen(function*() {
        const code =
          "import os, random, time\n(random.random(), random.choice('abcdef'), hash('x'), time.tzname[0], os.environ.get('PATH'))"
        const shown = (seed: number) =>
          Effect.scoped(
            Effect.flatMap(open({ seed }), (session) => Effect.map(session.exec(code), ({ value }) => value))
          )
        const first = yield* shown(11)
        assert.strictEqual(yield* shown(11), first)
        const other = yield* shown(12)
        assert.notStrictEqual(other, first)
        assert.match(first ?? "", /, 'UTC', /)
        assert.notInclude(first ?? "", String(process.env["PATH"]))
      })
    )

    test(
      "keeps sessions apart, also those of one tenant: variables, patches and files",
      Effect.gen(function*() {
        const [left, right] = [yield* open(), yield* open()]
        yield* left.exec("import json\nsecret = 1\njson.dumps = None\nopen('mine.txt', 'w').write('left')")
        assert.strictEqual(
          yield* said(right, "import json, os\nprint('secret' in globals(), json.dumps(1), os.listdir('.'))"),
          "False 1 []\n"
        )
        yield* left.close
        const next = yield* open()
        assert.strictEqual(
          yield* said(next, "import json, os\nprint('secret' in globals(), json.dumps(1), os.listdir('.'))"),
          "False 1 []\n"
        )
      })
    )

    test(
      "gives memory and disk up to their limits, and an ordinary error beyond",
      Effect.gen(function*() {
        const session = yield* open()
        const greedy = yield* session.exec(
          "kept = 1\nblocks = []\nfor i in range(64): blocks.append(bytearray(64 << 20))"
        )
        assert.deepInclude(greedy, { status: "error", stateLost: false })
        assert.include(greedy.stderr, "MemoryError")
        yield* session.exec("blocks = None")
        const full = yield* session.exec("for i in range(40): open(f'f{i}', 'wb').write(bytes(8 << 20))")
        assert.strictEqual(full.status, "error")
        assert.match(full.stderr, /OSError|MemoryError/)
        assert.strictEqual(yield* said(session, "print(kept)"), "1\n")
      })
    )

    test(
      "reaches no network, no other process and no file of the host",
      Effect.gen(function*() {
        const session = yield* open()
        for (
          const code of [
            "import socket\nsocket.create_connection(('127.0.0.1', 9), 1)",
            "import subprocess\nsubprocess.run(['/bin/true'], check=True)",
            "import os\nprint(os.fork())",
            "open('/etc/passwd').read()"
          ]
        ) assert.strictEqual((yield* session.exec(code)).status, "error", code)
      })
    )

    test(
      "runs cells one at a time in the order asked",
      Effect.gen(function*() {
        const session = yield* open()
        yield* session.exec("log = []")
        yield* Effect.forEach([1, 2, 3, 4], (n) => session.exec(`log.append(${n})`), { concurrency: "unbounded" })
        assert.strictEqual((yield* session.exec("log")).value, "[1, 2, 3, 4]")
      })
    )

    test(
      "refuses a cell that is too long, and goes on with others",
      Effect.gen(function*() {
        const session = yield* open({ limits: { codeBytes: 100 } })
        const refused = yield* Effect.flip(session.exec(`x = '${"é".repeat(60)}'`))
        assert.deepInclude(refused, { _tag: "CodeTooLong", bytes: 126, mostBytes: 100 })
        assert.strictEqual((yield* session.exec("1 + 1")).value, "2")
      })
    )

    test(
      "ends a session that has run as many cells as one may",
      Effect.gen(function*() {
        const session = yield* open({ limits: { cells: 2 } })
        yield* session.exec("1")
        yield* session.exec("2")
        assert.deepInclude(yield* Effect.flip(session.exec("3")), { _tag: "SessionOver", reason: "cells" })
      })
    )

    test(
      "ends a session that is closed, twice as well as once, and with its scope",
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const session = yield* Scope.provide(open(), scope)
        yield* session.close
        yield* session.close
        assert.deepInclude(yield* Effect.flip(session.exec("1")), { _tag: "SessionOver", reason: "closed" })
        assert.deepInclude(yield* Effect.flip(session.replay), { _tag: "SessionOver" })
        const inner = yield* Scope.make()
        const scoped = yield* Scope.provide(open(), inner)
        yield* Scope.close(inner, Exit.void)
        assert.deepInclude(yield* Effect.flip(scoped.exec("1")), { _tag: "SessionOver" })
        yield* Scope.close(scope, Exit.void)
      })
    )

    test(
      "ends a session whose cell is called off, and gives its place to the next",
      Effect.gen(function*() {
        const session = yield* open()
        const cell = yield* Effect.forkChild(session.exec(endless), { startImmediately: true })
        yield* Fiber.interrupt(cell)
        assert.deepInclude(yield* Effect.flip(session.exec("1")), { _tag: "SessionOver", reason: "interrupted" })
        assert.strictEqual((yield* (yield* open()).exec("6 * 7")).value, "42")
      })
    )

    test(
      "imports SymPy where it says that it has one; otherwise the error says what to run",
      Effect.gen(function*() {
        const session = yield* open()
        const result = yield* session.exec("import sympy\nx = sympy.Symbol('x')\nsympy.solve(x**2 - 2, x)")
        if (facts?.sympy != null) assert.strictEqual(result.value, "[-sqrt(2), sqrt(2)]")
        else assert.include(result.stderr, "polya doctor --fix")
        const numpy = yield* session.exec("import numpy\nint(numpy.arange(5).sum())")
        if (facts?.numpy != null) assert.strictEqual(numpy.value, "10")
        else assert.match(numpy.stderr, /ModuleNotFoundError: .*NumPy/)
      })
    )
  })
}
