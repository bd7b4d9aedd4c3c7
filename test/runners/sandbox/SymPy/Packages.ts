// Packages as tests want them, right and wrong: wheels (zip) and Debian's (ar with a tar in it), and a folder that goes with its test.
import { mkdtempSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { crc32, deflateRawSync, gzipSync } from "node:zlib"

/** A path and what is in it; `link`: the entry is a symbolic link to that. */
export interface Entry {
  readonly path: string
  readonly text?: string
  readonly link?: string
}

export const zip = (entries: ReadonlyArray<Entry>): Buffer => {
  const locals: Array<Buffer> = []
  const centrals: Array<Buffer> = []
  let offset = 0
  for (const { link, path, text = "" } of entries) {
    const name = Buffer.from(path)
    const content = Buffer.from(link ?? text)
    const packed = deflateRawSync(content)
    const facts = Buffer.alloc(26)
    facts.writeUInt16LE(20, 0)
    facts.writeUInt16LE(8, 4)
    facts.writeUInt32LE(crc32(content), 10)
    facts.writeUInt32LE(packed.length, 14)
    facts.writeUInt32LE(content.length, 18)
    facts.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from("PK\u0003\u0004", "latin1"), facts, name, packed])
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(((link === undefined ? 0o100644 : 0o120777) << 16) >>> 0, 6)
    rest.writeUInt32LE(offset, 10)
    centrals.push(Buffer.concat([Buffer.from("PK\u0001\u0002\u0014\u0003", "latin1"), facts, rest, name]))
    locals.push(local)
    offset += local.length
  }
  const table = Buffer.concat(centrals)
  const end = Buffer.alloc(22)
  end.write("PK\u0005\u0006", "latin1")
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(table.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, table, end])
}

export const tar = (entries: ReadonlyArray<Entry>): Buffer => {
  const blocks = entries.flatMap(({ link, path, text = "" }) => {
    const head = Buffer.alloc(512)
    const content = Buffer.from(link === undefined ? text : "")
    head.write(path, 0)
    head.write("0000644\0", 100)
    head.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124)
    head.write("        ", 148)
    head.write(link === undefined ? path.endsWith("/") ? "5" : "0" : "2", 156)
    head.write(link ?? "", 157)
    head.write("ustar\u000000", 257, "latin1")
    const sum = head.reduce((total, byte) => total + byte, 0)
    head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148)
    return [head, content, Buffer.alloc((512 - content.length % 512) % 512)]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1_024)])
}

/** A package of Debian whose files are in `data`, as `name` says that it is packed. */
export const deb = (data: Buffer, name = "data.tar.gz"): Buffer => {
  const member = (title: string, content: Buffer) =>
    Buffer.concat([
      Buffer.from(`${title.padEnd(16)}0           0     0     100644  ${String(content.length).padEnd(10)}\`\n`),
      content,
      Buffer.alloc(content.length % 2, "\n")
    ])
  return Buffer.concat([
    Buffer.from("!<arch>\n"),
    member("debian-binary", Buffer.from("2.0\n")),
    member("control.tar.gz", gzipSync(tar([]))),
    member(name, data)
  ])
}

const modules = (version: string): { readonly sympy: ReadonlyArray<Entry>; readonly mpmath: ReadonlyArray<Entry> } => ({
  sympy: [
    { path: "sympy/__init__.py", text: "from .release import __version__\n" },
    { path: "sympy/release.py", text: `__version__ = "${version}"\n` },
    { path: "sympy/core/tests/test_all.py", text: "assert False\n" },
    { path: "isympy.py", text: "raise SystemExit\n" }
  ],
  mpmath: [{ path: "mpmath/__init__.py", text: "__version__ = '1.3.0'\n" }]
})

/** A small SymPy in two wheels. */
export const wheels = (version = "1.13.3"): readonly [Buffer, Buffer] => {
  const { mpmath, sympy } = modules(version)
  return [
    zip([...sympy, { path: `sympy-${version}.dist-info/licenses/LICENSE`, text: "as you like\n" }]),
    zip(mpmath)
  ]
}

/** The same as packages of Debian. */
export const debs = (version = "1.13.3"): readonly [Buffer, Buffer] => {
  const { mpmath, sympy } = modules(version)
  const place = (entries: ReadonlyArray<Entry>) =>
    entries.map(({ path, ...entry }) => ({ ...entry, path: `./usr/lib/python3/dist-packages/${path}` }))
  return [
    deb(gzipSync(tar([
      { path: "./" },
      { path: "./usr/" },
      ...place(sympy),
      { path: "./usr/share/doc/python3-sympy/copyright", text: "as you like\n" },
      { path: "./usr/share/doc/python3-sympy/changelog.gz", link: "../other/changelog.gz" }
    ]))),
    deb(gzipSync(tar(place(mpmath))))
  ]
}

export const folder = (): { readonly path: string } & Disposable => {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "polya-sympy-")))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}
