// What the runner's thread and the SQLite worker say to each other. Bytes and bands travel packed into a few buffers
// that are moved, not copied; everything else is a structured clone.
import type { StoreFailed } from "../../actors/ActorStore.ts"
import type { IndexedEntry } from "../../actors/RunIndex.ts"
import type { RowRef } from "../../domain/RunRow.ts"
import type { SqlitePorts } from "./SqliteWorker.ts"

export type FailureReason = StoreFailed["reason"]

export interface SqliteSettings {
  readonly filename: string
  readonly synchronous: "FULL" | "NORMAL"
  readonly busyMillis: number
  readonly maxValueBytes: number
}

export type PortName = keyof SqlitePorts

/** `close`: finish what was asked before, close the file and leave. */
export type Request =
  | {
    readonly _tag: "call"
    readonly id: number
    readonly port: PortName
    readonly method: string
    readonly args: ReadonlyArray<unknown>
  }
  | { readonly _tag: "close" }

export interface Failure {
  readonly reason: FailureReason
  readonly detail: string
}

/** First `ready`, `refused` or `tooNew`, then one `answer` for each request, in order. */
export type Message =
  | { readonly _tag: "ready" }
  | { readonly _tag: "refused"; readonly failure: Failure }
  | { readonly _tag: "tooNew"; readonly found: number; readonly known: number }
  | { readonly _tag: "answer"; readonly id: number; readonly value: unknown }
  | { readonly _tag: "failed"; readonly id: number; readonly failure: Failure }

export const isPackedBytes = (value: unknown): value is PackedBytes =>
  typeof value === "object" && value !== null && "lengths" in value

/** Byte strings, one after the other. `lengths`: bytes of each; -1: null. */
export interface PackedBytes {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly lengths: Int32Array<ArrayBuffer>
}

export const packBytes = (list: ReadonlyArray<Uint8Array | null>): PackedBytes => {
  const lengths = Int32Array.from(list, (item) => item === null ? -1 : item.length)
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + Math.max(0, length), 0))
  let end = 0
  for (const item of list) {
    if (item === null) continue
    bytes.set(item, end)
    end += item.length
  }
  return { bytes, lengths }
}

/** Views into the packed buffer, or copies with a buffer of their own. */
export const unpackBytes = ({ bytes, lengths }: PackedBytes, copy: boolean): Array<Uint8Array | null> => {
  let end = 0
  return Array.from(lengths, (length) => {
    if (length < 0) return null
    const start = end
    end += length
    return copy ? bytes.slice(start, end) : bytes.subarray(start, end)
  })
}

/**
 * The entries of one stage. `refs`: seq and sub of each, alternating; `bandCounts`: how many of `bands` belong to each.
 */
export interface PackedEntries {
  readonly stage: number
  readonly refs: Float64Array<ArrayBuffer>
  readonly keys: ReadonlyArray<string | null>
  readonly strata: ReadonlyArray<string | null>
  readonly bandCounts: Int32Array<ArrayBuffer>
  readonly bands: Float64Array<ArrayBuffer>
  readonly payloads: PackedBytes
}

export const packRefs = (refs: ReadonlyArray<RowRef>): Float64Array<ArrayBuffer> => {
  const packed = new Float64Array(refs.length * 2)
  refs.forEach(({ seq, sub }, i) => {
    packed[2 * i] = seq
    packed[2 * i + 1] = sub
  })
  return packed
}

export const packEntries = (stage: number, entries: ReadonlyArray<IndexedEntry>): PackedEntries => {
  const bandCounts = Int32Array.from(entries, (entry) => entry.bands.length)
  const bands = new Float64Array(bandCounts.reduce((sum, count) => sum + count, 0))
  let end = 0
  for (const entry of entries) {
    bands.set(entry.bands, end)
    end += entry.bands.length
  }
  return {
    stage,
    refs: packRefs(entries),
    keys: entries.map((entry) => entry.key),
    strata: entries.map((entry) => entry.stratum),
    bandCounts,
    bands,
    payloads: packBytes(entries.map((entry) => entry.payload))
  }
}

/** The buffers of a packed value, to be moved to the other thread. */
export const buffersOfBytes = ({ bytes, lengths }: PackedBytes): Array<ArrayBuffer> => [bytes.buffer, lengths.buffer]

export const buffersOfEntries = ({ bandCounts, bands, payloads, refs }: PackedEntries): Array<ArrayBuffer> => [
  refs.buffer,
  bandCounts.buffer,
  bands.buffer,
  ...buffersOfBytes(payloads)
]
