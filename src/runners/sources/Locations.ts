// From a location as written to the files behind it: checks, formats, and folders as data sets are published on Hugging Face.
import { readdir, stat } from "node:fs/promises"
import { basename, join } from "node:path"
import { constants, gunzipSync } from "node:zlib"
import { SourceUnreadable } from "../../actors/Sources.ts"
import type { SourceFormat } from "../../domain/Source.ts"
import { headOf, type SourceFile } from "./SourceFile.ts"

export type FileFormat = "jsonl" | "json-list" | "csv" | "parquet" | "sqlite"
export interface FormattedFile extends SourceFile {
  readonly format: FileFormat
}

const depthLimit = 8
const filesLimit = 100_000

const byExtension: ReadonlyArray<readonly [RegExp, FileFormat]> = [
  [/\.(parquet|pq)$/i, "parquet"],
  [/\.(jsonl|ndjson)(\.gz)?$/i, "jsonl"],
  [/\.json(\.gz)?$/i, "json-list"],
  [/\.(csv|tsv)(\.gz)?$/i, "csv"],
  [/\.(sqlite3?|db)$/i, "sqlite"]
]
const formatByExtension = (path: string) => byExtension.find(([pattern]) => pattern.test(path))?.[1]

/** JSON files that describe a data set instead of holding it. */
const describing = /^(dataset_infos?|dataset_dict|state|config)\.json$/

/** What a folder is read as, best first: of a data set that is there in several formats only one is read. */
const folderChoices: ReadonlyArray<(file: string) => boolean> = [
  (file) => formatByExtension(file) === "parquet",
  (file) => formatByExtension(file) === "jsonl",
  (file) => formatByExtension(file) === "json-list" && !describing.test(basename(file)),
  (file) => formatByExtension(file) === "csv"
]

const startsWith = (bytes: Buffer, text: string) => bytes.subarray(0, text.length).toString("latin1") === text

/** The unpacked beginning of a gzipped file, as far as its first 64 KiB give it. */
const unpackedHead = (head: Buffer): Buffer => {
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    return Buffer.alloc(0)
  }
}

const isMarked = (head: Buffer) => head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf
const firstCharacter = (head: Buffer) => head.toString("latin1", isMarked(head) ? 3 : 0).trimStart().charAt(0)

/**
 * The format of a file: binary marks first, for they cannot be mistaken; then the extension; then the first character. A `.json`
 * file is a list if it begins with `[`, lines otherwise.
 */
const formatOf = (name: string, head: Buffer): FileFormat | undefined => {
  if (startsWith(head, "PAR1")) return "parquet"
  if (startsWith(head, "SQLite format 3\u0000")) return "sqlite"
  const named = formatByExtension(name)
  if (named !== undefined && named !== "json-list") return named
  const first = firstCharacter(head)
  if (first === "[") return "json-list"
  return first === "{" || named === "json-list" ? "jsonl" : undefined
}

/** The file at `path`, whose name and content tell its format unless that is said. */
export const describeFile = async (
  path: string,
  name: string,
  bytes: number,
  wanted: SourceFormat
): Promise<FormattedFile> => {
  if (bytes === 0) {
    throw new SourceUnreadable({ location: path, reason: "empty", detail: "the file is empty (0 bytes)" })
  }
  const packedHead = await headOf(path)
  const gzip = packedHead[0] === 0x1f && packedHead[1] === 0x8b
  const head = gzip ? unpackedHead(packedHead) : packedHead
  const found = formatOf(name, head)
  const format = wanted === "auto" || wanted === "folder" || (wanted === "jsonl" && found === "json-list")
    ? found
    : wanted
  if (format === undefined || format === "postgres") {
    throw new SourceUnreadable({
      location: path,
      reason: "unknown-format",
      detail: "neither its name nor its content tells the format; say it (--format jsonl, csv, parquet or sqlite)"
    })
  }
  if (gzip && (format === "parquet" || format === "sqlite")) {
    const detail = `a ${format} file cannot be read through gzip; unpack it first (gunzip)`
    throw new SourceUnreadable({ location: path, reason: "unknown-format", detail })
  }
  return { path, name, bytes, gzip, format }
}

/** All files below a folder by their path inside it, hidden ones left out; links are followed. */
const filesBelow = async (folder: string, inside = "", depth = 0): Promise<Array<string>> => {
  const found: Array<string> = []
  for (const entry of await readdir(join(folder, inside))) {
    if (entry.startsWith(".")) continue
    const path = inside === "" ? entry : `${inside}/${entry}`
    const facts = await stat(join(folder, path))
    if (facts.isFile()) found.push(path)
    else if (facts.isDirectory() && depth < depthLimit) found.push(...await filesBelow(folder, path, depth + 1))
    if (found.length > filesLimit) {
      throw new SourceUnreadable({
        location: folder,
        reason: "unreadable",
        detail: `the folder holds over ${filesLimit} files`
      })
    }
  }
  return found
}

const resolveFolder = async (folder: string): Promise<ReadonlyArray<FormattedFile>> => {
  const names = (await filesBelow(folder)).sort()
  const chosen = folderChoices.map((choice) => names.filter(choice)).find((files) => files.length > 0)
  if (chosen === undefined) {
    const others = names.length === 0
      ? "no files"
      : `only ${names.slice(0, 5).join(", ")}${names.length > 5 ? ", ..." : ""}`
    throw new SourceUnreadable({
      location: folder,
      reason: "folder-without-data",
      detail: `the folder has no Parquet, JSON lines, JSON or CSV file, but ${others}`
    })
  }
  const files: Array<FormattedFile> = []
  for (const name of chosen) {
    const path = join(folder, name)
    const { size } = await stat(path)
    if (size > 0) files.push(await describeFile(path, name, size, "folder"))
  }
  if (files.length === 0) {
    throw new SourceUnreadable({ location: folder, reason: "empty", detail: "all its data files are empty" })
  }
  return files
}

/** The files of a location that is not a database server, in the order of their names. */
export const resolveFiles = async (
  location: string,
  format: SourceFormat
): Promise<ReadonlyArray<FormattedFile>> => {
  const refuse = (reason: SourceUnreadable["reason"], detail: string) =>
    new SourceUnreadable({ location, reason, detail })
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(location)) {
    throw refuse("unknown-format", "only local files, folders and postgres:// addresses are read; download it first")
  }
  const facts = await stat(location)
  if (facts.isDirectory()) {
    if (format !== "auto" && format !== "folder") {
      throw refuse("unreadable", `it is a folder where a ${format} file is needed`)
    }
    return resolveFolder(location)
  }
  if (format === "folder") throw refuse("unreadable", "it is a file where a folder is needed")
  if (!facts.isFile()) throw refuse("unreadable", "it is neither a file nor a folder")
  return [await describeFile(location, basename(location), facts.size, format)]
}
