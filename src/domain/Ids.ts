// Branded ids and the one digest that they are made with.
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"
import { Schema } from "effect"

/** Made once, at ingest, from source name, row key and text; 24 hex digits (96 bits). Never changes. */
export const ProblemId = Schema.String.pipe(Schema.brand("polya/ProblemId"))
export type ProblemId = typeof ProblemId.Type

/** Names one dataset run inside a store. */
export const RunId = Schema.String.pipe(Schema.brand("polya/RunId"))
export type RunId = typeof RunId.Type

/** Names one command for good: asking again with the same id gives the first reply again. */
export const CommandId = Schema.String.pipe(Schema.brand("polya/CommandId"))
export type CommandId = typeof CommandId.Type

/** First `digits` hex digits (at most 64) of SHA-256 over the parts, each with its length, so that no two lists collide. */
export const digest = (parts: ReadonlyArray<string>, digits = 24): string => {
  const hash = sha256.create()
  for (const part of parts) {
    const bytes = utf8ToBytes(part)
    hash.update(utf8ToBytes(`${bytes.length}:`)).update(bytes)
  }
  return bytesToHex(hash.digest()).slice(0, digits)
}

/** The id of a problem read from `source` at `key` (its `id` field, or its line or row number). */
export const problemId = (source: string, key: string, text: string): ProblemId =>
  ProblemId.make(digest(["problem", source, key, text]))

/** The id of the `index`-th row (from 0) that a stage derived from `parent`. */
export const derivedId = (parent: ProblemId, stage: string, index: number, text: string): ProblemId =>
  ProblemId.make(digest(["derived", parent, stage, String(index), text]))
