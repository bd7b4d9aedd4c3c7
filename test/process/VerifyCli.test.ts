// `polya verify` and `polya vote` as a person or a pipeline meets them: streams in constant memory, the order of the input, lines that do not fit,
// and files that cannot be read or written.
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { createWriteStream, existsSync, openSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { gzipSync } from "node:zlib"
import { missing } from "../runners/sandbox/PythonSandbox.ts"
import { folder, jsonLines, polya, smallDisk, start } from "./Program.ts"

const program = join(import.meta.dirname, "..", "..", "bin", "polya.js")
const linesOf = (rows: ReadonlyArray<unknown>): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("")
const read = (path: string): ReadonlyArray<any> => jsonLines(readFileSync(path, "utf8"))
const numbered = (count: number) =>
  Array.from({ length: count }, (_, id) => ({ id, gold: String(id % 50), pred: `It is \\boxed{${id % 7}}.` }))

/** A value that no rule has. */
const endless = "\\sum_{k=0}^\\infty 2^{-k}"
if (missing !== null) process.stderr.write(`polya verify, asking SymPy: ${missing}\n`)

describe("polya verify", { timeout: 300_000 }, () => {
  it("tells a person of one pair the verdict, the rule and what was found", async () => {
    const { code, stderr, stdout } = await polya(["verify", "$4$", "No, it is \\boxed{4}."])
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.match(stdout, /^equal\n {2}gold +4\n {2}answer +4\n {2}rule +\S+\n {2}took +[\d.]+ ms\n$/)
    const negative = await polya(["verify", "--json", "--bare", "--", "-1", "-2"])
    assert.deepInclude(JSON.parse(negative.stdout), { verdict: "unequal", gold: "-1", answer: "-2" })
  })

  it("leaves open what the rules leave open, where it is told to ask nobody else", async () => {
    const { code, stdout } = await polya(["verify", "--json", "--bare", "--last-resort", "none", "2", endless])
    assert.deepStrictEqual([code, JSON.parse(stdout).rule], [0, "no-value"])
  })

  it.skipIf(missing !== null)("asks SymPy of what the rules leave open", async () => {
    const { code, stderr, stdout } = await polya(["verify", "--json", "--bare", "2", endless])
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.deepInclude(JSON.parse(stdout), { verdict: "equal", rule: "last-resort", gold: "2", answer: endless })
  })

  it("takes answers that begin with a minus", async () => {
    const { code, stderr, stdout } = await polya(["verify", "-\\frac12", "-0.5", "--json"])
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.deepInclude(JSON.parse(stdout), { verdict: "equal", gold: "-\\frac12", answer: "-0.5" })
    assert.match((await polya(["verify", "-x", "-2x"])).stdout, /^unequal\n/)
  })

  it("judges a file line by line in its order, whatever the number of workers", async () => {
    using place = folder()
    const pairs = place.file("pairs.jsonl", linesOf(numbered(3_000)))
    for (const workers of ["1", "3"]) {
      const out = join(place.path, `out-${workers}.jsonl`)
      const { code, stderr, stdout } = await polya(["verify", "--in", pairs, "--out", out, "--workers", workers])
      assert.deepStrictEqual([code, stdout], [0, ""], stderr)
      assert.match(stderr, /verify: 3,000 pairs in .* a second, peak memory/)
      const rows = read(out)
      assert.deepStrictEqual(
        rows.map(({ answer, gold, id, verdict }) => [id, verdict, gold, answer]),
        numbered(3_000).map(({ gold, id }) => [id, id % 7 === id % 50 ? "equal" : "unequal", gold, String(id % 7)])
      )
      assert.deepStrictEqual(Object.keys(rows[0]), ["id", "verdict", "rule", "gold", "answer", "ms"])
    }
  })

  it("says of a line that does not fit what is wrong with it, and judges the others", async () => {
    using place = folder()
    const lines = [
      "{\"id\": \"good\", \"gold\": \"1\", \"pred\": \"1\", \"note\": \"kept out\"}",
      "{\"id\": 2, \"gold\": \"1\"",
      "",
      "[1]",
      "{\"id\": \"no pred\", \"gold\": \"1\"}",
      "{\"id\": \"odd opts\", \"gold\": \"1\", \"pred\": \"1\", \"opts\": {\"precison\": 2}}",
      "{\"gold\": 2, \"pred\": null, \"opts\": null, \"bare\": null}",
      "{\"gold\": 12345678901234567890, \"pred\": \"1\"}",
      `{"id": "long", "gold": "1", "pred": "${"x".repeat(9 * 1_048_576)}"}`
    ]
    const pairs = place.file("pairs.jsonl", `${lines.join("\n")}\n`)
    writeFileSync(pairs, Buffer.from([0x22, 0xff, 0x0a]), { flag: "a" })
    const { code, stderr, stdout } = await polya(["verify", "--in", pairs])
    assert.strictEqual(code, 0, stderr)
    const rows = jsonLines(stdout)
    assert.deepStrictEqual(rows.map(({ error, id, line, verdict }) => [id, line, error ?? verdict]), [
      ["good", undefined, "equal"],
      [undefined, 2, "MalformedRow"],
      [undefined, 4, "MalformedRow"],
      ["no pred", 5, "RowUnfit"],
      ["odd opts", 6, "RowUnfit"],
      [null, undefined, "unequal"],
      [undefined, 8, "RowUnfit"],
      [undefined, 9, "LineTooLong"],
      [undefined, 10, "InvalidUtf8"]
    ])
    const messages = rows.map(({ message }) => message)
    assert.match(messages[3], /pred: .*missing/)
    assert.match(messages[4], /opts\.precison: .*did you mean "precision"/)
    assert.match(messages[6], /gold: .*write a longer one as a text/)
    assert.match(stderr, /failed +7\n +3 {2}RowUnfit|failed +7/)
  })

  it("takes options for all rows, which a row may say otherwise", async () => {
    using place = folder()
    const pair = { gold: "1007", pred: "7", bare: true }
    const pairs = place.file("pairs.jsonl", linesOf([pair, { ...pair, opts: { modulo: 10_000 } }]))
    const { stdout } = await polya(["verify", "--in", pairs, "--opts", "{\"modulo\": 1000}"])
    assert.deepStrictEqual(jsonLines(stdout).map(({ verdict }) => verdict), ["equal", "unequal"])
  })

  it("reads standard input and gzip, and writes to standard output and to what is no file", async () => {
    using place = folder()
    const text = linesOf(numbered(300))
    const piped = spawnSync(process.execPath, [program, "verify", "--in", "-", "--out", "-"], { input: text })
    assert.strictEqual(piped.status, 0, String(piped.stderr))
    const expected = jsonLines(String(piped.stdout)).map(({ ms: _, ...row }) => row)
    assert.strictEqual(expected.length, 300)
    const zipped = place.file("pairs.jsonl.gz", gzipSync(text))
    const unzipped = await polya(["verify", "--in", zipped])
    assert.deepStrictEqual(jsonLines(unzipped.stdout).map(({ ms: _, ...row }) => row), expected)
    const nowhere = await polya(["verify", "--in", zipped, "--out", "/dev/null"])
    assert.strictEqual(nowhere.code, 0, nowhere.stderr)
    assert.isFalse(spawnSync("test", ["-f", "/dev/null"]).status === 0)
    const empty = await polya(["verify", "--in", place.file("empty.jsonl", "")])
    assert.deepStrictEqual([empty.code, empty.stdout], [0, ""])
  })

  it("with --json tells progress and the counts on stdout, and nothing else there", async () => {
    using place = folder()
    const pairs = place.file("pairs.jsonl", `${linesOf(numbered(500))}{\n`)
    const args = ["verify", "--in", pairs, "--out", join(place.path, "out.jsonl"), "--json"]
    const { code, stderr, stdout } = await polya(args)
    assert.deepStrictEqual([code, stderr], [0, ""])
    const done = jsonLines(stdout).at(-1)
    assert.deepInclude(done, { event: "done", in: 501, failed: 1, errors: { MalformedRow: 1 }, slow: 0 })
    assert.strictEqual(done.verdicts.equal + done.verdicts.unequal + done.verdicts.undecided, 500)
    assert.isAbove(done.rowsPerSecond, 0)
  })

  it("leaves an older output as it is until the new one is whole, also when it is interrupted", async () => {
    using place = folder()
    const out = place.file("out.jsonl", "old\n")
    const { child, ended } = start(["verify", "--in", "/dev/zero", "--out", out, "--json"])
    while (readdirSync(place.path).length < 2 && child.exitCode === null) await setTimeout(20)
    child.kill("SIGINT")
    const { code, stdout } = await ended
    assert.strictEqual(code, 130)
    assert.strictEqual(jsonLines(stdout).at(-1).tag, "Interrupted")
    assert.strictEqual(readFileSync(out, "utf8"), "old\n")
    assert.deepStrictEqual(readdirSync(place.path), ["out.jsonl"])
  })

  it("says clearly what cannot be read, written or understood, with exit code 2", async () => {
    using place = folder()
    const pairs = place.file("pairs.jsonl", linesOf(numbered(3)))
    const link = join(place.path, "link.jsonl")
    symlinkSync(pairs, link)
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
      [["verify"], /--in FILE/],
      [["verify", "1"], /Give two answers/],
      [["verify", "1", "2", "--in", pairs], /not both/],
      [["verify", "--in", join(place.path, "gone.jsonl")], /there is no such file/],
      [["verify", "--in", place.path], /is a folder/],
      [["verify", "--in", pairs, "--out", place.path], /is a folder/],
      [
        ["verify", "--in", pairs, "--out", join(place.path, "no", "out.jsonl")],
        /Cannot write .* there is no folder .*no\n/
      ],
      [["verify", "--in", pairs, "--out", pairs], /is the file that is read/],
      [["verify", "--in", pairs, "--out", link], /is the file that is read/],
      [["vote", "--in", link, "--out", pairs], /is the file that is read/],
      [["verify", "1", "1", "--out", join(place.path, "x.txt")], /--out is for the verdicts of --in FILE/],
      [["verify", "--in", pairs, "--opts", "{\"integers\": [5, 1]}"], /--opts\.integers: .*least/],
      [["verify", "--in", pairs, "--workers", "0"], /--workers must be/],
      [["verify", "--in", pairs, "--opts", "{"], /--opts is not valid JSON/],
      [["verify", "--in", pairs, "--opts", "{\"rel_tol\": 7}"], /--opts\.rel_tol/],
      [["vote"], /--in FILE/],
      [["vote", "--in", pairs, "--strategy", "coin"], /coin/]
    ]
    for (const [args, said] of cases) {
      const { code, stderr, stdout } = await polya(args)
      assert.strictEqual(code, 2, `${args.join(" ")}: ${stderr}`)
      assert.strictEqual(stdout, "")
      assert.match(stderr, said)
    }
  })

  it("ends with 1 where no line at all is a pair", async () => {
    using place = folder()
    const { code, stderr, stdout } = await polya(["verify", "--in", place.file("x.csv", "gold,pred\n1,1\n")])
    assert.strictEqual(code, 1)
    assert.match(stderr, /Of 2 lines, none is a pair that this command understands/)
    assert.strictEqual(jsonLines(stdout).length, 2)
  })

  it("says of a .gz that is none, or that was cut off, that it cannot be read", async () => {
    using place = folder()
    const whole = gzipSync(linesOf(numbered(300)))
    for (
      const [bytes, said] of [["not gz\n", /incorrect header check/], [
        whole.subarray(0, 40),
        /unexpected end of file/
      ]] as const
    ) {
      const { code, stderr } = await polya(["verify", "--in", place.file("x.jsonl.gz", bytes)])
      assert.strictEqual(code, 1, stderr)
      assert.match(stderr, said)
      assert.strictEqual(stderr.trim().split("\n").length, 1, stderr)
    }
  })

  it("ends with 1 where standard output is a full disk", ({ skip }) => {
    if (!existsSync("/dev/full")) return skip("there is no /dev/full")
    using place = folder()
    const pairs = place.file("pairs.jsonl", linesOf(numbered(300)))
    for (const args of [["--in", pairs], ["1", "1"]]) {
      const { status, stderr } = spawnSync(process.execPath, [program, "verify", ...args], {
        stdio: ["ignore", openSync("/dev/full", "w"), "pipe"]
      })
      assert.strictEqual(status, 1, String(stderr))
      assert.match(String(stderr), /^polya: Cannot write (to )?standard output: .*ENOSPC[^\n]*\n$/)
    }
  })

  it("does not read and write one file as standard input and output", () => {
    using place = folder()
    const pairs = place.file("pairs.jsonl", linesOf(numbered(3)))
    const { status, stderr } = spawnSync(process.execPath, [program, "verify", "--in", "-"], {
      stdio: [openSync(pairs, "r"), openSync(pairs, "a"), "pipe"]
    })
    assert.strictEqual(status, 2)
    assert.match(String(stderr), /Standard output is the file that is read/)
    assert.strictEqual(readFileSync(pairs, "utf8"), linesOf(numbered(3)))
  })

  it("ends with 1 on a full disk, and leaves no half file", async ({ skip }) => {
    using place = folder()
    const pairs = place.file("pairs.jsonl", linesOf(numbered(30_000)))
    using disk = smallDisk(join(place.path, "disk"), "size=256k")
    if (disk === undefined) return skip("this user may not mount a file system")
    const out = join(place.path, "disk", "out.jsonl")
    const { code, stderr } = await polya(["verify", "--in", pairs, "--out", out])
    assert.strictEqual(code, 1, stderr)
    assert.match(stderr, /Cannot write .*the disk or the quota is full/)
    assert.isFalse(existsSync(out))
    assert.deepStrictEqual(readdirSync(join(place.path, "disk")), [])
  })

  it("stops quietly when its reader leaves", async () => {
    using place = folder()
    const pairs = place.file("pairs.jsonl", linesOf(numbered(60_000)))
    const { child, ended } = start(["verify", "--in", pairs])
    child.stdout?.once("data", () => child.stdout?.destroy())
    const { code, stderr } = await ended
    assert.strictEqual(code, 0, stderr)
    assert.notInclude(stderr, "EPIPE")
  })

  it("needs no more memory for many rows than for few", async () => {
    using place = folder()
    const peak = async (rows: number): Promise<number> => {
      const path = join(place.path, `${rows}.jsonl`)
      const file = createWriteStream(path)
      const filler = "So we compute. ".repeat(60)
      for (let id = 0; id < rows; id++) {
        const pair = { id, gold: String(id % 9), pred: `${filler}\\boxed{${id % 7}}` }
        if (!file.write(`${JSON.stringify(pair)}\n`)) await new Promise<void>((resolve) => file.once("drain", resolve))
      }
      await new Promise<void>((resolve) => file.end(() => resolve()))
      const out = join(place.path, `${rows}.out.jsonl`)
      const { code, stderr, stdout } = await polya(["verify", "--in", path, "--out", out, "--workers", "2", "--json"])
      assert.strictEqual(code, 0, stderr)
      return jsonLines(stdout).at(-1).peakMemoryBytes
    }
    const few = await peak(4_000)
    const many = await peak(40_000)
    // 36 MB more of input.
    assert.isBelow(many - few, 60_000_000)
  })
})

describe("polya vote", { timeout: 300_000 }, () => {
  it("votes over the samples of each line and compares with the right answer", async () => {
    using place = folder()
    const rows = [
      {
        id: "a",
        samples: [
          { text: "\\boxed{4}", answer: null, model: "m" },
          { answer: "4", text: "\\boxed{5}", tokens: 7 },
          { answer: 5 },
          { answer: null }
        ],
        gold: "It is \\boxed{4}"
      },
      { id: "b", samples: [{ answer: "1" }, { answer: "2" }] },
      { id: "c", samples: [{ answer: "1", weight: 1 }, { answer: "2", weight: 5, logprobMean: null }], gold: "1" },
      { id: "d", samples: [{ answer: "1", logprobMean: -2 }, { answer: "2", logprobMean: 0 }] },
      { id: "e", samples: [] },
      { id: "f", samples: [{ answer: "1", weight: "heavy" }] },
      { id: "g" }
    ]
    const file = place.file("samples.jsonl", linesOf(rows))
    const { code, stderr, stdout } = await polya(["vote", "--in", file])
    assert.strictEqual(code, 0, stderr)
    const votes = jsonLines(stdout)
    assert.deepInclude(votes[0], {
      id: "a",
      answer: "4",
      groups: [{ answer: "4", votes: 2, weight: 2 }, { answer: "5", votes: 1, weight: 1 }],
      margin: 1,
      tie: false,
      correct: true
    })
    assert.deepInclude(votes[1], { id: "b", margin: 0, tie: true, tied: ["1", "2"] })
    assert.notProperty(votes[1], "correct")
    assert.deepInclude(votes[2], { id: "c", answer: "2", margin: 4, correct: false })
    assert.deepInclude(votes[3], { id: "d", answer: "2", margin: 1 - Math.exp(-2) })
    assert.deepInclude(votes[4], { id: "e", answer: null, groups: [], margin: 0, tie: false })
    assert.deepStrictEqual(votes.slice(5).map(({ error, id, line }) => [id, line, error]), [
      ["f", 6, "RowUnfit"],
      ["g", 7, "RowUnfit"]
    ])
    assert.match(stderr, /vote: 7 problems/)
    const out = join(place.path, "votes.jsonl")
    const counted = await polya(["vote", "--in", file, "--out", out, "--strategy", "majority", "--json"])
    assert.deepInclude(jsonLines(counted.stdout).at(-1), { in: 7, failed: 2, decided: 4, unanswered: 1, tied: 3 })
    assert.strictEqual(read(out)[2].tie, true)
  })
})
