// Lists, counts and searches over actors on PostgreSQL, over connections of their own. The contract is ActorIndex's. The
// statements of one answer see one snapshot. A list merges ordered walks of indexes (Lists.ts). A search for words goes by
// WordSearch.ts: a walk looks up the words of each row, and the index of words gives at most so many rows.
import { Effect } from "effect"
import { ActorIndex } from "../../actors/ActorIndex.ts"
import {
  countOf,
  cursorOf,
  emptyPage,
  entryOf,
  type EntryRow,
  isTimeless,
  maxTimed,
  pageOf,
  type ReadyFilter,
  readyFilter,
  readyLimit,
  type ReadyPage,
  readyPage
} from "../../actors/ActorIndex/Filter.ts"
import type { StoreFailed } from "../../actors/ActorStore.ts"
import { escapeText as esc, unescapeText as unesc } from "../../domain/StoredText.ts"
import { entryColumns, orderOf, ownCondition, pageCondition, type Place, placesOf, walk } from "../Lists.ts"
import { countWords, searchBounds, searchWords, type WordSteps } from "../WordSearch.ts"
import { number, plainTexts, type PostgresClient, text, texts } from "./PostgresClient.ts"

const columns = "id, version::float8 AS version, since::float8 AS since, status, stage, grp, " +
  "attempts::float8 AS attempts, error, waiting, excerpt"

type Order = ReadyPage["order"]

const nextPlace = (own: string, after: string) =>
  `SELECT status, stage FROM polya_actor_facet WHERE ${own}${after} ORDER BY status, stage LIMIT 1`
/** One step from a status and a stage to the next that some actor is in, instead of a scan over all rows. */
const placesText = (filter: ReadyFilter) =>
  `WITH RECURSIVE place AS ((${nextPlace(ownCondition(filter), "")})
  UNION ALL SELECT following.status, following.stage FROM place CROSS JOIN LATERAL (
    ${nextPlace(ownCondition(filter), " AND (status, stage) > (place.status, place.stage)")}) AS following)
SELECT status, stage FROM place`

// Parameters: $1 type, $2 group, $3 and $4 the cursor, $5 and $6 bounds of the time, $7 limit, $8 and $9 statuses and
// stages, of the places or of the filter, $10 words, $11 a second limit, $12 the beginning of a word.

/** As many walks as there are places, merged: only rows that are asked for are read. */
const merged = (filter: ReadyFilter, order: Order, places: number, wanted: string): string => {
  const walks = Array.from({ length: places }, (_, i) => {
    const one = walk(filter, order, `($8::text[])[${i + 1}]`, `($9::text[])[${i + 1}]`, wanted)
    return `(${one} ORDER BY ${orderOf(order)} LIMIT $7::int8)`
  })
  return `SELECT * FROM (${walks.join(" UNION ALL ")}) AS walk ORDER BY ${orderOf(order)} LIMIT $7::int8`
}

const pageText = (filter: ReadyFilter, order: Order, places: number) =>
  `SELECT ${columns} FROM (${merged(filter, order, places, entryColumns)}) AS page ORDER BY ${orderOf(order, "page.")}`

/** Entries by their keys in `keys`; the rows of the answer begin with `total`, and go on without entry if there is none. */
const withTotal = (total: string, keys: string, order: Order) =>
  `SELECT total.*, entry.* FROM (${total}) AS total LEFT JOIN LATERAL (SELECT found.* FROM (${keys}) AS key
    CROSS JOIN LATERAL (SELECT ${columns} FROM polya_actor_facet f WHERE f.type = $1 AND f.id = key.id OFFSET 0) AS found
  ) AS entry ON true ORDER BY ${orderOf(order, "entry.")}`

/** The next $7 rows: how many there are, where they end, how many have the words, and the first $11 of those. */
const walkedText = (filter: ReadyFilter, order: Order, places: number) =>
  `WITH page AS MATERIALIZED (${merged(filter, order, places, "since, id")}),
  fit AS MATERIALIZED (SELECT since, id FROM page
    WHERE (SELECT words FROM polya_actor_text t WHERE t.type = $1 AND t.id = page.id) @@ $10::tsquery)
  ${
    withTotal(
      `SELECT (SELECT count(*)::float8 FROM page) AS walked, (SELECT count(*)::float8 FROM fit) AS fits, last.*
      FROM (SELECT since::float8 AS end_since, id AS end_id FROM page
        ORDER BY ${orderOf(order === "newest" ? "oldest" : "newest")} LIMIT 1) AS last`,
      `SELECT id FROM fit ORDER BY ${orderOf(order)} LIMIT $11::int8`,
      order
    )
  }`

// What the statistics of the whole table say, which costs next to nothing: how many rows are expected to have the words
// ($1), and how many entries the index has of the frequent words with that beginning ($1).
const expectedText = "EXPLAIN SELECT 1 FROM polya_actor_text WHERE words @@ $1::tsquery"
const beginningsText =
  `SELECT coalesce(sum(often), 0)::float8 * (SELECT reltuples FROM pg_class WHERE oid = 'polya_actor_text'::regclass) AS count
  FROM pg_stats CROSS JOIN unnest(most_common_elems::text::text[], most_common_elem_freqs) AS t(word, often)
  WHERE schemaname = current_schema AND tablename = 'polya_actor_text' AND attname = 'words' AND starts_with(word, $1)`

/**
 * What the index of words finds, if it is no more than $7 rows: how many the filter holds for, and the first $11 of
 * those. `isApart`: the words do not have the beginning ($12), which is then looked for in the rows.
 */
const matchesText = (filter: ReadyFilter, order: Order, isApart: boolean) =>
  `WITH hit AS MATERIALIZED (SELECT type, id, since, status, stage, grp${
    isApart ? ", words @@ $12::tsquery AS begun" : ""
  }
    FROM polya_actor_text WHERE words @@ $10::tsquery LIMIT $7::int8 + 1),
  fit AS MATERIALIZED (SELECT since, id FROM hit WHERE (SELECT count(*) FROM hit) <= $7::int8
    AND ${ownCondition(filter)} AND ${pageCondition(order)}${isApart ? " AND begun" : ""}${
    filter.statuses === null ? "" : " AND status = ANY($8::text[])"
  }${filter.stages === null ? "" : " AND stage = ANY($9::text[])"})
  ${
    withTotal(
      `SELECT (SELECT count(*)::float8 FROM hit) AS hits, (SELECT count(*)::float8 FROM fit) AS fits`,
      `SELECT id FROM fit ORDER BY ${orderOf(order)} LIMIT $11::int8`,
      order
    )
  }`

const countText = (rows: string) => `SELECT count(*)::float8 AS count FROM (${rows} LIMIT $7::int8) AS counted`

const tallyText = (where: string, by: string) =>
  `SELECT ${by}, sum(count)::float8 AS count FROM (
    SELECT type, grp, status, stage, count FROM polya_actor_tally
    UNION ALL SELECT type, grp, status, stage, count FROM polya_actor_tally_change) AS tally
  WHERE ${where} GROUP BY ${by} HAVING sum(count) > 0`

const whole = (word: string): string => `'${word}'`
const wholeWords = (words: ReadonlyArray<string>): string => words.slice(0, -1).map(whole).join(" & ")
const beginning = (words: ReadonlyArray<string>): string => `'${words.at(-1) ?? ""}':*`
const tsquery = (words: ReadonlyArray<string>): string =>
  words.length === 1 ? beginning(words) : `${wholeWords(words)} & ${beginning(words)}`

const common = ({ group, sinceMillis, type, untilMillis }: ReadyFilter, { after, limit }: Omit<ReadyPage, "order">) => [
  text(type),
  text(group ?? ""),
  number(after.sinceMillis),
  text(after.id),
  number(sinceMillis),
  number(untilMillis),
  number(limit)
]
/** The places as two arrays whose items belong together. They come from the database and go back as they are. */
const ofPlaces = (places: ReadonlyArray<Place>) => [
  plainTexts(places.map(({ status }) => status)),
  plainTexts(places.map(({ stage }) => stage))
]
const ofFilter = ({ stages, statuses }: ReadyFilter) => [texts(statuses ?? []), texts(stages ?? [])]

/** A row of an answer with totals; without an entry its `id` is null. */
type Totalled<Totals> = Totals & (EntryRow | { readonly id: null })
const entriesOf = (type: string, rows: ReadonlyArray<Totalled<object>>) =>
  rows.flatMap((row) => row.id === null ? [] : [entryOf(type, row, unesc)])

/** The index is not asked for so many times more rows than may be read, nor for that many entries of a beginning. */
const frequent = 10
const wide = 100

export const make = ({ brief, deadline, query, transaction }: PostgresClient, bounds = searchBounds) => {
  const places = (filter: ReadyFilter) =>
    Effect.map(
      query<Place>(placesText(filter), [text(filter.type), text(filter.group ?? "")]),
      (found) => placesOf(filter, found, esc)
    )

  const wordSteps = (filter: ReadyFilter, page: ReadyPage, found: ReadonlyArray<Place>): WordSteps<StoreFailed> => {
    const { order } = page
    const words = text(tsquery(filter.words))
    const matched = (isApart: boolean, wanted: number) =>
      brief<Totalled<{ readonly hits: number; readonly fits: number }>>(
        bounds.indexMillis,
        matchesText(filter, order, isApart),
        [
          ...common(filter, { ...page, limit: bounds.matches }),
          ...ofFilter(filter),
          isApart ? text(wholeWords(filter.words)) : words,
          number(wanted),
          ...(isApart ? [text(beginning(filter.words))] : [])
        ]
      )
    return {
      walk: Effect.fnUntraced(function*(after, rows, wanted) {
        const answer = yield* query<
          Totalled<
            { readonly walked: number; readonly fits: number; readonly end_since: number; readonly end_id: string }
          >
        >(walkedText(filter, order, found.length), [
          ...common(filter, { after, limit: rows }),
          ...ofPlaces(found),
          words,
          number(wanted)
        ])
        const [totals] = answer
        if (totals === undefined) return { entries: [], count: 0, end: null }
        const entries = entriesOf(filter.type, answer)
        const last = wanted > 0 && totals.fits > wanted ? entries.at(-1) : undefined
        return {
          entries,
          count: totals.fits,
          end: last !== undefined
            ? cursorOf(last)
            : totals.walked < rows
            ? null
            : { sinceMillis: totals.end_since, id: unesc(totals.end_id) }
        }
      }),
      // The index brings together all rows of all words that begin like the last one before it gives any, and cannot be
      // stopped at that. Where those are many, only the other words go by the index.
      matches: Effect.fnUntraced(function*(wanted) {
        const [plan] = yield* query<{ readonly "QUERY PLAN": string }>(expectedText, [words])
        const expected = Number(/rows=(\d+)/.exec(plan?.["QUERY PLAN"] ?? "")?.[1] ?? 0)
        if (expected > frequent * bounds.matches) return undefined
        const [begun] = yield* query<{ readonly count: number }>(beginningsText, [text(filter.words.at(-1) ?? "")])
        const isOne = filter.words.length === 1
        const isWide = (begun?.count ?? 0) > wide * bounds.matches
        if (isWide && isOne) return undefined
        const rows = yield* matched(isWide, wanted)
        const [totals] = rows ?? []
        return rows === undefined || totals === undefined || totals.hits > bounds.matches
          ? undefined
          : { entries: entriesOf(filter.type, rows), count: totals.fits }
      })
    }
  }

  const search = Effect.fnUntraced(function*(filter: ReadyFilter, page: ReadyPage) {
    const found = yield* places(filter)
    if (found.length === 0) return emptyPage
    if (filter.words.length > 0) return yield* searchWords(wordSteps(filter, page, found), page, bounds)
    const rows = yield* query<EntryRow>(pageText(filter, page.order, found.length), [
      ...common(filter, { ...page, limit: page.limit + 1 }),
      ...ofPlaces(found)
    ])
    return pageOf(rows.map((row) => entryOf(filter.type, row, unesc)), page.limit)
  }, transaction)

  const tallied = (filter: ReadyFilter, limit: number) =>
    Effect.map(
      query<Place & { count: number }>(tallyText(ownCondition(filter), "status, stage"), [
        text(filter.type),
        text(filter.group ?? "")
      ]),
      (counts) => countOf(placesOf(filter, counts, esc).reduce((sum, { count }) => sum + count, 0), limit)
    )

  const count = Effect.fnUntraced(function*(filter: ReadyFilter, limit: number) {
    const found = yield* places(filter)
    if (found.length === 0) return countOf(0, limit)
    const page = readyPage({ order: "newest", after: null, limit })
    if (filter.words.length > 0) {
      return yield* countWords(wordSteps(filter, page, found), page.after, limit, bounds)
    }
    const most = Math.min(limit, maxTimed)
    const walks = found.map((_, i) => walk(filter, page.order, `($8::text[])[${i + 1}]`, `($9::text[])[${i + 1}]`, "1"))
    const [row] = yield* query<{ count: number }>(countText(walks.join(" UNION ALL ")), [
      ...common(filter, { ...page, limit: most + 1 }),
      ...ofPlaces(found)
    ])
    return countOf(row?.count ?? 0, most)
  }, transaction)

  return ActorIndex.of({
    search: (filter, page) => {
      const ready = readyFilter(filter)
      return ready === undefined ? Effect.succeed(emptyPage) : deadline(search(ready, readyPage(page)))
    },
    count: (filter, limit) => {
      const ready = readyFilter(filter)
      const most = readyLimit(limit)
      if (ready === undefined) return Effect.succeed(countOf(0, most))
      return deadline(isTimeless(ready) && ready.words.length === 0 ? tallied(ready, most) : count(ready, most))
    },
    entry: (type, id) =>
      query<EntryRow>(`SELECT ${columns} FROM polya_actor_facet WHERE type = $1 AND id = $2`, [text(type), text(id)])
        .pipe(
          Effect.map(([row]) => row && entryOf(type, row, unesc)),
          deadline
        ),
    tally: ({ group, type }) =>
      query<Place & { type: string; count: number }>(
        tallyText(
          `${type === undefined ? "true" : "type = $1"}${group === undefined ? "" : " AND grp = $2 AND grp <> ''"}`,
          "type, status, stage"
        ),
        [text(type ?? ""), text(group ?? "")]
      ).pipe(
        Effect.map((rows) =>
          rows.map(({ count, stage, status, type }) => ({
            type: unesc(type),
            status: unesc(status),
            stage: stage === "" ? null : unesc(stage),
            count
          }))
        ),
        deadline
      )
  })
}
