// Files in PostgreSQL, in pieces of equal size: every process of a cluster reaches them. A file is there when its row is `whole`, which
// is set last, in one transaction with the going of the output that it replaces. All times are the database's.
import { Effect, Option, Stream } from "effect"
import { randomUUID } from "node:crypto"
import { StoreFailed } from "../../actors/ActorStore.ts"
import { type FileInfo, Files, FileUnknown } from "../../actors/Files.ts"
import { unescapeText } from "../../domain/StoredText.ts"
import { bytes as bytea, number, type PostgresClient, text, textOrNull } from "../postgres/PostgresClient.ts"
import { abandonedMillis, checkName, clampLimit, inPieces, startOf } from "./Pieces.ts"

const pieceBytes = 512 * 1024

const nowMillis = "floor(extract(epoch FROM clock_timestamp()) * 1000)::int8"

const beginText = `INSERT INTO polya_file
    (id, name, kind, grp, who, whole, bytes, sha256, piece_bytes, at, touched)
  VALUES ($1, $2, $3, $4, $5, false, 0, '', $6::int8, 0, ${nowMillis})`

const pieceText = `WITH alive AS (UPDATE polya_file SET touched = ${nowMillis} WHERE id = $1 AND NOT whole RETURNING id)
  INSERT INTO polya_file_piece (file, n, bytes) SELECT id, $2::int8, $3 FROM alive RETURNING 1 AS done`

const lockText = "SELECT pg_advisory_xact_lock(hashtextextended('polya output ' || $1::text, 0))"
const replaceText =
  "DELETE FROM polya_file WHERE whole AND kind = 'output' AND grp IS NOT DISTINCT FROM $1 AND name = $2"
const finishText = `UPDATE polya_file SET whole = true, bytes = $2::int8, sha256 = $3, at = ${nowMillis}
  WHERE id = $1 AND NOT whole RETURNING at::float8 AS at`

const columns = `id, name, kind, grp, who, bytes::float8 AS bytes, sha256, piece_bytes::float8 AS "pieceBytes",
  at::float8 AS at`
const infoText = `SELECT ${columns} FROM polya_file WHERE id = $1 AND whole`
const readText = "SELECT bytes FROM polya_file_piece WHERE file = $1 AND n = $2::int8"

const listText = (kind: FileInfo["kind"], group: string) =>
  `SELECT ${columns} FROM polya_file WHERE whole AND kind = '${kind}' AND (at, id) < ($1::int8, $2)${group}
    ORDER BY polya_file.at DESC, polya_file.id DESC LIMIT $3::int8`

const pruneText = `DELETE FROM polya_file WHERE id IN (SELECT id FROM polya_file
    WHERE (whole AND kind = 'upload' AND at < $1::int8) OR (NOT whole AND touched < ${nowMillis} - $2::int8) LIMIT 16)
  RETURNING 1 AS one`

interface FileRow {
  readonly id: string
  readonly name: string
  readonly kind: FileInfo["kind"]
  readonly grp: string | null
  readonly who: string
  readonly bytes: number
  readonly sha256: string
  readonly pieceBytes: number
  readonly at: number
}

const restored = ({ at, bytes, grp, id, kind, name, sha256, who }: FileRow): FileInfo => ({
  id: unescapeText(id),
  name: unescapeText(name),
  kind,
  group: grp === null ? null : unescapeText(grp),
  bytes,
  sha256,
  who: unescapeText(who),
  atMillis: at
})

/** Greater than every id. */
const lastId = "\u{10ffff}"

export const make = (
  { deadline, longDeadline, query, transaction }: PostgresClient,
  abandoned: number = abandonedMillis
) => {
  const rowOf = (id: string): Effect.Effect<FileRow, StoreFailed | FileUnknown> =>
    Effect.flatMap(
      deadline(query<FileRow>(infoText, [text(id)])),
      ([row]) => row === undefined ? Effect.fail(new FileUnknown({ file: id })) : Effect.succeed(row)
    )

  const givenUp = new StoreFailed({
    reason: "unavailable",
    detail: "the file was given up, because nothing of it came for a long time; send it again"
  })

  const finish = Effect.fnUntraced(
    function*(
      id: string,
      { group, kind, name }: Pick<FileInfo, "group" | "kind" | "name">,
      bytes: number,
      sha: string
    ) {
      if (kind === "output") {
        yield* query(lockText, [text(JSON.stringify([group, name]))])
        yield* query(replaceText, [textOrNull(group), text(name)])
      }
      const [row] = yield* query<{ at: number }>(finishText, [text(id), number(bytes), text(sha)])
      return row?.at ?? (yield* givenUp)
    },
    transaction
  )

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
        const write = Effect.gen(function*() {
          yield* deadline(
            query(beginText, [text(id), text(name), text(kind), textOrNull(group), text(who), number(pieceBytes)])
          )
          const { bytes, sha256 } = yield* inPieces(body, { maxBytes, pieceBytes }, (piece, n) =>
            Effect.flatMap(
              deadline(query(pieceText, [text(id), number(n), bytea(piece)])),
              ({ length }) => length === 1 ? Effect.void : Effect.fail(givenUp)
            ))
          const atMillis = yield* longDeadline(finish(id, file, bytes, sha256))
          return { id, name, kind, group, bytes, sha256, who, atMillis }
        })
        // What cannot be taken back now goes with a pruning.
        const leave = longDeadline(query("DELETE FROM polya_file WHERE id = $1 AND NOT whole", [text(id)]))
        return yield* Effect.onError(write, () => Effect.ignore(leave))
      }),

    info: (id) => Effect.map(rowOf(id), restored),

    read: (id, offset) =>
      Stream.unwrap(Effect.map(rowOf(id), ({ bytes, pieceBytes }) =>
        Stream.paginate(startOf(offset), (at) => {
          if (at >= bytes) return Effect.succeed([[], Option.none<number>()] as const)
          const n = Math.floor(at / pieceBytes)
          return Effect.flatMap(
            deadline(query<{ bytes: Uint8Array }>(readText, [text(id), number(n)])),
            ([row]) =>
              row === undefined
                ? Effect.fail(new FileUnknown({ file: id }))
                : Effect.succeed(
                  [[row.bytes.subarray(at - n * pieceBytes)], Option.some((n + 1) * pieceBytes)] as const
                )
          )
        }))),

    list: ({ after, group, kind, limit }) => {
      const params = [
        number(after?.atMillis ?? Number.MAX_SAFE_INTEGER),
        text(after?.id ?? lastId),
        number(clampLimit(limit))
      ]
      const asked = group === undefined
        ? query<FileRow>(listText(kind, ""), params)
        : query<FileRow>(listText(kind, " AND grp = $4"), [...params, text(group)])
      return deadline(Effect.map(asked, (rows) => rows.map(restored)))
    },

    remove: (id) => Effect.asVoid(longDeadline(query("DELETE FROM polya_file WHERE id = $1 AND whole", [text(id)]))),

    prune: Effect.fnUntraced(function*(uploadsBeforeMillis) {
      let gone = 0
      while (true) {
        const { length } = yield* longDeadline(query(pruneText, [number(uploadsBeforeMillis), number(abandoned)]))
        gone += length
        if (length < 16) return gone
        yield* Effect.yieldNow
      }
    })
  })
}
