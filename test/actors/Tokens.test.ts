// Who is let in by which token, how soon a revocation holds, and that nobody is let in while the store cannot be asked.
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { ActorStore, StoreFailed } from "../../src/actors/ActorStore.ts"
import * as ActorStoreMemory from "../../src/actors/ActorStoreMemory.ts"
import { Committer } from "../../src/actors/Committer.ts"
import * as TokenActor from "../../src/actors/TokenActor.ts"
import { Tokens } from "../../src/actors/Tokens.ts"
import * as EmbeddedCluster from "../../src/runners/EmbeddedCluster.ts"

const by = { who: "ada", why: "a test" }
const forever = (name: string, scope: "read" | "operate" | "admin" = "read") => ({ name, scope, expiresMillis: null })

/** A store that counts what it is asked and can be away or slow. */
const watchedStore = Effect.gen(function*() {
  const store = Context.get(yield* Layer.build(Layer.fresh(ActorStoreMemory.layer)), ActorStore)
  const world = { loads: 0, away: false, slow: false, texts: [] as Array<string> }
  const meet = <A>(asked: Effect.Effect<A, StoreFailed>): Effect.Effect<A, StoreFailed> =>
    Effect.suspend(() =>
      world.slow
        ? Effect.never
        : world.away
        ? Effect.fail(new StoreFailed({ reason: "unavailable", detail: "away" }))
        : asked
    )
  const watched: ActorStore["Service"] = {
    ...store,
    load: (keys) => {
      world.loads++
      return meet(store.load(keys))
    },
    list: (...args) => meet(store.list(...args)),
    commit: (batch) => {
      world.texts.push(JSON.stringify(batch))
      return store.commit(batch)
    }
  }
  return { world, store: watched }
})
const processOver = (store: ActorStore["Service"]) =>
  Effect.gen(function*() {
    const context = yield* Layer.build(Layer.fresh(
      TokenActor.layer.pipe(
        Layer.provideMerge(Tokens.layer),
        Layer.provideMerge(Committer.layer),
        Layer.provideMerge(EmbeddedCluster.layer()),
        Layer.provideMerge(Layer.succeed(ActorStore, store))
      )
    ))
    yield* TestClock.adjust(1)
    return Context.get(context, Tokens)
  })
const alone = Effect.flatMap(
  watchedStore,
  ({ store, world }) => Effect.map(processOver(store), (tokens) => ({ tokens, world, store }))
)
const refusalOf = (tokens: Tokens["Service"], text: string) =>
  Effect.map(Effect.flip(tokens.verify(Redacted.make(text))), (error) => error)

describe("a bearer token", () => {
  it.effect("speaks for its name with its scope, on every process, and is kept only as a hash", () =>
    Effect.gen(function*() {
      const { store, tokens, world } = yield* alone
      const there = yield* processOver(store)
      const { info, token } = yield* tokens.create(forever("ada's laptop", "operate"), by)
      const text = Redacted.value(token)
      assert.match(text, /^polya_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/)
      const caller = { name: "ada's laptop", scope: "operate", tokenId: info.id } as const
      assert.deepStrictEqual(yield* tokens.verify(token), caller)
      assert.deepStrictEqual(yield* there.verify(Redacted.make(text)), caller)
      const secret = text.split("_").slice(2).join("_")
      assert.isAbove(world.texts.length, 0)
      assert.notInclude(world.texts.join(), secret)
      assert.notInclude(JSON.stringify(yield* tokens.list) + String(token) + JSON.stringify(token), secret)
    }))

  it.effect("that is malformed, tampered with, another's or nobody's is refused in the same words", () =>
    Effect.gen(function*() {
      const { tokens } = yield* alone
      const text = Redacted.value((yield* tokens.create(forever("a"), by)).token)
      const other = Redacted.value((yield* tokens.create(forever("b"), by)).token)
      const id = text.slice(0, 23)
      const last = text.endsWith("A") ? "B" : "A"
      const wrong = [
        "",
        "polya",
        text.slice(0, -1),
        `${text}=`,
        text.slice(0, -1) + last,
        text.replace(/_./, (two) => two === "_0" ? "_1" : "_0"),
        id + other.slice(23),
        other.slice(0, 23) + text.slice(23),
        `polya_${"0".repeat(16)}_${"A".repeat(43)}`,
        "x".repeat(1_000_000)
      ]
      const messages = new Set<string>()
      for (const one of wrong) {
        const error = yield* refusalOf(tokens, one)
        assert.strictEqual(error._tag, "TokenUnknown", one.slice(0, 80))
        messages.add(JSON.stringify(error) + error.message)
      }
      assert.strictEqual(messages.size, 1)
    }))

  it.effect("is refused from the moment it expires", () =>
    Effect.gen(function*() {
      const { tokens } = yield* alone
      const { token } = yield* tokens.create({ name: "short", scope: "admin", expiresMillis: 60_001 }, by)
      yield* TestClock.adjust(59_999)
      assert.strictEqual((yield* tokens.verify(token)).name, "short")
      assert.isTrue(yield* tokens.any)
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* refusalOf(tokens, Redacted.value(token)))._tag, "TokenExpired")
      yield* TestClock.adjust(2_000)
      assert.isFalse(yield* tokens.any)
      // Who does not have the secret is not told that there was such a token.
      const forged = Redacted.value(token).slice(0, 23) + "A".repeat(43)
      assert.strictEqual((yield* refusalOf(tokens, forged))._tag, "TokenUnknown")
    }))

  it.effect("that was revoked is refused at once there and within two seconds elsewhere", () =>
    Effect.gen(function*() {
      const { store, tokens } = yield* alone
      const there = yield* processOver(store)
      const { info, token } = yield* tokens.create(forever("a", "admin"), by)
      yield* there.verify(token)
      yield* tokens.revoke(info.id, { who: "emmy", why: "lost" })
      assert.strictEqual((yield* refusalOf(tokens, Redacted.value(token)))._tag, "TokenRevoked")
      yield* TestClock.adjust(2_000)
      assert.strictEqual((yield* refusalOf(there, Redacted.value(token)))._tag, "TokenRevoked")
      assert.isFalse(yield* there.any)
      yield* tokens.revoke(info.id, by)
      const [shown] = yield* tokens.list
      assert.deepInclude(shown, { revokedBy: "emmy", usable: false })
      const absent = yield* Effect.flip(tokens.revoke("0".repeat(16), by))
      assert.strictEqual(absent._tag, "TokenAbsent")
    }))

  it.effect("lets nobody in while the store is away or does not answer", () =>
    Effect.gen(function*() {
      const { tokens, world } = yield* alone
      const { token } = yield* tokens.create(forever("a", "admin"), by)
      yield* tokens.verify(token)
      world.away = true
      yield* TestClock.adjust(2_000)
      const away = yield* refusalOf(tokens, Redacted.value(token))
      assert.deepInclude(away, { _tag: "ActorUnavailable", reason: "unavailable" })
      assert.strictEqual((yield* Effect.flip(tokens.any))._tag, "ActorUnavailable")
      world.slow = true
      const asked = yield* Effect.forkChild(refusalOf(tokens, Redacted.value(token)))
      yield* TestClock.adjust(6_000)
      assert.strictEqual((yield* Fiber.join(asked))._tag, "ActorUnavailable")
      Object.assign(world, { away: false, slow: false })
      assert.strictEqual((yield* tokens.verify(token)).name, "a")
    }))

  it.effect("costs one look at the store for all who ask within the time that it is remembered", () =>
    Effect.gen(function*() {
      const { tokens, world } = yield* alone
      const { token } = yield* tokens.create(forever("a"), by)
      world.loads = 0
      yield* Effect.all(Array.from({ length: 100 }, () => tokens.verify(token)), { concurrency: "unbounded" })
      yield* Effect.forEach(Array.from({ length: 100 }), () => tokens.verify(token))
      const nobody = `polya_${"0".repeat(16)}_${"A".repeat(43)}`
      yield* Effect.all(Array.from({ length: 100 }, () => refusalOf(tokens, nobody)), { concurrency: "unbounded" })
      assert.strictEqual(world.loads, 2)
    }))

  it.effect("of which there are very many wrong ones takes no more than its share of memory and of the store", () =>
    Effect.gen(function*() {
      const { tokens, world } = yield* alone
      const { token } = yield* tokens.create(forever("a"), by)
      const wrong = (index: number) => `polya_${String(index).padStart(16, "0")}_${"A".repeat(43)}`
      yield* Effect.forEach(
        Array.from({ length: 6_000 }, (_, index) => index),
        (index) => refusalOf(tokens, wrong(index))
      )
      assert.strictEqual((yield* tokens.verify(token)).name, "a")
      // The oldest were forgotten.
      world.loads = 0
      yield* refusalOf(tokens, wrong(0))
      yield* refusalOf(tokens, wrong(5_999))
      assert.strictEqual(world.loads, 1)
      world.slow = true
      const many = yield* Effect.forkChild(
        Effect.all(Array.from({ length: 300 }, (_, index) => refusalOf(tokens, wrong(10_000 + index))), {
          concurrency: "unbounded"
        })
      )
      yield* TestClock.adjust(6_000)
      const reasons = (yield* Fiber.join(many)).map((error) => error._tag === "ActorUnavailable" ? error.reason : "")
      assert.strictEqual(reasons.filter((reason) => reason === "overloaded").length, 300 - 256)
      assert.strictEqual(reasons.filter((reason) => reason === "unavailable").length, 256)
    }))

  it.effect("that one asks for and leaves is still looked up for the others", () =>
    Effect.gen(function*() {
      const { tokens, world } = yield* alone
      const { token } = yield* tokens.create(forever("a"), by)
      world.slow = true
      const leaves = yield* Effect.forkChild(tokens.verify(token))
      const stays = yield* Effect.forkChild(refusalOf(tokens, Redacted.value(token)))
      yield* TestClock.adjust(1_000)
      yield* Fiber.interrupt(leaves)
      yield* TestClock.adjust(5_000)
      assert.strictEqual((yield* Fiber.join(stays))._tag, "ActorUnavailable")
    }))

  it.effect("is listed with who made it, when it ends and when it was last used here", () =>
    Effect.gen(function*() {
      const { tokens } = yield* alone
      yield* TestClock.adjust(90_000)
      const { info, token } = yield* tokens.create({ name: "a", scope: "read", expiresMillis: 1_000_000 }, by)
      assert.deepStrictEqual(info, {
        id: info.id,
        name: "a",
        scope: "read",
        madeBy: "ada",
        madeMillis: 90_001,
        expiresMillis: 1_000_000,
        revokedBy: null,
        revokedMillis: null,
        lastUsedMillis: null,
        usable: true
      })
      yield* tokens.verify(token)
      assert.deepStrictEqual(yield* tokens.list, [{ ...info, lastUsedMillis: 60_000 }])
    }))
})
