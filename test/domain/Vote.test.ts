// Votes: who wins, by how much, and that the order of the samples has no say.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { sameAnswer } from "../../src/domain/Verify.ts"
import {
  addSample,
  addSamples,
  emptyVote,
  samplesMaximum,
  type TiePolicy,
  Vote,
  voteResult,
  type VoteSample
} from "../../src/domain/Vote.ts"
import { byPlainValue } from "../../src/domain/Vote/PlainValue.ts"
import { VoteRule, weightMaximum } from "../../src/domain/Vote/VoteRule.ts"

const runs = { arbitrary: { seed: 2026, runs: 300 } }
const sameString = (a: string, b: string) => a === b
/** "3", "3.0" and "+3" are one answer: transitive, with several spellings. */
const sameNumber = (a: string, b: string) => Number(a) === Number(b)
const from = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const optional = Schema.NullOr(from(0, 20))
const drawn = Schema.Struct({
  answer: Schema.NullOr(Schema.Literals(["1", "1.0", "+1", "2", "2.0", "3", "03"])),
  logprob: optional,
  entropy: optional,
  confidence: optional,
  verified: Schema.NullOr(from(0, 4)),
  weight: optional,
  score: Schema.NullOr(from(-9, 9))
})
const figures = ({ answer, confidence, entropy, logprob, score, verified, weight }: typeof drawn.Type): VoteSample => ({
  answer,
  ...(logprob === null ? {} : { logprobMean: -logprob / 7 }),
  ...(entropy === null ? {} : { entropyMean: entropy / 7 }),
  ...(confidence === null ? {} : { confidence: confidence / 3 }),
  ...(verified === null ? {} : { verified: verified / 4 }),
  ...(weight === null ? {} : { weight: weight / 10 }),
  ...(score === null ? {} : { score })
})
const samples = Schema.Array(drawn).check(Schema.isMaxLength(14))
const rules: ReadonlyArray<VoteRule> = [
  { _tag: "Majority" },
  { _tag: "LogprobWeighted", absentWeight: 1 },
  { _tag: "EntropyWeighted", floor: 0.3, absentWeight: 1 },
  { _tag: "ConfidenceWeighted", keep: 1 },
  { _tag: "ConfidenceWeighted", keep: 0.4 },
  { _tag: "VerifierWeighted", lambda: 2 },
  { _tag: "Borda", power: 0.5 },
  { _tag: "ExplicitWeights" },
  { _tag: "BestOfN" }
]
/** Fisher and Yates' shuffle by the given numbers. */
const shuffled = <A>(list: ReadonlyArray<A>, by: ReadonlyArray<number>): ReadonlyArray<A> => {
  const copy = [...list]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = (by[i] ?? 0) % (i + 1)
    const kept = copy[i] as A
    copy[i] = copy[j] as A
    copy[j] = kept
  }
  return copy
}
const orders = Schema.Array(from(0, 1000)).check(Schema.isMinLength(14), Schema.isMaxLength(14))
const vote = (rule: VoteRule, list: ReadonlyArray<VoteSample>, ties: TiePolicy = "none") =>
  voteResult(addSamples(emptyVote(rule, ties), list, sameNumber))
const answers = (list: ReadonlyArray<string | null>): ReadonlyArray<VoteSample> => list.map((answer) => ({ answer }))
const majority: VoteRule = { _tag: "Majority" }

describe("a vote", () => {
  it.prop("does not depend on the order of the samples", [samples, orders], ([list, order]) => {
    const here = list.map(figures)
    const there = shuffled(here, order)
    const number = (answer: string | null) => answer === null ? null : Number(answer)
    const plain = ({ answer, groups, tie, ...rest }: ReturnType<typeof voteResult>) => ({
      ...rest,
      answer: number(answer),
      tie: tie.map(Number).toSorted((a, b) => a - b),
      groups: groups.map(({ answer, ...group }) => ({ ...group, answer: Number(answer) }))
        .toSorted((a, b) => a.answer - b.answer)
    })
    for (const rule of rules) {
      for (const ties of ["none", "mean_logprob"] as const) {
        assert.deepStrictEqual(plain(vote(rule, there, ties)), plain(vote(rule, here, ties)), JSON.stringify(rule))
      }
    }
  }, runs)

  it.prop("is the same whether plain numbers are sorted by value or all compared", [samples], ([list]) => {
    for (const rule of rules) {
      const sorted = addSamples(emptyVote(rule), list.map(figures), byPlainValue(sameNumber))
      assert.deepStrictEqual(voteResult(sorted), voteResult(addSamples(emptyVote(rule), list.map(figures), sameNumber)))
    }
  }, runs)

  it.prop("says the same fed one by one, in batches, and through the store's text", [samples, from(0, 14)], ([
    list,
    cut
  ]) => {
    const all = list.map(figures)
    const through = Schema.toCodecJson(Vote)
    for (const rule of rules) {
      const whole = addSamples(emptyVote(rule), all, sameNumber)
      const single = all.reduce((vote, sample) => addSample(vote, sample, sameNumber), emptyVote(rule))
      const stored = Schema.encodeSync(through)(addSamples(emptyVote(rule), all.slice(0, cut), sameNumber))
      const resumed = Schema.decodeSync(through)(JSON.parse(JSON.stringify(stored)))
      assert.deepStrictEqual(voteResult(single), voteResult(whole))
      assert.deepStrictEqual(voteResult(addSamples(resumed, all.slice(cut), sameNumber)), voteResult(whole))
    }
  }, runs)

  it.prop("counts every sample once, and is finite", [samples], ([list]) => {
    for (const rule of rules) {
      const result = vote(rule, list.map(figures))
      assert.strictEqual(result.samples, list.length)
      assert.strictEqual(result.answered, list.filter(({ answer }) => answer !== null).length)
      assert.strictEqual(result.groups.reduce((sum, { votes }) => sum + votes, 0), result.answered)
      assert.isAtMost(result.kept, result.answered)
      for (const { weight } of result.groups) assert.isTrue(Number.isFinite(weight))
      assert.isTrue(result.margin >= 0 || rule._tag === "BestOfN")
      assert.strictEqual(result.answer === null, result.answered === 0 || result.tie.length > 0)
    }
  }, runs)

  it.prop("with one more vote for its winner has the same winner and no smaller margin", [samples], ([list]) => {
    const before = vote(majority, list.map(figures), "first_seen")
    if (before.answer === null) return
    const after = vote(majority, [...list.map(figures), { answer: before.answer }], "first_seen")
    assert.strictEqual(after.answer, before.answer)
    assert.isAtLeast(after.margin, before.margin)
  }, runs)

  it("pools equal answers under the spelling seen first", () => {
    const result = vote(majority, answers(["2.0", "1", null, "2", "+1", "2"]))
    assert.deepStrictEqual(result.groups, [{ answer: "2.0", votes: 3, weight: 3 }, {
      answer: "1",
      votes: 2,
      weight: 2
    }])
    assert.strictEqual(result.answer, "2.0")
    assert.strictEqual(result.margin, 1)
    assert.deepStrictEqual([result.samples, result.answered], [6, 5])
  })

  it("is null of nothing and of samples without an answer", () => {
    for (const list of [[], [null, null]]) {
      for (const rule of rules) {
        const { answer, groups, margin, tie } = vote(rule, answers(list), "first_seen")
        assert.deepStrictEqual({ answer, groups, margin, tie }, { answer: null, groups: [], margin: 0, tie: [] })
      }
    }
  })

  it("tells a tie and breaks it as the policy says", () => {
    const list: ReadonlyArray<VoteSample> = [
      { answer: "5", logprobMean: -0.5 },
      { answer: "7", logprobMean: -0.1 },
      { answer: "7" },
      { answer: "5", logprobMean: -0.1 }
    ]
    for (const [ties, winner] of [["first_seen", "5"], ["mean_logprob", "7"], ["none", null]] as const) {
      const result = vote(majority, list, ties)
      assert.deepStrictEqual(result.tie, ["5", "7"])
      assert.strictEqual(result.margin, 0)
      assert.strictEqual(result.answer, winner)
    }
    assert.strictEqual(vote(majority, answers(["5", "7"]), "mean_logprob").answer, null)
  })

  it("takes sums that differ by rounding only for equal", () => {
    const list: ReadonlyArray<VoteSample> = [
      { answer: "1", weight: 0.1 },
      { answer: "1", weight: 0.2 },
      { answer: "2", weight: 0.3 }
    ]
    assert.deepStrictEqual(vote({ _tag: "ExplicitWeights" }, list).tie, ["1", "2"])
  })

  it("gives a log-probability of exactly zero the weight one, and an absent one the stated weight", () => {
    const rule: VoteRule = { _tag: "LogprobWeighted", absentWeight: 0.25 }
    const { groups } = vote(rule, [{ answer: "1", logprobMean: 0 }, { answer: "2" }])
    assert.deepStrictEqual(groups.map(({ weight }) => weight), [1, 0.25])
    assert.strictEqual(vote({ _tag: "LogprobWeighted", absentWeight: 1 }, [{ answer: "1" }]).groups[0]?.weight, 1)
  })

  it("never lets a filtered answer win, not even against one without confidence", () => {
    const rule: VoteRule = { _tag: "ConfidenceWeighted", keep: 0 }
    const result = vote(rule, [{ answer: "1" }, { answer: "2", confidence: 0 }])
    assert.deepStrictEqual(result.tie, ["1", "2"])
    const filtered = vote({ _tag: "ConfidenceWeighted", keep: 0.5 }, [
      { answer: "1", confidence: 1 },
      { answer: "1", confidence: 1 },
      { answer: "2", confidence: 9 },
      { answer: "2", confidence: 9 }
    ])
    assert.deepStrictEqual([filtered.answer, filtered.kept, filtered.answered], ["2", 2, 4])
    assert.deepStrictEqual(filtered.groups, [
      { answer: "2", votes: 2, weight: 18 },
      { answer: "1", votes: 2, weight: 0 }
    ])
  })

  it("takes the answer of the best sample of n, also when all scores are negative", () => {
    const result = vote({ _tag: "BestOfN" }, [
      { answer: "1", score: -3 },
      { answer: "1", score: -9 },
      { answer: "2", score: -2 }
    ])
    assert.deepStrictEqual([result.answer, result.margin], ["2", 1])
  })

  it("stays finite whatever the figures are", () => {
    const wild = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e308, -1e308, -0, 5e-324]
    const list = wild.flatMap((x) => [
      { answer: "1", logprobMean: x, entropyMean: x, confidence: x, verified: x, weight: x, score: x },
      { answer: "2", logprobMean: x, entropyMean: -x, confidence: -x, verified: -x, weight: -x, score: -x }
    ])
    for (const rule of rules) {
      const result = vote(rule, list)
      for (const { weight } of result.groups) {
        assert.isTrue(Number.isFinite(weight) && Math.abs(weight) <= weightMaximum * 100, JSON.stringify(rule))
      }
      assert.isFalse(Number.isNaN(result.margin))
    }
  })

  it("compares a spelling once and takes no more samples than it may", () => {
    let asked = 0
    const counting = (a: string, b: string) => {
      asked++
      return a === b
    }
    const many = answers(Array.from({ length: samplesMaximum + 5 }, (_, i) => `${i % 50}`))
    const full = addSamples(emptyVote(majority), many, counting)
    assert.strictEqual(asked, (50 * 49) / 2)
    assert.deepStrictEqual([full.samples.length, full.ignored], [samplesMaximum, 5])
    assert.strictEqual(addSample(full, { answer: "x" }, counting).ignored, 6)
  })

  it("takes thousands of different answers with a bounded number of comparisons", () => {
    let asked = 0
    const different = answers(Array.from({ length: 16_000 }, (_, i) => `${i}`))
    const result = voteResult(addSamples(emptyVote(majority, "none"), different, (a, b) => ++asked > 0 && a === b))
    assert.strictEqual(asked, 100_000)
    assert.strictEqual(result.tie.length, 16_000)
    assert.isTrue(result.exhausted)
  })

  it("compares plain numbers of one value only, so that thousands of them with other notations are never split", () => {
    let asked = 0
    const same = byPlainValue((a, b) => ++asked > 0 && sameAnswer(a, b))
    const spellings = Array.from({ length: 5_000 }, (_, i) => [`${i}`, `${i}.0`, `${2 * i}/2`]).flat()
    const list = answers([...spellings, "\\sqrt{2}", "1e3"])
    for (const order of [list, list.toReversed()]) {
      asked = 0
      const result = voteResult(addSamples(emptyVote(majority), order, same))
      assert.isFalse(result.exhausted)
      assert.strictEqual(result.groups.length, 5_001)
      assert.strictEqual(result.margin, 1)
      assert.strictEqual(Number(result.answer), 1000)
      assert.isBelow(asked, 40_000)
    }
  })

  it("tells that answers may be split, and pools equal plain numbers even then", () => {
    const same = byPlainValue((a, b) => a === b || (Number(a) === Number(b) && !Number.isNaN(Number(a))))
    const words = answers(Array.from({ length: 500 }, (_, i) => `word ${i}`))
    const spent = addSamples(emptyVote(majority), words, same)
    assert.isTrue(spent.groups.exhausted)
    const { answer, exhausted } = voteResult(addSamples(spent, answers(["1/2", "7", "7.0", "0.5", "7.00"]), same))
    assert.deepStrictEqual([answer, exhausted], ["7", true])
    const few = voteResult(addSamples(emptyVote(majority), words.slice(0, 400), same))
    assert.isFalse(few.exhausted)
  })

  it("groups around first spellings when equality is not transitive", () => {
    const near = (a: string, b: string) => Math.abs(Number(a) - Number(b)) <= 1
    const groups = (list: ReadonlyArray<string>) =>
      voteResult(addSamples(emptyVote(majority), answers(list), near)).groups.map((
        { answer, votes }
      ) => [answer, votes])
    assert.deepStrictEqual(groups(["1", "2", "3"]), [["1", 2], ["3", 1]])
    assert.deepStrictEqual(groups(["2", "1", "3"]), [["2", 3]])
  })

  it("keeps answers that look like names of an object's own", () => {
    const result = voteResult(
      addSamples(emptyVote(majority), answers(["__proto__", "constructor", "__proto__"]), sameString)
    )
    assert.strictEqual(result.answer, "__proto__")
    assert.strictEqual(result.groups.length, 2)
  })

  it("has rules that can be written with their parameters left out", () => {
    const decoded = Schema.decodeUnknownSync(VoteRule)({ _tag: "EntropyWeighted" })
    assert.deepStrictEqual(decoded, { _tag: "EntropyWeighted", floor: 0.3, absentWeight: 1 })
  })
})
