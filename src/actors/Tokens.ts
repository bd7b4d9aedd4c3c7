// Makes, checks, lists and revokes bearer tokens. A check reads the token's row at most every 1.5 seconds, so that a revocation holds
// everywhere within two; when the store cannot be asked, nobody is let in. Which part of a token is wrong is never told, and takes no time of its own.
import { Clock, Context, Effect, Fiber, Layer, Redacted } from "effect"
import type { Sharding } from "effect/cluster"
import { randomBytes, timingSafeEqual } from "node:crypto"
import type { By } from "../domain/Commit.ts"
import { type ActorRow } from "../domain/Commit.ts"
import * as Token from "../domain/Token.ts"
import { ActorStore, type StoreFailed } from "./ActorStore.ts"
import { ActorUnavailable } from "./Committer.ts"
import { TokenActor } from "./TokenActor.ts"

/** Who a token speaks for. */
export interface Caller {
  readonly name: string
  readonly scope: Token.TokenScope
  readonly tokenId: string
}

export interface TokenInfo {
  readonly id: string
  readonly name: string
  readonly scope: Token.TokenScope
  readonly madeBy: string
  readonly madeMillis: number
  /** Null: it does not expire. */
  readonly expiresMillis: number | null
  readonly revokedBy: string | null
  readonly revokedMillis: number | null
  /** When this process last took it, to the minute; null: not since the process began. */
  readonly lastUsedMillis: number | null
  readonly usable: boolean
}

export class Tokens extends Context.Service<Tokens, {
  /** The text of the token is told here and never again. `expiresMillis`: a point in time; null: never. */
  readonly create: (
    token: { readonly name: string; readonly scope: Token.TokenScope; readonly expiresMillis: number | null },
    by: By
  ) => Effect.Effect<
    { readonly info: TokenInfo; readonly token: Redacted.Redacted<string> },
    Token.TokenTaken | ActorUnavailable
  >
  /** In the order of their ids, revoked and expired ones included; at most 10,000. */
  readonly list: Effect.Effect<ReadonlyArray<TokenInfo>, StoreFailed>
  readonly revoke: (id: string, by: By) => Effect.Effect<void, Token.TokenAbsent | ActorUnavailable>
  readonly verify: (
    token: Redacted.Redacted<string>
  ) => Effect.Effect<Caller, Token.TokenUnknown | Token.TokenExpired | Token.TokenRevoked | ActorUnavailable>
  /** Whether there is an admin token that could be used now. */
  readonly any: Effect.Effect<boolean, ActorUnavailable>
}>()("polya/Tokens") {
  static readonly layer: Layer.Layer<Tokens, never, ActorStore | Sharding.Sharding> = Layer.effect(
    Tokens,
    Effect.suspend(() => make())
  )
}

const freshMillis = 1_500
const loadMillis = 5_000
/** Tokens that are remembered, wrong ones included. */
const maxRemembered = 4_096
/** Tokens that may be looked up at once. */
const maxLoads = 256
const pageRows = 1_000
const maxPages = 10

interface Remembered {
  readonly state: Token.TokenState
  /** When its reading began. */
  readonly atMillis: number
}
/** Stands for tokens that do not exist, so that they take as long as others. */
const nobody = { salt: "0".repeat(32), hash: "0".repeat(64) }

const make = Effect.fnUntraced(function*() {
  const store = yield* ActorStore
  const clientOf = yield* TokenActor.client
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const remembered = new Map<string, Remembered>()
  const loads = new Map<string, Fiber.Fiber<Token.TokenState, ActorUnavailable>>()
  const lastUsed = new Map<string, number>()
  let admin: { readonly any: boolean; readonly atMillis: number } | undefined

  const isFresh = ({ atMillis }: { readonly atMillis: number }): boolean => {
    const ageMillis = clock.currentTimeMillisUnsafe() - atMillis
    return ageMillis >= 0 && ageMillis < freshMillis
  }
  const load = Effect.fnUntraced(function*(id: string) {
    const atMillis = clock.currentTimeMillisUnsafe()
    const [row] = yield* store.load([{ type: TokenActor.type, id }])
    const state = yield* decoded(id, row)
    remember(remembered, id, { state, atMillis })
    return state
  })
  /** Callers share one look-up of a token; it goes on when one of them leaves. */
  const stateOf = (id: string): Effect.Effect<Token.TokenState, ActorUnavailable> =>
    Effect.suspend(() => {
      const known = remembered.get(id)
      if (known !== undefined && isFresh(known)) return Effect.succeed(known.state)
      const running = loads.get(id)
      if (running !== undefined) return Fiber.join(running)
      if (loads.size >= maxLoads) {
        return Effect.fail(
          new ActorUnavailable({ reason: "overloaded", detail: `${maxLoads} tokens are being looked up already` })
        )
      }
      const looking = within(load(id)).pipe(Effect.ensuring(Effect.sync(() => loads.delete(id))))
      return Effect.flatMap(Effect.forkIn(looking, scope, { startImmediately: false }), (fiber) => {
        loads.set(id, fiber)
        return Fiber.join(fiber)
      })
    })

  const infoOf = (id: string, made: Token.MadeToken, state: Token.TokenState): TokenInfo => ({
    id,
    name: made.name,
    scope: made.scope,
    madeBy: made.who,
    madeMillis: made.atMillis,
    expiresMillis: made.expiresMillis,
    revokedBy: state.revoked?.who ?? null,
    revokedMillis: state.revoked?.atMillis ?? null,
    lastUsedMillis: lastUsed.get(id) ?? null,
    usable: Token.refusalOf(state, clock.currentTimeMillisUnsafe()) === undefined
  })
  const list = Effect.gen(function*() {
    const all: Array<TokenInfo> = []
    let after: string | undefined
    for (let page = 0; page < maxPages; page++) {
      const rows: ReadonlyArray<{ readonly id: string } & ActorRow> = yield* store.list(TokenActor.type, {
        limit: pageRows,
        ...(after === undefined ? {} : { after })
      })
      for (const row of rows) {
        const state = TokenActor.codec.decode(row.state)
        if (state.made !== null) all.push(infoOf(row.id, state.made, state))
      }
      after = rows.at(-1)?.id
      if (rows.length < pageRows) break
    }
    return all
  })

  return Tokens.of({
    create: Effect.fn("Tokens.create")(function*({ expiresMillis, name, scope }, by) {
      const [id, salt] = [hex(Token.idDigits / 2), hex(16)]
      const secret = randomBytes(32).toString("base64url")
      const atMillis = clock.currentTimeMillisUnsafe()
      const made = { name, scope, salt, hash: Token.hashOf(salt, secret), who: by.who, atMillis, expiresMillis }
      yield* Effect.catchTag(
        clientOf(id).send("Create", { token: id, ...made }, { by }),
        "TokenAbsent",
        (impossible) => Effect.die(impossible)
      )
      remembered.delete(id)
      admin = undefined
      return {
        info: infoOf(id, made, { made, revoked: null }),
        token: Redacted.make(Token.showToken(id, secret), { label: `token ${id}` })
      }
    }),
    list,
    revoke: Effect.fn("Tokens.revoke")(function*(id, by) {
      const atMillis = clock.currentTimeMillisUnsafe()
      yield* Effect.catchTag(
        clientOf(id).send("Revoke", { token: id.slice(0, 100), who: by.who, atMillis }, { by }),
        "TokenTaken",
        (impossible) => Effect.die(impossible)
      )
      remembered.delete(id)
      admin = undefined
    }),
    verify: Effect.fn("Tokens.verify")(function*(token) {
      const parts = Token.parseToken(Redacted.value(token))
      if (parts === undefined) return yield* new Token.TokenUnknown()
      const state = yield* stateOf(parts.id)
      const { hash, salt } = state.made ?? nobody
      const isRight = timingSafeEqual(Buffer.from(hash), Buffer.from(Token.hashOf(salt, parts.secret)))
      if (!isRight || state.made === null) return yield* new Token.TokenUnknown()
      const nowMillis = clock.currentTimeMillisUnsafe()
      const refusal = Token.refusalOf(state, nowMillis)
      if (refusal !== undefined) return yield* refusal
      remember(lastUsed, parts.id, nowMillis - nowMillis % 60_000)
      const { name, scope } = state.made
      return { name, scope, tokenId: parts.id }
    }),
    any: Effect.suspend(() => {
      if (admin !== undefined && isFresh(admin)) return Effect.succeed(admin.any)
      const atMillis = clock.currentTimeMillisUnsafe()
      return within(Effect.map(list, (all) => {
        const any = all.some(({ scope, usable }) => usable && scope === "admin")
        admin = { any, atMillis }
        return any
      }))
    })
  })
})

/** Puts it at the end of a map whose oldest entries leave. */
const remember = <A>(map: Map<string, A>, id: string, value: A): void => {
  map.delete(id)
  map.set(id, value)
  for (const oldest of map.keys()) {
    if (map.size <= maxRemembered) break
    map.delete(oldest)
  }
}

const decoded = (id: string, row: ActorRow | undefined): Effect.Effect<Token.TokenState, ActorUnavailable> =>
  row === undefined ? Effect.succeed(Token.initialToken) : Effect.try({
    try: () => TokenActor.codec.decode(row.state),
    catch: () =>
      new ActorUnavailable({ reason: "unreadable", detail: `the stored state of token ${id} does not fit its schema` })
  })

/** The store's answer, or that it could not answer in time. */
const within = <A>(asked: Effect.Effect<A, StoreFailed | ActorUnavailable>): Effect.Effect<A, ActorUnavailable> =>
  asked.pipe(
    Effect.catchTag("StoreFailed", ({ detail, reason }) => Effect.fail(new ActorUnavailable({ reason, detail }))),
    Effect.timeoutOrElse({
      duration: loadMillis,
      orElse: () =>
        Effect.fail(
          new ActorUnavailable({ reason: "unavailable", detail: `the store did not answer within ${loadMillis} ms` })
        )
    })
  )

const hex = (bytes: number): string => randomBytes(bytes).toString("hex")
