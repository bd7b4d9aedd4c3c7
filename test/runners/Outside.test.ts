// What callers from outside may name as a source, uploads aside.
import { assert, describe, it } from "@effect/vitest"
import { join, resolve } from "node:path"
import { mayRead } from "../../src/runners/Outside.ts"

const demo = resolve(import.meta.dirname, "..", "..", "demo")

describe("a source that is named from outside", () => {
  it("may lie in the program's own demo folder and nowhere else", () => {
    assert.isTrue(mayRead(join(demo, "problems.jsonl")))
    for (const location of ["/etc/passwd", demo, `${demo}-mine/x`, join(demo, "..", "package.json"), `${demo}/../x`]) {
      assert.isFalse(mayRead(location), location)
    }
  })
  it("is no address, although as a path it would lead to the demo folder", () => {
    const up = "../".repeat(40)
    for (
      const address of [`postgres://u:p@db/name?x=/${up}`, `POSTGRESQL://db/${up}`, `file:${up}`, `http://h/${up}`]
    ) {
      const location = `${address}${demo.slice(1)}/x`
      assert.isTrue(resolve(location).startsWith(demo), location)
      assert.isFalse(mayRead(location), location)
    }
  })
})
