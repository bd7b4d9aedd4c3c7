// Mirrors and proxies, as apt's files tell them.
import { assert, describe, it } from "@effect/vitest"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  aptMirrors,
  debianMirrors,
  findSources,
  proxiesOfApt,
  proxiesOfEnvironment
} from "../../../../src/runners/sandbox/SymPy/Sources.ts"
import { folder } from "./Packages.ts"

describe("mirrors of Debian", () => {
  it("are read from lines", () => {
    const text = `# deb http://commented.example/debian trixie main
deb http://deb.example/debian/ trixie main contrib # as installed
deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] https://mirror.example/debian trixie-updates main
deb-src http://source.example/debian trixie main
deb https://download.docker.example/linux/debian trixie stable
deb https://nodes.example/node nodistro main
deb http://archive.ubuntu.example/ubuntu noble main
deb cdrom:[Debian]/ trixie main
deb http://deb.example/debian trixie-backports main`
    assert.deepStrictEqual(debianMirrors("sources.list", text), [
      "http://deb.example/debian",
      "https://mirror.example/debian"
    ])
  })

  it("are read from stanzas", () => {
    const text = `Types: deb deb-src
# a comment
URIs: http://one.example/debian
 https://two.example/debian/
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://disabled.example/debian
Suites: trixie
Components: main
Enabled: no

Types: deb
URIs: mirror+file:/etc/apt/mirrors.txt
Suites: trixie
Components: main

Types: deb
URIs: https://packages.example/apt
Suites: cloud-sdk
Components: main
`
    assert.deepStrictEqual(debianMirrors("debian.sources", text), [
      "http://one.example/debian",
      "https://two.example/debian"
    ])
  })

  it("are read from what is nonsense, as none", () => {
    for (const text of ["", "deb", "Types", "\0\n\n:::\n", "URIs:", "deb [ http://x trixie main"]) {
      assert.deepStrictEqual(debianMirrors("a.list", text), [])
      assert.deepStrictEqual(debianMirrors("a.sources", text), [])
    }
  })

  it("come from all files of apt, a few at most, and from none where there is no apt", async () => {
    using place = folder()
    mkdirSync(join(place.path, "sources.list.d"))
    writeFileSync(join(place.path, "sources.list"), "deb http://one.example/debian trixie main\n")
    const lines = [2, 3, 4, 5].map((n) => `deb http://m${n}.example/debian trixie main`).join("\n")
    writeFileSync(join(place.path, "sources.list.d", "more.list"), lines)
    writeFileSync(join(place.path, "sources.list.d", "old.list.save"), "deb http://old.example/debian trixie main\n")
    assert.deepStrictEqual(await aptMirrors(place.path), [
      "http://one.example/debian",
      "http://m2.example/debian",
      "http://m3.example/debian"
    ])
    assert.deepStrictEqual(await aptMirrors(join(place.path, "nowhere")), [])
  })
})

describe("proxies", () => {
  it("are read from what apt-config prints, with hosts that are asked directly", () => {
    const dump = `APT "";
Acquire::http::Proxy "http://user:secret@proxy.example:3128";
Acquire::http::Proxy::direct.example "DIRECT";
Acquire::http::Timeout "5";`
    assert.deepStrictEqual(proxiesOfApt(dump), {
      HTTP_PROXY: "http://user:secret@proxy.example:3128",
      HTTPS_PROXY: "http://user:secret@proxy.example:3128",
      NO_PROXY: "direct.example"
    })
    assert.deepStrictEqual(proxiesOfApt("Acquire::http::Proxy \"DIRECT\";\nAcquire::https::Proxy \"http://s:1\";"), {
      HTTPS_PROXY: "http://s:1"
    })
    assert.deepStrictEqual(proxiesOfApt(""), {})
  })

  it("are read from the environment in either spelling", () => {
    assert.deepStrictEqual(proxiesOfEnvironment({ http_proxy: "http://a:1", HTTP_PROXY: "http://b:1", NO_PROXY: "" }), {
      HTTP_PROXY: "http://a:1"
    })
  })
})

describe("the sources", () => {
  it("are Debian's servers, then Pyodide's, each file pinned", async () => {
    const sources = await findSources()
    const hosts = sources.map(({ files }) => URL.parse(files[0]?.url ?? "")?.host)
    assert.deepStrictEqual(hosts.slice(-3), ["deb.debian.org", "snapshot.debian.org", "cdn.jsdelivr.net"])
    for (const { files } of sources) {
      assert.strictEqual(files.length, 2)
      for (const { sha256, url } of files) {
        assert.match(sha256, /^[0-9a-f]{64}$/)
        assert.notStrictEqual(URL.parse(url), null)
      }
    }
  })
})
