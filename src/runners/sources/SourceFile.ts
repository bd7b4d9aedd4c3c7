// One file of a source: its facts, a fingerprint of its content, and its bytes from a place on (through gzip where it is packed).
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { type FileHandle, open } from "node:fs/promises"
import { pipeline } from "node:stream"
import { createGunzip } from "node:zlib"
import { SourceUnreadable } from "../../actors/Sources.ts"

export interface SourceFile {
  readonly path: string
  /** The name that fingerprints and messages use: the path as given, or inside the folder that was given. */
  readonly name: string
  readonly bytes: number
  readonly gzip: boolean
}

/** Bytes read at once. */
export const chunkBytes = 256 * 1024
const sampleBytes = 64 * 1024

/** Fills as much of `buffer` as there is from `position` on; answers the bytes read. */
export const readAt = async (handle: FileHandle, buffer: Uint8Array, position: number): Promise<number> => {
  let filled = 0
  while (filled < buffer.byteLength) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.byteLength - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}

/** The first bytes of a file, at most 64 KiB. */
export const headOf = async (path: string): Promise<Buffer> => {
  await using handle = await open(path, "r")
  const buffer = Buffer.alloc(sampleBytes)
  return buffer.subarray(0, await readAt(handle, buffer, 0))
}

/** SHA-256 over name, size and the first and last 64 KiB, in hex. */
export const fingerprintOf = async (file: SourceFile): Promise<string> => {
  await using handle = await open(file.path, "r")
  const hash = createHash("sha256").update(JSON.stringify([file.name, file.bytes]))
  const buffer = Buffer.alloc(sampleBytes)
  for (const position of [0, Math.max(0, file.bytes - sampleBytes)]) {
    hash.update(buffer.subarray(0, await readAt(handle, buffer, position)))
  }
  return hash.digest("hex")
}

/** Opens the file again for reading and refuses it if it is no longer the one that was resolved. */
export const openUnchanged = async (file: SourceFile): Promise<FileHandle> => {
  const handle = await open(file.path, "r")
  const { size } = await handle.stat()
  if (size === file.bytes) return handle
  await handle.close()
  throw changed(file, `its size went from ${file.bytes} to ${size} bytes since it was opened; start the run anew`)
}

export const changed = (file: SourceFile, detail: string) =>
  new SourceUnreadable({ location: file.path, reason: "changed", detail })

/** Unpacked bytes from `start` on. A chunk is good only until the next one is asked for. */
export async function* bytesOf(file: SourceFile, start: number): AsyncGenerator<Buffer, void, undefined> {
  await using handle = await openUnchanged(file)
  if (!file.gzip) {
    if (start > file.bytes) throw changed(file, `it ends before byte ${start}, where reading should go on`)
    const buffer = Buffer.allocUnsafe(chunkBytes)
    for (let position = start;;) {
      const filled = await readAt(handle, buffer, position)
      if (filled === 0) return
      yield buffer.subarray(0, filled)
      position += filled
    }
  }
  // The pipeline's own error reaches the reader through the unpacker, so its callback has nothing to add.
  const unpacked = pipeline(
    createReadStream("", { fd: handle, autoClose: false, highWaterMark: chunkBytes }),
    createGunzip({ chunkSize: chunkBytes }),
    () => {}
  )
  let skip = start
  for await (const chunk of unpacked as AsyncIterable<Buffer>) {
    const rest = chunk.subarray(Math.min(skip, chunk.byteLength))
    skip -= chunk.byteLength - rest.byteLength
    if (rest.byteLength > 0) yield rest
  }
  if (skip > 0) throw changed(file, `its unpacked text ends ${skip} bytes before the place where reading should go on`)
}
