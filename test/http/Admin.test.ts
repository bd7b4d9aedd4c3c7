import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Processes } from "../../src/actors/Processes.ts"
import { finishedRun, make } from "./HttpFixture.ts"

const vitals = {
  pid: 1,
  hostName: "h",
  version: "0",
  reasons: [],
  clusterShards: ["default:2", "default:10", "default:1"],
  runners: [],
  drives: ["one"],
  residents: { Problem: 7 },
  commits: { waiting: 3, flushes: 1, actors: 1, commands: 1, loads: 1, fenced: 0, duplicates: 0, flushMillis: 1 },
  driversStarted: 1,
  driversBroken: 0,
  failovers: 0,
  workers: { workers: 2, busy: 1, waiting: 9 },
  loopDelayP99Millis: 12,
  loopDelayMaxMillis: 20,
  memoryBytes: 1,
  heapBytes: 1,
  cpuMillis: 1,
  settings: 0
}
const row = {
  id: "p1",
  kind: "runner",
  address: "10.0.0.7:7001",
  groups: ["default"],
  startedMillis: 0,
  state: "ready" as const,
  vitals
}

describe("the admin API", () => {
  it.live("lists no types that it does not show, such as tokens", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      yield* ask("POST", "/admin/tokens", { body: { name: "ci", scope: "read" } })
      for (const type of ["Token", "LiveConfig", "Nope"]) {
        const { body, status } = yield* ask("GET", `/admin/actors?type=${type}`)
        assert.deepStrictEqual([status, body.tag], [404, "TypeUnknown"])
      }
    }))

  it.live("says at once that no runner lives, in the words of /ready", () =>
    Effect.gen(function*() {
      const checks = [{ name: "cluster", ok: false, detail: "no runner lives" }]
      const { ask } = yield* make({ checks })
      const commands = [["/api/runs/one/pause", {}], ["/api/runs", { recipe: { name: "dataset-cpu" } }]] as const
      for (const [path, body] of commands) {
        const answer = yield* ask("POST", path, { body })
        assert.deepStrictEqual([answer.status, answer.body.tag], [503, "ActorUnavailable"])
        assert.include(answer.body.detail, "no runner lives")
      }
    }))

  it.live("shows processes, owners of cluster shards, queues, and who drives a run", () =>
    Effect.gen(function*() {
      const { ask, context } = yield* make()
      const processes = (yield* Effect.provideContext(Processes, context)) as Processes["Service"]
      yield* processes.say(row)
      yield* processes.say({ ...row, id: "p2", state: "ended", vitals: { ...vitals, shardsPerGroup: 3 } })
      const { body: listed } = yield* ask("GET", "/admin/processes")
      assert.deepStrictEqual(listed.items.map(({ id, state }: any) => [id, state]).sort(), [["p1", "ready"], [
        "p2",
        "ended"
      ]])
      const owner = { process: "p1", address: "10.0.0.7:7001" }
      assert.deepStrictEqual((yield* ask("GET", "/admin/cluster-shards")).body.items, [
        { shard: "default:1", owners: [owner] },
        { shard: "default:2", owners: [owner] },
        { shard: "default:3", owners: [] },
        { shard: "default:10", owners: [owner] }
      ])
      assert.deepStrictEqual((yield* ask("GET", "/admin/queues")).body.items, [
        { ...owner, waitingCommands: 3, stageQueue: 9, residents: { Problem: 7 }, eventLoopMillis: 12 }
      ])
      assert.deepStrictEqual((yield* finishedRun(ask, "one")).driver, owner)
    }))

  it.live("lists, counts and shows actors of every type with their history", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      yield* finishedRun(ask, "one")
      const { body: types } = yield* ask("GET", "/admin/types")
      assert.deepStrictEqual(types.items.map(({ type }: any) => type), [
        "DatasetRun",
        "Problem",
        "Solve",
        "Evaluation",
        "Contest"
      ])
      const rerun = types.items[0].commands.find(({ name }: any) => name === "Rerun")
      assert.deepStrictEqual(rerun.payload.required, ["stage"])
      const { body: tallies } = yield* ask("GET", "/admin/tallies?group=one")
      assert.deepStrictEqual(
        tallies.items.map(({ count, stage, status }: any) => [status, stage, count]).sort(),
        [["done", "quality", 15], ["dropped", "quality", 4]]
      )
      const { body: actors } = yield* ask("GET", "/admin/actors?type=Problem&status=dropped&count=true&limit=3")
      assert.strictEqual(actors.count, 4)
      assert.strictEqual(actors.items.length, 3)
      assert.isString(actors.next)
      const [{ id }] = actors.items
      const { body: actor } = yield* ask("GET", `/admin/actors/Problem/${id}`)
      assert.strictEqual(actor.entry.status, "dropped")
      assert.strictEqual(actor.state.status, "dropped")
      const { body: history } = yield* ask("GET", `/admin/actors/Problem/${id}/history`)
      assert.strictEqual(history.items[0].version, actor.version)
      assert.strictEqual((yield* ask("GET", `/admin/actors/Problem/${id}/versions/1`)).body.version, 1)
      assert.strictEqual((yield* ask("GET", "/admin/actors/Nix/a")).body.tag, "TypeUnknown")
      assert.strictEqual((yield* ask("GET", "/admin/actors/Problem/nix")).body.tag, "ActorUnknown")
    }))

  it.live("a state is edited with compare-and-set and a reason", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      yield* finishedRun(ask, "one")
      const path = "/admin/actors/DatasetRun/one"
      const { body: { state, version } } = yield* ask("GET", path)
      const next = { ...state, note: "edited" }
      const put = (body: object) => ask("PUT", `${path}/state`, { body })
      assert.strictEqual((yield* put({ expected: version, state: next })).body.tag, "RequestUnfit")
      const moved = yield* put({ expected: version - 1, state: next, why: "a test" })
      assert.deepStrictEqual([moved.status, moved.body.tag, moved.body.facts.version], [409, "VersionMoved", version])
      const unfit = yield* put({ expected: version, state: { ...state, step: "x" }, why: "a test" })
      assert.deepStrictEqual([unfit.status, unfit.body.tag], [422, "StateUnfit"])
      const other = { ...state, recipe: { ...state.recipe, seed: 99 } }
      const fixed = yield* put({ expected: version, state: other, why: "a test" })
      assert.deepStrictEqual([fixed.status, fixed.body.tag], [422, "StateUnfit"])
      assert.include(fixed.body.detail, "recipe of a run cannot be changed")
      const done = yield* put({ expected: version, state: next, why: "a test" })
      assert.strictEqual(done.body.version, version + 1)
      assert.strictEqual((yield* ask("GET", path)).body.state.note, "edited")
      const { body: audit } = yield* ask("GET", "/admin/audit?type=DatasetRun&id=one&limit=1")
      assert.strictEqual(audit.items[0].why, "a test")
    }))

  it.live("any command of any type can be given by name", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      yield* finishedRun(ask, "one")
      const give = (command: string, body?: object) =>
        ask("POST", `/admin/actors/DatasetRun/one/commands/${command}`, { body })
      assert.strictEqual((yield* give("change-limits", { payload: { attempts: 2 } })).status, 200)
      assert.strictEqual((yield* ask("GET", "/api/runs/one")).body.limits.attempts, 2)
      const unfit = yield* give("ChangeLimits", { payload: { attempts: 0 } })
      assert.deepStrictEqual([unfit.status, unfit.body.tag], [422, "PayloadUnfit"])
      assert.strictEqual((yield* give("Finish")).body.tag, "CommandUnknown")
      assert.strictEqual((yield* give("Pause")).body.tag, "RunNotReady")
    }))

  it.live("a bulk command is first counted, then done once for each actor, however often it is given", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      yield* finishedRun(ask, "one")
      const filter = { type: "Problem", group: "one", statuses: ["done"] }
      const bulk = (body: object, key = "b1") =>
        ask("POST", "/admin/bulk", {
          body: { filter, command: "cancel", ...body },
          headers: { "idempotency-key": key }
        })
      const { body: dry } = yield* bulk({})
      assert.deepStrictEqual([dry.dryRun, dry.count, dry.more, dry.sample.length], [true, 15, false, 15])
      assert.strictEqual((yield* ask("GET", "/admin/actors?type=Problem&status=cancelled")).body.items.length, 0)
      const moved = yield* bulk({ dryRun: false, expect: 14 })
      assert.deepStrictEqual([moved.status, moved.body.tag, moved.body.facts.count], [409, "CountMoved", 15])

      const versions = Effect.map(
        ask("GET", "/admin/actors?type=Problem&limit=500"),
        ({ body }) => new Map(body.items.map(({ id, version }: any) => [id, version]))
      )
      const before = yield* versions
      let after: string | null = null
      let done = 0
      let calls = 0
      do {
        const answer: any = yield* bulk({ dryRun: false, expect: 15, limit: 4, ...(after === null ? {} : { after }) })
        assert.strictEqual(answer.status, 200, JSON.stringify(answer.body))
        // The same call again, as after a cut: the same actors, no second effect.
        const again: any = yield* bulk({ dryRun: false, limit: 4, ...(after === null ? {} : { after }) })
        assert.strictEqual(again.status, 200)
        done += answer.body.done + again.body.done
        after = again.body.next ?? answer.body.next
        calls++
      } while (after !== null && calls < 20)
      assert.strictEqual(done, 15)
      const changed = [...yield* versions].filter(([id, version]) => version !== before.get(id))
      assert.strictEqual(changed.length, 15)
      for (const [id, version] of changed) assert.strictEqual(version, before.get(id) as number + 1)

      const unfit = yield* bulk({ command: "edit", payload: { nix: 1 } })
      assert.deepStrictEqual([unfit.status, unfit.body.tag], [422, "PayloadUnfit"])
      assert.strictEqual((yield* bulk({ command: "nix" })).body.tag, "CommandUnknown")
    }))

  it.live("a bulk says how many refused, by tag, with examples", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      yield* finishedRun(ask, "one")
      yield* finishedRun(ask, "two")
      const { body } = yield* ask("POST", "/admin/bulk", {
        body: { filter: { type: "DatasetRun" }, command: "pause", dryRun: false, why: "maintenance" }
      })
      assert.deepStrictEqual([body.done, body.refused, body.next], [0, { RunNotReady: 2 }, null])
      assert.deepStrictEqual(body.examples.map(({ id }: any) => id).sort(), ["one", "two"])
    }))

  it.live("settings are shown, changed with compare-and-set, refused by name, and remembered", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      const { body: before } = yield* ask("GET", "/admin/config")
      const setting = (body: any, key: string) => body.settings.find((one: any) => one.key === key)
      assert.isTrue(setting(before, "http.requestsPerSecond").live)
      const patch = (body: object) => ask("PATCH", "/admin/config", { body })
      const set = yield* patch({ patch: { "http.requestsPerSecond": 123 }, expected: before.number, why: "quiet" })
      assert.strictEqual(set.status, 200, JSON.stringify(set.body))
      const { body: after } = yield* ask("GET", "/admin/config")
      assert.strictEqual(setting(after, "http.requestsPerSecond").value, "123")
      const moved = yield* patch({ patch: { "http.requestsPerSecond": 124 }, expected: before.number })
      assert.deepStrictEqual([moved.status, moved.body.tag], [409, "ConfigMoved"])
      const invalid = yield* patch({ patch: { "http.requestsPerSecond": -1, "http.nix": 2 } })
      assert.deepStrictEqual([invalid.status, invalid.body.tag], [422, "SettingInvalid"])
      assert.strictEqual((yield* patch({ patch: { "http.maxHeaderBytes": 9_000 } })).body.tag, "SettingNotLive")
      const { body: history } = yield* ask("GET", "/admin/config/history")
      assert.deepStrictEqual(history.items.map(({ patch, who, why }: any) => [patch, who, why]), [
        [{ "http.requestsPerSecond": 123 }, "local", "quiet"]
      ])
    }))

  it.live("refusals are in the audit log, and it is paged without gaps and repeats", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      yield* finishedRun(ask, "one")
      for (let command = 0; command < 5; command++) {
        yield* ask("POST", "/api/runs/one/pause", { body: { why: `w${command}` } })
      }
      yield* Effect.sleep("10 millis").pipe(
        Effect.andThen(ask("GET", "/admin/audit?command=Pause")),
        Effect.repeat({ until: ({ body }) => body.items.length === 5, times: 500 })
      )
      const seen: Array<number> = []
      const reasons: Array<string> = []
      let before = ""
      do {
        const { body } = yield* ask("GET", `/admin/audit?limit=2${before}`)
        for (const { outcome, seq, why } of body.items) {
          seen.push(seq)
          if (outcome === "refused") reasons.push(why)
        }
        before = body.next === null ? "" : `&before=${body.next}`
      } while (before !== "")
      assert.strictEqual(new Set(seen).size, seen.length)
      assert.deepStrictEqual(seen, [...seen].sort((a, b) => b - a))
      assert.deepStrictEqual(reasons, ["w4", "w3", "w2", "w1", "w0"])
    }))

  it.live("a round of retention says what went", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      assert.isAbove((yield* ask("GET", "/admin/retention")).body.versionsMillis, 0)
      assert.deepStrictEqual((yield* ask("POST", "/admin/retention")).body, {
        replies: 0,
        events: 0,
        versions: 0,
        more: false
      })
      assert.strictEqual((yield* ask("GET", "/admin/audit")).body.items[0].command, "Retain")
    }))
})
