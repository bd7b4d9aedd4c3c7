// The audit log on SQLite. Synchronous, for the worker thread. The contract is AuditLog's.
import type { AuditEntry, NumberedAuditEntry } from "../../actors/AuditLog.ts"
import { escapeText as esc, unescapeText as unesc } from "../../domain/StoredText.ts"
import { all, type SqliteDatabase } from "./SqliteDatabase.ts"

const escNull = (text: string | null) => text === null ? null : esc(text)
const unescNull = (text: string | null) => text === null ? null : unesc(text)

export interface AuditFilter {
  readonly limit: number
  readonly before: number | undefined
  readonly who: string | undefined
  readonly type: string | undefined
  readonly id: string | undefined
  readonly command: string | undefined
}

interface Row {
  readonly seq: number
  readonly at: number
  readonly who: string
  readonly why: string
  readonly command: string
  readonly type: string | null
  readonly id: string | null
  readonly commandId: string | null
  readonly version: number | null
  readonly outcome: AuditEntry["outcome"]
  readonly detail: string | null
}

export const make = ({ db, transaction }: SqliteDatabase) => {
  const insert = db.prepare(
    `INSERT INTO polya_audit (at, who, why, command, type, id, command_id, version, outcome, detail)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  const prune = db.prepare(
    "DELETE FROM polya_audit WHERE seq IN (SELECT seq FROM polya_audit WHERE at < ? ORDER BY at LIMIT ?)"
  )
  /** Inside of the caller's transaction. */
  const put = (entry: AuditEntry): void => {
    insert.run(
      entry.atMillis,
      esc(entry.who),
      esc(entry.why),
      esc(entry.command),
      escNull(entry.type),
      escNull(entry.id),
      escNull(entry.commandId),
      entry.version,
      entry.outcome,
      escNull(entry.detail)
    )
  }
  return {
    put,
    append: (entries: ReadonlyArray<AuditEntry>): void => transaction(() => entries.forEach(put)),
    list: ({ before, command, id, limit, type, who }: AuditFilter): ReadonlyArray<NumberedAuditEntry> => {
      const given = Object.entries({ who, type, id, command }).flatMap(([column, value]) =>
        value === undefined ? [] : [[column, esc(value)] as const]
      )
      const where = given.map(([column]) => `AND ${column} = ?`).join(" ")
      const statement = db.prepare(
        `SELECT seq, at, who, why, command, type, id, command_id AS commandId, version, outcome, detail
          FROM polya_audit WHERE seq < ? ${where} ORDER BY seq DESC LIMIT ?`
      )
      const values = given.map(([, value]) => value)
      return all<Row>(statement, before ?? Number.MAX_SAFE_INTEGER, ...values, limit).map(({ at, seq, ...row }) => ({
        ...row,
        seq,
        atMillis: at,
        who: unesc(row.who),
        why: unesc(row.why),
        command: unesc(row.command),
        type: unescNull(row.type),
        id: unescNull(row.id),
        commandId: unescNull(row.commandId),
        detail: unescNull(row.detail)
      }))
    },
    prune: (beforeMillis: number, maxRows: number): number => Number(prune.run(beforeMillis, maxRows).changes)
  }
}
