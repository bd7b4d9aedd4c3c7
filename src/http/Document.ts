// The last touches of the OpenAPI document: what clients and their generators need and schemas alone do not say.

/** Bounds of the numbers in paths and queries, which travel as text: the document would call them texts. */
const numbers: { readonly [name: string]: { readonly minimum: number; readonly maximum: number } } = {
  limit: { minimum: 1, maximum: 500 },
  before: { minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
  version: { minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
  sinceMillis: { minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  untilMillis: { minimum: 0, maximum: Number.MAX_SAFE_INTEGER }
}

type Json = any

const parameter = (one: Json): Json => {
  const bounds = numbers[one.name]
  return bounds === undefined ? one : { ...one, schema: { type: "integer", ...bounds } }
}

/** A body that may be null may be left away. */
const requestBody = (body: Json): Json => {
  const json = body?.content?.["application/json"]
  const choices: ReadonlyArray<Json> = json?.schema?.anyOf ?? []
  const others = choices.filter(({ type }) => type !== "null")
  if (others.length === choices.length || others.length !== 1) return body
  return { ...body, required: false, content: { "application/json": { ...json, schema: others[0] } } }
}

/** Whoever asks for a part gets it under a status of its own. */
const withParts = ({ parameters = [], responses }: Json): Json =>
  parameters.some(({ name }: Json) => name === "range")
    ? { ...responses, 206: { ...responses["200"], description: "The part of the file that Range names" } }
    : responses

const operation = (one: Json): Json => ({
  ...one,
  responses: withParts(one),
  ...(one.parameters === undefined ? {} : { parameters: one.parameters.map(parameter) }),
  ...(one.requestBody === undefined ? {} : { requestBody: requestBody(one.requestBody) })
})

const each = (record: Json, change: (value: Json) => Json): Json =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))

/** A bearer token goes with every route, except where a server takes local callers without one. */
export const finish = (spec: Json): Json => ({
  ...spec,
  paths: each(spec.paths, (methods) => each(methods, operation)),
  components: {
    ...spec.components,
    securitySchemes: { bearer: { type: "http", scheme: "bearer", description: "A token of `polya token create`." } }
  },
  security: [{ bearer: [] }, {}]
})
