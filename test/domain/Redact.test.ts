import { assert, describe, it } from "@effect/vitest"
import { hasRedacted, redactAddresses, redactText } from "../../src/domain/Redact.ts"

describe("what is shown of addresses", () => {
  it("holds no user and no password", () => {
    for (
      const [text, shown] of [
        ["postgres://ada:se@cret@db.example/x", "postgres://<redacted>@db.example/x"],
        ["from HTTPS://ada@host and git+ssh://b:c@d", "from HTTPS://<redacted>@host and git+ssh://<redacted>@d"],
        ["http://host/a@b", "http://host/a@b"],
        ["mail ada@host, see ://", "mail ada@host, see ://"]
      ] as const
    ) {
      assert.strictEqual(redactText(text), shown)
      assert.strictEqual(redactText(shown), shown)
    }
    const shown = redactAddresses({ a: ["x://u@h"], b: 1 })
    assert.deepStrictEqual(shown, { a: ["x://<redacted>@h"], b: 1 })
    assert.isTrue(hasRedacted(shown))
  })

  it("takes time in proportion to the text, whatever it is made of", () => {
    for (const piece of ["a", "a.", "a@", "a://", "://", "a:", ":"]) {
      const text = piece.repeat(1_000_000)
      assert.strictEqual(redactText(`${text} `).length, text.length + 1)
    }
  })
})
