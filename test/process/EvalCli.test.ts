// `polya eval` against the scripted server, as people use it: what the script implies is what it says, exactly; a killed one goes on.
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fakeServer } from "./FakeServer.ts"
import { type Ended, folder, jsonLines, namesIn, polya, rowsOf, start, summaryOf } from "./Program.ts"

const shared = join(process.env["POLYA_SHARED_DATA"] ?? join(import.meta.dirname, "../../../shared/data"), "real")
const gsm8k = join(shared, "gsm8k_test.jsonl")
const files = ["failures.jsonl", "results.jsonl", "samples.jsonl", "summary.json"]

const rows = (count: number): string =>
  Array.from(
    { length: count },
    (_, n) =>
      JSON.stringify({ id: `p${n}`, problem: `What is ${n} plus one thousand?`, answer: n + 1_000, level: 1 + n % 2 })
  )
    .join("\n")
const script = (rules: string, latency = ""): string =>
  `models: [demo]\nseed: 3\nproblems: problems.jsonl\n${latency}rules:\n${rules}`
const evaluate = (url: string, args: ReadonlyArray<string>): ReturnType<typeof start> =>
  start(["eval", "--model", "demo", ...args], { env: { POLYA_LLM_BASE_URL: url, POLYA_LLM_MODEL: "demo" } })
const good = ({ code, stderr }: Ended): void => assert.strictEqual(code, 0, stderr)

describe("polya eval", () => {
  it(
    "says the accuracy that the script implies, with curves, and the same bytes again",
    { timeout: 180_000 },
    async () => {
      using place = folder()
      const data = place.file("problems.jsonl", rows(40))
      const file = place.file("script.yaml", script("  - solve: { right: 0.75 }\n"))
      await using model = await fakeServer(file)
      const out = (name: string) => join(place.path, name)
      const asked = ["--data", data, "--strategy", "majority-4", "--samples", "4", "--json"]
      const ended = await evaluate(model.url, [...asked, "--out", out("a")]).ended
      good(ended)
      const summary = summaryOf(out("a"))
      assert.deepInclude(jsonLines(ended.stdout).at(-1), { event: "done", problems: 40, failed: 0 })
      assert.deepInclude(summary.accuracy, { right: 30, of: 40, share: 0.75 })
      assert.deepStrictEqual(summary.curves.map((one: any) => [one.k, one.pass, one.majority]), [
        [1, 0.75, 0.75],
        [2, 0.75, 0.75],
        [4, 0.75, 0.75]
      ])
      assert.deepStrictEqual(Object.keys(summary.byLevel), ["1", "2"])
      assert.deepStrictEqual(namesIn(out("a")), files)
      assert.strictEqual(rowsOf(out("a"), "samples.jsonl").length, 160)
      assert.strictEqual(rowsOf(out("a"), "failures.jsonl").length, 10)
      const counts = await model.counts()
      assert.strictEqual(counts.requests, 160)
      good(await evaluate(model.url, [...asked, "--out", out("b")]).ended)
      for (const name of files.slice(1, 3)) {
        assert.strictEqual(readFileSync(join(out("a"), name), "utf8"), readFileSync(join(out("b"), name), "utf8"))
      }
      const compared = await polya(["eval", "--compare", out("a"), out("b"), "--json"])
      good(compared)
      assert.deepInclude(jsonLines(compared.stdout)[0].overall, { problems: 40, difference: 0, p: 1 })
    }
  )

  it("goes on after a kill, and counts nothing twice", { timeout: 240_000 }, async () => {
    using place = folder()
    const data = place.file("problems.jsonl", rows(60))
    const file = place.file(
      "script.yaml",
      script("  - solve: { right: 0.5 }\n", "latency: { first: 400, token: 1 }\n")
    )
    await using model = await fakeServer(file)
    const out = join(place.path, "out")
    const asked = ["--data", data, "--samples", "2", "--concurrency", "4", "--out", out]
    const first = evaluate(model.url, [...asked, "--json"])
    await first.said(/"event":"progress","evaluation":"[^"]+","problems":[1-9]/)
    first.child.kill("SIGKILL")
    await first.ended
    assert.isFalse(existsSync(join(out, "summary.json")))
    good(await evaluate(model.url, [...asked, "--resume"]).ended)
    const summary = summaryOf(out)
    assert.deepInclude(summary.accuracy, { right: 30, of: 60 })
    assert.deepInclude(summary.samples, { begun: 120, right: 60 })
    assert.deepStrictEqual(
      rowsOf(out, "results.jsonl").map(({ id }) => id),
      Array.from({ length: 60 }, (_, n) => `p${n}`)
    )
    const again = await evaluate(model.url, [...asked, "--resume"]).ended
    good(again)
    assert.include(again.stderr, "was done before")
  })

  it("ends with 1 and counts the others where problems fail", { timeout: 300_000 }, async () => {
    using place = folder()
    const data = place.file("problems.jsonl", rows(6))
    const file = place.file(
      "script.yaml",
      script("  - when: { id: p3 }\n    fail: { kind: refused }\n  - solve: { right: 1 }\n")
    )
    await using model = await fakeServer(file)
    const out = join(place.path, "out")
    const ended = await evaluate(model.url, ["--data", data, "--strategy", "greedy", "--out", out]).ended
    assert.strictEqual(ended.code, 1)
    assert.include(ended.stderr, "1 problem failed with an error")
    assert.deepInclude(summaryOf(out), { failed: 1, problems: 6 })
    assert.deepInclude(summaryOf(out).accuracy, { right: 5, of: 5 })
    assert.strictEqual(rowsOf(out, "failures.jsonl")[0].error.tag, "RequestRefused")
  })

  it("has a cluster do the work and brings the same files", { timeout: 180_000 }, async () => {
    using place = folder()
    const data = place.file("problems.jsonl", rows(20))
    const file = place.file("script.yaml", script("  - solve: { right: 0.9 }\n"))
    await using model = await fakeServer(file)
    const env = { POLYA_LLM_BASE_URL: model.url, POLYA_LLM_MODEL: "demo" }
    const served = start(["serve", "--port", "0", "--data", join(place.path, "store"), "--json"], { env })
    await served.said(/"event":"ready"/)
    const url = /"url":"(http:[^"]+)"/.exec(served.printed())?.[1] ?? ""
    const out = join(place.path, "out")
    good(
      await polya(["eval", "--data", data, "--model", "demo", "--samples", "2", "--out", out, "--url", url])
    )
    assert.deepInclude(summaryOf(out).accuracy, { right: 18, of: 20 })
    assert.deepStrictEqual(namesIn(out), files)
    assert.strictEqual(rowsOf(out, "samples.jsonl").length, 40)
    assert.isTrue(rowsOf(out, "samples.jsonl").every(({ text }) => typeof text === "string"))
    served.child.kill("SIGTERM")
    await served.ended
  })

  it("tells wrong usage before any work", { timeout: 300_000 }, async () => {
    using place = folder()
    const none = place.file("none.jsonl", "{\"problem\": \"Why?\"}\n")
    const wrong = async (...args: ReadonlyArray<string>) => {
      const { code, stderr } = await polya(["eval", ...args], { cwd: place.path })
      assert.strictEqual(code, 2, stderr)
      return stderr
    }
    assert.include(await wrong(), "--data FILE")
    assert.include(await wrong("--data", none), "no problem with a reference answer")
    assert.include(await wrong("--data", join(place.path, "missing.jsonl")), "missing.jsonl")
    assert.include(await wrong("--data", none, "--stop", "soon"), "--stop")
    assert.include(await wrong("--compare", place.path), "two folders")
    assert.include(await wrong("--compare", place.path, place.path), "is no folder of an evaluation")
  })

  it.skipIf(!existsSync(gsm8k))(
    "evaluates 1,319 problems of GSM8K to the accuracy of the script (POLYA_SHARED_DATA)",
    { timeout: 600_000 },
    async () => {
      using place = folder()
      const problems = jsonLines(readFileSync(gsm8k, "utf8")).map(({ answer, question }) =>
        JSON.stringify({ problem: question, answer: String(answer).split("####").at(-1)?.trim() })
      )
      place.file("problems.jsonl", problems.join("\n"))
      const file = place.file("script.yaml", script("  - solve: { right: 0.8 }\n"))
      await using model = await fakeServer(file)
      const out = join(place.path, "out")
      good(
        await evaluate(model.url, ["--data", gsm8k, "--strategy", "greedy", "--concurrency", "64", "--out", out]).ended
      )
      const right = Math.round(0.8 * 1_319)
      assert.deepInclude(summaryOf(out).accuracy, { right, of: 1_319, share: right / 1_319 })
      assert.strictEqual(rowsOf(out, "failures.jsonl").length, 1_319 - right)
    }
  )
})
