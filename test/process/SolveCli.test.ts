// `polya solve` as people use it, against servers that are no friends: the answer is all that stdout has, whatever else goes wrong, and nothing
// that a model or a server writes reaches a terminal as a command.
import { assert, describe, it } from "@effect/vitest"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { folder, jsonLines, polya, start } from "./Program.ts"

/** Answers every request by `reply`. */
const server = async (reply: (response: ServerResponse) => void) => {
  let requests = 0
  const http = createServer((request, response) => {
    requests++
    request.resume().on("end", () => reply(response))
  })
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve))
  return {
    env: {
      POLYA_LLM_BASE_URL: `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1`,
      POLYA_LLM_MODEL: "m"
    },
    requests: () => requests,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        http.closeAllConnections()
        http.close(() => resolve())
      })
  }
}
const says = (text: string) => (response: ServerResponse): void => {
  const part = (choice: object) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`
  response.writeHead(200, { "content-type": "text/event-stream" })
  response.end(`${part({ delta: { content: text } })}${part({ delta: {}, finish_reason: "stop" })}data: [DONE]\n\n`)
}
const timeout = 120_000

describe("polya solve", () => {
  it("says the answer although the file for its samples cannot be written", { timeout }, async () => {
    using place = folder()
    await using model = await server(says("It is \\boxed{42}."))
    const out = join(place.path, "none", "samples.jsonl")
    const asked = ["solve", "6 times 7?", "--strategy", "greedy", "--out", out]
    const ended = await polya(asked, model)
    assert.deepStrictEqual([ended.code, ended.stdout], [1, "42\n"])
    assert.include(ended.stderr, "Cannot write")
    const events = jsonLines((await polya([...asked, "--json"], model)).stdout)
    assert.deepStrictEqual(events.slice(-2).map(({ event }) => event), ["answer", "error"])
    assert.deepStrictEqual([events.at(-2).answer, events.at(-1).tag], ["42", "OutputFailed"])
  })

  it("tells what a server says without what a terminal would obey", { timeout }, async () => {
    await using model = await server((response) => {
      const error = { message: "bad\u001b]0;title\u0007 \u001b[31mthing\u202e", type: "x" }
      response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ error }))
    })
    const { code, stderr, stdout } = await polya(["solve", "p", "--strategy", "majority-2"], model)
    assert.deepStrictEqual([code, stdout], [1, ""])
    assert.match(stderr, /bad.*thing/)
    assert.notMatch(stderr, /[\u0007\u001b\u202e]/)
  })

  it("goes on under its id, and takes no other problem for it", { timeout }, async () => {
    using place = folder()
    await using model = await server(says("It is \\boxed{42}."))
    const solve = (problem: string) =>
      polya(["solve", problem, "--strategy", "greedy", "--id", "s", "--data", join(place.path, "store")], model)
    assert.strictEqual((await solve("6 times 7?")).stdout, "42\n")
    assert.strictEqual((await solve("6 times 7?")).stdout, "42\n")
    assert.strictEqual(model.requests(), 1)
    const other = await solve("6 times 8?")
    assert.deepStrictEqual([other.code, other.stdout], [2, ""])
    assert.include(other.stderr, "choose another --id")
  })

  it("ends on a signal while its samples run", { timeout }, async () => {
    let began = (): void => {}
    const begun = new Promise<void>((resolve) => began = resolve)
    await using model = await server((response) => {
      response.on("error", () => {})
      began()
    })
    const { child, ended } = start(["solve", "p", "--strategy", "greedy"], model)
    await begun
    child.kill("SIGINT")
    assert.strictEqual((await ended).code, 130)
  })
})
