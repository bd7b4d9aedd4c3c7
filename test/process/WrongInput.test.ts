// Wrong input, a full disk, a second process, interruptions: the program says in a sentence what to do, with the right exit code, leaves
// nothing half-written that looks whole, and goes on where it can.
import { assert, describe, it } from "@effect/vitest"
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync
} from "node:fs"
import { join } from "node:path"
import {
  bytesOf,
  type Ended,
  folder,
  jsonLines,
  namesIn,
  polya,
  rowsOf,
  smallDisk,
  sourceLines,
  start,
  summaryOf
} from "./Program.ts"

const runs = (source: string, out: string, ...more: ReadonlyArray<string>): ReadonlyArray<string> => [
  "run",
  "dataset-cpu",
  "--source",
  source,
  "--out",
  out,
  ...more
]

/** One message on stderr, at most `lines` long beside the log, and nothing on stdout. */
const refused = (end: Ended, code: number, said: RegExp, lines = 2): void => {
  const message = end.stderr.replace(/^\[[\d:.]+\] .*\n/gm, "")
  assert.strictEqual(end.code, code, end.stderr)
  assert.match(message, said)
  assert.match(message, /^polya: /)
  assert.notMatch(message, /bug in polya|\n {4}at /)
  assert.isAtMost(message.trimEnd().split("\n").length, lines, end.stderr)
  assert.strictEqual(end.stdout, "")
}

describe("wrong input", { timeout: 300_000 }, () => {
  it("is refused in a sentence before any work, with exit code 2 and no output folder", async () => {
    using place = folder()
    const good = place.file("good.jsonl", sourceLines(50, 1).join("\n"))
    const empty = place.file("empty.jsonl", "")
    const blank = place.file("blank.jsonl", "\n\n  \n\t\n")
    const noise = Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * 151 + (i >> 3)) % 256))
    const binary = place.file("binary.dat", noise)
    const disguised = place.file("disguised.jsonl", noise)
    const bare = join(place.path, "bare")
    mkdirSync(bare)
    place.file("bare/README.md", "# no data here")
    const out = join(place.path, "out")
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
      [runs(empty, out), /empty\.jsonl: the file is empty/],
      [runs(blank, out), /blank\.jsonl: it has no rows/],
      [runs(bare, out), /bare: the folder has no Parquet, JSON lines, JSON or CSV file, but only README\.md/],
      [runs(binary, out), /binary\.dat: neither its name nor its content tells the format; say it \(--format/],
      [runs(disguised, out), /disguised\.jsonl: none of its first \d+ rows can be read/],
      [runs(join(place.path, "gone.jsonl"), out), /gone\.jsonl: there is no such file or folder/],
      [["run", "dataset-cpu", "--source", good], /--out DIR/],
      [["run", "dataset-cpu", "--out", out], /give --source FILE/],
      [runs(good, good), /good\.jsonl: .*a file has its name/],
      [runs(good, join(good, "below", "it")), /below\/it: .*a file has its name/],
      [runs(good, out, "--stages", "quality,splitt"), /no stage "splitt"; did you mean "split"\?/],
      [runs(good, out, "--mode", "dmo"), /no mode "dmo"; did you mean "demo"\?/],
      [runs(good, out, "--preset", "nonsense"), /no preset "nonsense"; there are auto, /],
      [runs(good, out, "--format", "xml"), /--format xml: there is auto, jsonl/],
      [runs(good, out, "--field", "problem"), /--field problem: write FIELD=COLUMN/],
      [runs(good, out, "--query", "SELECT 1"), /a query is for databases/],
      [runs(good, out, "--limit", "0"), /--limit must be at least 1/],
      [runs(good, out, "--in-flight", "0"), /--in-flight must be from 1/],
      [runs(good, out, "--against", join(place.path, "aime.jsonl")), /--against.*There is no file .*aime\.jsonl/],
      [runs(good, out, "--config", join(place.path, "mine.yaml")), /mine\.yaml: there is no such file/],
      [["run", "dataset-cup", "--source", good, "--out", out], /No recipe dataset-cup.*Did you mean dataset-cpu\?/]
    ]
    for (const [args, said] of cases) refused(await polya(args), 2, said)
    assert.isFalse(existsSync(out))
  })

  it("in a recipe is named all at once, each with its line and its path", async () => {
    using place = folder()
    const good = place.file("good.jsonl", sourceLines(50, 1).join("\n"))
    const recipe = place.file(
      "bad.yaml",
      "recipe: bad\nversion: 1\nstages:\n  - normalise:\n      qoutes: true\n  - quality:\n      minTokens: three\n" +
        "  - split\nlimits: { inFlight: 0 }\n"
    )
    const end = await polya(["run", recipe, "--source", good, "--out", join(place.path, "out")])
    refused(end, 2, /bad\.yaml:5:7 stages\[0\]\.normalise\.qoutes: .*did you mean "quotes"/, 4)
    assert.match(end.stderr, /bad\.yaml:7:18 stages\[1\]\.quality\.minTokens: /)
    assert.match(end.stderr, /bad\.yaml:9:21 limits\.inFlight: /)
    assert.isFalse(existsSync(join(place.path, "out")))
  })

  it("that would unfold to billions of values is refused at once", async () => {
    using place = folder()
    const good = place.file("good.jsonl", sourceLines(50, 1).join("\n"))
    const names = "abcdefghi".split("")
    const layers = names.map((name, i) =>
      `${name}: &${name} [${Array.from({ length: 9 }, () => (i === 0 ? "x" : `*${names[i - 1]}`)).join(", ")}]`
    )
    const recipe = place.file("bomb.yaml", `recipe: bomb\nversion: 1\n${layers.join("\n")}\nstages: [*i]\n`)
    refused(
      await polya(["run", recipe, "--source", good, "--out", join(place.path, "out")]),
      2,
      /bomb\.yaml:\d+:\d+ .*More than 100 aliases/
    )
  })

  it("in polya.yaml or the environment is named by place", async () => {
    using place = folder()
    const good = place.file("good.jsonl", sourceLines(50, 1).join("\n"))
    place.file("polya.yaml", "stage:\n  wokers: 2\n  batchMillis: soon\n")
    for (const args of [runs(good, join(place.path, "out")), ["config"]]) {
      const end = await polya(args, { cwd: place.path })
      refused(end, 2, /polya\.yaml:2:3 stage\.wokers: .*did you mean "workers"/)
      assert.match(end.stderr, /polya\.yaml:3:16 stage\.batchMillis: /)
    }
    using elsewhere = folder()
    const env = { POLYA_STAGE_WORKERS: "many" }
    refused(await polya(["config"], { cwd: elsewhere.path, env }), 2, /POLYA_STAGE_WORKERS/)
    assert.isFalse(existsSync(join(place.path, "out")))
  })
})

describe("bad rows in a good file", { timeout: 300_000 }, () => {
  it("fail alone: 100 MB on one line and bytes that are no UTF-8 cost neither the rest nor memory", async () => {
    using place = folder()
    const lines = sourceLines(200, 6)
    const source = place.file("mixed.jsonl", `${lines.slice(0, 100).join("\n")}\n{"problem":"`)
    const file = openSync(source, "a")
    for (let i = 0; i < 100; i++) writeSync(file, Buffer.alloc(1_000_000, "a"))
    writeSync(file, "\"}\n")
    writeSync(
      file,
      Buffer.from("{\"problem\":\"What is the sum of the first \xff\xfe odd numbers, exactly?\"}\n", "latin1")
    )
    writeSync(file, lines.slice(100).join("\n"))
    closeSync(file)
    const out = join(place.path, "out")
    const end = await polya(runs(source, out))
    assert.strictEqual(end.code, 0, end.stderr)
    const summary = summaryOf(out)
    assert.strictEqual(summary.in, 202)
    assert.include(summary.faults, { LineTooLong: 1, InvalidUtf8: 1 })
    assert.isBelow(summary.peakMemoryBytes, 400 * 1_048_576)
    const faults = rowsOf(out, "failed.jsonl").filter(({ tag }) => tag === "LineTooLong" || tag === "InvalidUtf8")
    assert.deepStrictEqual(faults.map(({ line, tag }) => [line, tag]), [[101, "LineTooLong"], [102, "InvalidUtf8"]])
    const plain = join(place.path, "plain")
    await polya(runs(place.file("plain.jsonl", lines.join("\n")), plain))
    const texts = (folder: string) =>
      rowsOf(folder, "train.jsonl").length + rowsOf(folder, "test.jsonl").length +
      rowsOf(folder, "validation.jsonl").length
    assert.strictEqual(texts(out), texts(plain))
  })

  it("do not come from folders as data sets are published: Parquet below data/, or JSON lines beside a card", async () => {
    using place = folder()
    const lines = sourceLines(120, 7)
    place.file("recipe.yaml", "recipe: both\nversion: 1\nstages: [normalise, split]\noutputs: [jsonl, parquet]\n")
    const made = join(place.path, "made")
    const source = place.file("problems.jsonl", lines.join("\n"))
    assert.strictEqual(
      (await polya(["run", join(place.path, "recipe.yaml"), "--source", source, "--out", made])).code,
      0
    )
    for (const kind of ["parquet", "jsonl"]) {
      const set = join(place.path, `set-${kind}`)
      mkdirSync(join(set, "data"), { recursive: true })
      place.file(`set-${kind}/README.md`, "---\nlicense: mit\n---\n# A card")
      place.file(`set-${kind}/dataset_infos.json`, "{\"default\":{\"features\":{}}}")
      place.file(`set-${kind}/data/empty.${kind}`, "")
      copyFileSync(join(made, `train.${kind}`), join(set, "data", `train-00000-of-00001.${kind}`))
      const out = join(place.path, `out-${kind}`)
      const end = await polya(runs(set, out))
      assert.strictEqual(end.code, 0, end.stderr)
      assert.strictEqual(summaryOf(out).in, rowsOf(made, "train.jsonl").length)
      assert.strictEqual(summaryOf(out).failed, 0)
    }
  })
})

describe("the output folder", { timeout: 300_000 }, () => {
  it("on a read-only file system is refused before any work", async ({ skip }) => {
    using place = folder()
    const good = place.file("good.jsonl", sourceLines(50, 1).join("\n"))
    using disk = smallDisk(join(place.path, "disk"), "size=1m")
    if (disk === undefined) return skip("this user may not mount a file system")
    disk.change("ro")
    for (const out of ["disk", "disk/below/it"]) {
      refused(await polya(runs(good, join(place.path, out))), 2, /this user may not write there; choose another/)
    }
  })

  it(
    "on a full disk fails in words, keeps what was done, and goes on to the same bytes when there is room",
    async ({ skip }) => {
      using place = folder()
      const source = place.file("problems.jsonl", sourceLines(4_000, 8).join("\n"))
      assert.strictEqual((await polya(runs(source, join(place.path, "calm")))).code, 0)
      const expected = bytesOf(join(place.path, "calm"))
      // The store and the outputs on the small disk; the outputs alone.
      for (const data of [[], ["--data", join(place.path, "store")]]) {
        using disk = smallDisk(join(place.path, "disk"), data.length === 0 ? "size=5m" : "size=600k")
        if (disk === undefined) return skip("this user may not mount a file system")
        const out = join(place.path, "disk", "out")
        const full = await polya(runs(source, out, "--json", ...data))
        assert.strictEqual(full.code, 1, full.stderr)
        assert.match(full.stderr, /disk.* full/)
        assert.notMatch(full.stderr, /bug in polya/)
        assert.include(jsonLines(full.stdout).at(-1), { event: "error", exitCode: 1 })
        assert.deepStrictEqual(namesIn(out), [])
        disk.change("size=200m")
        const end = await polya(runs(source, out, "--resume", ...data))
        assert.strictEqual(end.code, 0, end.stderr)
        assert.deepStrictEqual(bytesOf(out), expected)
      }
    },
    90_000
  )

  it("that a process works in is not touched by a second one, which names the first", async () => {
    using place = folder()
    const source = place.file("problems.jsonl", sourceLines(3_000, 9).join("\n"))
    const other = place.file("other.jsonl", sourceLines(50, 1).join("\n"))
    const out = join(place.path, "out")
    assert.strictEqual((await polya(runs(source, join(place.path, "calm")))).code, 0)
    const first = start(runs(source, out, "--rate", "1500", "--json"))
    await first.said(/"in":[1-9]/)
    first.child.kill("SIGSTOP") // however slow the machine is, it is still at work when the others come
    try {
      for (const args of [runs(source, out), runs(source, out, "--resume"), runs(other, out)]) {
        refused(await polya(args), 2, new RegExp(`in use by process ${first.child.pid}\\. Wait for it, stop it, or`))
      }
    } finally {
      first.child.kill("SIGCONT")
    }
    const end = await first.ended
    assert.strictEqual(end.code, 0, end.stderr)
    assert.deepStrictEqual(bytesOf(out), bytesOf(join(place.path, "calm")))
  })
})

describe("a run that was interrupted", { timeout: 300_000 }, () => {
  it("by SIGINT or SIGTERM ends with 130, leaves nothing half-written, and resumes to the same bytes", async () => {
    using place = folder()
    const source = place.file("problems.jsonl", sourceLines(3_000, 10).join("\n"))
    assert.strictEqual((await polya(runs(source, join(place.path, "calm")))).code, 0)
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const out = join(place.path, signal)
      const { child, ended, said } = start(runs(source, out, "--rate", "1500", "--json"))
      await said(/"in":[1-9]/)
      child.kill(signal)
      const end = await ended
      assert.strictEqual(end.code, 130, end.stderr)
      assert.match(end.stderr, /--resume to go on/)
      assert.deepStrictEqual(namesIn(out), [])
      assert.strictEqual((await polya(runs(source, out, "--resume"))).code, 0)
      assert.deepStrictEqual(bytesOf(out), bytesOf(join(place.path, "calm")))
    }
  })

  it("does not go on with a changed source, another recipe or a damaged store, and says what to do", async () => {
    using place = folder()
    const lines = sourceLines(3_000, 11).join("\n")
    const source = place.file("problems.jsonl", lines)
    const out = join(place.path, "out")
    const { child, ended, said } = start(runs(source, out, "--rate", "1500", "--json"))
    await said(/"in":[1-9]/)
    child.kill("SIGKILL")
    await ended
    appendFileSync(source, "\n{\"problem\":\"How many rows does this file have now?\"}")
    refused(await polya(runs(source, out, "--resume")), 2, /source has changed since[^]*put the old content back/)
    place.file("problems.jsonl", lines)
    for (const other of [["--seed", "7"], ["--stages", "normalise,split"], ["--limit", "5"]]) {
      refused(await polya(runs(source, out, "--resume", ...other)), 2, /another recipe, source, seed or limit/)
    }
    assert.deepStrictEqual(namesIn(out), [])

    const database = join(out, ".polya", "polya.db")
    const resumed = await polya(runs(source, out, "--resume", "--rate", "0"))
    assert.strictEqual(resumed.code, 0, resumed.stderr)
    const bytes = readFileSync(database)
    // The header; pages inside.
    for (const from of [0, 16_384]) {
      const damaged = Buffer.from(bytes)
      damaged.fill(0xa5, from, Math.min(bytes.length, from + 163_840))
      place.file("out/.polya/polya.db", damaged)
      const end = await polya(runs(source, out, "--resume"))
      assert.strictEqual(end.code, 1, end.stderr)
      assert.match(end.stderr, /polya\.db is damaged or is not a SQLite file[^]*without --resume to start anew/)
      assert.notMatch(end.stderr, /bug in polya/)
    }
    // The finished outputs still stand, and a new run makes them again.
    const before = bytesOf(out)
    assert.strictEqual((await polya(runs(source, out))).code, 0)
    assert.deepStrictEqual(bytesOf(out), before)
  })
})
