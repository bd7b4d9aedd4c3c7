// YAML as untrusted input: text in, a JSON value out, and every mistake with its path, line and column. Plain data only: no
// custom tags, no repeated keys, no keys that could reach an object's prototype, and a bound on size, depth, nodes and aliases.
// Recipes and the configuration file are read with it.
import { Effect, Schema } from "effect"
import { constants } from "node:fs"
import { open } from "node:fs/promises"
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml"
import type { Json, JsonObject } from "../domain/Json.ts"
import type { Finding, Path } from "./YamlDocument/Findings.ts"

/** `path` as it is shown (`stages[2].split.by`), empty for the document itself; `line` and `column` count from 1. */
export const Mistake = Schema.Struct({
  path: Schema.String,
  line: Schema.Int,
  column: Schema.Int,
  message: Schema.String
})
export type Mistake = typeof Mistake.Type

export interface YamlDocument {
  /** What could be read; `null` for an empty document. Incomplete when there are mistakes. */
  readonly value: Json
  readonly mistakes: ReadonlyArray<Mistake>
  /** The text is not YAML or goes over a limit: `value` has holes, and checking it further would only find those. */
  readonly broken: boolean
  /** Gives findings their places. A path that is not in the document is placed at the nearest key above it. */
  readonly place: (finding: Finding) => Mistake
}

export const limits = { bytes: 1_048_576, depth: 32, nodes: 100_000, aliases: 100 }

/** The file cannot be read as UTF-8 text of at most 1 MiB. `reason: "missing"`: there is no such file. */
export class YamlUnreadable extends Schema.TaggedError<YamlUnreadable>()("YamlUnreadable", {
  file: Schema.String,
  reason: Schema.Literals(["missing", "folder", "large", "encoding", "unreadable"]),
  detail: Schema.String
}) {
  override get message() {
    return `Cannot read ${this.file}: ${this.detail}`
  }
}

const plainKey = /^[\p{L}\p{N}_-]+$/u

/** `["stages", 2, "near-duplicates"]` is shown as `stages[2].near-duplicates`. */
export const showPath = (path: Path): string =>
  path.reduce<string>((shown, step) => {
    if (typeof step === "number") return `${shown}[${step}]`
    if (!plainKey.test(step)) return `${shown}[${JSON.stringify(step)}]`
    return shown === "" ? step : `${shown}.${step}`
  }, "")

/** `file:line:column path: message`, the form that editors and terminals turn into a link. */
export const showMistake = (file: string, { column, line, message, path }: Mistake): string =>
  `${file}:${line}:${column} ${path === "" ? "" : `${path}: `}${message}`

/** The document of a YAML text. Never fails: what is wrong is in `mistakes`, in the order of the text. */
export const readYaml = (text: string): YamlDocument => {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false,
    resolveKnownTags: false,
    merge: false,
    schema: "core",
    version: "1.2",
    logLevel: "error"
  })
  const positionAt = (offset: number) => {
    const { col, line } = lineCounter.linePos(offset)
    return line === 0 ? { line: 1, column: 1 } : { line, column: col }
  }
  const mistakes = new Map<number, Array<Mistake>>()
  const report = (offset: number, path: Path, message: string) => {
    const here = mistakes.get(offset) ?? []
    mistakes.set(offset, here)
    here.push({ path: showPath(path), ...positionAt(offset), message })
  }
  for (const error of [...document.errors, ...document.warnings]) {
    report(
      error.pos[0],
      [],
      error.code === "TAG_RESOLVE_FAILED" ? "Tags are not allowed: write plain values" : error.message
    )
  }

  const offsets = new Map<string, { readonly key: number; readonly value: number }>()
  let nodes = 0
  let aliases = 0
  let broken = document.errors.length > 0
  const read = (node: unknown, path: Path, above: ReadonlyArray<unknown>, keyOffset: number): Json => {
    const offset = rangeStart(node) ?? keyOffset
    offsets.set(JSON.stringify(path), { key: keyOffset, value: offset })
    nodes++
    if (nodes > limits.nodes || path.length > limits.depth) {
      broken = true
      if (nodes === limits.nodes + 1) {
        report(offset, path, `More than ${limits.nodes} values, aliases counted as often as used`)
      }
      if (path.length > limits.depth) report(offset, path, `Nested deeper than ${limits.depth} levels`)
      return null
    }
    if (isAlias(node)) {
      aliases++
      const target = node.resolve(document)
      if (target !== undefined && aliases <= limits.aliases && !above.includes(target)) {
        return read(target, path, above, keyOffset)
      }
      broken = true
      if (target === undefined) report(offset, path, `The alias *${node.source} names nothing above it`)
      else if (above.includes(target)) report(offset, path, `The alias *${node.source} stands inside of what it names`)
      else if (aliases === limits.aliases + 1) report(offset, path, `More than ${limits.aliases} aliases`)
      return null
    }
    const within = [...above, node]
    if (isSeq(node)) {
      return node.items.map((item, index) => read(item, [...path, index], within, rangeStart(item) ?? offset))
    }
    if (isMap(node)) {
      const object: { [key: string]: Json } = {}
      for (const { key, value } of node.items) {
        const start = rangeStart(key) ?? offset
        const name = isScalar(key) ? String(key.value) : ""
        if (name === "__proto__") report(start, path, `The key "__proto__" is not allowed`)
        else if (Object.hasOwn(object, name)) report(start, [...path, name], "This key is here twice: keep one of them")
        else object[name] = read(value, [...path, name], within, start)
      }
      return object
    }
    const value = isScalar(node) ? node.value : null
    if (value === null || typeof value === "string" || typeof value === "boolean") return value
    // JSON knows no -0.
    if (typeof value === "number" && Number.isFinite(value)) return value === 0 ? 0 : value
    report(offset, path, "Expected text, a finite number, true, false or null")
    return null
  }
  const value = read(document.contents, [], [], rangeStart(document.contents) ?? 0)

  const place = ({ at, message, path }: Finding): Mistake => {
    let length = path.length
    let found = offsets.get(JSON.stringify(path))
    while (found === undefined && length > 0) found = offsets.get(JSON.stringify(path.slice(0, --length)))
    const side = length === path.length ? at : "key"
    return { path: showPath(path), ...positionAt(found?.[side] ?? 0), message }
  }
  return { value, mistakes: [...mistakes].sort(([a], [b]) => a - b).flatMap(([, here]) => here), broken, place }
}

const rangeStart = (node: unknown): number | undefined =>
  (node as { readonly range?: readonly [number, number, number] | null } | null | undefined)?.range?.[0]

/** Reads a file of at most 1 MiB of UTF-8. Pipes, devices and folders are refused. */
export const loadYaml = Effect.fn("YamlDocument.load")(function*(file: string) {
  const refuse = (reason: YamlUnreadable["reason"], detail: string) => new YamlUnreadable({ file, reason, detail })
  const bytes = yield* Effect.scoped(Effect.gen(function*() {
    const handle = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () => open(file, constants.O_RDONLY | constants.O_NONBLOCK),
        catch: (cause) => unreadable(file, cause)
      }),
      (handle) => Effect.promise(() => handle.close())
    )
    const stat = yield* Effect.tryPromise({ try: () => handle.stat(), catch: (cause) => unreadable(file, cause) })
    if (!stat.isFile()) return yield* refuse("folder", "it is not a file")
    if (stat.size > limits.bytes) {
      return yield* refuse("large", `it has ${stat.size} bytes; at most ${limits.bytes} are read`)
    }
    return yield* Effect.tryPromise({ try: () => handle.readFile(), catch: (cause) => unreadable(file, cause) })
  }))
  const text = yield* Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => refuse("encoding", "it is not UTF-8 text")
  })
  return readYaml(text)
})

const unreadable = (file: string, cause: unknown) => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown"
  return code === "ENOENT" || code === "ENOTDIR"
    ? new YamlUnreadable({ file, reason: "missing", detail: "there is no such file" })
    : new YamlUnreadable({ file, reason: "unreadable", detail: `the system answered ${code}` })
}

/** A JSON object's member; `undefined` where `value` is no object or has no such member of its own. */
export const member = (value: Json | undefined, key: string): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
    ? (value as JsonObject)[key]
    : undefined
