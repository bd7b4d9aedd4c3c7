import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { finishedRun, make, recipeYaml } from "./HttpFixture.ts"

const problemOf = (answer: { readonly status: number; readonly headers: Headers; readonly body: any }) => {
  assert.strictEqual(answer.headers.get("content-type"), "application/problem+json")
  assert.strictEqual(answer.body.status, answer.status)
  for (const member of ["type", "title", "detail", "tag", "hint"]) {
    assert.isString(answer.body[member], member)
    assert.isNotEmpty(answer.body[member], member)
  }
  return answer.body
}

describe("runs over HTTP", () => {
  it.live("a run is started, done and shown with counts that add up", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      const run = yield* finishedRun(ask)
      assert.strictEqual(run.status, "done", JSON.stringify(run))
      assert.deepStrictEqual(run.counts, {
        in: 20,
        done: 15,
        dropped: { "quality/bad": 4 },
        failed: 1,
        derived: { done: 0, dropped: 0, failed: 0, expanded: 0 }
      })
      assert.deepStrictEqual(run.stages.map((stage: any) => [stage.name, stage.in]), [["trim", 19], ["quality", 19]])
      assert.isAbove(run.rowsPerSecond, 0)
    }))

  it.live("lists tell runs by status, words and age, and rows by status and stage", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      yield* finishedRun(ask, "one")
      yield* finishedRun(ask, "two")
      const ids = (query: string) =>
        Effect.map(ask("GET", `/api/runs${query}`), ({ body }) => body.items.map((one: any) => one.id))
      assert.deepStrictEqual(yield* ids(""), ["two", "one"])
      assert.deepStrictEqual(yield* ids("?order=oldest"), ["one", "two"])
      assert.deepStrictEqual(yield* ids("?status=running"), [])
      assert.deepStrictEqual(yield* ids("?status=running&status=done&text=recipe%20sma"), ["two", "one"])
      assert.deepStrictEqual(yield* ids("?text=nowhere"), [])
      assert.deepStrictEqual(yield* ids("?untilMillis=1"), [])
      assert.strictEqual((yield* ask("GET", "/api/runs")).body.items[0].counts.in, 20)

      const rows = (query: string) => Effect.map(ask("GET", `/api/runs/one/rows${query}`), ({ body }) => body)
      assert.deepStrictEqual(
        (yield* rows("?status=dropped")).items.map(({ reason, seq, stage }: any) => [seq, stage, reason]),
        [[0, "quality", "bad"], [5, "quality", "bad"], [10, "quality", "bad"], [15, "quality", "bad"]]
      )
      assert.strictEqual((yield* rows("?stage=quality")).items.length, 4)
      assert.deepStrictEqual((yield* rows("?stage=source")).items.map((row: any) => [row.seq, row.problem]), [[
        7,
        null
      ]])
      assert.strictEqual((yield* ask("GET", "/api/runs/one/rows?stage=nix")).body.tag, "StageUnknown")
      assert.strictEqual((yield* ask("GET", "/api/runs/nix/rows")).body.tag, "RunUnknown")
    }))

  it.live("pages of rows, runs and problems hold everything once", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      yield* finishedRun(ask, "one")
      const all = Effect.fnUntraced(function*(path: string, limit: number) {
        const items: Array<any> = []
        let after = ""
        for (let page = 0; page < 100; page++) {
          const { body, status } = yield* ask("GET", `${path}${path.includes("?") ? "&" : "?"}limit=${limit}${after}`)
          assert.strictEqual(status, 200, JSON.stringify(body))
          assert.isAtMost(body.items.length, limit)
          items.push(...body.items)
          if (body.next === null) return items
          after = `&after=${encodeURIComponent(body.next)}`
        }
        return yield* Effect.die("no end")
      })
      for (const limit of [1, 3, 7, 20, 500]) {
        const rows = yield* all("/api/runs/one/rows", limit)
        assert.deepStrictEqual(rows.map(({ seq }) => seq), Array.from({ length: 20 }, (_, seq) => seq))
        assert.deepStrictEqual((yield* all("/api/runs/one/rows?stage=quality", limit)).map(({ seq }) => seq), [
          0,
          5,
          10,
          15
        ])
        for (const order of ["newest", "oldest"]) {
          const problems = yield* all(`/api/problems?run=one&order=${order}`, limit)
          assert.strictEqual(new Set(problems.map(({ id }) => id)).size, 19)
          assert.strictEqual(problems.length, 19)
        }
      }
    }))

  it.live("commands say what they did, refuse what does not fit the run, and know a key again", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      yield* finishedRun(ask, "one")
      const refused = problemOf(yield* ask("POST", "/api/runs/one/pause"))
      assert.strictEqual(refused.tag, "RunNotReady")
      assert.strictEqual(refused.status, 409)
      assert.deepStrictEqual(refused.facts, { status: "done", command: "be paused" })
      assert.strictEqual(problemOf(yield* ask("POST", "/api/runs/nix/pause")).tag, "RunUnknown")
      assert.strictEqual(
        problemOf(yield* ask("POST", "/api/runs/one/rerun", { body: { stage: "nix" } })).tag,
        "StageUnknown"
      )

      const headers = { "idempotency-key": "key 1", "x-reason": "more at once" }
      const first = yield* ask("POST", "/api/runs/one/limits", { body: { inFlight: 7 }, headers })
      assert.strictEqual(first.status, 200)
      assert.strictEqual(first.headers.get("idempotency-key"), "key 1")
      const again = yield* ask("POST", "/api/runs/one/limits", { body: { inFlight: 7 }, headers })
      assert.deepStrictEqual([again.status, again.body], [first.status, first.body])
      // A key holds for one command: another one with it is not taken for the first.
      assert.strictEqual(problemOf(yield* ask("POST", "/api/runs/one/pause", { headers })).tag, "RunNotReady")
      const { version } = (yield* ask("GET", "/api/runs/one")).body
      const { body: history } = yield* ask("GET", "/api/runs/one/history?limit=1")
      assert.strictEqual(history.items[0].version, version)
      assert.deepStrictEqual(history.items[0].events, [{ _tag: "LimitsChanged", inFlight: 7 }])
      const { body: before } = yield* ask("GET", `/api/runs/one/versions/${version - 1}`)
      assert.notStrictEqual(before.state.limits.inFlight, 7)
      assert.strictEqual((yield* ask("GET", `/api/runs/one/versions/${version}`)).body.state.limits.inFlight, 7)
      assert.strictEqual(problemOf(yield* ask("GET", "/api/runs/one/versions/999")).tag, "VersionUnknown")

      const { body: audit } = yield* ask("GET", "/admin/audit?type=DatasetRun&command=ChangeLimits")
      assert.strictEqual(audit.items.length, 1)
      assert.strictEqual(audit.items[0].who, "local")
      assert.strictEqual(audit.items[0].why, "more at once")
      assert.strictEqual(audit.items[0].commandId, "ChangeLimits:key 1")
      assert.strictEqual(audit.items[0].version, version)

      const made = yield* ask("POST", "/api/runs/one/rerun-failed", { body: { why: "again" } })
      assert.strictEqual(made.status, 200)
      assert.match(made.headers.get("idempotency-key") ?? "", /^[0-9a-f-]{36}$/)
    }))

  it.live("the same key starts one run; its id may be given", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      const { body: file } = yield* ask("POST", "/api/files?name=rows.jsonl", { body: "{}" })
      const body = { recipe: { yaml: recipeYaml }, sources: [{ location: `upload:${file.id}` }] }
      const headers = { "idempotency-key": "start-1" }
      const first = yield* ask("POST", "/api/runs", { body, headers })
      const again = yield* ask("POST", "/api/runs", { body, headers })
      assert.strictEqual(first.status, 201)
      assert.deepStrictEqual(again.body, first.body)
      assert.strictEqual((yield* ask("GET", "/api/runs")).body.items.length, 1)
      assert.strictEqual(
        problemOf(yield* ask("POST", "/api/runs", { body: { ...body, id: "a/b" } })).tag,
        "RequestUnfit"
      )
      const forbidden = problemOf(
        yield* ask("POST", "/api/runs", { body: { ...body, sources: [{ location: "/etc/passwd" }] } })
      )
      assert.strictEqual(forbidden.tag, "SourceForbidden")
      const recipe = problemOf(yield* ask("POST", "/api/runs", { body: { recipe: { yaml: "stages: 3" } } }))
      assert.strictEqual(recipe.tag, "RecipeRefused")
      assert.strictEqual(problemOf(yield* ask("POST", "/api/runs", { body: { recipe: { name: "nix" } } })).status, 422)
      assert.include((yield* ask("GET", "/api/recipes")).body.items, "dataset-cpu")
    }))

  it.live("passwords in the addresses of sources are not shown", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      const answer = yield* ask("POST", "/api/runs", {
        body: {
          recipe: { yaml: recipeYaml },
          sources: [{ location: "postgres://ada:s3cret@db/problems", query: "select 1" }]
        }
      })
      assert.strictEqual(answer.status, 403)
      assert.notInclude(JSON.stringify(answer.body), "s3cret")
    }))
})

describe("problems over HTTP", () => {
  it.live("a problem is found, read, edited, run again and cancelled", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      yield* finishedRun(ask, "one")
      const { body: found } = yield* ask("GET", "/api/problems?run=one&status=dropped&text=problem%205")
      assert.strictEqual(found.items.length, 1)
      const [{ id }] = found.items
      const { body: problem } = yield* ask("GET", `/api/problems/${id}`)
      assert.strictEqual(problem.state.raw.problem, "problem 5 bad")
      assert.strictEqual(problem.state.status, "dropped")
      const edited = yield* ask("POST", `/api/problems/${id}/edit`, {
        body: { patch: { problem: "better" }, why: "a typo" }
      })
      assert.strictEqual(edited.status, 200, JSON.stringify(edited.body))
      const { body: after } = yield* ask("GET", `/api/problems/${id}`)
      assert.strictEqual(after.state.raw.problem, "better")
      assert.strictEqual(after.version, problem.version + 1)
      assert.deepStrictEqual(
        (yield* ask("GET", `/api/problems/${id}/versions/${problem.version}`)).body.state,
        problem.state
      )
      const { body: history } = yield* ask("GET", `/api/problems/${id}/history`)
      assert.deepStrictEqual(history.items[0].events, [{ _tag: "Edited", who: "local", why: "a typo" }])
      assert.strictEqual(
        problemOf(yield* ask("POST", `/api/problems/${id}/rerun`, { body: { stage: "trim" } })).tag,
        "StageNotReached"
      )
      assert.strictEqual((yield* ask("POST", `/api/problems/${id}/cancel`)).status, 200)
      assert.strictEqual((yield* ask("GET", `/api/problems/${id}`)).body.state.status, "cancelled")
      assert.strictEqual(problemOf(yield* ask("GET", "/api/problems/nix")).tag, "ProblemUnknown")
      assert.strictEqual(problemOf(yield* ask("POST", "/api/problems/nix/cancel")).tag, "ProblemUnknown")
    }))
})

describe("files over HTTP", () => {
  it.live("an upload is listed, told, read whole and in part, and removed", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      const bytes = new Uint8Array(1_000).map((_, at) => at % 251)
      const { body: file, status } = yield* ask("POST", "/api/files?name=r%C3%A4tsel%201.jsonl", { body: bytes })
      assert.strictEqual(status, 201)
      assert.strictEqual(file.name, "rätsel 1.jsonl")
      assert.strictEqual(file.bytes, 1_000)
      assert.strictEqual(file.who, "local")
      assert.deepStrictEqual((yield* ask("GET", `/api/files/${file.id}`)).body, file)
      assert.deepStrictEqual((yield* ask("GET", "/api/files")).body, { items: [file], next: null })
      const path = `/api/files/${file.id}/content`
      const whole = yield* ask("GET", path)
      assert.deepStrictEqual(whole.bytes, bytes)
      assert.strictEqual(whole.headers.get("content-type"), "application/octet-stream")
      assert.strictEqual(
        whole.headers.get("content-disposition"),
        "attachment; filename*=UTF-8''r%C3%A4tsel%201.jsonl"
      )
      for (
        const [range, from, to] of [["bytes=10-19", 10, 20], ["bytes=990-", 990, 1_000], ["bytes=-5", 995, 1_000], [
          "bytes=900-5000",
          900,
          1_000
        ]] as const
      ) {
        const part = yield* ask("GET", path, { headers: { range } })
        assert.strictEqual(part.status, 206)
        assert.deepStrictEqual(part.bytes, bytes.subarray(from, to))
        assert.strictEqual(part.headers.get("content-range"), `bytes ${from}-${to - 1}/1000`)
      }
      const outside = problemOf(yield* ask("GET", path, { headers: { range: "bytes=1000-" } }))
      assert.deepStrictEqual([outside.tag, outside.status], ["RangeUnfit", 416])
      assert.strictEqual((yield* ask("GET", path, { headers: { range: "lines=1-2" } })).status, 200)
      assert.strictEqual((yield* ask("DELETE", `/api/files/${file.id}`)).status, 204)
      assert.strictEqual(problemOf(yield* ask("GET", path)).tag, "FileUnknown")
      const { body: audit } = yield* ask("GET", `/admin/audit?type=File&id=${file.id}`)
      assert.deepStrictEqual(audit.items.map(({ command, who }: any) => [command, who]), [["Remove", "local"], [
        "Upload",
        "local"
      ]])
      assert.strictEqual(problemOf(yield* ask("DELETE", `/api/files/${file.id}`)).tag, "FileUnknown")
    }))

  it.live("a file may not be larger than allowed, nor named as a path", () =>
    Effect.gen(function*() {
      const { ask } = yield* make({ limits: { maxUploadBytes: 1_000 } })
      const large = problemOf(yield* ask("POST", "/api/files?name=a", { body: new Uint8Array(1_001) }))
      assert.deepStrictEqual([large.tag, large.status], ["FileTooLarge", 413])
      assert.deepStrictEqual((yield* ask("GET", "/api/files")).body.items, [])
      for (const name of ["..%2Fa", "", "a%00b", "a%0D%0Ab", "%5Cx"]) {
        assert.strictEqual(
          problemOf(yield* ask("POST", `/api/files?name=${name}`, { body: "x" })).tag,
          "RequestUnfit",
          name
        )
      }
      assert.strictEqual((yield* ask("POST", "/api/files?name=a", { body: new Uint8Array(1_000) })).status, 201)
    }))

  it.live("files are paged without gaps and repeats", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      for (let file = 0; file < 7; file++) yield* ask("POST", `/api/files?name=f${file}`, { body: "x" })
      const names: Array<string> = []
      let after = ""
      do {
        const { body } = yield* ask("GET", `/api/files?limit=2${after}`)
        names.push(...body.items.map(({ name }: any) => name))
        after = body.next === null ? "" : `&after=${encodeURIComponent(body.next)}`
      } while (after !== "")
      assert.deepStrictEqual(names.sort(), ["f0", "f1", "f2", "f3", "f4", "f5", "f6"])
    }))

  it.live("outputs of a run are listed and downloaded by their names", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      yield* finishedRun(ask, "one")
      assert.deepStrictEqual((yield* ask("GET", "/api/runs/one/outputs")).body, { items: [] })
      assert.strictEqual(problemOf(yield* ask("GET", "/api/runs/one/outputs/train.jsonl")).tag, "OutputUnknown")
      for (const path of ["runs/nix/outputs", "runs/nix/history"]) {
        assert.strictEqual(problemOf(yield* ask("GET", `/api/${path}`)).tag, "RunUnknown")
      }
      assert.strictEqual(problemOf(yield* ask("GET", "/api/problems/nix/history")).tag, "ProblemUnknown")
    }))
})

describe("wrong requests", () => {
  it.live("say all that does not fit, by place", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      const query = problemOf(yield* ask("GET", "/api/runs?limit=0&order=x&nix=1"))
      assert.strictEqual(query.status, 400)
      assert.deepStrictEqual(query.errors.map(({ path }: any) => path).sort(), [
        "query.limit",
        "query.nix",
        "query.order"
      ])
      const body = problemOf(
        yield* ask("POST", "/admin/bulk", { body: { filter: { type: 7 }, command: "Pause", dryRun: "yes" } })
      )
      assert.deepStrictEqual(body.errors.map(({ path }: any) => path).sort(), ["payload.dryRun", "payload.filter.type"])
      assert.strictEqual(problemOf(yield* ask("GET", "/api/runs/%FF%00")).errors[0].path, "path")
      assert.strictEqual(
        problemOf(yield* ask("POST", "/api/runs/a/pause", { headers: { "idempotency-key": "x".repeat(201) } }))
          .errors[0].path,
        "headers.idempotency-key"
      )
    }))

  it.live("bodies that are no JSON, of another type or too large are refused", () =>
    Effect.gen(function*() {
      const { ask } = yield* make({ limits: { maxBodyBytes: 2_000 } })
      const json = { "content-type": "application/json" }
      assert.strictEqual(problemOf(yield* ask("POST", "/api/runs", { body: "{", headers: json })).tag, "RequestUnfit")
      const xml = yield* ask("POST", "/api/runs", { body: "<a/>", headers: { "content-type": "text/xml" } })
      assert.deepStrictEqual([xml.status, problemOf(xml).tag], [415, "MediaTypeUnknown"])
      const large = yield* ask("POST", "/api/runs", { body: `"${"x".repeat(2_000)}"`, headers: json })
      assert.deepStrictEqual([large.status, problemOf(large).tag], [413, "BodyTooLarge"])
      const deep = yield* ask("POST", "/api/runs", { body: "[".repeat(900) + "]".repeat(900), headers: json })
      assert.strictEqual(deep.status, 400)
    }))

  it.live("nesting that would take the stack of its reader is refused", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      yield* finishedRun(ask, "one")
      const { body: { items: [{ id }] } } = yield* ask("GET", "/api/problems?limit=1")
      const headers = { "content-type": "application/json" }
      for (const depth of [65, 5_000, 200_000]) {
        const deep = "[".repeat(depth) + "]".repeat(depth)
        for (
          const [method, path, body] of [
            ["POST", "/api/runs", deep],
            ["POST", "/api/runs", `{"recipe":${deep}}`],
            ["POST", `/api/problems/${id}/edit`, `{"patch":{"a":${deep}}}`],
            ["PUT", "/admin/actors/DatasetRun/one/state", `{"expected":1,"why":"x","state":${deep}}`],
            ["POST", `/admin/actors/Problem/${id}/commands/edit`, `{"payload":{"patch":{"a":${deep}}}}`],
            ["POST", "/admin/bulk", `{"filter":{"type":"Problem"},"command":"edit","payload":{"patch":{"a":${deep}}}}`],
            ["PATCH", "/admin/config", `{"patch":{"http.idleMillis":${deep}}}`]
          ] as const
        ) {
          const answer = yield* ask(method, path, { body, headers })
          assert.strictEqual(answer.status, 400, `${path} ${depth}: ${JSON.stringify(answer.body).slice(0, 300)}`)
          assert.strictEqual(problemOf(answer).tag, "RequestUnfit")
        }
      }
      assert.strictEqual((yield* ask("GET", "/api/runs/one")).status, 200)
    }))

  it.live("unknown paths and methods are told apart", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      assert.strictEqual(problemOf(yield* ask("GET", "/nix")).tag, "RouteUnknown")
      assert.strictEqual(problemOf(yield* ask("GET", `/api/${"x/".repeat(200)}`)).tag, "RouteUnknown")
      const wrong = yield* ask("DELETE", "/api/runs/one")
      assert.deepStrictEqual([wrong.status, problemOf(wrong).tag], [405, "MethodUnfit"])
      assert.strictEqual(wrong.headers.get("allow"), "GET, HEAD")
      assert.strictEqual((yield* ask("HEAD", "/api/runs")).status, 200)
    }))
})

describe("the process itself", () => {
  it.live("health, readiness, metrics, the document and its page answer", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      assert.isTrue((yield* ask("GET", "/health")).body.ok)
      assert.isTrue((yield* ask("GET", "/ready")).body.ok)
      yield* ask("GET", "/api/runs/a%20b")
      const metrics = yield* ask("GET", "/metrics")
      assert.match(metrics.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/)
      assert.include(metrics.body, `polya_http_requests_total{route="/health",method="GET",status="200"} 1`)
      assert.include(metrics.body, `polya_http_requests_total{route="/api/runs/:id",method="GET",status="400"} 1`)
      const { body: document } = yield* ask("GET", "/openapi.json")
      assert.strictEqual(document.openapi.slice(0, 3), "3.1")
      const docs = yield* ask("GET", "/docs")
      assert.strictEqual(docs.status, 200)
      assert.match(docs.headers.get("content-security-policy") ?? "", /script-src 'sha256-/)
      assert.notMatch(docs.body, /<script[^>]+src=/)
      assert.strictEqual((yield* ask("GET", "/")).status, 302)
    }))

  it.live("every route says which problems it may answer", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      const { body: document } = yield* ask("GET", "/openapi.json")
      for (const [path, methods] of Object.entries<any>(document.paths)) {
        if (!/^\/(api|admin)/.test(path)) continue
        for (const [method, { responses, summary }] of Object.entries<any>(methods)) {
          const statuses = Object.keys(responses).map(Number)
          assert.isNotEmpty(summary, `${method} ${path}`)
          for (const status of [400, 401, 403, 429, 500, 503]) assert.include(statuses, status, `${method} ${path}`)
          for (const status of statuses) {
            if (status < 400) continue
            assert.deepStrictEqual(
              Object.keys(responses[status].content),
              ["application/problem+json"],
              `${method} ${path} ${status}`
            )
          }
        }
      }
    }))
})
