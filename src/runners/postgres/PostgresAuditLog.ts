// The audit log on PostgreSQL: appended to with the commits' connections, read with the lists'. The contract is AuditLog's.
import { Effect } from "effect"
import { readyAuditLimit } from "../../actors/ActorIndex/Filter.ts"
import { type AuditEntry, AuditLog } from "../../actors/AuditLog.ts"
import { unescapeText as unesc } from "../../domain/StoredText.ts"
import { number, numbers, plainTexts, type PostgresClient, text, texts } from "./PostgresClient.ts"

const appendText = `INSERT INTO polya_audit (at, who, why, command, type, id, command_id, version, outcome, detail)
  SELECT at::int8, who, why, command, type, id, command_id, version::int8, outcome, detail
  FROM unnest($1::float8[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::float8[],
    $9::text[], $10::text[]) WITH ORDINALITY
    AS t(at, who, why, command, type, id, command_id, version, outcome, detail, place) ORDER BY place`

const pruneText = `WITH gone AS (DELETE FROM polya_audit WHERE seq = ANY(ARRAY(SELECT seq FROM polya_audit
    WHERE at < $1::int8 ORDER BY at LIMIT $2::int8)) RETURNING 1)
  SELECT count(*)::float8 AS count FROM gone`

/** Parameters in this order; only those that are given are in the statement. */
const listText = (given: ReadonlyArray<string>) =>
  `SELECT seq::float8 AS seq, at::float8 AS at, who, why, command, type, id, command_id, version::float8 AS version,
    outcome, detail
  FROM polya_audit WHERE seq < $1::int8 ${given.map((column, i) => `AND ${column} = $${i + 3}`).join(" ")}
  ORDER BY polya_audit.seq DESC LIMIT $2::int8`

interface Row {
  readonly seq: number
  readonly at: number
  readonly who: string
  readonly why: string
  readonly command: string
  readonly type: string | null
  readonly id: string | null
  readonly command_id: string | null
  readonly version: number | null
  readonly outcome: AuditEntry["outcome"]
  readonly detail: string | null
}

const unescNull = (value: string | null) => value === null ? null : unesc(value)

export const make = ({ deadline, query }: PostgresClient, lists: PostgresClient) =>
  AuditLog.of({
    append: (entries) =>
      Effect.suspend(() =>
        entries.length === 0 ? Effect.void : Effect.asVoid(deadline(query(appendText, [
          numbers(entries.map((entry) => entry.atMillis)),
          texts(entries.map((entry) => entry.who)),
          texts(entries.map((entry) => entry.why)),
          texts(entries.map((entry) => entry.command)),
          texts(entries.map((entry) => entry.type)),
          texts(entries.map((entry) => entry.id)),
          texts(entries.map((entry) => entry.commandId)),
          numbers(entries.map((entry) => entry.version)),
          plainTexts(entries.map((entry) => entry.outcome)),
          texts(entries.map((entry) => entry.detail))
        ])))
      ),
    list: ({ before = Number.MAX_SAFE_INTEGER, command, id, limit, type, who }) => {
      const given = Object.entries({ who, type, id, command }).flatMap(([column, value]) =>
        value === undefined ? [] : [[column, text(value)] as const]
      )
      return lists.query<Row>(listText(given.map(([column]) => column)), [
        number(before),
        number(readyAuditLimit(limit)),
        ...given.map(([, value]) => value)
      ]).pipe(
        Effect.map((rows) =>
          rows.map((row) => ({
            seq: row.seq,
            atMillis: row.at,
            who: unesc(row.who),
            why: unesc(row.why),
            command: unesc(row.command),
            type: unescNull(row.type),
            id: unescNull(row.id),
            commandId: unescNull(row.command_id),
            version: row.version,
            outcome: row.outcome,
            detail: unescNull(row.detail)
          }))
        ),
        deadline
      )
    },
    prune: (beforeMillis, maxRows) =>
      query<{ count: number }>(pruneText, [number(beforeMillis), number(Math.max(0, maxRows))]).pipe(
        Effect.map((rows) => rows[0]?.count ?? 0),
        deadline
      )
  })
