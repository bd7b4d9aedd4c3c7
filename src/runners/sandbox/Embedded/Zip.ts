// A folder of Python packages as one zip file, which Python imports from: sorted, without times, so that the same files give the same
// bytes.
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { crc32, deflateRawSync } from "node:zlib"

const skippedFolders = new Set(["tests", "testing", "benchmarks", "__pycache__"])
/** SymPy has about 900 modules of 25 MB. */
const mostFiles = 5_000
const mostBytes = 256 * 1_048_576

/** Relative paths of what is packed, sorted. `testing` stays where SymPy imports it itself. */
export const packedFiles = async (folder: string, packages: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  const visit = async (path: string, depth: number): Promise<void> => {
    for (const entry of await readdir(join(folder, path), { withFileTypes: true })) {
      const inner = `${path}/${entry.name}`
      if (entry.isDirectory()) {
        if (depth < 12 && !(skippedFolders.has(entry.name) && inner !== "sympy/testing")) await visit(inner, depth + 1)
      } else if (!entry.name.endsWith(".pyc")) {
        found.push(inner)
        if (found.length > mostFiles) throw new Error(`${folder} has more than ${mostFiles} files`)
      }
    }
  }
  for (const name of packages) await visit(name, 0)
  return found.sort()
}

const u16 = (value: number) => [value & 255, value >>> 8 & 255]
const u32 = (value: number) => [...u16(value & 65_535), ...u16(value >>> 16)]
const version = 20
const utf8Names = 0x0800
const deflated = 8
/** 1980-01-01, the first day that a zip can name. */
const day = 0x0021

export const zipFiles = async (folder: string, paths: ReadonlyArray<string>): Promise<Uint8Array> => {
  const pieces: Array<Uint8Array> = []
  const directory: Array<Uint8Array> = []
  let offset = 0
  let read = 0
  for (const path of paths) {
    const bytes = await readFile(join(folder, path))
    read += bytes.length
    if (read > mostBytes) throw new Error(`${folder} has more than ${mostBytes} bytes`)
    const name = new TextEncoder().encode(path)
    const data = deflateRawSync(bytes)
    const facts = [
      ...u16(utf8Names),
      ...u16(deflated),
      ...u16(0),
      ...u16(day),
      ...u32(crc32(bytes)),
      ...u32(data.length),
      ...u32(bytes.length),
      ...u16(name.length),
      ...u16(0)
    ]
    const local = Uint8Array.from([0x50, 0x4b, 3, 4, ...u16(version), ...facts])
    pieces.push(local, name, data)
    const central = [0x50, 0x4b, 1, 2, ...u16(version), ...u16(version), ...facts, ...u16(0), ...u16(0), ...u16(0)]
    directory.push(Uint8Array.from([...central, ...u32(0), ...u32(offset)]), name)
    offset += local.length + name.length + data.length
  }
  const directoryBytes = directory.reduce((sum, piece) => sum + piece.length, 0)
  const count = u16(paths.length)
  const end = [0x50, 0x4b, 5, 6, 0, 0, 0, 0, ...count, ...count, ...u32(directoryBytes), ...u32(offset), 0, 0]
  return Buffer.concat([...pieces, ...directory, Uint8Array.from(end)])
}
