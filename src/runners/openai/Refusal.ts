// What a server's refusal means: from its status, its words and its headers to the class of a failure, told without secrets.
import { Redacted } from "effect"
import { type OverflowFacts, parseContextOverflow, saysContextOverflow } from "../../domain/ContextOverflow.ts"
import type { Prompt } from "../../domain/Generation.ts"
import { isJsonObject } from "../../domain/Json.ts"
import { redactText } from "../../domain/Redact.ts"
import type { Headers } from "./Connections.ts"
import type { WireEndpoint, WireFailureClass } from "./Wire.ts"

/** A failure before it is known when it happened and what it cost. */
export interface Problem {
  readonly class: WireFailureClass
  readonly detail: string
  readonly retryAfterMillis?: number | null
  readonly overflow?: OverflowFacts
}

/** Characters that are told, and that are looked at. */
const detailCharacters = 2_000
const readCharacters = 20_000
const word = "<redacted>"
/** What looks like a key, whoever's it is. */
const keys =
  /\bsk-[\w*-]+|\b(?:pk|rk|hf|gsk|nvapi|xai)[-_][\w*-]{8,}|\bAIza[\w-]{16,}|\bBearer\s+[^\s"',;]+|([?&;](?:api[-_]?key|key|token|access[-_]?token|signature|sig)=)[^&\s"']+/gi
/** What validation errors repeat of the request. */
const echo = /[,{]?\s*['"]?\binput['"]?\s*[:=]\s*[{['"][^]*$/
/** So many characters of a prompt in a row are not told back. */
const echoCharacters = 40

/** A text for people: no key, no header's value, nothing of the prompt that can be recognised; 2,000 characters at most. */
export const shown = (text: string, endpoint: WireEndpoint, prompt: Prompt | null = null): string => {
  const cut = text.length <= readCharacters ? text : text.slice(0, readCharacters).replace(/\S*$/, "")
  let clean = cut.replace(/\s+/g, " ").trim()
  const secrets = [
    ...(endpoint.key === undefined ? [] : [Redacted.value(endpoint.key)]),
    ...Object.values(endpoint.headers ?? {}),
    ...(endpoint.organization === undefined ? [] : [endpoint.organization])
  ].filter((secret) => secret.length >= 4)
  for (const secret of secrets.sort((a, b) => b.length - a.length)) clean = clean.replaceAll(secret, word)
  clean = redactText(clean).replace(keys, (_whole, parameter: string | undefined) => `${parameter ?? ""}${word}`)
  clean = clean.replace(echo, "")
  const written = prompt === null
    ? []
    : prompt._tag === "Text"
    ? [prompt.text]
    : prompt.messages.map(({ content }) => content)
  for (const one of written) {
    const start = one.trim().replace(/\s+/g, " ").slice(0, echoCharacters)
    const at = start.length < echoCharacters ? -1 : clean.indexOf(start)
    if (at >= 0) clean = `${clean.slice(0, at)}...`
  }
  return clean.slice(0, detailCharacters)
}

/** The words of an error, in the shapes in which servers write them. */
interface Said {
  readonly message: string
  /** `code`, `type` and the like, for the classes. */
  readonly kind: string
  readonly status: number | null
}
const text = (value: unknown): string => typeof value === "string" || typeof value === "number" ? String(value) : ""
/** Errors are inside of errors, so deep at most. */
const errorDepth = 4
const said = (value: unknown, depth = 0): Said | null => {
  if (typeof value === "string") return { message: value, kind: "", status: null }
  if (!isJsonObject(value)) return null
  const inner = value["error"]
  if (inner != null && inner !== "" && depth < errorDepth) {
    const found = said(inner, depth + 1)
    if (found !== null) {
      // llama.cpp has its numbers beside the message.
      const numbers = isJsonObject(inner)
        ? ["n_prompt_tokens", "n_ctx"].filter((name) => typeof inner[name] === "number").map((name) =>
          ` ${name}: ${text(inner[name])}`
        ).join("")
        : ""
      return { ...found, message: found.message + numbers }
    }
  }
  const detail = value["detail"]
  const details = Array.isArray(detail)
    ? detail.filter(isJsonObject).map((one) =>
      `${Array.isArray(one["loc"]) ? one["loc"].map(text).join(".") : ""}: ${text(one["msg"])}`
    ).join("; ")
    : text(detail)
  const code = value["code"] ?? value["status_code"] ?? value["status"]
  const status = typeof code === "string" && /^\d{3}$/.test(code)
    ? Number(code)
    : typeof code === "number"
    ? code
    : null
  return {
    message: [text(value["message"]), details].filter((part) => part !== "").join(" "),
    kind: [value["type"], value["code"], value["error_type"], value["status"]].map(text).join(" "),
    status: status !== null && Number.isInteger(status) && status >= 400 && status <= 599 ? status : null
  }
}

/** The error that is inside of an answer which says 200, or in one chunk of it; null: there is none. */
export const errorInside = (value: unknown): unknown =>
  isJsonObject(value) && (value["object"] === "error" || value["error"] != null && value["error"] !== "") ? value : null

const isQuota = /insufficient_quota|billing_hard_limit|exceeded your current quota|insufficient (?:balance|credits)/i
const kinds: ReadonlyArray<readonly [RegExp, number]> = [
  [/rate_?limit|too_?many_?requests/i, 429],
  [/authentication|permission|invalid_api_key|unauthori[sz]ed/i, 401],
  [/invalid_?request|bad_?request|not_?found|unprocessable|validation/i, 400],
  [/overloaded|internal|server_?error|unavailable|timeout/i, 500]
]

/**
 * The class of a refusal. `status`: of the response; where it is below 400 (an error inside of an answer) the error's own code or kind counts, and
 * without any of them the server failed. `body`: text, read as JSON where it is some.
 */
export const problemOf = (
  endpoint: WireEndpoint,
  prompt: Prompt,
  status: number,
  body: unknown,
  retryAfterMillis: number | null
): Problem => {
  const words = said(body) ?? { message: "", kind: "", status: null }
  const told = status >= 300
    ? status
    : words.status ?? kinds.find(([kind]) => kind.test(words.kind))?.[1] ?? 500
  const detail = shown(words.message === "" ? words.kind : words.message, endpoint, prompt)
  const problem = (kind: WireFailureClass, without: string): Problem => ({
    class: kind,
    detail: detail === "" ? without : detail,
    retryAfterMillis
  })
  if (told === 401 || told === 403) return problem("key", `the key is not taken (${told})`)
  const everything = `${words.message} ${words.kind}`
  if (told === 429) {
    return isQuota.test(everything)
      ? problem("refused", "the quota is used up")
      : problem("rate-limited", "too many requests")
  }
  if (told >= 400 && saysContextOverflow(everything)) {
    return { ...problem("overflow", "context overflow"), overflow: parseContextOverflow(words.message) ?? {} }
  }
  if (told >= 500 || told === 408 || told === 409 || told === 425) {
    return problem("server", `the server failed (${told})`)
  }
  if (told < 400) {
    return problem("refused", `it answers ${told}, which is not followed: name the address that it leads to`)
  }
  return problem("refused", `the request is refused (${told})`)
}

/** A body's JSON, also as the first event of a stream, or the text itself. */
export const jsonOrText = (whole: string): unknown => {
  try {
    return JSON.parse(whole.replace(/^\s*data:/, ""))
  } catch {
    const body = whole.slice(0, readCharacters)
    // Pages of proxies: their words without their marks.
    return body.includes("<html") || body.includes("<!")
      ? body.replace(/<(style|script)[^]*?<\/\1>|<[^>]{0,2000}>/gi, " ")
      : body
  }
}

/** A day: whoever asks for more is asked again after it. */
const retryAfterMaximum = 86_400_000

/** How long to wait: `retry-after-ms`, or `retry-after` as seconds or a date, by the server's own clock where it tells it. */
export const retryAfter = (headers: Headers, nowMillis: number): number | null => {
  const bounded = (millis: number) => Number.isFinite(millis) ? Math.min(Math.max(millis, 0), retryAfterMaximum) : null
  const exact = headers["retry-after-ms"]
  if (typeof exact === "string" && /^\s*\d+(\.\d+)?\s*$/.test(exact)) return bounded(Number(exact))
  const value = headers["retry-after"]
  if (typeof value !== "string") return null
  if (/^\s*\d+(\.\d+)?\s*$/.test(value)) return bounded(Number(value) * 1_000)
  const serverNow = Date.parse(typeof headers["date"] === "string" ? headers["date"] : "")
  return bounded(Date.parse(value) - (Number.isNaN(serverNow) ? nowMillis : serverNow))
}
