// The models that this process can ask: the one of the settings, and those of the file that `llm.models` names. Keys are never in the file: it
// names environment variables that hold them. Every mistake is told with its line and column.
import { Array as Arr, Effect, Redacted, Result, Schema } from "effect"
import { dirname, relative, resolve } from "node:path"
import type { Json } from "../../domain/Json.ts"
import type { AreaValues } from "../Config.ts"
import { BaseUrl, endTagsMaximum, tagsOf } from "../Config/LlmSettings.ts"
import { ConfigInvalid, ConfigPlaces } from "../Config/Settings.ts"
import { lazyTokenizer } from "../openai/LocalTokenizer.ts"
import type { WireEndpoint } from "../openai/Wire.ts"
import { loadYaml } from "../YamlDocument.ts"
import { check, type Finding } from "../YamlDocument/Findings.ts"

export type LlmSettings = AreaValues<"llm">

type Tokenizer = NonNullable<WireEndpoint["tokenizer"]>

export interface ModelSpec {
  readonly name: string
  /** null: not known. */
  readonly contextTokens: number | null
  /** null: as the settings say. */
  readonly promptPrice: number | null
  readonly completionPrice: number | null
  readonly spendCapDollars: number | null
  readonly hedgeMillis: number | null
  readonly endpoints: ReadonlyArray<EndpointSpec>
}
export interface EndpointSpec {
  /** Its address; what shares it shares the places there. */
  readonly name: string
  readonly wire: WireEndpoint
  /** null: as the settings say. */
  readonly inFlight: number | null
  readonly weight: number
}

const modelsMaximum = 1_000
const endpointsMaximum = 256

const amount = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000_000 }))
const count = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const name = Schema.String.check(
  Schema.isPattern(/^[^\s@\p{Cc}][^@\p{Cc}]{0,199}$/u, { expected: "a name of at most 200 characters without @" })
)

/** Header names that carry secrets, and those that are the client's own business. */
const secretHeader = /^(?:proxy-)?authorization$|^cookie$|key$|token$|secret$|password$/i
const ownHeader =
  /^(?:host|connection|content-length|content-type|transfer-encoding|accept|accept-encoding|expect|te|trailer|upgrade)$/i
const Headers = Schema.Record(
  Schema.String,
  Schema.String.check(Schema.isPattern(/^[\x20-\x7e]{0,1000}$/, { expected: "at most 1,000 plain characters" }))
).check(Schema.makeFilter((headers) => {
  const names = Object.keys(headers)
  if (names.length > 32) return "At most 32 headers"
  const strange = names.find((name) => !/^[A-Za-z0-9-]{1,100}$/.test(name))
  if (strange !== undefined) return `${JSON.stringify(strange)} is no name of a header`
  const secret = names.find((name) => secretHeader.test(name))
  if (secret !== undefined) {
    return `${secret} is a secret: no secret belongs into the file; name the key's variable in keyVariable`
  }
  const own = names.find((name) => ownHeader.test(name))
  return own === undefined || `${own} is not to be set`
}))

/** What a request decides. */
const ownFields = ["model", "messages", "prompt", "stream", "n"]
const ExtraBody = Schema.Record(Schema.String, Schema.Json).check(Schema.makeFilter((body) => {
  const own = ownFields.find((field) => Object.hasOwn(body, field))
  return own === undefined || `${own} is not to be set: the request says it`
}))

const Endpoint = Schema.Struct({
  url: BaseUrl,
  model: Schema.optionalKey(Schema.NonEmptyString.check(Schema.isMaxLength(500))),
  keyVariable: Schema.optionalKey(
    Schema.String.check(
      Schema.isPattern(/^[A-Za-z_][A-Za-z0-9_]{0,199}$/, { expected: "the name of an environment variable" })
    )
  ),
  inFlight: Schema.optionalKey(count(1, 100_000)),
  weight: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0.001, maximum: 1_000 }))),
  api: Schema.optionalKey(Schema.Literals(["chat", "completions"])),
  stream: Schema.optionalKey(Schema.Boolean),
  maxTokensField: Schema.optionalKey(Schema.Literals(["max_tokens", "max_completion_tokens"])),
  organization: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[\x21-\x7e]{1,200}$/))),
  headers: Schema.optionalKey(Headers),
  extraBody: Schema.optionalKey(ExtraBody)
})
type Endpoint = typeof Endpoint.Type

const Model = Schema.Struct({
  name,
  endpoints: Schema.Array(Endpoint).check(
    Schema.isMinLength(1, { expected: "at least one endpoint" }),
    Schema.isMaxLength(endpointsMaximum)
  ),
  promptPrice: Schema.optionalKey(amount),
  completionPrice: Schema.optionalKey(amount),
  spendCap: Schema.optionalKey(amount),
  contextTokens: Schema.optionalKey(count(1, 100_000_000)),
  tokenizer: Schema.optionalKey(Schema.NonEmptyString),
  hedgeMillis: Schema.optionalKey(count(0, 86_400_000)),
  endTags: Schema.optionalKey(
    Schema.Array(Schema.NonEmptyString.check(Schema.isMaxLength(100))).check(Schema.isMaxLength(endTagsMaximum))
  ),
  opensThought: Schema.optionalKey(Schema.Boolean)
})
type Model = typeof Model.Type

const ModelFile = Schema.Struct({
  models: Schema.optionalKey(Schema.Array(Model).check(Schema.isMaxLength(modelsMaximum)))
})

/** All models, by name; the first is the settings' own where they name one. */
export const loadModels = Effect.fn("ModelList.load")(function*(settings: LlmSettings) {
  const { directory } = yield* ConfigPlaces
  const tokenizer = settings.tokenizer === "" ? null : yield* lazyTokenizer(resolve(directory, settings.tokenizer))
  const own = ownModel(settings, tokenizer)
  const listed = settings.models === "" ? [] : yield* readModelFile(settings, own?.name ?? null)
  return own === null ? listed : [own, ...listed]
})

/** Two names of one address are one. */
export const nameOf = (url: string): string => url.replace(/\/+$/, "").replace(/\/v1$/, "")

/** None: the client's own. */
const tagsField = (endTags: ReadonlyArray<string>) => endTags.length === 0 ? {} : { endTags }

const ownModel = (settings: LlmSettings, tokenizer: Tokenizer | null): ModelSpec | null => {
  const { apiKey, baseUrl, contextTokens, endTags, model } = settings
  if (baseUrl === "" || model === "") return null
  const wire: WireEndpoint = {
    url: baseUrl,
    model,
    api: "chat",
    stream: true,
    ...tagsField(tagsOf(endTags)),
    ...(apiKey === undefined ? {} : { key: apiKey }),
    ...(tokenizer === null ? {} : { tokenizer })
  }
  return {
    name: model,
    contextTokens: contextTokens === 0 ? null : contextTokens,
    promptPrice: null,
    completionPrice: null,
    spendCapDollars: null,
    hedgeMillis: null,
    endpoints: [{ name: nameOf(baseUrl), wire, inFlight: null, weight: 1 }]
  }
}

const readModelFile = Effect.fnUntraced(function*(settings: LlmSettings, ownName: string | null) {
  const { directory, environment } = yield* ConfigPlaces
  const file = resolve(directory, settings.models)
  const shown = relative(directory, file)
  const document = yield* loadYaml(file).pipe(
    Effect.catchTag(
      "YamlUnreadable",
      ({ detail }) =>
        new ConfigInvalid({ problems: [{ place: "llm.models", key: "", message: `Cannot read ${shown}: ${detail}` }] })
    )
  )
  const findings: Array<Finding> = []
  const written = document.broken ? undefined : check(ModelFile, document.value ?? {}, { path: [] })
  if (written !== undefined && Result.isFailure(written)) findings.push(...written.failure)
  const models = written !== undefined && Result.isSuccess(written) ? written.success.models ?? [] : []
  const specs: Array<ModelSpec> = []
  for (const [at, model] of models.entries()) {
    const folder = model.tokenizer
    const tokenizer = folder === undefined ? null : yield* lazyTokenizer(resolve(dirname(file), folder))
    const path = ["models", at]
    if (model.name === ownName || models.findIndex(({ name }) => name === model.name) < at) {
      const where = model.name === ownName ? "POLYA_LLM_MODEL names one, too" : "keep one of them"
      findings.push({
        path: [...path, "name"],
        at: "value",
        message: `The model ${model.name} is here twice: ${where}`
      })
    }
    const endpoints = model.endpoints.map((endpoint, index) => {
      const { keyVariable } = endpoint
      const key = keyVariable === undefined ? undefined : environment[keyVariable]
      if (keyVariable !== undefined && (key === undefined || key === "")) {
        const message = `The environment variable ${keyVariable} is not set`
        findings.push({ path: [...path, "endpoints", index, "keyVariable"], at: "value", message })
      } else if (key !== undefined && !/^[\x21-\x7e]{1,10000}$/.test(key)) {
        const message = `The environment variable ${keyVariable} holds no key: it has spaces or strange characters`
        findings.push({ path: [...path, "endpoints", index, "keyVariable"], at: "value", message })
      }
      if (endpoint.api === "completions" && model.tokenizer === undefined) {
        const message =
          "Conversations are sent to completions after the tokenizer's template: name the model's tokenizer"
        findings.push({ path: [...path, "endpoints", index, "api"], at: "value", message })
      }
      return endpointSpec(endpoint, model, tokenizer, key, settings)
    })
    specs.push({
      name: model.name,
      contextTokens: model.contextTokens ?? null,
      promptPrice: model.promptPrice ?? null,
      completionPrice: model.completionPrice ?? null,
      spendCapDollars: model.spendCap ?? null,
      hedgeMillis: model.hedgeMillis ?? null,
      endpoints
    })
  }
  const problems = [...document.mistakes, ...findings.map(document.place)]
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .map(({ column, line, message, path }) => ({ place: `${shown}:${line}:${column}`, key: path, message }))
  if (Arr.isArrayNonEmpty(problems)) return yield* new ConfigInvalid({ problems })
  return specs
})

const endpointSpec = (
  endpoint: Endpoint,
  model: Model,
  tokenizer: Tokenizer | null,
  key: string | undefined,
  settings: LlmSettings
): EndpointSpec => {
  const { api = "chat", extraBody, headers, inFlight, maxTokensField, organization, stream = true, url, weight = 1 } =
    endpoint
  return {
    name: nameOf(url),
    inFlight: inFlight ?? null,
    weight,
    wire: {
      url,
      model: endpoint.model ?? model.name,
      api,
      stream,
      ...tagsField(model.endTags ?? tagsOf(settings.endTags)),
      ...(tokenizer === null ? {} : { tokenizer }),
      ...(key === undefined ? {} : { key: Redacted.make(key) }),
      ...(organization === undefined ? {} : { organization }),
      ...(headers === undefined ? {} : { headers }),
      // Checked to be JSON by its schema.
      ...(extraBody === undefined ? {} : { extraBody: extraBody as { readonly [name: string]: Json } }),
      ...(maxTokensField === undefined ? {} : { maxTokensField }),
      ...(model.opensThought === undefined ? {} : { opensThought: model.opensThought })
    }
  }
}
