// What `polya compete` reads, writes and shows; the work itself is the contest's.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ContestProblemView, ContestView } from "../../../src/domain/Contest/View.ts"
import { boardLines, clockText, endLines } from "../../../src/runners/Cli/CompeteCommand/Board.ts"
import {
  makeKeeper,
  scoreOf,
  submissionText,
  writeSubmission
} from "../../../src/runners/Cli/CompeteCommand/Outputs.ts"
import { readProblems } from "../../../src/runners/Cli/CompeteCommand/Problems.ts"

const folder = mkdtempSync(join(tmpdir(), "polya-compete-"))
const read = (name: string, text: string, field: ReadonlyArray<string> = []) => {
  writeFileSync(join(folder, name), text)
  return readProblems({ problems: Option.some(join(folder, name)), field, config: Option.none() })
}
const problem = (id: string, more: Partial<ContestProblemView> = {}): ContestProblemView => ({
  id,
  status: "waiting",
  answer: 0,
  answered: false,
  votes: 0,
  second: 0,
  samples: 0,
  sure: 0,
  passes: 0,
  millis: 0,
  deadlineMillis: null,
  tokens: 0,
  microDollars: 0,
  stop: null,
  error: null,
  ...more
})
const viewOf = (problems: ReadonlyArray<ContestProblemView>, more: Partial<ContestView> = {}): ContestView => ({
  id: "c",
  version: 1,
  status: "running",
  model: "m",
  strategy: "majority-16",
  mode: "given",
  parallel: 2,
  modulo: null,
  startedMillis: 0,
  endsMillis: 3_600_000,
  endedMillis: null,
  counts: { waiting: 1, running: 1, done: 1, answered: 2, expected: 3 },
  tokens: 12,
  microDollars: 0,
  guess: { mean: 1.2, deviation: 0.4, twoRuns: 0.3 },
  problems,
  rows: problems.map(({ answer, id }) => ({ id, answer })),
  note: "",
  ...more
})

describe("polya compete", () => {
  it.effect("reads problems of CSV and JSON lines, with their ids, and keeps right answers apart", () =>
    Effect.gen(function*() {
      const csv = yield* read("a.csv", "id,problem,answer\n0aa1,\"What is 1+1, say?\",2\n0bb2,Next one here,\n")
      assert.deepStrictEqual(csv.problems, [
        { id: "0aa1", problem: "What is 1+1, say?" },
        { id: "0bb2", problem: "Next one here" }
      ])
      assert.deepStrictEqual([...csv.answers], [["0aa1", "2"]])
      const lines = [{ id: "x", question: "What is it?", answer: 5 }]
      const jsonl = yield* read("b.jsonl", lines.map((one) => JSON.stringify(one)).join("\n"), ["problem=question"])
      assert.deepStrictEqual([jsonl.problems, [...jsonl.answers]], [
        [{ id: "x", problem: "What is it?" }],
        [["x", "5"]]
      ])
    }))

  it.effect("tells what is wrong with a file before the time begins", () =>
    Effect.gen(function*() {
      const why = (name: string, text: string) => Effect.map(Effect.flip(read(name, text)), ({ message }) => message)
      assert.include(
        yield* why("c.jsonl", "{\"id\":\"a\",\"problem\":\"p\"}\n{\"id\":\"a\",\"problem\":\"q\"}\n"),
        "id \"a\""
      )
      assert.include(yield* why("d.jsonl", "{\"id\":\"a\",\"problem\":\"p\"}\n{broken\n"), "row 2")
      assert.include(yield* why("e.jsonl", "{\"id\":\"a\",\"problem\":\"  \"}\n"), "no problem")
      assert.include(yield* why("f.jsonl", ""), "empty")
      const many = Array.from({ length: 501 }, (_, i) => JSON.stringify({ id: `p${i}`, problem: "p" })).join("\n")
      assert.include(yield* why("g.jsonl", many), "more than 500")
      const missing = yield* Effect.flip(
        readProblems({ problems: Option.some(join(folder, "none.csv")), field: [], config: Option.none() })
      )
      assert.strictEqual(missing.exitCode, 2)
    }))

  it("writes ids as CSV wants them", () => {
    assert.strictEqual(
      submissionText([{ id: "a", answer: 1 }, { id: "b,\"c\"", answer: 99_999 }]),
      "id,answer\na,1\n\"b,\"\"c\"\"\",99999\n"
    )
  })

  it.effect("keeps the answer file whole at every change", () =>
    Effect.gen(function*() {
      const file = () => readFileSync(join(folder, "submission.csv"), "utf8")
      yield* writeSubmission(folder, [{ id: "a", answer: 0 }])
      assert.strictEqual(file(), "id,answer\na,0\n")
      const keep = makeKeeper(folder)
      yield* keep(viewOf([problem("a", { answer: 42, answered: true })]))
      assert.strictEqual(file(), "id,answer\na,42\n")
      assert.strictEqual(JSON.parse(readFileSync(join(folder, "contest.json"), "utf8")).rows[0].answer, 42)
    }))

  it("counts right answers as whole numbers, however they are written", () => {
    const view = viewOf([problem("a", { answer: 7 }), problem("b", { answer: 8 }), problem("c", { answer: 9 })])
    const answers = new Map([["a", "\\boxed{7}"], ["b", "9"]])
    assert.deepStrictEqual(scoreOf(view, answers), { right: 1, known: 2 })
    assert.strictEqual(scoreOf(view, new Map()), null)
    assert.deepStrictEqual(scoreOf({ ...view, modulo: 1000 }, new Map([["a", "2007"]])), { right: 1, known: 1 })
  })

  it("shows what runs, what is done and the time that is left", () => {
    const view = viewOf([
      problem("one", {
        status: "done",
        answer: 42,
        answered: true,
        votes: 5,
        second: 1,
        samples: 6,
        passes: 1,
        millis: 3_000
      }),
      problem("two\u001b[31m", {
        status: "running",
        answer: 7,
        answered: true,
        votes: 2,
        samples: 2,
        passes: 2,
        deadlineMillis: 61_000
      }),
      problem("three")
    ])
    const lines = boardLines(view, 1_000, 24)
    assert.include(lines[0], "2 of 3 answered, 1 running, 1 waiting, 0:59:59 left, 1 asked again")
    assert.match(lines[1] ?? "", /^✓ one +42 {2}5 of 6 votes, next 1 +3(\.\d)? s/)
    assert.match(lines[2] ?? "", /^▶ two.\[31m +7 {2}2 of 2 votes +0:01:00 left, pass 2$/)
    assert.notInclude(lines[2], "\u001b")
    const few = boardLines(view, 1_000, 5)
    assert.deepStrictEqual([few.length, few.at(-1)], [4, "  and 1 more problem"])
    assert.include(few[2], "two")
    assert.strictEqual(clockText(-5), "0:00:00")
    assert.include(endLines(view, { right: 2, known: 3 }, "out/x").join("\n"), "2 of 3")
  })
})
