// Hard facts on real problems: planted benchmark texts are found in every disguise, alike problems are on one side of the split, forum posts
// are accounted for. What is checked here is computed anew, with nothing of src. Needs the shared data (POLYA_SHARED_DATA or ../shared/data).
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { bytesOf, folder, polya, random, rowsOf, summaryOf } from "./Program.ts"

const shared = process.env["POLYA_SHARED_DATA"] ?? join(import.meta.dirname, "../../../shared/data")
const real = join(shared, "real")
const forum = join(shared, "demo", "demo_raw_forum_10.jsonl")
const missing = existsSync(real) && existsSync(forum)
  ? undefined
  : `no shared data at ${shared}; set POLYA_SHARED_DATA to its folder`

const sourceRows = 3_000
const planted = 50
const variants = 40

const frames = [
  (text: string) =>
    `The following question was set at our spring contest. ${text} Write down every step of your argument.`,
  (text: string) => `Recall that a solution must be complete and readable.\n\n${text}\n\nHint: begin with a small case.`
]
/** What people do to a text without changing what it asks. */
const disguises: ReadonlyArray<(text: string, next: () => number) => string> = [
  (text) => text,
  (text) => text.replace(/ /g, "  "),
  (text, next) => text.replace(/ /g, () => (next() < 0.3 ? "\n" : " ")),
  (text) => text.replace(/\$([^$]+)\$/g, "$ $1 $").replace(/([=+<>])/g, "\\, $1 \\; "),
  (text) =>
    text.replace(
      /\[asy\][^]*?\[\/asy\]|\\[a-zA-Z]+|[a-z]+/g,
      (part) => (/^[\\[]/.test(part) ? part : part.toUpperCase())
    ),
  (text, next) => frames[Math.floor(next() * frames.length)]?.(text) ?? text
]

const shuffled = <A>(list: ReadonlyArray<A>, next: () => number): Array<A> => {
  const all = [...list]
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[all[i], all[j]] = [all[j] as A, all[i] as A]
  }
  return all
}

/** Words, numbers and signs; what only lays a formula out ($, braces, backslashes) and marks of punctuation are none. */
const words = (text: string): ReadonlyArray<string> =>
  text.toLowerCase().match(/[a-z]+|\d+|[^\sa-z\d${}\\.,?!&]/g) ?? []
const shingles = (text: string): ReadonlySet<string> => {
  const all = words(text)
  return new Set(all.slice(0, -2).map((word, i) => `${word} ${all[i + 1]} ${all[i + 2]}`))
}

/** All pairs of `left` and `right` whose word 3-shingles have a Jaccard similarity of at least `least`; by an inverted index. */
const alike = (left: ReadonlyArray<string>, right: ReadonlyArray<string>, least: number) => {
  const index = new Map<string, Array<number>>()
  const sets = right.map(shingles)
  sets.forEach((set, at) => {
    for (const shingle of set) {
      const list = index.get(shingle)
      if (list === undefined) index.set(shingle, [at])
      else list.push(at)
    }
  })
  const found: Array<{ readonly left: string; readonly right: string; readonly similarity: number }> = []
  for (const text of left) {
    const set = shingles(text)
    const common = new Map<number, number>()
    for (const shingle of set) for (const at of index.get(shingle) ?? []) common.set(at, (common.get(at) ?? 0) + 1)
    for (const [at, n] of common) {
      const similarity = n / (set.size + (sets[at]?.size ?? 0) - n)
      if (similarity >= least) found.push({ left: text, right: right[at] ?? "", similarity })
    }
  }
  return found
}

const splits = ["train", "validation", "test"] as const
const problems = (out: string, split: (typeof splits)[number]): ReadonlyArray<string> =>
  rowsOf(out, `${split}.jsonl`).map(({ problem }) => problem)

describe("real problems", { timeout: 300_000 }, () => {
  const place = folder()
  const out = join(place.path, "one")
  const pairs: Array<readonly [string, string]> = []
  const args: Array<string> = []

  beforeAll(async () => {
    if (missing !== undefined) return
    const next = random(20_261_121)
    const train = rowsOf(real, "math_train.jsonl").slice(0, sourceRows)
    const rows: Array<
      { readonly id: string; readonly problem: string; readonly answer: string; readonly type: string }
    > = train.map(({ answer, problem, type }, i) => ({ id: `train-${i}`, problem, answer, type }))
    const texts = [
      ...rowsOf(real, "math500.jsonl").map(({ problem }): string => problem),
      ...rowsOf(real, "gsm8k_test.jsonl").map(({ question }): string => question)
    ].filter((text) => words(text).length >= 20)
    shuffled(texts, next).slice(0, planted).forEach((text, i) => {
      const problem = disguises[i % disguises.length]?.(text, next) ?? text
      rows.push({ id: `planted-${i}`, problem, answer: "1", type: "Algebra" })
    })
    // The same problem with one number changed, where there is enough text around it.
    shuffled(train.flatMap(({ problem }, i) => (words(problem).length > 45 && /\d\d/.test(problem) ? [i] : [])), next)
      .slice(0, variants)
      .forEach((i, k) => {
        const { problem, type } = train[i]
        rows.push({ id: `variant-${k}`, problem: problem.replace(/\d\d/, "83"), answer: "1", type })
        pairs.push([`train-${i}`, `variant-${k}`])
      })
    const source = place.file("problems.jsonl", shuffled(rows, next).map((row) => JSON.stringify(row)).join("\n"))
    args.push("run", "dataset-cpu", "--source", source)
    for (const name of ["math500", "gsm8k_test"]) args.push("--against", join(real, `${name}.jsonl`))
    const end = await polya([...args, "--out", out])
    assert.strictEqual(end.code, 0, end.stderr)
  }, 300_000)
  afterAll(() => place[Symbol.dispose]())

  it("planted from benchmarks are all found, in every disguise", ({ skip }) => {
    skip(missing !== undefined, missing)
    const found = new Set(
      rowsOf(out, "dropped.jsonl")
        .filter(({ reason, stage }) => stage === "decontaminate" && reason === "contaminated")
        .map(({ row }) => row.id)
    )
    const all = Array.from({ length: planted }, (_, i) => `planted-${i}`)
    assert.deepStrictEqual(all.filter((id) => !found.has(id)), [])
    assert.isAtLeast(summaryOf(out).dropped["decontaminate/contaminated"], planted)
  })

  it("that are alike are on one side of the split", ({ skip }) => {
    skip(missing !== undefined, missing)
    const held = [...problems(out, "validation"), ...problems(out, "test")]
    assert.isAbove(held.length, 200)
    assert.deepStrictEqual(alike(problems(out, "train"), held, 0.6), [])
    assert.deepStrictEqual(alike(problems(out, "validation"), problems(out, "test"), 0.6), [])
    // The look itself finds what is there.
    const one = held.find((text) => words(text).length > 60) ?? ""
    assert.isAbove(alike([`${one} Why?`], held, 0.6).length, 0)
  })

  it("that differ in a number are kept, together", ({ skip }) => {
    skip(missing !== undefined, missing)
    const where = new Map(
      splits.flatMap((split) => rowsOf(out, `${split}.jsonl`).map(({ id }) => [id, split] as const))
    )
    const kept = pairs.filter((pair) => pair.every((id) => where.has(id)))
    assert.isAbove(kept.length, variants / 2)
    assert.deepStrictEqual(kept.filter(([a, b]) => where.get(a) !== where.get(b)), [])
  })

  it("give the same bytes in another folder", async ({ skip }) => {
    skip(missing !== undefined, missing)
    const two = join(place.path, "two")
    const end = await polya([...args, "--out", two])
    assert.strictEqual(end.code, 0, end.stderr)
    assert.deepStrictEqual(bytesOf(two), bytesOf(out))
    assert.isBelow(summaryOf(two).peakMemoryBytes, 1_073_741_824)
  }, 300_000)

  it("are found in forum posts, and every post is accounted for", async ({ skip }) => {
    skip(missing !== undefined, missing)
    const posts = join(place.path, "forum")
    const end = await polya(["run", "dataset-cpu", "--source", forum, "--out", posts])
    assert.strictEqual(end.code, 0, end.stderr)
    const summary = summaryOf(posts)
    const dropped = rowsOf(posts, "dropped.jsonl").filter(({ derived }) => !derived).length
    assert.strictEqual(summary.in, 10)
    assert.strictEqual(summary.done + dropped + summary.failed, 10)
    assert.strictEqual(summary.failed, 0)
    assert.isAtLeast(summary.derived["extract-problems"], 13)
    const made = splits.reduce((sum, split) => sum + rowsOf(posts, `${split}.jsonl`).length, 0)
    assert.isAtLeast(made, 13)
  })
})
