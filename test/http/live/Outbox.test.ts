import { assert, describe, it } from "@effect/vitest"
import { Feed } from "../../../src/http/live/Feed.ts"
import { maxAnswers, Outbox } from "../../../src/http/live/Outbox.ts"

const words = {
  isNewer: (at: string, than: string) => Number(at) > Number(than),
  snapshot: ({ at }: { readonly at: string }) => `"snapshot":${at}`,
  delta: (before: { readonly at: string }, now: { readonly at: string }) => `"delta":[${before.at},${now.at}]`
}
const feedOf = (...versions: ReadonlyArray<number>): Feed => {
  const feed = new Feed("f", words)
  for (const version of versions) feed.push({ at: String(version), value: version })
  return feed
}
const make = (newsPerSecond = 10) => {
  const sent: Array<any> = []
  const wire = { unsent: 0, wants: 0 }
  const outbox = new Outbox(
    { unsentBytes: () => wire.unsent, send: (text) => void sent.push(JSON.parse(text)) },
    { framesPerSecond: 10, newsPerSecond },
    () => void wire.wants++
  )
  return { outbox, sent, wire }
}
const messages = (sent: ReadonlyArray<any>) => sent.flatMap((frame) => frame.messages)

describe("an outbox", () => {
  it("sends at most ten frames a second, numbered, and the latest state of each watch", () => {
    const { outbox, sent } = make()
    const feed = feedOf(1)
    outbox.watch(7, feed, null)
    for (let millis = 0; millis < 1_000; millis += 10) {
      feed.push({ at: String(2 + millis), value: millis })
      outbox.flush(millis)
    }
    assert.strictEqual(sent.length, 10)
    assert.deepStrictEqual(sent.map(({ frame }) => frame), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    const [first, ...deltas] = messages(sent)
    assert.deepStrictEqual(first, { watch: 7, snapshot: 2 })
    let at = 2
    for (const { delta } of deltas) {
      assert.strictEqual(delta[0], at)
      at = delta[1]
    }
    assert.strictEqual(at, 902)
  })

  it("sends answers, too, in at most ten frames a second", () => {
    const { outbox, sent } = make()
    for (let millis = 0; millis < 1_000; millis += 10) {
      outbox.answer(`{"id":${millis}}`)
      outbox.flush(millis)
    }
    assert.strictEqual(sent.length, 10)
    outbox.flush(1_000)
    assert.strictEqual(messages(sent).length, 100)
  })

  it("makes no frame while the client has not taken the ones before, and then one of the newest state", () => {
    const { outbox, sent, wire } = make()
    const feed = feedOf(1)
    outbox.watch(1, feed, null)
    outbox.flush(0)
    wire.unsent = 100_000
    for (let at = 2; at < 5_000; at++) {
      feed.push({ at: String(at), value: at })
      outbox.flush(at)
    }
    assert.strictEqual(sent.length, 1)
    wire.unsent = 0
    outbox.flush(10_000)
    // What it has is too old for a difference.
    assert.deepStrictEqual(messages(sent).at(-1), { watch: 1, snapshot: 4_999 })
    assert.isTrue(outbox.isEmpty)
  })

  it("tells since when a client takes nothing", () => {
    const { outbox, wire } = make()
    assert.strictEqual(outbox.stuckMillis(0), 0)
    wire.unsent = 10
    assert.strictEqual(outbox.stuckMillis(1_000), 0)
    assert.strictEqual(outbox.stuckMillis(9_000), 8_000)
    wire.unsent = 9
    assert.strictEqual(outbox.stuckMillis(10_000), 0)
    wire.unsent = 0
    assert.strictEqual(outbox.stuckMillis(99_000), 0)
  })

  it("keeps answers in order, ahead of news", () => {
    const { outbox, sent } = make()
    outbox.watch(1, feedOf(1), null)
    for (let i = 0; i < maxAnswers; i++) outbox.answer(`{"id":${i}}`)
    assert.strictEqual(outbox.waiting, maxAnswers)
    outbox.flush(0)
    assert.deepStrictEqual(
      messages(sent).slice(0, -1).map(({ id }) => id),
      Array.from({ length: maxAnswers }, (_, at) => at)
    )
    assert.deepStrictEqual(messages(sent).at(-1), { watch: 1, snapshot: 1 })
  })

  it("makes one snapshot for all clients whose values are not kept, however they name them", () => {
    let snapshots = 0
    const feed = new Feed("f", { ...words, snapshot: (now) => words.snapshot(now) + " ".repeat(++snapshots) })
    feed.push({ at: "9", value: 9 })
    for (const from of [null, "1", "2", "3"]) {
      assert.deepStrictEqual(feed.messageFrom(from), { at: "9", text: "\"snapshot\":9 " })
    }
    assert.strictEqual(snapshots, 1)
  })

  it("sends nothing to a client that has the newest value, or a newer one", () => {
    for (const from of ["5", "6"]) {
      const { outbox, sent } = make()
      outbox.watch(1, feedOf(4, 5), from)
      outbox.flush(0)
      assert.deepStrictEqual(sent, [])
      assert.isTrue(outbox.isEmpty)
    }
  })

  it("shows news more seldom than answers where many share a process", () => {
    const { outbox, sent } = make(2)
    const feed = feedOf(1)
    outbox.watch(1, feed, null)
    for (let millis = 0; millis < 1_000; millis += 100) {
      feed.push({ at: String(2 + millis), value: millis })
      outbox.answer(`{"id":${millis}}`)
      outbox.flush(millis)
    }
    assert.strictEqual(sent.length, 10)
    assert.strictEqual(messages(sent).filter(({ watch }) => watch !== undefined).length, 2)
  })

  it("leaves the feed when a watch ends", () => {
    const { outbox } = make()
    const feed = feedOf(1)
    outbox.watch(1, feed, null)
    assert.strictEqual(outbox.unwatch(1), feed)
    assert.strictEqual(feed.listeners.size, 0)
    assert.strictEqual(outbox.unwatch(1), undefined)
    outbox.watch(2, feed, null)
    assert.deepStrictEqual(outbox.clear(), [feed])
    assert.strictEqual(outbox.size, 0)
    // A watch that comes when the client has gone does not begin.
    outbox.reserve(3)
    assert.isTrue(outbox.has(3))
    assert.isFalse(outbox.watch(3, feed, null))
    assert.deepStrictEqual([outbox.size, feed.listeners.size], [0, 0])
  })
})
