// `polya exec` as a person or a program meets it: outputs, exit codes, a session through a pipe, interruption, and terminals. Where this machine
// has no level of the sandbox, what needs one is skipped with the reason.
import { assert, describe, it, type TestContext } from "@effect/vitest"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { folder, jsonLines, polya } from "./Program.ts"

const program = join(import.meta.dirname, "..", "..", "bin", "polya.js")
const exec = (input: string | Buffer, ...args: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [program, "exec", ...args], {
    input,
    encoding: "utf8"
  })
  return { code: status, stdout, stderr }
}
const level = exec("1")
const needsLevel = ({ skip }: TestContext): void =>
  skip(level.code !== 0, `no code runs here: ${level.stderr.slice(0, 300)}`)

/** One call that does not look whether it was interrupted, so that it has to be killed. */
const stubborn = "sum(range(10 ** 15))"

describe("polya exec", { timeout: 300_000 }, () => {
  it("shows outputs where they belong and the value on a line of its own", (context) => {
    needsLevel(context)
    const { code, stderr, stdout } = exec(
      "import sys\nprint('out')\nprint('err', file=sys.stderr)\nprint('x', end='')\n6 * 7\n"
    )
    assert.deepStrictEqual([code, stdout, stderr], [0, "out\nx\n42\n", "err\n"])
    using place = folder()
    assert.strictEqual(exec("", place.file("cell.py", "print(1)\n")).stdout, "1\n")
    const wrong = exec("1 / 0\n")
    assert.deepStrictEqual([wrong.code, wrong.stdout], [1, ""])
    assert.match(wrong.stderr, /ZeroDivisionError[^]*\npolya: cell 1 \(error\) .*\[(embedded|native-\w+)\]\n$/)
  })

  it("says whether a program finds the answer", (context) => {
    needsLevel(context)
    const right = exec("from fractions import Fraction\nFraction(1, 3) + Fraction(1, 6)\n", "--expect", "\\frac{1}{2}")
    assert.deepStrictEqual([right.code, right.stdout], [0, "Fraction(1, 2)\n"])
    assert.match(right.stderr, /^polya: right: /)
    const wrong = exec("print(-2)\n", "--expect=-3", "--json")
    assert.deepStrictEqual([wrong.code, wrong.stderr], [1, ""])
    const [cell, check] = jsonLines(wrong.stdout)
    assert.deepInclude(cell, { cell: 1, status: "ok", stdout: "-2\n", value: null, stateLost: false })
    assert.deepInclude(check, { event: "check", outcome: "wrong", answer: "-2" })
    assert.strictEqual(exec("pass\n", "--expect", "1", "--json").stdout.includes("no-output"), true)
  })

  it("takes a seed, and gives the same for the same one", (context) => {
    needsLevel(context)
    const drawn = (...args: ReadonlyArray<string>) =>
      exec("import random\nrandom.random(), hash('a')\n", ...args).stdout
    assert.strictEqual(drawn("--seed", "7"), drawn("--seed", "7"))
    assert.notStrictEqual(drawn("--seed", "7"), drawn("--seed", "8"))
  })

  it("runs each cell of a piped session as soon as it is complete, and keeps its state", async (context) => {
    needsLevel(context)
    const child = spawn(process.execPath, [program, "exec", "--session", "--json"], {
      stdio: ["pipe", "pipe", "inherit"]
    })
    const ended = once(child, "close")
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const ask = async (code: string) => {
      child.stdin.write(`${code}\n# %%\n`)
      return JSON.parse((await lines.next()).value as string)
    }
    assert.deepInclude(await ask("x = 20"), { cell: 1, status: "ok", value: null })
    assert.deepInclude(await ask("1 / 0"), { cell: 2, status: "error" })
    assert.deepInclude(await ask("x + 1"), { cell: 3, value: "21" })
    child.stdin.end("x + 2")
    assert.deepInclude(JSON.parse((await lines.next()).value as string), { cell: 4, value: "22" })
    assert.deepStrictEqual(await ended, [1, null])
  })

  it("keeps the state at a wall limit, says that it is lost after a kill, and replays if asked to", (context) => {
    needsLevel(context)
    const cells = ["x = 5", "while True: pass", stubborn, "x * 2"].join("\n# %%\n")
    const stopped = exec(cells, "--session", "--wall", "300", "--json")
    assert.strictEqual(stopped.code, 1)
    const fates = (stdout: string) =>
      jsonLines(stdout).map(({ cause, stateLost, status }) => [status, cause, stateLost])
    const before = [["ok", null, false], ["timeout", null, false], ["killed", "wall", true]]
    assert.deepStrictEqual(fates(stopped.stdout), before)
    assert.match(stopped.stderr, /variables and files are lost; it ends here/)
    const replayed = exec(cells, "--session", "--wall", "300", "--json", "--replay")
    assert.deepStrictEqual(fates(replayed.stdout), [...before, ["ok", null, false]])
    assert.strictEqual(jsonLines(replayed.stdout).at(-1).value, "10")
    assert.match(replayed.stderr, /1 completed cell ran again/)
  })

  it("ends with code 130 when it is interrupted, and leaves no process behind", async (context) => {
    needsLevel(context)
    const child = spawn(process.execPath, [program, "exec", "--session", "--json"], {
      stdio: ["pipe", "pipe", "inherit"]
    })
    const ended = once(child, "close")
    child.stdin.write("x = 1\n# %%\n")
    await once(child.stdout, "data")
    child.stdin.write("while True: pass\n# %%\n")
    const started = descendantsOf(child.pid ?? 0)
    assert.isAbove(started.length, 0)
    child.kill("SIGINT")
    assert.deepStrictEqual(await ended, [130, null])
    assert.deepStrictEqual(started.filter(isAlive), [])
  })

  it("lets no control sequence of the code reach a terminal", (context) => {
    needsLevel(context)
    context.skip(spawnSync("script", ["--version"]).status !== 0, "there is no script(1)")
    using place = folder()
    const file = place.file("cell.py", "print('\\x1b[31mred\\x1b[0m\\x9b2J')\n'\\u202e'\n")
    const typed = `'${process.execPath}' '${program}' exec '${file}'`
    const shown = spawnSync("script", ["-qec", typed, "/dev/null"], { encoding: "utf8" }).stdout
    assert.include(shown, "\\u001b[31mred\\u001b[0m\\u009b2J")
    assert.notInclude(shown, "\u001b[31m")
    assert.notInclude(shown, "\u009b")
    assert.include(exec("print('\\x1b[31m')").stdout, "\u001b[31m")
  })

  it("answers wrong usage with one sentence and exit code 2", async () => {
    using place = folder()
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string | Buffer, RegExp]> = [
      [["--level", "root"], "1", /--level: "root"/],
      [["--replay"], "1", /--replay is for a session/],
      [["--url", "http://127.0.0.1:1", "--level", "embedded"], "1", /--level is for this machine/],
      [["--url", "http://127.0.0.1:1", "--session", "--replay"], "1", /with --url all cells/],
      [["--wall", "0"], "1", /--wall must be/],
      [["--seed", "4294967296"], "1", /--seed must be/],
      [[place.path], "", /it is a folder/],
      [[join(place.path, "gone.py")], "", /there is no such file/]
    ]
    for (const [args, input, said] of cases) {
      const { code, stderr, stdout } = exec(input, ...args)
      assert.strictEqual(code, 2, `${args.join(" ")}: ${stderr}`)
      assert.strictEqual(stdout, "")
      assert.match(stderr, said)
    }
    const away = await polya(["exec", "--url", "http://127.0.0.1:1", place.file("cell.py", "1\n")])
    assert.strictEqual(away.code, 1)
    assert.match(away.stderr, /Nobody answers at http/)
  })

  it("refuses code that is too long, or no text, without running any of it", (context) => {
    needsLevel(context)
    const long = exec("x".repeat(1_100_000))
    assert.strictEqual(long.code, 2)
    assert.match(long.stderr, /longer than the 1048576 bytes/)
    assert.match(exec(Buffer.from([0x78, 0xff])).stderr, /not UTF-8/)
    assert.match(exec(" \n").stderr, /There is no code/)
  })

  it("names the levels that are offered where one is asked for that is not", (context) => {
    needsLevel(context)
    using place = folder()
    const config = place.file("polya.yaml", "sandbox:\n  python: /nowhere/python3\n")
    const { code, stdout } = exec("1", "--level", "native-strict", "--json", "--config", config)
    const [error] = jsonLines(stdout)
    assert.deepInclude(error, { event: "error", tag: "SandboxUnavailable", exitCode: 2 })
    assert.strictEqual(code, 2)
    assert.match(error.message, /The level native-strict is not offered here: .*\/nowhere\/python3/)
    assert.match(error.hint, /^Offered: embedded\.$|polya doctor/)
  })
})

/** All processes below that one, on Linux. */
const descendantsOf = (pid: number): ReadonlyArray<number> => {
  const all = spawnSync("ps", ["-e", "-o", "pid=,ppid="], { encoding: "utf8" }).stdout.trim().split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
  const below = (of: number): ReadonlyArray<number> =>
    all.filter(([, parent]) => parent === of).flatMap(([child]) => [child, ...below(child)])
  return below(pid)
}
const isAlive = (pid: number): boolean => {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    return false
  }
}
