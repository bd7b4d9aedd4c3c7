// A model's own tokenizer and chat template, from its files: renders conversations to the text that the model gets, and counts tokens. Files
// come with models from elsewhere: they are bounded, and a template has no files, no network, and a second. Loading takes about a second
// for a vocabulary of 150,000 words, so it is left until somebody needs it.
import { Effect, Option, Schema } from "effect"
import { readFile, stat } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { createContext, Script } from "node:vm"
import type { ChatMessage, SamplingParameters } from "../../domain/Generation.ts"
import { isJsonObject, type Json } from "../../domain/Json.ts"

/** No tokenizer can be made of the files. */
export class TokenizerUnusable extends Schema.TaggedError<TokenizerUnusable>()("TokenizerUnusable", {
  location: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `No tokenizer at ${this.location}: ${this.detail}`
  }
}
/** The chat template takes no such conversation, or there is none. */
export class TemplateRefuses extends Schema.TaggedError<TemplateRefuses>()("TemplateRefuses", {
  location: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `The chat template of ${this.location} renders no such conversation: ${this.detail}`
  }
}

export interface RenderOptions {
  /** Told to templates that ask for the date (UTC). */
  readonly nowMillis: number
  readonly reasoningEffort?: NonNullable<SamplingParameters["reasoningEffort"]>
}

export interface LocalTokenizer {
  /** Tokens of a text, without those that a tokenizer puts around it. Of long texts (over 200,000 characters) the beginning is counted and scaled. */
  readonly count: (text: string) => number
  /** The conversation up to where the model writes; a last message of the assistant is left open, so that the model goes on with it. */
  readonly render: (
    messages: ReadonlyArray<ChatMessage>,
    options: RenderOptions
  ) => Effect.Effect<string, TemplateRefuses>
  /** The text that begins each prompt, which servers put there as well; empty: none. */
  readonly bosToken: string
}

/** Bytes of one file; milliseconds and characters of one rendering; items of a `range()`; characters counted. */
const fileBytes = 64 * 1024 * 1024
const renderMillis = 1_000
const renderCharacters = 16_000_000
const rangeItems = 100_000
const countedCharacters = 200_000

/** Characters of an error of a template or parser. */
const detailCharacters = 300
const said = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).slice(0, detailCharacters)

/** A file's text; none where there is no such file. */
const read = (location: string, file: string): Effect.Effect<Option.Option<string>, TokenizerUnusable> => {
  const unusable = (detail: string) => new TokenizerUnusable({ location, detail: `${basename(file)}: ${detail}` })
  return Effect.tryPromise({
    try: () => stat(file),
    catch: (error) => unusable(said(error))
  }).pipe(
    Effect.flatMap((facts) =>
      facts.isFile() && facts.size <= fileBytes
        ? Effect.tryPromise({ try: () => readFile(file, "utf8"), catch: (error) => unusable(said(error)) })
        : Effect.fail(unusable(facts.isFile() ? `${facts.size} bytes, ${fileBytes} at most` : "it is no file"))
    ),
    Effect.map(Option.some),
    Effect.catch((error) => error.detail.includes("ENOENT") ? Effect.succeedNone : Effect.fail(error))
  )
}

const readObject = Effect.fnUntraced(function*(location: string, file: string) {
  const text = yield* read(location, file)
  if (Option.isNone(text)) return Option.none()
  const value = yield* Effect.try({
    try: (): unknown => JSON.parse(text.value),
    catch: () => new TokenizerUnusable({ location, detail: `${basename(file)} is no JSON` })
  })
  if (!isJsonObject(value as Json)) {
    return yield* new TokenizerUnusable({ location, detail: `${basename(file)} is no JSON object` })
  }
  return Option.some(value as { readonly [name: string]: Json })
})

/** The template of tokenizer_config.json: a text, or several by name. */
const configTemplate = (value: Json | undefined): string | null => {
  if (typeof value === "string") return value
  if (!Array.isArray(value)) return null
  const named = value.filter(isJsonObject)
  const chosen = named.find(({ name }) => name === "default") ?? named[0]
  return typeof chosen?.["template"] === "string" ? chosen["template"] : null
}

/** Special tokens are texts, or objects with the text in `content`. */
const tokenText = (value: Json | undefined): string | null =>
  typeof value === "string"
    ? value
    : value !== undefined && isJsonObject(value) && typeof value["content"] === "string"
    ? value["content"]
    : null

const months = "January February March April May June July August September October November December".split(" ")
const days = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ")
/** What templates ask of strftime, in UTC; letters that it does not know stay. */
const formatDate = (millis: number, format: string): string => {
  const date = new Date(millis)
  const two = (value: number) => String(value).padStart(2, "0")
  const month = months[date.getUTCMonth()] ?? ""
  const day = days[date.getUTCDay()] ?? ""
  const parts: { readonly [letter: string]: string } = {
    Y: String(date.getUTCFullYear()),
    m: two(date.getUTCMonth() + 1),
    d: two(date.getUTCDate()),
    H: two(date.getUTCHours()),
    M: two(date.getUTCMinutes()),
    S: two(date.getUTCSeconds()),
    B: month,
    b: month.slice(0, 3),
    A: day,
    a: day.slice(0, 3)
  }
  return format.slice(0, 200).replace(/%([A-Za-z])/g, (whole, letter: string) => parts[letter] ?? whole)
}

const range = (...bounds: ReadonlyArray<unknown>): ReadonlyArray<number> => {
  const [first = 0, second, third] = bounds.map(Number)
  const [start, stop, step] = second === undefined ? [0, first, 1] : [first, second, third ?? 1]
  const length = Math.max(0, Math.ceil((stop - start) / step))
  if (!(length <= rangeItems)) throw new Error(`range() of more than ${rangeItems} items`)
  return Array.from({ length }, (_, i) => start + i * step)
}

/** Runs to its end within the time, else throws; also where it never waits. */
const guard = new Script("run()")
const context = createContext({ run: () => {} })
const withinTime = (run: () => void): void => {
  context["run"] = run
  guard.runInContext(context, { timeout: renderMillis })
}

/** Stands behind the text that the model goes on with: what a template writes after it is cut off. From the private use area. */
const openEnd = "\uE0F1\uE0F2\uE0F1"

const make = Effect.fnUntraced(function*(location: string) {
  const isFile = location.endsWith(".json")
  const folder = isFile ? dirname(location) : location
  const tokenizerFile = isFile ? location : join(folder, "tokenizer.json")
  const written = yield* readObject(location, tokenizerFile)
  if (Option.isNone(written)) {
    return yield* new TokenizerUnusable({
      location,
      detail: `there is no ${basename(tokenizerFile)} (${tokenizerFile}). Name a model's folder, or its tokenizer.json`
    })
  }
  const config = Option.getOrElse(
    yield* readObject(location, join(folder, "tokenizer_config.json")),
    (): { readonly [name: string]: Json } => ({})
  )
  const template = Option.getOrElse(
    yield* read(location, join(folder, "chat_template.jinja")),
    () => configTemplate(config["chat_template"])
  )
  const { Tokenizer } = yield* Effect.promise(() => import("@huggingface/tokenizers"))
  const { Environment, Interpreter, Template } = yield* Effect.promise(() => import("@huggingface/jinja"))
  const tokenizer = yield* Effect.try({
    try: () => new Tokenizer(written.value, config),
    catch: (error) => new TokenizerUnusable({ location, detail: `tokenizer.json is not understood: ${said(error)}` })
  })
  const parsed = template === null ? null : yield* Effect.try({
    try: () => new Template(template).parsed,
    catch: (error) => new TokenizerUnusable({ location, detail: `the chat template has a mistake: ${said(error)}` })
  })
  const specials = Object.entries(config).flatMap(([name, value]) => {
    const text = name.endsWith("_token") ? tokenText(value) : null
    return text === null ? [] : [[name, text] as const]
  })

  const renderSync = (messages: ReadonlyArray<ChatMessage>, { nowMillis, reasoningEffort }: RenderOptions): string => {
    if (parsed === null) {
      throw new Error("there is none: chat_template.jinja, or chat_template in tokenizer_config.json")
    }
    const last = messages.at(-1)
    const goesOn = last?.role === "assistant"
    const shown = messages.map((message) => ({
      ...message,
      content: message.content.replaceAll(openEnd, "") + (goesOn && message === last ? openEnd : "")
    }))
    const values: { readonly [name: string]: unknown } = {
      ...Object.fromEntries(specials),
      true: true,
      false: false,
      none: null,
      True: true,
      False: false,
      None: null,
      raise_exception: (message: unknown) => {
        throw new Error(String(message))
      },
      range,
      strftime_now: (format: unknown) => formatDate(nowMillis, String(format)),
      messages: shown,
      tools: null,
      documents: null,
      add_generation_prompt: !goesOn,
      ...(reasoningEffort === undefined ? {} : { reasoning_effort: reasoningEffort })
    }
    let text = ""
    withinTime(() => {
      const environment = new Environment()
      for (const [name, value] of Object.entries(values)) environment.set(name, value)
      const result: unknown = new Interpreter(environment).run(parsed).value
      text = typeof result === "string" ? result : ""
      if (text.length > renderCharacters) throw new Error(`it writes more than ${renderCharacters} characters`)
    })
    if (!goesOn) return text
    const end = text.lastIndexOf(openEnd)
    if (end < 0) throw new Error("it leaves out the last message of the assistant, so the model cannot go on with it")
    return text.slice(0, end)
  }

  return {
    count: (text) => {
      const counted = text.length <= countedCharacters ? text : text.slice(0, countedCharacters)
      const tokens = tokenizer.encode(counted, { add_special_tokens: false }).ids.length
      return Math.ceil(tokens * (text.length / Math.max(1, counted.length)))
    },
    render: (messages, options) =>
      Effect.try({
        try: () => renderSync(messages, options),
        catch: (error) => new TemplateRefuses({ location, detail: said(error) })
      }),
    bosToken: specials.find(([name]) => name === "bos_token")?.[1] ?? ""
  } satisfies LocalTokenizer
})

/** The tokenizer of a model's folder, or of its tokenizer.json with the files beside it. */
export const loadTokenizer: (location: string) => Effect.Effect<LocalTokenizer, TokenizerUnusable> = Effect.fn(
  "LocalTokenizer.load"
)(make)

/** The same, loaded at the first use and then kept; a failure is kept as well. */
export const lazyTokenizer = (
  location: string
): Effect.Effect<Effect.Effect<LocalTokenizer, TokenizerUnusable>> => Effect.cached(loadTokenizer(location))
