// The record of calls on PostgreSQL: appended to with the commits' connections, read with the lists'. CallLogWriter.ts makes the port of it.
import { Effect } from "effect"
import type { NumberedCallEntry } from "../../actors/CallLog.ts"
import { unescapeText as unesc } from "../../domain/StoredText.ts"
import type { CallStore } from "../CallLogWriter.ts"
import { number, numbers, type PostgresClient, text, texts } from "./PostgresClient.ts"

const appendText = `INSERT INTO polya_call (at, model, endpoint, owner, prompt_hash, parameters, prompt_tokens,
    completion_tokens, micro_dollars, queue_millis, first_token_millis, millis, attempt, hedged, outcome, status, detail)
  SELECT at::int8, model, endpoint, owner, prompt_hash, parameters, prompt_tokens::int8, completion_tokens::int8,
    micro_dollars, queue_millis, first_token_millis, millis, attempt::int8, hedged::int8, outcome, status::int8, detail
  FROM unnest($1::float8[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::float8[], $8::float8[],
    $9::float8[], $10::float8[], $11::float8[], $12::float8[], $13::float8[], $14::float8[], $15::text[],
    $16::float8[], $17::text[]) WITH ORDINALITY
    AS t(at, model, endpoint, owner, prompt_hash, parameters, prompt_tokens, completion_tokens, micro_dollars,
      queue_millis, first_token_millis, millis, attempt, hedged, outcome, status, detail, place) ORDER BY place`

const pruneText = `WITH gone AS (DELETE FROM polya_call WHERE seq = ANY(ARRAY(SELECT seq FROM polya_call
    WHERE at < $1::int8 ORDER BY at LIMIT $2::int8)) RETURNING 1)
  SELECT count(*)::float8 AS count FROM gone`

/** Parameters in this order; only those that are given are in the statement. */
const listText = (given: ReadonlyArray<string>) =>
  `SELECT seq::float8 AS seq, at::float8 AS at, model, endpoint, owner, prompt_hash, parameters,
    prompt_tokens::float8 AS prompt_tokens, completion_tokens::float8 AS completion_tokens, micro_dollars, queue_millis,
    first_token_millis, millis, attempt::float8 AS attempt, hedged::float8 AS hedged, outcome, status::float8 AS status,
    detail
  FROM polya_call WHERE seq < $1::int8 ${given.map((column, i) => `AND ${column} = $${i + 3}`).join(" ")}
  ORDER BY polya_call.seq DESC LIMIT $2::int8`

interface Row {
  readonly seq: number
  readonly at: number
  readonly model: string
  readonly endpoint: string
  readonly owner: string
  readonly prompt_hash: string
  readonly parameters: string
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly micro_dollars: number
  readonly queue_millis: number
  readonly first_token_millis: number | null
  readonly millis: number
  readonly attempt: number
  readonly hedged: number
  readonly outcome: string
  readonly status: number | null
  readonly detail: string | null
}

const entryOf = (row: Row): NumberedCallEntry => ({
  seq: row.seq,
  atMillis: row.at,
  model: unesc(row.model),
  endpoint: unesc(row.endpoint),
  owner: unesc(row.owner),
  promptHash: unesc(row.prompt_hash),
  parameters: unesc(row.parameters),
  promptTokens: row.prompt_tokens,
  completionTokens: row.completion_tokens,
  microDollars: row.micro_dollars,
  queueMillis: row.queue_millis,
  firstTokenMillis: row.first_token_millis,
  millis: row.millis,
  attempt: row.attempt,
  hedged: row.hedged === 1,
  outcome: unesc(row.outcome),
  status: row.status,
  detail: row.detail === null ? null : unesc(row.detail)
})

export const make = ({ deadline, query }: PostgresClient, lists: PostgresClient): CallStore => ({
  append: (entries) =>
    Effect.suspend(() =>
      Effect.asVoid(deadline(query(appendText, [
        numbers(entries.map((entry) => entry.atMillis)),
        texts(entries.map((entry) => entry.model)),
        texts(entries.map((entry) => entry.endpoint)),
        texts(entries.map((entry) => entry.owner)),
        texts(entries.map((entry) => entry.promptHash)),
        texts(entries.map((entry) => entry.parameters)),
        numbers(entries.map((entry) => entry.promptTokens)),
        numbers(entries.map((entry) => entry.completionTokens)),
        numbers(entries.map((entry) => entry.microDollars)),
        numbers(entries.map((entry) => entry.queueMillis)),
        numbers(entries.map((entry) => entry.firstTokenMillis)),
        numbers(entries.map((entry) => entry.millis)),
        numbers(entries.map((entry) => entry.attempt)),
        numbers(entries.map((entry) => (entry.hedged ? 1 : 0))),
        texts(entries.map((entry) => entry.outcome)),
        numbers(entries.map((entry) => entry.status)),
        texts(entries.map((entry) => entry.detail))
      ])))
    ),
  list: ({ before, limit, model, outcome, owner }) => {
    const given = Object.entries({ model, owner, outcome }).flatMap(([column, value]) =>
      value === undefined ? [] : [[column, text(value)] as const]
    )
    return lists.query<Row>(listText(given.map(([column]) => column)), [
      number(before),
      number(limit),
      ...given.map(([, value]) => value)
    ]).pipe(Effect.map((rows) => rows.map(entryOf)), deadline)
  },
  prune: (beforeMillis, maxRows) =>
    query<{ count: number }>(pruneText, [number(beforeMillis), number(maxRows)]).pipe(
      Effect.map((rows) => rows[0]?.count ?? 0),
      deadline
    )
})
