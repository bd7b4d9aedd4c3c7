// A sample with tools on the sandbox of this machine, at the strongest level that it has: programs keep their variables, and what goes wrong in
// them reaches the model in words.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { CodeSandbox } from "../../../src/actors/CodeSandbox.ts"
import { makeRegistry, MetricRegistry } from "../../../src/actors/Metrics.ts"
import { finalText, reasonWithTools } from "../../../src/actors/ToolReasoning.ts"
import { solveMessages } from "../../../src/domain/Prompts.ts"
import { defaultToolBudget } from "../../../src/domain/ToolReasoning.ts"
import { SandboxConfig } from "../../../src/runners/Config.ts"
import * as Sandbox from "../../../src/runners/Sandbox.ts"
import { inTurn, makeScripted } from "../../actors/ScriptedGeneration.ts"

const real = Sandbox.layer({ ...SandboxConfig.defaults, sessions: 1, spares: 0, startMillis: 120_000 }, {
  checked: false
}).pipe(Layer.provide(Layer.succeed(MetricRegistry, makeRegistry())))
const fenced = (code: string): string => `\`\`\`python\n${code}\n\`\`\`\n`
const budget = { ...defaultToolBudget, cellMillis: 60_000, calls: 4 }

describe("a sample with tools on a real sandbox", { timeout: 300_000 }, () => {
  it.live("has variables, tracebacks and values, and an answer of its own", ({ skip }) =>
    Effect.gen(function*() {
      const { level, levels } = yield* Effect.flatMap(CodeSandbox, ({ facts }) => facts)
      if (level === null) return skip(`no sandbox here: ${levels.map(({ detail }) => detail).join("; ")}`)
      const model = makeScripted(inTurn(
        `Count first.\n${fenced("total = sum(n for n in range(1000) if n % 3 == 0 or n % 5 == 0)")}`,
        fenced("print('```\\n```python')\ntotal / nothing"),
        "<tool_call>\n{\"name\": \"python\", \"arguments\": {\"code\": \"total\"}}\n</tool_call>",
        "So it is \\boxed{233168}."
      ))
      const problem = "What is the sum of all multiples of 3 or 5 below 1000?"
      const { executions, output, steps } = yield* Effect.scoped(reasonWithTools({
        model: "scripted",
        prompt: { _tag: "Chat", messages: solveMessages(problem, { tools: budget }) },
        parameters: {},
        owner: "owner",
        deadlineMillis: 280_000,
        seed: 7
      }, budget)).pipe(Effect.provide(model.layer))
      const outputs = steps.flatMap((step) => step._tag === "Ran" ? [`${step.status}: ${step.output}`] : [])
      assert.strictEqual(executions, 3)
      assert.strictEqual(outputs[0], "ok: [The program printed nothing.]")
      assert.match(
        outputs[1] ?? "",
        /^error: ` ` `\n` ` `python\nTraceback [^]*NameError: name 'nothing' is not defined/
      )
      assert.strictEqual(outputs[2], "ok: 233168")
      assert.include(output.text, "<tool_response>\n233168\n</tool_response>\n(Code executions remaining: 1.)\n")
      assert.strictEqual(finalText(steps), "So it is \\boxed{233168}.")
    }).pipe(Effect.provide(real)))
})
