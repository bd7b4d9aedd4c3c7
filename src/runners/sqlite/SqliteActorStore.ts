// The durable actor's storage on SQLite: one transaction per flush, a few prepared statements per actor. Synchronous,
// for the worker thread. The contract is ActorStore's.
import type { HistoryEntry, RetentionCut } from "../../actors/ActorStore.ts"
import { doneEntry } from "../../actors/AuditLog/DoneEntry.ts"
import type { ActorCommit, ActorKey, ActorRow, CommitOutcome } from "../../domain/Commit.ts"
import { escapeText as esc, unescapeText as unesc } from "../../domain/StoredText.ts"
import * as SqliteAuditLog from "./SqliteAuditLog.ts"
import { all, first, type SqliteDatabase } from "./SqliteDatabase.ts"
import * as SqliteFacets from "./SqliteFacets.ts"

const committed: CommitOutcome = { _tag: "Committed" }
const fenced: CommitOutcome = { _tag: "Fenced" }

const restored = (row: ActorRow | undefined): ActorRow | undefined =>
  row && { version: row.version, state: unesc(row.state) }

export const make = (database: SqliteDatabase) => {
  const { db, transaction } = database
  const putFacets = SqliteFacets.make(database)
  const audits = SqliteAuditLog.make(database)
  const current = db.prepare("SELECT version, state FROM polya_actor_state WHERE type = ? AND id = ?")
  const past = db.prepare("SELECT version, state FROM polya_actor_version WHERE type = ? AND id = ? AND version = ?")
  const stored = db.prepare("SELECT reply FROM polya_actor_reply WHERE type = ? AND id = ? AND command_id = ?")
  const keepPast = db.prepare(`INSERT INTO polya_actor_version (type, id, version, state, at, replaced_at)
    SELECT type, id, version, state, at, ? FROM polya_actor_state
      WHERE type = ? AND id = ? AND version = ? ON CONFLICT DO NOTHING`)
  const update = db.prepare(
    "UPDATE polya_actor_state SET version = version + 1, state = ?, at = ? WHERE type = ? AND id = ? AND version = ?"
  )
  const insert = db.prepare(
    "INSERT INTO polya_actor_state (type, id, version, state, at) VALUES (?, ?, 1, ?, ?) ON CONFLICT DO NOTHING"
  )
  const reply = db.prepare(
    "INSERT INTO polya_actor_reply (type, id, command_id, version, reply, at) VALUES (?, ?, ?, ?, ?, ?)"
  )
  const events = db.prepare("INSERT INTO polya_actor_events (type, id, version, events, at) VALUES (?, ?, ?, ?, ?)")
  const page = db.prepare(
    "SELECT id, version, state FROM polya_actor_state WHERE type = ? AND id > ? ORDER BY id LIMIT min(max(?, 1), 1000)"
  )
  const firstPage = db.prepare(
    "SELECT id, version, state FROM polya_actor_state WHERE type = ? ORDER BY id LIMIT min(max(?, 1), 1000)"
  )
  // A commit is there as long as its state or its events are; both carry its time.
  const log = db.prepare(`SELECT version, max(at) AS at, max(events) AS events FROM (
    SELECT version, at, NULL AS events FROM polya_actor_state WHERE type = ?1 AND id = ?2 AND version < ?3
    UNION ALL SELECT * FROM (SELECT version, at, NULL FROM polya_actor_version
      WHERE type = ?1 AND id = ?2 AND version < ?3 ORDER BY version DESC LIMIT max(?4, 1))
    UNION ALL SELECT * FROM (SELECT version, at, events FROM polya_actor_events
      WHERE type = ?1 AND id = ?2 AND version < ?3 ORDER BY version DESC LIMIT max(?4, 1))
    ) GROUP BY version ORDER BY version DESC LIMIT min(max(?4, 1), 1000)`)
  const prune = (table: string, age: string) =>
    db.prepare(
      `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE ${age} < ? ORDER BY ${age} LIMIT ?)`
    )
  const pruneReplies = prune("polya_actor_reply", "at")
  const pruneEvents = prune("polya_actor_events", "at")
  const pruneVersions = prune("polya_actor_version", "replaced_at")

  const commitOne = (commit: ActorCommit, now: number): CommitOutcome => {
    const type = esc(commit.type)
    const id = esc(commit.id)
    let known: Map<string, string> | undefined
    for (const { commandId } of commit.replies) {
      const row = first<{ reply: string }>(stored, type, id, esc(commandId))
      if (row !== undefined) (known ??= new Map()).set(commandId, unesc(row.reply))
    }
    if (known !== undefined) return { _tag: "Duplicate", stored: known }
    if (commit.expected > 0) keepPast.run(now, type, id, commit.expected)
    const written = commit.expected === 0
      ? insert.run(type, id, esc(commit.state), now)
      : update.run(esc(commit.state), now, type, id, commit.expected)
    if (Number(written.changes) === 0) return fenced
    const version = commit.expected + 1
    for (const { commandId, reply: text } of commit.replies) {
      reply.run(type, id, esc(commandId), version, esc(text), now)
    }
    if (commit.events.length > 0) events.run(type, id, version, JSON.stringify(commit.events), now)
    putFacets(type, id, commit, now)
    for (const note of commit.audits ?? []) audits.put(doneEntry(commit, note, now))
    return committed
  }

  return {
    load: (keys: ReadonlyArray<ActorKey>): ReadonlyArray<ActorRow | undefined> =>
      keys.map(({ id, type }) => restored(first<ActorRow>(current, esc(type), esc(id)))),

    commit: (batch: ReadonlyArray<ActorCommit>, now: number): ReadonlyArray<CommitOutcome> =>
      transaction(() => batch.map((one) => commitOne(one, now))),

    asOf: ({ id, type }: ActorKey, version: number): ActorRow | undefined => {
      const now = first<ActorRow>(current, esc(type), esc(id))
      return restored(now?.version === version ? now : first<ActorRow>(past, esc(type), esc(id), version))
    },

    history: ({ id, type }: ActorKey, limit: number, before: number | undefined): ReadonlyArray<HistoryEntry> =>
      all<{ version: number; at: number; events: string | null }>(
        log,
        esc(type),
        esc(id),
        before ?? Number.MAX_SAFE_INTEGER,
        limit
      )
        .map(({ at, events, version }) => ({
          version,
          events: events === null ? [] : JSON.parse(events) as Array<string>,
          atMillis: at
        })),

    list: (type: string, limit: number, after: string | undefined): ReadonlyArray<{ readonly id: string } & ActorRow> =>
      (after === undefined
        ? all<{ id: string } & ActorRow>(firstPage, esc(type), limit)
        : all<{ id: string } & ActorRow>(page, esc(type), esc(after), limit))
        .map(({ id, state, version }) => ({ id: unesc(id), version, state: unesc(state) })),

    prune: (cut: RetentionCut) =>
      transaction(() => ({
        replies: Number(pruneReplies.run(cut.nowMillis - cut.repliesMillis, cut.maxRows).changes),
        events: Number(pruneEvents.run(cut.nowMillis - cut.eventsMillis, cut.maxRows).changes),
        versions: Number(pruneVersions.run(cut.nowMillis - cut.versionsMillis, cut.maxRows).changes)
      }))
  }
}
