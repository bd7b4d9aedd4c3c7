import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cp, mkdtemp, rm, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ChatMessage } from "../../../src/domain/Generation.ts"
import { loadTokenizer } from "../../../src/runners/openai/LocalTokenizer.ts"

const tiny = join(import.meta.dirname, "tokenizer")
const config = "tokenizer_config.json"
const options = { nowMillis: Date.UTC(2026, 10, 22, 9, 5, 7) }

/** A copy of the tiny tokenizer, changed. */
const changed = (change: (folder: string) => Promise<unknown>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const folder = await mkdtemp(join(tmpdir(), "polya-tokenizer-"))
        await cp(tiny, folder, { recursive: true })
        await change(folder)
        return folder
      }),
      (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
    ),
    (folder) => folder
  )
const refusal = (change: (folder: string) => Promise<unknown>) =>
  Effect.scoped(Effect.gen(function*() {
    const folder = yield* changed(change)
    const { detail, message } = yield* Effect.flip(loadTokenizer(folder))
    assert.include(message, folder)
    return detail
  }))
const withTemplate = (template: string) => (folder: string) => writeFile(join(folder, "chat_template.jinja"), template)
const user = (content: string): ChatMessage => ({ role: "user", content })
const assistant = (content: string): ChatMessage => ({ role: "assistant", content })
const rendered = (template: string, messages: ReadonlyArray<ChatMessage> = [user("2 + 2?")]) =>
  Effect.scoped(Effect.gen(function*() {
    const folder = yield* changed(withTemplate(template))
    const { render } = yield* loadTokenizer(folder)
    return yield* render(messages, options)
  }))
const refused = (template: string, messages?: ReadonlyArray<ChatMessage>) =>
  Effect.map(Effect.flip(rendered(template, messages)), ({ message }) => message)

describe("LocalTokenizer", () => {
  it.effect("counts tokens, from a folder and from its file", () =>
    Effect.gen(function*() {
      for (const location of [tiny, join(tiny, "tokenizer.json")]) {
        const { bosToken, count } = yield* loadTokenizer(location)
        assert.strictEqual(bosToken, "<s>")
        assert.strictEqual(count(""), 0)
        assert.strictEqual(count("<s>assistant and user"), 6)
        assert.strictEqual(count("1234"), 4)
      }
    }))

  it.effect("counts the beginning of a text without an end, and scales", () =>
    Effect.gen(function*() {
      const { count } = yield* loadTokenizer(tiny)
      assert.strictEqual(count("1 ".repeat(500_000)), 1_000_000)
    }), 300_000)

  it.effect("renders a conversation up to the answer, or leaves the last answer open", () =>
    Effect.gen(function*() {
      const { render } = yield* loadTokenizer(tiny)
      assert.strictEqual(yield* render([user(" 2 + 2? ")], options), "<s>[user]2 + 2?\n[assistant]")
      assert.strictEqual(
        yield* render([user("2 + 2?"), assistant("It is \n")], options),
        "<s>[user]2 + 2?\n[assistant]It is \n"
      )
      assert.strictEqual(yield* render([user("a"), assistant("")], options), "<s>[user]a\n[assistant]")
    }))

  it.effect("tells templates the date, UTC, and takes the file before the configuration", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* rendered("{{ strftime_now('%d %B %Y, %b %a %H:%M:%S %q') }}"),
        "22 November 2026, Nov Sun 09:05:07 %q"
      )
      assert.strictEqual(yield* rendered("{% for i in range(1, 6, 2) %}{{ i }}{% endfor %}{{ eos_token }}"), "135</s>")
    }))

  it.effect("finds the default among several templates", () =>
    Effect.scoped(Effect.gen(function*() {
      const chat_template = [{ name: "tools", template: "t" }, { name: "default", template: "d" }]
      const folder = yield* changed((folder) => writeFile(join(folder, config), JSON.stringify({ chat_template })))
      const { render } = yield* loadTokenizer(folder)
      assert.strictEqual(yield* render([user("a")], options), "d")
    })))

  it.effect("says which file is missing or wrong", () =>
    Effect.gen(function*() {
      assert.include(yield* refusal((folder) => rm(join(folder, "tokenizer.json"))), "there is no tokenizer.json")
      assert.include(
        yield* refusal((folder) => writeFile(join(folder, "tokenizer.json"), "{")),
        "tokenizer.json is no JSON"
      )
      assert.include(yield* refusal((folder) => writeFile(join(folder, "tokenizer.json"), "[]")), "no JSON object")
      assert.include(yield* refusal((folder) => writeFile(join(folder, "tokenizer.json"), "{}")), "not understood")
      assert.include(yield* refusal((folder) => writeFile(join(folder, config), "null")), config)
      assert.include(yield* refusal(withTemplate("{% if %}")), "the chat template has a mistake")
      assert.include(yield* refusal((folder) => truncate(join(folder, "tokenizer.json"), 65 * 1024 * 1024)), "at most")
      const none = yield* Effect.flip(loadTokenizer("/nowhere/at/all"))
      assert.include(none.message, "/nowhere/at/all")
    }))

  it.effect("has a tokenizer without a template, which renders nothing", () =>
    Effect.scoped(Effect.gen(function*() {
      const folder = yield* changed((folder) => rm(join(folder, config)))
      const { bosToken, count, render } = yield* loadTokenizer(folder)
      assert.strictEqual(bosToken, "")
      assert.strictEqual(count("12"), 2)
      assert.include((yield* Effect.flip(render([user("a")], options))).message, "chat_template.jinja")
    })))

  it.effect("refuses what a template refuses, and templates without an end or a measure", () =>
    Effect.gen(function*() {
      assert.include(yield* refused("{{ raise_exception('roles alternate') }}"), "roles alternate")
      assert.include(yield* refused("{% for i in range(1000000000) %}{% endfor %}"), "range()")
      assert.include(yield* refused("{% for i in range(0, 1, 0) %}{% endfor %}"), "range()")
      const forever = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
      assert.include(yield* refused(forever), "timed out")
      const wide =
        `{% set ns = namespace(x='aaaaaaaaaa') %}{% for i in range(30) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}`
      assert.include(yield* refused(wide), "renders no such conversation")
      assert.include(
        yield* refused("{{ messages[0].content }}", [user("a"), assistant("b")]),
        "leaves out the last message"
      )
    }), 300_000)

  it.effect("gives a template nothing of the process", () =>
    Effect.gen(function*() {
      const reach = "{{ messages.constructor }}{{ messages[0].__proto__ }}{{ range.constructor }}"
      const text = yield* Effect.result(rendered(reach))
      if (text._tag === "Success") assert.notMatch(text.success, /function|native|object Object/)
    }))
})
