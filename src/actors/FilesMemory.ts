// Files in plain Maps, for tests: the plain reading of the contract. They live as long as the layer.
import { Clock, Effect, Layer, Stream } from "effect"
import { StoreFailed } from "./ActorStore.ts"
import { type FileInfo, Files, FileTooLarge, FileUnknown, isFileName } from "./Files.ts"

interface Kept {
  readonly info: FileInfo
  readonly content: Uint8Array<ArrayBuffer>
}

const pieceBytes = 1024 * 1024

/** Newest first. */
export const byAge = (a: Pick<FileInfo, "atMillis" | "id">, b: Pick<FileInfo, "atMillis" | "id">): number =>
  b.atMillis - a.atMillis || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)

const make = () => {
  const files = new Map<string, Kept>()
  const get = (id: string): Effect.Effect<Kept, FileUnknown> =>
    Effect.suspend(() => {
      const kept = files.get(id)
      return kept === undefined ? Effect.fail(new FileUnknown({ file: id })) : Effect.succeed(kept)
    })
  return Files.of({
    put: <E, R>(
      file: Pick<FileInfo, "name" | "kind" | "group" | "who">,
      body: Stream.Stream<Uint8Array, E, R>,
      maxBytes: number
    ) =>
      Effect.gen(function*() {
        const { group, kind, name, who } = file
        if (!isFileName(name)) return yield* new StoreFailed({ reason: "data", detail: "no name for a file" })
        const pieces: Array<Uint8Array> = []
        let bytes = 0
        yield* Stream.runForEach(body, (piece) =>
          Effect.suspend((): Effect.Effect<void, FileTooLarge> => {
            bytes += piece.byteLength
            if (bytes > maxBytes) return Effect.fail(new FileTooLarge({ maxBytes }))
            pieces.push(piece.slice())
            return Effect.void
          }))
        const content = new Uint8Array(bytes)
        let end = 0
        for (const piece of pieces) {
          content.set(piece, end)
          end += piece.byteLength
        }
        const hash = yield* Effect.promise(() => globalThis.crypto.subtle.digest("SHA-256", content))
        const sha256 = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("")
        const atMillis = yield* Clock.currentTimeMillis
        const info: FileInfo = { id: globalThis.crypto.randomUUID(), name, kind, group, bytes, sha256, who, atMillis }
        for (const { info: old } of files.values()) {
          if (kind === "output" && old.kind === kind && old.group === group && old.name === name) files.delete(old.id)
        }
        files.set(info.id, { info, content })
        return info
      }),
    info: (id) => Effect.map(get(id), ({ info }) => info),
    read: (id, offset = 0) =>
      Stream.unwrap(Effect.map(get(id), ({ content }) => {
        const pieces: Array<Uint8Array> = []
        for (let from = Math.max(0, offset); from < content.byteLength; from += pieceBytes) {
          pieces.push(content.slice(from, from + pieceBytes))
        }
        return Stream.fromIterable(pieces)
      })),
    list: ({ after, group, kind, limit }) =>
      Effect.sync(() =>
        [...files.values()].map(({ info }) => info)
          .filter((info) => info.kind === kind && (group === undefined || info.group === group))
          .filter((info) => after === undefined || byAge(info, after) > 0)
          .sort(byAge)
          .slice(0, Math.max(1, Math.min(500, limit)))
      ),
    remove: (id) => Effect.sync(() => void files.delete(id)),
    prune: (uploadsBeforeMillis) =>
      Effect.sync(() => {
        const old = [...files.values()].filter(({ info }) =>
          info.kind === "upload" && info.atMillis < uploadsBeforeMillis
        )
        for (const { info } of old) files.delete(info.id)
        return old.length
      })
  })
}

export const layer: Layer.Layer<Files> = Layer.sync(Files, make)
