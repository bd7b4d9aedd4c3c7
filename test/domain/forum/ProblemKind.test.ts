import { assert, describe, it } from "@effect/vitest"
import { classifyKind } from "../../../src/domain/forum/ProblemKind.ts"

describe("classifyKind", () => {
  it.each([
    ["Prove that $n^2+n$ is even.", "proof"],
    ["Show that the sum of two odd numbers is even.", "proof"],
    ["Prove that one can find three points among them that form an obtuse triangle.", "proof"],
    ["Can you prove that there are infinitely many primes?", "proof"],
    ["If the plane is coloured with two colours, then there exist two points of one colour at distance 1.", "proof"],
    ["Prove that the sequence has a limit and find it.", "other"],
    ["Let $f(x)=x^2$. a) Show that $f\\ge0$. b) Find $f(2)$.", "other"],
    ["How many edges does a cube have?", "other"],
    ["Can you find the sum of the first ten squares?", "other"],
    ["Is it possible to write 7 as a sum of two squares? If so, find all ways.", "other"],
    ["If $2x=\\frac{1}{3},$ what is $x$?", "other"],
    ["We know that \\[x + 1 = 3.\\]What is $x?$", "other"],
    ["If $x+1=3$, then $x=$", "other"],
    ["Determine if the graph is a circle, a line, or empty.", "other"],
    ["Is it true that every even number is the sum of two primes?", "binary"],
    ["If $n$ is odd, is $n^2$ always odd?", "binary"],
    ["Determine whether the series converges.", "binary"],
    ["Prove or disprove: every group of order 6 is cyclic.", "binary"],
    ["True or false: $\\pi>3$.", "binary"],
    ["Which of the following is prime?\n(A) 9 (B) 15 (C) 17", "multiple-choice"],
    ["The sum is $\\textbf{(A)}\\ 1\\qquad\\textbf{(B)}\\ 2\\qquad\\textbf{(C)}\\ 3$", "multiple-choice"],
    ["What is $1+1$?\nA. 1\nB. 2\nC. 3\nD. 4", "multiple-choice"],
    ["Circles (A), (B), (C) touch each other. Find the sum of their radii.", "other"],
    ["(a) Find $x$. (b) Find $y$. (c) Find $z$.", "other"],
    ["Find $BC$. [asy]label(\"(A) x\",A);label(\"(B) y\",B);label(\"(C) z\",C);[/asy]", "other"],
    ["", "other"]
  ])("%s is %s", (problem, kind) => assert.strictEqual(classifyKind(problem), kind))
})
