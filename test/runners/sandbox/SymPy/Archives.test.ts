// What is read from packages, and which are refused.
import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import { gzipSync, zstdCompressSync } from "node:zlib"
import { ArchiveUnfit, readPackage } from "../../../../src/runners/sandbox/SymPy/Archives.ts"
import { xzDecompress, type XzWay } from "../../../../src/runners/sandbox/SymPy/Xz.ts"
import { deb, debs, type Entry, tar, wheels, zip } from "./Packages.ts"

const read = async (bytes: Buffer) =>
  [...await readPackage(bytes, null)].map(({ bytes: content, path }) => [path, content?.toString("utf8") ?? null])

const refused = async (bytes: Buffer): Promise<string> => {
  try {
    return `not refused: ${JSON.stringify(await read(bytes))}`
  } catch (error) {
    assert.instanceOf(error, ArchiveUnfit)
    return error.message
  }
}
const packers: ReadonlyArray<readonly [string, (entries: ReadonlyArray<Entry>) => Buffer]> = [
  ["a wheel", zip],
  ["a package of Debian", (entries) => deb(gzipSync(tar(entries)))]
]

describe("a package", () => {
  it("gives its files with what is in them, folders left out", async () => {
    assert.deepInclude(await read(wheels()[0]), ["sympy/release.py", "__version__ = \"1.13.3\"\n"])
    const files = await read(debs()[0])
    assert.deepInclude(files, ["usr/lib/python3/dist-packages/sympy/release.py", "__version__ = \"1.13.3\"\n"])
    assert.notInclude(files.map(([path]) => path), "usr/")
  })

  it("is read however it is packed", async () => {
    const files = tar([{ path: "sympy/a.py", text: "a" }])
    for (const [packed, name] of [[files, "data.tar"], [zstdCompressSync(files), "data.tar.zst"]] as const) {
      assert.deepStrictEqual(await read(deb(packed, name)), [["sympy/a.py", "a"]])
    }
  })

  for (const [kind, pack] of packers) {
    it(`is refused whole where a path leads out of it: ${kind}`, async () => {
      const paths = [
        "../evil.py",
        "sympy/../../evil.py",
        "/etc/evil",
        "sympy//evil.py",
        "sympy\\..\\evil.py",
        "C:/evil"
      ]
      for (const path of paths) {
        const message = await refused(pack([{ path: "sympy/__init__.py" }, { path, text: "evil" }]))
        assert.match(message, /leads out of it/, path)
      }
    })

    it(`gives no content for a link, so that nobody makes one: ${kind}`, async () => {
      assert.deepStrictEqual(await read(pack([{ path: "sympy/a", link: "/etc" }])), [["sympy/a", null]])
    })

    it(`is refused where it is cut off anywhere: ${kind}`, async () => {
      const whole = pack([{ path: "sympy/a.py", text: "a".repeat(2_000) }, { path: "sympy/b.py", text: "b" }])
      for (let length = 0; length < whole.length - 1; length += 7) {
        assert.notMatch(await refused(whole.subarray(0, length)), /^not refused/, String(length))
      }
    })
  }

  it("is refused where a file is not what its checksum says", async () => {
    const bytes = zip([{ path: "sympy/a.py", text: "abc" }])
    bytes.writeUInt32LE(1, 14)
    bytes.writeUInt32LE(1, bytes.indexOf("PK\u0001\u0002", 0, "latin1") + 16)
    assert.match(await refused(bytes), /sympy\/a\.py is damaged/)
  })

  it("is refused where a file is larger than it says, before it is unpacked", async () => {
    const bytes = zip([{ path: "sympy/a.py", text: "a".repeat(1_000_000) }])
    bytes.writeUInt32LE(10, bytes.indexOf("PK\u0001\u0002", 0, "latin1") + 24)
    assert.match(await refused(bytes), /damaged/)
  })

  it("is refused where it is of no kind that is known", async () => {
    assert.match(await refused(Buffer.from("<html>not found</html>")), /neither a \.deb nor a \.whl/)
    assert.match(await refused(deb(Buffer.from("x"), "data.tar.7z")), /packed in a way not known/)
  })
})

describe("xz", { timeout: 300_000 }, () => {
  const text = "one line of text that is packed, one line of text that is packed\n"
  const packed = Buffer.from(
    "/Td6WFoAAAFpIt42AgAhARYAAAB0L+Wj4ABAACddADebiM52mp3yJec1cQPhpRf4fB+DlY+JhdsYHJ7v4Ye0RxUCLEwAAAAA52uHVwABP0ER7oN5kEKZDQEAAAAAAVla",
    "base64"
  )
  const python = "/usr/bin/python3"
  const missing: { readonly [way in XzWay]: string | undefined } = {
    program: spawnSync("xz", ["--version"]).status === 0 ? undefined : "there is no xz on this machine",
    python: spawnSync(python, ["-Ic", "import lzma"]).status === 0 ? undefined : "there is no Python with lzma",
    pyodide: undefined
  }
  for (const way of ["program", "python", "pyodide"] as const) {
    it(`is unpacked by ${way}, within its bound, and refused where it is cut off`, async ({ skip }) => {
      if (missing[way] !== undefined) return skip(missing[way])
      const cases: ReadonlyArray<readonly [input: Buffer, mostBytes: number, output: string]> = [
        [packed, 1_000, text],
        [packed, text.length, text],
        [packed, text.length - 1, "refused"],
        [packed.subarray(0, 60), 1_000, "refused"]
      ]
      // Each takes Pyodide seconds, and below it unpacks too.
      for (const [input, mostBytes, output] of way === "pyodide" ? cases.slice(3) : cases) {
        const unpacked = xzDecompress(input, { python, mostBytes, ways: [way] }).then(String, () => "refused")
        assert.strictEqual(await unpacked, output)
      }
    })
  }

  it("is unpacked by Pyodide where the machine has nothing", () => {
    const module = new URL("../../../../src/runners/sandbox/SymPy/Xz.ts", import.meta.url).href
    const script = `const { xzDecompress } = await import(${JSON.stringify(module)})
      process.stdout.write(await xzDecompress(Buffer.from("${
      packed.toString("base64")
    }", "base64"), { python: null, mostBytes: 1000 }))`
    const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
      env: { PATH: "/nonexistent" },
      encoding: "utf8",
      timeout: 110_000
    })
    assert.strictEqual(printed, text)
  })
})
