// The official client against the real server: real sockets, real actors, models that a script speaks for.
import { Context, Effect, Redacted } from "effect"
import { OpenAI } from "openai"
import { AuditLog } from "../../../src/actors/AuditLog.ts"
import { Tokens } from "../../../src/actors/Tokens.ts"
import { makeScripted, type Script, type ScriptedOptions } from "../../actors/ScriptedGeneration.ts"
import { type FixtureOptions, listen } from "../HttpFixture.ts"

export interface ServeOptions extends FixtureOptions {
  readonly scripted?: ScriptedOptions
}

export const serve = Effect.fnUntraced(function*(script: Script, options: ServeOptions = {}) {
  const scripted = makeScripted(script, { models: ["m", "org/big"], ...options.scripted })
  const { context, port, url } = yield* listen({ generation: scripted.layer, ...options })
  const clientWith = (apiKey: string) => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0, timeout: 60_000 })
  const token = yield* Context.get(context, Tokens).create(
    { name: "tester", scope: "operate", expiresMillis: null },
    { who: "test", why: "" }
  )
  const key = Redacted.value(token.token)
  return {
    ...scripted,
    context,
    port,
    url,
    key,
    client: clientWith(key),
    clientWith,
    audits: Context.get(context, AuditLog).list({ limit: 20, type: "Model" }),
    /** Asks without the client. */
    ask: (method: string, path: string, body?: unknown, headers: { readonly [name: string]: string } = {}) =>
      Effect.promise(async () => {
        const response = await fetch(`${url}${path}`, {
          method,
          headers: {
            authorization: `Bearer ${key}`,
            ...(body === undefined ? {} : { "content-type": "application/json" }),
            ...headers
          },
          ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
        })
        const text = await response.text()
        const isJson = (response.headers.get("content-type") ?? "").startsWith("application/json")
        return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
      })
  }
})

/** What a promise of the client fails with. */
export const failureOf = (promise: () => Promise<unknown>): Effect.Effect<any> =>
  Effect.promise(() => promise().then(() => "no failure", (error) => error))

export const promised = <A>(promise: () => Promise<A>): Effect.Effect<A> => Effect.promise(promise)

/** Waits for something that is bound to come; the test's own time limit ends what never does. */
export const until = (holds: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (holds() ? Effect.void : Effect.andThen(Effect.sleep("5 millis"), until(holds))))

export const user = (content: string) => [{ role: "user" as const, content }]

/** All that an iterable gives. */
export const collect = async <A>(items: AsyncIterable<A>): Promise<Array<A>> => {
  const all: Array<A> = []
  for await (const item of items) all.push(item)
  return all
}

/** Fields that the client's types do not know. */
export const more = (fields: object): object => fields

export const firstOf = <A>(items: ReadonlyArray<A>): A => {
  const [first] = items
  if (first === undefined) throw new Error("There is none")
  return first
}
