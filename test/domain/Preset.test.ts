// Presets on rows shaped like the data sets that they are named after, and the laws of every mapping.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { JsonObject } from "../../src/domain/Json.ts"
import {
  columnNames,
  estimatedTokens,
  numberReplies,
  presetNamed,
  presets,
  problemText,
  recognise,
  rowMapping
} from "../../src/domain/Preset.ts"

const preset = (name: string) => {
  const found = presetNamed(name)
  assert(found !== undefined)
  return found
}

const auto = (row: JsonObject) => {
  const found = recognise([row])
  return { name: found.name, fields: rowMapping(found)(row) }
}

describe("auto", () => {
  const messages = [{ role: "user", content: "P" }]
  const cases: ReadonlyArray<readonly [string, JsonObject, JsonObject]> = [
    ["numinamath-cot", { source: "olympiads", problem: "P", solution: "S", messages }, {
      source: "olympiads",
      problem: "P",
      solution: "S"
    }],
    [
      "numinamath-1.5",
      {
        problem: "P",
        solution: "S",
        answer: "proof",
        problem_type: "Algebra",
        question_type: "proof",
        problem_is_valid: "Yes",
        solution_is_valid: "Yes",
        source: "olympiads",
        synthetic: false
      },
      {
        source: "olympiads",
        problem: "P",
        solution: "S",
        type: "Algebra",
        question_type: "proof",
        problem_is_valid: "Yes",
        solution_is_valid: "Yes",
        synthetic: false
      }
    ],
    ["numinamath-tir", { problem: "P", solution: "S", messages }, { problem: "P", solution: "S" }],
    [
      "openmathreasoning",
      {
        expected_answer: "4",
        problem_type: "has_answer_extracted",
        problem_source: "aops_c6",
        generation_model: "R1",
        pass_rate_72b_tir: "0.5",
        problem: "P",
        generated_solution: "G",
        inference_mode: "cot",
        used_in_kaggle: true
      },
      {
        source: "aops_c6",
        problem: "P",
        answer: "4",
        solution: "G",
        problem_type: "has_answer_extracted",
        generation_model: "R1",
        pass_rate_72b_tir: "0.5",
        inference_mode: "cot",
        used_in_kaggle: true
      }
    ],
    [
      "math",
      { problem: "P", solution: "S", answer: "4", subject: "Algebra", level: 3, unique_id: "test/1" },
      { id: "test/1", problem: "P", answer: "4", solution: "S", type: "Algebra", level: 3 }
    ],
    ["math", { problem: "P", answer: "0", type: "Algebra", difficulty: 5 }, {
      problem: "P",
      answer: "0",
      type: "Algebra",
      level: 5
    }],
    ["gsm8k", { question: "Q", answer: "2+2 = <<2+2=4>>4\n#### 4" }, {
      problem: "Q",
      answer: "4",
      solution: "2+2 = <<2+2=4>>4"
    }],
    ["generic", { question: "Q", answer: "18", samples: [] }, { problem: "Q", answer: "18", samples: [] }],
    ["generic", { prompt: "Q", target: 7, cot: "so" }, { problem: "Q", answer: "7", solution: "so" }],
    ["generic", { problem: "P", final_answer: ["1", "2"] }, { problem: "P", answer: "1, 2" }],
    ["plain", { problem: "P", answer: 4, extra: { a: [1] } }, { problem: "P", answer: "4", extra: { a: [1] } }],
    ["forum", { forum_post: "F", forum_discussions: "Post 1:\nA" }, {
      forum_post: "F",
      forum_discussions: "Post 1:\nA"
    }],
    [
      "aops-instruct",
      { original_question: "F", original_answers: ["A", "B"] },
      { forum_post: "F", forum_discussions: "Post 1:\nA\n\nPost 2:\nB" }
    ]
  ]
  it.each(cases)("takes %s by the columns and maps them", (name, row, fields) => {
    assert.deepStrictEqual(auto(row), { name, fields })
  })

  it("can be said by name for every preset, each with a sentence", () => {
    for (const known of presets) {
      assert.strictEqual(presetNamed(known.name), known)
      assert.match(known.summary, /^[A-Z].*\.$/)
    }
    assert.strictEqual(presetNamed("auto"), undefined)
  })

  const shared = process.env["POLYA_SHARED_DATA"] ?? join(import.meta.dirname, "../../../shared/data")
  const real: ReadonlyArray<readonly [string, string]> = [
    ["real/gsm8k_train.jsonl", "gsm8k"],
    ["real/gsm8k_samples.jsonl", "generic"],
    ["real/math500.jsonl", "math"],
    ["real/math_train.jsonl", "math"],
    ["demo/demo_raw_forum_10.jsonl", "forum"]
  ]
  it.for(real)("maps a problem out of every row of %s as %s", ([file, name], context) => {
    const path = join(shared, file)
    context.skip(!existsSync(path), "the shared data is not here; set POLYA_SHARED_DATA")
    const rows = readFileSync(path, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as JsonObject)
    const found = recognise(rows.slice(0, 100))
    assert.strictEqual(found.name, name)
    const map = rowMapping(found)
    for (const row of rows) assert.isString(problemText(map(row)))
    if (name === "gsm8k") { for (const row of rows) assert.match(String(map(row)["answer"]), /^-?[\d.,]+$/) }
  })
})

describe("a mapping", () => {
  it("lets explicit columns win, under any field name, and lets no other column take a field's name", () => {
    const map = rowMapping(preset("generic"), { problem: "body", answer: "final", grade: "g" })
    assert.deepStrictEqual(
      map({ problem: "not this", question: "nor this", body: "B", answer: "nor that", g: 3, grade: 9, z: null }),
      { problem: "B", grade: 3, question: "nor this" }
    )
  })

  it("leaves out blanks and takes the next column instead", () => {
    assert.deepStrictEqual(rowMapping(preset("generic"))({ problem: "  ", question: "Q", answer: "", target: "4" }), {
      problem: "Q",
      answer: "4"
    })
  })

  it("never takes a list of objects or an object for a text", () => {
    const fields = rowMapping(preset("plain"))({ problem: { text: "P" }, answer: [{ a: 1 }], solution: [] })
    assert.deepStrictEqual(fields, {})
    assert.strictEqual(problemText(fields), undefined)
  })

  it.prop(
    "is total, and its fields are never null and its texts never blank",
    [
      Schema.Record(
        Schema.Literals(["problem", "question", "answer", "solution", "messages", "level", "x"]),
        Schema.Json
      ),
      Schema.Literals(presets.map(({ name }) => name))
    ],
    ([row, name]) => {
      const fields = rowMapping(preset(name))(row)
      for (const value of Object.values(fields)) assert.isNotNull(value)
      const text = problemText(fields)
      assert.isTrue(text === undefined || text.trim() !== "")
    }
  )

  it("lists the columns of rows in order of appearance, with a limit", () => {
    assert.deepStrictEqual(columnNames([{ a: 1 }, { b: 1, a: 2 }]), ["a", "b"])
    assert.strictEqual(
      columnNames([Object.fromEntries(Array.from({ length: 90 }, (_, index) => [`c${index}`, 1]))]).length,
      40
    )
  })
})

describe("GSM8K's answer", () => {
  const map = rowMapping(preset("gsm8k"))
  it("is what follows the last mark; without a mark it stays; a given solution is kept", () => {
    assert.deepStrictEqual(map({ question: "Q", answer: "a #### 1\n#### 1,234 " }), {
      problem: "Q",
      answer: "1,234",
      solution: "a #### 1"
    })
    assert.deepStrictEqual(map({ question: "Q", answer: "#### 3" }), { problem: "Q", answer: "3" })
    assert.deepStrictEqual(map({ question: "Q", answer: "3" }), { problem: "Q", answer: "3" })
    assert.deepStrictEqual(map({ question: "Q", answer: "w\n#### 3", solution: "S" }), {
      problem: "Q",
      answer: "w\n#### 3",
      solution: "S"
    })
  })
})

describe("replies", () => {
  it("are counted by digits and by three bytes a token", () => {
    assert.strictEqual(estimatedTokens(""), 0)
    assert.strictEqual(estimatedTokens("2025"), 4)
    assert.strictEqual(estimatedTokens("abcd"), 2)
    assert.strictEqual(estimatedTokens("你好"), 2)
  })

  it("are kept whole and in order while they fit, and the rest is counted", () => {
    const reply = "x".repeat(20) // "Post 1:\n" is 7 bytes and a digit: 10 thirds; 30 with the reply
    assert.deepStrictEqual(numberReplies([reply, reply, reply], 10), { text: `Post 1:\n${reply}`, leftOut: 2 })
    assert.deepStrictEqual(numberReplies([reply, reply], 21), {
      text: `Post 1:\n${reply}\n\nPost 2:\n${reply}`,
      leftOut: 0
    })
    assert.deepStrictEqual(numberReplies([]), { text: "", leftOut: 0 })
  })

  it("stop at the first that does not fit, even if a later one would", () => {
    assert.strictEqual(numberReplies(["a", "b".repeat(900), "c"], 100).leftOut, 2)
  })

  it("cut a first reply that alone is too long, say so, and split no character", () => {
    const { leftOut, text } = numberReplies(["😀".repeat(100), "b"], 10)
    assert.strictEqual(text, `Post 1:\n${"😀".repeat(5)}\n[cut]`)
    assert.strictEqual(leftOut, 1)
  })

  it.prop("never go over the limit but for the mark of a cut", [Schema.Array(Schema.String)], ([replies]) => {
    const { leftOut, text } = numberReplies(replies, 30)
    assert.isAtMost(estimatedTokens(text.replace(/\n\[cut\]$/, "")), 30)
    assert.isTrue(leftOut >= 0 && leftOut <= replies.length)
  })

  it("that were left out are counted in a field of the row", () => {
    const fields = rowMapping(preset("aops-instruct"))({
      original_question: "F",
      original_answers: ["a".repeat(80_000), "b"]
    })
    assert.strictEqual(fields["forum_replies_left_out"], 1)
    assert.isTrue(String(fields["forum_discussions"]).endsWith("[cut]"))
  })
})
