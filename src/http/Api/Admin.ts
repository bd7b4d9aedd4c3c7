// Routes for those who run the cluster: its processes and cluster shards, every actor of every type, commands in bulk, settings, the audit log.
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { ActorId, Scope } from "../../actors/Gateway.ts"
import { DescribedSettings, SettingChange } from "../../actors/Settings.ts"
import { TokenName } from "../../domain/Token.ts"
import { problems } from "../Problems.ts"
import * as Shapes from "./Shapes.ts"

const Process = Schema.Struct({
  id: Schema.String,
  kind: Schema.String,
  address: Schema.NullOr(Schema.String),
  groups: Schema.Array(Schema.String),
  startedMillis: Schema.Finite,
  seenMillis: Schema.Finite,
  /** Seconds since it last said something, by the store's clock. */
  silentSeconds: Schema.Finite,
  state: Schema.Literals(["starting", "ready", "draining", "ended"]),
  vitals: Schema.Record(Schema.String, Shapes.JsonValue)
})

const ClusterShard = Schema.Struct({
  /** `group:number` */
  shard: Schema.String,
  /** None: no process said within the last seconds that it holds it. More than one: it is on its way from one to another. */
  owners: Schema.Array(Schema.Struct({ process: Schema.String, address: Schema.NullOr(Schema.String) }))
})

const Queue = Schema.Struct({
  process: Schema.String,
  address: Schema.NullOr(Schema.String),
  /** Commands that wait for a flush. */
  waitingCommands: Schema.Finite,
  /** Rows that wait for a stage worker. */
  stageQueue: Schema.Finite,
  /** Actors in memory, by type. */
  residents: Schema.Record(Schema.String, Schema.Finite),
  eventLoopMillis: Schema.Finite
})

const filter = Schema.Struct({
  type: Shapes.Word,
  statuses: Schema.optionalKey(Schema.Array(Shapes.Word).check(Schema.isMaxLength(20))),
  stages: Schema.optionalKey(Schema.Array(Shapes.Word).check(Schema.isMaxLength(20))),
  group: Schema.optionalKey(ActorId),
  text: Schema.optionalKey(Shapes.Words),
  sinceMillis: Schema.optionalKey(Shapes.Millis),
  untilMillis: Schema.optionalKey(Shapes.Millis)
})

export const maxBulk = 10_000
export const Bulk = Schema.Struct({
  filter,
  command: Schema.String.check(Schema.isPattern(/^[A-Za-z][A-Za-z-]{0,49}$/u)).annotate({
    description: "A command of the type, such as `Pause` or `rerun-failed`; GET /admin/types lists them."
  }),
  payload: Schema.optionalKey(Schema.Record(Schema.String.check(Schema.isMaxLength(100)), Shapes.GivenJson)),
  /** True (default): only counts, and shows a sample. */
  dryRun: Schema.optionalKey(Schema.Boolean),
  /** The count that the dry run gave: if it is another now, nothing is done. */
  expect: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))),
  /** The `next` of the call before. */
  after: Schema.optionalKey(
    Schema.String.check(
      Schema.isPattern(/^\d{1,16}~\d{1,16}~[A-Za-z0-9._:-]{1,200}$/u, { expected: "the `next` of the call before" })
    )
  ),
  limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxBulk }))),
  why: Shapes.Why
})
export const BulkPreview = Schema.Struct({
  dryRun: Schema.Literal(true),
  count: Schema.Int,
  /** There may be more than `count`: it counts up to a million, and as far as a bounded look for words goes. */
  more: Schema.Boolean,
  sample: Schema.Array(Shapes.Entry)
})
export const BulkDone = Schema.Struct({
  dryRun: Schema.Literal(false),
  /** Names the whole bulk: the same again has no second effect on any actor. */
  commandId: Schema.String,
  done: Schema.Int,
  /** How many refused, by tag. */
  refused: Schema.Record(Schema.String, Schema.Int),
  examples: Schema.Array(Schema.Struct({ id: Schema.String, tag: Schema.String, detail: Schema.String })),
  /** The `after` of the next call with the same key; null: all were asked. */
  next: Schema.NullOr(Schema.String)
})

const AuditEntry = Schema.Struct({
  seq: Schema.Finite,
  atMillis: Schema.Finite,
  who: Schema.String,
  why: Schema.String,
  command: Schema.String,
  type: Schema.NullOr(Schema.String),
  id: Schema.NullOr(Schema.String),
  commandId: Schema.NullOr(Schema.String),
  version: Schema.NullOr(Schema.Int),
  outcome: Schema.Literals(["done", "refused"]),
  detail: Schema.NullOr(Schema.String)
})

const TokenShape = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  scope: Scope,
  madeBy: Schema.String,
  madeMillis: Schema.Finite,
  expiresMillis: Schema.NullOr(Schema.Finite),
  revokedBy: Schema.NullOr(Schema.String),
  revokedMillis: Schema.NullOr(Schema.Finite),
  /** When the process that was asked last took it, to the minute. */
  lastUsedMillis: Schema.NullOr(Schema.Finite),
  usable: Schema.Boolean
})

const group = Schema.optionalKey(ActorId)
const shortText = Schema.String.check(Schema.isMaxLength(200))

export class Admin extends HttpApiGroup.make("admin")
  .add(
    HttpApiEndpoint.get("processes", "/processes", {
      success: Schema.Struct({ nowMillis: Schema.Finite, items: Schema.Array(Process) })
    }).annotateMerge(Shapes.about("read", "The processes of the cluster with what they say of themselves")),
    HttpApiEndpoint.get("clusterShards", "/cluster-shards", {
      success: Schema.Struct({ items: Schema.Array(ClusterShard) })
    }).annotateMerge(Shapes.about("read", "The cluster shards and who owns them")),
    HttpApiEndpoint.get("queues", "/queues", {
      success: Schema.Struct({ items: Schema.Array(Queue) })
    }).annotateMerge(Shapes.about("read", "What waits in each process: commands, rows for stage workers")),
    HttpApiEndpoint.get("types", "/types", {
      success: Schema.Struct({
        items: Schema.Array(Schema.Struct({
          type: Schema.String,
          commands: Schema.Array(Schema.Struct({
            name: Schema.String,
            summary: Schema.String,
            scope: Scope,
            /** JSON Schema of the payload. */
            payload: Shapes.JsonValue
          }))
        }))
      })
    }).annotateMerge(Shapes.about("read", "The types of actors and their commands")),
    HttpApiEndpoint.get("tallies", "/tallies", {
      query: { type: Schema.optionalKey(Shapes.Word), group },
      success: Schema.Struct({
        items: Schema.Array(Schema.Struct({
          type: Schema.String,
          status: Schema.String,
          stage: Schema.NullOr(Schema.String),
          count: Schema.Int
        }))
      })
    }).annotateMerge(Shapes.about("read", "How many actors there are by type, status and stage")),
    HttpApiEndpoint.get("actors", "/actors", {
      query: {
        type: Shapes.Word,
        group,
        ...Shapes.FilterQuery,
        ...Shapes.PageQuery,
        count: Schema.optionalKey(Schema.Literals(["true", "false"]))
      },
      success: Schema.Struct({
        ...Shapes.pageOf(Shapes.Entry).fields,
        /** With `count=true`: how many the filter holds for, counted up to 100,000 and as far as a bounded look goes. */
        count: Schema.NullOr(Schema.Int),
        /** With `count=true`: there may be more than `count`. */
        more: Schema.NullOr(Schema.Boolean)
      }),
      error: problems("TypeUnknown")
    }).annotateMerge(Shapes.about("read", "Actors by type, status, stage, group, words and age", Shapes.shortPages)),
    HttpApiEndpoint.get("actor", "/actors/:type/:id", {
      params: Shapes.TypeParams,
      success: Schema.Struct({
        ...Shapes.Snapshot.fields,
        /** What lists know of it; null for types that are in no list. */
        entry: Schema.NullOr(Shapes.Entry)
      }),
      error: problems("TypeUnknown", "ActorUnknown")
    }).annotateMerge(
      Shapes.about("read", "An actor: state, version, status, attempts, errors, what it waits for and since when")
    ),
    HttpApiEndpoint.get("history", "/actors/:type/:id/history", {
      params: Shapes.TypeParams,
      query: Shapes.HistoryQuery,
      success: Shapes.History,
      error: problems("TypeUnknown", "ActorUnknown")
    }).annotateMerge(Shapes.about("read", "The actor's commits with their events, newest first")),
    HttpApiEndpoint.get("asOf", "/actors/:type/:id/versions/:version", {
      params: { ...Shapes.TypeParams, ...Shapes.VersionField },
      success: Shapes.Snapshot,
      error: problems("TypeUnknown", "VersionUnknown")
    }).annotateMerge(Shapes.about("read", "The actor's state as it was at a version"))
  )
  .add(
    HttpApiEndpoint.put("replace", "/actors/:type/:id/state", {
      params: Shapes.TypeParams,
      headers: Shapes.CommandHeaders,
      payload: Schema.Struct({
        expected: Shapes.Version.annotate({ description: "The version that the new state was made from." }),
        state: Shapes.GivenJson,
        why: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(500))
      }),
      success: Shapes.answered(Schema.Struct({ version: Schema.Int, commandId: Schema.String })),
      error: problems("KeyReused", "TypeUnknown", "ActorUnknown", "VersionMoved", "StateUnfit")
    }).annotateMerge(
      Shapes.about(
        "admin",
        "Puts another state in place of the one at version `expected`",
        "Passwords in addresses are shown as <redacted> and have to be written out."
      )
    ),
    HttpApiEndpoint.post("command", "/actors/:type/:id/commands/:command", {
      params: { ...Shapes.TypeParams, command: Bulk.fields.command },
      headers: Shapes.CommandHeaders,
      payload: Shapes.optionalBody({
        payload: Schema.optionalKey(Schema.Record(Schema.String.check(Schema.isMaxLength(100)), Shapes.GivenJson)),
        why: Shapes.Why
      }),
      success: Shapes.answered(Shapes.Done),
      error: problems(
        "TypeUnknown",
        "CommandUnknown",
        "PayloadUnfit",
        "KeyReused",
        "RunUnknown",
        "RunNotReady",
        "RunTaken",
        "AdvanceStale",
        "StageUnknown",
        "ProblemUnknown",
        "ProblemChanged",
        "RecordStale",
        "StageNotReached"
      )
    }).annotateMerge(Shapes.about("operate", "Any command of any type; GET /admin/types lists them")),
    HttpApiEndpoint.post("bulk", "/bulk", {
      headers: Shapes.CommandHeaders,
      payload: Bulk,
      success: Shapes.answered(Schema.Union([BulkPreview, BulkDone])),
      error: problems("TypeUnknown", "CommandUnknown", "PayloadUnfit", "CountMoved")
    }).annotateMerge(
      Shapes.about(
        "operate",
        "One command for all actors that a filter holds for",
        `First a dry run, which is the default; then \`dryRun: false\`. At most ${maxBulk} actors a call: while \`next\` is not null, ` +
          "give the same again with it as `after` and the same Idempotency-Key. An actor is commanded once per key, however often it is given."
      )
    ).annotate(Shapes.OwnDeadline, true)
  )
  .add(
    HttpApiEndpoint.get("config", "/config", { success: DescribedSettings }).annotateMerge(
      Shapes.about("read", "The settings in force in this process and where each came from")
    ),
    HttpApiEndpoint.patch("setConfig", "/config", {
      headers: Shapes.CommandHeaders,
      payload: Schema.Struct({
        patch: Schema.Record(
          Schema.String.check(Schema.isMaxLength(100)),
          Schema.NullOr(Schema.Union([Schema.String.check(Schema.isMaxLength(10_000)), Schema.Finite, Schema.Boolean]))
        ).check(Schema.isMaxProperties(100)).annotate({
          description: "New values by `area.field`; null goes back to what each process was started with."
        }),
        expected: Schema.optionalKey(Shapes.Millis),
        why: Shapes.Why
      }),
      success: Shapes.answered(Schema.Struct({ number: Schema.Int, commandId: Schema.String })),
      error: problems("KeyReused", "SettingInvalid", "SettingNotLive", "ConfigMoved", "ConfigFull")
    }).annotateMerge(
      Shapes.about("admin", "Changes live settings for the whole cluster", "In force everywhere within two seconds.")
    ),
    HttpApiEndpoint.get("configHistory", "/config/history", {
      query: Shapes.HistoryQuery,
      success: Schema.Struct({ items: Schema.Array(SettingChange), next: Schema.NullOr(Schema.Int) })
    }).annotateMerge(Shapes.about("read", "Who changed which live settings, newest first")),
    HttpApiEndpoint.get("audit", "/audit", {
      query: {
        who: Schema.optionalKey(shortText),
        type: Schema.optionalKey(Shapes.Word),
        id: Schema.optionalKey(ActorId),
        command: Schema.optionalKey(shortText),
        ...Shapes.HistoryQuery
      },
      success: Schema.Struct({ items: Schema.Array(AuditEntry), next: Schema.NullOr(Schema.Finite) })
    }).annotateMerge(Shapes.about("read", "Who commanded what, when and why, newest first; refusals too")),
    HttpApiEndpoint.get("tokens", "/tokens", {
      success: Schema.Struct({ items: Schema.Array(TokenShape) })
    }).annotateMerge(Shapes.about("admin", "Every token, without its secret; revoked and expired ones too")),
    HttpApiEndpoint.post("createToken", "/tokens", {
      headers: { "x-reason": Shapes.CommandHeaders["x-reason"] },
      payload: Schema.Struct({
        name: TokenName,
        scope: Scope,
        /** A point in time; null or absent: never. */
        expiresMillis: Schema.optionalKey(Schema.NullOr(Shapes.Millis)),
        why: Shapes.Why
      }),
      success: Schema.Struct({ token: Schema.String, info: TokenShape }).annotate({ httpApiStatus: 201 }),
      error: problems("TokenTaken")
    }).annotateMerge(Shapes.about("admin", "Makes a token", "Its text is told here and never again.")),
    HttpApiEndpoint.delete("revokeToken", "/tokens/:id", {
      params: { id: ActorId },
      headers: { "x-reason": Shapes.CommandHeaders["x-reason"] },
      success: HttpApiSchema.NoContent,
      error: problems("TokenAbsent")
    }).annotateMerge(Shapes.about("admin", "Revokes a token", "Nobody takes it any more within two seconds.")),
    HttpApiEndpoint.get("retention", "/retention", {
      success: Schema.Struct({
        repliesMillis: Schema.Finite,
        eventsMillis: Schema.Finite,
        versionsMillis: Schema.Finite,
        everyMillis: Schema.Finite
      })
    }).annotateMerge(Shapes.about("read", "For how long the past is kept, and how often it is looked through")),
    HttpApiEndpoint.post("retain", "/retention", {
      headers: Shapes.CommandHeaders,
      payload: Shapes.optionalBody({ why: Shapes.Why }),
      success: Schema.Struct({
        replies: Schema.Int,
        events: Schema.Int,
        versions: Schema.Int,
        /** There is more: ask again. */
        more: Schema.Boolean
      })
    }).annotateMerge(
      Shapes.about(
        "admin",
        "Deletes what is past its age now",
        "At most 50,000 rows of each kind a call; it also runs by itself."
      )
    )
  )
  .middleware(Shapes.Guard)
  .prefix("/admin")
  .annotateMerge(OpenApi.annotations({ description: "For those who run the cluster." }))
{}
