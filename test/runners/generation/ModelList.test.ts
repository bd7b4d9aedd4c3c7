// The list of models: what a file may say, and where each mistake in it is.
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { LlmConfig } from "../../../src/runners/Config.ts"
import { ConfigPlaces } from "../../../src/runners/Config/Settings.ts"
import { type LlmSettings, loadModels, nameOf } from "../../../src/runners/generation/ModelList.ts"

const folder = mkdtempSync(join(tmpdir(), "polya-models-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
const load = (
  text: string | null,
  { environment = {}, ...settings }: Partial<LlmSettings> & { readonly environment?: ConfigPlaces["environment"] } = {}
) => {
  const name = `models-${files++}.yaml`
  if (text !== null) writeFileSync(join(folder, name), text)
  return loadModels({ ...LlmConfig.defaults, models: name, ...settings }).pipe(
    Effect.provideService(ConfigPlaces, { directory: folder, environment })
  )
}
const problems = (text: string | null, options: Parameters<typeof load>[1] = {}) =>
  load(text, options).pipe(
    Effect.flip,
    Effect.map((error) => error.message.replaceAll(/models-\d+/g, "models").split("\n"))
  )

describe("the list of models", () => {
  it.effect("is empty where nothing is said, and where only half of a default endpoint is", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* load(null, { models: "" }), [])
      assert.deepStrictEqual(yield* load(null, { models: "", baseUrl: "http://a/v1" }), [])
      assert.deepStrictEqual(yield* load(null, { models: "", model: "m" }), [])
      assert.deepStrictEqual(yield* load(""), [])
      assert.deepStrictEqual(yield* load("models: []\n"), [])
    }))

  it.effect("has the model of the settings first, with its key", () =>
    Effect.gen(function*() {
      const key = Redacted.make("sk-x")
      const models = yield* load("models:\n  - { name: b, endpoints: [{ url: \"http://b\" }] }\n", {
        baseUrl: "http://127.0.0.1:8000/v1/",
        model: "a",
        apiKey: key,
        contextTokens: 4_096,
        endTags: "</think>, </x>"
      })
      assert.deepStrictEqual(models.map(({ name }) => name), ["a", "b"])
      const [own] = models
      assert.deepInclude(own, { contextTokens: 4_096, promptPrice: null })
      assert.deepStrictEqual(own?.endpoints, [{
        name: "http://127.0.0.1:8000",
        inFlight: null,
        weight: 1,
        wire: {
          url: "http://127.0.0.1:8000/v1/",
          model: "a",
          api: "chat",
          stream: true,
          endTags: ["</think>", "</x>"],
          key
        }
      }])
    }))

  it.effect("takes everything that a file may say, and JSON as well", () =>
    Effect.gen(function*() {
      const yaml = `models:
  - name: Qwen/Qwen3-8B
    contextTokens: 32768
    promptPrice: 0.1
    completionPrice: 0.4
    spendCap: 20
    hedgeMillis: 4000
    tokenizer: qwen
    endTags: [</think>]
    opensThought: true
    endpoints:
      - url: http://gpu-1:8000/v1
        inFlight: 32
      - url: https://api.example.com
        model: qwen-8b
        keyVariable: EXAMPLE_KEY
        weight: 2.5
        api: completions
        stream: false
        maxTokensField: max_completion_tokens
        organization: org-1
        headers: { X-Team: math }
        extraBody: { chat_template_kwargs: { enable_thinking: false }, seed: null }
`
      const [model] = yield* load(yaml, { environment: { EXAMPLE_KEY: "sk-very-secret" } })
      assert.deepInclude(model, {
        name: "Qwen/Qwen3-8B",
        contextTokens: 32_768,
        promptPrice: 0.1,
        completionPrice: 0.4,
        spendCapDollars: 20,
        hedgeMillis: 4_000
      })
      const [first, second] = model?.endpoints ?? []
      assert.deepInclude(first, { name: "http://gpu-1:8000", inFlight: 32, weight: 1 })
      assert.deepInclude(first?.wire, { model: "Qwen/Qwen3-8B", api: "chat", stream: true, opensThought: true })
      assert.deepInclude(second?.wire, {
        model: "qwen-8b",
        api: "completions",
        stream: false,
        maxTokensField: "max_completion_tokens",
        headers: { "X-Team": "math" },
        extraBody: { chat_template_kwargs: { enable_thinking: false }, seed: null }
      })
      assert.strictEqual(Redacted.value(second?.wire.key ?? Redacted.make("")), "sk-very-secret")
      assert.notInclude(JSON.stringify(model), "sk-very-secret")
      const json = JSON.stringify({ models: [{ name: "j", endpoints: [{ url: "http://j:1" }] }] })
      assert.strictEqual((yield* load(json))[0]?.name, "j")
    }))

  it.effect("names every mistake with its place", () =>
    Effect.gen(function*() {
      const found = yield* problems(
        `models:
  - name: a
    endpoints:
      - url: http://user:pw@host
        keyVariable: MISSING_KEY
      - url: ftp://x
        wieght: 2
  - name: b@c
    endpoints: []
`
      )
      assert.strictEqual(found.filter((line) => /^models\.yaml:\d+:\d+ models\[/.test(line)).length, found.length)
      const all = found.join("\n")
      assert.match(all, /models\.yaml:4:\d+ models\[0\]\.endpoints\[0\]\.url: .*password/)
      assert.match(all, /models\.yaml:6:\d+ .*http:\/\/host:8000/)
      assert.match(all, /models\.yaml:7:\d+ .*did you mean "weight"/)
      assert.match(all, /models\.yaml:8:\d+ .*without @/)
      assert.match(all, /models\.yaml:9:\d+ .*at least one endpoint/)
      assert.notInclude(all, ":pw@")
    }))

  it.effect("takes no secret, and nothing that a request decides", () =>
    Effect.gen(function*() {
      const endpoint = (fields: string) => `models: [{ name: a, endpoints: [{ url: "http://a", ${fields} }] }]\n`
      const one = (text: string, options: Parameters<typeof load>[1] = {}) =>
        Effect.map(problems(text, options), (all) => all.join("\n"))
      assert.match(yield* one(endpoint("headers: { Authorization: Bearer abc }")), /Authorization is a secret/)
      assert.match(yield* one(endpoint("headers: { X-Api-Key: abc }")), /X-Api-Key is a secret/)
      assert.match(yield* one(endpoint("headers: { Host: abc }")), /Host is not to be set/)
      assert.match(yield* one(endpoint("headers: { \"X Y\": abc }")), /no name of a header/)
      assert.match(yield* one(endpoint("headers: { X-Y: \"a\\r\\nb: c\" }")), /plain characters/)
      assert.match(yield* one(endpoint("extraBody: { stream: false }")), /stream is not to be set/)
      assert.match(yield* one(endpoint("api: completions")), /name the model's tokenizer/)
      assert.match(yield* one(endpoint("keyVariable: K")), /K is not set/)
      assert.match(yield* one(endpoint("keyVariable: K"), { environment: { K: "two words" } }), /K holds no key/)
      assert.notInclude(yield* one(endpoint("keyVariable: K"), { environment: { K: "two words" } }), "two words")
    }))

  it.effect("has each name once", () =>
    Effect.gen(function*() {
      const text =
        "models:\n  - { name: a, endpoints: [{ url: http://a }] }\n  - { name: a, endpoints: [{ url: http://b }] }\n"
      assert.deepStrictEqual(yield* problems(text), [
        "models.yaml:3:13 models[1].name: The model a is here twice: keep one of them"
      ])
      const own = { baseUrl: "http://a", model: "a" }
      assert.match((yield* problems(text, own)).join(), /POLYA_LLM_MODEL names one/)
    }))

  it.effect("says which file cannot be read", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* problems(null), ["llm.models: Cannot read models.yaml: there is no such file"])
      assert.match((yield* problems("models: [\n")).join(), /^models\.yaml:/)
    }))
})

describe("an endpoint's name", () => {
  it("is its address without what changes nothing", () => {
    for (const url of ["http://a:1", "http://a:1/", "http://a:1/v1", "http://a:1/v1//"]) {
      assert.strictEqual(nameOf(url), "http://a:1")
    }
    assert.strictEqual(nameOf("https://a/openai/v1"), "https://a/openai")
  })
})
