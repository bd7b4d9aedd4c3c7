// What stands between the tags of a tool call: Python as it is, Python in a fence, or a call as chat templates have models write it: JSON with
// a name and arguments (Hermes, Qwen, Llama), or parameters in tags of their own (Qwen-Coder). Nothing here is evaluated.

const codeNames = ["code", "python", "source", "script", "program", "input", "query", "command"]
const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Line ends and tabs in strings, which JSON wants escaped and models write as they are, escaped. */
const withEscapes = (text: string): string => {
  let out = ""
  let from = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]
    if (inString && sign === "\\") at++
    else if (sign === "\"") inString = !inString
    else if (inString && (sign === "\n" || sign === "\r" || sign === "\t")) {
      out += `${text.slice(from, at)}${sign === "\n" ? "\\n" : sign === "\r" ? "\\r" : "\\t"}`
      from = at + 1
    }
  }
  return out + text.slice(from)
}

/** JSON as models write it: strings over several lines, last braces missing. */
const readJson = (text: string): unknown => {
  const escaped = withEscapes(text)
  for (const candidate of [text, escaped, `${escaped}}`, `${escaped}}}`]) {
    const value = parsed(candidate)
    if (value !== undefined) return value
  }
  return undefined
}

/** The code among arguments: under a usual name, or the only text there is. */
const codeAmong = (given: unknown): string | null => {
  if (typeof given === "string") {
    const inner = given.trimStart().startsWith("{") ? readJson(given) : undefined
    return isObject(inner) ? codeAmong(inner) : given
  }
  if (!isObject(given)) return null
  for (const name of codeNames) {
    const value = given[name]
    if (typeof value === "string") return value
  }
  const texts = Object.values(given).filter((value) => typeof value === "string")
  return texts.length === 1 ? texts[0] ?? null : null
}

const callNames = ["arguments", "parameters", "function", "code"]
const fence = /^(`{3,}|~{3,})[^\n`]*\n/
/** What a call in JSON begins with, also where the rest of it cannot be read. */
const callStart = /^\{\s*"(?:name|arguments|parameters|function|type|id|code)"\s*:/

const inFence = (text: string): string | null => {
  const open = fence.exec(text)
  const mark = open?.[1]
  if (open === null || mark === undefined || !text.endsWith(mark)) return null
  return text.slice(open[0].length, -mark.length)
}

/** Python between tags: without the blank lines and spaces around it, its own indentation as it is. */
const bare = (content: string): string => {
  const lines = /^(?:[ \t]*\r?\n)+/.exec(content)?.[0].length ?? 0
  return (lines === 0 ? content.trimStart() : content.slice(lines)).trimEnd()
}

const parameterStart = /<parameter=\w{1,64}>\n?/

/** The code that is to run; null: it is a call, and no code can be read in it. */
export const codeOfCall = (content: string): string | null => {
  const text = content.trim()
  if (text.startsWith("<function=")) {
    const open = parameterStart.exec(text)
    if (open === null) return null
    const from = open.index + open[0].length
    const to = text.indexOf("</parameter>", from)
    return to < 0 ? null : text.slice(from, to)
  }
  if (!text.startsWith("{")) return inFence(text) ?? bare(content)
  // A dict or a set of Python begins so as well.
  const value = readJson(text)
  if (value === undefined) return callStart.test(text) ? null : bare(content)
  if (!isObject(value) || !(callStart.test(text) || callNames.some((name) => name in value))) return bare(content)
  const called = isObject(value["function"]) ? value["function"] : value
  return codeAmong(called["arguments"] ?? called["parameters"] ?? (called["code"] === undefined ? null : called))
}
