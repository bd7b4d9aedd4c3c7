import { assert, describe, it } from "@effect/vitest"
import { maxProblems, problemsOfPost } from "../../../src/domain/forum/PostProblems.ts"

const statements = (post: string) => problemsOfPost(post).problems.map(({ problem }) => problem)

describe("talk around a statement goes, the statement stays", () => {
  it.each([
    ["Hello everyone!\nFind $x$ if $x+1=3$.\nThanks in advance :)", "Find $x$ if $x+1=3$."],
    ["Hi, find all primes $p<20$ please help", "find all primes $p<20$"],
    [
      "hey evry1\nhelp me solve this problem\nprove that $a_n$ converges\nthanx.\n(does ne1 know a website?)",
      "prove that $a_n$ converges"
    ],
    [
      "please help me prove this inequality:\n$a^2+b^2\\ge 2ab$",
      "please help me prove this inequality:\n$a^2+b^2\\ge 2ab$"
    ],
    [
      "Here's a problem from school: Three friends share 24 apples. How many does each get?",
      "Three friends share 24 apples. How many does each get?"
    ],
    ["Problem 3. Prove that $n^2+n$ is even.\n\nProposed by somebody", "Prove that $n^2+n$ is even."],
    ["Solve $x+1=2$.\n\n[b]Solution:[/b] $x=1$", "Solve $x+1=2$."],
    ["Prove that $a+\\frac1a\\ge2$.\nI tried induction but got stuck. Any hints?", "Prove that $a+\\frac1a\\ge2$."],
    [
      "I have 3 red balls and 4 blue balls. How many balls do I have?",
      "I have 3 red balls and 4 blue balls. How many balls do I have?"
    ],
    [
      "I am thinking of a two-digit number. What is it if its square is 144?",
      "I am thinking of a two-digit number. What is it if its square is 144?"
    ],
    [
      "Consider the following game: two players take stones. Who wins with 20 stones?",
      "Consider the following game: two players take stones. Who wins with 20 stones?"
    ]
  ])("%s", (post, statement) => assert.deepStrictEqual(statements(post), [statement]))
})

describe("moderators and quotes", () => {
  it("takes the statement from a moderator's edit", () => {
    assert.deepStrictEqual(
      statements(
        "All scored 0.\n[color=red][[b]Moderator edit:[/b] Here is the problem:\n\nRound 2, problem 5: Find $[a,b]$ if $a=1$.][/color]\nMy idea: guess."
      ),
      ["Find $[a,b]$ if $a=1$."]
    )
    assert.deepStrictEqual(statements("Find $x$ if $2x=8$.\n\nEdit by moderator: moved to algebra."), [
      "Find $x$ if $2x=8$."
    ])
  })
  it("looks into quotes only where the post has no problem of its own", () => {
    assert.deepStrictEqual(statements("[quote]Find $7^2$.[/quote] Can anyone help me with this one?"), ["Find $7^2$."])
    assert.deepStrictEqual(statements("[quote]Find $7^2$.[/quote] Find $8^2$."), ["Find $8^2$."])
  })
})

describe("numbered lists", () => {
  it("splits a list of problems and keeps their numbers", () => {
    const { problems } = problemsOfPost("Some for today:\n1. Find $1+1$.\n2. Prove that $2>1$.\n\n3. Is $3$ odd?")
    assert.deepStrictEqual(problems, [
      { problem: "Find $1+1$.", kind: "other", number: 1 },
      { problem: "Prove that $2>1$.", kind: "proof", number: 2 },
      { problem: "Is $3$ odd?", kind: "binary", number: 3 }
    ])
  })
  it("repeats a shared introduction where an item needs it, and only there", () => {
    assert.deepStrictEqual(statements("Let $f(x)=x^2+1$.\n1. Find $f(2)$.\n2. What is the sum $1+2+3$?"), [
      "Let $f(x)=x^2+1$.\n\nFind $f(2)$.",
      "What is the sum $1+2+3$?"
    ])
  })
  it.each([
    "Let $f(x)=x^2$.\na) Find $f(2)$.\nb) Prove that $f(x)\\ge 0$.",
    "Find all functions $f$ such that\n1. $f(0)=1$\n2. $f(x+y)=f(x)f(y)$.",
    "In triangle $ABC$ prove that\n1) $AB<AC+BC$\n2) $BC<AB+AC$.",
    "Given a triangle $ABC$. (1) Prove that $AB<AC+BC$. (2) Find the angle sum.",
    "Let $n>1$.\n1. Find $n!$ for $n=3$.\n2. Using part 1, find $n!$ for $n=4$."
  ])("keeps the parts of one problem together: %s", (post) => assert.deepStrictEqual(statements(post), [post]))
  it("reads labels, and lists within them as parts", () => {
    assert.deepStrictEqual(statements("Problem 1: Find the sum:\n1. $1+1$\n2. $2+2$\nProblem 2: Compute $3!$."), [
      "Find the sum:\n1. $1+1$\n2. $2+2$",
      "Compute $3!$."
    ])
  })
  it("does not cut at a label inside of a sentence", () => {
    assert.deepStrictEqual(statements("Find $x$ in Problem 2: $x+2=5$. As in problem 3. The rest is easy: $x>0$."), [
      "Find $x$ in Problem 2: $x+2=5$. As in problem 3. The rest is easy: $x>0$."
    ])
  })
  it("stops at the limit and counts what it leaves out", () => {
    const reading = problemsOfPost(
      Array.from({ length: 130 }, (_, index) => `${index + 1}. Find $${index}+1$.`).join("\n")
    )
    assert.lengthOf(reading.problems, maxProblems)
    assert.strictEqual(reading.leftOut, 30)
  })
})

describe("posts without a problem say why", () => {
  it.each([
    ["  \n", "empty"],
    ["[img]http://a/b.png[/img]", "image-only"],
    ["Hello! Does anyone know a good book on inequalities?", "only-talk"],
    ["How many of you got full marks at the olympiad?", "only-talk"],
    ["$x^2+y^2$", "no-task"]
  ])("%s: %s", (post, why) => assert.strictEqual(problemsOfPost(post).none, why))
})
