// Lists, counts and searches over actors on SQLite. Synchronous, for the worker thread, in steps of a few milliseconds. The
// contract is ActorIndex's; a search for words goes by WordSearch.ts.
import type { StatementSync } from "node:sqlite"
import type { ActorCount, ActorCursor, ActorEntry, ActorPage } from "../../actors/ActorIndex.ts"
import {
  countOf,
  entryOf,
  type EntryRow,
  isTimeless,
  maxTimed,
  pageOf,
  type ReadyFilter,
  type ReadyPage
} from "../../actors/ActorIndex/Filter.ts"
import { hasWords } from "../../domain/SearchWords.ts"
import { escapeText as esc, unescapeText as unesc } from "../../domain/StoredText.ts"
import { entryColumns, orderOf, ownCondition, pageCondition, type Place, placesOf, sqliteText, walk } from "../Lists.ts"
import type { Matched, Walked } from "../WordSearch.ts"
import { all, first, type SqliteDatabase } from "./SqliteDatabase.ts"

/** Statements kept for the next list of the same shape. */
const maxStatements = 64
/** Walks that SQLite merges in one statement: it takes 500. */
const maxWalks = 400
/** Above every word: none has this character. */
const afterAll = "\u{10ffff}"

export const make = ({ db }: SqliteDatabase) => {
  // The words themselves, each with the rows that have it, to be read as far as one likes. A search of FTS5 would bring
  // together all rows of all words that begin alike before it gives the first.
  db.exec("CREATE VIRTUAL TABLE temp.polya_word_row USING fts5vocab(main, polya_actor_word, instance)")
  const wordRows = "FROM temp.polya_word_row WHERE term >= ?1 AND term <= ?2"
  const countWordRows = db.prepare(`SELECT count(*) AS count FROM (SELECT 1 ${wordRows} LIMIT ?3)`)
  const byFacet = db.prepare(`SELECT ${entryColumns} FROM polya_actor_facet WHERE facet = ?`)
  const one = db.prepare(`SELECT ${entryColumns} FROM polya_actor_facet WHERE type = ? AND id = ?`)
  const within = (own: string) =>
    db.prepare(sqliteText(`SELECT count(*) AS count FROM (SELECT 1 FROM polya_actor_facet
      WHERE ${own} AND status = $3 AND stage = $4 AND since >= $5 AND since < $6 LIMIT $7)`))
  const countOfType = within("type = $1")
  const countOfGroup = within("type = $1 AND grp = $2 AND grp <> ''")

  const statements = new Map<string, StatementSync>()
  const prepared = (text: string): StatementSync => {
    const statement = statements.get(text) ?? db.prepare(text)
    statements.delete(text)
    statements.set(text, statement)
    const oldest = statements.size > maxStatements ? statements.keys().next().value : undefined
    if (oldest !== undefined) statements.delete(oldest)
    return statement
  }

  /** Places that some actor is in and that the filter holds for. */
  const places = (filter: ReadyFilter): ReadonlyArray<Place> => {
    // Two steps: of a comparison of pairs SQLite uses the first part alone, and reads all rows of a status.
    const next = (after: string, order: string) =>
      prepared(sqliteText(`SELECT status, stage FROM polya_actor_facet WHERE ${ownCondition(filter)}${after}
        ORDER BY ${order} LIMIT 1`))
    const own = [esc(filter.type), ...(filter.group === null ? [] : [esc(filter.group)])]
    const named = [esc(filter.type), esc(filter.group ?? "")]
    const ofStatus = next(" AND status = $3 AND stage > $4", "stage")
    const ofNext = next(" AND status > $3", "status, stage")
    const found: Array<Place> = []
    let place = first<Place>(next("", "status, stage"), ...own)
    while (place !== undefined) {
      found.push(place)
      place = first<Place>(ofStatus, ...named, place.status, place.stage) ??
        first<Place>(ofNext, ...named, place.status)
    }
    return placesOf(filter, found, esc)
  }

  const common = ({ group, sinceMillis, type, untilMillis }: ReadyFilter, { after }: ReadyPage) => [
    esc(type),
    esc(group ?? ""),
    after.sinceMillis,
    esc(after.id),
    sinceMillis,
    untilMillis
  ]

  /** Rows in order, read as they are asked for; with their words, if the filter asks for some. */
  const rows = function*(
    filter: ReadyFilter,
    page: ReadyPage,
    limit: number
  ): Generator<EntryRow & { words?: string | null }> {
    const found = places(filter)
    if (found.length === 0) return
    const columns = filter.words.length === 0 ? entryColumns : `${entryColumns},
      (SELECT words FROM polya_actor_text t WHERE t.facet = polya_actor_facet.facet) AS words`
    const order = `ORDER BY ${orderOf(page.order)} LIMIT $7`
    // Left to itself SQLite takes the other index and reads all that was before or after the group.
    const by = filter.group === null ? "" : "INDEXED BY polya_actor_facet_group"
    const walks = found.map((_, i) => walk(filter, page.order, `$${8 + 2 * i}`, `$${9 + 2 * i}`, columns, by))
    const merged = (parts: ReadonlyArray<string>): string =>
      parts.length <= maxWalks ? `${parts.join(" UNION ALL ")} ${order}` : merged(
        Array.from(
          { length: Math.ceil(parts.length / maxWalks) },
          (_, i) => `SELECT * FROM (${merged(parts.slice(i * maxWalks, (i + 1) * maxWalks))})`
        )
      )
    const statement = prepared(sqliteText(merged(walks)))
    const values = found.flatMap(({ stage, status }) => [status, stage])
    yield* statement.iterate(...common(filter, page), limit, ...values) as unknown as Iterable<EntryRow>
  }

  /** SQL that holds for the filter's places, with their texts as one JSON parameter each. */
  const among = ({ stages, statuses }: ReadyFilter) =>
    (statuses === null ? "" : " AND status IN (SELECT value FROM json_each($9))") +
    (stages === null ? "" : " AND stage IN (SELECT value FROM json_each($10))")

  const shown = ({ type }: ReadyFilter, row: EntryRow) => entryOf(type, row, unesc)

  /** Of the words of a search, the one that fewest rows have; none if more than `most` have each. */
  const rarest = ({ words }: ReadyFilter, most: number): readonly [from: string, to: string] | undefined => {
    let least = most + 1
    let range: readonly [string, string] | undefined
    for (const [i, word] of words.entries()) {
      const to = i === words.length - 1 ? word + afterAll : word
      const count = first<{ count: number }>(countWordRows, word, to, least)?.count ?? 0
      if (count >= least) continue
      least = count
      range = [word, to]
    }
    return range
  }

  const tallied = (filter: ReadyFilter): number => {
    const own = filter.group === null ? [esc(filter.type)] : [esc(filter.type), esc(filter.group)]
    const counts = all<Place & { count: number }>(
      prepared(
        sqliteText(`SELECT status, stage, sum(count) AS count FROM polya_actor_tally WHERE ${ownCondition(filter)}
        GROUP BY status, stage`)
      ),
      ...own
    )
    return placesOf(filter, counts, esc).reduce((sum, { count }) => sum + count, 0)
  }

  return {
    /** Without words. */
    search: (filter: ReadyFilter, page: ReadyPage): ActorPage =>
      pageOf([...rows(filter, page, page.limit + 1)].map((row) => shown(filter, row)), page.limit),

    walk: (filter: ReadyFilter, page: ReadyPage, most: number, wanted: number): Walked => {
      const entries: Array<ActorEntry> = []
      let walked = 0
      let count = 0
      let last: EntryRow | undefined
      for (const row of rows(filter, page, most)) {
        walked++
        last = row
        if (!row.words || !hasWords(row.words, filter.words)) continue
        count++
        if (entries.length < wanted && entries.push(shown(filter, row)) === wanted) break
      }
      const isEnd = walked < most && (wanted === 0 || entries.length < wanted)
      const end: ActorCursor | null = isEnd || last === undefined
        ? null
        : { sinceMillis: last.since, id: unesc(last.id) }
      return { entries, count, end }
    },

    matches: (filter: ReadyFilter, page: ReadyPage, most: number, wanted: number): Matched | undefined => {
      const range = rarest(filter, most)
      if (range === undefined) return undefined
      const { stages, statuses } = filter
      const found = all<{ facet: number; words: string }>(
        prepared(sqliteText(`SELECT f.facet, t.words FROM (SELECT DISTINCT doc FROM temp.polya_word_row
            WHERE term >= $7 AND term <= $8) AS hit
          CROSS JOIN polya_actor_facet f ON f.facet = hit.doc CROSS JOIN polya_actor_text t ON t.facet = hit.doc
          WHERE ${ownCondition(filter)}${among(filter)} AND ${pageCondition(page.order)} ORDER BY ${
          orderOf(page.order)
        }`)),
        ...common(filter, page),
        ...range,
        ...(statuses === null && stages === null ? [] : [JSON.stringify((statuses ?? []).map(esc))]),
        ...(stages === null ? [] : [JSON.stringify(stages.map(esc))])
      ).filter(({ words }) => hasWords(words, filter.words))
      const entries = found.slice(0, wanted).flatMap(({ facet }) => {
        const row = first<EntryRow>(byFacet, facet)
        return row === undefined ? [] : [shown(filter, row)]
      })
      return { entries, count: found.length }
    },

    /** Without words. */
    count: (filter: ReadyFilter, limit: number): ActorCount => {
      if (isTimeless(filter)) return countOf(tallied(filter), limit)
      const own = [esc(filter.type), esc(filter.group ?? "")]
      const statement = filter.group === null ? countOfType : countOfGroup
      const most = Math.min(limit, maxTimed)
      let total = 0
      for (const { stage, status } of places(filter)) {
        if (total > most) break
        const bounds = [filter.sinceMillis, filter.untilMillis, most + 1 - total]
        total += first<{ count: number }>(statement, ...own, status, stage, ...bounds)?.count ?? 0
      }
      return countOf(total, most)
    },

    entry: (type: string, id: string): ActorEntry | undefined => {
      const row = first<EntryRow>(one, esc(type), esc(id))
      return row && entryOf(type, row, unesc)
    },

    tally: (type: string | undefined, group: string | undefined) =>
      all<{ type: string; status: string; stage: string; count: number }>(
        prepared(`SELECT type, status, stage, sum(count) AS count FROM polya_actor_tally
          WHERE (?1 IS NULL OR type = ?1) AND (?2 IS NULL OR (grp = ?2 AND grp <> ''))
          GROUP BY type, status, stage HAVING sum(count) > 0`),
        type === undefined ? null : esc(type),
        group === undefined ? null : esc(group)
      ).map((row) => ({
        type: unesc(row.type),
        status: unesc(row.status),
        stage: row.stage === "" ? null : unesc(row.stage),
        count: row.count
      }))
  }
}
