// The last resort over a scripted sandbox (when it asks, what it believes, when it leaves off), and over a real SymPy: what is equal by
// construction is never called unequal, what was changed is never called equal.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import { CodeSandbox, type CodeSession, type SandboxFacts } from "../../src/actors/CodeSandbox.ts"
import { LastResort, Verdicts } from "../../src/actors/Verdicts.ts"
import type { Pair } from "../../src/actors/Verdicts/Asked.ts"
import { type CellResult, SandboxBusy, type SandboxUnavailable, SessionOver } from "../../src/domain/Sandbox.ts"
import type { Outcome } from "../../src/domain/Verdict.ts"
import { verify } from "../../src/domain/Verify.ts"
import { fn, type Node, num, sym } from "../../src/domain/Verify/Node.ts"
import { rational } from "../../src/domain/Verify/Rational.ts"
import { sympyQuestion } from "../../src/domain/Verify/SymPyText.ts"
import * as SymPyLastResort from "../../src/runners/SymPyLastResort.ts"
import { sharedCases } from "../conformance/Conformance.ts"
import { numbersFrom } from "../domain/Verify/LatexLike.ts"
import { missing, pythonSandbox } from "./sandbox/PythonSandbox.ts"

const facts: SandboxFacts = { level: "embedded", python: "3.14", sympy: "1.13", numpy: null, levels: [] }
const ok: CellResult = {
  cell: 1,
  status: "ok",
  stdout: "",
  stderr: "",
  value: null,
  truncated: false,
  millis: 1,
  cause: null,
  stateLost: false,
  level: "embedded"
}

type Reply = Partial<CellResult> | SessionOver

/** A sandbox whose questions are answered by `reply`. */
const scripted = (options: {
  readonly reply?: (question: string, asked: number) => Reply
  readonly facts?: SandboxFacts
  readonly open?: (opened: number) => Effect.Effect<void, SandboxBusy | SandboxUnavailable>
}) => {
  const seen = { facts: 0, tenants: [] as Array<string>, asked: 0, closed: 0, tried: 0 }
  const layer = Layer.succeed(CodeSandbox, {
    facts: Effect.sync(() => {
      seen.facts++
      return options.facts ?? facts
    }),
    open: ({ tenant }) =>
      Effect.gen(function*() {
        const tried = ++seen.tried
        yield* options.open?.(tried) ?? Effect.void
        seen.tenants.push(tenant)
        yield* Effect.addFinalizer(() => Effect.sync(() => void seen.closed++))
        const session: CodeSession = {
          id: "s",
          level: "embedded",
          exec: (code) =>
            Effect.suspend(() => {
              const asked = ++seen.asked
              const reply = options.reply?.(code, asked) ?? { stdout: "equal\n" }
              return reply instanceof SessionOver ? Effect.fail(reply) : Effect.succeed({ ...ok, ...reply })
            }),
          replay: Effect.die("not here"),
          restart: Effect.die("not here"),
          close: Effect.void
        }
        return session
      })
  })
  return { seen, layer }
}

const pair = (gold: string, pred: string): Pair => ({ gold, pred, bare: true })
const open = pair("2", "\\sum_{k=0}^\\infty \\frac{1}{2^k}")
const others = (count: number) =>
  Array.from({ length: count }, (_, at) => pair(String(at), "\\sum_{k=0}^\\infty \\frac{1}{2^k}"))
const decided = (all: ReadonlyArray<Pair>) =>
  Effect.gen(function*() {
    const lastResort = yield* LastResort
    return yield* Effect.forEach(all, (one) => lastResort.decide(one, verify(one.gold, one.pred, one.opts, one.bare)))
  })
const over = (
  { layer }: { readonly layer: Layer.Layer<CodeSandbox> },
  options: Partial<SymPyLastResort.SymPyLastResortOptions> = {}
) => Effect.provide(SymPyLastResort.layerWith(options).pipe(Layer.provide(layer)))

describe("the last resort", () => {
  it.effect("believes one of two words, and a plain end", () =>
    Effect.gen(function*() {
      const replies: ReadonlyArray<readonly [Reply, Outcome]> = [
        [{ stdout: "equal\n" }, "equal"],
        [{ stdout: "unequal\n" }, "unequal"],
        [{ stdout: "undecided\n" }, "undecided"],
        [{ stdout: "equal\nequal\n" }, "undecided"],
        [{ stdout: " equal\n" }, "undecided"],
        [{ stdout: "", value: "'equal'" }, "undecided"],
        [{ stdout: "equal\n", truncated: true }, "undecided"],
        [{ stdout: "equal\n", status: "error" }, "undecided"],
        [{ stdout: "equal\n", status: "timeout" }, "undecided"],
        [{ stdout: "equal\n", status: "exited" }, "undecided"],
        [{ stdout: "equal\n", status: "killed", cause: "memory", stateLost: true }, "undecided"]
      ]
      for (const [reply, outcome] of replies) {
        assert.deepStrictEqual(yield* decided([open]).pipe(over(scripted({ reply: () => reply }))), [outcome])
      }
    }))

  it.effect("looks for SymPy when there is a question, once, and asks nothing where there is none", () =>
    Effect.gen(function*() {
      const without = scripted({ facts: { ...facts, sympy: null } })
      yield* Effect.gen(function*() {
        yield* decided([pair("1", "1"), pair("1", "2"), pair("5", "\\frac{"), pair("47", "f(4-x)")])
        assert.strictEqual(without.seen.facts, 0)
        assert.deepStrictEqual(yield* decided([open, ...others(3)]), Array(4).fill("undecided"))
      }).pipe(over(without))
      assert.deepInclude(without.seen, { facts: 1, tried: 0 })
    }))

  it.effect("asks each question in a fresh session of its own tenant, and remembers answers", () =>
    Effect.gen(function*() {
      const sandbox = scripted({})
      yield* decided([open, open, ...others(2)]).pipe(over(sandbox))
      assert.deepInclude(sandbox.seen, { tenants: Array(3).fill("verdicts"), asked: 3, closed: 3 })
    }))

  it.effect("goes on after a question that was killed, or whose session was closed", () =>
    Effect.gen(function*() {
      const killed = { status: "killed", cause: "memory", stateLost: true } as const
      const sandbox = scripted({ reply: (_, asked) => asked === 1 ? killed : { stdout: "equal\n" } })
      assert.deepStrictEqual(yield* decided(others(3)).pipe(over(sandbox)), ["undecided", "equal", "equal"])
    }))

  it.effect("rests where its program does not run, and costs nothing meanwhile", () =>
    Effect.gen(function*() {
      const sandbox = scripted({ reply: () => ({ status: "error", stderr: "ImportError: no sympy" }) })
      assert.deepStrictEqual(yield* decided(others(9)).pipe(over(sandbox)), Array(9).fill("undecided"))
      assert.strictEqual(sandbox.seen.tried, 1)
    }))

  it.effect("gives questions up that wait too long for a place, and asks no more at once than it may", () =>
    Effect.gen(function*() {
      const sandbox = scripted({ open: () => Effect.never })
      const fiber = yield* Effect.forkChild(
        Effect.all([decided(others(1)), decided(others(2).slice(1))], { concurrency: 2 }).pipe(
          over(sandbox, { questions: 1, waitMillis: 100_000 })
        )
      )
      yield* Effect.yieldNow.pipe(Effect.repeat({ until: () => sandbox.seen.tried > 0 }))
      assert.strictEqual(sandbox.seen.tried, 1)
      yield* TestClock.adjust(120_000)
      assert.deepStrictEqual(yield* Fiber.join(fiber), [["undecided"], ["undecided"]])
    }))

  it.effect("rests after a refusal, and asks again after that", () =>
    Effect.gen(function*() {
      const busy = new SandboxBusy({ reason: "queue-full", waiting: 1, sessions: 1, waitedMillis: 0 })
      const sandbox = scripted({ open: (tried) => tried === 1 ? Effect.fail(busy) : Effect.void })
      yield* Effect.gen(function*() {
        assert.deepStrictEqual(yield* decided(others(20)), Array(20).fill("undecided"))
        assert.strictEqual(sandbox.seen.tried, 1)
        yield* TestClock.adjust(30_000)
        assert.deepStrictEqual(yield* decided(others(2)), ["equal", "equal"])
      }).pipe(over(sandbox))
    }))

  it.effect("is named as the rule of what it decided, in the order of the pairs", () =>
    Effect.gen(function*() {
      const verdicts = yield* Effect.flatMap(Verdicts, ({ verify }) =>
        verify([pair("1", "1"), open, pair("1", "2"), ...others(2)])).pipe(
          Effect.provide(
            Verdicts.layerMemory.pipe(
              Layer.provide(SymPyLastResort.layer),
              Layer.provide(scripted({}).layer)
            )
          )
        )
      assert.deepStrictEqual(verdicts.map(({ rule, verdict }) => [verdict, rule]), [
        ["equal", "same-text"],
        ["equal", "last-resort"],
        ["unequal", "exact"],
        ["equal", "last-resort"],
        ["equal", "last-resort"]
      ])
    }))
})

// ---- with a real SymPy

if (missing !== null) process.stderr.write(`verdicts by SymPy: ${missing}\n`)

const integer = (value: number): Node => num(rational(BigInt(value)))
const add = (...args: ReadonlyArray<Node>): Node => ({ k: "add", args })
const mul = (...args: ReadonlyArray<Node>): Node => ({ k: "mul", args })
const div = (a: Node, b: Node): Node => ({ k: "div", a, b })
const pow = (base: Node, exp: Node): Node => ({ k: "pow", base, exp })
const square = (node: Node): Node => pow(node, integer(2))

/** Pairs that are equal by an identity for all values, applied to random parts. */
const identities: ReadonlyArray<(a: Node, b: Node) => readonly [Node, Node]> = [
  (a, b) => [square(add(a, b)), add(square(a), mul(integer(2), a, b), square(b))],
  (a, b) => [mul(add(a, b), add(a, mul(integer(-1), b))), add(square(a), mul(integer(-1), square(b)))],
  (a) => [fn("sin", mul(integer(2), a)), mul(integer(2), fn("sin", a), fn("cos", a))],
  (a) => [fn("cos", mul(integer(2), a)), add(integer(1), mul(integer(-2), square(fn("sin", a))))],
  (a, b) => [
    fn("sin", add(a, b)),
    add(mul(fn("sin", a), fn("cos", b)), mul(fn("cos", a), fn("sin", b)))
  ],
  (a, b) => [mul(pow(sym("e"), a), pow(sym("e"), b)), pow(sym("e"), add(a, b))],
  (a) => [fn("cosh", a), div(add(pow(sym("e"), a), pow(sym("e"), mul(integer(-1), a))), integer(2))],
  (
    a,
    b
  ) => [add(div(a, integer(3)), div(b, integer(7))), div(add(mul(integer(7), a), mul(integer(3), b)), integer(21))],
  (a) => [fn("sqrt", square(a)), fn("abs", a)],
  (a) => [add(square(fn("sin", a)), square(fn("cos", a))), integer(1)]
]

const nudges: ReadonlyArray<Node> = [
  num(rational(1n, 1_000_000n)),
  num(rational(-1n, 10n ** 30n)),
  div(fn("sqrt", integer(2)), num(rational(10n ** 20n)))
]

/** Two forms of one value by an identity of random parts, and the second one a little off. */
const drawn = (next: () => number, leaves: ReadonlyArray<Node>) => {
  const of = <A>(all: ReadonlyArray<A>): A => all[next() % all.length] as A
  const part = () =>
    of([of(leaves), add(of(leaves), integer(1 + next() % 5)), mul(integer(2 + next() % 3), of(leaves))])
  const [gold, answer] = of(identities)(part(), part())
  return { gold, answer, off: add(answer, of(nudges)) }
}

const constants: ReadonlyArray<Node> = [
  sym("pi"),
  fn("sqrt", integer(2)),
  fn("ln", integer(3)),
  num(rational(3n, 7n)),
  integer(-2),
  fn("sqrt", integer(5), integer(3))
]

const asked = (pairs: ReadonlyArray<readonly [Node, Node]>) =>
  Effect.gen(function*() {
    const questions = pairs.map(([gold, answer]) => sympyQuestion(gold, answer))
    assert.notInclude(questions, null)
    const sandbox = yield* CodeSandbox
    const session = yield* sandbox.open({ tenant: "t" })
    yield* session.exec(readFileSync(SymPyLastResort.program, "utf8"))
    return yield* Effect.forEach(
      questions,
      (question) =>
        Effect.map(session.exec(`print(${question})`, { wallMillis: 60_000 }), ({ stdout }) => stdout.trim())
    )
  }).pipe(Effect.scoped, Effect.provide(pythonSandbox))

const patience = { timeout: 300_000 }
const overPython = Effect.provide(
  SymPyLastResort.layerWith({ questionMillis: 60_000 }).pipe(Layer.provide(pythonSandbox))
)

/** Gold, answer, and what SymPy may say of them beside `undecided`. */
const table: ReadonlyArray<readonly [string, string, Outcome]> = [
  ["\\frac{\\pi^2}{6}", "\\sum_{k=1}^{\\infty}\\frac{1}{k^2}", "equal"],
  ["\\frac{\\pi^2}{7}", "\\sum_{k=1}^{\\infty}\\frac{1}{k^2}", "unequal"],
  ["\\ln 2", "\\sum_{n=1}^{\\infty}\\frac{(-1)^{n+1}}{n}", "equal"],
  ["e", "\\sum_{i=0}^{\\infty}\\frac{1}{i!}", "equal"],
  ["\\sqrt{\\pi}", "\\int_{-\\infty}^{\\infty} e^{-x^2} dx", "equal"],
  ["\\frac{\\pi}{2}", "\\int_0^\\infty \\frac{1}{1+x^2}dx", "equal"],
  ["-2", "\\int_0^1 \\ln x dx", "unequal"],
  ["0", "\\lim_{x\\to\\infty}\\frac{\\sin x}{x}", "equal"],
  ["2^{2008}-2", "486\\sqrt{3}", "unequal"],
  ["2^{2008}-2", "2(2^{2007}-1)+\\sqrt{3}", "unequal"],
  ["\\sqrt{2^{2008}+2\\cdot 2^{1004}\\sqrt3+3}", "2^{1004}+\\sqrt{3}", "equal"],
  ["\\cosh^2 1000 - \\sinh^2 1000", "1", "equal"],
  ["(1, 2)", "(1, \\sum_{k=0}^\\infty \\frac1{2^k})", "equal"],
  ["50\\%", "\\sum_{k=2}^\\infty \\frac{1}{2^k}", "equal"],
  ["1\\pm \\sum_{k=0}^\\infty \\frac{1}{2^k}", "3,-2", "unequal"],
  ["-2", "\\sqrt[3]{-\\sum_{n=0}^\\infty \\frac{4}{2^n}}", "equal"]
]

/** Values that are none, or depend on how they are meant: nothing is known of them. */
const valueless: ReadonlyArray<readonly [string, string]> = [
  ["2", "\\int_{-1}^{1}\\frac{1}{x^2}dx"],
  ["-2", "\\int_{-1}^{1}\\frac{1}{x^2}dx"],
  ["0", "\\int_{-1}^{1}\\frac{1}{x}dx"],
  ["\\ln 2", "\\int_{-1}^{2}\\frac{1}{x}dx"],
  ["0", "\\int_{-\\infty}^{\\infty} x dx"],
  ["0", "\\int_{-\\infty}^{\\infty} \\frac{x}{1+x^2} dx"],
  ["1", "\\int_{0}^{\\infty} \\sin x dx"],
  ["-\\frac{1}{12}", "\\sum_{n=1}^\\infty n"],
  ["\\frac12", "\\sum_{n=0}^\\infty (-1)^n"],
  ["-1", "\\sum_{n=0}^\\infty 2^n"],
  ["1", "\\sum_{n=1}^\\infty \\frac{1}{(n-5)(n-4)}"],
  ["1", "\\lim_{x\\to 0}\\frac{|x|}{x}"],
  ["0", "\\lim_{x\\to\\infty}\\sin x"],
  ["1", "\\frac{\\sum_{k=0}^\\infty 2^{-k} - 2}{\\sum_{k=0}^\\infty 2^{-k} - 2}+\\sqrt{2}-\\sqrt{2}"],
  ["5", "(10^9)!\\sqrt2"],
  ["5", "9^{9^{9^9}}"]
]

describe.skipIf(missing !== null)("the last resort with SymPy", () => {
  it.live("decides what can be proved or shown, and the parts of answers by it", () =>
    Effect.gen(function*() {
      const outcomes = yield* decided(table.map(([gold, answer]) => pair(gold, answer)))
      assert.deepStrictEqual(outcomes, table.map(([, , outcome]) => outcome))
    }).pipe(overPython), patience)

  it.live("says nothing of sums, integrals and limits that have no value", () =>
    Effect.gen(function*() {
      const outcomes = yield* decided(valueless.map(([gold, answer]) => pair(gold, answer)))
      assert.deepStrictEqual(outcomes.filter((outcome) => outcome !== "undecided"), [])
    }).pipe(overPython), patience)

  for (const [what, leaves] of [["constants", constants], ["expressions", [sym("x"), sym("y")]]] as const) {
    it.live(
      `never calls ${what} different that are equal by construction, nor equal what was changed`,
      () =>
        Effect.gen(function*() {
          const next = numbersFrom(20_261_121)
          const all = Array.from({ length: 20 }, () => drawn(next, leaves))
          const same = yield* asked(all.map(({ answer, gold }) => [gold, answer]))
          const changed = yield* asked(all.map(({ gold, off }) => [gold, off]))
          assert.notInclude(same, "unequal")
          assert.notInclude(changed, "equal")
          process.stdout.write(
            `verdicts by SymPy, ${what}: ${
              same.filter((word) => word === "equal").length
            } of ${all.length} proved equal, `
              + `${changed.filter((word) => word === "unequal").length} of ${all.length} shown to differ\n`
          )
        }),
      patience
    )
  }

  it.live("goes against no label of the shared cases", () =>
    Effect.gen(function*() {
      interface Row extends Pair {
        readonly expected: boolean | null
      }
      const rows = sharedCases<Row>("verifier").concat(sharedCases<Row>("verifier_adversarial"))
        .filter(({ gold, pred }) => typeof gold === "string" && typeof pred === "string")
        .filter(({ bare, gold, opts, pred }) => verify(gold, pred, opts, bare).verdict === "undecided")
      const outcomes = yield* decided(rows)
      const wrong = rows.filter(({ expected }, at) =>
        expected !== null && outcomes[at] !== "undecided" && (outcomes[at] === "equal") !== expected
      )
      process.stdout.write(
        `verdicts by SymPy, shared cases: ${rows.length} undecided by the rules, ${
          outcomes.filter((outcome) => outcome !== "undecided").length
        } decided\n`
      )
      assert.deepStrictEqual(wrong, [])
    }).pipe(overPython), patience)
})
