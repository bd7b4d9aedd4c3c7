// The layers, as a test: domain <- actors <- runners, http. Types that name each other (`import type`) make no cycle.
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"

const root = join(import.meta.dirname, "..", "src")
/** What a layer may import from. `main` files are the runners' own. */
const allowed: Record<string, ReadonlyArray<string>> = {
  domain: ["domain"],
  actors: ["domain", "actors"],
  runners: ["domain", "actors", "runners", "http"],
  http: ["domain", "actors", "http"]
}
/** What the domain may use: Effect and parsers without I/O. */
const pure = /^(effect|@lezer\/(common|python)|@noble\/hashes|htmlparser2|entities)(\/|$)/

const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => /\.(ts|js)$/.test(file))
const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]))
const specifier = /(?:^|\n)\s*(?:import|export)\b(?:[^"'`;]*?\bfrom)?\s*"([^"]+)"|\bimport\("([^"]+)"\)/g
const typesOnly = /^\s*(?:import|export) type\b[^"=]*\bfrom "[^"]+"/gm
const namesIn = (text = "") => [...text.matchAll(specifier)].map((match) => match[1] ?? match[2] ?? "")
const isRelative = (name: string) => name.startsWith(".")
const layerOf = (file: string) => file.split("/", 1)[0] ?? ""
const wrong = (test: (name: string, file: string) => boolean) =>
  files.flatMap((file) => namesIn(texts.get(file)).flatMap((name) => (test(name, file) ? [`${file}: ${name}`] : [])))

describe("imports", () => {
  it("go from runners and http to actors to domain, never back", () => {
    assert.isAbove(wrong(() => true).length, 0)
    const isBackward = (name: string, file: string) =>
      !allowed[layerOf(file)]?.includes(layerOf(join(dirname(file), name)))
    assert.deepStrictEqual(wrong((name, file) => isRelative(name) && isBackward(name, file)), [])
  })

  it("of the domain name only Effect and pure parsers", () => {
    assert.deepStrictEqual(
      wrong((name, file) => layerOf(file) === "domain" && !isRelative(name) && !pure.test(name)),
      []
    )
  })

  it("name files with their extension and never a barrel", () => {
    assert.deepStrictEqual(wrong((name) => isRelative(name) && !/(?<!\/index)\.\w+$/.test(name)), [])
  })

  it("make no cycle", () => {
    const done = new Set<string>()
    const visit = (file: string, trail: ReadonlyArray<string>): ReadonlyArray<string> => {
      if (trail.includes(file)) return [[...trail.slice(trail.indexOf(file)), file].join(" -> ")]
      if (done.has(file)) return []
      const names = namesIn(texts.get(file)?.replace(typesOnly, "")).filter(isRelative)
      const found = names.flatMap((name) => visit(join(dirname(file), name), [...trail, file]))
      done.add(file)
      return found
    }
    assert.deepStrictEqual(files.flatMap((file) => visit(file, [])), [])
  })
})
