// The port to what a run reads.
import { Context, type Effect, Schema, type Stream } from "effect"
import type { SourceCursor, SourceItem, SourceSpec } from "../domain/Source.ts"
import type { BenchmarkText } from "../domain/Stage.ts"

/** The source as a whole cannot be read; a bad row is a `SourceFault` instead. `message` says what to do. */
export class SourceUnreadable extends Schema.TaggedError<SourceUnreadable>()("SourceUnreadable", {
  location: Schema.String,
  reason: Schema.Literals([
    "missing",
    "empty",
    "folder-without-data",
    "unknown-format",
    "unknown-preset",
    "unmapped",
    "query-missing",
    "query-failed",
    "changed",
    /** The disk of the process that reads it is; nothing is wrong with the source. */
    "full",
    "unreadable"
  ]),
  detail: Schema.String
}) {
  override get message() {
    return `Cannot read the source ${this.location}: ${this.detail}`
  }
}

export interface Source {
  /** Names the content: path, size and a hash of samples of each file. A resumed run refuses a source that has changed. */
  readonly fingerprint: string
  /** Bytes of all files, for a progress estimate; null where it is not known (databases). */
  readonly bytes: number | null
  /** Rows from the cursor on, in order, read as they are pulled: memory does not grow with the source. */
  readonly rows: (from: SourceCursor) => Stream.Stream<SourceItem, SourceUnreadable>
}

export class Sources extends Context.Service<Sources, {
  /** Resolves the locations (folders to their files in name order), checks that they can be read and that a problem text is mapped. */
  readonly open: (specs: ReadonlyArray<SourceSpec>) => Effect.Effect<Source, SourceUnreadable>
  /** The texts of benchmark files (same formats), for decontamination. */
  readonly benchmarks: (
    locations: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyArray<BenchmarkText>, SourceUnreadable>
}>()("polya/Sources") {}
