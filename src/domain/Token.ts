// Bearer tokens: `polya_<id>_<secret>`. The id is public and names the actor; of the secret only a salted hash is kept, so nobody can read
// a token out of the store. A token is made once, may expire, may be revoked, and never comes back.
import { Schema } from "effect"
import type { Facets } from "./Commit.ts"
import { accept, type Decision, refuse } from "./Decision.ts"
import { digest } from "./Ids.ts"

/** Each includes the ones before it. */
export const TokenScope = Schema.Literals(["read", "operate", "admin"])
export type TokenScope = typeof TokenScope.Type

/** What people call a token; it stands in the audit log. */
export const TokenName = Schema.String.check(
  Schema.isMinLength(1),
  Schema.isMaxLength(100),
  Schema.isPattern(/^(?=.*\S)[^\p{Cc}\p{Zl}\p{Zp}]+$/u, { expected: "a name in one line" })
)
const Hex = (digits: number) => Schema.String.check(Schema.isPattern(new RegExp(`^[0-9a-f]{${digits}}$`)))

export const idDigits = 16
export const TokenId = Hex(idDigits)

export const TokenState = Schema.Struct({
  /** Null: no such token was ever made. */
  made: Schema.NullOr(Schema.Struct({
    name: TokenName,
    scope: TokenScope,
    salt: Hex(32),
    hash: Hex(64),
    who: Schema.String,
    atMillis: Schema.Finite,
    /** Null: it does not expire. */
    expiresMillis: Schema.NullOr(Schema.Finite)
  })),
  revoked: Schema.NullOr(Schema.Struct({ who: Schema.String, atMillis: Schema.Finite }))
})
export type TokenState = typeof TokenState.Type
export type MadeToken = NonNullable<TokenState["made"]>

export const initialToken: TokenState = { made: null, revoked: null }

/** Said of every token that is not one, whatever is wrong with it. */
export class TokenUnknown extends Schema.TaggedError<TokenUnknown>()("TokenUnknown", {}, { httpApiStatus: 401 }) {
  override get message() {
    return "The bearer token is not valid here; `polya token create` makes one"
  }
}
export class TokenExpired extends Schema.TaggedError<TokenExpired>()("TokenExpired", { atMillis: Schema.Finite }, {
  httpApiStatus: 401
}) {
  override get message() {
    return `The bearer token expired at ${new Date(this.atMillis).toISOString()}; \`polya token create\` makes another`
  }
}
export class TokenRevoked extends Schema.TaggedError<TokenRevoked>()("TokenRevoked", {}, { httpApiStatus: 401 }) {
  override get message() {
    return "The bearer token was revoked; `polya token create` makes another"
  }
}
/** There is no token of that id to be revoked. */
export class TokenAbsent extends Schema.TaggedError<TokenAbsent>()("TokenAbsent", { token: Schema.String }, {
  httpApiStatus: 404
}) {
  override get message() {
    return `There is no token ${this.token}; \`polya token list\` shows those there are`
  }
}
/** The id belongs to another token. Ids are random: make it again. */
export class TokenTaken extends Schema.TaggedError<TokenTaken>()("TokenTaken", { token: Schema.String }, {
  httpApiStatus: 409
}) {
  override get message() {
    return `There is a token ${this.token} already: make it again, with another id`
  }
}
export const refusals = Schema.Union([TokenAbsent, TokenTaken])

export const CreateFields = {
  token: TokenId,
  name: TokenName,
  scope: TokenScope,
  salt: Hex(32),
  hash: Hex(64),
  who: Schema.String,
  atMillis: Schema.Finite,
  expiresMillis: Schema.NullOr(Schema.Finite)
}
export const create = (
  state: TokenState,
  { token, ...made }: Schema.Struct<typeof CreateFields>["Type"]
): Decision<TokenState, void, TokenTaken> => {
  if (state.made !== null) return refuse(new TokenTaken({ token }))
  const { expiresMillis, name, scope } = made
  return accept({ ...state, made }, undefined, [{ _tag: "Made", name, scope, expiresMillis }])
}

export const RevokeFields = { token: Schema.String, who: Schema.String, atMillis: Schema.Finite }
/** Revoking what is revoked changes nothing. */
export const revoke = (
  state: TokenState,
  { atMillis, token, who }: Schema.Struct<typeof RevokeFields>["Type"]
): Decision<TokenState, void, TokenAbsent> => {
  if (state.made === null) return refuse(new TokenAbsent({ token }))
  return state.revoked === null
    ? accept({ ...state, revoked: { who, atMillis } }, undefined, [{ _tag: "Revoked" }])
    : accept(state, undefined)
}

/** Why a token whose secret is right is not taken; none: it is. */
export const refusalOf = ({ made, revoked }: TokenState, nowMillis: number) => {
  if (made === null) return new TokenUnknown()
  if (revoked !== null) return new TokenRevoked()
  return made.expiresMillis !== null && made.expiresMillis <= nowMillis
    ? new TokenExpired({ atMillis: made.expiresMillis })
    : undefined
}

/** Hex SHA-256 of a secret with the token's own salt. */
export const hashOf = (salt: string, secret: string): string => digest(["token", salt, secret], 64)

const secretCharacters = 43
export const showToken = (id: string, secret: string): string => `polya_${id}_${secret}`
const form = new RegExp(`^polya_([0-9a-f]{${idDigits}})_([A-Za-z0-9_-]{${secretCharacters}})$`)

/** The two parts of a token; none: it cannot be one. */
export const parseToken = (text: string): { readonly id: string; readonly secret: string } | undefined => {
  const [, id, secret] = form.exec(text) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

/** What lists know of a token. */
export const describe = ({ made, revoked }: TokenState): Facets => ({
  status: made === null ? "none" : revoked === null ? "made" : "revoked",
  stage: null,
  group: null,
  attempts: 0,
  error: null,
  waiting: null,
  text: made === null ? null : `${made.name} ${made.scope}`
})
