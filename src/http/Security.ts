// Who asks, and whether they may. A token that is given is always checked. Without one, a server that only this machine can reach takes its
// callers as "local" with all rights, unless a web page of another site, a forged host name (DNS rebinding) or a proxy might stand behind the
// request. Requests are counted per client, and wrong tokens per address. The same check guards WebSocket upgrades.
import { Clock, Context, Effect, Layer, Redacted } from "effect"
import type { ActorUnavailable } from "../actors/Committer.ts"
import type { Scope } from "../actors/Gateway.ts"
import { Tokens } from "../actors/Tokens.ts"
import { parseToken, type TokenExpired, type TokenRevoked, type TokenUnknown } from "../domain/Token.ts"
import { makeBuckets } from "./Buckets.ts"
import { HttpLimits, originsOf } from "./Limits.ts"
import { OriginRefused, RateExceeded, TokenMissing } from "./Refusals.ts"

/** Who gives a command; `name` goes into the audit log. */
export interface Caller {
  readonly name: string
  readonly scope: Scope
  /** Null: a local caller without a token. */
  readonly tokenId: string | null
}

/** Whose code it is: tenants share no interpreter process. */
export const tenantOf = ({ tokenId }: Caller): string => tokenId ?? "local"

/** What of a request says who asks. */
export interface Credentials {
  readonly headers: { readonly [name: string]: string | ReadonlyArray<string> | undefined }
  /** A token that came by another way than the Authorization header. */
  readonly token?: string | undefined
  readonly address: string
  /** A page's origin matters even with a token: browsers open WebSockets to any site. */
  readonly upgrade?: boolean
  /** Asked before, and asked again on a WebSocket: it is no request that counts. */
  readonly again?: boolean
  /** Clients of this API always send a key: where none is needed, one that is no token of ours counts as none. */
  readonly anyKey?: boolean
}

export type Unidentified =
  | TokenMissing
  | TokenUnknown
  | TokenExpired
  | TokenRevoked
  | OriginRefused
  | RateExceeded
  | ActorUnavailable

export class Security extends Context.Service<Security, {
  readonly identify: (credentials: Credentials) => Effect.Effect<Caller, Unidentified>
  /** Counts a request of a client (an address, or `token ID`) that needs no check, or had it; false: too many. */
  readonly admits: (client: string) => boolean
  /** Whether pages of that origin may use the API from a browser, those of the server itself aside. */
  readonly isAllowedOrigin: (origin: string) => boolean
}>()("polya/Security") {
  /** `exposed`: the server can be reached from beyond this machine. */
  static readonly layer = (options: { readonly exposed: boolean }): Layer.Layer<Security, never, Tokens> =>
    Layer.effect(Security, Effect.suspend(() => make(options)))
}

/** Wrong tokens that one address may give at once, and a second. */
const wrongTokenBurst = 20
const wrongTokensPerSecond = 1
const maxClients = 20_000
/** Tokens that are taken although their address gave too many wrong ones: behind a proxy all clients have one address. */
const maxAccepted = 4_096

const one = (value: string | ReadonlyArray<string> | undefined): string | undefined =>
  typeof value === "string" ? value : value?.[0]

/** The name in a Host header or an address, without port and brackets. */
const nameOf = (host: string): string =>
  (/^\[([^\]]*)\](?::\d{1,5})?$/.exec(host)?.[1] ?? host.replace(/^([^:]*):\d{1,5}$/, "$1")).toLowerCase()

/** Names and addresses that lead to this machine only. */
export const isLoopback = (host: string): boolean => {
  const name = nameOf(host)
  return name === "localhost" || name.endsWith(".localhost") || name === "::1" || /^127\.\d+\.\d+\.\d+$/.test(name) ||
    /^::ffff:127\.\d+\.\d+\.\d+$/.test(name)
}

const make = Effect.fnUntraced(function*({ exposed }: { readonly exposed: boolean }) {
  const tokens = yield* Tokens
  const limits = yield* HttpLimits
  const clock = yield* Clock.Clock
  const nowMillis = () => clock.currentTimeMillisUnsafe()
  const needsToken = exposed || limits.requireToken === "always"
  const requests = makeBuckets({
    rate: () => limits.requestsPerSecond,
    burst: () => limits.requestBurst,
    maxClients,
    nowMillis
  })
  const wrongTokens = makeBuckets({
    rate: () => wrongTokensPerSecond,
    burst: () => wrongTokenBurst,
    maxClients,
    nowMillis
  })
  const rateExceeded = Effect.suspend(() =>
    Effect.fail(new RateExceeded({ requestsPerSecond: limits.requestsPerSecond }))
  )
  // Callers of this machine use the same name again and again.
  let lastHost = { host: "", isLoopback: false }
  const isLocalHost = (host: string): boolean => {
    if (lastHost.host !== host) lastHost = { host, isLoopback: isLoopback(host) }
    return lastHost.isLoopback
  }
  const isAllowedOrigin = (origin: string): boolean => {
    const allowed = originsOf(limits.allowedOrigins)
    return allowed.includes("*") || allowed.includes(origin)
  }
  const isOwnOrigin = (origin: string, host: string | undefined): boolean =>
    host !== undefined && URL.parse(origin)?.host === host.toLowerCase()

  const foreignOrigin = ({ headers }: Credentials): string | undefined => {
    const origin = one(headers["origin"])
    if (origin !== undefined) {
      return isOwnOrigin(origin, one(headers["host"])) || isAllowedOrigin(origin) ? undefined : origin.slice(0, 200)
    }
    return one(headers["sec-fetch-site"]) === "cross-site" ? "another site" : undefined
  }
  const isTrustedPage = ({ headers }: Credentials): boolean => {
    const origin = one(headers["origin"])
    return origin === undefined || isOwnOrigin(origin, one(headers["host"])) ||
      originsOf(limits.allowedOrigins).includes(origin)
  }
  /** A proxy speaks for others, whom nobody has identified. */
  const isForwarded = ({ headers }: Credentials): boolean =>
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"].some((name) => headers[name] !== undefined)

  const local: Caller = { name: "local", scope: "admin", tokenId: null }
  const withoutToken = (
    credentials: Credentials
  ): Effect.Effect<Caller, TokenMissing | OriginRefused | RateExceeded> => {
    const host = one(credentials.headers["host"])
    if (needsToken || host === undefined || !isLocalHost(host) || isForwarded(credentials)) {
      return requests.take(credentials.address) ? Effect.fail(new TokenMissing()) : rateExceeded
    }
    const origin = foreignOrigin(credentials)
    if (origin !== undefined) return Effect.fail(new OriginRefused({ origin }))
    if (!requests.take(credentials.address)) return rateExceeded
    // Every page may ask, but only one that was named is trusted with what the owner of this machine may do.
    return isTrustedPage(credentials) ? Effect.succeed(local) : Effect.fail(new TokenMissing())
  }
  /** Ids of tokens that were right, in the order of their last use. */
  const accepted = new Set<string>()
  const accept = (tokenId: string): void => {
    accepted.delete(tokenId)
    accepted.add(tokenId)
    if (accepted.size <= maxAccepted) return
    const [oldest] = accepted
    if (oldest !== undefined) accepted.delete(oldest)
  }
  const withToken = (token: string, { address, again }: Credentials): Effect.Effect<Caller, Unidentified> => {
    const verified = tokens.verify(Redacted.make(token))
    if (again === true) return verified
    const id = parseToken(token)?.id ?? ""
    if (!wrongTokens.has(address) && !accepted.has(id)) return rateExceeded
    return verified.pipe(
      Effect.tapError(({ _tag }) =>
        Effect.sync(() => {
          if (_tag === "ActorUnavailable") return
          wrongTokens.take(address)
          if (_tag !== "TokenUnknown") accepted.delete(id)
        })
      ),
      Effect.flatMap((caller) => {
        accept(caller.tokenId)
        return requests.take(`token ${caller.tokenId}`) ? Effect.succeed(caller) : rateExceeded
      })
    )
  }

  return Security.of({
    identify: (credentials) => {
      if (credentials.upgrade === true) {
        const origin = foreignOrigin(credentials)
        if (origin !== undefined) return Effect.fail(new OriginRefused({ origin }))
      }
      const authorization = one(credentials.headers["authorization"])
      // Another scheme than Bearer is a wrong token, not none.
      const token = authorization === undefined
        ? credentials.token
        : /^bearer +(\S+) *$/i.exec(authorization)?.[1] ?? ""
      const isNone = token === undefined ||
        (credentials.anyKey === true && !needsToken && token !== "" && parseToken(token) === undefined)
      return isNone ? withoutToken(credentials) : withToken(token, credentials)
    },
    admits: (client) => requests.take(client),
    isAllowedOrigin
  })
})

/** Who asks, where that is known already: a WebSocket's messages come from the one whom its upgrade named. */
export const KnownCaller = Context.Reference<Caller | undefined>("polya/http/KnownCaller", {
  defaultValue: () => undefined
})

/** Why, where that was said beside the request: a header holds ASCII alone. */
export const GivenWhy = Context.Reference<string | undefined>("polya/http/GivenWhy", { defaultValue: () => undefined })

/** Who asks, for the handlers of a request. */
export class CurrentCaller extends Context.Service<CurrentCaller, Caller>()("polya/CurrentCaller") {}
