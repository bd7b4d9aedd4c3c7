// What the leaks stage drops, labels and leaves alone.
import { assert, describe, it } from "@effect/vitest"
import type { JsonObject } from "../../../src/domain/Json.ts"
import { leakReasons, leaks, pythonBlocksOf } from "../../../src/domain/stages/Leaks.ts"
import { mapStage } from "./StageCase.ts"

const row = { problem: "How many ways are there?", answer: "42" }
const leaky = "print(40 + 2)"
const honest = "print(sum(1 for a in range(100) if a % 7 == 3))"
const fenced = (code: string) => `We compute it.\n\n\`\`\`python\n${code}\n\`\`\`\nDone.`
const outcome = (fields: JsonObject, params: JsonObject = {}) => mapStage(leaks, params)({ ...row, ...fields })

describe("the leaks stage", () => {
  it("leaves a row without a program untouched", () => {
    for (
      const fields of [{}, { solution: "The answer is 42." }, { code: null }, { samples: [] }, {
        code: 7,
        samples: [1, null]
      }]
    ) {
      assert.deepStrictEqual(outcome(fields), { _tag: "Kept", patch: {} })
    }
  })

  it("leaves a row without an answer untouched", () => {
    assert.deepStrictEqual(outcome({ code: leaky, answer: null }), { _tag: "Kept", patch: {} })
    assert.deepStrictEqual(outcome({ code: leaky, answer: "" }), { _tag: "Kept", patch: {} })
  })

  it("drops a row whose program has the answer in it, under the kind of the leak", () => {
    const reasons = [
      ["print(42)", "answer-leak-direct-print"],
      [leaky, "answer-leak-print-or-comment"],
      ["# the answer is 42\nprint(f())", "answer-leak-print-or-comment"],
      ["x = f()\nassert x == 42\nprint(x)", "answer-leak-assert-or-hardcode"],
      ["for x in range(10**6):\n    if x == 42:\n        print(x)", "answer-leak-answer-seeded"]
    ] as const
    for (const [code, reason] of reasons) {
      const found = outcome({ code })
      assert.strictEqual(found._tag === "Dropped" ? found.reason : found._tag, reason, code)
      assert.include(leakReasons, reason)
    }
  })

  it("keeps a program that works its answer out", () => {
    assert.deepStrictEqual(outcome({ code: honest }), { _tag: "Kept", patch: {} })
  })

  it("takes a number as an answer, too", () => {
    assert.strictEqual(outcome({ code: leaky, answer: 42 })._tag, "Dropped")
  })

  it("reads the fenced blocks of responses as one program", () => {
    assert.strictEqual(outcome({ solution: fenced(leaky) })._tag, "Dropped")
    assert.strictEqual(outcome({ solution: `${fenced("x = '4'")}\n${fenced("x += '2'\nprint(x)")}` })._tag, "Dropped")
    assert.strictEqual(outcome({ solution: fenced(honest) })._tag, "Kept")
    assert.strictEqual(outcome({ solution: "```text\nprint(42)\n```" })._tag, "Kept")
  })

  it("leaves a row untouched whose answer is a marker", () => {
    assert.deepStrictEqual(outcome({ code: "print('n/a')", answer: "n/a" }), { _tag: "Kept", patch: {} })
  })

  it("keeps a row whose samples all leak while something else solves it", () => {
    const clean = { problem: "Sum of the primes below 40?", answer: "168", solution: "By sieve \\boxed{168}." }
    const samples = ["```python\nprint(168)\n```"]
    const patchOf = (fields: JsonObject, params: JsonObject = {}) => {
      const found = outcome({ ...clean, samples, ...fields }, params)
      return found._tag === "Kept" ? found.patch : found._tag
    }
    assert.deepStrictEqual(patchOf({}), { samples: [] })
    assert.deepStrictEqual(patchOf({}, { texts: ["samples"] }), { samples: [] })
    assert.deepStrictEqual(patchOf({ solution: null, code: honest }), { samples: [] })
    assert.deepStrictEqual(
      patchOf({ solution: null, other: [{ answer: "168" }] }, { texts: ["samples", "other"] }),
      { samples: [] }
    )
    assert.deepStrictEqual(patchOf({ solution: null, samples: [...samples, "so 168"] }), { samples: ["so 168"] })
    // Nothing is left: blanks, markers and what is no sample solve nothing.
    for (const solution of [null, " ", "N/A", 5, {}]) assert.strictEqual(patchOf({ solution }), "Dropped")
    for (const rest of [null, "", {}, { answer: "None" }, { text: " " }]) {
      assert.strictEqual(patchOf({ solution: "", samples: [...samples, rest] }), "Dropped")
    }
    // A leak of the row's own drops it, whatever its samples are.
    assert.strictEqual(patchOf({ code: "print(168)" }), "Dropped")
    assert.strictEqual(patchOf({ solution: "```python\nprint(168)\n```", samples: ["so 168"] }), "Dropped")
  })

  it("leaves out the samples that leak, and drops the row if nothing is left", () => {
    const samples = [
      { text: fenced(leaky), model: "m" },
      { text: fenced(honest), model: "m" },
      "no program",
      fenced("print(42)")
    ]
    const found = outcome({ samples })
    assert.deepStrictEqual(
      found._tag === "Kept" ? found.patch : null,
      { samples: [samples[1], samples[2]] } as JsonObject
    )
    assert.strictEqual(outcome({ samples: [samples[0] ?? null, samples[3] ?? null] })._tag, "Dropped")
  })

  it("labels instead of dropping when it is told to", () => {
    const found = outcome({ code: leaky, samples: [fenced(leaky), fenced(honest)] }, { onLeak: "label" })
    assert.deepStrictEqual(found._tag === "Kept" ? found.patch : null, {
      leak: { verdict: "leak", kind: "print_or_comment" }
    })
  })

  it("does with the uncertain what it is told to", () => {
    const code = "table = [7, 42, 19]\nprint(table[int(input())])"
    assert.deepStrictEqual(outcome({ code }), { _tag: "Kept", patch: {} })
    const labelled = outcome({ code }, { onUncertain: "label" })
    assert.deepStrictEqual(labelled._tag === "Kept" ? labelled.patch : null, {
      leak: { verdict: "uncertain", kind: "uncertain" }
    })
    const gone = outcome({ code }, { onUncertain: "drop" })
    assert.strictEqual(gone._tag === "Dropped" ? gone.reason : gone._tag, "answer-leak-uncertain")
  })

  it("looks at the fields it is given", () => {
    assert.strictEqual(
      outcome({ program: leaky, gold: "42" }, { programs: ["program"], texts: [], answer: "gold" })._tag,
      "Dropped"
    )
    assert.strictEqual(outcome({ code: leaky }, { programs: ["program"] })._tag, "Kept")
  })
})

describe("the Python blocks of a response", () => {
  it("are those fenced as Python, joined; an open one ends with the text", () => {
    assert.strictEqual(pythonBlocksOf("a\n```python\nx = 1\n```\nb\n```py\nprint(x)"), "x = 1\nprint(x)")
    assert.strictEqual(pythonBlocksOf("~~~python3\ns = '''\n```\n'''\n~~~"), "s = '''\n```\n'''")
    assert.strictEqual(pythonBlocksOf("```\nprint(1)\n```\n```output\n1\n```"), "")
    assert.strictEqual(pythonBlocksOf(""), "")
  })

  it("are found in linear time in a text of nothing but fences", () => {
    assert.strictEqual(pythonBlocksOf("```python\n".repeat(100_000)).length > 0, true)
  })
})
