// The command line as a person or a machine meets it: help, exit codes, what stands on which output, and the shape of what a run leaves
// behind (docs: "Output folder" and summary.json).
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { dataFiles, folder, jsonLines, namesIn, polya, rowsOf, sourceLines, start, summaryOf } from "./Program.ts"

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((a, b) => a + b, 0)
const counts = (record: object): number => sum(Object.values(record))
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

describe("the command line", { timeout: 300_000 }, () => {
  it("gives help with exit code 0, on stdout, in lines of at most 100 characters", async () => {
    for (const args of [[], ["--help"], ["run", "--help"], ["demo", "--help"], ["report", "--help"]]) {
      const { code, stderr, stdout } = await polya(args)
      assert.strictEqual(code, 0, args.join(" "))
      assert.strictEqual(stderr, "")
      assert.match(stdout, /USAGE\n {2}polya/)
      for (const line of stdout.split("\n")) assert.isAtMost(line.length, 100, line)
    }
  })

  it("answers wrong usage with one sentence, the way to the help and exit code 2", async () => {
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
      [["frobnicate"], /Unknown subcommand "frobnicate"[^]*`polya --help`/],
      [["run"], /Missing required argument: recipe[^]*`polya run --help`/],
      [["run", "dataset-cpu", "--jsn"], /--jsn.*did you mean --json\?/],
      [["run", "dataset-cpu", "--limit", "few"], /--limit: "few"/]
    ]
    for (const [args, said] of cases) {
      const end = await polya(args)
      assert.strictEqual(end.code, 2, args.join(" "))
      assert.strictEqual(end.stdout, "")
      assert.match(end.stderr, said)
      assert.isBelow(end.stderr.split("\n").length, 4)
    }
  })

  it("tells settings and findings as JSON lines too", async () => {
    using place = folder()
    for (const command of ["config", "doctor"]) {
      const { stdout } = await polya([command, "--json"], { cwd: place.path })
      assert.isAbove(jsonLines(stdout).length, 5, command)
    }
  })
})

describe("a reader that leaves before the end", { timeout: 300_000 }, () => {
  it("misses the rest of what is said; the work is done all the same", async () => {
    using place = folder()
    const out = join(place.path, "out")
    const { child, ended } = start(["run", "dataset-cpu", "--mode", "demo", "--out", out, "--json"])
    child.stdout?.once("data", () => child.stdout?.destroy())
    const { code, stderr } = await ended
    assert.strictEqual(code, 0, stderr)
    assert.notInclude(stderr, "EPIPE")
    assert.isAbove(summaryOf(out).done, 0)
  })
})

describe("--json", { timeout: 300_000 }, () => {
  it("puts progress and the summary on stdout, one object a line, and nothing else there", async () => {
    using place = folder()
    const source = place.file("problems.jsonl", sourceLines(400, 2).join("\n"))
    const { code, stderr, stdout } = await polya([
      "run",
      "dataset-cpu",
      "--source",
      source,
      "--out",
      join(place.path, "out"),
      "--json"
    ])
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(stderr, "")
    const events = jsonLines(stdout)
    assert.deepStrictEqual(new Set(events.map(({ event }) => event)), new Set(["progress", "done"]))
    const { event, ...done } = events.at(-1)
    const { report, ...summary } = summaryOf(join(place.path, "out"))
    assert.strictEqual(event, "done")
    assert.isObject(report)
    assert.deepStrictEqual(done, summary)
  })

  it("ends with an error object whatever goes wrong", async () => {
    using place = folder()
    const good = place.file("good.jsonl", sourceLines(50, 2).join("\n"))
    const out = join(place.path, "out")
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
      [["run", "dataset-cpu", "--source", good, "--out", out, "--nonsense"], "Usage"],
      [["run", "dataset-cpu", "--source", good], "Misused"],
      [["run", "no-such-recipe", "--source", good, "--out", out], "RecipeMissing"],
      [["run", "dataset-cpu", "--out", out], "RecipeInvalid"],
      [["run", "dataset-cpu", "--source", join(place.path, "gone.jsonl"), "--out", out], "SourceUnreadable"],
      [["run", "dataset-cpu", "--source", good, "--out", good], "OutputFailed"],
      [["report", join(place.path, "nowhere")], "Misused"]
    ]
    for (const [args, tag] of cases) {
      const { code, stdout } = await polya([...args, "--json"])
      assert.strictEqual(code, 2, args.join(" "))
      const events = jsonLines(stdout)
      assert.strictEqual(events.length, 1)
      assert.include(events[0], { event: "error", tag, exitCode: 2 })
      assert.isAbove(events[0].message.length, 10)
    }
    assert.deepStrictEqual(namesIn(out), [])
  })

  it("says so when it is interrupted", async () => {
    using place = folder()
    const source = place.file("problems.jsonl", sourceLines(3_000, 2).join("\n"))
    const args = [
      "run",
      "dataset-cpu",
      "--source",
      source,
      "--out",
      join(place.path, "out"),
      "--rate",
      "1500",
      "--json"
    ]
    const { child, ended, said } = start(args)
    await said(/"in":[1-9]/)
    child.kill("SIGINT")
    const { code, stdout } = await ended
    assert.strictEqual(code, 130)
    assert.include(jsonLines(stdout).at(-1), { event: "error", tag: "Interrupted", exitCode: 130 })
  })
})

describe("what a run leaves behind", { timeout: 300_000 }, () => {
  it("is the output folder and the summary as they are agreed, and every count adds up", async () => {
    using place = folder()
    const lines = sourceLines(1_200, 3)
    const source = place.file("problems.jsonl", lines.join("\n"))
    const out = join(place.path, "out")
    const { code, stderr } = await polya(["run", "dataset-cpu", "--source", source, "--out", out])
    assert.strictEqual(code, 0, stderr)
    assert.deepStrictEqual(namesIn(out), [...dataFiles, "report.html", "summary.json"].sort())
    assert.match(readFileSync(join(out, "report.html"), "utf8"), /^<!doctype html>/i)

    const summary = summaryOf(out)
    assert.strictEqual(summary.recipe, "dataset-cpu")
    assert.strictEqual(summary.in, lines.length)
    for (const name of ["done", "failed", "peakMemoryBytes"]) assert.isTrue(isCount(summary[name]), name)
    assert.strictEqual(summary.in, summary.done + counts(summary.dropped) + summary.failed)
    for (const [key, n] of Object.entries(summary.dropped)) {
      assert.match(key, /^[a-z-]+\/[a-z-]+$/)
      assert.isTrue(isCount(n))
    }
    assert.isAbove(summary.seconds, 0)
    assert.approximately(summary.problemsPerSecond, summary.in / summary.seconds, summary.problemsPerSecond / 20)
    assert.isAbove(summary.peakMemoryBytes, 50 * 1_048_576)

    assert.deepStrictEqual(Object.keys(summary.splits).sort(), ["test", "train", "validation"])
    const written = Object.fromEntries(dataFiles.map((name) => [name, rowsOf(out, name)]))
    for (const [split, n] of Object.entries(summary.splits)) assert.strictEqual(written[`${split}.jsonl`]?.length, n)
    const stages = new Map<string, any>(summary.stages.map((stage: any) => [stage.name, stage]))
    assert.deepStrictEqual([...stages.keys()].sort(), [
      "check-answers",
      "classify",
      "decontaminate",
      "difficulty",
      "exact-duplicates",
      "extract-problems",
      "fill-answers",
      "leaks",
      "near-duplicates",
      "normalise",
      "quality",
      "split"
    ])
    for (const stage of stages.values()) {
      for (const name of ["version", "in", "out", "dropped", "failed"]) assert.isTrue(isCount(stage[name]), name)
      assert.isAtLeast(stage.seconds, 0)
      // What goes in comes out, was dropped, failed, or became derived rows, which come out in its place.
      const becameOthers = (stage.derived ?? 0) - (stage.expanded ?? 0)
      assert.strictEqual(stage.in + becameOthers, stage.out + stage.dropped + stage.failed, stage.name)
    }
    const inOrder = [...stages.values()]
    inOrder.slice(1).forEach((stage, index) => assert.strictEqual(stage.in, inOrder[index]?.out, stage.name))
    assert.strictEqual(inOrder.at(-1)?.out, counts(summary.splits))
    assert.deepStrictEqual(Object.keys(summary.derived), ["extract-problems"])
    assert.strictEqual(summary.derived["extract-problems"], stages.get("extract-problems")?.derived)
    assert.isAbove(summary.derived["extract-problems"], 0)

    // Source rows by fate: a row that became others is done.
    const dropped = written["dropped.jsonl"] ?? []
    assert.strictEqual(dropped.filter(({ derived }) => !derived).length, counts(summary.dropped))
    for (const { reason, row, stage } of dropped) {
      assert.isTrue(stages.has(stage))
      assert.match(reason, /^[a-z-]+$/)
      assert.isObject(row)
    }
    const failed = written["failed.jsonl"] ?? []
    assert.strictEqual(failed.length, summary.failed)
    for (const { error, line, message, row, stage, tag } of failed) {
      assert.strictEqual(stage, "source")
      assert.strictEqual(error, tag)
      assert.include(["MalformedRow", "MissingField"], tag)
      assert.isAbove(message.length, 10)
      assert.isTrue(row !== undefined || isCount(line))
      // The line named is the line of the file.
      const text = lines[line - 1] ?? ""
      assert.strictEqual(tag === "MalformedRow", text === "{\"problem\": \"never closed", text)
    }
    const kept = dataFiles.slice(0, 3).flatMap((name) => written[name] ?? [])
    assert.isTrue(kept.every(({ problem }) => typeof problem === "string" && problem.trim() !== ""))
    assert.strictEqual(new Set(kept.map(({ id }) => id)).size, kept.length)
  })

  it("is the whole of an earlier run until a new one is done", async () => {
    using place = folder()
    const out = join(place.path, "out")
    const first = place.file("first.jsonl", sourceLines(200, 4).join("\n"))
    const second = place.file("second.jsonl", sourceLines(3_000, 5).join("\n"))
    assert.strictEqual((await polya(["run", "dataset-cpu", "--source", first, "--out", out])).code, 0)
    const names = namesIn(out)
    const before = names.map((name) => readFileSync(join(out, name), "utf8"))
    const unchanged = (): void => {
      assert.deepStrictEqual(namesIn(out), names)
      assert.deepStrictEqual(names.map((name) => readFileSync(join(out, name), "utf8")), before)
    }
    assert.strictEqual((await polya(["run", "dataset-cpu", "--source", `${first}.gone`, "--out", out])).code, 2)
    unchanged()
    const { child, ended, said } = start(
      ["run", "dataset-cpu", "--source", second, "--out", out, "--rate", "1500", "--json"]
    )
    await said(/"in":[1-9]/)
    child.kill("SIGKILL")
    assert.strictEqual((await ended).signal, "SIGKILL")
    unchanged()
  })
})
