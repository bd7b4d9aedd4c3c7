// Facets and audits in a flush on PostgreSQL: further parts of the commit's one statement, and the upkeep of what they write. Plan
// rules as in PostgresActorStore: parts are read one after the other by index, never joined freely.
import { Effect, Queue } from "effect"
import type { ActorCommit, CommitOutcome } from "../../domain/Commit.ts"
import { storedWords, storeFacets } from "../../domain/StoredFacets.ts"
import { numbers, plainTexts, type PostgresClient, texts } from "./PostgresClient.ts"

// `facet` holds the facets of the actors that this flush commits, with what the lists knew of them before. A row that
// `done` names is locked by its fence, so what was there before is what the snapshot shows. A text that stays as it was
// keeps its words: then no column that an index has changes, and the row moves within its page.
export const listedParts = `facet AS MATERIALIZED (SELECT t.*, f.id IS NOT NULL AS known, f.since AS old_since,
    f.status AS old_status, f.stage AS old_stage, f.grp AS old_grp, coalesce(f.digest, 0) AS old_digest,
    (t.status, t.stage, t.grp) IS DISTINCT FROM (f.status, f.stage, f.grp) AS went,
    CASE WHEN (t.status, t.stage, t.grp, t.attempts, t.error, t.waiting)
      IS DISTINCT FROM (f.status, f.stage, f.grp, f.attempts, f.error, f.waiting) THEN $14::int8 ELSE f.since END AS since
  FROM (SELECT type, id, version::int8 AS version, status, stage, grp, attempts::int8 AS attempts, error, waiting,
      excerpt, digest::int8 AS digest, words
    FROM unnest($15::text[], $16::text[], $17::float8[], $18::text[], $19::text[], $20::text[], $21::float8[],
      $22::text[], $23::text[], $24::text[], $25::float8[], $26::text[])
      AS u(type, id, version, status, stage, grp, attempts, error, waiting, excerpt, digest, words)
    WHERE ((type, id) IN (SELECT type, id FROM done)) IS TRUE) AS t
  LEFT JOIN polya_actor_facet f ON f.type = t.type AND f.id = t.id),
relisted AS (UPDATE polya_actor_facet f SET version = n.version, since = n.since, status = n.status, stage = n.stage,
    grp = n.grp, attempts = n.attempts, error = n.error, waiting = n.waiting, excerpt = n.excerpt, digest = n.digest
  FROM facet n WHERE n.known AND f.type = n.type AND f.id = n.id),
listed AS (INSERT INTO polya_actor_facet
    (type, id, version, since, status, stage, grp, attempts, error, waiting, excerpt, digest)
  SELECT type, id, version, since, status, stage, grp, attempts, error, waiting, excerpt, digest
  FROM facet WHERE NOT known),
reworded AS (UPDATE polya_actor_text t SET status = n.status, stage = n.stage, grp = n.grp, since = n.since,
    words = CASE WHEN n.digest = n.old_digest THEN t.words ELSE n.words::tsvector END
  FROM facet n WHERE n.old_digest <> 0 AND n.digest <> 0 AND (n.digest <> n.old_digest OR n.went OR n.since <> n.old_since)
    AND t.type = n.type AND t.id = n.id),
unworded AS (DELETE FROM polya_actor_text t USING facet n
  WHERE n.old_digest <> 0 AND n.digest = 0 AND t.type = n.type AND t.id = n.id),
worded AS (INSERT INTO polya_actor_text (type, id, words, status, stage, grp, since)
  SELECT type, id, words::tsvector, status, stage, grp, since FROM facet WHERE old_digest = 0 AND digest <> 0),
tallied AS (INSERT INTO polya_actor_tally_change (type, grp, status, stage, count)
  SELECT type, grp, status, stage, sum(n) FROM (
    SELECT type, grp, status, stage, 1 AS n FROM facet WHERE went
    UNION ALL SELECT type, old_grp, old_status, old_stage, -1 FROM facet WHERE went AND known) AS change
  GROUP BY type, grp, status, stage HAVING sum(n) <> 0),
audited AS (INSERT INTO polya_audit (at, who, why, command, type, id, command_id, version, outcome)
  SELECT $14::int8, who, why, command, type, id, command_id, version::int8, 'done'
  FROM unnest($27::text[], $28::text[], $29::float8[], $30::text[], $31::text[], $32::text[], $33::text[])
    AS t(type, id, version, who, why, command, command_id)
  WHERE ((type, id) IN (SELECT type, id FROM done)) IS TRUE)`

// One at a time: who finds the lock taken leaves it to its holder.
const foldText = `
WITH turn AS MATERIALIZED (
  SELECT pg_try_advisory_xact_lock(hashtextextended('polya tallies ' || current_setting('search_path'), 0)) AS mine),
gone AS (DELETE FROM polya_actor_tally_change WHERE (SELECT mine FROM turn) RETURNING type, grp, status, stage, count)
INSERT INTO polya_actor_tally AS t (type, grp, status, stage, count)
SELECT type, grp, status, stage, sum(count) FROM gone GROUP BY type, grp, status, stage HAVING sum(count) <> 0
ON CONFLICT (type, grp, status, stage) DO UPDATE SET count = t.count + excluded.count`

const indexText = "SELECT gin_clean_pending_list('polya_actor_text_words')"

/** Upkeep follows so many flushes with facets, or so many written texts. */
const flushesBetween = 200
const textsBetween = 500
/** Actors whose last text is remembered, so that it is not sent again. */
const maxKnown = 20_000

export const isListed = ({ audits, facets }: ActorCommit): boolean =>
  facets !== undefined || (audits !== undefined && audits.length > 0)

const nameOf = ({ id, type }: ActorCommit): string => JSON.stringify([type, id])

export interface Facets {
  /** Parameters 15 to 33 of the statement. */
  readonly params: (sorted: ReadonlyArray<ActorCommit>) => ReadonlyArray<unknown>
  /** Called with what came of each flush. */
  readonly written: (batch: ReadonlyArray<ActorCommit>, outcomes: ReadonlyArray<CommitOutcome>) => void
  /** Called when it is not known what came of one. */
  readonly unsure: () => void
}

export const make = Effect.fnUntraced(function*({ query }: PostgresClient) {
  /** The version that an actor was left at here, and the digest of its text there. Whoever commits on that version knows the text. */
  const known = new Map<string, { readonly version: number; readonly digest: number }>()
  const due = yield* Queue.sliding<void>(1)
  let flushes = 0
  let changed = 0

  const upkeep = Effect.gen(function*() {
    yield* Queue.take(due)
    yield* query(foldText)
    yield* query(indexText)
  }).pipe(
    // What is left undone is done the next time; lists are right without it, and slower.
    Effect.catchTag("StoreFailed", (error) => Effect.logDebug("The upkeep of actor lists has to wait", error.detail)),
    Effect.forever
  )
  yield* Effect.forkScoped(upkeep)

  const facets: Facets = {
    params: (sorted) => {
      const rows = sorted.flatMap((commit) => {
        if (commit.facets === undefined) return []
        const { expected, id, type } = commit
        const facets = storeFacets(commit.facets)
        const before = known.get(nameOf(commit))
        const same = before !== undefined && before.version === expected && before.digest === facets.digest
        if (!same && facets.digest !== 0) changed++
        return [{ ...facets, type, id, version: expected + 1, words: same ? null : storedWords(commit.facets.text) }]
      })
      const notes = sorted.flatMap(({ audits = [], expected, id, type }) =>
        audits.map((note) => ({ ...note, type, id, version: expected + 1 }))
      )
      return [
        texts(rows.map((row) => row.type)),
        texts(rows.map((row) => row.id)),
        numbers(rows.map((row) => row.version)),
        texts(rows.map((row) => row.status)),
        texts(rows.map((row) => row.stage)),
        texts(rows.map((row) => row.group)),
        numbers(rows.map((row) => row.attempts)),
        texts(rows.map((row) => row.error)),
        texts(rows.map((row) => row.waiting)),
        texts(rows.map((row) => row.excerpt)),
        numbers(rows.map((row) => row.digest)),
        plainTexts(rows.map((row) => row.words)),
        texts(notes.map((note) => note.type)),
        texts(notes.map((note) => note.id)),
        numbers(notes.map((note) => note.version)),
        texts(notes.map((note) => note.who)),
        texts(notes.map((note) => note.why)),
        texts(notes.map((note) => note.command)),
        texts(notes.map((note) => note.commandId))
      ]
    },
    written: (batch, outcomes) => {
      let listed = false
      batch.forEach((commit, i) => {
        listed ||= commit.facets !== undefined
        if (commit.facets === undefined && known.size === 0) return
        const name = nameOf(commit)
        const before = known.get(name)
        known.delete(name)
        if (outcomes[i]?._tag !== "Committed") return
        const version = commit.expected + 1
        if (commit.facets !== undefined) known.set(name, { version, digest: storeFacets(commit.facets).digest })
        else if (before?.version === commit.expected) known.set(name, { version, digest: before.digest })
      })
      for (const oldest of known.keys()) {
        if (known.size <= maxKnown) break
        known.delete(oldest)
      }
      if (!listed || (++flushes < flushesBetween && changed < textsBetween)) return
      flushes = 0
      changed = 0
      Queue.offerUnsafe(due, undefined)
    },
    unsure: () => known.clear()
  }
  return facets
})
