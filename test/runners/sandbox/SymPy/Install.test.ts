// SymPy comes whole or not at all, and only as the file that was pinned. Servers and packages are the test's own.
import { afterAll, assert, beforeAll, beforeEach, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import type { Tools } from "../../../../src/runners/sandbox/Interpreter.ts"
import { SymPyUnfit } from "../../../../src/runners/sandbox/SymPy.ts"
import { type InstallOptions, installSymPy, NotInstalled } from "../../../../src/runners/sandbox/SymPy/Install.ts"
import type { Source } from "../../../../src/runners/sandbox/SymPy/Sources.ts"
import { findTools } from "../../../../src/runners/sandbox/Tools.ts"
import { debs, folder, wheels, zip } from "./Packages.ts"

const noTools: Tools = {
  arch: "x64",
  python: null,
  pythonMissing: "none in this test",
  bwrap: null,
  unshare: null,
  setpriv: null
}

let base = ""
/** What the server has, by path, and how often it was asked. */
const served = new Map<string, Buffer | RequestListener>()
let requests: Array<string> = []
const server = createServer((request, response) => {
  requests.push(request.url ?? "")
  const answer = served.get(URL.parse(request.url ?? "", base)?.pathname ?? "")
  if (typeof answer === "function") answer(request, response)
  else if (answer === undefined) response.writeHead(404).end("<html>not found</html>")
  else response.end(answer)
})
beforeAll(() =>
  new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      resolve()
    })
  })
)
beforeEach(() => {
  served.clear()
  requests = []
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex")
/** A place that has both packages under `name`, pinned as `pinned` has them. */
const source = (name: string, pinned: readonly [Buffer, Buffer] = wheels()): Source => ({
  name,
  proxies: {},
  files: pinned.map((bytes, index) => ({
    name: `${index}.whl`,
    sha256: sha256(bytes),
    mostBytes: bytes.length,
    url: `${base}/${name}/${index}.whl`
  }))
})
const serve = (name: string, packages: readonly [Buffer, Buffer] = wheels()) =>
  packages.forEach((bytes, index) => served.set(`/${name}/${index}.whl`, bytes))

const install = (cacheDir: string, more: Partial<InstallOptions> = {}) =>
  installSymPy({
    cacheDir,
    tools: noTools,
    sources: [],
    signal: new AbortController().signal,
    say: () => {},
    ...more
  })
const refused = async (work: Promise<unknown>): Promise<string> => {
  try {
    return `not refused: ${JSON.stringify(await work)}`
  } catch (error) {
    assert.instanceOf(error, NotInstalled)
    return error.message
  }
}

describe("bringing SymPy", () => {
  it("makes one folder with the modules and the licences, without tests", async () => {
    using place = folder()
    serve("a")
    const { isNew, sympy } = await install(place.path, { sources: [source("a")] })
    assert.isTrue(isNew)
    assert.deepInclude(sympy, { folder: join(place.path, "sympy-1.13.3"), version: "1.13.3", origin: "cache" })
    assert.deepStrictEqual(readdirSync(place.path), ["sympy-1.13.3"])
    assert.sameMembers(readdirSync(sympy.folder, { recursive: true }).map(String), [
      "licenses",
      "licenses/sympy",
      "licenses/sympy/LICENSE",
      "mpmath",
      "mpmath/__init__.py",
      "sympy",
      "sympy/__init__.py",
      "sympy/release.py"
    ])
  })

  it("takes Debian's packages from files, and says that it does not know them", async () => {
    using place = folder()
    const said: Array<string> = []
    const from = debs("1.14.0").map((bytes, index) => {
      const path = join(place.path, `${index}.deb`)
      writeFileSync(path, bytes)
      return path
    })
    const cacheDir = join(place.path, "cache")
    const { sympy } = await install(cacheDir, { from, say: (line) => said.push(line) })
    assert.strictEqual(sympy.version, "1.14.0")
    assert.isTrue(existsSync(join(sympy.folder, "licenses/sympy/copyright")))
    assert.strictEqual(said.filter((line) => line.includes("not a file that polya knows")).length, 2)
    assert.isFalse((await install(cacheDir, { from })).isNew)
  })

  it("again does nothing, and asks nobody", async () => {
    using place = folder()
    serve("a")
    await install(place.path, { sources: [source("a")] })
    requests = []
    const again = await install(place.path, { sources: [source("a")] })
    assert.isFalse(again.isNew)
    assert.deepStrictEqual(requests, [])
  })

  it("brings a newer one where the one in the cache does not run on all levels", async () => {
    using place = folder()
    serve("old", wheels("1.12"))
    serve("new")
    await install(place.path, { sources: [source("old", wheels("1.12"))] })
    const { isNew, sympy } = await install(place.path, { sources: [source("new")] })
    assert.deepStrictEqual([isNew, sympy.version], [true, "1.13.3"])
  })

  it("goes to the next place where one has not the very file, and says of each why", async () => {
    using place = folder()
    serve("forged", [wheels()[0], zip([{ path: "mpmath/__init__.py", text: "import evil" }])])
    const forged = source("forged")
    const said = await refused(install(place.path, { sources: [source("absent"), forged] }))
    assert.match(said, /absent: http:\/\/127\.0\.0\.1:\d+\/absent\/0\.whl answered 404/)
    assert.match(said, /forged: .*1\.whl is not the file expected|forged: .*sends more than the file has/)
    assert.match(said, /doctor --fix --from FILE/)
    assert.deepStrictEqual(readdirSync(place.path), [])
    serve("right")
    assert.isTrue((await install(place.path, { sources: [source("absent"), forged, source("right")] })).isNew)
  })

  it("refuses a file of the same size that is another", async () => {
    using place = folder()
    const [sympy, mpmath] = wheels()
    const other = Buffer.from(mpmath)
    other.writeUInt8(other.readUInt8(40) ^ 1, 40)
    serve("a", [sympy, other])
    assert.match(await refused(install(place.path, { sources: [source("a")] })), /not the file expected: its SHA-256/)
    assert.deepStrictEqual(readdirSync(place.path), [])
  })

  it("stops reading what does not end", async () => {
    using place = folder()
    let isCut = false
    served.set("/a/0.whl", (_, response) => {
      response.on("close", () => isCut = true)
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) continue
      }
      response.on("drain", more)
      more()
    })
    assert.match(await refused(install(place.path, { sources: [source("a")] })), /sends more than the file has/)
    while (!isCut) await new Promise((resolve) => setImmediate(resolve))
  })

  it("follows a few redirections, and not for ever", async () => {
    using place = folder()
    const [sympy, mpmath] = wheels()
    served.set("/b/0.whl", (_, response) => response.writeHead(302, { location: "/c/0.whl" }).end())
    served.set("/c/0.whl", sympy)
    served.set("/b/1.whl", mpmath)
    assert.isTrue((await install(place.path, { sources: [source("b")] })).isNew)
    served.set("/d/0.whl", (_, response) => response.writeHead(302, { location: "/d/0.whl" }).end())
    using other = folder()
    assert.match(await refused(install(other.path, { sources: [source("d")] })), /from one place to the next/)
  })

  it("goes through the proxy that it is told of, and never shows its password", async () => {
    using place = folder()
    const [sympy, mpmath] = wheels()
    served.set("/far/0.whl", sympy)
    served.set("/far/1.whl", mpmath)
    const far = (proxy: string): Source => ({
      ...source("far"),
      proxies: { HTTP_PROXY: proxy },
      files: source("far").files.map((file) => ({ ...file, url: file.url.replace(base, "http://far.invalid") }))
    })
    const nobody = "http://polya:hunter2@127.0.0.1:1"
    const said = await refused(install(place.path, { sources: [far(nobody)] }))
    assert.notInclude(said, "hunter2")
    assert.isTrue((await install(place.path, { sources: [far(base)] })).isNew)
    assert.deepStrictEqual(requests, ["http://far.invalid/far/0.whl", "http://far.invalid/far/1.whl"])
  })

  it("leaves nothing where it is called off between two files", async () => {
    using place = folder()
    const calledOff = new AbortController()
    const [sympy] = wheels()
    served.set("/a/0.whl", sympy)
    served.set("/a/1.whl", () => calledOff.abort())
    const work = install(place.path, { sources: [source("a")], signal: calledOff.signal })
    assert.match(await refused(work), /called off/)
    assert.deepStrictEqual(readdirSync(place.path), [])
  })

  it("leaves nothing of packages that are wrong", async () => {
    using place = folder()
    const [sympy, mpmath] = wheels()
    const wrong: ReadonlyArray<readonly [Buffer, RegExp]> = [
      [zip([{ path: "mpmath/__init__.py" }, { path: "../evil.py" }]), /leads out of it/],
      [zip([{ path: "mpmath/__init__.py", link: "/etc/passwd" }]), /not a regular file/],
      [zip([{ path: "mpmath/__init__.py" }, { path: "mpmath/__init__.py" }]), /not installed: EEXIST/],
      [zip([{ path: "other/__init__.py" }]), /lack mpmath\/__init__\.py/],
      [mpmath.subarray(0, 50), /not a zip/]
    ]
    for (const [bytes, why] of wrong) {
      const from = [sympy, bytes].map((content, index) => {
        const path = join(place.path, `${index}.whl`)
        writeFileSync(path, content)
        return path
      })
      assert.match(await refused(install(join(place.path, "cache"), { from })), why)
      assert.deepStrictEqual(readdirSync(join(place.path, "cache")), [])
      assert.deepStrictEqual(readdirSync(place.path).toSorted(), ["0.whl", "1.whl", "cache"])
    }
  })

  it("says which file that is handed in cannot be read", async () => {
    using place = folder()
    const from = [join(place.path, "absent.deb")]
    assert.match(await refused(install(place.path, { from })), /absent\.deb cannot be read: ENOENT/)
    assert.match(await refused(install(place.path, { from: [place.path] })), /not a package/)
  })

  it("ends well where two do it at once", async () => {
    using place = folder()
    serve("a")
    const both = await Promise.all([1, 2].map(() => install(place.path, { sources: [source("a")] })))
    assert.sameMembers(both.map(({ isNew }) => isNew), [true, false])
    assert.deepStrictEqual(readdirSync(place.path), ["sympy-1.13.3"])
  })

  it("takes the place of what is no SymPy, and removes what killed ones have left", async () => {
    using place = folder()
    serve("a")
    const half = join(place.path, ".sympy-1-a.part")
    const young = join(place.path, ".sympy-2-b.part")
    for (const path of [half, young, join(place.path, "sympy-1.13.3", "sympy")]) mkdirSync(path, { recursive: true })
    utimesSync(half, 1, 1)
    const { sympy } = await install(place.path, { sources: [source("a")] })
    assert.isTrue(existsSync(join(sympy.folder, "mpmath/__init__.py")))
    assert.isFalse(existsSync(half))
    assert.isTrue(existsSync(young))
  })

  it("brings nothing where the user names a folder: a right one is used, a wrong one is told", async () => {
    using place = folder()
    serve("a")
    const { sympy } = await install(place.path, { sources: [source("a")] })
    const elsewhere = join(place.path, "elsewhere")
    const used = await install(elsewhere, { named: sympy.folder })
    assert.deepStrictEqual([used.isNew, used.sympy.origin], [false, "named"])
    await install(elsewhere, { named: place.path }).then(
      () => assert.fail("it was taken"),
      (error: unknown) => assert.instanceOf(error, SymPyUnfit)
    )
    assert.isFalse(existsSync(elsewhere))
  })

  it("compiles for the Python that is there", async ({ skip }) => {
    const tools = await findTools()
    if (tools.python === null) return skip(tools.pythonMissing ?? "there is no Python")
    using place = folder()
    serve("a")
    const options = { sources: [source("a")], tools: { ...tools, python: { ...tools.python, purelib: [] } } }
    const { sympy } = await install(place.path, options)
    const name = `release.cpython-${tools.python.version.split(".").slice(0, 2).join("")}.pyc`
    const compiled = readFileSync(join(sympy.folder, "sympy/__pycache__", name))
    assert.isTrue(compiled.includes(join(sympy.folder, "sympy/release.py")))
  })
})
