// Uploads as local files: `upload:ID` names a file of Files, of which a copy is kept, by its digest, in a folder of this process, so that
// readers which jump about in a file can. The copies have a bound in bytes; what was not read for longest goes first, never what is being
// read. A store that is away while a copy is made is waited for, and the copy goes on where it was.
import { Effect, Schedule, type Scope, Semaphore, Stream } from "effect"
import { createHash } from "node:crypto"
import { type FileHandle, mkdir, mkdtemp, open, readdir, rename, rm } from "node:fs/promises"
import { hostname } from "node:os"
import { join } from "node:path"
import type { StoreFailed } from "../../actors/ActorStore.ts"
import type { FileInfo, Files, FileUnknown } from "../../actors/Files.ts"
import { SourceUnreadable } from "../../actors/Sources.ts"

export interface UploadLimits {
  /** Local copies of uploads lie below this folder. Default: the system's folder for temporary files. */
  readonly uploadFolder: string
  /** Bytes of local copies at most; a larger upload cannot be read. Default 16 GiB. */
  readonly uploadCopiesBytes: number
}

export interface LocalCopy {
  readonly info: FileInfo
  readonly path: string
}

export interface Uploads {
  /** A local copy, which stays at least as long as the scope; the same one at each opening. */
  readonly open: (id: string) => Effect.Effect<LocalCopy, SourceUnreadable, Scope.Scope>
  /** Removes all copies. */
  readonly close: Effect.Effect<void>
}

/** The id in `upload:ID`, or in `upload:ID/NAME` as messages say it; undefined for any other location. */
export const uploadIdOf = (location: string): string | undefined => /^upload:([^/]*)(\/.*)?$/i.exec(location)?.[1]

/** What messages call an upload. */
export const uploadLocation = ({ id, name }: FileInfo): string => `upload:${id}/${name}`

interface Copy {
  readonly path: string
  readonly bytes: number
  readonly making: Semaphore.Semaphore
  made: boolean
  /** Readers that have it open. */
  readers: number
}

/** A store that is away is asked again so often, a second apart. */
const maxTries = 600

const patiently = <A, E extends { readonly _tag: string }, R>(asked: Effect.Effect<A, E | StoreFailed, R>) =>
  Effect.retry(asked, {
    while: (error) => error._tag === "StoreFailed" && (error as StoreFailed).reason === "unavailable",
    schedule: Schedule.min([Schedule.exponential("10 millis"), Schedule.spaced("1 second")]),
    times: maxTries
  })

const unreadable = (location: string, detail: string) =>
  new SourceUnreadable({ location, reason: "unreadable", detail })

const refail = (location: string) => (error: StoreFailed | FileUnknown | SourceUnreadable): SourceUnreadable => {
  switch (error._tag) {
    case "SourceUnreadable":
      return error
    case "FileUnknown":
      return new SourceUnreadable({
        location,
        reason: "missing",
        detail: "there is no such upload; it may have been past its time: upload the file again"
      })
    case "StoreFailed":
      return unreadable(location, error.message)
  }
}

const onDisk = <A>(location: string, work: () => Promise<A>): Effect.Effect<A, SourceUnreadable> =>
  Effect.tryPromise({
    try: work,
    catch: (cause) =>
      ["ENOSPC", "EDQUOT"].includes((cause as NodeJS.ErrnoException).code ?? "")
        ? new SourceUnreadable({
          location,
          reason: "full",
          detail: "the disk of the process that reads it is full; free some space there and try again"
        })
        : unreadable(location, `no local copy can be made: ${(cause as Error).message}`)
  })

/** Folders of this process, so that none of them is taken for one of a dead process. */
const mine = new Set<string>()
const prefix = `polya-uploads-${hostname().replace(/[^A-Za-z0-9.]/g, "_")}-`

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** A new folder for copies; what processes of this machine left that were killed goes. */
const makeFolder = async (below: string): Promise<string> => {
  await mkdir(below, { recursive: true })
  for (const name of await readdir(below)) {
    if (!name.startsWith(prefix) || mine.has(join(below, name))) continue
    const pid = Number.parseInt(name.slice(prefix.length), 10)
    // A process of this pid that is this one did not make it: an earlier one had the same pid.
    if (pid === process.pid || !isAlive(pid)) await rm(join(below, name), { recursive: true, force: true })
  }
  const folder = await mkdtemp(join(below, `${prefix}${process.pid}-`))
  mine.add(folder)
  return folder
}

export const make = (files: Files["Service"], { uploadCopiesBytes, uploadFolder }: UploadLimits): Uploads => {
  /** By digest; those read longest ago first. */
  const copies = new Map<string, Copy>()
  const changing = Semaphore.makeUnsafe(1)
  let folder: string | undefined

  /** Makes room for a copy of so many bytes, or says that there is none. */
  const makeRoom = async (bytes: number): Promise<boolean> => {
    let total = [...copies.values()].reduce((sum, copy) => sum + copy.bytes, bytes)
    for (const [sha256, copy] of copies) {
      if (total <= uploadCopiesBytes) break
      if (copy.readers > 0) continue
      copies.delete(sha256)
      await rm(copy.path, { force: true })
      total -= copy.bytes
    }
    return total <= uploadCopiesBytes
  }

  const hold = Effect.fnUntraced(function*({ bytes, sha256 }: FileInfo, location: string) {
    let copy = copies.get(sha256)
    if (copy === undefined) {
      const place = folder ??= yield* onDisk(location, () => makeFolder(uploadFolder))
      if (!(yield* onDisk(location, () => makeRoom(bytes)))) {
        return yield* unreadable(
          location,
          `its ${bytes} bytes do not fit beside the uploads that are being read (${uploadCopiesBytes} bytes of copies at ` +
            "most: source.uploadCopiesBytes); raise that, or try again when other runs are done"
        )
      }
      copy = { path: join(place, sha256), bytes, making: Semaphore.makeUnsafe(1), made: false, readers: 0 }
    }
    copies.delete(sha256)
    copies.set(sha256, copy)
    copy.readers++
    return copy
  }, changing.withPermits(1))

  const letGo = (sha256: string, copy: Copy): Effect.Effect<void> =>
    Effect.sync(() => {
      copy.readers--
      // Nobody waits for a copy that could not be made, and its room is free again.
      if (copy.readers === 0 && !copy.made && copies.get(sha256) === copy) copies.delete(sha256)
    })

  const fetch = Effect.fnUntraced(function*({ bytes, id, sha256 }: FileInfo, path: string, location: string) {
    const part = `${path}.part`
    const handle: FileHandle = yield* Effect.acquireRelease(
      onDisk(location, () => open(part, "w")),
      (handle) => Effect.promise(() => handle.close().then(() => rm(part, { force: true })).catch(() => {}))
    )
    const hash = createHash("sha256")
    let written = 0
    const write = (piece: Uint8Array) =>
      onDisk(location, async () => {
        for (let from = 0; from < piece.byteLength;) from += (await handle.write(piece, from)).bytesWritten
        hash.update(piece)
        written += piece.byteLength
      })
    yield* patiently(Effect.suspend(() => Stream.runForEach(files.read(id, written), write)))
    if (written !== bytes || hash.digest("hex") !== sha256) {
      return yield* unreadable(location, "its content is not the one that was uploaded; upload the file again")
    }
    yield* onDisk(location, () => rename(part, path))
  }, Effect.scoped)

  return {
    open: Effect.fn("Uploads.open")(function*(id) {
      const info = yield* Effect.mapError(patiently(files.info(id)), refail(`upload:${id}`))
      const location = uploadLocation(info)
      const copy = yield* Effect.acquireRelease(hold(info, location), (copy) => letGo(info.sha256, copy))
      yield* copy.making.withPermits(1)(Effect.suspend(() =>
        copy.made
          ? Effect.void
          : Effect.map(
            Effect.mapError(fetch(info, copy.path, location), refail(location)),
            () => void (copy.made = true)
          )
      ))
      return { info, path: copy.path }
    }),
    close: Effect.promise(async () => {
      if (folder === undefined) return
      await rm(folder, { recursive: true, force: true }).catch(() => {})
      mine.delete(folder)
      copies.clear()
      folder = undefined
    })
  }
}
