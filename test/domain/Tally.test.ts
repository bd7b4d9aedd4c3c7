// The laws of counting: tallies of disjoint batches add up in any order, and every row is somewhere exactly once.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { canonical, type Json } from "../../src/domain/Json.ts"
import { addTallies, type Counted, emptyTally, Tally, TallyBuilder } from "../../src/domain/Tally.ts"

const runs = { arbitrary: { seed: 2026, runs: 300 } }
const names = ["a", "b", "c", "d"]
const below = (n: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: n - 1 }))
const drawn = Schema.Array(Schema.Struct({
  derived: Schema.Boolean,
  from: below(4),
  at: below(4),
  status: Schema.Literals(["live", "expanded", "done", "dropped", "failed"]),
  fault: Schema.Boolean,
  children: below(4),
  source: Schema.Literals(["s", "t"])
})).check(Schema.isMaxLength(40))
type Drawn = (typeof drawn.Type)[number]

/** A row as a first walk over all stages says it. */
const rowOf = ({ at, children, derived, fault, from, source, status }: Drawn): Counted => {
  const decided = status !== "live" && status !== "done"
  const isFault = fault && !derived && status === "failed"
  const first = derived ? from : 0
  return {
    derived,
    from: isFault ? 0 : first,
    to: isFault ? 0 : names.length,
    status,
    stage: isFault ? -1 : decided ? Math.max(first, at) : null,
    reason: decided ? "reason" : null,
    children: status === "expanded" ? children : 0,
    millis: [],
    read: derived ? null : { source }
  }
}
const tallyOf = (rows: ReadonlyArray<Drawn>): Tally => {
  const builder = new TallyBuilder(names)
  for (const row of rows) builder.add(rowOf(row))
  return builder.tally
}
const total = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0)
const plain = (tally: Tally): Tally => JSON.parse(JSON.stringify(tally)) as Tally

describe("a tally", () => {
  it.prop("adds up in any order and any grouping", [drawn, drawn, drawn], ([x, y, z]) => {
    const [a, b, c] = [tallyOf(x), tallyOf(y), tallyOf(z)]
    const one = plain(tallyOf([...x, ...y, ...z]))
    assert.deepStrictEqual(plain(addTallies(addTallies(a, b), c)), one)
    assert.deepStrictEqual(plain(addTallies(c, addTallies(b, a))), one)
    assert.deepStrictEqual(plain(addTallies(emptyTally(names.length), one)), one)
  }, runs)

  it.prop("counts each source row as read, and as done, dropped or failed if it does not live", [drawn], ([rows]) => {
    const tally = tallyOf(rows)
    const sourceRows = rows.filter(({ derived }) => !derived)
    const alive = sourceRows.filter(({ status }) => status === "live").length
    assert.strictEqual(tally.in, sourceRows.length)
    assert.strictEqual(tally.in - alive, tally.done + total(tally.dropped) + tally.failed)
    assert.strictEqual(tally.in, total(tally.sources))
    const ended = rows.filter(({ derived, status }) => derived && status !== "live").length
    assert.strictEqual(total(tally.derived), ended)
  }, runs)

  it.prop("lets out of a stage what came in, without what ended there and with what was derived", [drawn], ([rows]) => {
    for (const stage of tallyOf(rows).stages) {
      assert.strictEqual(stage.in + stage.derived, stage.out + stage.dropped + stage.failed + stage.expanded)
    }
  }, runs)

  it("leaves the stages alone for a row that met none", () => {
    const builder = new TallyBuilder(names)
    const row = { derived: false, from: 0, to: 4, children: 0, millis: [], read: { source: "s" } }
    builder.add({ ...row, status: "dropped", stage: -1, reason: "cancelled" })
    assert.deepStrictEqual(builder.tally.stages, emptyTally(4).stages)
    assert.deepStrictEqual(builder.tally.dropped, { "source/cancelled": 1 })
  })

  it.prop("keeps itself through the store's text", [Tally], ([tally]) => {
    const stored = JSON.parse(JSON.stringify(Schema.encodeSync(Tally)(tally))) as Json
    assert.strictEqual(
      canonical(Schema.encodeSync(Tally)(Schema.decodeUnknownSync(Tally)(stored)) as Json),
      canonical(stored)
    )
  }, runs)
})
