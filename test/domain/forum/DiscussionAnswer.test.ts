import { assert, describe, it } from "@effect/vitest"
import { discussedAnswers } from "../../../src/domain/forum/DiscussionAnswer.ts"
import type { PostProblem } from "../../../src/domain/forum/PostProblems.ts"

const one = (
  kind: PostProblem["kind"] = "other",
  problem = "Find $(a,b)$."
): ReadonlyArray<PostProblem> => [{ problem, kind, number: null }]
const answer = (reply: string, problems = one()) => discussedAnswers(problems, [], [reply])[0]?.value ?? null

describe("an explicit answer is taken", () => {
  it.each([
    ["So the answer is 9.", "9"],
    ["The answer is $\\frac{3}{4}$, because ...", "\\frac{3}{4}"],
    ["answer: 1,024", "1,024"],
    ["Hence the final answer is $x = 5.$", "5"],
    ["[hide]ANSWER IS -7/2[/hide]", "-7/2"],
    ["It follows that \\boxed{\\sqrt{2}}.", "\\sqrt{2}"],
    ["[quote]the answer is 3[/quote]No, the answer is 4.", "4"],
    ["so $(a, b) = (1, -2)$.", "(1, -2)"]
  ])("%s", (reply, value) => assert.strictEqual(answer(reply), value))
})

describe("anything less is not", () => {
  it.each([
    "I think the answer is 9.",
    "Is the answer 9?",
    "The answer is 9?",
    "The answer is not 9.",
    "Your answer is 9, which is wrong.",
    "The answer is 9 times as big.",
    "The answer is easy.",
    "the answer is 9. No wait, the answer is 8.",
    "(a,b) = (1,2) or (2,1)",
    "(a,b) = (b+1,3)",
    "(x,y) = (1,2)",
    "\\boxed{"
  ])("%s", (reply) => assert.isNull(answer(reply)))
  it("a proof has no answer", () => assert.isNull(answer("The answer is 9.", one("proof"))))
  it("replies that contradict each other give none", () => {
    assert.deepStrictEqual(
      discussedAnswers(one(), [], ["The answer is 9.", "The answer is $9$.", "The answer is 8."]),
      [null]
    )
    assert.deepStrictEqual(discussedAnswers(one(), [], ["The answer is 9.", "The answer is $9$."]), [{
      value: "$9$".replaceAll("$", ""),
      from: "discussion"
    }])
  })
})

describe("the kind decides what can be an answer", () => {
  it("takes letters for options and words for yes or no", () => {
    assert.strictEqual(answer("The answer is (B).", one("multiple-choice")), "B")
    assert.strictEqual(answer("the answer is no.", one("binary")), "no")
    assert.isNull(answer("the answer is no."))
  })
})

describe("several problems", () => {
  const three: ReadonlyArray<PostProblem> = [
    { problem: "Find $(x,y)$.", kind: "other", number: 1 },
    { problem: "Find $z$.", kind: "other", number: 2 },
    { problem: "Find $w$.", kind: "other", number: 3 }
  ]
  const values = (...replies: ReadonlyArray<string>) =>
    discussedAnswers(three, [], replies).map((found) => found?.value ?? null)
  it("gives an answer to the problem whose number stands there", () => {
    assert.deepStrictEqual(values("1. easy\n3. We add. The answer is 29."), [null, null, "29"])
    assert.deepStrictEqual(values("Problem 2: the answer is 4"), [null, "4", null])
    assert.deepStrictEqual(values("The answer to problem 3 is 5."), [null, null, "5"])
  })
  it("gives a tuple to the only problem that asks for it, and nothing without a number", () => {
    assert.deepStrictEqual(values("(x,y) = (4,3)"), ["(4,3)", null, null])
    assert.deepStrictEqual(values("The answer is 4."), [null, null, null])
  })
})
