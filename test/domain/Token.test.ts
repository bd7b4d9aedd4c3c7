// Tokens as values: what is one, what is kept of it, and when it is taken.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Token from "../../src/domain/Token.ts"

const id = "0123456789abcdef"
const secret = "A".repeat(42) + "_"
const made: Token.MadeToken = {
  name: "ada's laptop",
  scope: "operate",
  salt: "5".repeat(32),
  hash: Token.hashOf("5".repeat(32), secret),
  who: "ada",
  atMillis: 1_000,
  expiresMillis: 5_000
}

describe("the text of a token", () => {
  it("has an id and a secret, and nothing around them", () => {
    const text = Token.showToken(id, secret)
    assert.deepStrictEqual(Token.parseToken(text), { id, secret })
    for (
      const wrong of [
        "",
        text.slice(0, -1),
        `${text}A`,
        ` ${text}`,
        `${text}\n`,
        text.toUpperCase(),
        `polya_${id}_`,
        id
      ]
    ) {
      assert.isUndefined(Token.parseToken(wrong), wrong)
    }
  })

  it.prop("is never made of anything else", [Schema.String], ([text]) => {
    assert.isUndefined(Token.parseToken(text))
  })

  it("gives another hash for every other salt and secret", () => {
    const hashes = [Token.hashOf("ab", "c"), Token.hashOf("a", "bc"), Token.hashOf("", "abc"), Token.hashOf("abc", "")]
    assert.strictEqual(new Set(hashes).size, 4)
    assert.match(made.hash, /^[0-9a-f]{64}$/)
  })
})

describe("a token", () => {
  const state: Token.TokenState = { made, revoked: null }

  it("is taken until it expires or is revoked", () => {
    assert.isUndefined(Token.refusalOf(state, 4_999))
    assert.strictEqual(Token.refusalOf(state, 5_000)?._tag, "TokenExpired")
    assert.isUndefined(Token.refusalOf({ ...state, made: { ...made, expiresMillis: null } }, 1e15))
    assert.strictEqual(Token.refusalOf({ ...state, revoked: { who: "e", atMillis: 2 } }, 3)?._tag, "TokenRevoked")
    assert.strictEqual(Token.refusalOf(Token.initialToken, 3)?._tag, "TokenUnknown")
  })

  it("is made once, and revoked for good", () => {
    const created = Token.create(Token.initialToken, { token: id, ...made })
    assert.strictEqual(created._tag, "Accepted")
    if (created._tag !== "Accepted") return
    assert.deepStrictEqual(created.state, state)
    assert.notInclude(JSON.stringify(created.events), made.hash)
    assert.strictEqual(Token.create(created.state, { token: id, ...made })._tag, "Refused")
    const revoked = Token.revoke(created.state, { token: id, who: "emmy", atMillis: 2_000 })
    assert.strictEqual(revoked._tag, "Accepted")
    if (revoked._tag !== "Accepted") return
    assert.deepStrictEqual(revoked.state.revoked, { who: "emmy", atMillis: 2_000 })
    const again = Token.revoke(revoked.state, { token: id, who: "ada", atMillis: 9_000 })
    assert.isTrue(again._tag === "Accepted" && again.state === revoked.state)
    assert.strictEqual(Token.revoke(Token.initialToken, { token: id, who: "ada", atMillis: 1 })._tag, "Refused")
  })

  it("has a name in one line", () => {
    const isName = Schema.is(Token.TokenName)
    for (const name of ["ada", "Ada Lovelace's laptop", "日本"]) assert.isTrue(isName(name), name)
    for (const name of ["", "   ", "two\nlines", "bell\u0007", "x".repeat(101), "a\u2028b"]) {
      assert.isFalse(isName(name), JSON.stringify(name))
    }
  })
})
