// Where rows of a run go: one file a sink, written under a temporary name and renamed when it is whole. A reader never sees
// half a file, and a writer that fails or is interrupted leaves nothing behind.
import { Effect, type Scope, Semaphore } from "effect"
import { type FileHandle, open, rename, rm } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { OutputFailed } from "../../actors/RunOutput.ts"
import type { JsonObject } from "../../domain/Json.ts"

const reasons: { readonly [code: string]: OutputFailed["reason"] } = {
  ENOSPC: "full",
  EDQUOT: "full",
  EROFS: "read-only",
  EACCES: "read-only",
  EPERM: "read-only",
  ENOENT: "missing",
  ENOTDIR: "missing",
  EEXIST: "missing"
}

/** A file system's failure as the one error of sinks. */
export const outputFailed = (path: string) => (cause: unknown): OutputFailed =>
  new OutputFailed({
    path,
    reason: reasons[(cause as NodeJS.ErrnoException | null)?.code ?? ""] ?? "other",
    detail: cause instanceof Error ? cause.message : String(cause)
  })

export interface SinkWriter {
  /** Takes the rows in order; done when they are buffered or written, so a slow disk holds the caller back. One call at a time runs. */
  readonly write: (rows: ReadonlyArray<JsonObject>) => Effect.Effect<void, OutputFailed>
  /** Writes what is buffered, makes it durable and gives the file its name. Call once, last. */
  readonly commit: Effect.Effect<void, OutputFailed>
}

export interface Sink {
  /** The extension of its files, without a dot. */
  readonly extension: string
  /** The writer of one file, until the scope ends; without `commit` the file never appears and an older one stays as it is. */
  readonly open: (path: string) => Effect.Effect<SinkWriter, OutputFailed, Scope.Scope>
}

/** The name under which a file is written: hidden, in the same folder. */
export const partialPath = (path: string, what = "partial"): string => join(dirname(path), `.${basename(path)}.${what}`)

/** A new file for writing and reading under a temporary name, closed and removed with the scope. */
export const temporaryFile = (path: string, temporary: string): Effect.Effect<FileHandle, OutputFailed, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({ try: () => open(temporary, "w+"), catch: outputFailed(path) }),
    (handle) =>
      Effect.promise(async () => {
        await handle.close().catch(() => {})
        await rm(temporary, { force: true }).catch(() => {})
      })
  )

/** Makes a written file durable and gives it its name; after a crash there is the old file or the whole new one. */
export const publish = async (handle: FileHandle, temporary: string, path: string): Promise<void> => {
  await handle.sync()
  await rename(temporary, path)
  await using folder = await open(dirname(path), "r")
  await folder.sync()
}

/**
 * A writer from two plain functions. They never run at the same time and are never interrupted half way; after one has failed, all
 * calls fail the same way, so that a file with a hole is never published.
 */
export const makeWriter = (
  path: string,
  functions: {
    readonly write: (rows: ReadonlyArray<JsonObject>) => Promise<void>
    readonly commit: () => Promise<void>
  }
): SinkWriter => {
  const turn = Semaphore.makeUnsafe(1)
  let over: OutputFailed | undefined
  const run = (work: () => Promise<void>) =>
    Effect.suspend(() => (over ? Effect.fail(over) : Effect.tryPromise({ try: work, catch: outputFailed(path) }))).pipe(
      Effect.tapError((failure) => Effect.sync(() => void (over = failure))),
      Effect.uninterruptible,
      turn.withPermits(1)
    )
  const committed = new OutputFailed({ path, reason: "other", detail: "it was already committed" })
  return {
    write: (rows) => run(() => functions.write(rows)),
    commit: run(() => functions.commit().then(() => void (over = committed)))
  }
}
