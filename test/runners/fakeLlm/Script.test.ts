// Scripts as people write them: those that ship, the one of the documentation, and mistakes with their places.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { checkScript, Failure, failureKeys, Latency, Match, Rule, Script } from "../../../src/runners/fakeLlm/Script.ts"
import { loadScript } from "../../../src/runners/fakeLlm/ScriptFile.ts"
import { readYaml } from "../../../src/runners/YamlDocument.ts"

const root = join(import.meta.dirname, "..", "..", "..")
const documentation = readFileSync(join(root, "docs", "fake-llm.md"), "utf8")
const mistakes = (text: string): ReadonlyArray<string> => {
  const document = readYaml(text)
  const checked = checkScript(document.value)
  return Result.isSuccess(checked)
    ? []
    : checked.failure.map(document.place).map(({ column, line, message, path }) =>
      `${line}:${column} ${path}: ${message}`
    )
}
const inFolder = <A>(files: { readonly [name: string]: string }, use: (folder: string) => Effect.Effect<A>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "polya-test-"))
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
      return folder
    }),
    use,
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )

describe("scripts", () => {
  it.effect("that ship with polya are found by name and have no mistake", () =>
    Effect.gen(function*() {
      const names = readdirSync(join(root, "demo", "fake-llm")).map((file) => file.replace(/\.yaml$/, ""))
      assert.includeMembers(names, ["arithmetic", "competition"])
      for (const name of names) {
        const { problems, script } = yield* loadScript(name)
        assert.isAbove(script.rules.length, 0)
        assert.isAbove(problems.rows.length, 7)
      }
    }))

  it("are documented: the example, every key and every kind of failure", () => {
    const example = /```yaml\n([^]*?)```/.exec(documentation)?.[1] ?? ""
    assert.deepStrictEqual(mistakes(example), [])
    const keys = [Script, Rule, Match, Failure, Latency].flatMap(({ fields }) => Object.keys(fields))
    for (const word of [...keys, ...Object.keys(failureKeys)]) assert.match(documentation, new RegExp(`\\b${word}\\b`))
  })

  it("have their mistakes told with place and reason", () => {
    const text = `rules:
  - { say: hi, when: { problem: x, pattern: "[a" } }
  - { when: { nth: 1 } }
  - { answers: { "1": 0 }, solve: {} }
  - { say: a, steps: [b] }
  - { fail: { kind: cut, retryAfter: 1 } }
  - { fail: { kind: reset-before, after: 1 } }
  - { select: 0.5 }
`
    assert.deepStrictEqual(mistakes(text), [
      "2:45 rules[0].when.pattern: A [ is not closed (at character 3)",
      "3:5 rules[1]: This rule says nothing: give say, steps, answers, solve, select, judge, words or fail",
      "4:28 rules[2].solve: Give one of answers, solve",
      "4:16 rules[2].answers: No answer has a weight above 0",
      "5:15 rules[3].steps: Give either say or steps",
      "6:26 rules[4].fail.retryAfter: cut takes no retryAfter; it takes after",
      "7:35 rules[5].fail.after: reset-before takes nothing else",
      "8:7 rules[6].select: There is nothing to select: name a file in problems"
    ])
    assert.match(mistakes("rules: [{ fail: { kind: cutt } }]").join(), /1:25 .*"cut"/)
    assert.isNotEmpty(mistakes("rules: []\nlatency: { first: { median: 5 } }"))
    assert.lengthOf(mistakes("{}"), 1)
  })

  it.effect("name a table of problems beside them, whose mistakes are told by line", () =>
    inFolder({
      "script.json": JSON.stringify({ problems: "good.jsonl", rules: [{ solve: {} }] }),
      "bad.yaml": "problems: bad.jsonl\nrules: []\n",
      "gone.yaml": "problems: gone.jsonl\nrules: []\n",
      "good.jsonl":
        "{\"question\":\"How many?\",\"answer\":\"2 + 2\\n#### 4\"}\n\n{\"problem\":\"Which?\",\"answer\":7,\"id\":3}\n",
      "bad.jsonl": "{\"problem\":\"x\",\"answer\":\"1\"}\n{\"problem\":\"y\"}\n"
    }, (folder) =>
      Effect.gen(function*() {
        const { problems } = yield* loadScript(join(folder, "script.json"))
        assert.deepStrictEqual(problems.rows.map(({ answer, id }) => [answer, id]), [["4", undefined], ["7", "3"]])
        const bad = yield* Effect.flip(loadScript(join(folder, "bad.yaml")))
        assert.match(bad.message, /bad\.yaml:1:11 problems: .*bad\.jsonl, line 2: it has no answer/)
        const gone = yield* Effect.flip(loadScript(join(folder, "gone.yaml")))
        assert.match(gone.message, /gone\.yaml:1:11 problems: Cannot read .*gone\.jsonl/)
      }).pipe(Effect.orDie)))
})
