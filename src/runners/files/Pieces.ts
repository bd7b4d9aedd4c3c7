// What the adapters of Files share: a body cut into pieces of one size, counted, limited and hashed on the way.
import { Effect, Stream } from "effect"
import { createHash } from "node:crypto"
import { StoreFailed } from "../../actors/ActorStore.ts"
import { FileTooLarge, isFileName } from "../../actors/Files.ts"

export interface Content {
  readonly bytes: number
  /** Hex. */
  readonly sha256: string
}

/** Gives `write` the body in pieces of `pieceBytes`, the last one shorter, one after the other; an empty body has none. */
export const inPieces = <E, R, E2, R2>(
  body: Stream.Stream<Uint8Array, E, R>,
  { maxBytes, pieceBytes }: { readonly maxBytes: number; readonly pieceBytes: number },
  write: (piece: Uint8Array, n: number) => Effect.Effect<void, E2, R2>
): Effect.Effect<Content, FileTooLarge | E | E2, R | R2> =>
  Effect.gen(function*() {
    const hash = createHash("sha256")
    let piece = Buffer.allocUnsafe(pieceBytes)
    let filled = 0
    let bytes = 0
    let n = 0
    const flush = Effect.suspend(() => {
      const full = piece.subarray(0, filled)
      piece = Buffer.allocUnsafe(pieceBytes)
      filled = 0
      return write(full, n++)
    })
    const take = Effect.fnUntraced(function*(chunk: Uint8Array) {
      bytes += chunk.byteLength
      if (bytes > maxBytes) return yield* new FileTooLarge({ maxBytes })
      hash.update(chunk)
      for (let from = 0; from < chunk.byteLength;) {
        const part = chunk.subarray(from, from + pieceBytes - filled)
        piece.set(part, filled)
        filled += part.byteLength
        from += part.byteLength
        if (filled === pieceBytes) yield* flush
      }
    })
    yield* Stream.runForEach(body, take)
    if (filled > 0) yield* flush
    return { bytes, sha256: hash.digest("hex") }
  })

export const checkName = (name: string): Effect.Effect<void, StoreFailed> =>
  isFileName(name)
    ? Effect.void
    : Effect.fail(
      new StoreFailed({
        reason: "data",
        detail: "a file's name has 1 to 200 characters, none of them a slash or a control character"
      })
    )

/** A file whose last piece came so long ago will never be whole. */
export const abandonedMillis = 3_600_000

export const startOf = (offset: number | undefined): number => Math.max(0, Math.trunc(offset ?? 0))
export const clampLimit = (limit: number): number => Math.max(1, Math.min(500, Math.trunc(limit)))
