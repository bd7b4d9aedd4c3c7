// `polya token`: makes, lists and revokes bearer tokens, in the store itself (nobody else may have a SQLite store open) or through the admin
// API of a running cluster. The text of a new token is printed once, on stdout alone.
import { Clock, Effect, Layer, Option, Redacted, Schema } from "effect"
import { existsSync } from "node:fs"
import { hostname, userInfo } from "node:os"
import { resolve } from "node:path"
import { Committer } from "../../actors/Committer.ts"
import * as TokenActor from "../../actors/TokenActor.ts"
import { type TokenInfo, Tokens } from "../../actors/Tokens.ts"
import { parseToken, TokenName, type TokenScope } from "../../domain/Token.ts"
import * as App from "../App.ts"
import { ClusterConfig, StoreConfig } from "../Config.ts"
import { ConfigPlaces } from "../Config/Settings.ts"
import * as EmbeddedCluster from "../EmbeddedCluster.ts"
import * as LiveSettings from "../LiveSettings.ts"
import { check } from "../YamlDocument/Findings.ts"
import { CommandFailed, misused, misusedBy, workFailed } from "./Failure.ts"
import { printLine, shown } from "./Say.ts"

/** Where the tokens are. */
export interface TokenPlace {
  readonly url: Option.Option<string>
  readonly data: Option.Option<string>
  readonly config: Option.Option<string>
  readonly json: boolean
}

interface NewToken {
  readonly info: TokenInfo
  readonly token: Redacted.Redacted<string>
}
/** What the commands need, of a store or of a cluster. */
interface TokenDesk {
  readonly create: (
    token: { readonly name: string; readonly scope: TokenScope; readonly expiresMillis: number | null }
  ) => Effect.Effect<NewToken, CommandFailed>
  readonly list: Effect.Effect<ReadonlyArray<TokenInfo>, CommandFailed>
  readonly revoke: (id: string) => Effect.Effect<void, CommandFailed>
}

export const createCommand = Effect.fn("Cli.tokenCreate")(
  function*(
    flags: TokenPlace & {
      readonly name: string
      readonly scope: TokenScope
      readonly expires: Option.Option<string>
    }
  ) {
    const name = check(TokenName, flags.name, { path: [] })
    if (name._tag === "Failure") {
      return yield* misused(`--name: ${name.failure.map(({ message }) => message).join("; ")}`)
    }
    const expiresMillis = yield* Option.match(flags.expires, {
      onNone: () => Effect.succeed(null),
      onSome: (text) => Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.map(lifeOf(text), (life) => now + life))
    })
    const { info, token } = yield* at(
      flags,
      true,
      (desk) => desk.create({ name: name.success, scope: flags.scope, expiresMillis })
    )
    const text = Redacted.value(token)
    if (flags.json) {
      const { id, name, scope } = info
      return yield* printLine({ event: "token", token: text, id, name, scope, expiresMillis: info.expiresMillis })
    }
    yield* Effect.sync(() => {
      process.stderr.write(`${sentenceOf(info)} This is the only time that it is shown.\n`)
      process.stdout.write(`${text}\n`)
    })
  }
)

export const listCommand = Effect.fn("Cli.tokenList")(function*(flags: TokenPlace) {
  const tokens = yield* at(flags, false, (desk) => desk.list)
  const write = (lines: ReadonlyArray<string>) =>
    Effect.sync(() => void process.stdout.write(lines.map((line) => `${line}\n`).join("")))
  if (flags.json) return yield* write(tokens.map((one) => JSON.stringify(one)))
  const nowMillis = yield* Clock.currentTimeMillis
  const rows = tokens.map((
    one
  ) => [one.id, one.scope, stateOf(one, nowMillis), day(one.madeMillis), one.madeBy, one.name])
  const all = [["ID", "SCOPE", "STATE", "MADE", "BY", "NAME"], ...rows]
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const lines = all.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd())
  yield* write(tokens.length === 0 ? ["no tokens"] : lines)
})

export const revokeCommand = Effect.fn("Cli.tokenRevoke")(function*(flags: TokenPlace & { readonly id: string }) {
  // Whoever has the whole token at hand may give it.
  const id = parseToken(flags.id)?.id ?? flags.id
  if (!/^[\w.-]{1,100}$/.test(id)) {
    return yield* misused("That is no id of a token", "`polya token list` shows the ids.", "TokenAbsent")
  }
  yield* at(flags, false, (desk) => desk.revoke(id))
  if (flags.json) return yield* printLine({ event: "revoked", id })
  yield* Effect.sync(() => process.stdout.write(`${id} is revoked; running processes refuse it within two seconds\n`))
})

const unitMillis: { readonly [unit: string]: number } = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
const longestMillis = 10 * 366 * 86_400_000

/** `30d` in milliseconds. */
export const lifeOf = (text: string): Effect.Effect<number, CommandFailed> => {
  const [, digits = "", unit = ""] = /^([1-9]\d{0,8})([mhdw])$/.exec(text) ?? []
  const millis = Number(digits) * (unitMillis[unit] ?? 0)
  return millis > 0 && millis <= longestMillis
    ? Effect.succeed(millis)
    : Effect.fail(misused(`--expires ${text}: write a time such as 12h, 30d or 8w, at most ten years`))
}

const day = (millis: number): string => new Date(millis).toISOString().slice(0, 10)
const stateOf = ({ expiresMillis, revokedMillis }: TokenInfo, nowMillis: number): string => {
  if (revokedMillis !== null) return `revoked ${day(revokedMillis)}`
  if (expiresMillis === null) return "usable"
  return expiresMillis <= nowMillis ? `expired ${day(expiresMillis)}` : `usable until ${day(expiresMillis)}`
}
const sentenceOf = ({ expiresMillis, id, name, scope }: TokenInfo): string =>
  `Token ${id} "${name}" with scope ${scope}, ${
    expiresMillis === null ? "without an end" : `until ${new Date(expiresMillis).toISOString()}`
  }.`

/** `make`: the store is made if it is not there. */
const at = <A>(
  place: TokenPlace,
  make: boolean,
  work: (desk: TokenDesk) => Effect.Effect<A, CommandFailed>
): Effect.Effect<A, CommandFailed> =>
  Option.isNone(place.url)
    ? inStore(place, make, work)
    : Option.isSome(place.data)
    ? Effect.fail(misused("--url is for a running cluster and --data for a store that nobody serves: give one of them"))
    : Effect.flatMap(overHttp(place.url), work)

const why = "polya token"
const whoAmI = (): string => {
  try {
    return `${userInfo().username}@${hostname()}`
  } catch {
    // A user without a name, as in some containers.
    return `${process.getuid?.() ?? "somebody"}@${hostname()}`
  }
}

interface Told {
  readonly _tag: string
  readonly message: string
}
const told = (error: Told): CommandFailed => {
  if (error instanceof CommandFailed) return error
  if (error._tag === "StoreInUse") {
    return misusedBy(
      error,
      "If `polya serve` has it open, ask that: --url http://127.0.0.1:7411, with POLYA_TOKEN if it wants one."
    )
  }
  return error._tag === "StoreFailed" || error._tag === "ActorUnavailable"
    ? workFailed(error.message, "", error._tag)
    : misusedBy(error)
}

const inStore = Effect.fnUntraced(function*<A>(
  { config, data }: TokenPlace,
  make: boolean,
  work: (desk: TokenDesk) => Effect.Effect<A, CommandFailed>
) {
  const places = { environment: process.env, directory: process.cwd(), file: Option.getOrUndefined(config) }
  const configuration = LiveSettings.layer.pipe(Layer.provideMerge(Layer.succeed(ConfigPlaces, places)))
  return yield* Effect.gen(function*() {
    const { dataDir: configured, databaseUrl } = yield* StoreConfig
    if (databaseUrl !== undefined && Option.isSome(data)) {
      return yield* misused(
        "--data names a SQLite store, but POLYA_DATABASE_URL is set: unset it, or leave --data away"
      )
    }
    const dataDir = resolve(Option.getOrElse(data, () => configured))
    if (databaseUrl === undefined && !make && !existsSync(App.storeFile(dataDir))) {
      return yield* misused(
        `There is no store in ${shown(dataDir)}`,
        "Name its folder with --data, or a running cluster with --url."
      )
    }
    const desk = TokenActor.layer.pipe(
      Layer.provideMerge(Tokens.layer),
      Layer.provideMerge(Committer.layer),
      Layer.provideMerge(EmbeddedCluster.layer({ clusterShards: (yield* ClusterConfig).shards })),
      Layer.provideMerge(App.storeLayer({ dataDir, supervise: false }))
    )
    return yield* Effect.flatMap(Tokens, (tokens) => {
      const by = { who: whoAmI(), why }
      return work({
        create: (token) => Effect.mapError(tokens.create(token, by), told),
        list: Effect.mapError(tokens.list, told),
        revoke: (id) => Effect.mapError(tokens.revoke(id, by), told)
      })
    }).pipe(Effect.provide(desk))
  }).pipe(Effect.provide(configuration), Effect.mapError(told))
})

const Created = Schema.Struct({ token: Schema.String, info: Schema.Unknown })

const overHttp = (url: Option.Option<string>): Effect.Effect<TokenDesk, CommandFailed> =>
  Effect.gen(function*() {
    const { remote } = yield* Effect.promise(() => import("./Remote.ts"))
    const cluster = yield* remote(url)
    return {
      create: (token) =>
        // A token whose text was lost on its way would be one that nobody holds.
        Effect.flatMap(cluster.sendOnce("POST", "/admin/tokens", { ...token, why }), (answer) =>
          Schema.is(Created)(answer)
            ? Effect.succeed({ info: answer.info as TokenInfo, token: Redacted.make(answer.token) })
            : Effect.fail(workFailed(`${cluster.url} did not answer with a token.`, "", "AnswerUnreadable"))),
      list: Effect.map(cluster.get("/admin/tokens"), ({ items }) => items as ReadonlyArray<TokenInfo>),
      revoke: (id) => Effect.asVoid(cluster.send("DELETE", `/admin/tokens/${encodeURIComponent(id)}`))
    }
  })
