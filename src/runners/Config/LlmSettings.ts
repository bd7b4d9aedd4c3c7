// Settings of area `llm`: the models that can be asked, and what calls to them may take. One endpoint is told by three settings; a file lists
// more (Config `models`, generation/ModelFile.ts). docs/models.md tells users how they are used.
import { type Redacted, Schema } from "effect"
import { int, type Setting, text } from "./Settings.ts"

const hourMillis = 3_600_000
const dayMillis = 24 * hourMillis

/** An address of an API, without secrets in it. */
export const BaseUrl = Schema.String.check(
  Schema.isMaxLength(1_000),
  Schema.makeFilter((address) => {
    const url = URL.parse(address)
    if (url === null || !/^https?:$/.test(url.protocol)) return "Expected an address like http://host:8000/v1"
    if (url.username !== "" || url.password !== "") return "An address with a password in it: give the key as a key"
    return (url.search === "" && url.hash === "") || "Expected an address without ? and #"
  })
)

const baseUrl: Setting<string> = {
  schema: Schema.Union([Schema.Literal(""), BaseUrl]),
  default: "",
  unit: "",
  doc: "Address of an OpenAI-compatible server, with or without /v1 at its end. Empty: only the models of the file."
}
const apiKey: Setting<Redacted.Redacted<string> | undefined> = {
  schema: Schema.RedactedFromValue(
    Schema.String.check(
      Schema.isMaxLength(10_000),
      Schema.isPattern(/^[\x21-\x7e]+$/, { expected: "a key, without spaces" })
    )
  ),
  default: undefined,
  unit: "",
  doc: "The key that the server wants; without it none is sent.",
  secret: true
}

const amount = (value: number, unit: string, doc: string): Setting<number> => ({
  schema: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000_000 })),
  default: value,
  unit,
  doc,
  live: true
})

export const endTagsMaximum = 16
/** The tags of the text: joined by commas. */
export const tagsOf = (written: string): ReadonlyArray<string> =>
  written.split(",").map((tag) => tag.trim()).filter((tag) => tag !== "").slice(0, endTagsMaximum)

export const llm = {
  baseUrl,
  apiKey,
  model: text(
    "",
    "Name of the model at that server; it is asked for by this name. Without it the server is not asked at all."
  ),
  models: text(
    "",
    "A YAML or JSON file that lists models and their endpoints, relative to the working directory; read when the process starts. Empty: none."
  ),
  inFlight: int(
    64,
    "calls",
    "Calls under way at one endpoint, over the whole cluster. An endpoint of the file can have its own.",
    {
      maximum: 100_000,
      live: true
    }
  ),
  maxWaiting: int(
    10_000,
    "calls",
    "Calls of this process that may wait for a place at one endpoint; more are told to come again later.",
    {
      minimum: 0,
      maximum: 1_000_000,
      live: true
    }
  ),
  waitMillis: int(600_000, "ms", "A call that finds no place within this time is told to come again later.", {
    maximum: dayMillis,
    live: true
  }),
  callMillis: int(900_000, "ms", "A call that has not ended by then is given up.", { maximum: dayMillis, live: true }),
  firstTokenMillis: int(180_000, "ms", "A streamed call whose first token has not come by then is given up.", {
    maximum: dayMillis,
    live: true
  }),
  idleMillis: int(120_000, "ms", "A streamed call of which nothing came for so long is given up.", {
    maximum: dayMillis,
    live: true
  }),
  attempts: int(6, "calls", "Calls for one sample, at most: where a server is busy or fails, it is asked again.", {
    maximum: 100,
    live: true
  }),
  retryFirstMillis: int(500, "ms", "The wait before the second call for a sample; it doubles from call to call.", {
    maximum: hourMillis,
    live: true
  }),
  retryLongestMillis: int(
    30_000,
    "ms",
    "The longest such wait. A server that says how long to wait is given that long.",
    {
      maximum: hourMillis,
      live: true
    }
  ),
  hedgeMillis: int(
    0,
    "ms",
    "A call without its first token after so long gets a second one at another endpoint, and the first to end counts; both cost. 0: never.",
    { minimum: 0, maximum: dayMillis, live: true }
  ),
  breakerFailures: int(5, "calls", "An endpoint that failed so often in a row is left alone for a while.", {
    maximum: 10_000,
    live: true
  }),
  breakerMillis: int(10_000, "ms", "How long it is left alone; then one call tries it.", {
    maximum: hourMillis,
    live: true
  }),
  spendCapDollars: amount(
    0,
    "dollars",
    "What a model may cost altogether, by its prices; then no more calls are made. 0: no bound. A model of the file can have its own."
  ),
  promptPrice: amount(0, "dollars", "Price of a million tokens of prompts, where the file says no other."),
  completionPrice: amount(0, "dollars", "Price of a million tokens that a model writes, where the file says no other."),
  contextTokens: int(0, "tokens", "Prompt and answer of the default model together; 0: not known.", {
    minimum: 0,
    maximum: 100_000_000
  }),
  tokenizer: text(
    "",
    "Folder with the default model's tokenizer.json, and its tokenizer_config.json: tokens are counted and prompts rendered with it. Empty: none."
  ),
  endTags: text(
    "",
    "Tags that end a model's reasoning where it stands in the text, joined by commas; what is before the last of them is told as reasoning. Empty: the usual ones, </think> among them."
  )
}
