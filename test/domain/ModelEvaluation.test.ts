import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Evaluation from "../../src/domain/ModelEvaluation.ts"
import { MetricsBuilder } from "../../src/domain/ModelEvaluation/Metrics.ts"
import { listCharacters, listsOf } from "../../src/domain/ModelEvaluation/Problems.ts"
import { emptyResultTally, type ResultTally } from "../../src/domain/ModelEvaluation/Results.ts"
import { evaluationSpec, problemsOf } from "../actors/EvaluationFixture.ts"

const accepted = <S>(decision: { readonly _tag: string; readonly state?: S }): S => {
  if (decision._tag !== "Accepted" || decision.state === undefined) throw new Error(JSON.stringify(decision))
  return decision.state
}
const ended = (right: number): ResultTally => ({ ...emptyResultTally, right })

const running = (lists: ReadonlyArray<number>): Evaluation.EvaluationState => {
  let state = accepted(Evaluation.create(Evaluation.initialEvaluation, { spec: evaluationSpec(), atMillis: 1 }))
  for (const [list, problems] of lists.entries()) state = accepted(Evaluation.add(state, { list, problems }))
  const problems = lists.reduce((a, b) => a + b, 0)
  return accepted(Evaluation.start(state, { problems, atMillis: 2 }))
}

describe("the state of an evaluation", () => {
  it.prop(
    "counts each list once, whatever order reports come in and however often",
    [Schema.Array(Schema.Struct({ list: Schema.Literals([0, 1, 2]), ended: Schema.Literals([1, 2, 3]) }))],
    ([reports]) => {
      let state = running([3, 3, 3])
      const most = [0, 0, 0]
      for (const { ended: right, list } of reports) {
        state = accepted(Evaluation.progress(state, { list, tally: ended(right) }))
        most[list] = Math.max(most[list] ?? 0, right)
        assert.strictEqual(Evaluation.totalOf(state).right, most.reduce((a, b) => a + b, 0))
      }
      for (const list of [2, 0, 1]) state = accepted(Evaluation.progress(state, { list, tally: ended(3) }))
      assert.deepStrictEqual([state.closed, state.closedApart, state.open, state.tally.right], [3, [], [], 9])
    }
  )

  it("ends once, when all lists have, and not before", () => {
    const metrics = new MetricsBuilder(null).metrics
    const state = running([2, 1])
    assert.strictEqual(Evaluation.finish(state, { metrics, atMillis: 5 })._tag, "Refused")
    const whole = [0, 1].reduce(
      (now, list) => accepted(Evaluation.progress(now, { list, tally: ended(2 - list) })),
      state
    )
    const done = accepted(Evaluation.finish(whole, { metrics, atMillis: 5 }))
    assert.strictEqual(Evaluation.finish(done, { metrics, atMillis: 6 })._tag, "Refused")
    assert.strictEqual(Evaluation.workedOf(done, 100), 3)
  })

  it("goes on after a break with the time that it was worked, and not after it was cancelled", () => {
    const broke = accepted(Evaluation.breakOff(running([1]), { error: { tag: "Full", message: "full" }, atMillis: 12 }))
    const again = accepted(Evaluation.resume(broke, { why: "", atMillis: 100 }))
    assert.deepStrictEqual([again.status, Evaluation.workedOf(again, 105), again.error], ["running", 15, null])
    const cancelling = accepted(Evaluation.cancel(again, { why: "enough", atMillis: 110 }))
    assert.strictEqual(cancelling.status, "cancelling")
    const cancelled = accepted(Evaluation.cancelled(cancelling))
    assert.strictEqual(Evaluation.resume(cancelled, { why: "", atMillis: 120 })._tag, "Refused")
  })

  it("finds a problem's list and place", () => {
    const state = running([2, 3])
    assert.deepStrictEqual(Evaluation.placeOf(state, 4), { list: 1, at: 2 })
    assert.strictEqual(Evaluation.placeOf(state, 5), undefined)
    assert.strictEqual(Evaluation.startOf(state, 1), 2)
  })
})

describe("lists of problems", () => {
  it("hold at most two hundred, and no more characters than they may", () => {
    const lists = listsOf(problemsOf(450))
    assert.deepStrictEqual(lists.map(({ length }) => length), [200, 200, 50])
    const long = problemsOf(5).map((one) => ({ ...one, text: "x".repeat(listCharacters / 2) }))
    assert.deepStrictEqual(listsOf(long).map(({ length }) => length), [1, 1, 1, 1, 1])
  })
})
