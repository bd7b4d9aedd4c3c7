// Which SymPy is used, and that a wrong one is told and never replaced in silence.
import { assert, describe, it } from "@effect/vitest"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Tools } from "../../../src/runners/sandbox/Interpreter.ts"
import { compareVersions, findSymPy, runsOnEmbedded, SymPyUnfit } from "../../../src/runners/sandbox/SymPy.ts"
import { folder } from "./SymPy/Packages.ts"

const toolsWith = (...purelib: ReadonlyArray<string>): Tools => ({
  arch: "x64",
  python: { path: "/p", version: "3.11.2", prefix: "/", basePrefix: "/", purelib, readableByAll: true },
  pythonMissing: null,
  bwrap: null,
  unshare: null,
  setpriv: null
})

/** A SymPy as far as its files tell. */
const put = (path: string, version = "1.13.3", modules = ["sympy", "mpmath"]): string => {
  for (const name of modules) {
    mkdirSync(join(path, name), { recursive: true })
    writeFileSync(join(path, name, "__init__.py"), "")
  }
  if (modules.includes("sympy")) writeFileSync(join(path, "sympy", "release.py"), `__version__ = "${version}"\n`)
  return path
}

describe("finding SymPy", () => {
  it("takes the folder that is named, then the newest of the cache, then the system's", async () => {
    using place = folder()
    const cacheDir = join(place.path, "cache")
    const named = put(join(place.path, "named"), "1.12")
    const system = put(join(place.path, "dist-packages"), "1.11.1")
    const tools = toolsWith(join(place.path, "none"), system)
    const found = async (name?: string) => {
      const one = await findSymPy({ named: name, cacheDir, tools })
      return [one?.version, one?.origin, one?.folder]
    }
    assert.deepStrictEqual(await found(), ["1.11.1", "system", system])
    put(join(cacheDir, "sympy-1.9"), "1.9")
    const newest = put(join(cacheDir, "sympy-1.13.3"))
    mkdirSync(join(cacheDir, "sympy-2.0"))
    put(join(cacheDir, ".sympy-1-a.part"), "3.0")
    assert.deepStrictEqual(await found(), ["1.13.3", "cache", newest])
    assert.deepStrictEqual(await found(""), ["1.13.3", "cache", newest])
    assert.deepStrictEqual(await found(named), ["1.12", "named", named])
  })

  it("answers null where there is none, also without a Python", async () => {
    using place = folder()
    const cacheDir = join(place.path, "cache")
    assert.isNull(await findSymPy({ cacheDir, tools: toolsWith(place.path) }))
    assert.isNull(await findSymPy({ cacheDir, tools: { ...toolsWith(), python: null } }))
  })

  it("refuses a named folder that is wrong, and says what it lacks", async () => {
    using place = folder()
    const cacheDir = join(place.path, "cache")
    put(join(cacheDir, "sympy-1.13.3"))
    const odd = put(join(place.path, "odd"))
    writeFileSync(join(odd, "sympy", "release.py"), "__version__ = make()\n")
    const cases: ReadonlyArray<readonly [string, RegExp]> = [
      [join(place.path, "absent"), /lacks sympy\/release\.py and sympy\/__init__\.py; .*polya doctor --fix/],
      [put(join(place.path, "alone"), "1.13.3", ["sympy"]), /lacks mpmath\/__init__\.py/],
      [odd, /lacks a version in sympy\/release\.py/],
      ["relative", /absolute path/]
    ]
    for (const [named, why] of cases) {
      const error: unknown = await findSymPy({ named, cacheDir, tools: toolsWith() }).catch((cause: unknown) => cause)
      assert.instanceOf(error, SymPyUnfit)
      assert.match(error.message, why)
    }
  })

  it("says whether everybody can read it", async () => {
    using place = folder()
    const cacheDir = join(place.path, "cache")
    put(join(cacheDir, "sympy-1.13.3"))
    const isReadable = async () => (await findSymPy({ cacheDir, tools: toolsWith() }))?.readableByAll
    chmodSync(place.path, 0o755)
    chmodSync(cacheDir, 0o755)
    const isReadableAbove = await isReadable()
    chmodSync(cacheDir, 0o700)
    assert.deepStrictEqual([isReadableAbove, await isReadable()], [true, false])
  })
})

describe("versions of SymPy", () => {
  it("are compared by their numbers", () => {
    assert.isBelow(compareVersions("1.9", "1.13.3"), 0)
    assert.isAbove(compareVersions("1.14rc1", "1.13.3"), 0)
    assert.strictEqual(compareVersions("1.13", "1.13.0"), 0)
  })

  it("run on the embedded level from 1.13.3 on", () => {
    const versions = ["1.11.1", "1.13.2", "1.13.3", "1.14.0", "2.0"]
    assert.deepStrictEqual(versions.map(runsOnEmbedded), [false, false, true, true, true])
  })
})
