import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { divideSeats, shareOut } from "../../src/domain/Seats.ts"

const small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const wishes = Schema.Array(Schema.Struct({
  process: Schema.Literals(["p", "q", "r"]),
  owner: Schema.Literals(["a", "b", "c", "d"]),
  wanted: small(20)
})).check(Schema.isMaxLength(12))
const sum = (numbers: Iterable<number>): number => [...numbers].reduce((all, one) => all + one, 0)

describe("seats are shared", () => {
  it.prop("whole, never beyond what there is or what is wanted, and none is left while one is wanted", [
    small(40),
    Schema.Array(small(20)).check(Schema.isMaxLength(10)),
    small(5)
  ], ([total, wants, turn]) => {
    const shares = shareOut(total, wants, turn)
    assert.strictEqual(sum(shares), Math.min(total, sum(wants)))
    shares.forEach((share, at) => {
      assert.isTrue(Number.isInteger(share) && share >= 0 && share <= (wants[at] ?? 0))
      // Who wants more than it has has at most one seat less than anybody.
      if (share < (wants[at] ?? 0)) { for (const other of shares) assert.isAtMost(other, share + 1) }
    })
  })

  it.prop("among owners first, then among the processes of an owner, in whatever order they were heard", [
    small(40),
    wishes,
    small(5)
  ], ([limit, given, turn]) => {
    const seats = divideSeats(limit, given, turn)
    assert.strictEqual(sum(seats), Math.min(limit, sum(given.map(({ wanted }) => wanted))))
    const owners = [...new Set(given.map(({ owner }) => owner))].map((owner) => ({
      wanted: sum(given.flatMap((wish) => (wish.owner === owner ? [wish.wanted] : []))),
      seats: sum(given.flatMap((wish, at) => (wish.owner === owner ? [seats[at] ?? 0] : [])))
    }))
    for (const one of owners) {
      if (one.seats < one.wanted) { for (const other of owners) assert.isAtMost(other.seats, one.seats + 1) }
    }
  })

  it("in turn where there are fewer seats than owners", () => {
    const had = [0, 0, 0, 0]
    for (let turn = 0; turn < 8; turn++) {
      shareOut(1, [5, 5, 5, 5], turn).forEach((share, at) => had[at] = (had[at] ?? 0) + share)
    }
    assert.deepStrictEqual(had, [2, 2, 2, 2])
  })

  it("as an owner who wants little leaves the rest to the others", () => {
    assert.deepStrictEqual(shareOut(10, [1, 100, 100]), [1, 4, 5])
    assert.deepStrictEqual(shareOut(-3, [1]), [0])
    assert.deepStrictEqual(shareOut(5, []), [])
  })
})
