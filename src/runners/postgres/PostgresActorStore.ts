// The durable actor's storage on PostgreSQL: one statement, so one round trip and one transaction, per flush. The
// contract is ActorStore's. Its parts share one snapshot; the row lock that the fenced UPDATE takes is what orders two
// writers.
import { Clock, Effect } from "effect"
import { ActorStore } from "../../actors/ActorStore.ts"
import type { ActorCommit, ActorRow, CommitOutcome } from "../../domain/Commit.ts"
import { unescapeText as unesc } from "../../domain/StoredText.ts"
import { number, numbers, plainTexts, type PostgresClient, text, texts } from "./PostgresClient.ts"
import { type Facets, isListed, listedParts } from "./PostgresFacets.ts"

// Answers only with what did not commit, so the usual answer is empty. No joins between the parts, which would be
// nested loops; `IS TRUE` keeps the planner from turning IN into one, so all of them are hashed subplans. `past` reads
// the rows as they were when the statement began; when two writers keep the same old row, the second insert does
// nothing.
const parts = `a AS MATERIALIZED (SELECT type, id, expected::int8 AS expected, state
  FROM unnest($1::text[], $2::text[], $3::float8[], $4::text[]) AS t(type, id, expected, state)),
r AS MATERIALIZED (SELECT type, id, version::int8 AS version, command_id, reply
  FROM unnest($5::text[], $6::text[], $7::float8[], $8::text[], $9::text[]) AS t(type, id, version, command_id, reply)),
duplicate AS MATERIALIZED (SELECT s.type, s.id, s.command_id, s.reply FROM r
  JOIN polya_actor_reply s ON s.type = r.type AND s.id = r.id AND s.command_id = r.command_id),
updated AS (UPDATE polya_actor_state s SET version = a.expected + 1, state = a.state, at = $14::int8 FROM a
  WHERE s.type = a.type AND s.id = a.id AND s.version = a.expected AND a.expected > 0
    AND (a.type, a.id) NOT IN (SELECT type, id FROM duplicate) RETURNING s.type, s.id),
inserted AS (INSERT INTO polya_actor_state (type, id, version, state, at)
  SELECT type, id, 1, state, $14::int8 FROM a
  WHERE expected = 0 AND (type, id) NOT IN (SELECT type, id FROM duplicate) ON CONFLICT DO NOTHING RETURNING type, id),
done AS MATERIALIZED (SELECT type, id FROM updated UNION ALL SELECT type, id FROM inserted),
past AS (INSERT INTO polya_actor_version (type, id, version, state, at, replaced_at)
  SELECT s.type, s.id, s.version, s.state, s.at, $14::int8
  FROM a JOIN polya_actor_state s ON s.type = a.type AND s.id = a.id
  WHERE ((a.type, a.id) IN (SELECT type, id FROM updated)) IS TRUE ON CONFLICT DO NOTHING),
replied AS (INSERT INTO polya_actor_reply (type, id, command_id, version, reply, at)
  SELECT type, id, command_id, version, reply, $14::int8 FROM r
  WHERE ((type, id) IN (SELECT type, id FROM done)) IS TRUE),
logged AS (INSERT INTO polya_actor_events (type, id, version, events, at)
  SELECT type, id, version::int8, events, $14::int8
  FROM unnest($10::text[], $11::text[], $12::float8[], $13::text[]) AS t(type, id, version, events)
  WHERE ((type, id) IN (SELECT type, id FROM done)) IS TRUE)`
const answer =
  `SELECT type, id, NULL AS command_id, NULL AS reply FROM a WHERE (type, id) NOT IN (SELECT type, id FROM done)
UNION ALL SELECT type, id, command_id, reply FROM duplicate`

// Most flushes bring no facets and no audits: they take the statement that knows nothing of them.
const commitText = `WITH ${parts} ${answer}`
const listedText = `WITH ${parts}, ${listedParts} ${answer}`

const loadText = `SELECT k.n::int4 AS n, s.version::float8 AS version, s.state
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(type, id, n)
  JOIN polya_actor_state s ON s.type = k.type AND s.id = k.id`

const asOfText = `SELECT version::float8 AS version, state FROM polya_actor_state
    WHERE type = $1 AND id = $2 AND version = $3::int8
  UNION ALL SELECT version::float8, state FROM polya_actor_version
    WHERE type = $1 AND id = $2 AND version = $3::int8 LIMIT 1`

// A commit is there as long as its state or its events are; both carry its time.
const historyText = `SELECT version::float8 AS version, max(at)::float8 AS at, max(events) AS events FROM (
  SELECT version, at, NULL AS events FROM polya_actor_state WHERE type = $1 AND id = $2 AND version < $3::int8
  UNION ALL (SELECT version, at, NULL FROM polya_actor_version
    WHERE type = $1 AND id = $2 AND version < $3::int8 ORDER BY version DESC LIMIT $4::int8)
  UNION ALL (SELECT version, at, events FROM polya_actor_events
    WHERE type = $1 AND id = $2 AND version < $3::int8 ORDER BY version DESC LIMIT $4::int8)
  ) AS entry GROUP BY version ORDER BY entry.version DESC LIMIT $4::int8`

const listText = (after: string) =>
  `SELECT id, version::float8 AS version, state FROM polya_actor_state WHERE type = $1${after} ORDER BY id
    LIMIT $2::int8`

const pruneText = (table: string, age: string) =>
  `WITH gone AS (DELETE FROM ${table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${table}
    WHERE ${age} < $1::int8 ORDER BY ${age} LIMIT $2::int8)) RETURNING 1)
  SELECT count(*)::float8 AS count FROM gone`

const clampLimit = (limit: number) => number(Math.max(1, Math.min(1000, Math.trunc(limit))))
const restored = <R extends { readonly version: number; readonly state: string }>({ state, version }: R): ActorRow => ({
  version,
  state: unesc(state)
})

interface Refused {
  readonly type: string
  readonly id: string
  readonly command_id: string | null
  readonly reply: string | null
}

const nameOf = (type: string, id: string) => JSON.stringify([type, id])

const outcomes = (batch: ReadonlyArray<ActorCommit>, refused: ReadonlyArray<Refused>): ReadonlyArray<CommitOutcome> => {
  if (refused.length === 0) return batch.map((): CommitOutcome => ({ _tag: "Committed" }))
  const stored = new Map<string, Map<string, string>>()
  for (const row of refused) {
    const name = nameOf(unesc(row.type), unesc(row.id))
    const replies = stored.get(name) ?? new Map<string, string>()
    stored.set(name, replies)
    if (row.command_id !== null && row.reply !== null) replies.set(unesc(row.command_id), unesc(row.reply))
  }
  return batch.map(({ id, type }): CommitOutcome => {
    const replies = stored.get(nameOf(type, id))
    if (replies === undefined) return { _tag: "Committed" }
    return replies.size === 0 ? { _tag: "Fenced" } : { _tag: "Duplicate", stored: replies }
  })
}

export const make = ({ deadline, query }: PostgresClient, facets: Facets) => {
  // Locks are taken in one order everywhere, so that two runners that write the same actors cannot wait for each other.
  const inOrder = (batch: ReadonlyArray<ActorCommit>): ReadonlyArray<ActorCommit> =>
    batch.toSorted((a, b) => a.type < b.type ? -1 : a.type > b.type ? 1 : a.id < b.id ? -1 : 1)

  const commitParams = (sorted: ReadonlyArray<ActorCommit>, now: number) => {
    const replies = sorted.flatMap(({ expected, id, replies, type }) =>
      replies.map((one) => ({ type, id, version: expected + 1, ...one }))
    )
    const logged = sorted.filter(({ events }) => events.length > 0)
    return [
      texts(sorted.map(({ type }) => type)),
      texts(sorted.map(({ id }) => id)),
      numbers(sorted.map(({ expected }) => expected)),
      texts(sorted.map(({ state }) => state)),
      texts(replies.map(({ type }) => type)),
      texts(replies.map(({ id }) => id)),
      numbers(replies.map(({ version }) => version)),
      texts(replies.map(({ commandId }) => commandId)),
      texts(replies.map(({ reply }) => reply)),
      texts(logged.map(({ type }) => type)),
      texts(logged.map(({ id }) => id)),
      numbers(logged.map(({ expected }) => expected + 1)),
      plainTexts(logged.map(({ events }) => JSON.stringify(events))),
      number(now)
    ]
  }
  const prune = (table: string, age: string) => {
    const statement = pruneText(table, age)
    return (before: number, maxRows: number) =>
      Effect.map(query<{ count: number }>(statement, [number(before), number(maxRows)]), (rows) => rows[0]?.count ?? 0)
  }
  const pruneReplies = prune("polya_actor_reply", "at")
  const pruneEvents = prune("polya_actor_events", "at")
  const pruneVersions = prune("polya_actor_version", "replaced_at")

  return ActorStore.of({
    load: (keys) =>
      query<{ n: number } & ActorRow>(loadText, [texts(keys.map(({ type }) => type)), texts(keys.map(({ id }) => id))])
        .pipe(
          Effect.map((rows) => {
            const found = new Map(rows.map((row) => [row.n, restored(row)]))
            return keys.map((_, i) => found.get(i + 1))
          }),
          deadline
        ),
    commit: (batch) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const sorted = inOrder(batch)
        if (!sorted.some(isListed)) return query<Refused>(commitText, commitParams(sorted, now))
        return query<Refused>(listedText, [...commitParams(sorted, now), ...facets.params(sorted)])
      }).pipe(
        Effect.map((refused) => outcomes(batch, refused)),
        Effect.tap((ends) => Effect.sync(() => facets.written(batch, ends))),
        Effect.tapError(() => Effect.sync(facets.unsure)),
        deadline
      ),
    asOf: ({ id, type }, version) =>
      query<ActorRow>(asOfText, [text(type), text(id), number(version)]).pipe(
        Effect.map(([row]) => row && restored(row)),
        deadline
      ),
    history: ({ id, type }, { before = Number.MAX_SAFE_INTEGER, limit }) =>
      query<{ version: number; at: number; events: string | null }>(historyText, [
        text(type),
        text(id),
        number(before),
        clampLimit(limit)
      ]).pipe(
        Effect.map((rows) =>
          rows.map(({ at, events, version }) => ({
            version,
            events: events === null ? [] : JSON.parse(events) as Array<string>,
            atMillis: at
          }))
        ),
        deadline
      ),
    list: (type, { after, limit }) =>
      (after === undefined
        ? query<{ id: string } & ActorRow>(listText(""), [text(type), clampLimit(limit)])
        : query<{ id: string } & ActorRow>(listText(" AND id > $3"), [text(type), clampLimit(limit), text(after)]))
        .pipe(
          Effect.map((rows) => rows.map((row) => ({ id: unesc(row.id), ...restored(row) }))),
          deadline
        ),
    prune: ({ eventsMillis, maxRows, nowMillis, repliesMillis, versionsMillis }) =>
      deadline(Effect.all({
        replies: pruneReplies(nowMillis - repliesMillis, maxRows),
        events: pruneEvents(nowMillis - eventsMillis, maxRows),
        versions: pruneVersions(nowMillis - versionsMillis, maxRows)
      }))
  })
}
