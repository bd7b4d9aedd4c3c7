// The record of calls on SQLite. Synchronous, for the worker thread. CallLogWriter.ts makes the port of it.
import type { CallEntry, NumberedCallEntry } from "../../actors/CallLog.ts"
import { escapeText as esc, unescapeText as unesc } from "../../domain/StoredText.ts"
import type { CallListing } from "../CallLogWriter.ts"
import { all, type SqliteDatabase } from "./SqliteDatabase.ts"

const escNull = (text: string | null) => text === null ? null : esc(text)
const unescNull = (text: string | null) => text === null ? null : unesc(text)

type Row = Omit<NumberedCallEntry, "hedged"> & { readonly hedged: number }

export const make = ({ db, transaction }: SqliteDatabase) => {
  const insert = db.prepare(
    `INSERT INTO polya_call (at, model, endpoint, owner, prompt_hash, parameters, prompt_tokens, completion_tokens,
      micro_dollars, queue_millis, first_token_millis, millis, attempt, hedged, outcome, status, detail)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  const prune = db.prepare(
    "DELETE FROM polya_call WHERE seq IN (SELECT seq FROM polya_call WHERE at < ? ORDER BY at LIMIT ?)"
  )
  const put = (entry: CallEntry): void => {
    insert.run(
      entry.atMillis,
      esc(entry.model),
      esc(entry.endpoint),
      esc(entry.owner),
      esc(entry.promptHash),
      esc(entry.parameters),
      entry.promptTokens,
      entry.completionTokens,
      entry.microDollars,
      entry.queueMillis,
      entry.firstTokenMillis,
      entry.millis,
      entry.attempt,
      entry.hedged ? 1 : 0,
      esc(entry.outcome),
      entry.status,
      escNull(entry.detail)
    )
  }
  return {
    append: (entries: ReadonlyArray<CallEntry>): void => transaction(() => entries.forEach(put)),
    list: ({ before, limit, model, outcome, owner }: CallListing): ReadonlyArray<NumberedCallEntry> => {
      const given = Object.entries({ model, owner, outcome }).flatMap(([column, value]) =>
        value === undefined ? [] : [[column, esc(value)] as const]
      )
      const where = given.map(([column]) => `AND ${column} = ?`).join(" ")
      const statement = db.prepare(
        `SELECT seq, at AS atMillis, model, endpoint, owner, prompt_hash AS promptHash, parameters,
            prompt_tokens AS promptTokens, completion_tokens AS completionTokens, micro_dollars AS microDollars,
            queue_millis AS queueMillis, first_token_millis AS firstTokenMillis, millis, attempt, hedged, outcome,
            status, detail
          FROM polya_call WHERE seq < ? ${where} ORDER BY seq DESC LIMIT ?`
      )
      return all<Row>(statement, before, ...given.map(([, value]) => value), limit).map((row) => ({
        ...row,
        model: unesc(row.model),
        endpoint: unesc(row.endpoint),
        owner: unesc(row.owner),
        promptHash: unesc(row.promptHash),
        parameters: unesc(row.parameters),
        hedged: row.hedged === 1,
        outcome: unesc(row.outcome),
        detail: unescNull(row.detail)
      }))
    },
    prune: (beforeMillis: number, maxRows: number): number => Number(prune.run(beforeMillis, maxRows).changes)
  }
}
