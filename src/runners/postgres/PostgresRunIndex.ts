// The run's index on PostgreSQL: multi-row statements over unnested columns. The contract is RunIndex's. `groups` sorts
// all members once, at the first page, into a work table that the later pages read by position; position 0 says that
// the sort is still good, and which one it is: two readers of one run sort anew, and never read each other's positions.
import { Effect } from "effect"
import { StoreFailed } from "../../actors/ActorStore.ts"
import {
  type GroupCursor,
  type GroupMember,
  type IndexedEntry,
  RunDisowned,
  RunIndex,
  type RunOwner
} from "../../actors/RunIndex.ts"
import type { RowRef, RowStatus, RunRow } from "../../domain/RunRow.ts"
import { clusterText, dropDetail, restoreResult, storeResult } from "../../domain/StoredResult.ts"
import { unescapeText } from "../../domain/StoredText.ts"
import { byteStrings, number, numbers, plainTexts, type PostgresClient, text, texts } from "./PostgresClient.ts"

const claimText = `INSERT INTO polya_run_fence (run, epoch) VALUES ($1, 1)
  ON CONFLICT (run) DO UPDATE SET epoch = polya_run_fence.epoch + 1 RETURNING epoch::float8 AS epoch`

// The share lock orders a write and a claim: the claim waits for writes under way, and a write that waited for a claim
// sees it, whatever its own snapshot says (READ COMMITTED looks at a locked row anew).
const fence = (epoch: string) =>
  `fence AS MATERIALIZED (SELECT 1 AS held FROM polya_run_fence WHERE run = $1 AND epoch = ${epoch}::int8 FOR SHARE)`
const held = "EXISTS (SELECT 1 FROM fence)"

const putText = `
WITH ${
  fence("$21")
}, put_rows AS (INSERT INTO polya_run_row (run, seq, sub, parent, actor, status, stage, reason, detail)
  SELECT $1, seq, sub, parent, actor, status, stage, reason, detail
  FROM unnest($2::float8[], $3::float8[], $4::float8[], $5::text[], $6::text[], $7::float8[], $8::text[], $9::text[])
    AS t(seq, sub, parent, actor, status, stage, reason, detail)
  WHERE ${held}
  ON CONFLICT (run, seq, sub) DO UPDATE SET parent = excluded.parent, actor = excluded.actor,
    status = excluded.status, stage = excluded.stage, reason = excluded.reason, detail = excluded.detail),
put_entries AS (INSERT INTO polya_run_entry (run, stage, seq, sub, key, stratum, bands, payload)
  SELECT $1, stage, seq, sub, key, stratum, bands::int8[], payload
  FROM unnest($10::float8[], $11::float8[], $12::float8[], $13::text[], $14::text[], $15::text[], $16::bytea[])
    AS t(stage, seq, sub, key, stratum, bands, payload)
  WHERE ${held}
  ON CONFLICT (run, stage, seq, sub) DO UPDATE SET key = excluded.key, stratum = excluded.stratum,
    bands = excluded.bands, payload = excluded.payload),
stale AS (SELECT stage::int8 AS stage, seq::int8 AS seq, sub::int8 AS sub
  FROM unnest($17::float8[], $18::float8[], $19::float8[]) AS t(stage, seq, sub)),
cleared AS (DELETE FROM polya_run_entry e USING stale s
  WHERE e.run = $1 AND e.stage = s.stage AND e.seq = s.seq AND e.sub = s.sub AND ${held}),
spoilt AS (DELETE FROM polya_run_group WHERE $20::bool AND run = $1 AND position = 0 AND ${held})
SELECT held FROM fence`

const rowsText = `SELECT seq::float8 AS seq, sub::float8 AS sub, parent::float8 AS parent, actor, status,
    stage::float8 AS stage, reason, detail
  FROM polya_run_row WHERE run = $1 AND (seq, sub) > ($2::int8, $3::int8) AND status = ANY($4::text[])
  ORDER BY run, polya_run_row.seq, polya_run_row.sub LIMIT $5::int8`

const reopenText = `
WITH ${fence("$3")}, revived AS (UPDATE polya_run_row SET status = 'live', stage = NULL, reason = NULL, detail = NULL
  WHERE run = $1 AND status = 'dropped' AND stage = $2::int8 AND ${held}),
forgotten AS (DELETE FROM polya_run_result WHERE run = $1 AND stage = $2::int8 AND ${held}),
spoilt AS (DELETE FROM polya_run_group WHERE run = $1 AND ${held})
SELECT held FROM fence`

const kinds = {
  key: { column: "key", member: "e.key", from: "", cursor: "$4" },
  band: { column: "band", member: "b.band", from: "CROSS JOIN unnest(e.bands) AS b(band)", cursor: "$4::text::int8" }
} as const

const ofSnapshot = "run = $1 AND stage = $2::int8 AND kind = $3"

/** Readers sort one after the other; each sort is named by its transaction. */
const lockText = `SELECT txid_current()::float8 AS sort,
  pg_advisory_xact_lock(hashtextextended($1::text || $3::text, $2::int8))`

/** One scan and one sort. A member counts when the one before it or after it is of the same group. */
const sortText = ({ column, from, member }: typeof kinds["key" | "band"]) => `
INSERT INTO polya_run_group (run, stage, kind, position, ${column}, seq, sub)
SELECT $1, $2::int8, $3, row_number() OVER (ORDER BY grp, seq, sub), grp, seq, sub FROM (
  SELECT grp, seq, sub, lag(grp) OVER w AS earlier, lead(grp) OVER w AS later FROM (
    SELECT ${member} AS grp, e.seq, e.sub FROM polya_run_entry e
      JOIN polya_run_row r ON r.run = e.run AND r.seq = e.seq AND r.sub = e.sub ${from}
    WHERE e.run = $1 AND e.stage = $2::int8 AND r.status = 'live' AND ${member} IS NOT NULL) AS member
  WINDOW w AS (ORDER BY grp, seq, sub)) AS neighbour WHERE grp IN (earlier, later)
UNION ALL SELECT $1, $2::int8, $3, 0, NULL, txid_current(), -1`

/** No row: the sort `$6` is gone. One row without a group: it has nothing after the position. */
const pageText = `SELECT p.* FROM polya_run_group m LEFT JOIN LATERAL (
    SELECT coalesce(g.key, g.band::text) AS grp, g.seq::float8 AS seq, g.sub::float8 AS sub,
      g.position::float8 AS position FROM polya_run_group g
    JOIN polya_run_row r ON r.run = g.run AND r.seq = g.seq AND r.sub = g.sub
    WHERE g.run = $1 AND g.stage = $2::int8 AND g.kind = $3 AND g.position > $4::int8
      AND r.status = 'live'
    ORDER BY g.run, g.stage, g.kind, g.position LIMIT $5::int8) AS p ON true
  WHERE m.run = $1 AND m.stage = $2::int8 AND m.kind = $3 AND m.position = 0 AND m.seq = $6::int8
  ORDER BY p.position`

/** The sort there is, and the position in it of a cursor that this process did not give out itself: the last member up to it. */
const seekText = ({ column, cursor }: typeof kinds["key" | "band"]) =>
  `SELECT m.seq::float8 AS sort, coalesce((SELECT position::float8 FROM polya_run_group
      WHERE ${ofSnapshot} AND position > 0 AND (${column}, seq, sub) <= (${cursor}, $5::int8, $6::int8)
      ORDER BY polya_run_group.position DESC LIMIT 1), 0) AS position
    FROM polya_run_group m WHERE m.run = $1 AND m.stage = $2::int8 AND m.kind = $3 AND m.position = 0`

/** Only the sort that was read to its end goes, not one that another reader has made since. */
const dropText = `DELETE FROM polya_run_group WHERE ${ofSnapshot}
  AND EXISTS (SELECT 1 FROM polya_run_group m
    WHERE m.run = $1 AND m.stage = $2::int8 AND m.kind = $3 AND m.position = 0 AND m.seq = $4::int8)`

const byRefs = (columns: string, table: string) =>
  `SELECT t.n::int4 AS n, ${columns} FROM
  (SELECT seq::int8 AS seq, sub::int8 AS sub, n FROM unnest($3::float8[], $4::float8[]) WITH ORDINALITY
    AS u(seq, sub, n)) AS t
  CROSS JOIN LATERAL (SELECT * FROM ${table} y
    WHERE y.run = $1 AND y.stage = $2::int8 AND y.seq = t.seq AND y.sub = t.sub LIMIT 1) x`
const payloadsText = byRefs("x.payload", "polya_run_entry")
const resultsText = byRefs("x.dropped, x.patch", "polya_run_result")

// Row by row by its whole key: without statistics of a young table a join might read a whole stage for each row.
const strataText = `SELECT r.seq::float8 AS seq, r.sub::float8 AS sub,
    (SELECT e.stratum FROM polya_run_entry e
      WHERE e.run = r.run AND e.stage = $2::int8 AND e.seq = r.seq AND e.sub = r.sub) AS stratum,
    (SELECT c.cluster FROM polya_run_result c
      WHERE c.run = r.run AND c.stage = $3::int8 AND c.seq = r.seq AND c.sub = r.sub) AS cluster
  FROM polya_run_row r
  WHERE r.run = $1 AND (r.seq, r.sub) > ($4::int8, $5::int8) AND r.status = 'live'
  ORDER BY r.run, r.seq, r.sub LIMIT $6::int8`

// A fate is decided once: only a row that is on its way, or that this stage dropped before, can be dropped here.
const putResultsText = `
WITH ${fence("$12")}, put AS (INSERT INTO polya_run_result (run, stage, seq, sub, dropped, patch, cluster)
  SELECT $1, $2::int8, seq, sub, dropped, patch, cluster
  FROM unnest($3::float8[], $4::float8[], $5::text[], $6::text[], $7::text[]) AS t(seq, sub, dropped, patch, cluster)
  WHERE ${held}
  ON CONFLICT (run, stage, seq, sub) DO UPDATE SET dropped = excluded.dropped, patch = excluded.patch,
    cluster = excluded.cluster),
fated AS (UPDATE polya_run_row r SET status = 'dropped', stage = $2::int8, reason = t.reason, detail = t.detail
FROM (SELECT seq::int8 AS seq, sub::int8 AS sub, reason, detail
  FROM unnest($8::float8[], $9::float8[], $10::text[], $11::text[]) AS u(seq, sub, reason, detail)) AS t
WHERE r.run = $1 AND r.seq = t.seq AND r.sub = t.sub
  AND (r.status = 'live' OR (r.status = 'dropped' AND r.stage = $2::int8)) AND ${held})
SELECT held FROM fence`

const countsText = `SELECT sub > 0 AS derived, status, stage::float8 AS stage, reason, count(*)::float8 AS count
    FROM polya_run_row WHERE run = $1
  GROUP BY sub > 0, status, polya_run_row.stage, reason`

const forgetTexts = ["polya_run_group", "polya_run_result", "polya_run_entry", "polya_run_row"].map((table) =>
  `WITH ${fence("$3")}, gone AS (DELETE FROM ${table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE run = $1
    LIMIT $2::int8)) AND ${held} RETURNING 1)
  SELECT (SELECT count(*)::float8 FROM gone) AS count FROM fence`
)

const unescNull = (value: string | null) => value === null ? null : unescapeText(value)
const refKey = ({ seq, sub }: RowRef) => `${seq}/${sub}`

/** A statement touches a row once: of several for one place the last counts. */
const lastOf = <A extends RowRef>(
  list: ReadonlyArray<A>
): ReadonlyArray<A> => [...new Map(list.map((one) => [refKey(one), one])).values()]

/** Where a reader stands in a sort. */
interface Stand {
  readonly sort: number
  readonly position: number
}
interface Snapshot extends Stand {
  readonly after: GroupMember
}

/** A reader whose sort was taken away by others so often in one page gives up; they are sorting against each other. */
const maxSorts = 8

export const make = ({ deadline, longDeadline, query, transaction }: PostgresClient) => {
  /** Where the last page of each reader ended; a restart only costs a search. */
  const ends = new Map<string, Snapshot>()
  const maxEnds = 1000
  const nameOf = (run: string, stage: number, by: string) => JSON.stringify([run, stage, by])

  const sort = Effect.fnUntraced(function*(run: string, stage: number, by: "key" | "band") {
    const params = [text(run), number(stage), text(by)]
    const [locked] = yield* query<{ sort: number }>(lockText, params)
    yield* query(`DELETE FROM polya_run_group WHERE ${ofSnapshot}`, params)
    yield* query(sortText(kinds[by]), params)
    return locked?.sort ?? 0
  }, transaction)

  /** Where the member `after` lies: in the sort that this process read last, or in the one that is there, or in a new one. */
  const standOf = Effect.fnUntraced(function*(run: string, stage: number, by: "key" | "band", after: GroupMember) {
    const end = ends.get(nameOf(run, stage, by))
    if (
      end !== undefined && end.after.group === after.group && end.after.seq === after.seq && end.after.sub === after.sub
    ) return end
    const seek = query<Stand>(seekText(kinds[by]), [
      text(run),
      number(stage),
      text(by),
      text(after.group),
      number(after.seq),
      number(after.sub)
    ])
    const [found] = yield* seek
    if (found !== undefined) return found
    yield* sort(run, stage, by)
    return (yield* seek)[0]
  })

  const groups = Effect.fnUntraced(
    function*(run: string, stage: number, by: "key" | "band", after: GroupCursor, limit: number) {
      const snapshot = [text(run), number(stage), text(by)]
      const name = nameOf(run, stage, by)
      if (after === null) ends.delete(name)
      for (let tries = 0; tries < maxSorts; tries++) {
        const stand = after === null
          ? { sort: yield* sort(run, stage, by), position: 0 }
          : yield* standOf(run, stage, by, after)
        ends.delete(name)
        if (stand === undefined) continue
        const rows = yield* query<{ grp: string | null; position: number } & RowRef>(pageText, [
          ...snapshot,
          number(stand.position),
          number(limit),
          number(stand.sort)
        ])
        if (rows.length === 0) continue
        const members = rows.flatMap(({ grp, seq, sub }): ReadonlyArray<GroupMember> =>
          grp === null ? [] : [{ group: unescapeText(grp), seq, sub }]
        )
        const last = members.at(-1)
        const end = rows.at(-1)
        if (last === undefined || end === undefined) yield* query(dropText, [...snapshot, number(stand.sort)])
        else ends.set(name, { after: last, sort: stand.sort, position: end.position })
        if (ends.size > maxEnds) { for (const oldest of ends.keys()) if (ends.size > maxEnds) ends.delete(oldest) }
        return members
      }
      const detail = `the groups of the run were sorted anew ${maxSorts} times while one page was read`
      return yield* new StoreFailed({ reason: "unavailable", detail })
    }
  )

  /** A statement that answers with no row when its fence did not hold. */
  const owned = <Row extends object>(
    { run }: RunOwner,
    asked: Effect.Effect<ReadonlyArray<Row>, StoreFailed>
  ): Effect.Effect<Row, StoreFailed | RunDisowned> =>
    Effect.flatMap(
      deadline(asked),
      ([row]) => row === undefined ? Effect.fail(new RunDisowned({ run })) : Effect.succeed(row)
    )

  const put: RunIndex["Service"]["put"] = (owner, rows, stages) =>
    Effect.suspend(() => {
      const unique = lastOf(rows)
      const entries = stages.flatMap(({ entries, stage }) =>
        lastOf(entries).map((entry): IndexedEntry & { stage: number } => ({ ...entry, stage }))
      )
      const stale = stages.flatMap(({ entries, stage }) => {
        const fresh = new Set(entries.map(refKey))
        return unique.filter((row) => !fresh.has(refKey(row))).map(({ seq, sub }) => ({ stage, seq, sub }))
      })
      return Effect.asVoid(owned(
        owner,
        query(putText, [
          text(owner.run),
          numbers(unique.map((row) => row.seq)),
          numbers(unique.map((row) => row.sub)),
          numbers(unique.map((row) => row.parent)),
          texts(unique.map((row) => row.actor)),
          plainTexts(unique.map((row) => row.status)),
          numbers(unique.map((row) => row.stage)),
          texts(unique.map((row) => row.reason)),
          texts(unique.map((row) => row.detail)),
          numbers(entries.map((one) => one.stage)),
          numbers(entries.map((one) => one.seq)),
          numbers(entries.map((one) => one.sub)),
          texts(entries.map((one) => one.key)),
          texts(entries.map((one) => one.stratum)),
          plainTexts(entries.map((one) => `{${[...new Set(one.bands)].join(",")}}`)),
          byteStrings(entries.map((one) => one.payload)),
          numbers(stale.map((one) => one.stage)),
          numbers(stale.map((one) => one.seq)),
          numbers(stale.map((one) => one.sub)),
          // Rows that only came to an end cannot make a group; their old members are left out page by page.
          stages.length > 0 || unique.some((row) => row.status === "live"),
          number(owner.epoch)
        ])
      ))
    })

  return RunIndex.of({
    claim: (run) => deadline(Effect.map(query<{ epoch: number }>(claimText, [text(run)]), ([row]) => row?.epoch ?? 0)),
    put,
    rows: (run, { after, limit, statuses }) =>
      query<RunRow>(rowsText, [
        text(run),
        number(after?.seq ?? -1),
        number(after?.sub ?? -1),
        plainTexts(statuses),
        number(limit)
      ]).pipe(
        Effect.map((rows) =>
          rows.map((row) => ({
            ...row,
            actor: unescNull(row.actor),
            reason: unescNull(row.reason),
            detail: unescNull(row.detail)
          }))
        ),
        deadline
      ),
    reopen: (owner, stage) =>
      Effect.asVoid(owned(owner, query(reopenText, [text(owner.run), number(stage), number(owner.epoch)]))),
    groups: (run, stage, by, { after, limit }) => longDeadline(groups(run, stage, by, after, limit)),
    payloads: (run, stage, refs) =>
      query<{ n: number; payload: Uint8Array | null }>(payloadsText, [
        text(run),
        number(stage),
        numbers(refs.map(({ seq }) => seq)),
        numbers(refs.map(({ sub }) => sub))
      ]).pipe(
        Effect.map((rows) => {
          const found = new Map(rows.map((row) => [row.n, row.payload]))
          return refs.map((_, i) => found.get(i + 1) ?? null)
        }),
        deadline
      ),
    strata: (run, stage, { after, clusterStage, limit }) =>
      query<RowRef & { stratum: string | null; cluster: string | null }>(strataText, [
        text(run),
        number(stage),
        number(clusterStage),
        number(after?.seq ?? -1),
        number(after?.sub ?? -1),
        number(limit)
      ]).pipe(
        Effect.map((rows) =>
          rows.map((row) => ({ ...row, stratum: unescNull(row.stratum), cluster: unescNull(row.cluster) }))
        ),
        deadline
      ),
    putResults: (owner, stage, results) =>
      Effect.suspend(() => {
        const unique = lastOf(results)
        const stored = unique.map(storeResult)
        const drops = unique.flatMap(({ drop, seq, sub }) => drop === null ? [] : [{ seq, sub, ...drop }])
        return Effect.asVoid(owned(
          owner,
          query(putResultsText, [
            text(owner.run),
            number(stage),
            numbers(unique.map((one) => one.seq)),
            numbers(unique.map((one) => one.sub)),
            plainTexts(stored.map((one) => one.dropped)),
            plainTexts(stored.map((one) => one.patch)),
            texts(unique.map((one) => clusterText(one.patch))),
            numbers(drops.map((one) => one.seq)),
            numbers(drops.map((one) => one.sub)),
            texts(drops.map((one) => one.reason)),
            texts(drops.map((one) => dropDetail(one.detail))),
            number(owner.epoch)
          ])
        ))
      }),
    results: (run, stage, refs) =>
      query<{ n: number; dropped: string | null; patch: string }>(resultsText, [
        text(run),
        number(stage),
        numbers(refs.map(({ seq }) => seq)),
        numbers(refs.map(({ sub }) => sub))
      ]).pipe(
        Effect.map((rows) => {
          const found = new Map(rows.map((row) => [row.n, row]))
          return refs.map(({ seq, sub }, i) => {
            const row = found.get(i + 1)
            return row && restoreResult(seq, sub, row)
          })
        }),
        deadline
      ),
    counts: (run) =>
      query<{ derived: boolean; status: RowStatus; stage: number | null; reason: string | null; count: number }>(
        countsText,
        [text(run)]
      ).pipe(
        Effect.map((rows) => rows.map((row) => ({ ...row, reason: unescNull(row.reason) }))),
        deadline
      ),
    forget: Effect.fnUntraced(function*(owner: RunOwner, maxRows: number) {
      let left = maxRows
      for (const statement of forgetTexts) {
        if (left <= 0) return false
        const params = [text(owner.run), number(left), number(owner.epoch)]
        left -= (yield* owned(owner, query<{ count: number }>(statement, params))).count
      }
      return left > 0
    })
  })
}
