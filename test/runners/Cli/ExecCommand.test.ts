// Cells out of a stream, and what a terminal is shown of them.
import { assert, describe, it } from "@effect/vitest"
import { cellsOf, type CellsOptions, CellsUnfit } from "../../../src/runners/Cli/ExecCommand/Cells.ts"
import { lineOf, visible } from "../../../src/runners/Cli/ExecCommand/Printed.ts"
import { cellResult, killedResult } from "../../actors/ScriptedSandbox.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
async function* chunksOf(chunks: ReadonlyArray<Uint8Array>) {
  yield* chunks
}
const read = async (chunks: ReadonlyArray<Uint8Array>, options: Partial<CellsOptions> = {}) => {
  const cells: Array<string> = []
  for await (const cell of cellsOf(chunksOf(chunks), { codeBytes: 100, split: "percent", ...options })) cells.push(cell)
  return cells
}
const refusal = (chunks: ReadonlyArray<Uint8Array>, options: Partial<CellsOptions> = {}) =>
  read(chunks, options).then(
    () => assert.fail("it was taken"),
    (error: unknown) => error instanceof CellsUnfit ? error.failure : assert.fail(String(error))
  )

describe("cells of a stream", () => {
  it("end at lines that begin another, however the stream is cut", async () => {
    const text = "# %% first\nx = 1\n\n\nx\n# %%\n#%% third\ny = 'é # %%'\n  # %% not one\n# %%\n\n# %% [markdown]\nz"
    const cells = ["x = 1\n\n\nx\n", "y = 'é # %%'\n  # %% not one\n", "z"]
    const all = bytes(text)
    for (const size of [1, 2, 7, 1_000]) {
      const chunks = Array.from(
        { length: Math.ceil(all.length / size) },
        (_, at) => all.slice(at * size, (at + 1) * size)
      )
      assert.deepStrictEqual(await read(chunks), cells, String(size))
    }
    assert.deepStrictEqual(await read([bytes("x\r\n# %%\r\ny\r\n")]), ["x\r\n", "y\r\n"])
    assert.deepStrictEqual(await read([]), [])
    assert.deepStrictEqual(await read([bytes("\n# %%\n \n# %%")]), [])
  })

  it("end at empty lines where a person types them", async () => {
    const typed = [bytes("def f():\n  return 1\n"), bytes("\n"), bytes("\n"), bytes("f()\n"), bytes("# %%\n")]
    assert.deepStrictEqual(await read(typed, { split: "percent or empty line" }), ["def f():\n  return 1\n", "f()\n"])
  })

  it("are one where nothing divides them", async () => {
    const text = "x = 1\n\n# %%\ny\n"
    assert.deepStrictEqual(await read([bytes(text)], { split: "no" }), [text])
    assert.deepStrictEqual(await read([bytes(" \n")], { split: "no" }), [])
  })

  it("come as soon as they are complete", async () => {
    const asked: Array<string> = []
    async function* chunks() {
      for (const chunk of ["1\n# %%\n", "2\n", "# %%\n3\n"]) {
        asked.push(chunk)
        yield bytes(chunk)
      }
    }
    const cells = cellsOf(chunks(), { codeBytes: 100, split: "percent" })
    assert.strictEqual((await cells.next()).value, "1\n")
    assert.strictEqual(asked.length, 1)
    assert.strictEqual((await cells.next()).value, "2\n")
    assert.strictEqual(asked.length, 3)
    assert.strictEqual((await cells.next()).value, "3\n")
    assert.isTrue((await cells.next()).done)
  })

  it("that are too long, or no text, are refused before they are held whole", async () => {
    async function* endless() {
      while (true) yield bytes("x".repeat(40))
    }
    for (const split of ["no", "percent"] as const) {
      const cells = cellsOf(endless(), { codeBytes: 100, split })
      const error = await cells.next().then(() => undefined, (error: unknown) => error)
      assert.instanceOf(error, CellsUnfit)
      assert.deepInclude((error as CellsUnfit).failure, { tag: "CodeTooLong", exitCode: 2 })
    }
    assert.strictEqual((await refusal([bytes(`${"é".repeat(51)}\n`)])).tag, "CodeTooLong")
    assert.deepStrictEqual(await read([bytes("é".repeat(50))]), ["é".repeat(50)])
    assert.match((await refusal([Uint8Array.of(0x78, 0xff)])).message, /not UTF-8/)
    assert.match((await refusal([Uint8Array.of(0x78, 0xc3)], { split: "no" })).message, /not UTF-8/)
  })
})

describe("what a terminal is shown", () => {
  it("has no control characters but line breaks and tabs", () => {
    assert.strictEqual(visible("a\tb\nc"), "a\tb\nc")
    assert.strictEqual(
      visible("\u001b[31mred\u001b[0m \r \u0007 \u009b2J \u007f"),
      [
        "\\u001b[31mred\\u001b[0m",
        "\\u000d",
        "\\u0007",
        "\\u009b2J",
        "\\u007f"
      ].join(" ")
    )
    assert.strictEqual(visible("x\u202ey\u2066z\u2028"), "x\\u202ey\\u2066z\\u2028")
    assert.strictEqual(visible("é 漢 👩‍👩‍👧 π"), "é 漢 👩‍👩‍👧 π")
  })

  it("is a line for each cell that is not ok, with the status, the cause and the level", () => {
    assert.match(lineOf(killedResult), /^cell 1 \(killed, wall\) did not stop .* \(after 1,000 ms\) \[native-strict\]$/)
    assert.match(
      lineOf(cellResult({ status: "timeout", millis: 250 })),
      /\(timeout\).*250 ms.*--wall \[native-strict\]$/
    )
    for (const cause of ["cpu", "memory", "disk", "crash", "protocol", "host"] as const) {
      assert.match(lineOf({ ...killedResult, cause }), new RegExp(`\\(killed, ${cause}\\)`))
    }
  })
})
