// The SQL that actor lists have in common on both databases. An index begins with type (and group), status and stage and goes on by
// time, so each pair of a status and a stage is one ordered walk; a list merges the walks of the pairs that its filter
// holds for and reads no row that it does not show. Written as PostgreSQL wants it; `sqliteText` says it SQLite's way.
import type { ReadyFilter } from "../actors/ActorIndex/Filter.ts"

/** A status and a stage that some actor is in, as they are stored. */
export interface Place {
  readonly status: string
  readonly stage: string
}

export const entryColumns = "id, version, since, status, stage, grp, attempts, error, waiting, excerpt"

/** `of`: the table, with a point. */
export const orderOf = (order: "newest" | "oldest", of = "") =>
  order === "newest" ? `${of}since DESC, ${of}id DESC` : `${of}since ASC, ${of}id ASC`

/** What follows the last entry. $3 and $4: its time and id; $5 and $6: bounds of the time. */
export const pageCondition = (order: "newest" | "oldest") =>
  `(since, id) ${order === "newest" ? "<" : ">"} ($3::int8, $4) AND since >= $5::int8 AND since < $6::int8`

/** $1: type, $2: group. The second part lets the partial index of groups be used. */
export const ownCondition = ({ group }: ReadyFilter) =>
  group === null ? "type = $1" : "type = $1 AND grp = $2 AND grp <> ''"

/** One walk; `status` and `stage` are SQL; `by`: which index. */
export const walk = (
  filter: ReadyFilter,
  order: "newest" | "oldest",
  status: string,
  stage: string,
  columns: string,
  by = ""
) =>
  `SELECT ${columns} FROM polya_actor_facet ${by}
    WHERE ${ownCondition(filter)} AND status = ${status} AND stage = ${stage} AND ${pageCondition(order)}`

/** Without casts, and with numbered parameters as SQLite writes them. */
export const sqliteText = (sql: string): string => sql.replaceAll("::int8", "").replaceAll("$", "?")

/** `escape`: as the database keeps texts. */
export const placesOf = <P extends Place>(
  { stages, statuses }: ReadyFilter,
  places: ReadonlyArray<P>,
  escape: (text: string) => string
): ReadonlyArray<P> => {
  const among = (names: ReadonlyArray<string> | null) => {
    const set = names === null ? null : new Set(names.map(escape))
    return (name: string) => set === null || set.has(name)
  }
  const status = among(statuses)
  const stage = among(stages)
  return places.filter((place) => status(place.status) && stage(place.stage))
}
