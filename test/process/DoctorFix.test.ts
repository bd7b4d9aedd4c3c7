// `polya doctor --fix` as a program: what it says, how it ends, and what it leaves.
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { wheels } from "../runners/sandbox/SymPy/Packages.ts"
import { folder, jsonLines, polya } from "./Program.ts"

describe("polya doctor --fix", { timeout: 300_000 }, () => {
  it("brings SymPy from files, once, and says where it is", async () => {
    using place = folder()
    const cache = join(place.path, "cache")
    const env = { POLYA_SANDBOX_CACHE_DIR: cache }
    const from = wheels().flatMap((bytes, index) => {
      writeFileSync(join(place.path, `${index}.whl`), bytes)
      return ["--from", `${index}.whl`]
    })
    const first = await polya(["doctor", "--fix", ...from, "--json"], { cwd: place.path, env })
    assert.strictEqual(first.code, 0, first.stderr)
    const facts = { name: "SymPy", version: "1.13.3", origin: "cache", folder: join(cache, "sympy-1.13.3") }
    assert.deepInclude(jsonLines(first.stdout), { event: "installed", ...facts, readableByAll: false })
    assert.strictEqual(jsonLines(first.stdout).length, 1)
    const second = await polya(["doctor", "--fix"], { cwd: place.path, env })
    assert.deepInclude(second, { code: 0, stderr: "" })
    assert.strictEqual(second.stdout, `SymPy 1.13.3 is there already: ${facts.folder}\n`)
    const shown = await polya(["doctor", "--json"], { cwd: place.path, env })
    const finding = jsonLines(shown.stdout).find((line) => line["name"] === "SymPy")
    assert.strictEqual(finding?.["found"], `SymPy 1.13.3 by \`polya doctor --fix\`: ${facts.folder}`)
  })

  it("ends with 1 where it cannot, and leaves nothing half", async () => {
    using place = folder()
    const cache = join(place.path, "cache")
    const env = { POLYA_SANDBOX_CACHE_DIR: cache }
    writeFileSync(join(place.path, "half.whl"), wheels()[0].subarray(0, 300))
    const end = await polya(["doctor", "--fix", "--from", "half.whl"], { cwd: place.path, env })
    assert.strictEqual(end.code, 1)
    assert.match(end.stderr, /polya: SymPy was not installed: the archive is not a zip, or is cut off/)
    assert.deepStrictEqual(readdirSync(cache), [])
  })

  it("ends with 2 where it is asked or configured wrongly, and does nothing", async () => {
    using place = folder()
    const cache = join(place.path, "cache")
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, NodeJS.ProcessEnv, RegExp]> = [
      [["--from", "a.whl"], {}, /--from says where --fix takes SymPy from/],
      [["--fix"], { POLYA_SANDBOX_SYMPY: "/nowhere" }, /sandbox\.sympy is \/nowhere, which lacks sympy\/release\.py/],
      [["--fix"], { POLYA_SANDBOX_LEVEL: "strongest" }, /POLYA_SANDBOX_LEVEL/]
    ]
    for (const [args, more, said] of cases) {
      const env = { POLYA_SANDBOX_CACHE_DIR: cache, ...more }
      const end = await polya(["doctor", ...args], { cwd: place.path, env })
      assert.strictEqual(end.code, 2, end.stderr)
      assert.match(end.stderr, said)
      assert.isFalse(existsSync(cache))
    }
  })
})
