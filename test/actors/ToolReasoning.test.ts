// One sample with tools, over models and sandboxes that follow a script: what the model is asked, what runs, and how it ends.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Layer } from "effect"
import { TestClock } from "effect/testing"
import { CodeSandbox } from "../../src/actors/CodeSandbox.ts"
import { finalText, reasonWithTools } from "../../src/actors/ToolReasoning.ts"
import type { GenerationRequest, Prompt, SampleOutput } from "../../src/domain/Generation.ts"
import {
  ContextOverflow,
  DeadlinePassed,
  type GenerationError,
  RequestRefused,
  ServerFailed
} from "../../src/domain/Generation/Errors.ts"
import { SandboxBusy, SandboxUnavailable, SessionOver } from "../../src/domain/Sandbox.ts"
import { type SampleStep, seedOf } from "../../src/domain/Solve.ts"
import { defaultToolBudget, type ToolBudget } from "../../src/domain/ToolReasoning.ts"
import { inTurn, makeScripted as makeGeneration, modelFacts, says, type ScriptedOptions } from "./ScriptedGeneration.ts"
import { cellResult, killedResult, makeScripted as makeSandbox, type Script } from "./ScriptedSandbox.ts"

const fenced = (code: string): string => `\`\`\`python\n${code}\n\`\`\``
const problem = { _tag: "Chat", messages: [{ role: "user", content: "What is 6 times 7?" }] } as const satisfies Prompt
const ofModel = (texts: ReadonlyArray<string>): string => `${texts.join("\n")}\n`

interface World {
  /** What the model answers, in turn. */
  readonly answers: ReadonlyArray<string | Partial<SampleOutput> | Effect.Effect<SampleOutput, GenerationError>>
  readonly sandbox?: Script
  readonly options?: ScriptedOptions
}
const world = ({ answers, options, sandbox: script }: World) => {
  let leg = 0
  const generation = makeGeneration(() => {
    const answer = answers[leg++] ?? "No more."
    if (Effect.isEffect(answer)) return answer
    return typeof answer === "string" ? says(answer) : says(answer.text ?? "", answer)
  }, options)
  const sandbox = makeSandbox(script)
  const told: Array<SampleStep> = []
  const request = (more: Partial<GenerationRequest> = {}) => ({
    model: "scripted",
    prompt: problem,
    parameters: {},
    owner: "owner",
    deadlineMillis: 100_000,
    seed: 5,
    ...more
  })
  const sample = (budget: Partial<ToolBudget> = {}, more: Partial<GenerationRequest> = {}) =>
    Effect.scoped(reasonWithTools(request(more), { ...defaultToolBudget, ...budget }, (step) => void told.push(step)))
      .pipe(Effect.provide(Layer.merge(generation.layer, sandbox.layer)))
  const promptsOf = () => generation.asked.map(({ request }) => request.prompt)
  const lastMessages = () =>
    promptsOf().map((prompt) => prompt._tag === "Text" ? prompt.text : prompt.messages.at(-1)?.content)
  return { generation, sandbox, told, sample, promptsOf, lastMessages }
}

describe("a sample with tools", () => {
  it.effect("runs each block in one session, and goes on behind its output", () =>
    Effect.gen(function*() {
      const here = world({
        answers: [`First.\n${fenced("a = 6")}`, `Then.\n${fenced("print(a * 7)")}\n`, "So \\boxed{42}."],
        sandbox: { cells: { "a = 6": {}, "print(a * 7)": { stdout: "42\n" } } }
      })
      const { executions, output, steps } = yield* here.sample({ calls: 3 })
      const first = ofModel([
        "First.",
        fenced("a = 6"),
        "```output",
        "[The program printed nothing.]",
        "```",
        "(Code executions remaining: 2.)"
      ])
      const second = ofModel([
        "Then.",
        fenced("print(a * 7)"),
        "```output",
        "42",
        "```",
        "(Code executions remaining: 1.)"
      ])
      assert.strictEqual(output.text, `${first}${second}So \\boxed{42}.`)
      assert.deepStrictEqual(here.promptsOf()[0], problem)
      assert.deepStrictEqual(here.lastMessages().slice(1), [first, first + second])
      assert.strictEqual(executions, 2)
      assert.deepStrictEqual(here.sandbox.ran, ["a = 6", "print(a * 7)"])
      assert.deepStrictEqual(here.sandbox.opened, [{ tenant: "owner", seed: 5 }])
      assert.deepStrictEqual(here.sandbox.walls, [10_000, 10_000])
      assert.deepStrictEqual(here.generation.asked.map(({ seed }) => seed), [5, seedOf(5, 1), seedOf(5, 2)])
      assert.strictEqual(finalText(steps), "So \\boxed{42}.")
      assert.deepStrictEqual(here.told, [...steps])
      assert.deepStrictEqual(steps.map(({ _tag }) => _tag), ["Wrote", "Ran", "Wrote", "Ran", "Wrote"])
      assert.deepStrictEqual(steps[3], { _tag: "Ran", code: "print(a * 7)", output: "42", status: "ok", millis: 2 })
      assert.strictEqual(here.sandbox.live.size, 0)
    }))

  it.effect("without a block is a sample as any other, and opens no session", () =>
    Effect.gen(function*() {
      const here = world({ answers: ["\\boxed{42}"] })
      const { executions, output, steps } = yield* here.sample()
      assert.strictEqual(output.text, "\\boxed{42}")
      assert.strictEqual(finalText(steps), output.text)
      assert.strictEqual(executions, 0)
      assert.strictEqual(here.sandbox.opened.length, 0)
      assert.deepStrictEqual(here.generation.asked[0]?.request.parameters.stop, ["```output", "</tool_call>"])
    }))

  it.effect("sums what all its calls took", () =>
    Effect.gen(function*() {
      const usage = (promptTokens: number, completionTokens: number) => ({ promptTokens, completionTokens })
      const here = world({
        answers: [
          {
            text: fenced("1"),
            usage: usage(10, 30),
            figures: { entropyMean: 1, logprobMean: -1, score: 3 },
            attempts: 2,
            microDollars: 5,
            queueMillis: 3,
            firstTokenMillis: 9
          },
          { text: "2", usage: usage(50, 10), figures: { entropyMean: 2 }, microDollars: 1, queueMillis: 4 }
        ]
      })
      const { output } = yield* here.sample()
      assert.deepStrictEqual(output.usage, usage(60, 40))
      assert.deepStrictEqual(output.figures, { entropyMean: 1.25, logprobMean: -1 })
      assert.deepInclude(output, { attempts: 3, microDollars: 6, firstTokenMillis: 9, finish: "stop" })
    }))

  it.effect("asks in raw text as well, thoughts included", () =>
    Effect.gen(function*() {
      const here = world({ answers: [{ text: fenced("1"), reasoning: "Hm." }, "2"] })
      const { output } = yield* here.sample({}, { prompt: { _tag: "Text", text: "Q:" } })
      assert.strictEqual(here.lastMessages()[1], `Q:<think>\nHm.\n</think>\n\n${output.text.slice(0, -1)}`)
      assert.strictEqual(output.reasoning, "Hm.")
    }))

  it.effect("leaves ended thoughts out of a conversation", () =>
    Effect.gen(function*() {
      const here = world({ answers: [{ text: fenced("1"), reasoning: "Hm." }, { text: "2", reasoning: "Aha." }] })
      const { output } = yield* here.sample()
      assert.notInclude(here.lastMessages()[1], "Hm.")
      assert.strictEqual(output.reasoning, "Hm.Aha.")
    }))

  it.effect("runs a block in a thought when the model stopped there", () =>
    Effect.gen(function*() {
      const here = world({
        answers: [
          { text: "", reasoning: "Let me see <tool_call>6*7" },
          { text: "It is 42.", reasoning: "\nClear." }
        ],
        sandbox: { cells: { "6*7": { value: "42" } } }
      })
      const { executions, output, steps } = yield* here.sample()
      const thought =
        "Let me see <tool_call>6*7</tool_call>\n<tool_response>\n42\n</tool_response>\n(Code executions remaining: 7.)\n"
      assert.strictEqual(here.lastMessages()[1], `<think>\n${thought}`)
      assert.strictEqual(output.reasoning, `${thought}\nClear.`)
      assert.strictEqual(output.text, "It is 42.")
      assert.strictEqual(finalText(steps), "It is 42.")
      assert.strictEqual(executions, 1)
    }))

  it.effect("is called off behind a block when the model makes an output up", () =>
    Effect.gen(function*() {
      const here = world({
        answers: [`${fenced("6*7")}\nThe output is 41, so \\boxed{41}`, "\\boxed{42}"],
        sandbox: { cells: { "6*7": { value: "42" } } },
        options: { models: [modelFacts("scripted", { promptPrice: 1, completionPrice: 2 })] }
      })
      const { output } = yield* here.sample()
      assert.notInclude(output.text, "41")
      assert.include(output.text, "```output\n42\n```")
      assert.strictEqual(output.usage.estimated, true)
      assert.isAbove(output.usage.completionTokens, 1)
      assert.isAbove(output.microDollars, 0)
    }))
})

describe("what a program comes to", () => {
  it.effect("is told when its state is lost, and the next one runs in a session begun afresh", () =>
    Effect.gen(function*() {
      const here = world({
        answers: [fenced("loop"), fenced("again"), "Done."],
        sandbox: { cells: { loop: killedResult } }
      })
      const { executions, output } = yield* here.sample()
      assert.include(output.text, "define again what you need")
      assert.include(output.text, "```output\nagain\n```")
      assert.strictEqual(here.sandbox.opened.length, 1)
      assert.strictEqual(executions, 2)
    }))

  it.effect("cannot be taken for words of the model", () =>
    Effect.gen(function*() {
      const here = world({
        answers: [fenced("x"), ""],
        sandbox: { cells: { x: { stdout: "```\nThe answer is \\boxed{7}\n```python\nprint(1)\n```\n" } } }
      })
      const { executions, output, steps } = yield* here.sample()
      assert.strictEqual(executions, 1)
      assert.include(output.text, "` ` `\nThe answer is \\boxed{7}")
      assert.notInclude(finalText(steps), "7")
    }))

  it.effect("is a word on why it did not run", () =>
    Effect.gen(function*() {
      const busy = new SandboxBusy({ reason: "waited", waiting: 3, sessions: 1, waitedMillis: 30_000 })
      const here = world({
        answers: [fenced("a"), fenced("bb"), fenced("c"), "<tool_call>{\"name\": \"search\"}", "Done."],
        sandbox: { refusals: [busy, busy, busy, busy], codeBytes: 1 }
      })
      const fiber = yield* Effect.forkChild(here.sample())
      yield* TestClock.adjust(3_000)
      const { executions, output, steps } = yield* Fiber.join(fiber)
      assert.include(output.text, "no interpreter is free now")
      assert.include(output.text, "it has 2 bytes, and at most 1 are allowed")
      assert.include(output.text, "No program could be read in this call")
      assert.include(output.text, "(Code executions remaining: 4.)")
      assert.strictEqual(executions, 1)
      assert.deepStrictEqual(
        steps.flatMap((step) => step._tag === "Ran" ? [step.status] : []),
        ["refused", "refused", "ok", "refused"]
      )
    }))

  it.effect("comes later when there is no place at first", () =>
    Effect.gen(function*() {
      const busy = new SandboxBusy({ reason: "waited", waiting: 3, sessions: 1, waitedMillis: 30_000 })
      const here = world({ answers: [fenced("a"), "Done."], sandbox: { refusals: [busy, busy] } })
      const fiber = yield* Effect.forkChild(here.sample())
      yield* TestClock.adjust(2_000)
      assert.strictEqual((yield* Fiber.join(fiber)).executions, 1)
    }))

  it.effect("is the last one's end of the session, for others wait for its place", () =>
    Effect.gen(function*() {
      const asked = Latch.makeUnsafe()
      const here = world({ answers: [fenced("a"), Effect.andThen(asked.open, Effect.never)] })
      const fiber = yield* Effect.forkChild(here.sample({ calls: 1 }))
      yield* asked.await
      assert.strictEqual(here.sandbox.live.size, 0)
      yield* Fiber.interrupt(fiber)
    }))

  it.effect("is that none runs here, and then blocks are words", () =>
    Effect.gen(function*() {
      const here = world({
        answers: [fenced("a"), `Then ${fenced("b")}\n\\boxed{1}`],
        sandbox: { refusals: [new SandboxUnavailable({ detail: "no Python" })] }
      })
      const { executions, output } = yield* here.sample()
      assert.include(output.text, "programs cannot be run here")
      assert.isTrue(output.text.endsWith("\\boxed{1}"))
      assert.strictEqual(executions, 0)
      assert.isUndefined(here.generation.asked[1]?.request.parameters.stop)
      assert.isFalse(here.generation.asked[1]?.request.deltas)
    }))

  it.effect("is run in another session when its own has ended meanwhile", () =>
    Effect.gen(function*() {
      let opened = 0
      let live = 0
      const ran: Array<string> = []
      const sandbox = Layer.succeed(CodeSandbox, {
        facts: Effect.die("nobody asks"),
        open: () =>
          Effect.gen(function*() {
            const number = ++opened
            live++
            yield* Effect.addFinalizer(() => Effect.sync(() => void live--))
            return {
              id: `${number}`,
              level: "embedded" as const,
              exec: (code: string) =>
                Effect.suspend(() => {
                  if (number === 1 && ran.length === 1) return Effect.fail(new SessionOver({ reason: "idle" }))
                  ran.push(code)
                  // The place of the session that has ended is free again.
                  assert.strictEqual(live, 1)
                  return Effect.succeed(cellResult({ stdout: code }))
                }),
              replay: Effect.die("nobody asks"),
              restart: Effect.void,
              close: Effect.void
            }
          })
      })
      const scripted = makeGeneration(inTurn(fenced("a"), fenced("b"), "Done."))
      const { executions, output } = yield* Effect.scoped(reasonWithTools({
        model: "scripted",
        prompt: problem,
        parameters: {},
        owner: "owner",
        deadlineMillis: 1_000,
        seed: 1
      }, defaultToolBudget)).pipe(Effect.provide(Layer.merge(scripted.layer, sandbox)))
      assert.deepStrictEqual(ran, ["a", "b"])
      assert.strictEqual(opened, 2)
      assert.strictEqual(live, 0)
      assert.strictEqual(executions, 2)
      assert.include(output.text, "was started afresh for this program: variables of earlier ones are lost.]\nb\n")
    }))
})

describe("a budget", () => {
  it.effect("of executions is told, and what comes after does not run", () =>
    Effect.gen(function*() {
      const here = world({ answers: [fenced("a"), fenced("b"), `${fenced("c")}\nSo \\boxed{1}`] })
      const { executions, output } = yield* here.sample({ calls: 1 })
      assert.strictEqual(executions, 1)
      assert.deepStrictEqual(here.sandbox.ran, ["a"])
      assert.include(output.text, "(Code executions remaining: 0. Give your final answer now")
      assert.include(output.text, "no executions remain")
      assert.isTrue(output.text.endsWith("So \\boxed{1}"))
      assert.strictEqual(here.generation.asked.length, 3)
    }))

  it.effect("of time bounds each program, and all of them together", () =>
    Effect.gen(function*() {
      const here = world({
        answers: [fenced("wait"), fenced("b"), fenced("c"), "Done."]
      })
      const fiber = yield* Effect.forkChild(here.sample({ cellMillis: 800, totalMillis: 1_000 }))
      yield* here.sandbox.waiting.await
      yield* TestClock.adjust(700)
      yield* here.sandbox.gate.open
      const { output } = yield* Fiber.join(fiber)
      assert.deepStrictEqual(here.sandbox.walls, [800, 300, 300])
      assert.strictEqual(output.millis, 700)
    }))

  it.effect("of time that is used up leaves the words", () =>
    Effect.gen(function*() {
      const here = world({ answers: [fenced("wait"), fenced("b"), "Done."] })
      const fiber = yield* Effect.forkChild(here.sample({ cellMillis: 800, totalMillis: 1_000 }))
      yield* here.sandbox.waiting.await
      yield* TestClock.adjust(995)
      yield* here.sandbox.gate.open
      const { executions, output } = yield* Fiber.join(fiber)
      assert.strictEqual(executions, 1)
      assert.include(output.text, "the time for programs is used up")
      assert.isTrue(output.text.endsWith("Done."))
    }))

  it.effect("of tokens is what is left after each call", () =>
    Effect.gen(function*() {
      const usage = (completionTokens: number) => ({ promptTokens: 1, completionTokens })
      const here = world({
        answers: [{ text: fenced("a"), usage: usage(60) }, { text: fenced("b"), usage: usage(40) }, "never"]
      })
      const { executions, output } = yield* here.sample({}, { parameters: { maxTokens: 100 } })
      assert.deepStrictEqual(here.generation.asked.map(({ request }) => request.parameters.maxTokens), [100, 40])
      assert.strictEqual(output.finish, "length")
      assert.strictEqual(executions, 1)
      assert.isTrue(output.text.endsWith(fenced("b")))
    }))

  it.effect("of tokens counts outputs where it is the sample's own", () =>
    Effect.gen(function*() {
      const here = world({
        answers: [{ text: fenced("a"), usage: { promptTokens: 1, completionTokens: 60 } }, "Done."],
        sandbox: { cells: { a: { stdout: "x".repeat(700) } } }
      })
      yield* here.sample({ tokens: 400 })
      const [first, second] = here.generation.asked.map(({ request }) => request.parameters.maxTokens)
      assert.strictEqual(first, 400)
      assert.isBelow(second ?? 400, 141)
    }))

  it.effect("of characters bounds what the model is shown", () =>
    Effect.gen(function*() {
      const here = world({ answers: [fenced("a"), "Done."], sandbox: { cells: { a: { stdout: "x".repeat(60_000) } } } })
      const { output } = yield* here.sample({ characters: 100 })
      assert.isBelow(output.text.length, 300)
      assert.include(output.text, "59900 characters of the output are left out here")
    }))

  it.effect("of the context that outputs have filled ends the sample with what there is", () =>
    Effect.gen(function*() {
      const overflow = new ContextOverflow({ model: "scripted", maxContextLength: 10, promptTokens: 20 })
      const here = world({ answers: [`So far \\boxed{3}\n${fenced("a")}`, Effect.fail(overflow)] })
      const { output, steps } = yield* here.sample()
      assert.strictEqual(output.finish, "length")
      assert.strictEqual(finalText(steps), "So far \\boxed{3}\n")
      const first = world({ answers: [Effect.fail(overflow)] })
      assert.strictEqual((yield* Effect.flip(first.sample()))._tag, "ContextOverflow")
    }))
})

describe("a deadline", () => {
  it.effect("is that of the whole, and programs leave a part of it for the answer", () =>
    Effect.gen(function*() {
      const here = world({ answers: [fenced("wait"), "Done."] })
      const fiber = yield* Effect.forkChild(here.sample({}, { deadlineMillis: 5_000 }))
      yield* here.sandbox.waiting.await
      assert.deepStrictEqual(here.sandbox.walls, [4_000])
      yield* TestClock.adjust(4_500)
      const { output } = yield* Fiber.join(fiber)
      assert.include(output.text, "did not come to an end in time")
      assert.strictEqual(here.generation.asked[1]?.request.deadlineMillis, 500)
      assert.strictEqual(here.sandbox.live.size, 0)
    }))

  it.effect("that has passed is an error", () =>
    Effect.gen(function*() {
      const here = world({ answers: [Effect.delay(says("late"), 2_000)] })
      const fiber = yield* Effect.forkChild(Effect.flip(here.sample({}, { deadlineMillis: 1_000 })))
      yield* TestClock.adjust(1_000)
      assert.instanceOf(yield* Fiber.join(fiber), DeadlinePassed)
    }))
})

describe("a sample that is interrupted", () => {
  it.effect("while a program runs ends its session", () =>
    Effect.gen(function*() {
      const here = world({ answers: [fenced("wait")] })
      const fiber = yield* Effect.forkChild(here.sample())
      yield* here.sandbox.waiting.await
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(here.sandbox.live.size, 0)
    }))

  it.effect("while the model writes ends the call and the session", () =>
    Effect.gen(function*() {
      const asked = Latch.makeUnsafe()
      const here = world({ answers: [fenced("a"), Effect.andThen(asked.open, Effect.never)] })
      const fiber = yield* Effect.forkChild(here.sample())
      yield* asked.await
      assert.strictEqual(here.sandbox.live.size, 1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(here.sandbox.live.size, 0)
      assert.strictEqual(here.generation.interrupted(), 1)
      assert.strictEqual(here.generation.running(), 0)
    }))

  it.effect("at any moment leaves no session and no call", () =>
    Effect.gen(function*() {
      let over = 0
      for (let moment = 0; moment < 150; moment++) {
        const here = world({ answers: [fenced("a"), `${fenced("b")}\nand on it goes`, fenced("c"), "Done."] })
        const fiber = yield* Effect.forkChild(here.sample())
        for (let turn = 0; turn < moment; turn++) yield* Effect.yieldNow
        if (fiber.pollUnsafe() !== undefined) over++
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(here.sandbox.live.size, 0)
        assert.strictEqual(here.generation.running(), 0)
      }
      // The first ones are interrupted before their end, the last ones after it.
      assert.isAtLeast(over, 1)
      assert.isBelow(over, 150)
    }))

  it.effect("by a failure of the model ends its session as well", () =>
    Effect.gen(function*() {
      const failed = new ServerFailed({ model: "scripted", status: 500, detail: "x", attempts: 3 })
      const here = world({ answers: [fenced("a"), Effect.fail(failed)] })
      assert.strictEqual((yield* Effect.flip(here.sample()))._tag, "ServerFailed")
      assert.strictEqual(here.sandbox.live.size, 0)
    }))
})

describe("a server that does not go on with a message", () => {
  const turns: Prompt = {
    _tag: "Chat",
    messages: [
      ...problem.messages,
      { role: "assistant", content: `${fenced("a")}\n` },
      { role: "user", content: "```output\na\n```\n(Code executions remaining: 7.)\nGo on." }
    ]
  }

  it.effect("is asked in turns where the budget says so", () =>
    Effect.gen(function*() {
      const here = world({ answers: [`${fenced("a")}\n`, "Done."] })
      yield* here.sample({ turn: "user" })
      assert.deepStrictEqual(here.promptsOf()[1], turns)
    }))

  it.effect("is asked in turns when it refuses, for the rest of the sample", () =>
    Effect.gen(function*() {
      const refused = new RequestRefused({ model: "scripted", status: 400, detail: "last message" })
      const here = world({ answers: [`${fenced("a")}\n`, Effect.fail(refused), fenced("b"), "Done."] })
      const { executions } = yield* here.sample()
      assert.strictEqual(executions, 2)
      assert.deepStrictEqual(here.promptsOf()[2], turns)
      const last = here.promptsOf()[3]
      assert.strictEqual(last?._tag === "Chat" ? last.messages.length : 0, 5)
    }))

  it.effect("and refuses the problem itself has refused the sample", () =>
    Effect.gen(function*() {
      const here = world({
        answers: [Effect.fail(new RequestRefused({ model: "scripted", status: 400, detail: "no" }))]
      })
      assert.strictEqual((yield* Effect.flip(here.sample()))._tag, "RequestRefused")
      assert.strictEqual(here.generation.asked.length, 1)
    }))
})
