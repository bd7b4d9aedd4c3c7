// What processes say of themselves, on SQLite. Synchronous, for the worker thread. The contract is Processes'.
import type { ProcessRow } from "../../actors/Processes.ts"
import { escapeText as esc, unescapeText as unesc } from "../../domain/StoredText.ts"
import { all, type SqliteDatabase } from "./SqliteDatabase.ts"

interface StoredProcess {
  readonly id: string
  readonly kind: string
  readonly address: string | null
  readonly groups: string
  readonly started: number
  readonly seen: number
  readonly state: ProcessRow["state"]
  readonly vitals: string
}

export const make = ({ db }: SqliteDatabase) => {
  const say = db.prepare(`INSERT INTO polya_process (id, kind, address, groups, started, seen, state, vitals)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET kind = excluded.kind, address = excluded.address, groups = excluded.groups,
      started = excluded.started, seen = excluded.seen, state = excluded.state, vitals = excluded.vitals`)
  const list = db.prepare(`SELECT id, kind, address, groups, started, seen, state, vitals FROM polya_process
    WHERE seen >= ? ORDER BY started, id LIMIT 1000`)
  const prune = db.prepare("DELETE FROM polya_process WHERE seen < ?")
  return {
    say: (row: Omit<ProcessRow, "seenMillis">, now: number): void => {
      const address = row.address === null ? null : esc(row.address)
      const groups = JSON.stringify(row.groups)
      const vitals = JSON.stringify(row.vitals)
      say.run(esc(row.id), esc(row.kind), address, groups, row.startedMillis, now, row.state, vitals)
    },
    list: (since: number): ReadonlyArray<ProcessRow> =>
      all<StoredProcess>(list, since).map((row) => ({
        id: unesc(row.id),
        kind: unesc(row.kind),
        address: row.address === null ? null : unesc(row.address),
        groups: JSON.parse(row.groups),
        startedMillis: row.started,
        seenMillis: row.seen,
        state: row.state,
        vitals: JSON.parse(row.vitals)
      })),
    prune: (before: number): void => void prune.run(before)
  }
}
