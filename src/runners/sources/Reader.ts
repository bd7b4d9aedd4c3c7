// What every format adapter gives: raw rows and bad rows of one file or query, in order, from a place on. Adapters are written
// as asynchronous generators of batches; `streamBatches` makes of one a stream that reads only when it is pulled.
import { Array as Arr, Cause, Effect, type Pull, Stream } from "effect"
import { SourceUnreadable } from "../../actors/Sources.ts"
import type { JsonObject } from "../../domain/Json.ts"
import type { SourceFault } from "../../domain/Source.ts"

/** A place in a file: `offset` in bytes (JSON lines) or rows (all else), `line` the number of the last line or row read. */
export interface Place {
  readonly offset: number
  readonly line: number
}

/** `offset`: the place after this row. `line`: its own number, from 1. */
export interface RawRow extends Place {
  readonly value: JsonObject
}
export interface RawFault extends Place {
  readonly tag: SourceFault["tag"]
  readonly message: string
}
export type RawItem = RawRow | RawFault

export interface Reader {
  readonly read: (from: Place) => Stream.Stream<RawItem, SourceUnreadable>
}

/** Rows of one batch at most, where the format does not set the size. */
export const batchRows = 512

export type Batches = AsyncGenerator<ReadonlyArray<RawItem>, void, undefined>

/** Any failure of an adapter as the one error of the port; errors of the port pass through. */
export const refail = (location: string) => (cause: unknown): SourceUnreadable => {
  if (cause instanceof SourceUnreadable) return cause
  const code = (cause as NodeJS.ErrnoException | null)?.code
  const said = cause instanceof Error ? cause.message : String(cause)
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new SourceUnreadable({
      location,
      reason: "missing",
      detail: "there is no such file or folder; check the path"
    })
  }
  if (code === "EACCES" || code === "EPERM") {
    return new SourceUnreadable({
      location,
      reason: "unreadable",
      detail: "this user may not read it; change its permissions"
    })
  }
  return new SourceUnreadable({ location, reason: "unreadable", detail: said.endsWith(".") ? said.slice(0, -1) : said })
}

/**
 * A stream over `open()`'s batches. The generator is closed when the stream ends, fails or is interrupted; `leave` is called before,
 * to break off what the generator may be waiting for.
 */
export const streamBatches = (
  location: string,
  open: () => Batches,
  leave: () => void = () => {}
): Stream.Stream<RawItem, SourceUnreadable> =>
  Stream.unwrap(Effect.map(
    Effect.acquireRelease(
      Effect.sync(open),
      (batches) =>
        Effect.promise(() => {
          leave()
          return batches.return().catch(() => undefined)
        })
    ),
    (batches) => {
      const next = Effect.tryPromise({ try: () => batches.next(), catch: refail(location) })
      const pull: Pull.Pull<Arr.NonEmptyReadonlyArray<RawItem>, SourceUnreadable> = Effect.flatMap(next, (result) => {
        if (result.done === true) return Cause.done()
        return Arr.isReadonlyArrayNonEmpty(result.value) ? Effect.succeed(result.value) : pull
      })
      return Stream.fromPull(Effect.succeed(pull))
    }
  ))
