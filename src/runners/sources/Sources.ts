// The Sources port on files, folders and databases. A source's files are resolved, looked at (format, preset by the columns of
// the first rows) and only then read, one after the other, as the stream is pulled. Format libraries are loaded when needed.
import { Array as Arr, Effect, Layer, Option, Stream } from "effect"
import { createHash } from "node:crypto"
import { tmpdir } from "node:os"
import { basename, resolve } from "node:path"
import { Files } from "../../actors/Files.ts"
import { maxResourceBytes } from "../../actors/Plans.ts"
import { type Source, Sources, SourceUnreadable } from "../../actors/Sources.ts"
import type { JsonObject } from "../../domain/Json.ts"
import {
  columnNames,
  type Preset,
  presetNamed,
  presets,
  problemText,
  recognise,
  rowMapping
} from "../../domain/Preset.ts"
import { type SourceCursor, type SourceItem, type SourceSpec, sourceStart } from "../../domain/Source.ts"
import type { BenchmarkText, Fields } from "../../domain/Stage.ts"
import { describeFile, type FormattedFile, resolveFiles } from "./Locations.ts"
import { type Decoders, makeDecoders, type ParquetLimits } from "./ParquetDecoders.ts"
import { type Place, type RawItem, type Reader, refail } from "./Reader.ts"
import { fingerprintOf } from "./SourceFile.ts"
import { make as makeUploads, uploadIdOf, type UploadLimits, uploadLocation, type Uploads } from "./Uploads.ts"

export interface SourceLimits extends ParquetLimits, UploadLimits {
  /** Bytes of a JSON line or CSV row at most. Default 8 MiB. */
  readonly maxLineBytes: number
  /** First rows of a file that decide its preset. Default 100. */
  readonly sampleRows: number
}
export const defaultLimits: SourceLimits = {
  maxLineBytes: 8 * 1024 * 1024,
  sampleRows: 100,
  parquetMillis: 30_000,
  uploadFolder: tmpdir(),
  uploadCopiesBytes: 16 * 1024 ** 3
}

/** What readers are made with. */
interface Means {
  readonly limits: SourceLimits
  readonly decoders: Decoders
  /** None where a program has no files of others. */
  readonly uploads: Uploads | undefined
}

/** One file or query of a source, ready to be read. */
interface Part {
  /** Without credentials. */
  readonly location: string
  /** The file's name without extensions: what benchmarks are called. */
  readonly stem: string
  /** The source's name, for ids and output rows. */
  readonly source: string
  /** Sets apart the keys of parts that share a source name. */
  readonly keyPrefix: string
  readonly reader: Reader
  readonly toFields: (row: JsonObject) => Fields
}

interface Unmapped extends Omit<Part, "keyPrefix" | "toFields"> {
  readonly fingerprint: string
  readonly bytes: number | null
}

const isPostgres = (location: string) => /^postgres(ql)?:\/\//i.test(location)

/** The last part of a path without its extensions: `data/train.jsonl.gz` is "train". */
export const stemOf = (path: string): string => stemOfName(basename(resolve(path)))

const stemOfName = (name: string): string =>
  name.replace(/(\.gz)?$/i, "").replace(/\.(jsonl|ndjson|json|csv|tsv|parquet|pq|sqlite3?|db)$/i, "") || name

const readerOf = (
  file: FormattedFile,
  query: string | undefined,
  { decoders, limits }: Means
): Effect.Effect<Reader> => {
  switch (file.format) {
    case "jsonl":
      return Effect.map(
        Effect.promise(() => import("./JsonLines.ts")),
        (m) => m.jsonLinesReader(file, limits.maxLineBytes)
      )
    case "json-list":
      return Effect.map(Effect.promise(() => import("./JsonLines.ts")), (m) => m.jsonListReader(file))
    case "csv":
      return Effect.map(Effect.promise(() => import("./CsvRows.ts")), (m) => m.csvReader(file, limits.maxLineBytes))
    case "parquet":
      return Effect.map(Effect.promise(() => import("./ParquetRows.ts")), (m) => m.parquetReader(file, decoders))
    case "sqlite":
      return Effect.map(Effect.promise(() => import("./SqliteRows.ts")), (m) => m.sqliteReader(file, query))
  }
}

const resolveDatabase = Effect.fnUntraced(function*(spec: SourceSpec) {
  const { postgresReader, withoutCredentials } = yield* Effect.promise(() => import("./PostgresRows.ts"))
  const location = withoutCredentials(spec.location)
  const part: Unmapped = {
    location,
    stem: stemOf(location),
    source: spec.name ?? (basename(location) || "postgres"),
    reader: postgresReader(spec.location, spec.query),
    fingerprint: JSON.stringify([location, spec.query ?? null]),
    bytes: null
  }
  return [part]
})

const partOf = Effect.fnUntraced(function*(
  file: FormattedFile,
  spec: SourceSpec,
  names: Pick<Unmapped, "location" | "stem" | "source">,
  means: Means
) {
  if (spec.query !== undefined && file.format !== "sqlite") {
    const detail = "a query is for databases, and this is none; leave it out"
    return yield* new SourceUnreadable({ location: spec.location, reason: "query-failed", detail })
  }
  const content = yield* Effect.tryPromise({ try: () => fingerprintOf(file), catch: refail(file.path) })
  const part: Unmapped = {
    ...names,
    reader: yield* readerOf(file, spec.query, means),
    fingerprint: file.format === "sqlite" ? JSON.stringify([content, spec.query ?? null]) : content,
    bytes: file.format === "sqlite" ? null : file.bytes
  }
  return part
})

/** An upload is read as the file of its name would be: the path of the copy is in no id, no fingerprint and no message. */
const resolveUpload = Effect.fnUntraced(function*(id: string, spec: SourceSpec, means: Means) {
  const { uploads } = means
  if (uploads === undefined) {
    const detail = "this command has no uploads; give the run to the Polya that they were sent to (--url)"
    return yield* new SourceUnreadable({ location: spec.location, reason: "missing", detail })
  }
  const { info, path } = yield* uploads.open(id)
  const location = uploadLocation(info)
  const moved = (error: SourceUnreadable) => new SourceUnreadable({ ...error, location })
  if (spec.format === "folder") {
    const detail = "it is a file where a folder is needed"
    return yield* new SourceUnreadable({ location, reason: "unreadable", detail })
  }
  const file = yield* Effect.tryPromise({
    try: () => describeFile(path, info.name, info.bytes, spec.format ?? "auto"),
    catch: refail(location)
  }).pipe(Effect.mapError(moved))
  const stem = stemOfName(info.name)
  const part = yield* Effect.mapError(partOf(file, spec, { location, stem, source: spec.name ?? stem }, means), moved)
  // Between two readings the copy may go, and comes again.
  const reader: Reader = {
    read: (from) => Stream.mapError(Stream.unwrap(Effect.map(uploads.open(id), () => part.reader.read(from))), moved)
  }
  return [{ ...part, reader }]
}, Effect.scoped)

const resolveSpec = Effect.fnUntraced(function*(spec: SourceSpec, means: Means) {
  if (isPostgres(spec.location)) return yield* resolveDatabase(spec)
  const format = spec.format ?? "auto"
  if (format === "postgres") {
    const detail = "a PostgreSQL source is an address: postgres://user:password@host/database"
    return yield* new SourceUnreadable({ location: spec.location, reason: "unreadable", detail })
  }
  const upload = uploadIdOf(spec.location)
  if (upload !== undefined) return yield* resolveUpload(upload, spec, means)
  const files = yield* Effect.tryPromise({
    try: () => resolveFiles(spec.location, format),
    catch: refail(spec.location)
  })
  const source = spec.name ?? stemOf(spec.location)
  return yield* Effect.forEach(
    files,
    (file) => partOf(file, spec, { location: file.path, stem: stemOf(file.path), source }, means)
  )
})

const list = (names: ReadonlyArray<string>) => names.map((name) => `\`${name}\``).join(", ")

const isRow = (item: RawItem): item is Extract<RawItem, { readonly value: JsonObject }> => "value" in item

const presetOf = Effect.fnUntraced(function*(spec: SourceSpec, location: string, rows: ReadonlyArray<JsonObject>) {
  const name = spec.preset ?? "auto"
  const preset: Preset | undefined = name === "auto" ? recognise(rows) : presetNamed(name)
  if (preset !== undefined) return preset
  return yield* new SourceUnreadable({
    location,
    reason: "unknown-preset",
    detail: `there is no preset "${name}"; there are auto, ${presets.map((known) => known.name).join(", ")}`
  })
})

/** Chooses the mapping of a part by its first rows and checks that it finds a problem; none for a part without rows. */
const mapPart = Effect.fnUntraced(function*(
  { location, reader, spec }: Pick<Part, "location" | "reader"> & { readonly spec: SourceSpec },
  limits: SourceLimits
) {
  const sample = yield* Stream.runCollect(Stream.take(reader.read({ offset: 0, line: 0 }), limits.sampleRows))
  const rows = sample.filter(isRow).map((item) => item.value)
  const preset = yield* presetOf(spec, location, rows)
  const [first] = sample
  if (first === undefined) return Option.none<(row: JsonObject) => Fields>()
  if (rows.length === 0) {
    const why = isRow(first) ? "" : ` (line ${first.line}: ${first.message})`
    const detail = `none of its first ${sample.length} rows can be read${why}; is the format right?`
    return yield* new SourceUnreadable({ location, reason: "unreadable", detail })
  }
  const toFields = rowMapping(preset, spec.fields)
  if (rows.some((row) => problemText(toFields(row)) !== undefined)) return Option.some(toFields)
  return yield* new SourceUnreadable({
    location,
    reason: "unmapped",
    detail: `no problem text in the first ${rows.length} rows (preset ${preset.name}); the columns are ${
      list(columnNames(rows)) || "none"
    }; say which one holds the problem (--field problem=COLUMN, or \`fields: { problem: COLUMN }\` in the recipe)`
  })
})

const missingField = "The row has no problem text: what is mapped to `problem` is missing, blank or not a text."

/** The items of one part from `from` on; `rows` counts over all parts and is held by the caller. */
const partItems = (
  part: Part,
  file: number,
  from: Place,
  count: () => number
): Stream.Stream<SourceItem, SourceUnreadable> => {
  const toItem = (item: RawItem): SourceItem => {
    const next: SourceCursor = { file, offset: item.offset, line: item.line, rows: count() }
    const at = { line: item.line, source: part.source, next }
    if (!isRow(item)) return { _tag: "Fault", ...at, tag: item.tag, message: item.message }
    const fields = part.toFields(item.value)
    if (problemText(fields) === undefined) return { _tag: "Fault", ...at, tag: "MissingField", message: missingField }
    const id = fields["id"]
    return { _tag: "Row", ...at, key: `${part.keyPrefix}${typeof id === "string" ? id : item.line}`, fields }
  }
  return Stream.mapArray(part.reader.read(from), Arr.map(toItem))
}

const rowsOf = (parts: ReadonlyArray<Part>) => (from: SourceCursor): Stream.Stream<SourceItem, SourceUnreadable> =>
  Stream.suspend(() => {
    let rows = from.rows
    const count = () => (rows += 1)
    return Stream.flatMap(
      Stream.fromArray(parts.slice(from.file).map((part, index) => ({ part, file: from.file + index }))),
      ({ file, part }) => partItems(part, file, file === from.file ? from : sourceStart, count)
    )
  })

const open = Effect.fnUntraced(function*(specs: ReadonlyArray<SourceSpec>, means: Means) {
  const unmapped: Array<Unmapped> = []
  const parts: Array<Part> = []
  const withName = new Map<string, number>()
  for (const spec of specs) {
    const found = yield* resolveSpec(spec, means)
    let rows = false
    for (const { location, reader, source, stem } of found) {
      const mapping = yield* mapPart({ location, reader, spec }, means.limits)
      const earlier = withName.get(source) ?? 0
      withName.set(source, earlier + 1)
      rows ||= Option.isSome(mapping)
      // A part without rows stays in the list, so that `file` in a cursor means the same at each opening.
      const toFields = Option.getOrElse(mapping, () => (row: JsonObject) => row)
      parts.push({ location, stem, source, reader, keyPrefix: earlier === 0 ? "" : `${earlier}:`, toFields })
    }
    if (!rows) {
      const location = found.length === 1 && found[0] !== undefined ? found[0].location : spec.location
      return yield* new SourceUnreadable({ location, reason: "empty", detail: "it has no rows" })
    }
    unmapped.push(...found)
  }
  return { unmapped, parts }
})

const fingerprint = (parts: ReadonlyArray<Unmapped>) =>
  createHash("sha256").update(JSON.stringify(parts.map((part) => part.fingerprint))).digest("hex")

const bytesOfAll = (parts: ReadonlyArray<Unmapped>): number | null =>
  parts.reduce<number | null>((sum, { bytes }) => (sum === null || bytes === null ? null : sum + bytes), 0)

const tooLong = (location: string) =>
  new SourceUnreadable({
    location,
    reason: "unreadable",
    detail: `with it the benchmark texts are longer than the ${maxResourceBytes} characters that a run can hold; ` +
      "give fewer or shorter files"
  })

const make = (means: Means): Sources["Service"] => ({
  open: Effect.fn("Sources.open")(function*(specs) {
    const { parts, unmapped } = yield* open(specs, means)
    const source: Source = { fingerprint: fingerprint(unmapped), bytes: bytesOfAll(unmapped), rows: rowsOf(parts) }
    return source
  }),
  benchmarks: Effect.fn("Sources.benchmarks")(function*(locations) {
    const { parts } = yield* open(locations.map((location) => ({ location })), means)
    const texts: Array<BenchmarkText> = []
    let characters = 0
    for (const [file, part] of parts.entries()) {
      yield* Stream.runForEachArray(partItems(part, file, sourceStart, () => 0), (items) => {
        for (const item of items) {
          const text = item._tag === "Row" ? problemText(item.fields) : undefined
          if (item._tag !== "Row" || text === undefined) continue
          const found = { benchmark: part.stem, id: String(item.fields["id"] ?? item.line), text }
          texts.push(found)
          characters += found.benchmark.length + found.id.length + text.length
        }
        return characters <= maxResourceBytes ? Effect.void : Effect.fail(tooLong(part.location))
      })
    }
    return texts
  })
})

/** Uploads can be read where there are Files. */
export const layerWith = (limits: Partial<SourceLimits>): Layer.Layer<Sources> =>
  Layer.effect(
    Sources,
    Effect.gen(function*() {
      const all = { ...defaultLimits, ...limits }
      const decoders = yield* Effect.acquireRelease(
        Effect.sync(() => makeDecoders(all)),
        (decoders) => Effect.promise(() => decoders.close())
      )
      const files = yield* Effect.serviceOption(Files)
      const uploads = Option.isNone(files) ? undefined : yield* Effect.acquireRelease(
        Effect.sync(() => makeUploads(files.value, all)),
        ({ close }) => close
      )
      return make({ limits: all, decoders, uploads })
    })
  )

export const layer: Layer.Layer<Sources> = layerWith({})
