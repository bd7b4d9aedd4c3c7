import { assert, describe, it } from "@effect/vitest"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { bytesOf, folder, polya, random, sourceLines, start } from "./Program.ts"

const seeds = Array.from({ length: 10 }, (_, i) => i + 1)

describe("a run that is killed", () => {
  it("gives the same bytes with --resume as an undisturbed one, whenever it was killed", async () => {
    using place = folder()
    const source = place.file("problems.jsonl", sourceLines(2_500, 1).join("\n"))
    const args = ["run", "dataset-cpu", "--source", source]
    const calm = await polya([...args, "--out", join(place.path, "calm")])
    assert.strictEqual(calm.code, 0, calm.stderr)
    const expected = bytesOf(join(place.path, "calm"))
    let kills = 0
    for (const seed of seeds) {
      const next = random(seed)
      const out = join(place.path, `killed-${seed}`)
      // Slow enough for kills to meet every part of the run; after the third it may finish.
      for (let attempt = 0;; attempt++) {
        const resume = existsSync(join(out, ".polya", "polya.db")) ? ["--resume"] : []
        const rate = ["--rate", attempt < 3 ? "4000" : "0"]
        const { child, ended } = start([...args, "--out", out, ...resume, ...rate])
        const timer = attempt < 3 ? setTimeout(() => child.kill("SIGKILL"), 500 + next() * 1_200) : undefined
        const end = await ended
        clearTimeout(timer)
        if (end.signal === "SIGKILL") {
          kills++
          assert.isFalse(existsSync(join(out, "summary.json")) && !existsSync(join(out, "train.jsonl")))
          continue
        }
        assert.strictEqual(end.code, 0, `seed ${seed}, attempt ${attempt}: ${end.stderr}`)
        break
      }
      assert.deepStrictEqual(bytesOf(out), expected, `seed ${seed}`)
    }
    assert.isAbove(kills, 10)
  }, 280_000)
})
