// The members of a set stage's groups, in order, for paging. Made in short steps between other calls, so that a large
// run does not hold up the commits of every actor: one scan marks in two bitmaps of bounded size which groups may have
// a second member, another collects those members into a sorted temporary table. Memory does not grow with the run; a
// full bitmap only costs table rows.
import type { GroupCursor, GroupMember } from "../../actors/RunIndex.ts"
import type { RowRef } from "../../domain/RunRow.ts"
import { escapeText, unescapeText } from "../../domain/StoredText.ts"
import { all, first, type SqliteDatabase } from "./SqliteDatabase.ts"

/** Rows looked at in one step: about 20 ms of work when all their bands are shared. */
const stepRows = 1024

/** About four bits a band, at most 16 MiB a bitmap: 4.8 million bands take 4 MiB, and one in seven is collected by chance. */
const bitmapBits = (rows: number): number => 2 ** Math.min(27, Math.max(12, Math.ceil(Math.log2(rows * 128))))

/** Sets the bit and says whether it was set before. */
const mark = (bitmap: Uint8Array, bit: number): boolean => {
  const byte = bitmap[bit >>> 3] as number
  bitmap[bit >>> 3] = byte | (1 << (bit & 7))
  return (byte >>> (bit & 7) & 1) === 1
}
const has = (bitmap: Uint8Array, bit: number): boolean => ((bitmap[bit >>> 3] as number) >>> (bit & 7) & 1) === 1

/**
 * A bit of the bitmap for a band or a key. Groups may share one: what they collect then too much is sorted out by the
 * pages.
 */
const bitOf = (group: number | string, lastBit: number): number => {
  let hash = 0
  if (typeof group === "string") {
    for (let i = 0; i < group.length; i++) hash = Math.imul(hash ^ group.charCodeAt(i), 0x01000193)
  } else hash = Math.imul(group ^ Math.imul(Math.floor(group / 2 ** 32), 0x9e3779b1), 0x85ebca6b)
  return Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35) >>> 5 & lastBit
}

export interface SqliteGroups {
  /** One step of making; true when the pages can be read. */
  readonly prepare: () => boolean
  readonly page: (after: GroupCursor, limit: number) => ReadonlyArray<GroupMember>
  readonly drop: () => void
}

/** `table`: a name that no other group of this connection has. `run` is escaped. */
export const make = (
  { db }: SqliteDatabase,
  table: string,
  run: string,
  stage: number,
  by: "key" | "band"
): SqliteGroups => {
  const type = by === "key" ? "TEXT" : "INTEGER"
  db.exec(
    `CREATE TABLE temp.${table} (grp ${type} NOT NULL, seq INTEGER NOT NULL, sub INTEGER NOT NULL, PRIMARY KEY (grp,
      seq, sub)) WITHOUT ROWID`
  )
  const entries = db.prepare(`SELECT e.seq, e.sub, ${by === "key" ? "e.key" : "e.bands"} AS found
    FROM polya_run_entry e CROSS JOIN polya_run_row r ON r.run = e.run AND r.seq = e.seq AND r.sub = e.sub
    WHERE e.run = ? AND e.stage = ? AND (e.seq, e.sub) > (?, ?) AND r.status = 'live' ORDER BY e.seq, e.sub
      LIMIT ${stepRows}`)
  const insert = db.prepare(`INSERT INTO temp.${table} (grp, seq, sub) VALUES (?, ?, ?)`)
  const select = (where: string) =>
    db.prepare(
      `SELECT CAST(g.grp AS TEXT) AS grp, g.seq, g.sub FROM temp.${table} g CROSS
        JOIN polya_run_row r ON r.run = ?1 AND r.seq = g.seq AND r.sub = g.sub
      WHERE r.status = 'live' AND EXISTS (SELECT 1 FROM temp.${table} o
        WHERE o.grp = g.grp AND (o.seq <> g.seq OR o.sub <> g.sub)) ${where}
      ORDER BY g.grp, g.seq, g.sub LIMIT ?2`
    )
  const firstPage = select("")
  const nextPage = select(`AND (g.grp, g.seq, g.sub) > (CAST(?3 AS ${type}), ?4, ?5)`)

  const groupsOf = (found: string | Uint8Array | null): Iterable<number | string> => {
    if (found === null) return []
    if (typeof found === "string") return [found]
    return new Float64Array(found.buffer, found.byteOffset, found.byteLength / 8)
  }

  const rowCount =
    (first<{ seq: number | null }>(db.prepare("SELECT max(seq) AS seq FROM polya_run_row WHERE run = ?"), run)?.seq ??
      0) + 1
  const bits = bitmapBits(rowCount)
  let once: Uint8Array | undefined = new Uint8Array(bits / 8)
  let twice: Uint8Array | undefined = new Uint8Array(bits / 8)
  let phase: "mark" | "collect" | "ready" = "mark"
  let at: RowRef = { seq: -1, sub: -1 }

  const collect = (
    rows: ReadonlyArray<RowRef & { readonly found: string | Uint8Array | null }>,
    shared: Uint8Array
  ): void => {
    const members: Array<{ readonly group: number | string } & RowRef> = []
    for (const { found, seq, sub } of rows) {
      for (const group of groupsOf(found)) if (has(shared, bitOf(group, bits - 1))) members.push({ group, seq, sub })
    }
    // In the table's order, neighbours land on the same page. Rows come in order already and the sort is stable.
    if (by === "band") members.sort((a, b) => Number(a.group) - Number(b.group))
    db.exec("BEGIN")
    try {
      for (const { group, seq, sub } of members) insert.run(group, seq, sub)
    } finally {
      db.exec("COMMIT")
    }
  }

  return {
    prepare: () => {
      if (phase === "ready" || once === undefined || twice === undefined) return true
      const rows = all<RowRef & { found: string | Uint8Array | null }>(entries, run, stage, at.seq, at.sub)
      if (phase === "mark") {
        for (const { found } of rows) {
          for (const group of groupsOf(found)) {
            const bit = bitOf(group, bits - 1)
            if (mark(once, bit)) mark(twice, bit)
          }
        }
      } else collect(rows, twice)
      const last = rows.at(-1)
      at = last ?? { seq: -1, sub: -1 }
      if (last !== undefined) return false
      phase = phase === "mark" ? "collect" : "ready"
      if (phase === "ready") once = twice = undefined
      return phase === "ready"
    },
    page: (after, limit) => {
      const rows = after === null
        ? all<{ grp: string } & RowRef>(firstPage, run, limit)
        : all<{ grp: string } & RowRef>(nextPage, run, limit, escapeText(after.group), after.seq, after.sub)
      return rows.map(({ grp, seq, sub }) => ({ group: unescapeText(grp), seq, sub }))
    },
    drop: () => db.exec(`DROP TABLE temp.${table}`)
  }
}
