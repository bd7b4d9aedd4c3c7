import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { JsonObject } from "../../../src/domain/Json.ts"
import type { ExpandOutcome } from "../../../src/domain/Stage.ts"
import { extractProblems } from "../../../src/domain/stages/ExtractProblems.ts"

const stage = (params: unknown = {}) =>
  extractProblems.prepare(Schema.decodeUnknownSync(extractProblems.params)(params), { benchmarks: [], seed: 1 })
const rowsOf = (outcome: ExpandOutcome) => outcome._tag === "Expanded" ? outcome.rows : []
const readLines = (file: string): ReadonlyArray<JsonObject> =>
  readFileSync(file, "utf8").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))

describe("extract-problems", () => {
  it("expands a post and keeps its other fields", () => {
    const post = {
      id: "7",
      source: "forum",
      forum_post: "1. Find $1+1$.\n2. Prove that $2>1$.",
      forum_discussions: "Post 1:\n1. The answer is 2.",
      views: 3,
      answer: "?"
    }
    assert.deepStrictEqual(rowsOf(stage()(post)), [
      {
        id: "7#1",
        source: "forum",
        views: 3,
        problem: "Find $1+1$.",
        kind: "other",
        extraction: "heuristic",
        answer: "2",
        answerFrom: "discussion"
      },
      { id: "7#2", source: "forum", views: 3, problem: "Prove that $2>1$.", kind: "proof", extraction: "heuristic" }
    ])
  })
  it("keeps the discussion if asked, and the id and answer of a post with one problem", () => {
    const post = { id: 7, forum_post: "Find $1+1$.", forum_discussions: "Post 1:\nThe answer is 3.", answer: "2" }
    assert.deepStrictEqual(rowsOf(stage({ keepDiscussion: true })(post)), [
      {
        id: 7,
        forum_discussions: post.forum_discussions,
        answer: "2",
        problem: "Find $1+1$.",
        kind: "other",
        extraction: "heuristic"
      }
    ])
  })
  it("takes an answer from the author's hidden solution", () => {
    const [row] = rowsOf(stage()({ forum_post: "Find $1+1$.[hide]The answer is 2.[/hide]" }))
    assert.strictEqual(row?.["answer"], "2")
    assert.strictEqual(row?.["answerFrom"], "post")
  })
  it("gives rows that are problems their kind, unless told not to", () => {
    assert.deepStrictEqual(stage()({ problem: "Prove that $2>1$." }), { _tag: "Kept", patch: { kind: "proof" } })
    assert.deepStrictEqual(stage({ kinds: false })({ problem: "Prove that $2>1$." }), { _tag: "Kept", patch: {} })
    assert.deepStrictEqual(stage()({ other: 1 }), { _tag: "Kept", patch: {} })
  })
  it("drops a post with a reason, never silently", () => {
    assert.deepStrictEqual(stage()({ forum_post: "Hi all, good luck!" }), {
      _tag: "Dropped",
      reason: "no-problem-found",
      detail: { why: "only-talk" }
    })
    assert.deepStrictEqual(stage()({ forum_post: 5 }), {
      _tag: "Dropped",
      reason: "no-problem-found",
      detail: { why: "not-a-text" }
    })
    assert.deepStrictEqual(stage({ postCharacters: 3 })({ forum_post: "Find" }), {
      _tag: "Dropped",
      reason: "post-too-long",
      detail: { characters: 4 }
    })
  })
  it("reads only so much of the discussion", () => {
    const post = {
      forum_post: "Find $1+1$.",
      forum_discussions: `Post 1:\n${"1".repeat(30)}\n\nPost 2:\nThe answer is 2.`
    }
    assert.isUndefined(rowsOf(stage({ discussionTokens: 20 })(post))[0]?.["answer"])
    assert.strictEqual(rowsOf(stage()(post))[0]?.["answer"], "2")
  })
})

describe("the demo's posts", () => {
  const run = stage()
  it("give the problems, kinds and answers that their list of traps promises", () => {
    const found = readLines(join(import.meta.dirname, "../../../demo/forum.jsonl")).map((post) =>
      rowsOf(run(post)).map((row) => [row["kind"], row["answer"] ?? null])
    )
    assert.deepStrictEqual(found, [
      [["other", "4"]],
      [["other", "\\frac{4}{27}"]],
      [["other", "29"], ["other", null], ["other", "(4,3)"]],
      [["other", "38"]],
      [],
      [["proof", null]],
      [["multiple-choice", "B"]],
      [["binary", "yes"]],
      [["other", "\\frac{4}{9}"]],
      [["other", "5"]],
      [["other", "12"]],
      [["other", "400"]]
    ])
  })
  it("leave no greeting, thanks, tag or smiley in a statement", () => {
    for (const post of readLines(join(import.meta.dirname, "../../../demo/forum.jsonl"))) {
      for (const row of rowsOf(run(post))) {
        assert.notMatch(
          String(row["problem"]),
          /hello|dear|hola|thank|gracias|moderator|\[\/?(?:quote|color|hide)|:lol:|;\)|<sub>/i
        )
      }
    }
  })
})

const shared = process.env["POLYA_SHARED_DATA"] ?? join(import.meta.dirname, "../../../../shared/data")
const samples = join(shared, "demo/demo_raw_forum_10.jsonl")
const noSamples = existsSync(samples) ? undefined : "there are no forum samples; set POLYA_SHARED_DATA"
describe("ten real posts against a reader's labels", () => {
  const labels = noSamples === undefined ? readLines(join(shared, "demo/demo_labels_by_reader.jsonl")) : []
  const found = noSamples === undefined ? readLines(samples).map((post) => rowsOf(stage()(post))) : []
  it("finds as many problems in each", (context) => {
    context.skip(noSamples !== undefined, noSamples)
    assert.deepStrictEqual(found.map((rows) => rows.length), labels.map((label) => label["problems"]))
  })
  it("agrees on the kind of at least eight", (context) => {
    context.skip(noSamples !== undefined, noSamples)
    const agrees = labels.filter((label, index) => {
      const kinds = label["kinds"] as ReadonlyArray<string>
      return found[index]?.every((row, item) =>
        kinds[item]?.includes(row["kind"] === "other" ? "answer" : String(row["kind"])) || kinds[item] === "proof+find"
      )
    })
    assert.isAtLeast(agrees.length, 8)
  })
  it("takes the two answers that the discussion of the last one states", (context) => {
    context.skip(noSamples !== undefined, noSamples)
    assert.deepStrictEqual(found[9]?.map((row) => row["answer"] ?? null), ["(-3,-1,1)", null, "9", null])
  })
})

const statements = ["math_train", "gsm8k_train"].map((name) => join(shared, `real/${name}.jsonl`)).filter((file) =>
  existsSync(file)
)
describe("real statements posted as they are", () => {
  it("come out whole and alone in more than 99.8 % of all cases", (context) => {
    context.skip(statements.length === 0, "there are no real statements; set POLYA_SHARED_DATA")
    const run = stage()
    const bare = (text: unknown) => String(text).replace(/[\s\u200b]+/g, "")
    let rows = 0
    let whole = 0
    for (const row of statements.flatMap(readLines)) {
      const post = row["problem"] ?? row["question"] ?? ""
      const found = rowsOf(run({ forum_post: post }))
      rows++
      if (found.length === 1 && bare(found[0]?.["problem"]) === bare(post)) whole++
    }
    assert.isAbove(whole / rows, 0.998)
  })
})

describe("any row has an outcome", () => {
  const pieces = [
    "[quote]",
    "[/quote]",
    "[b]",
    "[hide]",
    "[/hide]",
    "[code]",
    "[asy]",
    "[moderator edit:",
    "$",
    "\\[",
    "\\]",
    "1. ",
    "\n2. ",
    "\nProblem 1: ",
    "Find x. ",
    "Prove that ",
    "The answer is ",
    "\\boxed{",
    "(a,b) = (",
    "Post 1:\n",
    "\n\n",
    "\ud800",
    "(A) x ",
    "thanks ",
    "if ",
    "?",
    "&lt;",
    " :D "
  ] as const
  const text = Schema.Array(Schema.Union([Schema.Literals(pieces), Schema.String]))
  const run = stage()
  it.prop("whatever the strings are; derived rows have a statement, and the same input gives the same rows", [
    text,
    text
  ], ([post, replies]) => {
    const row = { forum_post: post.join(""), forum_discussions: replies.join("") }
    const outcome = run(row)
    assert.include(["Expanded", "Dropped"], outcome._tag)
    for (const derived of rowsOf(outcome)) assert.isNotEmpty(String(derived["problem"]).trim())
    assert.deepStrictEqual(run(row), outcome)
  }, { arbitrary: { seed: 2026, runs: 400 } })
  it.each([
    "[quote]",
    "[quote][b]",
    "$",
    "\\[",
    "<b>",
    "[hide]x[/hide]",
    "1. Find x. ",
    "\n1. Find x.",
    "The answer is ",
    "[mod edit: [",
    "\\begin{a}",
    "(a,b)=(",
    " ",
    "\ud800"
  ])(
    "100 kB of %j",
    (piece) => {
      const long = piece.repeat(Math.ceil(100_000 / piece.length))
      assert.include(
        ["Expanded", "Dropped"],
        stage()({ forum_post: `Find $x$ if $x=1$. ${long}`, forum_discussions: long })._tag
      )
    }
  )
})
