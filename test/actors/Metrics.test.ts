import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { edgeInstruments, makeRegistry, textOf } from "../../src/actors/Metrics.ts"
import { growing, parse, valueOf } from "../PrometheusText.ts"

const nasty = Schema.String
const Observed = Schema.Array(Schema.Struct({ route: nasty, value: Schema.Finite }))

describe("the registry", () => {
  it("counts by labels and answers the same instrument for a name", () => {
    const registry = makeRegistry()
    const first = registry.counter({ name: "a_total", help: "A.", labels: ["x"] })
    first.add(["1"])
    registry.counter({ name: "a_total", help: "A.", labels: ["x"] }).add(["1"], 2)
    const families = parse(textOf(registry.families()))
    assert.strictEqual(valueOf(families, "a_total", { x: "1" }), 3)
    assert.throws(() => registry.gauge({ name: "a_total", help: "A." }), /is a counter already/)
    assert.throws(() => first.add(["1", "2"]), /has the labels x/)
  })

  it("shows an instrument without labels from the start", () => {
    const registry = makeRegistry()
    registry.counter({ name: "never_total", help: "Never." })
    registry.histogram({ name: "never_seconds", help: "Never.", bounds: [1] })
    const families = parse(textOf(registry.families()))
    assert.strictEqual(valueOf(families, "never_total"), 0)
    assert.strictEqual(valueOf(families, "never_seconds_count"), 0)
  })

  it("keeps a bounded number of series and counts the rest as other", () => {
    const registry = makeRegistry()
    const counter = registry.counter({ name: "a_total", help: "A.", labels: ["x", "y"], maxSeries: 10 })
    for (let i = 0; i < 1_000; i++) counter.add([`${i}`, "long".repeat(1_000)])
    const family = parse(textOf(registry.families())).get("a_total")
    assert.strictEqual(family?.series.length, 11)
    assert.strictEqual(family?.series.find(({ labels }) => labels["x"] === "other")?.value, 990)
    assert.isTrue(family?.series.every(({ labels }) => (labels["y"] ?? "").length <= 120))
  })

  it("never counts backwards", () => {
    const registry = makeRegistry()
    const counter = registry.counter({ name: "a_total", help: "A." })
    for (const by of [5, -3, Number.NaN, Number.POSITIVE_INFINITY]) counter.add([], by)
    assert.strictEqual(valueOf(parse(textOf(registry.families())), "a_total"), 5)
  })

  it.prop("writes any label and any value so that a strict reader reads them back", [Observed], ([observed]) => {
    const registry = makeRegistry()
    const seconds = registry.histogram({ name: "s", help: "a \\ b\nc", labels: ["route"], bounds: [-1, 0, 1e3] })
    const gauge = registry.gauge({ name: "g", help: "", labels: ["route"], maxSeries: 10_000 })
    for (const { route, value } of observed) {
      seconds.observe([route], value)
      gauge.set([route], value)
    }
    const families = parse(textOf(registry.families()))
    assert.strictEqual(families.get("s")?.help, "a \\ b\nc")
    const last = new Map(observed.map(({ route, value }) => [route.slice(0, 120), value]))
    for (const [route, value] of last) assert.strictEqual(valueOf(families, "g", { route }), value)
    const counted = [...growing(families)].filter(([key]) => key.startsWith("s_count")).reduce((n, [, v]) => n + v, 0)
    assert.strictEqual(counted, observed.length)
  }, { arbitrary: { runs: 200, seed: 7 } })

  it("gives the edge its instruments once", () => {
    const registry = makeRegistry()
    edgeInstruments(registry).requests.add(["/api/runs/:id", "GET", "200"])
    const edge = edgeInstruments(registry)
    edge.requests.add(["/api/runs/:id", "GET", "200"])
    edge.requestSeconds.observe(["/api/runs/:id"], 0.003)
    const families = parse(textOf(registry.families()))
    const labels = { route: "/api/runs/:id", method: "GET", status: "200" }
    assert.strictEqual(valueOf(families, "polya_http_requests_total", labels), 2)
    assert.strictEqual(
      valueOf(families, "polya_http_request_seconds_bucket", { route: "/api/runs/:id", le: "0.005" }),
      1
    )
  })
})
