// `polya fake-llm` as people and programs start it.
import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { fakeServer } from "./FakeServer.ts"
import { folder, jsonLines, polya, start } from "./Program.ts"

const ask = async (url: string, content: string, more: object = {}) => {
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "demo", messages: [{ role: "user", content }], ...more })
  })
  return { status: response.status, body: await response.json() as any }
}

describe("polya fake-llm", { timeout: 300_000 }, () => {
  it("serves the demo's scripts by name and counts what it was asked", async () => {
    const server = await fakeServer("arithmetic", { seed: 5 })
    const { body, status } = await ask(server.url, "What is 6 times 7?", { seed: 1 })
    assert.strictEqual(status, 200)
    assert.match(body.choices[0].message.content, /\\boxed\{\d+\}/)
    assert.isString(body.choices[0].message.reasoning_content)
    const counts = await server.counts()
    assert.deepInclude(counts, { requests: 1, outcomes: { answered: 1 }, inFlight: 0 })
    assert.strictEqual(counts.recent[0]?.prompt, "What is 6 times 7?")
    await server.reset()
    assert.strictEqual((await server.counts()).requests, 0)
    assert.strictEqual(await server.close(), 0)
    const contest = await fakeServer("competition")
    const models = await (await fetch(`${contest.url}/models`)).json() as any
    assert.strictEqual(models.data[0].id, "demo")
    assert.strictEqual(await contest.close(), 0)
  })

  it("ends with 0 at an interrupt, also with a stream under way, and says what it did", async () => {
    using place = folder()
    const script = place.file("stall.yaml", "rules:\n  - { say: a b c d, fail: { kind: stall, after: 1 } }\n")
    const { child, ended, said } = start(["fake-llm", script, "--port", "0"])
    await said(/ready at (\S+); answers as fake from .*stall\.yaml \(1 rule\)/)
    child.kill("SIGINT")
    const { code, stderr, stdout } = await ended
    assert.deepStrictEqual([code, stdout], [0, ""])
    assert.match(stderr, /ended; 0 requests/)
    const server = await fakeServer(script)
    const response = await fetch(`${server.url}/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model: "fake", stream: true, messages: [{ role: "user", content: "x" }] })
    })
    const reader = response.body?.getReader()
    await reader?.read()
    assert.strictEqual((await server.counts()).inFlight, 1)
    assert.strictEqual(await server.close(), 0)
    await reader?.cancel().catch(() => {})
  })

  it("tells every mistake of a script with its place, and what is wrong on the command line", async () => {
    using place = folder()
    const script = place.file(
      "wrong.yaml",
      "models: fake\nrules:\n  - when: { patern: x }\n    say: hi\n  - when: { pattern: \"(a\" }\n    say: hi\n"
    )
    const { code, stderr } = await polya(["fake-llm", script])
    assert.strictEqual(code, 2)
    assert.match(stderr, /wrong\.yaml:1:9 models: /)
    assert.match(stderr, /wrong\.yaml:3:13 rules\[0\]\.when\.patern: .*did you mean "pattern"/)
    const [error] = jsonLines((await polya(["fake-llm", script, "--json"])).stdout)
    assert.deepInclude(error, { event: "error", tag: "ScriptInvalid", exitCode: 2 })
    for (
      const [args, said] of [
        [["gone.yaml"], /Cannot read .*gone\.yaml: there is no such file/],
        [["arithmetic", "--port", "70000"], /--port must be/],
        [["arithmetic", "--seed=-1"], /--seed must be/],
        [["arithmetic", "--host", "256.0.0.1", "--port", "0"], /Cannot listen on 256\.0\.0\.1/]
      ] as const
    ) {
      const wrong = await polya(["fake-llm", ...args])
      assert.strictEqual(wrong.code, 2, wrong.stderr)
      assert.match(wrong.stderr, said)
    }
    const other = createServer().listen(0, "127.0.0.1")
    await once(other, "listening")
    const { port } = other.address() as AddressInfo
    const taken = await polya(["fake-llm", "arithmetic", "--port", String(port)])
    assert.strictEqual(taken.code, 2)
    assert.match(taken.stderr, /EADDRINUSE/)
    other.close()
  })
})
