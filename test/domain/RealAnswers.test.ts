// Verdicts on real reference answers and real model samples, read from the folder of shared data (POLYA_SHARED_DATA).
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { verify } from "../../src/domain/Verify.ts"
import { numbersFrom } from "./Verify/LatexLike.ts"

const folder = join(process.env["POLYA_SHARED_DATA"] ?? join(import.meta.dirname, "../../../shared/data"), "real")
const rowsOf = <Row>(file: string): ReadonlyArray<Row> =>
  readFileSync(join(folder, file), "utf8").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))

interface Sampled {
  readonly answer: string
  readonly samples: ReadonlyArray<{ readonly text: string; readonly correct: boolean }>
}

describe.skipIf(!existsSync(folder))("real answers (POLYA_SHARED_DATA)", () => {
  const answers = () =>
    [
      ...new Set(
        ["math500.jsonl", "math_train.jsonl"].flatMap((file) => rowsOf<{ answer: unknown }>(file)).map(({ answer }) =>
          String(answer ?? "")
        )
      )
    ]
      .filter((answer) => answer.trim() !== "")

  it("every answer of MATH equals itself, bare and in a box", () => {
    const wrong = answers().filter((answer) =>
      verify(answer, answer, {}, true).verdict !== "equal" ||
      verify(`$${answer}$`, `So it is \\boxed{${answer}}.`).verdict !== "equal"
    )
    assert.deepStrictEqual(wrong, [])
  })

  it("of 20,000 random pairs of different answers only those are equal that say the same", () => {
    const all = answers()
    const next = numbersFrom(20_261_121)
    const equal: Array<string> = []
    for (let pair = 0; pair < 20_000; pair++) {
      const [gold = "", answer = ""] = [all[next() % all.length], all[next() % all.length]]
      if (gold === answer) continue
      const { rule, verdict } = verify(gold, answer, {}, true)
      if (verdict === "equal") equal.push(`${gold}   and   ${answer}   by ${rule}`)
    }
    process.stdout.write(`20,000 random pairs of MATH answers, equal:\n  ${equal.join("\n  ")}\n`)
    assert.isAtMost(equal.length, 20, "far more than chance brings together")
  })

  it("every sample of GSM8K is judged as its publisher did", () => {
    const wrong: Array<string> = []
    let count = 0
    for (const { answer, samples } of rowsOf<Sampled>("gsm8k_samples.jsonl")) {
      for (const { correct, text } of samples) {
        count++
        if ((verify(answer, text).verdict === "equal") !== correct) wrong.push(`${answer}: ${text.slice(-200)}`)
      }
    }
    process.stdout.write(`GSM8K samples: ${count - wrong.length} of ${count} verdicts agree with the label\n`)
    assert.deepStrictEqual(wrong, [])
  })
})
