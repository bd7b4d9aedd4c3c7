// How many programs the leak scan reads in a second on one core, by kind of program. One JSON line per figure.
// node bench/leaks.ts [FOLDER]   a folder with gsm8k_train.jsonl, whose worked solutions are written as programs; else
// $POLYA_SHARED_DATA/real. Search programs of the kind that models write are authored here, with varied numbers.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { scanLeaks } from "../src/domain/LeakScan.ts"
import { figure } from "./Figure.ts"

const folder = process.argv[2] ?? join(process.env["POLYA_SHARED_DATA"] ?? "../shared/data", "real")

interface Program {
  readonly code: string
  readonly answer: string
  readonly problem: string
}

/** Worked steps `<<48/2=24>>` as one function with named quantities. */
const wordProblems = (): ReadonlyArray<Program> =>
  readFileSync(join(folder, "gsm8k_train.jsonl"), "utf8").trim().split("\n").flatMap((line): ReadonlyArray<Program> => {
    const { answer, question } = JSON.parse(line) as { readonly answer: string; readonly question: string }
    const gold = (answer.split("#### ")[1] ?? "").replaceAll(",", "").trim()
    const steps = [...answer.matchAll(/<<([^<>=]*)=([^<>]*)>>/g)].map(([, work = "", value = ""]) =>
      [work, value] as const
    )
    if (steps.length === 0 || steps.some(([work]) => !/^[\d.+\-*/() ]+$/.test(work))) return []
    const names = new Map<string, string>()
    const lines = steps.map(([work, value], i) => {
      const made = `    step_${i + 1} = ${work.replace(/\d+(?:\.\d+)?/g, (one) => names.get(one) ?? one)}`
      names.set(value, `step_${i + 1}`)
      return made
    })
    const head = `def solution():\n    """${question.slice(0, 80).replace(/["\\]/g, "")}"""\n`
    const code = `${head}${
      lines.join("\n")
    }\n    result = step_${steps.length}\n    return result\n\nprint(solution())\n`
    return [{ code, answer: gold, problem: question }]
  })

const templates: ReadonlyArray<(n: number) => string> = [
  (n) =>
    `import math
from itertools import combinations


def is_prime(n):
    if n < 2:
        return False
    for d in range(2, math.isqrt(n) + 1):
        if n % d == 0:
            return False
    return True


primes = [p for p in range(2, ${n}) if is_prime(p)]
count = 0
for a, b in combinations(primes, 2):
    if is_prime(a + b) and (a * b) % ${n % 17 + 2} == 1:
        count += 1
print(count)
`,
  (n) =>
    `from sympy import symbols, solve, Rational

x, y = symbols('x y', real=True)
# the two conditions of the problem
first = x + y - ${n}
second = x * y - ${n * 3}
solutions = solve([first, second], [x, y])
best = None
for s in solutions:
    value = s[0] ** 2 + s[1] ** 2
    if best is None or value > best:
        best = value
print(best)
`,
  (n) =>
    `def count_ways(total, coins):
    ways = [0] * (total + 1)
    ways[0] = 1
    for coin in coins:
        for amount in range(coin, total + 1):
            ways[amount] += ways[amount - coin]
    return ways[total]


result = count_ways(${n}, [1, 5, 10, 25])
print(f"Number of ways: {result}")
`,
  (n) =>
    `MOD = 10**9 + 7
n = ${n}
fact = [1] * (n + 1)
for i in range(1, n + 1):
    fact[i] = fact[i - 1] * i % MOD


def binomial(a, b):
    if b < 0 or b > a:
        return 0
    return fact[a] * pow(fact[b], MOD - 2, MOD) * pow(fact[a - b], MOD - 2, MOD) % MOD


total = 0
for k in range(0, n + 1, 2):
    total = (total + binomial(n, k) * pow(3, k, MOD)) % MOD
print(total % 1000)
`,
  (n) =>
    `target = ${n}
found = None
for a in range(1, target):
    for b in range(a, target):
        c = target - a - b
        if c <= b:
            break
        if a * a + b * b == c * c:
            found = (a, b, c)
if found is not None:
    print(found[0] * found[1])
`
]
/** Answers spread over three digits, as in competitions. */
const searches = (): ReadonlyArray<Program> =>
  Array.from({ length: 5_000 }, (_, i) => ({
    code: templates[i % templates.length]?.(20 + (i * 37) % 400) ?? "",
    answer: String((i * 7_919) % 1_000),
    problem: `Find the value for ${20 + (i * 37) % 400}.`
  }))

const leaking = (programs: ReadonlyArray<Program>): ReadonlyArray<Program> =>
  programs.map((program) => ({ ...program, code: `${program.code}print(${program.answer})\n` }))

const measure = (name: string, programs: ReadonlyArray<Program>): void => {
  let best = Infinity
  let leaks = 0
  for (let round = 0; round < 3; round++) {
    leaks = 0
    const start = performance.now()
    for (const program of programs) if (scanLeaks(program).verdict === "leak") leaks++
    best = Math.min(best, performance.now() - start)
  }
  figure(`leaks/${name}`, (programs.length / best) * 1_000, "programs/s")
  figure(
    `leaks/${name}/lines`,
    programs.reduce((sum, { code }) => sum + code.trim().split("\n").length, 0) / programs.length,
    "lines"
  )
  figure(`leaks/${name}/leaks`, leaks / programs.length, "share")
}

const words = wordProblems()
const search = searches()
measure("word-problems", words)
measure("searches", search)
measure("mixed", [...words, ...search])
measure("all-leaking", leaking([...words.slice(0, 2_000), ...search.slice(0, 2_000)]))
