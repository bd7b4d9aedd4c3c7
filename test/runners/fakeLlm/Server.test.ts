// What the scripted server answers: by rule, by seed, in pieces, and as the API of OpenAI has it.
import { assert, describe, it } from "@effect/vitest"
import { parseChoice, parseJudgement, selectMessages, verifyMessages } from "../../../src/domain/Prompts.ts"
import { problemsOf } from "../../../src/runners/fakeLlm/Problems.ts"
import { eventsIn, fake } from "./Fake.ts"

const hundred = Array.from({ length: 100 }, (_, at) => ({
  id: `p${at}`,
  problem: `What is ${at} plus ${at * 3}, and why?`,
  answer: String(at * 4)
}))
const boxed = (text: string): string => /\\boxed\{(.*)\}/.exec(text)?.[1] ?? ""

describe("the scripted server", { timeout: 300_000 }, () => {
  it("answers by the first rule that matches", async () => {
    await using server = await fake({
      models: ["fake", "other"],
      problems: [{ id: "seven", problem: "What is\n6 times   7?", answer: "42" }],
      rules: [
        { when: { problem: "Say  exactly this" }, say: "exact" },
        { when: { id: "seven" }, say: "row {id}: {answer}{problem}" },
        { when: { contains: ["left", "right"] }, say: "both" },
        { when: { pattern: "^\\d+$" }, say: "number" },
        { when: { model: "other" }, say: "other" },
        { when: { header: { "X-Who": "me" } }, say: "header" },
        { when: { seed: [10, 12] }, say: "seed {seed}" },
        { when: { nth: 2 }, say: "second" },
        { when: { api: "completions" }, say: "raw" },
        { say: "rest {n}" }
      ]
    })
    assert.strictEqual(await server.says("Say exactly  this"), "exact")
    assert.strictEqual(await server.says("Solve <b>\nWhat is 6 times 7?\n</b>"), "row seven: What is 6 times 7?")
    assert.strictEqual(await server.says("left and right"), "both")
    assert.strictEqual(await server.says("1234"), "number")
    assert.strictEqual(await server.says("x", { model: "other" }), "other")
    const headed = await server.post(
      "/chat/completions",
      { model: "fake", messages: [{ role: "user", content: "x" }] },
      {
        "x-who": "me"
      }
    )
    assert.strictEqual(headed.body.choices[0].message.content, "header")
    assert.strictEqual(await server.says("x", { seed: 11 }), "seed 11")
    assert.strictEqual(await server.says("x", { seed: 13 }), "rest 1")
    assert.strictEqual(await server.says("x"), "second")
    const raw = await server.post("/completions", { model: "fake", prompt: "x" })
    assert.strictEqual(raw.body.choices[0].text, "raw")
    const several = await server.ask("x", { n: 3 })
    assert.deepStrictEqual(several.body.choices.map((one: any) => one.message.content), ["rest 1", "rest 2", "rest 3"])
    assert.deepInclude(server.counts().rules, { 10: 4, 8: 1, 2: 1 })
  })

  it("draws answers by weight, the same for the same seed and problem, in any order", async () => {
    await using server = await fake({ rules: [{ answers: { "42": 0.7, "41": 0.3 } }] })
    const drawn = async (seeds: ReadonlyArray<number>) =>
      new Map(
        await Promise.all(seeds.map(async (seed) => [seed, boxed(await server.says("What?", { seed }))] as const))
      )
    const seeds = Array.from({ length: 400 }, (_, seed) => seed)
    const first = await drawn(seeds)
    assert.deepStrictEqual([...await drawn([...seeds].reverse())].reverse(), [...first])
    const share = [...first.values()].filter((answer) => answer === "42").length / seeds.length
    assert.isTrue(share > 0.6 && share < 0.8, String(share))
    // The samples of one request have the seeds that follow.
    const several = await server.ask("What?", { seed: 5, n: 4 })
    assert.deepStrictEqual(
      several.body.choices.map((one: any) => boxed(one.message.content)),
      [5, 6, 7, 8].map((seed) => first.get(seed))
    )
    // Without a temperature there is nothing to draw.
    const greedy = await Promise.all(Array.from({ length: 10 }, () => server.says("What?", { temperature: 0 })))
    assert.strictEqual(new Set(greedy).size, 1)
    const varied = await Promise.all(Array.from({ length: 40 }, () => server.says("What?")))
    assert.strictEqual(new Set(varied).size, 2)
  })

  it("solves exactly the share of the problems that the script says, whatever the seeds of samples", async () => {
    for (const right of [0, 0.37, 0.8, 1]) {
      await using server = await fake({ problems: hundred, rules: [{ solve: { right } }] }, { seed: 3 })
      for (const seed of [1, 2]) {
        const answers = await Promise.all(
          hundred.map(({ problem }) => server.says(`Solve: ${problem} Think.`, { seed }))
        )
        assert.strictEqual(
          answers.filter((text, at) => boxed(text) === hundred[at]?.answer).length,
          Math.round(right * 100)
        )
      }
    }
  })

  it("answers wrongly with wrong answers alone, and as often as a row's accuracy says", async () => {
    await using server = await fake({
      problems: [
        { problem: "First problem of the two", answer: "12", accuracy: 0.5 },
        { problem: "Second problem of the two", answer: "\\frac{1}{2}", accuracy: 0 }
      ],
      rules: [
        { when: { contains: "weights" }, solve: { wrong: { "12": 5, "77": 1 }, accuracy: 0 } },
        { solve: {} }
      ]
    })
    const sampled = async (content: string) =>
      Promise.all(Array.from({ length: 60 }, async (_, seed) => boxed(await server.says(content, { seed }))))
    const first = await sampled("First problem of the two")
    const right = first.filter((answer) => answer === "12").length
    assert.isTrue(right > 15 && right < 45, String(right))
    assert.deepStrictEqual([...new Set(await sampled("Second problem of the two"))], ["987654321"])
    const weighted = await sampled("weights: First problem of the two")
    assert.deepStrictEqual([...new Set(weighted)].sort(), ["12", "77"])
  })

  it("finds the longest problem in a prompt, and takes the answer out of a GSM8K solution", () => {
    const { find } = problemsOf([
      { problem: "How many apples are there?", answer: "1" },
      { problem: "Tom has 3 bags.  How many apples are there?", answer: "3 * 4 = 12\n#### 1,200" },
      { problem: "short", answer: "5" }
    ])
    assert.strictEqual(find("Now: Tom has 3 bags. How many apples are there? Go.")?.answer, "1,200")
    assert.strictEqual(find("How many apples are there?")?.answer, "1")
    assert.strictEqual(find("a short one")?.answer, "5")
    assert.isUndefined(find("How many pears are there?"))
    assert.strictEqual(find(`${"x".repeat(3_000_000)} How many apples are there?`)?.answer, "1")
  })

  it("goes on after outputs of code, and says what they were", async () => {
    await using server = await fake({
      rules: [
        { when: { outputHas: "Error" }, say: "That failed" },
        { when: { toolOutput: true, contains: "only the first" }, say: "seen" },
        { steps: ["```python\nprint(6 * 7)\n```\n", "then ```python\nprint(1)\n```", "so \\boxed{{output}}"] }
      ]
    })
    const chat = async (...messages: ReadonlyArray<readonly [string, string]>) =>
      (await server.post("/chat/completions", {
        model: "fake",
        messages: messages.map(([role, content]) => ({ role, content }))
      })).body.choices[0].message.content
    const asked = ["user", "Solve it. What it printed follows in a block that begins with ```output."] as const
    assert.match(await chat(asked), /6 \* 7/)
    const once = "```python\nprint(6 * 7)\n```\n```output\n42\n```\nExecutions remaining: 7\n"
    assert.match(await chat(asked, ["assistant", once]), /^then/)
    assert.strictEqual(
      await chat(asked, ["assistant", `${once}then\n~~~~output\na\n~~~\n17\n~~~~\n`]),
      "so \\boxed{a\n~~~\n17}"
    )
    assert.strictEqual(
      await chat(asked, ["assistant", "x"], ["tool", "1"], ["assistant", "y"], ["tool", "2"]),
      "so \\boxed{2}"
    )
    const tags = "<tool_call>1</tool_call>\n<tool_response>\nValueError: x\n</tool_response>\n"
    assert.strictEqual(await chat(asked, ["assistant", tags]), "That failed")
    assert.strictEqual(await chat(["user", "only the first"], ["assistant", once]), "seen")
    assert.match(await chat(["user", "only the first"], ["assistant", `${once}${"word ".repeat(100)}`]), /^then/)
  })

  it("picks and judges solutions in Polya's own prompts as rightly as the script says", async () => {
    await using server = await fake({
      problems: [{ problem: "What is 6 times 7, in words?", answer: "42" }],
      rules: [
        { when: { contains: "Choice: " }, select: 0.9 },
        { when: { contains: "Judgement: " }, judge: 0.8 }
      ]
    })
    const texts = ["It is \\boxed{41}.", "It is \\boxed{42}.", "Solution 9: \\boxed{40}"]
    const problem = "What is 6 times 7, in words?"
    let picked = 0
    let judged = 0
    for (let seed = 0; seed < 60; seed++) {
      const [select] = selectMessages(problem, texts)
      if (parseChoice(await server.says(select?.content ?? "", { seed }), 3) === 2) picked++
      const [verify] = verifyMessages(problem, texts[seed % 2] ?? "")
      if (parseJudgement(await server.says(verify?.content ?? "", { seed })) === (seed % 2 === 1)) judged++
    }
    assert.isTrue(picked > 44 && picked < 60, String(picked))
    assert.isTrue(judged > 36 && judged < 58, String(judged))
  })

  it("stops at stop texts and at the limit of tokens, and counts as it writes", async () => {
    await using server = await fake({ rules: [{ say: "one two three END four", reasoning: "hm hm" }] })
    const of = async (more: object) => {
      const { body: { choices: [{ finish_reason, message }], usage } } = await server.ask("a b", more)
      return [message.content, message.reasoning_content, finish_reason, usage.completion_tokens]
    }
    assert.deepStrictEqual(await of({}), ["one two three END four", "hm hm", "stop", 7])
    assert.deepStrictEqual(await of({ stop: ["four", " END"] }), ["one two three", "hm hm", "stop", 5])
    assert.deepStrictEqual(await of({ max_tokens: 4 }), ["one two", "hm hm", "length", 4])
    assert.deepStrictEqual(await of({ max_completion_tokens: 1, max_tokens: 9 }), ["", "hm", "length", 1])
    assert.deepStrictEqual(await of({ max_tokens: 5, stop: " END" }), ["one two three", "hm hm", "stop", 5])
    const { body: { usage } } = await server.ask("a b")
    assert.deepStrictEqual(usage, {
      prompt_tokens: 5,
      completion_tokens: 7,
      total_tokens: 12,
      completion_tokens_details: { reasoning_tokens: 2 }
    })
    const raw = await server.post("/completions", { model: "fake", prompt: "a b" })
    assert.strictEqual(raw.body.choices[0].text, "<think>\nhm hm\n</think>\n\none two three END four")
  })

  it("streams what it would answer whole, with usage where it is asked for", async () => {
    await using server = await fake({
      rules: [{
        say: "Über \"x\" 👩‍🚀 {seed}\n",
        reasoning: "hm",
        words: 30,
        latency: { first: 3, token: { uniform: [0, 1] } }
      }]
    })
    for (const n of [1, 3]) {
      const whole = (await server.ask("x", { seed: 4, n })).body
      const { headers, text } = await server.ask("x", {
        seed: 4,
        n,
        stream: true,
        stream_options: { include_usage: true }
      })
      assert.match(headers.get("content-type") ?? "", /^text\/event-stream/)
      assert.isTrue(text.endsWith("data: [DONE]\n\n"))
      const events = eventsIn(text)
      assert.deepStrictEqual(events.at(-1).usage, whole.usage)
      assert.deepStrictEqual(events.at(-1).choices, [])
      for (const { finish_reason, index, message } of whole.choices) {
        const mine = events.flatMap(({ choices }) => choices).filter((one: any) => one.index === index)
        assert.strictEqual(mine.map(({ delta }: any) => delta.content ?? "").join(""), message.content)
        assert.strictEqual(
          mine.map(({ delta }: any) => delta.reasoning_content ?? "").join(""),
          message.reasoning_content
        )
        assert.deepStrictEqual(mine.filter((one: any) => one.finish_reason !== null).length, 1)
        assert.strictEqual(mine.at(-1).finish_reason, finish_reason)
      }
    }
    const plain = await server.post("/completions", { model: "fake", prompt: "x", seed: 4, stream: true })
    const events = eventsIn(plain.text)
    assert.isTrue(events.every(({ object, usage }) => object === "text_completion" && usage === undefined))
    const raw = await server.post("/completions", { model: "fake", prompt: "x", seed: 4 })
    assert.strictEqual(events.map(({ choices }) => choices[0].text).join(""), raw.body.choices[0].text)
  })

  it("tells log-probabilities that could be some, the same in a stream as in a body", async () => {
    await using server = await fake({
      problems: [{ problem: "Which is the answer here?", answer: "5", accuracy: 0.5 }],
      rules: [{ solve: {}, words: 40, certainty: 0.9, wrongCertainty: 0.4 }]
    })
    const means: { readonly [answer: string]: Array<number> } = { right: [], wrong: [] }
    for (let seed = 0; seed < 20; seed++) {
      const asked = { seed, logprobs: true, top_logprobs: 5 }
      const { message, ...choice } = (await server.ask("Which is the answer here?", asked)).body.choices[0]
      const { content } = choice.logprobs
      assert.strictEqual(content.map(({ token }: any) => token).join(""), message.content)
      for (const { logprob, token, top_logprobs } of content) {
        assert.isTrue(logprob < 0)
        assert.deepInclude(top_logprobs[0], { token, logprob })
        assert.lengthOf(top_logprobs, 5)
        assert.strictEqual(new Set(top_logprobs.map((one: any) => one.token)).size, 5)
        const sum = top_logprobs.reduce((sum: number, one: any) => sum + Math.exp(one.logprob), 0)
        assert.isTrue(sum <= 1, String(sum))
      }
      const streamed = eventsIn((await server.ask("Which is the answer here?", { ...asked, stream: true })).text)
        .flatMap(({ choices }) => choices[0].logprobs?.content ?? [])
      assert.deepStrictEqual(streamed, content)
      means[boxed(message.content) === "5" ? "right" : "wrong"]?.push(
        content.reduce((sum: number, one: any) => sum + one.logprob, 0) / content.length
      )
    }
    assert.isAbove(Math.min(...means["right"] ?? []), Math.max(...means["wrong"] ?? []))
    const raw = await server.post("/completions", { model: "fake", prompt: "nothing known", logprobs: 2 })
    const { text_offset, token_logprobs, tokens, top_logprobs } = raw.body.choices[0].logprobs
    assert.strictEqual(tokens.join(""), raw.body.choices[0].text)
    assert.deepStrictEqual(
      text_offset.map((at: number, one: number) => raw.body.choices[0].text.startsWith(tokens[one], at)),
      tokens.map(() => true)
    )
    assert.lengthOf(token_logprobs, tokens.length)
    assert.lengthOf(Object.keys(top_logprobs[0]), 2)
  })

  it("refuses what is no request, in the words of the API", async () => {
    await using server = await fake({ key: "sk-right", rules: [{ say: "hi" }] })
    const right = { authorization: "Bearer sk-right" }
    const chat = { model: "fake", messages: [{ role: "user", content: "x" }] }
    for (const headers of [{}, { authorization: "Bearer sk-wrong" }, { authorization: "sk-right" }]) {
      assert.strictEqual((await server.post("/chat/completions", chat, headers)).status, 401)
    }
    assert.strictEqual((await fetch(`${server.url}/models`)).status, 401)
    assert.strictEqual((await fetch(server.url.replace("/v1", "/fake/counts"))).status, 401)
    assert.strictEqual((await fetch(server.url.replace("/v1", "/health"))).status, 200)
    const status = async (body: object) => (await server.post("/chat/completions", body, right)).status
    assert.strictEqual(await status(chat), 200)
    assert.strictEqual(await status({ ...chat, model: "nobody" }), 404)
    for (
      const wrong of [
        {},
        { ...chat, messages: [] },
        { ...chat, messages: [{ role: "nobody", content: "x" }] },
        { ...chat, messages: [{ role: "user", content: 5 }] },
        { ...chat, n: 0 },
        { ...chat, n: 129 },
        { ...chat, max_tokens: -37673 },
        { ...chat, temperature: -1 },
        { ...chat, stop: 4 },
        { ...chat, top_logprobs: 3 }
      ]
    ) assert.strictEqual(await status(wrong), 400, JSON.stringify(wrong))
    const broken = await fetch(`${server.url}/chat/completions`, { method: "POST", body: "{", headers: right })
    assert.strictEqual(broken.status, 400)
    assert.strictEqual((await server.post("/embeddings", {}, right)).status, 404)
    assert.strictEqual((await fetch(`${server.url}/completions`, { headers: right })).status, 405)
    assert.strictEqual((await server.post("/completions", { model: "fake", prompt: ["a", "b"] }, right)).status, 400)
    const large = await fetch(`${server.url}/chat/completions`, {
      method: "POST",
      headers: right,
      body: "x".repeat(17 * 1_048_576)
    }).then(({ status }) => status, () => 413)
    assert.strictEqual(large, 413)
  })

  it("takes so many requests at once and no more, and notices who leaves", async () => {
    await using server = await fake({ inFlight: 2, rules: [{ say: "slow", latency: { first: 3_600_000 } }] })
    const leaving = new AbortController()
    const ask = () =>
      fetch(`${server.url}/chat/completions`, {
        method: "POST",
        signal: leaving.signal,
        body: JSON.stringify({ model: "fake", messages: [{ role: "user", content: "x" }] })
      }).then(({ status }) => status, () => "left")
    const slow = [ask(), ask()]
    while (server.counts().inFlight < 2) await new Promise((resolve) => setImmediate(resolve))
    const third = await server.ask("x")
    assert.deepStrictEqual([third.status, third.headers.get("retry-after")], [429, "1"])
    leaving.abort()
    assert.deepStrictEqual(await Promise.all(slow), ["left", "left"])
    while (server.counts().inFlight > 0) await new Promise((resolve) => setImmediate(resolve))
    assert.deepInclude(server.counts(), {
      requests: 3,
      cancelled: 2,
      mostInFlight: 3,
      outcomes: { "rate-limited": 1, cancelled: 2 }
    })
  })

  it("keeps the last hundred requests, and forgets all of it when it is told to", async () => {
    await using server = await fake({ rules: [{ when: { attempt: 1 }, say: "first" }, { say: "again" }] })
    for (let at = 0; at < 250; at++) await server.ask(`number ${at}`)
    const { recent, requests } = server.counts()
    assert.deepStrictEqual([requests, recent.length, recent.at(-1)?.prompt], [250, 100, "number 249"])
    assert.strictEqual(await server.says("number 0"), "again")
    assert.strictEqual((await server.post("/../fake/reset", {})).status, 200)
    assert.deepInclude(server.counts(), { requests: 0, recent: [], outcomes: {}, rules: {} })
    assert.strictEqual(await server.says("number 0"), "first")
  })
})
