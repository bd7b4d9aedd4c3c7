// The detectors themselves: every sentence of the table is understood, what nobody understands is told, and each kind of breach is seen.
import { assert, describe, it } from "@effect/vitest"
import { ownCases, sharedCases } from "../conformance/Conformance.ts"
import type { Attack } from "./Attack.ts"
import { breachesOf, type Observed, readingOf } from "./Detectors.ts"

const attack = (detect: string, more: Partial<Attack> = {}): Attack => ({
  id: "one",
  category: "test",
  source: "print(1)",
  must_not: "get out",
  detect,
  ...more
})
const quiet: Observed = {
  reply: {
    status: "ok",
    stdout: "1\n",
    stderr: "",
    value: null,
    truncated: false,
    millis: 1,
    cause: null,
    stateLost: false
  },
  secret: "S0123",
  source: "print(1)",
  outputBytes: 1_000,
  written: false,
  tcp: 0,
  udp: 0,
  unix: 0,
  signals: [],
  harnessChanged: false,
  parentGrowthBytes: 0,
  processBytes: 0,
  processLimitBytes: 1,
  victim: null,
  fresh: null,
  later: null,
  polluted: false
}
const said = (reply: Partial<NonNullable<Observed["reply"]>>): Observed["reply"] =>
  quiet.reply === null ? null : { ...quiet.reply, ...reply }
const reasons = (detect: string, seen: Partial<Observed>, more: Partial<Attack> = {}) =>
  breachesOf(readingOf(attack(detect, more)), { ...quiet, ...seen })

describe("the detectors", () => {
  it("understand every sentence of the table", () => {
    const rows = [...ownCases<Attack>("sandbox_attacks"), ...sharedCases<Attack>("sandbox_attacks")]
    const lost = rows.map((row) => ({ id: row.id, left: readingOf(row).left })).filter(({ left }) => left !== "")
    assert.deepStrictEqual(lost, [])
    assert.isAbove(rows.length, 30)
  })

  it("tell what they do not understand", () => {
    assert.strictEqual(readingOf(attack("output contains BREACH, or the moon is green")).left, "the moon is green")
  })

  it("see nothing where nothing is", () => {
    assert.deepStrictEqual(reasons("output contains BREACH or parent counts SIGUSR2", {}), [])
    assert.deepStrictEqual(reasons("none", { reply: said({ status: "error", stderr: "print('BREACH')" }) }), [])
  })

  it("see each kind of breach, whatever the row asked for", () => {
    for (
      const seen of [
        { reply: said({ stderr: "x S0123" }) },
        { reply: said({ value: "'BREACH'" }) },
        { reply: said({ stdout: "root:x:0:0:root" }) },
        { reply: said({ stdout: "€".repeat(334) }) },
        { reply: null },
        { written: true },
        { tcp: 1 },
        { udp: 1 },
        { unix: 1 },
        { signals: ["SIGIO"] },
        { harnessChanged: true },
        { parentGrowthBytes: 65e6 },
        { processBytes: 2 },
        { victim: "killed" },
        { fresh: "killed" },
        { polluted: true }
      ] satisfies ReadonlyArray<Partial<Observed>>
    ) assert.strictEqual(reasons("none", seen).length, 1, JSON.stringify(seen))
  })

  it("read marks, ends and first lines from the words of a row", () => {
    assert.lengthOf(reasons("output contains 'canary.txt'", { reply: said({ stdout: "['canary.txt']" }) }), 1)
    const own = "open('canary.txt')"
    assert.lengthOf(
      reasons("output contains 'canary.txt'", { source: own, reply: said({ status: "error", stderr: own }) }),
      0
    )
    assert.lengthOf(reasons("status must be died/error, not ok", {}), 1)
    assert.lengthOf(reasons("status must be died/error, not ok", { reply: said({ status: "exited" }) }), 0)
    assert.lengthOf(reasons("returns within timeout+grace+1s with timeout/killed", {}), 1)
    assert.lengthOf(reasons("none", { reply: said({ status: "timeout" }) }, { status_in: ["timeout", "killed"] }), 0)
    assert.lengthOf(reasons("none", {}, { status_not: ["ok"] }), 1)
    assert.lengthOf(reasons("none", { reply: said({ stdout: "0\n" }) }, { ok_first_line_zero: true }), 1)
    assert.lengthOf(reasons("status reported truthfully", { later: "printed 3" }), 1)
  })
})
