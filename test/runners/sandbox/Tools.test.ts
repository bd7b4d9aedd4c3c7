// Programs of the host are found by absolute path; a Python is asked, within bounds, and a wrong one is told.
import { assert, describe, it } from "@effect/vitest"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { isAbsolute, join } from "node:path"
import { findTools, isReadableByAll } from "../../../src/runners/sandbox/Tools.ts"
import { folder } from "./SymPy/Packages.ts"

const program = (path: string, script: string): string => {
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return path
}
/** A program that answers as a Python does. */
const answering = (path: string, answer: ReadonlyArray<string>) => program(path, `printf '${answer.join("\\000")}'`)

describe("the tools of the host", () => {
  it("are absolute paths, looked for once", async () => {
    const tools = await findTools()
    for (const path of [tools.bwrap, tools.unshare, tools.setpriv, tools.python?.path ?? null]) {
      assert.isTrue(path === null || isAbsolute(path), String(path))
    }
    assert.strictEqual(tools.python === null, tools.pythonMissing !== null)
    assert.strictEqual(await findTools({ python: "" }), tools)
  })

  it("are the Python that is named, with what it says of itself", async () => {
    using place = folder()
    const packages = join(place.path, "packages")
    mkdirSync(packages)
    const python = answering(join(place.path, "python"), [
      "cpython",
      "3.12.1",
      "/opt/python/bin/python3",
      "/opt/venv",
      "/opt/python",
      packages,
      join(place.path, "absent"),
      "relative"
    ])
    assert.deepStrictEqual((await findTools({ python })).python, {
      path: "/opt/python/bin/python3",
      version: "3.12.1",
      prefix: "/opt/venv",
      basePrefix: "/opt/python",
      purelib: [packages],
      readableByAll: false
    })
  })

  it("have no Python where the named one cannot be used, and say why", async () => {
    using place = folder()
    const at = (name: string) => join(place.path, name)
    const cases: ReadonlyArray<readonly [string, RegExp]> = [
      [
        answering(at("old"), ["cpython", "3.8.20", "/p", "/p", "/p"]),
        /old is Python 3\.8\.20; 3\.9 or newer is needed/
      ],
      [answering(at("two"), ["cpython", "2.7.18", "/p", "/p", "/p"]), /Python 2\.7\.18/],
      [answering(at("pypy"), ["pypy", "3.10.1", "/p", "/p", "/p"]), /pypy, not CPython/],
      [answering(at("odd"), ["cpython", "3.11.2", "p", "/p", "/p"]), /does not say where it is/],
      [program(at("failing"), "exit 1"), /did not answer as a Python does/],
      [program(at("flooding"), "while :; do echo flood flood flood flood; done"), /did not answer/],
      [at("absent"), /there is no program there/],
      ["some/python", /absolute path/]
    ]
    for (const [python, why] of cases) {
      const tools = await findTools({ python })
      assert.isNull(tools.python)
      assert.match(tools.pythonMissing ?? "", why)
      assert.match(tools.pythonMissing ?? "", /^sandbox\.python is /)
    }
  })

  it("know what everybody can read", async () => {
    using place = folder()
    const inner = join(place.path, "inner")
    mkdirSync(inner)
    writeFileSync(join(inner, "file"), "")
    chmodSync(place.path, 0o755)
    chmodSync(inner, 0o755)
    const before = await isReadableByAll(join(inner, "file"))
    chmodSync(inner, 0o700)
    assert.deepStrictEqual([before, await isReadableByAll(join(inner, "file"))], [true, false])
    assert.isFalse(await isReadableByAll(join(place.path, "absent")))
  })
})
