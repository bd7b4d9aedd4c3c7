// The run's index on SQLite. Synchronous, for the worker thread. The contract is RunIndex's. Bands lie in their entry
// as doubles in the machine's byte order; SqliteGroups makes groups of them.
import type { GroupCursor, GroupMember, RunOwner } from "../../actors/RunIndex.ts"
import type { RowRef, RowStatus, RunRow, SetResult } from "../../domain/RunRow.ts"
import { clusterText, dropDetail, restoreResult, storeResult } from "../../domain/StoredResult.ts"
import { escapeText as esc, unescapeText as unesc } from "../../domain/StoredText.ts"
import { all, first, type SqliteDatabase } from "./SqliteDatabase.ts"
import * as SqliteGroups from "./SqliteGroups.ts"
import { packBytes, type PackedBytes, type PackedEntries, unpackBytes } from "./SqliteProtocol.ts"

const escNull = (text: string | null) => text === null ? null : esc(text)
const unescNull = (text: string | null) => text === null ? null : unesc(text)

/** Groups that are being paged through. The oldest goes when a further one is needed. */
const maxSnapshots = 8

export const make = (database: SqliteDatabase) => {
  const { db, transaction } = database
  const claim = db.prepare(`INSERT INTO polya_run_fence (run, epoch) VALUES (?, 1)
    ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch`)
  const epoch = db.prepare("SELECT epoch FROM polya_run_fence WHERE run = ?")
  const putRow = db.prepare(
    `INSERT INTO polya_run_row (run, seq, sub, parent, actor, status, stage, reason, detail)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET parent = excluded.parent, actor = excluded.actor, status = excluded.status,
      stage = excluded.stage,
    reason = excluded.reason, detail = excluded.detail`
  )
  const putEntry = db.prepare(
    `INSERT INTO polya_run_entry (run, stage, seq, sub, key, stratum, bands, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET key = excluded.key, stratum = excluded.stratum, bands = excluded.bands,
      payload = excluded.payload`
  )
  const dropEntry = db.prepare("DELETE FROM polya_run_entry WHERE run = ? AND stage = ? AND seq = ? AND sub = ?")
  const page = db.prepare(`SELECT seq, sub, parent, actor, status, stage, reason, detail FROM polya_run_row
    WHERE run = ? AND (seq, sub) > (?, ?) AND status IN (SELECT value FROM json_each(?)) ORDER BY seq, sub LIMIT ?`)
  const reviveRows = db.prepare(`UPDATE polya_run_row SET status = 'live', stage = NULL, reason = NULL, detail = NULL
    WHERE run = ? AND status = 'dropped' AND stage = ?`)
  const forgetResults = db.prepare("DELETE FROM polya_run_result WHERE run = ? AND stage = ?")
  const payload = db.prepare("SELECT payload FROM polya_run_entry WHERE run = ? AND stage = ? AND seq = ? AND sub = ?")
  const strata = db.prepare(`SELECT r.seq, r.sub, e.stratum, c.cluster FROM polya_run_row r
    LEFT JOIN polya_run_entry e ON e.run = r.run AND e.stage = ?2 AND e.seq = r.seq AND e.sub = r.sub
    LEFT JOIN polya_run_result c ON c.run = r.run AND c.stage = ?3 AND c.seq = r.seq AND c.sub = r.sub
    WHERE r.run = ?1 AND (r.seq, r.sub) > (?4, ?5) AND r.status = 'live' ORDER BY r.seq, r.sub LIMIT ?6`)
  const putResult = db.prepare(
    `INSERT INTO polya_run_result (run, stage, seq, sub, dropped, patch, cluster) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET dropped = excluded.dropped, patch = excluded.patch, cluster = excluded.cluster`
  )
  // A fate is decided once: only a row that is on its way, or that this stage dropped before, can be dropped here.
  const dropRow = db.prepare(`UPDATE polya_run_row SET status = 'dropped', stage = ?1, reason = ?2, detail = ?3
    WHERE run = ?4 AND seq = ?5 AND sub = ?6 AND (status = 'live' OR (status = 'dropped' AND stage = ?1))`)
  const result = db.prepare(
    "SELECT dropped, patch FROM polya_run_result WHERE run = ? AND stage = ? AND seq = ? AND sub = ?"
  )
  const counts = db.prepare(
    `SELECT sub > 0 AS derived, status, stage, reason, count(*) AS count FROM polya_run_row WHERE run = ?
    GROUP BY sub > 0, status, stage, reason`
  )
  const forgetTables = [
    ["polya_run_result", "run, stage, seq, sub"],
    ["polya_run_entry", "run, stage, seq, sub"],
    ["polya_run_row", "run, seq, sub"]
  ].map(([table, key]) =>
    db.prepare(`DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE run = ? LIMIT ?)`)
  )

  const snapshots = new Map<string, SqliteGroups.SqliteGroups>()
  let snapshotNumber = 0

  const dropSnapshots = (matches: (name: string) => boolean) => {
    for (const [name, snapshot] of snapshots) {
      if (!matches(name)) continue
      snapshots.delete(name)
      snapshot.drop()
    }
  }
  const snapshotName = (run: string, stage: number, by: string) => `${run}\n${stage}\n${by}`
  const ofRun = (run: string) => (name: string) => name.startsWith(`${run}\n`)

  /** The write, under the lock that a claim needs too; undefined if the run was claimed since. */
  const owned = <A>(owner: RunOwner, write: (run: string) => A): A | undefined => {
    const run = esc(owner.run)
    return transaction(() => first<{ epoch: number }>(epoch, run)?.epoch === owner.epoch ? write(run) : undefined)
  }

  // Writes answer whether they were done: a run that was claimed since is another's to write.
  return {
    claim: (run: string): number => transaction(() => first<{ epoch: number }>(claim, esc(run))?.epoch ?? 0),

    put: (owner: RunOwner, rows: ReadonlyArray<RunRow>, stages: ReadonlyArray<PackedEntries>): boolean => {
      const done = owned(owner, (run) => {
        for (const row of rows) {
          putRow.run(
            run,
            row.seq,
            row.sub,
            row.parent,
            escNull(row.actor),
            row.status,
            row.stage,
            escNull(row.reason),
            escNull(row.detail)
          )
        }
        for (const { bandCounts, bands, keys, payloads, refs, stage, strata: labels } of stages) {
          const fresh = new Set<string>()
          const bytes = unpackBytes(payloads, false)
          let end = 0
          keys.forEach((key, i) => {
            const seq = refs[2 * i] as number
            const sub = refs[2 * i + 1] as number
            const start = end
            end += bandCounts[i] as number
            // A row is once in a band, however often the stage named it.
            const unique = Float64Array.from(new Set(bands.subarray(start, end)))
            fresh.add(`${seq}/${sub}`)
            putEntry.run(
              run,
              stage,
              seq,
              sub,
              escNull(key),
              escNull(labels[i] ?? null),
              new Uint8Array(unique.buffer),
              bytes[i] ?? null
            )
          })
          for (const { seq, sub } of rows) if (!fresh.has(`${seq}/${sub}`)) dropEntry.run(run, stage, seq, sub)
        }
        return true
      })
      // Rows that only came to an end cannot make a group; their old members are left out page by page.
      if (stages.length > 0 || rows.some((row) => row.status === "live")) dropSnapshots(ofRun(esc(owner.run)))
      return done ?? false
    },

    rows: (
      run: string,
      after: RowRef | null,
      limit: number,
      statuses: ReadonlyArray<RowStatus>
    ): ReadonlyArray<RunRow> =>
      all<RunRow>(page, esc(run), after?.seq ?? -1, after?.sub ?? -1, JSON.stringify(statuses), limit).map((row) => ({
        ...row,
        actor: unescNull(row.actor),
        reason: unescNull(row.reason),
        detail: unescNull(row.detail)
      })),

    reopen: (owner: RunOwner, stage: number): boolean => {
      const done = owned(owner, (run) => {
        reviveRows.run(run, stage)
        forgetResults.run(run, stage)
        return true
      })
      dropSnapshots(ofRun(esc(owner.run)))
      return done ?? false
    },

    /** null: a step towards the page was made, ask again. `restart`: the first asking for a first page. */
    groups: (
      name: string,
      stage: number,
      by: "key" | "band",
      after: GroupCursor,
      limit: number,
      restart: boolean
    ): ReadonlyArray<GroupMember> | null => {
      const run = esc(name)
      const key = snapshotName(run, stage, by)
      if (restart) dropSnapshots((other) => other === key)
      let snapshot = snapshots.get(key)
      if (snapshot === undefined) {
        const oldest = snapshots.size < maxSnapshots ? undefined : snapshots.keys().next().value
        dropSnapshots((other) => other === oldest)
        snapshots.set(
          key,
          snapshot = SqliteGroups.make(database, `polya_run_group_${snapshotNumber++}`, run, stage, by)
        )
      }
      if (!snapshot.prepare()) return null
      const members = snapshot.page(after, limit)
      if (members.length === 0) dropSnapshots((other) => other === key)
      return members
    },

    payloads: (run: string, stage: number, refs: ReadonlyArray<RowRef>): PackedBytes =>
      packBytes(
        refs.map(({ seq, sub }) =>
          first<{ payload: Uint8Array | null }>(payload, esc(run), stage, seq, sub)?.payload ?? null
        )
      ),

    strata: (run: string, stage: number, clusterStage: number | null, after: RowRef | null, limit: number) =>
      all<RowRef & { stratum: string | null; cluster: string | null }>(
        strata,
        esc(run),
        stage,
        clusterStage,
        after?.seq ?? -1,
        after?.sub ?? -1,
        limit
      ).map(({ cluster, seq, stratum, sub }) => ({
        seq,
        sub,
        stratum: unescNull(stratum),
        cluster: unescNull(cluster)
      })),

    putResults: (owner: RunOwner, stage: number, results: ReadonlyArray<SetResult>): boolean =>
      owned(owner, (run) => {
        for (const one of results) {
          const { dropped, patch } = storeResult(one)
          putResult.run(run, stage, one.seq, one.sub, dropped, patch, escNull(clusterText(one.patch)))
          if (one.drop !== null) {
            dropRow.run(stage, esc(one.drop.reason), escNull(dropDetail(one.drop.detail)), run, one.seq, one.sub)
          }
        }
        return true
      }) ?? false,

    results: (run: string, stage: number, refs: ReadonlyArray<RowRef>): ReadonlyArray<SetResult | undefined> =>
      refs.map(({ seq, sub }) => {
        const row = first<{ dropped: string | null; patch: string }>(result, esc(run), stage, seq, sub)
        return row && restoreResult(seq, sub, row)
      }),

    counts: (run: string) =>
      all<{ derived: number; status: RowStatus; stage: number | null; reason: string | null; count: number }>(
        counts,
        esc(run)
      )
        .map((row) => ({ ...row, derived: row.derived === 1, reason: unescNull(row.reason) })),

    /** Whether nothing is left; undefined: it was not done. */
    forget: (owner: RunOwner, maxRows: number): boolean | undefined => {
      const left = owned(
        owner,
        (run) =>
          forgetTables.reduce((rest, table) => rest > 0 ? rest - Number(table.run(run, rest).changes) : 0, maxRows)
      )
      dropSnapshots(ofRun(esc(owner.run)))
      return left === undefined ? undefined : left > 0
    }
  }
}
