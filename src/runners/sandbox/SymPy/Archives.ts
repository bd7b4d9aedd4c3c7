// Reads the archives that packages come in: .deb (ar with a tar in it) and .whl (zip). All paths stay inside of where they are put; an
// archive with any other path is refused whole, and so is one that is larger than a package can be.
import { crc32, gunzipSync, inflateRawSync, zstdDecompressSync } from "node:zlib"
import { xzDecompress } from "./Xz.ts"

/** The archive is not one, or has in it what a package of SymPy does not have. */
export class ArchiveUnfit extends Error {}

export interface ArchiveFile {
  readonly path: string
  /** Null: it is a link or a device, which nobody should make. */
  readonly bytes: Buffer | null
}

const mebibyte = 1_048_576
/** SymPy has 27 MB in 1,400 files. */
export const unpackedBytes = 128 * mebibyte
const mostFiles = 20_000
const headBytes = 512

/** All segments are names: none leads up, none is empty, none is hidden from the check by another separator. */
const insidePath = (path: string): string => {
  const clean = path.replace(/^\.\//, "")
  // oxlint-disable-next-line no-control-regex: names with control characters are what is refused.
  if (
    /[\\\u0000-\u001f:]/.test(clean) || clean.split("/").some((part) => part === "" || part === "." || part === "..")
  ) {
    throw new ArchiveUnfit(`the archive has a path that leads out of it: ${JSON.stringify(path).slice(0, 200)}`)
  }
  return clean
}

/** A stretch of the archive that must be there whole. */
const stretch = (bytes: Buffer, start: number, length: number): Buffer => {
  if (!Number.isSafeInteger(length) || length < 0 || start < 0 || start + length > bytes.length) {
    throw new ArchiveUnfit("the archive is cut off")
  }
  return bytes.subarray(start, start + length)
}

const textUntilNul = (bytes: Buffer): string => {
  const end = bytes.indexOf(0)
  return bytes.toString("utf8", 0, end < 0 ? bytes.length : end)
}

const octal = (bytes: Buffer): number => {
  const digits = textUntilNul(bytes).trim()
  if (!/^[0-7]{0,12}$/.test(digits)) throw new ArchiveUnfit("the archive has a number that is none")
  return digits === "" ? 0 : Number.parseInt(digits, 8)
}

/** `path` in a record of pax, which are lines of `LENGTH NAME=VALUE`. */
const paxPath = (record: Buffer): string | undefined => /^\d+ path=(.*)$/m.exec(record.toString("utf8"))?.[1]

/** The files of a tar; folders are left out. */
export function* readTar(bytes: Buffer): Generator<ArchiveFile> {
  let longPath: string | undefined
  for (let at = 0, files = 0; at + headBytes <= bytes.length;) {
    const head = stretch(bytes, at, headBytes)
    if (head.every((byte) => byte === 0)) return
    const sum = head.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0)
    if (sum !== octal(head.subarray(148, 156))) throw new ArchiveUnfit("the archive is not a tar")
    const size = octal(head.subarray(124, 136))
    const content = stretch(bytes, at + headBytes, size)
    at += headBytes + Math.ceil(size / headBytes) * headBytes
    if (++files > mostFiles) throw new ArchiveUnfit(`the archive has more than ${mostFiles} entries`)
    const kind = String.fromCharCode(head[156] ?? 0)
    if (kind === "g") continue
    if (kind === "L" || kind === "x") {
      longPath = kind === "L" ? textUntilNul(content) : paxPath(content) ?? longPath
      continue
    }
    const prefix = head.toString("latin1", 257, 262) === "ustar" && head.toString("latin1", 262, 264) !== "  "
      ? textUntilNul(head.subarray(345, 500))
      : ""
    const name = textUntilNul(head.subarray(0, 100))
    const path = longPath ?? (prefix === "" ? name : `${prefix}/${name}`)
    longPath = undefined
    if (kind === "5") continue
    const inside = insidePath(path)
    yield { path: inside, bytes: kind === "0" || kind === "\0" ? content : null }
  }
}

/** The files of a zip, each checked by its checksum; folders are left out. */
export function* readZip(bytes: Buffer): Generator<ArchiveFile> {
  const end = bytes.lastIndexOf(Buffer.from("PK\u0005\u0006", "latin1"))
  if (end < 0) throw new ArchiveUnfit("the archive is not a zip, or is cut off")
  const tail = stretch(bytes, end, 22)
  const count = tail.readUInt16LE(10)
  if (count > mostFiles) throw new ArchiveUnfit(`the archive has more than ${mostFiles} entries`)
  let total = 0
  for (let at = tail.readUInt32LE(16), index = 0; index < count; index++) {
    const head = stretch(bytes, at, 46)
    if (head.readUInt32LE(0) !== 0x02014b50) throw new ArchiveUnfit("the archive's table of contents is broken")
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((place) => head.readUInt16LE(place)) as [
      number,
      number,
      number
    ]
    const path = stretch(bytes, at + 46, nameBytes).toString("utf8")
    at += 46 + nameBytes + extraBytes + commentBytes
    if (path.endsWith("/")) continue
    const inside = insidePath(path)
    const fileKind = head.readUInt32LE(38) >>> 28
    if (fileKind !== 0 && fileKind !== 8) {
      yield { path: inside, bytes: null }
      continue
    }
    if ((head.readUInt16LE(8) & 1) !== 0) throw new ArchiveUnfit(`${inside} is encrypted`)
    const size = head.readUInt32LE(24)
    total += size
    if (total > unpackedBytes) throw tooLarge()
    const start = head.readUInt32LE(42)
    const local = stretch(bytes, start, 30)
    const packed = stretch(
      bytes,
      start + 30 + local.readUInt16LE(26) + local.readUInt16LE(28),
      head.readUInt32LE(20)
    )
    const content = inflated(packed, head.readUInt16LE(10), size)
    if (content.length !== size || crc32(content) !== head.readUInt32LE(16)) {
      throw new ArchiveUnfit(`${inside} is damaged`)
    }
    yield { path: inside, bytes: content }
  }
}

const inflated = (packed: Buffer, method: number, size: number): Buffer => {
  if (method === 0) return packed
  if (method !== 8) throw new ArchiveUnfit(`the archive is packed by a method (${method}) that wheels do not use`)
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, size) })
  } catch (cause) {
    throw new ArchiveUnfit("the archive is damaged", { cause })
  }
}

const tooLarge = () => new ArchiveUnfit(`the archive has more than ${unpackedBytes / mebibyte} MiB in it`)

/** The tar of a .deb that has the package's files, as it is packed. */
const dataOfDeb = (bytes: Buffer): { readonly name: string; readonly packed: Buffer } => {
  for (let at = 8; at < bytes.length;) {
    const head = stretch(bytes, at, 60).toString("latin1")
    const name = head.slice(0, 16).trim().replace(/\/$/, "")
    const size = Number(head.slice(48, 58).trim() || Number.NaN)
    const packed = stretch(bytes, at + 60, size)
    if (/^data\.tar(\.\w+)?$/.test(name)) return { name, packed }
    at += 60 + size + (size % 2)
  }
  throw new ArchiveUnfit("the package has no data.tar in it")
}

const unpackedTar = async ({ name, packed }: ReturnType<typeof dataOfDeb>, python: string | null): Promise<Buffer> => {
  const options = { maxOutputLength: unpackedBytes }
  try {
    if (name.endsWith(".xz")) return await xzDecompress(packed, { python, mostBytes: unpackedBytes })
    if (name.endsWith(".gz")) return gunzipSync(packed, options)
    if (name.endsWith(".zst")) return zstdDecompressSync(packed, options)
  } catch (cause) {
    // Of a traceback, the end says what is wrong.
    const why = String(cause instanceof Error ? cause.message : cause).trim().split("\n").at(-1)
    throw new ArchiveUnfit(`${name} cannot be unpacked: ${why}`, { cause })
  }
  if (name === "data.tar") return packed
  throw new ArchiveUnfit(`${name} is packed in a way not known here`)
}

/** The files of a package, whichever of the two kinds it is. `python`: one that can unpack xz where there is no program for it. */
export const readPackage = async (bytes: Buffer, python: string | null): Promise<Iterable<ArchiveFile>> => {
  if (bytes.toString("latin1", 0, 8) === "!<arch>\n") return readTar(await unpackedTar(dataOfDeb(bytes), python))
  if (bytes.toString("latin1", 0, 2) === "PK") return readZip(bytes)
  throw new ArchiveUnfit("this is neither a .deb nor a .whl")
}
