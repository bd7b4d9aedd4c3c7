// The port to files that every process can reach: what clients upload as sources and benchmarks, and what runs leave. A folder on one
// machine, chunks in PostgreSQL for a cluster. One contract suite (test/actors/FilesContract.ts) runs on every adapter.
import { Context, type Effect, Schema, type Stream } from "effect"
import type { StoreFailed } from "./ActorStore.ts"

export interface FileInfo {
  readonly id: string
  /** As the client named it: 1 to 200 characters without slashes or control characters. It is a label, never a path. */
  readonly name: string
  readonly kind: "upload" | "output"
  /** The run that left it; null for uploads. */
  readonly group: string | null
  readonly bytes: number
  /** Hex SHA-256 of the content. */
  readonly sha256: string
  readonly who: string
  readonly atMillis: number
}

/** Whether a file may be called so: see `FileInfo.name`. */
export const isFileName = (name: string): boolean =>
  name.length >= 1 && name.length <= 200 && !/[/\\\u0000-\u001f\u007f]/.test(name)

/** More bytes than allowed came; nothing of them is kept. */
export class FileTooLarge extends Schema.TaggedError<FileTooLarge>()("FileTooLarge", { maxBytes: Schema.Int }) {
  override get message() {
    return `The file is larger than ${this.maxBytes} bytes; split it, or raise http.maxUploadBytes`
  }
}
export class FileUnknown extends Schema.TaggedError<FileUnknown>()("FileUnknown", { file: Schema.String }) {
  override get message() {
    return `There is no file ${this.file}; it may have been past its time`
  }
}

export class Files extends Context.Service<Files, {
  /**
   * Takes a whole file, or nothing: it is there only when its last byte is. An output replaces the one of its group and name. Memory does
   * not grow with the file. A name that is none is refused as `data`.
   */
  readonly put: <E, R>(
    file: Pick<FileInfo, "name" | "kind" | "group" | "who">,
    body: Stream.Stream<Uint8Array, E, R>,
    maxBytes: number
  ) => Effect.Effect<FileInfo, StoreFailed | FileTooLarge | E, R>
  readonly info: (id: string) => Effect.Effect<FileInfo, StoreFailed | FileUnknown>
  /** Pieces of at most 1 MiB, read as they are pulled, from byte `offset` on (default 0). */
  readonly read: (id: string, offset?: number) => Stream.Stream<Uint8Array, StoreFailed | FileUnknown>
  /** Newest first, at most `limit` (1 to 500), after the file `after`. */
  readonly list: (options: {
    readonly kind: FileInfo["kind"]
    readonly group?: string
    readonly after?: Pick<FileInfo, "atMillis" | "id">
    readonly limit: number
  }) => Effect.Effect<ReadonlyArray<FileInfo>, StoreFailed>
  readonly remove: (id: string) => Effect.Effect<void, StoreFailed>
  /** Removes uploads older than that, and pieces of files that never became whole; answers how many files went. */
  readonly prune: (uploadsBeforeMillis: number) => Effect.Effect<number, StoreFailed>
}>()("polya/Files") {}
