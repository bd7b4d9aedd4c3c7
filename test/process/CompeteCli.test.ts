// `polya compete` against the scripted server, as people use it: answers at every moment, also after kill -9 and Ctrl-C.
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fakeServer } from "./FakeServer.ts"
import { folder, jsonLines, start } from "./Program.ts"

const count = 12
const problem = (n: number) => ({ id: `p${n}`, problem: `What is ${n} plus one thousand?`, answer: n + 1_000 })
const lines = Array.from({ length: count }, (_, n) => JSON.stringify(problem(n))).join("\n")
const script = `models: [demo]
seed: 3
problems: problems.jsonl
latency: { first: 300, token: 1 }
rules:
  - solve: { right: 1 }
`

/** A folder with the problems and the script, and the command that works on them. */
const prepare = () => {
  const place = folder()
  const data = place.file("problems.jsonl", lines)
  const out = join(place.path, "out")
  const compete = (url: string, args: ReadonlyArray<string> = []) =>
    start(
      [
        "compete",
        "--problems",
        data,
        "--minutes",
        "5",
        "--strategy",
        "majority-4",
        "--passes",
        "1",
        "--out",
        out,
        ...args
      ],
      { env: { POLYA_LLM_BASE_URL: url, POLYA_LLM_MODEL: "demo" } }
    )
  const answers = () =>
    readFileSync(join(out, "submission.csv"), "utf8").trim().split("\n").slice(1).map((line) => line.split(","))
  return { place, out, compete, answers, script: place.file("script.yaml", script) }
}
const right = Array.from({ length: count }, (_, n) => [`p${n}`, String(n + 1_000)])

describe("polya compete", () => {
  it(
    "goes on after a kill with the answers that it had, and asks for none of them again",
    { timeout: 240_000 },
    async () => {
      const { answers, compete, place, script } = prepare()
      using _ = place
      await using model = await fakeServer(script)
      const first = compete(model.url)
      await first.said(/(?=[^]*p0: 1000 \()(?=[^]*p1: 1001 \()(?=[^]*p2: 1002 \()/)
      first.child.kill("SIGKILL")
      await first.ended
      const standing = answers()
      assert.strictEqual(standing.length, count)
      assert.deepStrictEqual(standing.slice(0, 3), right.slice(0, 3))
      assert.isTrue(standing.some(([, answer]) => answer === "0"))
      const before = (await model.counts()).requests
      const second = await compete(model.url, ["--resume", "--json"]).ended
      assert.strictEqual(second.code, 0, second.stderr)
      const done = jsonLines(second.stdout).at(-1)
      assert.deepInclude(done, { event: "done", status: "done" })
      assert.deepStrictEqual(done.score, { right: count, known: count })
      assert.deepStrictEqual(answers(), right)
      // Four samples a problem at most, and once more those that were under way.
      const asked = (await model.counts()).requests
      assert.isAtMost(asked - before, (count - 3) * 4)
      assert.isAtMost(asked, count * 4 + 8)
    }
  )

  it("ends with the answers that stand when it is interrupted", { timeout: 240_000 }, async () => {
    const { answers, compete, out, place, script } = prepare()
    using _ = place
    await using model = await fakeServer(script)
    const { child, ended, said } = compete(model.url)
    await said(/(?=[^]*p0: 1000 \()(?=[^]*p1: 1001 \()/)
    child.kill("SIGINT")
    const { code, stderr } = await ended
    assert.strictEqual(code, 130, stderr)
    assert.strictEqual(answers().length, count)
    assert.deepStrictEqual(answers().slice(0, 2), right.slice(0, 2))
    assert.strictEqual(JSON.parse(readFileSync(join(out, "contest.json"), "utf8")).status, "cancelled")
  })

  it("leaves a whole answer file, and says why, where nobody answers", { timeout: 240_000 }, async () => {
    const { answers, place } = prepare()
    using _ = place
    const data = join(place.path, "problems.jsonl")
    const out = join(place.path, "out")
    const { code, stderr } = await start(
      ["compete", "--problems", data, "--minutes", "0.1", "--strategy", "greedy", "--fallback", "7", "--out", out],
      { env: { POLYA_LLM_BASE_URL: "http://127.0.0.1:9/v1", POLYA_LLM_MODEL: "demo" } }
    ).ended
    assert.strictEqual(code, 1, stderr)
    assert.include(stderr, "No problem was answered")
    assert.deepStrictEqual(answers().map(([, answer]) => answer), Array.from({ length: count }, () => "7"))
  })
})
