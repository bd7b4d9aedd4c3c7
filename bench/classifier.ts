// What the classifier of domains is worth on MATH's labels and how fast it is. The confusion table is of the half that it was
// never fitted to, and of math500, which nothing was chosen by.
//   npm run bench -- classifier [FOLDER]    a folder with math_train.jsonl and math500.jsonl; else $POLYA_SHARED_DATA/real
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { classifyDomain, mathDomains } from "../src/domain/MathDomain.ts"
import { figure, median } from "./Figure.ts"
import { isHeldOut, labelOf, namesLevel } from "./MathTypes.ts"

const folder = process.argv[2] ?? join(process.env["POLYA_SHARED_DATA"] ?? "../shared/data", "real")
const read = (name: string): ReadonlyArray<{ readonly problem: string; readonly type: string }> =>
  readFileSync(join(folder, `${name}.jsonl`), "utf8").trim().split("\n").map((line) => {
    const { problem, subject, type } = JSON.parse(line)
    return { problem, type: type ?? subject }
  })

const judge = (name: string, rows: ReturnType<typeof read>): void => {
  const confusion = new Map<string, Map<string, number>>()
  let [right, named, namedRight] = [0, 0, 0]
  for (const { problem, type } of rows) {
    const domain = classifyDomain({ text: problem }).domain ?? "none"
    const line = confusion.get(type) ?? new Map<string, number>()
    confusion.set(type, line.set(domain, (line.get(domain) ?? 0) + 1))
    const isRight = domain === labelOf(type)
    if (isRight) right++
    if (!namesLevel(type)) named++
    if (!namesLevel(type) && isRight) namedRight++
  }
  figure(`classifier/${name}/accuracy`, right / rows.length, "share")
  figure(`classifier/${name}/accuracy-of-types-that-name-a-domain`, namedRight / named, "share")
  const columns = [...mathDomains, "none"]
  process.stderr.write(
    `${name}, ${rows.length} problems\n${"".padEnd(24)}${columns.map((c) => c.padStart(15)).join("")}\n`
  )
  for (const [type, line] of [...confusion].sort(([a], [b]) => (a < b ? -1 : 1))) {
    process.stderr.write(`${type.padEnd(24)}${columns.map((c) => String(line.get(c) ?? 0).padStart(15)).join("")}\n`)
  }
}

const train = read("math_train")
judge("math-train-held-out", train.filter(({ problem }) => isHeldOut(problem)))
judge("math500", read("math500"))

// Processor time, which neighbours on the machine disturb less than they do the clock.
const rates = Array.from({ length: 15 }, () => {
  const start = process.cpuUsage()
  for (const { problem } of train) classifyDomain({ text: problem })
  const { system, user } = process.cpuUsage(start)
  return (train.length / (system + user)) * 1_000_000
})
figure("classifier/rate", median(rates.slice(3)), "problems/s of one core")
