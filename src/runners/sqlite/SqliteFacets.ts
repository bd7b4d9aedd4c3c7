// Facets on SQLite, written by the transaction of a commit: the row of the lists, the tallies, and the words where the
// text changed. Synchronous, for the worker thread.
import type { ActorCommit } from "../../domain/Commit.ts"
import { facetsMoved, type StoredFacets, storedWords, storeFacets } from "../../domain/StoredFacets.ts"
import { escapeText as esc } from "../../domain/StoredText.ts"
import { first, type SqliteDatabase } from "./SqliteDatabase.ts"

type Row = Omit<StoredFacets, "group"> & { readonly facet: number; readonly grp: string; readonly since: number }

const escNull = (text: string | null) => text === null ? null : esc(text)

/** As they lie in the table, so that they can be compared with it. */
const escaped = (facets: StoredFacets): StoredFacets => ({
  status: esc(facets.status),
  stage: esc(facets.stage),
  group: esc(facets.group),
  attempts: facets.attempts,
  error: escNull(facets.error),
  waiting: escNull(facets.waiting),
  excerpt: escNull(facets.excerpt),
  digest: facets.digest
})

export const make = ({ db }: SqliteDatabase) => {
  const current = db.prepare(
    `SELECT facet, since, status, stage, grp, attempts, error, waiting, excerpt, digest
      FROM polya_actor_facet WHERE type = ? AND id = ?`
  )
  const insert = db.prepare(
    `INSERT INTO polya_actor_facet
      (type, id, version, since, status, stage, grp, attempts, error, waiting, excerpt, digest)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  const update = db.prepare(
    `UPDATE polya_actor_facet SET version = ?, since = ?, status = ?, stage = ?, grp = ?, attempts = ?, error = ?,
      waiting = ?, excerpt = ?, digest = ? WHERE facet = ?`
  )
  const renumber = db.prepare("UPDATE polya_actor_facet SET version = ? WHERE facet = ?")
  const count = db.prepare(
    `INSERT INTO polya_actor_tally (type, grp, status, stage, count) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET count = count + excluded.count`
  )
  const putText = db.prepare("INSERT INTO polya_actor_text (facet, words) VALUES (?, ?)")
  const dropText = db.prepare("DELETE FROM polya_actor_text WHERE facet = ?")
  const putWords = db.prepare("INSERT INTO polya_actor_word (rowid, words) VALUES (?, ?)")
  const dropWords = db.prepare("DELETE FROM polya_actor_word WHERE rowid = ?")

  /** `type` and `id` are escaped. */
  return (type: string, id: string, { expected, facets }: ActorCommit, now: number): void => {
    if (facets === undefined) return
    const next = escaped(storeFacets(facets))
    const old = first<Row>(current, type, id)
    const version = expected + 1
    const moved = old === undefined || facetsMoved({ ...old, group: old.grp }, next)
    const values = [
      next.status,
      next.stage,
      next.group,
      next.attempts,
      next.error,
      next.waiting,
      next.excerpt,
      next.digest
    ]
    let facet: number
    if (old === undefined) facet = Number(insert.run(type, id, version, now, ...values).lastInsertRowid)
    else {
      facet = old.facet
      if (moved || next.digest !== old.digest) update.run(version, moved ? now : old.since, ...values, facet)
      else renumber.run(version, facet)
    }
    if (old === undefined || old.status !== next.status || old.stage !== next.stage || old.grp !== next.group) {
      count.run(type, next.group, next.status, next.stage, 1)
      if (old !== undefined) count.run(type, old.grp, old.status, old.stage, -1)
    }
    if (next.digest === (old?.digest ?? 0)) return
    if (old !== undefined && old.digest !== 0) {
      dropText.run(facet)
      dropWords.run(facet)
    }
    const words = storedWords(facets.text)
    if (words !== null) {
      putText.run(facet, words)
      putWords.run(facet, words)
    }
  }
}
