// Routes of files made real: uploads and downloads stream, so their memory does not grow with the file.
import { Clock, Effect, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { AuditLog } from "../../actors/AuditLog.ts"
import { type FileInfo, Files, FileTooLarge } from "../../actors/Files.ts"
import { Api } from "../Api.ts"
import { HttpLimits } from "../Limits.ts"
import { RangeUnfit, RequestUnfit } from "../Refusals.ts"
import { CurrentCaller } from "../Security.ts"
import { byOf, type CommandHeaders, told } from "./Commands.ts"
import { cursorOf, pageOf, showCursor } from "./Lists.ts"

/** Bytes from `start` to before `end`; none: the whole file; "unfit": outside of it. */
export const rangeOf = (
  header: string | undefined,
  bytes: number
): { readonly start: number; readonly end: number } | "unfit" | undefined => {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? []
  if (from === undefined || to === undefined || (from === "" && to === "")) return undefined
  if (from === "") {
    const last = Number(to)
    return last === 0 || bytes === 0 ? "unfit" : { start: Math.max(0, bytes - last), end: bytes }
  }
  const start = Number(from)
  const end = to === "" ? bytes : Math.min(bytes, Number(to) + 1)
  // A range whose end lies before its start is none, says RFC 9110.
  if (to !== "" && Number(to) < start) return undefined
  return start >= bytes ? "unfit" : { start, end }
}

/** At most that many bytes of a stream. */
const first = <E, R>(stream: Stream.Stream<Uint8Array, E, R>, bytes: number): Stream.Stream<Uint8Array, E, R> =>
  Stream.suspend(() => {
    let left = bytes
    return stream.pipe(
      Stream.takeWhile(() => left > 0),
      Stream.map((piece) => {
        const taken = piece.length <= left ? piece : piece.subarray(0, left)
        left -= taken.length
        return taken
      })
    )
  })

/** A file as an answer: never as something that a browser would show or run. */
export const download = Effect.fnUntraced(function*(file: FileInfo, header: string | undefined) {
  const files = yield* Files
  const range = rangeOf(header, file.bytes)
  const headers: { [name: string]: string } = {
    "accept-ranges": "bytes",
    "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`,
    etag: `"${file.sha256}"`
  }
  if (range === "unfit") return yield* new RangeUnfit({ bytes: file.bytes })
  const { end, start } = range ?? { start: 0, end: file.bytes }
  if (range !== undefined) headers["content-range"] = `bytes ${start}-${end - 1}/${file.bytes}`
  return HttpServerResponse.stream(first(files.read(file.id, start), end - start), {
    status: range === undefined ? 200 : 206,
    headers,
    contentType: "application/octet-stream",
    contentLength: end - start
  })
})

export const layer = HttpApiBuilder.group(Api, "files", (handlers) =>
  Effect.gen(function*() {
    const files = yield* Files
    const limits = yield* HttpLimits
    const audit = yield* AuditLog
    /** Files are no actors: who puts or removes one is noted here. */
    const noted = Effect.fnUntraced(function*(command: string, id: string, headers: CommandHeaders, detail: string) {
      const by = yield* byOf(headers, undefined)
      const atMillis = yield* Clock.currentTimeMillis
      yield* audit.append([
        { ...by, atMillis, command, type: "File", id, commandId: null, version: null, outcome: "done", detail }
      ])
    })
    return handlers
      .handleRaw("upload", ({ headers, query, request }) =>
        told(Effect.gen(function*() {
          const { name: who } = yield* CurrentCaller
          const maxBytes = limits.maxUploadBytes
          if (Number(headers["content-length"] ?? 0) > maxBytes) return yield* new FileTooLarge({ maxBytes })
          const body = Stream.mapError(
            request.stream,
            () => new RequestUnfit({ findings: [{ path: "payload", message: "The body ended before its last byte" }] })
          )
          const file = yield* files.put({ name: query.name, kind: "upload", group: null, who }, body, maxBytes)
          yield* noted("Upload", file.id, headers, `${file.name}, ${file.bytes} bytes`)
          return file
        })))
      .handleAll({
        list: ({ query: { after, limit } }) =>
          told(Effect.gen(function*() {
            const cursor = cursorOf(after)
            const read = yield* files.list({
              kind: "upload",
              limit: Math.min(limit + 1, 500),
              ...(cursor === null ? {} : { after: { atMillis: cursor.sinceMillis, id: cursor.id } })
            })
            return pageOf(
              read,
              Math.min(limit, 499),
              ({ atMillis, id }) => showCursor({ sinceMillis: atMillis, id }),
              (file) => file
            )
          })),
        get: ({ params }) => told(files.info(params.id)),
        content: ({ headers, params }) =>
          told(Effect.flatMap(files.info(params.id), (file) => download(file, headers.range))),
        remove: ({ headers, params: { id } }) =>
          told(Effect.gen(function*() {
            const { name } = yield* files.info(id)
            yield* files.remove(id)
            yield* noted("Remove", id, headers, name)
          }))
      })
  }))
