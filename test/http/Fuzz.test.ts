// Every route of the OpenAPI document, asked 10,000 times with what the document allows and with what it does not. Nothing may come out but
// what the document says: no 500, no other status, no error that is no problem document. The seed is printed when something else does.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ScriptedGeneration from "../actors/ScriptedGeneration.ts"
import { makeScripted } from "../actors/ScriptedSandbox.ts"
import { type Asker, finishedRun, make, recipeYaml } from "./HttpFixture.ts"

const seed = Number(process.env["FUZZ_SEED"] ?? 7)
const requests = Number(process.env["FUZZ_REQUESTS"] ?? 10_000)

/** Mulberry32. */
const randomOf = (seed: number) => {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    below: (bound: number): number => Math.floor(next() * bound),
    pick: <A>(all: ReadonlyArray<A>): A => all[Math.floor(next() * all.length)] as A,
    chance: (of: number): boolean => next() < of
  }
}
type Random = ReturnType<typeof randomOf>

const oddTexts = [
  "",
  " ",
  "\u0000",
  "\uffff",
  "𝒫",
  "../../etc/passwd",
  "%",
  "%00",
  "'; DROP TABLE x; --",
  "a".repeat(5_000),
  "\\frac{1}{2}",
  "null",
  "-1",
  "1e999",
  "__proto__",
  "constructor",
  "9007199254740993",
  "0~a",
  "99999999999999999~~",
  "\ud800",
  "bytes=5-1"
]
const oddNumbers = [0, -0, -1, 1, 1.5, 1e308, -1e308, 2 ** 31, 2 ** 53, 2 ** 53 + 2, 1e-320]
const oddValues: ReadonlyArray<unknown> = [
  null,
  true,
  [],
  {},
  [[]],
  { __proto__: 1 },
  { "": "" },
  ...oddTexts,
  ...oddNumbers
]

/** Texts that mean something here, by the name of the field that they are for. */
interface Known {
  readonly texts: ReadonlyArray<string>
  readonly byName: { readonly [name: string]: ReadonlyArray<string> }
}

/** A value that a schema of the document allows, mostly. */
const valueOf = (
  schema: any,
  document: any,
  random: Random,
  known: Known,
  odd: number,
  name: string,
  depth = 0
): any => {
  if (random.chance(odd / 4)) return random.pick(oddValues)
  if (schema === undefined || schema === true || depth > 6) return random.pick(oddValues)
  if (schema.$ref !== undefined) {
    return valueOf(
      document.components.schemas[schema.$ref.split("/").at(-1)],
      document,
      random,
      known,
      odd,
      name,
      depth
    )
  }
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return random.pick(schema.enum)
  for (const any of ["anyOf", "oneOf"]) {
    if (schema[any] !== undefined) {
      return valueOf(random.pick(schema[any]), document, random, known, odd, name, depth + 1)
    }
  }
  switch (schema.type) {
    case "object": {
      const value: { [name: string]: unknown } = {}
      for (const [field, member] of Object.entries<any>(schema.properties ?? {})) {
        if ((schema.required ?? []).includes(field) ? !random.chance(odd) : random.chance(0.3)) {
          value[field] = valueOf(member, document, random, known, odd, field, depth + 1)
        }
      }
      if (typeof schema.additionalProperties === "object" || schema.patternProperties !== undefined) {
        const member = schema.additionalProperties || Object.values(schema.patternProperties)[0]
        for (let extra = random.below(3); extra > 0; extra--) {
          const field = random.pick(["problem", "http.requestsPerSecond", "stage", ...oddTexts])
          value[field] = valueOf(member, document, random, known, odd, field, depth + 1)
        }
      }
      if (random.chance(odd / 4)) value[random.pick(oddTexts)] = random.pick(oddValues)
      return value
    }
    case "array":
      return Array.from(
        { length: random.below(4) },
        () => valueOf(schema.items, document, random, known, odd, name, depth + 1)
      )
    case "integer":
    case "number": {
      const low = Math.max(schema.minimum ?? -10, -1e6)
      const high = Math.min(schema.maximum ?? 1e6, 1e6)
      return random.chance(odd) ? random.pick(oddNumbers) : low + random.below(high - low + 1)
    }
    case "boolean":
      return random.chance(0.5)
    case "null":
      return null
    default:
      return random.chance(odd)
        ? random.pick(oddTexts)
        : random.pick(fitting(schema, Object.hasOwn(known.byName, name) ? known.byName[name] ?? [] : known.texts))
  }
}

/** Of the known texts those that a schema allows, or a number where it wants one. */
const fitting = ({ maxLength = Infinity, pattern }: any, known: ReadonlyArray<string>): ReadonlyArray<string> => {
  const found = known.filter((one) =>
    one.length <= maxLength && (pattern === undefined || new RegExp(pattern, "u").test(one))
  )
  return found.length === 0 ? known : found
}

const operationsOf = (document: any) =>
  Object.entries<any>(document.paths).flatMap(([path, methods]) =>
    Object.entries<any>(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation }))
  )

const textOf = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value) ?? ""
const headerText = (value: unknown): string => textOf(value).replaceAll(/[^\x20-\x7e]/g, "?").trim()

describe("the API under random requests", () => {
  it.live(`answers ${requests} of them as its document says, without a 500`, () =>
    Effect.gen(function*() {
      const { ask } = yield* make({
        limits: { requestsPerSecond: 0, maxBodyBytes: 100_000 },
        sandbox: makeScripted().layer,
        generation: ScriptedGeneration.makeScripted(() =>
          ScriptedGeneration.says("$\\boxed{7}$"), { models: ["m"] }).layer
      })
      yield* finishedRun(ask, "one")
      yield* ask("POST", "/api/solves", { body: { id: "one", problem: "3 + 4?", strategy: "greedy" } })
      yield* ask("POST", "/api/evaluations", { body: { id: "one", strategy: "greedy" } })
      yield* ask("POST", "/api/contests", { body: { id: "one", expected: 2, minutes: 1, strategy: "greedy" } })
      const { body: document } = yield* ask("GET", "/openapi.json")
      const { body: problems } = yield* ask("GET", "/api/problems?limit=3")
      // One that is in use and one that may be removed.
      yield* ask("POST", "/api/files?name=other.jsonl", { body: "{}" })
      const { body: files } = yield* ask("GET", "/api/files")
      const ids = problems.items.map(({ id }: any) => id)
      const [other, file] = files.items.map(({ id }: any) => id)
      const cursor = `${problems.items[0].sinceMillis}~${problems.items[0].id}`
      const known: Known = {
        texts: [
          "one",
          ...ids,
          file,
          "Problem",
          "trim",
          "quality",
          cursor,
          "done",
          "dropped",
          "problem 3",
          "key",
          "5.0"
        ],
        byName: {
          id: ["one", ...ids, file],
          type: ["DatasetRun", "Problem"],
          command: ["pause", "resume", "Rerun", "rerun-failed", "Cancel", "edit", "change-limits"],
          stage: ["trim", "quality"],
          yaml: [recipeYaml],
          location: [`upload:${file}`],
          range: ["bytes=0-1", "bytes=-1", "bytes=1-"],
          run: ["one"],
          group: ["one"],
          model: ["m", "m@greedy"],
          strategy: ["greedy", "majority-2"],
          name: ["a.jsonl", "dataset-cpu"]
        }
      }
      /** What is needed all the time is not removed. */
      const removable: Known = { ...known, byName: { ...known.byName, id: [other] } }
      const random = randomOf(seed)
      const operations = operationsOf(document)
      const met = new Map<string, number>()
      for (let request = 0; request < requests; request++) {
        const { method, operation, path } = operations[request % operations.length] as (typeof operations)[number]
        const context = yield* Effect.sync(() =>
          requestOf(random, document, method === "DELETE" ? removable : known, path, operation)
        )
        const answer = yield* ask(method, context.path, context.asked)
        const told = () =>
          `seed ${seed}, request ${request}: ${method} ${context.path.slice(0, 300)} ${
            JSON.stringify(context.asked).slice(0, 600)
          } -> ${answer.status} ${JSON.stringify(answer.body).slice(0, 600)}`
        met.set(`${method} ${path} ${answer.status}`, (met.get(`${method} ${path} ${answer.status}`) ?? 0) + 1)
        assert.notStrictEqual(answer.status, 500, told())
        // A parameter that makes another path of it is another route's.
        if (!context.isOther) assert.property(operation.responses, String(answer.status), told())
        if (answer.status >= 400 && answer.status !== 503) {
          assert.strictEqual(answer.headers.get("content-type"), "application/problem+json", told())
          assert.strictEqual(answer.body.status, answer.status, told())
        }
      }
      if (process.env["FUZZ_SHOW"] !== undefined) {
        console.log([...met].sort().map(([key, count]) => `${key} ${count}`).join("\n"))
      }
      // What was asked for was not refused all the time.
      for (const { method, path } of operations) {
        const worked = [...met].some(([key]) => key.startsWith(`${method} ${path} 2`))
        const hard = /versions|outputs\/|state|commands|\{id\}\/|\/config$/.test(path) || method === "DELETE"
        if (requests >= 10_000 && !hard) assert.isTrue(worked, `${method} ${path} was never done`)
      }
    }), 300_000)

  it.live("answers what is no route, no method and no body", () =>
    Effect.gen(function*() {
      const { ask } = yield* make({ limits: { requestsPerSecond: 0, maxBodyBytes: 100_000 } })
      const random = randomOf(seed)
      const parts = [
        "api",
        "admin",
        "runs",
        "one",
        "..",
        "%2e%2e",
        "",
        "files",
        "actors",
        "%ff",
        "a".repeat(300),
        "config",
        "docs",
        "*",
        ":id",
        "?",
        "//",
        "openapi.json"
      ]
      for (let request = 0; request < 1_000; request++) {
        const path = `/${Array.from({ length: random.below(6) }, () => random.pick(parts)).join("/")}`
        const method = random.pick(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "PROPFIND", "X"])
        const answer = yield* ask(method, path, {
          ...(["GET", "HEAD"].includes(method)
            ? {}
            : { body: random.pick(["", "{", "[]", "null", "\"x\"", "{\"a\":1}", "\u0000"]) }),
          headers: {
            "content-type": random.pick([
              "application/json",
              "text/plain",
              "multipart/form-data",
              "application/json; charset=utf-16",
              "x"
            ]),
            accept: random.pick(["*/*", "text/html", "x"])
          }
        })
        assert.isBelow(answer.status, 500, `${method} ${path}`)
        if (answer.status >= 400 && method !== "HEAD") {
          assert.strictEqual(answer.headers.get("content-type"), "application/problem+json", `${method} ${path}`)
        }
      }
    }), 300_000)
})

const requestOf = (random: Random, document: any, known: Known, template: string, operation: any) => {
  let path = template
  let isOther = false
  // Half of the requests are as the document wants them; the others have some things wrong.
  const odd = random.chance(0.5) ? 0 : 0.2
  const query: Array<string> = []
  const headers: { [name: string]: string } = {}
  for (const { in: where, name, required, schema } of operation.parameters ?? []) {
    if (!required && random.chance(0.5)) continue
    const value = valueOf(schema, document, random, known, odd, name)
    if (where === "path") {
      const part = encodeURIComponent(textOf(value).replaceAll(/[\ud800-\udfff]/g, "?"))
      if (/^(\.{0,2}|%2e|%2e%2e)$/i.test(part) || part.length > 100) isOther = true
      path = path.replace(`{${name}}`, part)
    } else if (where === "query") {
      for (const one of Array.isArray(value) ? value : [value]) {
        query.push(`${name}=${encodeURIComponent(textOf(one).replaceAll(/[\ud800-\udfff]/g, "?"))}`)
      }
    } else if (name !== "content-length") headers[name] = headerText(value)
  }
  const content = operation.requestBody?.content
  let body: unknown
  if (content?.["application/json"] !== undefined && !random.chance(odd)) {
    body = JSON.stringify(valueOf(content["application/json"].schema, document, random, known, odd, ""))
    headers["content-type"] = "application/json"
    if (random.chance(odd / 4)) body = String(body).slice(0, -1)
  } else if (content !== undefined) body = "{\"problem\":\"1+1\"}\n"
  return {
    path: query.length === 0 ? path : `${path}?${query.join("&")}`,
    asked: { headers, ...(body === undefined ? {} : { body }) } as Parameters<Asker>[2] & object,
    isOther
  }
}
