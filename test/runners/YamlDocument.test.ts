// The laws of edit distance, and how places and paths of a YAML text are told.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { readYaml, showMistake, showPath } from "../../src/runners/YamlDocument.ts"
import { editDistance, nearest, unknownName } from "../../src/runners/YamlDocument/Findings.ts"

const textOf = (letters: string, most: number) =>
  Schema.Array(Schema.Literals([...letters])).check(Schema.isMaxLength(most))
const word = textOf("abc", 8)
const place = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8 }))
/** `text` with `inner` put in at `at`, or at its end. */
const withInner = (text: ReadonlyArray<string>, at: number, inner: string) =>
  `${text.slice(0, at).join("")}${inner}${text.slice(at).join("")}`

describe("edit distance", () => {
  it.prop("is zero for equal texts only, and the same both ways", [word, word], ([one, other]) => {
    const [a, b] = [one.join(""), other.join("")]
    assert.strictEqual(editDistance(a, b) === 0, a === b)
    assert.strictEqual(editDistance(a, b), editDistance(b, a))
  })

  it.prop("lies between the difference of the lengths and the longer length", [word, word], ([one, other]) => {
    const distance = editDistance(one.join(""), other.join(""))
    assert.isAtLeast(distance, Math.abs(one.length - other.length))
    assert.isAtMost(distance, Math.max(one.length, other.length))
  })

  it.prop("is one for a letter put in and for neighbours swapped", [word, place], ([text, at]) => {
    assert.strictEqual(editDistance(text.join(""), withInner(text, at, "z")), 1)
    assert.strictEqual(editDistance(withInner(text, at, "xy"), withInner(text, at, "yx")), 1)
  })

  it("agrees with a value worked by hand", () => {
    assert.strictEqual(editDistance("normalize", "normalise"), 1)
    assert.strictEqual(editDistance("kitten", "sitting"), 3)
    assert.strictEqual(editDistance("", "abc"), 3)
  })
})

describe("a name that is not known", () => {
  it("is answered with the nearest one, or with all where none is near", () => {
    assert.strictEqual(nearest("splt", ["quality", "split"]), "split")
    assert.strictEqual(nearest("DROPAT", ["dropAt"]), "dropAt")
    assert.strictEqual(nearest("quality", ["split"]), undefined)
    assert.strictEqual(
      unknownName("stage", "solve", ["split", "quality"]),
      `There is no stage "solve"; there is split, quality`
    )
  })
})

describe("a YAML text", () => {
  it("shows paths as people write them", () => {
    assert.strictEqual(showPath(["stages", 2, "near-duplicates", "dropAt"]), "stages[2].near-duplicates.dropAt")
    assert.strictEqual(showPath(["fields", "a b"]), `fields["a b"]`)
    assert.strictEqual(showPath([]), "")
  })

  it("places a finding at its key, at its value, or at the nearest key above it", () => {
    const { place } = readYaml("a:\n  - b: 1\n    c:  [x]\n")
    const at = (path: ReadonlyArray<string | number>, side: "key" | "value") => {
      const { column, line } = place({ path, at: side, message: "" })
      return [line, column]
    }
    assert.deepStrictEqual(at(["a", 0, "c"], "key"), [3, 5])
    assert.deepStrictEqual(at(["a", 0, "c"], "value"), [3, 9])
    assert.deepStrictEqual(at(["a", 0, "c", 0], "value"), [3, 10])
    assert.deepStrictEqual(at(["a", 0, "d"], "value"), [2, 5])
    assert.deepStrictEqual(at(["e", "f"], "value"), [1, 1])
  })

  it("may be empty, and gives a mistake without a path its place alone", () => {
    assert.deepStrictEqual(readYaml("# nothing\n").value, null)
    assert.strictEqual(showMistake("f.yaml", { path: "", line: 1, column: 2, message: "No" }), "f.yaml:1:2 No")
  })

  it.prop(
    "gives plain JSON or a mistake, whatever the text",
    [textOf("a: -[]{}&*!|>'\"\n#,?0.~_", 60)],
    ([letters]) => {
      const { mistakes, value } = readYaml(letters.join(""))
      if (mistakes.length === 0) assert.deepStrictEqual(JSON.parse(JSON.stringify(value)), value)
    }
  )
})
