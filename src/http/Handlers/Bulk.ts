// One command for all actors that a filter holds for. Actors are taken oldest first, and only those that were in their state before the bulk
// began: so an actor that the command itself moves is not met again. Each gets a command id made of the bulk's and its own, so that the
// same bulk given again, after a cut or by mistake, has no second effect on any actor.
import { Clock, Effect, Schema } from "effect"
import { type ActorFilter, ActorIndex, type ActorPage, searchOn } from "../../actors/ActorIndex.ts"
import { Gateway, PayloadUnfit, type Refusal } from "../../actors/Gateway.ts"
import { digest } from "../../domain/Ids.ts"
import type { Json } from "../../domain/Json.ts"
import { type Bulk, type BulkDone, type BulkPreview, maxBulk } from "../Api/Admin.ts"
import { CountMoved } from "../Refusals.ts"
import { byOf, commanded, type CommandHeaders, commandIdOf, withKey } from "./Commands.ts"
import { cursorOf, showCursor } from "./Lists.ts"

/** What a dry run counts up to. */
const maxCount = 1_000_000
const sampleSize = 20
/** Pages that are read for the sample. */
const samplePages = 4
const pageSize = 500
/** Commands of one bulk in work at once. */
const concurrency = 64
/** A call that works for so long ends with what it did, and says where to go on. */
const workMillis = 20_000

/** The name as the gateway knows it, of `Pause`, `pause` or `rerun-failed`. */
export const commandName = (name: string): string =>
  name.split("-").map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("")

type Request = typeof Bulk.Type

export const bulk = Effect.fnUntraced(function*(headers: CommandHeaders, request: Request) {
  const commandId = commandIdOf(headers)
  const by = yield* byOf(headers, request.why)
  const name = commandName(request.command)
  const what = { by, command: `Bulk.${name}`, type: request.filter.type, id: null, commandId }
  return withKey(commandId, yield* commanded(what, run(request, name, by, commandId)))
})

const run = Effect.fnUntraced(function*(
  request: Request,
  name: string,
  by: { readonly who: string; readonly why: string },
  commandId: string
) {
  const { after, dryRun = true, expect, filter, limit = maxBulk, payload = {} } = request
  const gateway = yield* Gateway
  const index = yield* ActorIndex
  const { payload: schema } = yield* gateway.find(filter.type, name)
  // What no actor could take is refused once, not by each of them.
  yield* Schema.decodeUnknownEffect(schema)(payload, { onExcessProperty: "error" }).pipe(
    Effect.mapError((error) => new PayloadUnfit({ detail: error.message }))
  )
  if (dryRun) return yield* preview(filter)
  if (expect !== undefined && after === undefined) {
    const { count } = yield* index.count(filter, maxCount)
    if (count !== expect) return yield* new CountMoved({ expected: expect, count })
  }
  const startedMillis = yield* Clock.currentTimeMillis
  const at = after?.indexOf("~") ?? -1
  const untilMillis = after === undefined
    ? Math.min(filter.untilMillis ?? Number.MAX_SAFE_INTEGER, startedMillis)
    : Number(after.slice(0, at))
  let cursor = after === undefined ? null : cursorOf(after.slice(at + 1))
  const told = {
    done: 0,
    refused: {} as { [tag: string]: number },
    examples: [] as Array<typeof BulkDone.Type.examples[number]>
  }
  let asked = 0
  let ended = false
  while (asked < limit && !ended) {
    const wanted: number = Math.min(pageSize, limit - asked)
    const page: ActorPage = yield* index.search({ ...filter, untilMillis }, {
      order: "oldest",
      after: cursor,
      limit: wanted
    })
    yield* Effect.forEach(page.entries, ({ id }) =>
      Effect.match(
        Effect.flatMap(Clock.currentTimeMillis, (nowMillis) =>
          gateway.command({
            type: filter.type,
            id,
            command: name,
            payload: payload as Json,
            by,
            commandId: `bulk-${digest([commandId, id], 32)}`,
            // Of what cannot be reached no more is waited for than the call has time.
            deadlineMillis: Math.max(1_000, startedMillis + workMillis - nowMillis)
          })),
        {
          onSuccess: () => void told.done++,
          onFailure: ({ _tag: tag, message }: Refusal) => {
            told.refused[tag] = (told.refused[tag] ?? 0) + 1
            if (told.examples.length < sampleSize) told.examples.push({ id, tag, detail: message.slice(0, 500) })
          }
        }
      ), { concurrency, discard: true })
    asked += page.entries.length
    cursor = page.next
    ended = cursor === null
    if ((yield* Clock.currentTimeMillis) - startedMillis > workMillis) break
  }
  return {
    dryRun: false,
    commandId,
    ...told,
    next: cursor === null ? null : `${untilMillis}~${showCursor(cursor)}`
  } satisfies typeof BulkDone.Type
})

const preview = Effect.fnUntraced(function*(filter: ActorFilter) {
  const index = yield* ActorIndex
  const [{ count, more }, { entries: sample }] = yield* Effect.all([
    index.count(filter, maxCount),
    searchOn(index, filter, { order: "oldest", limit: sampleSize, maxPages: samplePages })
  ], { concurrency: 2 })
  return { dryRun: true, count, more, sample } satisfies typeof BulkPreview.Type
})
