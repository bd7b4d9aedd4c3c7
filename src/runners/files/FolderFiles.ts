// Files in a folder of one machine: `ID.data` holds the bytes and `ID.json` what is known of them; a file is there when its `ID.json` is,
// which comes last, by a rename, with everything written through to the disk. What a killed process leaves has no `ID.json`.
import { Clock, Effect, Layer, Option, Semaphore, Stream } from "effect"
import { randomUUID } from "node:crypto"
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { StoreFailed } from "../../actors/ActorStore.ts"
import { type FileInfo, Files, FileUnknown } from "../../actors/Files.ts"
import { byAge } from "../../actors/FilesMemory.ts"
import { abandonedMillis, checkName, clampLimit, inPieces, startOf } from "./Pieces.ts"

export interface FolderOptions {
  readonly folder: string
  /** Default: an hour. */
  readonly abandonedMillis?: number
}

const pieceBytes = 512 * 1024
const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const isPiece = /^[0-9a-f-]{36}\.(part|meta|data)$/

const codeOf = (cause: unknown): string => String((cause as NodeJS.ErrnoException | null)?.code ?? "")

const refail = (cause: unknown): StoreFailed => {
  const code = codeOf(cause)
  const detail = cause instanceof Error ? cause.message : String(cause)
  return new StoreFailed({ reason: code === "ENOSPC" || code === "EDQUOT" ? "full" : "unavailable", detail })
}
const attempt = <A>(work: () => Promise<A>): Effect.Effect<A, StoreFailed> =>
  Effect.tryPromise({ try: work, catch: refail })

const writeAll = async (handle: FileHandle, bytes: Uint8Array): Promise<void> => {
  for (let from = 0; from < bytes.byteLength;) from += (await handle.write(bytes, from)).bytesWritten
}

const make = ({ abandonedMillis: abandoned = abandonedMillis, folder }: FolderOptions) => {
  const path = (id: string, kind: "part" | "data" | "meta" | "json") => join(folder, `${id}.${kind}`)
  /** What was read of the folder before: a file never changes. */
  const known = new Map<string, FileInfo>()
  /** Files that are being written here; no prune takes their pieces. */
  const written = new Set<string>()
  const finishing = Semaphore.makeUnsafe(1)

  const removeNow = async (id: string): Promise<void> => {
    known.delete(id)
    // The file is gone with its description; bytes that outlive a crash here are pieces of no file.
    await rm(path(id, "json"), { force: true })
    await rm(path(id, "data"), { force: true })
  }

  const infoNow = async (id: string): Promise<FileInfo | undefined> => {
    if (!idPattern.test(id)) return undefined
    try {
      return JSON.parse(await readFile(path(id, "json"), "utf8")) as FileInfo
    } catch (cause) {
      if (codeOf(cause) === "ENOENT") return undefined
      throw cause
    }
  }

  const names = async (): Promise<ReadonlyArray<string>> => {
    try {
      return await readdir(folder)
    } catch (cause) {
      if (codeOf(cause) === "ENOENT") return []
      throw cause
    }
  }

  /** All files, newest first; of outputs of one group and name the newest. */
  const files = async (): Promise<ReadonlyArray<FileInfo>> => {
    const ids = new Set(
      (await names()).flatMap((name) => name.endsWith(".json") ? [name.slice(0, -".json".length)] : [])
    )
    for (const id of known.keys()) if (!ids.has(id)) known.delete(id)
    for (const id of ids) {
      const info = known.get(id) ?? await infoNow(id)
      if (info !== undefined) known.set(id, info)
    }
    const seen = new Set<string>()
    return [...known.values()].sort(byAge).filter(({ group, kind, name }) => {
      if (kind !== "output") return true
      const key = JSON.stringify([group, name])
      return !seen.has(key) && seen.add(key)
    })
  }

  const flushFolder = async (): Promise<void> => {
    await using handle = await open(folder, "r")
    await handle.sync()
  }

  /** Makes the bytes in `ID.part` a file. */
  const finish = async (info: FileInfo): Promise<FileInfo> => {
    const { group, id, kind, name } = info
    const before = kind === "output"
      ? (await files()).filter((old) => old.kind === kind && old.group === group && old.name === name)
      : []
    const atMillis = before.reduce((at, old) => Math.max(at, old.atMillis + 1), info.atMillis)
    const made = { ...info, atMillis }
    await rename(path(id, "part"), path(id, "data"))
    {
      await using handle = await open(path(id, "meta"), "wx")
      await writeAll(handle, Buffer.from(JSON.stringify(made)))
      await handle.sync()
    }
    await rename(path(id, "meta"), path(id, "json"))
    await flushFolder()
    // One that stays is not shown, and goes with the next pruning.
    for (const old of before) await removeNow(old.id).catch(() => {})
    return made
  }

  return Files.of({
    put: <E, R>(
      file: Pick<FileInfo, "name" | "kind" | "group" | "who">,
      body: Stream.Stream<Uint8Array, E, R>,
      maxBytes: number
    ) =>
      Effect.gen(function*() {
        const { group, kind, name, who } = file
        yield* checkName(name)
        const id = randomUUID()
        const leave = Effect.promise(async () => {
          for (const kind of ["json", "part", "meta", "data"] as const) {
            await rm(path(id, kind), { force: true }).catch(() => {})
          }
        })
        const write = Effect.gen(function*() {
          const handle = yield* Effect.acquireRelease(
            attempt(async () => {
              await mkdir(folder, { recursive: true })
              return await open(path(id, "part"), "wx")
            }),
            (handle) => Effect.promise(() => handle.close().catch(() => {}))
          )
          const content = yield* inPieces(body, { maxBytes, pieceBytes }, (piece) =>
            attempt(() =>
              writeAll(handle, piece)
            ))
          yield* attempt(() => handle.sync())
          return content
        })
        written.add(id)
        return yield* Effect.scoped(write).pipe(
          Effect.flatMap(({ bytes, sha256 }) =>
            Effect.flatMap(Clock.currentTimeMillis, (atMillis) =>
              Effect.uninterruptible(
                finishing.withPermits(1)(attempt(() => finish({ id, name, kind, group, bytes, sha256, who, atMillis })))
              ))
          ),
          Effect.onError(() => leave),
          Effect.ensuring(Effect.sync(() => written.delete(id)))
        )
      }),

    info: (id) =>
      Effect.flatMap(
        attempt(() => infoNow(id)),
        (info) => info === undefined ? Effect.fail(new FileUnknown({ file: id })) : Effect.succeed(info)
      ),

    read: (id, offset) => {
      const unknown = new FileUnknown({ file: id })
      const opened = Effect.tryPromise({
        try: async () => (await infoNow(id)) === undefined ? undefined : await open(path(id, "data"), "r"),
        catch: (cause) => codeOf(cause) === "ENOENT" ? unknown : refail(cause)
      })
      return Stream.unwrap(Effect.map(
        Effect.acquireRelease(
          Effect.flatMap(opened, (handle) => handle === undefined ? Effect.fail(unknown) : Effect.succeed(handle)),
          (handle) => Effect.promise(() => handle.close().catch(() => {}))
        ),
        (handle) =>
          Stream.paginate(startOf(offset), (at) =>
            Effect.map(
              attempt(() => handle.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes, at)),
              ({ buffer, bytesRead }) =>
                bytesRead === 0
                  ? [[], Option.none<number>()] as const
                  : [[buffer.subarray(0, bytesRead)], Option.some(at + bytesRead)] as const
            ))
      ))
    },

    list: ({ after, group, kind, limit }) =>
      Effect.map(
        attempt(files),
        (all) =>
          all.filter((info) => info.kind === kind && (group === undefined || info.group === group))
            .filter((info) => after === undefined || byAge(info, after) > 0)
            .slice(0, clampLimit(limit))
      ),

    remove: (id) => idPattern.test(id) ? attempt(() => removeNow(id)) : Effect.void,

    prune: Effect.fnUntraced(function*(uploadsBeforeMillis) {
      const nowMillis = yield* Clock.currentTimeMillis
      return yield* attempt(async () => {
        const shown = await files()
        const gone = new Set(
          shown.flatMap(({ atMillis, id, kind }) => kind === "upload" && atMillis < uploadsBeforeMillis ? [id] : [])
        )
        // Outputs that were replaced by a process that came to no more.
        const shownIds = new Set(shown.map(({ id }) => id))
        for (const id of known.keys()) if (!shownIds.has(id)) gone.add(id)
        for (const id of gone) await removeNow(id)
        for (const name of await names()) {
          const id = name.slice(0, 36)
          if (!isPiece.test(name) || written.has(id) || (name.endsWith(".data") && known.has(id))) continue
          const facts = await stat(join(folder, name)).catch(() => undefined)
          if (facts === undefined || facts.mtimeMs > nowMillis - abandoned) continue
          await rm(join(folder, name), { force: true })
          gone.add(id)
        }
        return gone.size
      })
    })
  })
}

/** Files in `folder`, which is made with the first file. */
export const layer = (options: FolderOptions): Layer.Layer<Files> => Layer.sync(Files, () => make(options))
