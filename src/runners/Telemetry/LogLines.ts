// Log lines on stderr: a JSON object for machines or a line for people. Both name what they are about (annotations such as run or actor)
// and the trace they belong to; both are bounded, scrubbed of secrets, and a message cannot forge another line.
import { Cause, Formatter, Logger, Redactable } from "effect"
import { recordedSpan } from "../../actors/Tracing.ts"
import type { Scrub } from "./Scrub.ts"

export interface LogLinesOptions {
  readonly scrub: Scrub
  /** Fields of every JSON line, such as which process it is. */
  readonly fields: Readonly<Record<string, string | number>>
  /** Takes one line without its end. Default: stderr. */
  readonly write?: (line: string) => void
}

const maxMessage = 8_192
const maxLine = 32_768
const maxCause = 16_384

const toStderr = (line: string): void => void process.stderr.write(`${line}\n`)

const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most)}… (${text.length - most} more characters)`

interface Entry {
  readonly message: string
  readonly annotations: Record<string, unknown>
  readonly cause: string | undefined
  /** Milliseconds since each log span began. */
  readonly spans: Record<string, number>
}

/** The first text is the sentence; values beside it are data. */
const entryOf = (options: Logger.Options<unknown>): Entry => {
  const { annotations, spans } = Logger.formatStructured.log(options)
  const parts = Array.isArray(options.message) ? options.message : [options.message]
  const texts: Array<string> = []
  const data: Array<unknown> = []
  for (const part of parts) {
    if (typeof part === "string") texts.push(part)
    else if (Cause.isCause(part)) data.push(cut(Cause.pretty(part), maxCause))
    else if (part instanceof Error) data.push(cut(String(part.stack ?? part), maxCause))
    else data.push(Redactable.redact(part))
  }
  return {
    message: cut(texts.join(" "), maxMessage),
    annotations: data.length === 0 ? annotations : { ...annotations, data: data.length === 1 ? data[0] : data },
    cause: options.cause.reasons.length === 0 ? undefined : cut(Cause.pretty(options.cause), maxCause),
    spans
  }
}

const reserved: ReadonlySet<string> = new Set(["time", "level", "message", "cause", "spans", "traceId", "spanId"])

export const jsonLines = ({ fields, scrub, write = toStderr }: LogLinesOptions): Logger.Logger<unknown, void> =>
  Logger.make((options) => {
    const { annotations, cause, message, spans } = entryOf(options)
    const span = recordedSpan(options.fiber)
    const head = { time: options.date.toISOString(), level: options.logLevel.toUpperCase(), message }
    const trace = span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId }
    const about: Record<string, unknown> = {}
    for (const [key, value] of Object.entries(annotations)) about[reserved.has(key) ? `${key}_` : key] = value
    const rest = {
      ...about,
      ...(Object.keys(spans).length === 0 ? {} : { spans }),
      ...(cause === undefined ? {} : { cause })
    }
    const line = Formatter.formatJson({ ...head, ...trace, ...fields, ...rest })
    write(scrub(
      line.length <= maxLine ? line : Formatter.formatJson({ ...head, ...trace, ...fields, truncated: line.length })
    ))
  })

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g
const escape = (text: string): string =>
  text.replace(controls, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`)

export const textLines = ({ scrub, write = toStderr }: LogLinesOptions): Logger.Logger<unknown, void> =>
  Logger.make((options) => {
    const { annotations, cause, message, spans } = entryOf(options)
    const words = [
      options.date.toISOString().slice(11, 23),
      options.logLevel.toUpperCase().padEnd(5),
      message.replaceAll("\n", "\n  "),
      ...Object.entries(annotations).map(([key, value]) => `${key}=${shown(value)}`),
      ...Object.entries(spans).map(([key, millis]) => `${key}=${millis}ms`)
    ]
    const line = words.join(" ") + (cause === undefined ? "" : `\n  ${cause.replaceAll("\n", "\n  ")}`)
    write(scrub(escape(cut(line, maxLine))))
  })

const shown = (value: unknown): string => {
  const text = typeof value === "string" ? value : Formatter.formatJson(value)
  return typeof value === "string" && /[\s"=]/.test(text) ? JSON.stringify(text) : text
}
