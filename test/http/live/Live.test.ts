// The WebSocket protocol as a plain client meets it: commands, watches of actors and lists, resumption, bounds.
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, type Scope } from "effect"
import { ProblemActor } from "../../../src/actors/ProblemActor.ts"
import { kept } from "../../../src/domain/Stage.ts"
import { HttpLimits, httpLimitsDefaults } from "../../../src/http/Limits.ts"
import { awaitStatus, makeStop, mapStage, recipeOf, start, type World } from "../../actors/Fixture.ts"
import { app, connect, makeReader, type Refused, serve, serveAs } from "./LiveFixture.ts"

const rowsOf = (count: number) => Array.from({ length: count }, (_, at) => ({ problem: `What is ${at} plus ${at}?` }))
const world = (count: number, more: Partial<World> = {}): World => ({
  stages: [mapStage("keep", () => kept())],
  rows: rowsOf(count),
  ...more
})
const inApp = <A, E>(
  body: Effect.Effect<A, E, Layer.Success<ReturnType<typeof app>> | Scope.Scope>,
  more: Partial<World> = {},
  count = 40,
  refused: Refused = { list: [] }
) => Effect.scoped(Effect.provide(body, app(world(count, more), refused)))

const run = { type: "DatasetRun", actor: "run" }

describe("a WebSocket", () => {
  it.live("gives commands as the caller, once for each key, and says no in a problem document", () => {
    const refused: Refused = { list: [] }
    return inApp(
      Effect.gen(function*() {
        const { port } = yield* serve
        yield* start("run", recipeOf(["keep"]))
        yield* awaitStatus("run", "done")
        const client = yield* connect(port)
        const first = yield* client.ask({ do: "command", ...run, command: "RerunFailed", key: "k1", why: "again" })
        assert.deepStrictEqual(first.reply, { key: "k1", reply: null })
        yield* awaitStatus("run", "done")
        const version = (yield* client.ask({ do: "get", ...run })).reply.version
        const second = yield* client.ask({ do: "command", ...run, command: "RerunFailed", key: "k1", why: "again" })
        assert.isTrue(second.ok)
        assert.strictEqual((yield* client.ask({ do: "get", ...run })).reply.version, version)
        const no = yield* client.ask({ do: "command", ...run, command: "Resume" })
        assert.deepStrictEqual([no.problem.status, no.problem.tag], [409, "RunNotReady"])
        assert.deepStrictEqual(refused.list, ["ada Resume run RunNotReady"])
      }),
      {},
      40,
      refused
    )
  })

  it.live("needs the scope of a command", () =>
    inApp(Effect.gen(function*() {
      const { port } = yield* serve
      yield* start("run", recipeOf(["keep"]))
      const reader = yield* connect(port, "?scope=read&who=bob")
      const no = yield* reader.ask({ do: "command", ...run, command: "Pause" })
      assert.deepStrictEqual([no.problem.status, no.problem.tag], [403, "ScopeMissing"])
      const operator = yield* connect(port, "?scope=operate")
      const state = (yield* operator.ask({ do: "get", ...run })).reply
      const edit = yield* operator.ask({ do: "replace", ...run, expected: state.version, state: state.state, why: "x" })
      assert.strictEqual(edit.problem.tag, "ScopeMissing")
    })))

  it.live("answers what it cannot read with a problem and goes on", () =>
    inApp(Effect.gen(function*() {
      const { port } = yield* serve
      const client = yield* connect(port)
      for (
        const [frame, tag] of [
          ["{", "FrameUnreadable"],
          ["[1]", "FrameUnreadable"],
          ["null", "FrameUnreadable"],
          [{ id: 1 }, "MessageUnfit"],
          [{ id: 1, do: "fly" }, "MessageUnfit"],
          [{ id: "x", do: "ping" }, "MessageUnfit"],
          [{ id: 2, do: "get", type: "Nothing", actor: "x" }, "TypeUnknown"],
          [{ id: 3, do: "get", type: "Problem", actor: "x/../y" }, "MessageUnfit"],
          [{ id: 4, do: "watch", type: "Problem", actor: "nobody" }, "ActorUnknown"],
          [{ id: 5, do: "command", type: "Problem", actor: "x", command: "Ingest", payload: {} }, "CommandUnknown"],
          [
            { id: 6, do: "command", type: "Problem", actor: "x", command: "Rerun", payload: { stage: 1 } },
            "PayloadUnfit"
          ],
          [{ id: 7, do: "unwatch", watch: 9 }, "WatchUnknown"],
          [{ id: 9, do: "watch-list", filter: { type: "Token" } }, "TypeUnknown"],
          [
            `{"id":9,"do":"call","method":"POST","path":"/api/runs","body":${"[".repeat(5_000)}${"]".repeat(5_000)}}`,
            "MessageUnfit"
          ],
          [{ id: 8, do: "watch-list", filter: { type: "Problem" }, limit: 10_000 }, "MessageUnfit"]
        ] as ReadonlyArray<readonly [string | object, string]>
      ) {
        client.send(frame)
        assert.strictEqual((yield* client.next).problem?.tag, tag, JSON.stringify(frame))
      }
      assert.strictEqual((yield* client.ask({ do: "ping" })).reply, "pong")
    })))

  it.live("takes as many messages as come at once, each in its turn, and answers all of them", () =>
    Effect.gen(function*() {
      const { port } = yield* serve
      const client = yield* connect(port)
      for (let id = 0; id < 3_000; id++) client.send({ id, do: "ping" })
      const answered = new Set<number>()
      yield* client.until(({ id }) => answered.add(id).size === 3_000)
      assert.strictEqual(client.socket.readyState, client.socket.OPEN)
    }).pipe(
      Effect.provide(app(world(1))),
      Effect.provideService(HttpLimits, { ...httpLimitsDefaults, messagesPerSecond: 100_000 }),
      Effect.scoped
    ))

  it.live("lets messages wait while their caller asks too much, on whatever connection", () => {
    let left = 3
    return inApp(Effect.gen(function*() {
      const { port } = yield* serveAs({ name: "ada", scope: "read", tokenId: "1" }, {
        isValid: Effect.succeed(true),
        admits: () => left-- > 0
      })
      const client = yield* connect(port)
      for (let id = 1; id <= 6; id++) client.send({ id, do: "ping" })
      yield* client.until(({ id }) => id === 3)
      left = 3
      yield* client.until(({ id }) => id === 6)
    }))
  })

  it.live("ends within two seconds of its token, with the code for that", () => {
    let valid = true
    return inApp(Effect.gen(function*() {
      const { port } = yield* serveAs({ name: "ada", scope: "read", tokenId: "1" }, {
        isValid: Effect.sync(() => valid),
        admits: () => true
      })
      const [client, other] = [yield* connect(port), yield* connect(port)]
      assert.isTrue((yield* client.ask({ do: "ping" })).ok)
      valid = false
      for (const one of [client, other]) {
        assert.deepStrictEqual(yield* one.closed, { code: 1008, why: "the token is not valid any more" })
      }
    }))
  })

  it.live("calls any route of the HTTP API as its caller", () =>
    inApp(Effect.gen(function*() {
      const { port } = yield* serve
      const client = yield* connect(port, "?who=bob")
      const call = { do: "call", method: "POST", path: "/api/runs?x=1", body: { a: 1 }, key: "k", why: "größer" }
      const body = { method: "POST", url: "/api/runs?x=1", body: "{\"a\":1}", key: "k", name: "bob", why: "größer" }
      assert.deepStrictEqual((yield* client.ask(call)).reply, { status: 201, body })
      const large = yield* client.ask({ do: "call", method: "GET", path: "/large" })
      assert.strictEqual(large.problem.tag, "AnswerTooLarge")
      assert.strictEqual((yield* client.ask({ do: "call", method: "GET", path: "x" })).problem.tag, "MessageUnfit")
      assert.strictEqual((yield* client.ask({ do: "call", method: "TRACE", path: "/" })).problem.tag, "MessageUnfit")
    })))

  it.live("ends with a clear code for binary frames and for frames that are too large", () =>
    inApp(Effect.gen(function*() {
      const { port } = yield* serve
      const binary = yield* connect(port)
      binary.socket.send(Buffer.from([1, 2, 3]))
      assert.strictEqual((yield* binary.closed).code, 1003)
      const large = yield* connect(port)
      large.send(`{"id":1,"do":"ping","x":"${"y".repeat(2_000_000)}"}`)
      assert.include([1009, 1006], (yield* large.closed).code)
      const other = yield* connect(port)
      assert.isTrue((yield* other.ask({ do: "ping" })).ok)
    })))
})

describe("a watch of an actor", () => {
  it.live("begins with a snapshot and goes on in differences that fit, to the last state", () =>
    inApp(Effect.gen(function*() {
      const { port } = yield* serve
      const stop = yield* makeStop
      yield* start("run", recipeOf(["keep"], { rowsPerSecond: 60 }))
      const client = yield* connect(port)
      assert.isTrue((yield* client.ask({ do: "watch", ...run })).ok)
      const reader = makeReader()
      yield* client.until((message) => {
        reader.take(message)
        return reader.held?.state.status === "done"
      })
      const now = (yield* client.ask({ do: "get", ...run })).reply
      assert.deepStrictEqual(reader.held, now)
      yield* stop.go
    })))

  it.live("goes on after a cut from the version that the client has, without a gap or a repeat", () =>
    inApp(Effect.gen(function*() {
      const { port } = yield* serve
      yield* start("run", recipeOf(["keep"], { rowsPerSecond: 60 }))
      const first = yield* connect(port)
      yield* first.ask({ do: "watch", ...run })
      const reader = makeReader()
      yield* first.until((message) => {
        reader.take(message)
        return (reader.held?.state.tally.in ?? 0) > 0
      })
      first.socket.terminate()
      yield* awaitStatus("run", "done")
      const again = makeReader(reader.held)
      const second = yield* connect(port)
      yield* second.ask({ do: "watch", ...run, from: reader.held?.version })
      const got: Array<string> = []
      yield* second.until((message) => {
        got.push(...Object.keys(message))
        again.take(message)
        return again.held?.state.status === "done"
      })
      assert.notInclude(got, "snapshot")
      assert.deepStrictEqual(again.held, (yield* second.ask({ do: "get", ...run })).reply)
      // Who has the newest version is sent nothing until there is a newer one.
      const third = yield* connect(port)
      yield* third.ask({ do: "watch", ...run, from: again.held?.version })
      const silent = yield* third.ask({ do: "ping" })
      assert.isTrue(silent.ok)
      yield* third.ask({ do: "command", ...run, command: "ChangeLimits", payload: { attempts: 7 } })
      const delta = yield* third.until((message) => message.delta !== undefined)
      assert.deepStrictEqual(delta.delta.patch, [{ op: "replace", path: "/limits/attempts", value: 7 }])
    })))

  it.live("goes on from a version that only the store knows, as at another process, with the difference from it", () =>
    inApp(Effect.gen(function*() {
      const { port } = yield* serve
      yield* start("run", recipeOf(["keep"]))
      yield* awaitStatus("run", "done")
      const client = yield* connect(port)
      const before = (yield* client.ask({ do: "get", ...run })).reply
      yield* client.ask({ do: "command", ...run, command: "ChangeLimits", payload: { attempts: 9 } })
      // Nobody has watched until now.
      yield* client.ask({ do: "watch", ...run, from: before.version })
      const message = yield* client.until(({ delta, snapshot }) => delta !== undefined || snapshot !== undefined)
      assert.deepStrictEqual(message.delta, {
        from: before.version,
        to: before.version + 1,
        patch: [{ op: "replace", path: "/limits/attempts", value: 9 }]
      })
    })))

  it.live("is bounded on a connection, and its id can be used again after its end", () =>
    inApp(Effect.gen(function*() {
      const { port } = yield* serve
      yield* start("run", recipeOf(["keep"]))
      const client = yield* connect(port)
      const watch = (id: number) => {
        client.send({ id, do: "watch", ...run })
        return client.until((message) => message.id === id)
      }
      for (let id = 1_000; id < 1_063; id++) client.send({ id, do: "watch", ...run })
      assert.isTrue((yield* watch(1_063)).ok)
      assert.strictEqual((yield* watch(1_064)).problem.tag, "TooManyWatches")
      assert.strictEqual((yield* watch(1_000)).problem.tag, "WatchTaken")
      // The place and the id are taken while the feed is opened, too.
      const other = yield* connect(port)
      for (let at = 0; at < 2; at++) other.send({ id: 1, do: "watch", ...run })
      const answers = [yield* other.until(({ id }) => id === 1), yield* other.until(({ id }) => id === 1)]
      assert.sameMembers(answers.map(({ ok, problem }) => ok || problem.tag), [true, "WatchTaken"])
      yield* client.ask({ do: "unwatch", watch: 1_000 })
      assert.isTrue((yield* watch(1_000)).ok)
    })))
})

describe("a watch of a list", () => {
  it.live("shows who comes in and who leaves, and resumes", () =>
    inApp(
      Effect.gen(function*() {
        const { port } = yield* serve
        yield* start("run", recipeOf(["keep"]))
        yield* awaitStatus("run", "done")
        const filter = { type: "Problem", statuses: ["done"], group: "run" }
        const client = yield* connect(port)
        yield* client.ask({ do: "watch-list", filter, limit: 50 })
        const { snapshot } = yield* client.until((message) => message.snapshot !== undefined)
        assert.strictEqual(snapshot.entries.length, 12)
        const problem = (yield* ProblemActor.client)(snapshot.entries[3].id)
        yield* problem.send("Cancel", { who: "ada", why: "test" })
        const { delta } = yield* client.until((message) => message.delta !== undefined)
        assert.deepStrictEqual([delta.from, delta.gone, delta.put], [snapshot.at, [snapshot.entries[3].id], []])
        const other = yield* connect(port)
        yield* other.ask({ do: "watch-list", filter, limit: 50, from: snapshot.at })
        const resumed = yield* other.until((message) => message.delta !== undefined || message.snapshot !== undefined)
        assert.deepStrictEqual(resumed.delta, delta)
      }),
      {},
      12
    ))
})

describe("frames to a client", () => {
  it.live("are numbered, and at most eleven begin in any second", () =>
    inApp(
      Effect.gen(function*() {
        const { port } = yield* serve
        yield* start("run", recipeOf(["keep"], { rowsPerSecond: 150, batchRows: 1 }))
        const client = yield* connect(port)
        yield* client.ask({ do: "watch", ...run })
        for (let id = 1; id <= 60; id++) client.send({ id, do: "ping" })
        yield* client.until((message) => JSON.stringify(message).includes("\"done\""))
        const { frames } = client
        assert.deepStrictEqual(frames.map(({ frame }) => frame), frames.map((_, at) => at + 1))
        for (const [at, { atMillis }] of frames.entries()) {
          const later = frames[at + 11]
          // They may come late and close together, but eleven intervals of 100 ms cannot have begun within 700 ms.
          if (later !== undefined) assert.isAbove(later.atMillis - atMillis, 700)
        }
      }),
      {},
      120
    ))
})
