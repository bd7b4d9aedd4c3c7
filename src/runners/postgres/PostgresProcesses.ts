// What the processes of a cluster say of themselves, on PostgreSQL: all times of seeing are the database's, so that clocks of machines
// that disagree make nobody look dead.
import { Effect } from "effect"
import { Processes, type ProcessRow } from "../../actors/Processes.ts"
import { unescapeText } from "../../domain/StoredText.ts"
import { number, type PostgresClient, text, textOrNull } from "./PostgresClient.ts"

const nowMillis = "floor(extract(epoch FROM clock_timestamp()) * 1000)::int8"

const sayText = `INSERT INTO polya_process (id, kind, address, groups, started, seen, state, vitals)
    VALUES ($1, $2, $3, $4, $5::int8, ${nowMillis}, $6, $7)
  ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, address = excluded.address, groups = excluded.groups,
    started = excluded.started, seen = excluded.seen, state = excluded.state, vitals = excluded.vitals`

/** A row of its own says the time, also when nobody was seen. */
const listText = `SELECT n.now::float8 AS now, p.id, p.kind, p.address, p.groups, p.started::float8 AS started,
    p.seen::float8 AS seen, p.state, p.vitals
  FROM (SELECT ${nowMillis} AS now) AS n LEFT JOIN LATERAL (SELECT * FROM polya_process
    WHERE seen >= n.now - $1::int8 ORDER BY polya_process.started, polya_process.id LIMIT 1000) AS p ON true
  ORDER BY p.started, p.id`

const pruneText = `DELETE FROM polya_process WHERE seen < ${nowMillis} - $1::int8`

interface StoredProcess {
  readonly now: number
  readonly id: string | null
  readonly kind: string
  readonly address: string | null
  readonly groups: string
  readonly started: number
  readonly seen: number
  readonly state: ProcessRow["state"]
  readonly vitals: string
}

export const make = ({ deadline, query }: PostgresClient) =>
  Processes.of({
    say: ({ address, groups, id, kind, startedMillis, state, vitals }) =>
      Effect.asVoid(deadline(query(sayText, [
        text(id),
        text(kind),
        textOrNull(address),
        text(JSON.stringify(groups)),
        number(startedMillis),
        text(state),
        text(JSON.stringify(vitals))
      ]))),
    list: (sinceMillis) =>
      deadline(Effect.map(query<StoredProcess>(listText, [number(sinceMillis)]), (rows) => ({
        nowMillis: rows[0]?.now ?? 0,
        processes: rows.flatMap((
          { address, groups, id, kind, seen, started, state, vitals }
        ): ReadonlyArray<ProcessRow> =>
          id === null ? [] : [{
            id: unescapeText(id),
            kind: unescapeText(kind),
            address: address === null ? null : unescapeText(address),
            groups: JSON.parse(unescapeText(groups)),
            startedMillis: started,
            seenMillis: seen,
            state,
            vitals: JSON.parse(unescapeText(vitals))
          }]
        )
      }))),
    prune: (olderMillis) => Effect.asVoid(deadline(query(pruneText, [number(olderMillis)])))
  })
