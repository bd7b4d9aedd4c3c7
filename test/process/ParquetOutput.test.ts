// A recipe that asks for both formats, by the real program: the Parquet files of the splits hold the rows of the JSON lines.
import { assert, describe, it } from "@effect/vitest"
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { jsonObjectOf } from "../../src/runners/sources/ForeignValue.ts"
import { dataFiles, folder, polya, sourceLines } from "./Program.ts"

const recipe = `recipe: both-formats
version: 1
seed: 7
sources: [problems.jsonl]
stages:
  - normalise
  - quality
  - exact-duplicates
  - split: { fractions: { train: 0.6, validation: 0.2, test: 0.2 } }
outputs: OUTPUTS
`
type Row = { readonly [key: string]: unknown }

/** Rows with everything that a column may have to hold: texts, numbers, mixtures, lists, maps, gaps. */
const odd = Array.from({ length: 60 }, (_, index) =>
  JSON.stringify({
    problem: `A shelf number ${index} in 図書館 has ${index * 7} books on it; how many books are on ${
      index + 2
    } shelves?`,
    answer: String(index * 7),
    weight: index % 2 === 0 ? index / 4 : index,
    count: index,
    checked: index % 3 === 0,
    tags: index % 4 === 0 ? ["a", index] : { of: "b" },
    ...(index % 5 === 0 ? { remark: index % 2 === 0 ? null : "😀 \\n" } : {})
  }))

const linesOf = (path: string): ReadonlyArray<Row> =>
  readFileSync(path, "utf8").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Row)
const parquetOf = async (path: string): Promise<ReadonlyArray<Row>> =>
  (await parquetReadObjects({ file: await asyncBufferFromFile(path) })).map(jsonObjectOf)
/** Null and a missing key are the same in Parquet. */
const withoutNull = (row: Row): Row => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))

describe("outputs: [jsonl, parquet]", () => {
  it("hold the same rows in both, and the JSON lines are those of a run that asked for nothing else", async () => {
    using place = folder()
    place.file("problems.jsonl", [...sourceLines(400, 5), ...odd].join("\n"))
    const both = place.file("both.yaml", recipe.replace("OUTPUTS", "[jsonl, parquet]"))
    const lines = place.file("lines.yaml", recipe.replace("OUTPUTS", "[jsonl]"))
    const [out, plain] = [join(place.path, "out"), join(place.path, "plain")]
    const ends = await Promise.all([polya(["run", both, "--out", out]), polya(["run", lines, "--out", plain])])
    for (const { code, stderr } of ends) assert.strictEqual(code, 0, stderr)

    const summary = JSON.parse(readFileSync(join(out, "summary.json"), "utf8"))
    for (const split of ["train", "validation", "test"]) {
      const rows = linesOf(join(out, `${split}.jsonl`))
      assert.isAbove(rows.length, 20, split)
      assert.deepStrictEqual(
        (await parquetOf(join(out, `${split}.parquet`))).map(withoutNull),
        rows.map(withoutNull),
        split
      )
      assert.strictEqual(summary.splits[split], rows.length)
      const named = summary.outputs.find(({ name }: { readonly name: string }) => name === `${split}.parquet`)
      assert.strictEqual(named?.rows, rows.length)
    }
    for (const name of dataFiles) {
      assert.strictEqual(readFileSync(join(out, name), "utf8"), readFileSync(join(plain, name), "utf8"), name)
    }
    assert.isFalse(existsSync(join(plain, "train.parquet")))
  }, 300_000)
})
