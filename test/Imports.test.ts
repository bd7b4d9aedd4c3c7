// The layers, as a test: domain <- actors <- runners, http. Walks every relative import of src and fails on one that goes
// the wrong way, on a cycle, on an index file and on a foreign package in the domain.
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"

const root = join(import.meta.dirname, "..", "src")
/** What a layer may import from, itself included. `main` files are the runners' own. */
const allowed: Record<string, ReadonlyArray<string>> = {
  domain: ["domain"],
  actors: ["domain", "actors"],
  runners: ["domain", "actors", "runners", "http"],
  http: ["domain", "actors", "http"]
}
/** Parsers without I/O that the domain may use beside Effect. */
const pure = /^(effect|@noble\/hashes|htmlparser2|entities)(\/|$)/

const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => /\.(ts|js)$/.test(file))
const specifiers = /(?:^|\n)\s*(?:import|export)\b(?:[^"'`;]*?\bfrom)?\s*"([^"]+)"|\bimport\("([^"]+)"\)/g
const importsOf = new Map(files.map((file) => {
  const text = readFileSync(join(root, file), "utf8")
  return [file, [...text.matchAll(specifiers)].map((match) => match[1] ?? match[2] ?? "")] as const
}))
const targetsOf = (file: string) =>
  (importsOf.get(file) ?? []).filter((name) => name.startsWith(".")).map((name) => join(dirname(file), name))
const layerOf = (file: string) => file.split("/")[0] ?? ""
const wrong = (test: (file: string, specifier: string) => boolean) =>
  [...importsOf].flatMap(([file, names]) => names.filter((name) => test(file, name)).map((name) => `${file}: ${name}`))

describe("imports", () => {
  it("go from runners and http to actors to domain, never back", () => {
    assert.isAbove(files.length, 0)
    assert.deepStrictEqual(
      wrong((file, name) =>
        name.startsWith(".") && !allowed[layerOf(file)]?.includes(layerOf(join(dirname(file), name)))
      ),
      []
    )
  })

  it("of the domain name only Effect and pure parsers", () => {
    assert.deepStrictEqual(
      wrong((file, name) => layerOf(file) === "domain" && !name.startsWith(".") && !pure.test(name)),
      []
    )
  })

  it("name files with their extension and never a barrel", () => {
    assert.deepStrictEqual(
      wrong((_, name) => name.startsWith(".") && (!/\.\w+$/.test(name) || /\/index\.\w+$/.test(name))),
      []
    )
  })

  it("make no cycle", () => {
    const done = new Set<string>()
    const visit = (file: string, trail: ReadonlyArray<string>): ReadonlyArray<string> => {
      if (trail.includes(file)) return [[...trail.slice(trail.indexOf(file)), file].join(" -> ")]
      if (done.has(file)) return []
      const found = targetsOf(file).flatMap((target) => visit(target, [...trail, file]))
      done.add(file)
      return found
    }
    assert.deepStrictEqual(files.flatMap((file) => visit(file, [])), [])
  })
})
