// The scripted server inside of a test: started with the words of a script, asked with plain fetch, ended with the test.
import { Result } from "effect"
import type { Json } from "../../../src/domain/Json.ts"
import { checkScript } from "../../../src/runners/fakeLlm/Script.ts"
import { type FakeServer, start, type StartOptions } from "../../../src/runners/fakeLlm/Server.ts"

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: any
}

export interface Fake extends FakeServer, AsyncDisposable {
  /** Chat with one message of the user. */
  readonly ask: (content: string, more?: object) => Promise<Answered>
  readonly post: (path: string, body: object, headers?: Record<string, string>) => Promise<Answered>
  /** The first sample's text. */
  readonly says: (content: string, more?: object) => Promise<string>
}

export const fake = async (script: Json, options: Omit<StartOptions, "script"> = {}): Promise<Fake> => {
  const checked = checkScript(script)
  if (Result.isFailure(checked)) throw new Error(JSON.stringify(checked.failure))
  const server = await start({ script: checked.success, ...options })
  const post = async (path: string, body: object, headers: Record<string, string> = {}): Promise<Answered> => {
    const response = await fetch(`${server.url}${path}`, { method: "POST", body: JSON.stringify(body), headers })
    const text = await response.text()
    let parsed: unknown
    try {
      parsed = JSON.parse(text)
    } catch {
      parsed = undefined
    }
    return { status: response.status, headers: response.headers, text, body: parsed }
  }
  const ask = (content: string, more: object = {}) =>
    post("/chat/completions", { model: "fake", messages: [{ role: "user", content }], ...more })
  return {
    ...server,
    post,
    ask,
    says: async (content, more) => (await ask(content, more)).body.choices[0].message.content,
    [Symbol.asyncDispose]: server.close
  }
}

/** The JSON of a stream's events, without `[DONE]`. */
export const eventsIn = (text: string): ReadonlyArray<any> =>
  text.split("\n\n").filter((event) => event.startsWith("data: {")).map((event) => JSON.parse(event.slice(6)))
