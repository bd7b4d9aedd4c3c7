// Which value of a setting is in force where, how changes reach every process, and what a changed configuration file does.
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ActorStore, StoreFailed } from "../../src/actors/ActorStore.ts"
import * as ActorStoreMemory from "../../src/actors/ActorStoreMemory.ts"
import { Committer } from "../../src/actors/Committer.ts"
import * as LiveConfigActor from "../../src/actors/LiveConfigActor.ts"
import { type SettingPatch, Settings } from "../../src/actors/Settings.ts"
import { ConfigMoved, initialLiveConfig, type LiveConfigState } from "../../src/domain/LiveConfig.ts"
import { ActorConfig, areas, HttpConfig, StageConfig } from "../../src/runners/Config.ts"
import { ConfigPlaces, resolveSettings, variableOf } from "../../src/runners/Config/Settings.ts"
import * as EmbeddedCluster from "../../src/runners/EmbeddedCluster.ts"
import * as LiveSettings from "../../src/runners/LiveSettings.ts"
import { makeFileWatch } from "../../src/runners/LiveSettings/FileWatch.ts"

const root = mkdtempSync(join(tmpdir(), "polya-live-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const folder = () => mkdtempSync(join(root, "f-"))
const by = { who: "ada", why: "a test" }

const placesIn = (directory: string, environment: ConfigPlaces["environment"] = {}) => ({ directory, environment })
const valuesIn = (places: ConfigPlaces) =>
  Effect.map(Effect.provideService(resolveSettings(areas), ConfigPlaces, places), LiveSettings.makeValues)
const live = (values: { readonly [key: string]: number | string }, number = 1): LiveConfigState => ({
  number,
  values: Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, { value, number, who: "ada" }])
  )
})
const originOf = (values: LiveSettings.LiveValues, key: string) =>
  values.describe(new Set()).find((one) => one.key === key)?.origin

const liveInts = Object.entries(areas).flatMap(([area, settings]) =>
  Object.entries(settings).flatMap(([field, setting]) =>
    setting.live === true && typeof setting.default === "number" ? [{ area, field, setting }] : []
  )
)

describe("a setting", () => {
  const Offset = Schema.NullOr(Schema.Literals([1, 2, 3]))
  it.effect.prop(
    "has the value of the environment, else the live one, else the file's, else the default",
    [Schema.Int, Offset, Offset, Offset],
    ([which, file, lived, env]) =>
      Effect.gen(function*() {
        const one = liveInts[Math.abs(which) % liveInts.length]
        if (one === undefined) return assert.fail("there are live settings")
        const { area, field, setting } = one
        const of = (offset: number | null) => offset === null ? undefined : setting.default + offset
        const directory = folder()
        if (file !== null) writeFileSync(join(directory, "polya.yaml"), `${area}: { ${field}: ${of(file)} }\n`)
        const variable = variableOf(area, field, setting)
        const values = yield* valuesIn(placesIn(directory, env === null ? {} : { [variable]: String(of(env)) }))
        const key = `${area}.${field}`
        const problems = values.take(lived === null ? initialLiveConfig : live({ [key]: of(lived) ?? 0 }))
        assert.deepStrictEqual(problems, [])
        assert.strictEqual((values.of(area as "http") as any)[field], of(env ?? lived ?? file) ?? setting.default)
        assert.strictEqual(
          originOf(values, key),
          env !== null
            ? `env ${variable}`
            : lived !== null
            ? "live #1 by ada"
            : file !== null
            ? "polya.yaml:1"
            : "default"
        )
      }),
    { arbitrary: { runs: 60, seed: 7 } }
  )

  it.effect("of another version of the program is left alone, and said", () =>
    Effect.gen(function*() {
      const values = yield* valuesIn(placesIn(folder()))
      const problems = values.take(live({
        "actor.idleMilis": 5,
        "stage.workers": 2,
        "actor.commandDeadlineMillis": 1,
        "actor.idleMillis": 2_000
      }))
      assert.deepStrictEqual(LiveSettings.linesOf(problems), [
        `live #1 actor.idleMilis: There is no setting "actor.idleMilis"; did you mean "actor.idleMillis"?`,
        "live #1 stage.workers: It is not live in this version of polya",
        "live #1 actor.commandDeadlineMillis: Expected a whole number of at least 100, got 1"
      ])
      assert.strictEqual(values.of("actor").idleMillis, 2_000)
      assert.strictEqual(values.of("actor").commandDeadlineMillis, 30_000)
    }))

  it("is live only if its value is plain JSON that every one may see", () => {
    for (const settings of Object.values(areas)) {
      for (const [field, setting] of Object.entries(settings)) {
        if (setting.live !== true) continue
        assert.include(["number", "string", "boolean"], typeof setting.default, field)
        assert.isFalse(setting.secret ?? false, field)
      }
    }
  })
})

/** A process: its settings over a store that it shares with others. */
const processOver = (
  store: ActorStore["Service"],
  { environment = {}, directory = folder(), watchFile = false }: {
    readonly environment?: ConfigPlaces["environment"]
    readonly directory?: string
    readonly watchFile?: boolean
  } = {}
) =>
  Layer.build(Layer.fresh(
    LiveConfigActor.layer.pipe(
      Layer.provideMerge(LiveSettings.settings({ watchFile })),
      Layer.provideMerge(Committer.layer),
      Layer.provideMerge(EmbeddedCluster.layer()),
      Layer.provideMerge(LiveSettings.layer),
      Layer.provideMerge(Layer.succeed(ActorStore, store)),
      Layer.provide(Layer.succeed(ConfigPlaces, placesIn(directory, environment)))
    )
  ))
const oneStore = Effect.map(
  Layer.build(Layer.fresh(ActorStoreMemory.layer)),
  (context) => Context.get(context, ActorStore)
)

/** Waits, with virtual time passing, for what real files and turns of the event loop bring. */
const until = (holds: () => boolean, what: string) =>
  Effect.gen(function*() {
    for (let turn = 0; turn < 5_000; turn++) {
      if (holds()) return
      yield* Effect.promise(() => new Promise((done) => setImmediate(done)))
      yield* TestClock.adjust(50)
    }
    assert.fail(`it never came: ${what}`)
  })

describe("a change of live settings", () => {
  it.effect("is in force at once where it was made and within two seconds elsewhere", () =>
    Effect.gen(function*() {
      const store = yield* oneStore
      const here = yield* processOver(store)
      const there = yield* processOver(store)
      const fixed = yield* processOver(store, { environment: { POLYA_ACTOR_IDLE_MILLIS: "9000" } })
      yield* TestClock.adjust(1)
      const settings = Context.get(here, Settings)
      assert.deepStrictEqual(yield* settings.set({ "actor.idleMillis": 4_000 }, { by }), { number: 1 })
      assert.strictEqual(Context.get(here, ActorConfig).idleMillis, 4_000)
      assert.strictEqual(Context.get(there, ActorConfig).idleMillis, 30_000)
      yield* TestClock.adjust(2_000)
      assert.strictEqual(Context.get(there, ActorConfig).idleMillis, 4_000)
      assert.strictEqual(Context.get(fixed, ActorConfig).idleMillis, 9_000)
      assert.strictEqual((yield* Context.get(there, Settings).describe).number, 1)
      yield* settings.set({ "actor.idleMillis": null }, { by })
      yield* TestClock.adjust(2_000)
      assert.strictEqual(Context.get(there, ActorConfig).idleMillis, 30_000)
    }))

  it.effect("leaves what was in force while the store is away, and comes when it is back", () =>
    Effect.gen(function*() {
      const store = yield* oneStore
      let away = false
      const flaky = {
        ...store,
        load: (keys: Parameters<typeof store.load>[0]) =>
          Effect.suspend(() =>
            away ? Effect.fail(new StoreFailed({ reason: "unavailable", detail: "away" })) : store.load(keys)
          )
      }
      const here = yield* processOver(store)
      const there = yield* processOver(flaky)
      yield* TestClock.adjust(1)
      yield* Context.get(here, Settings).set({ "actor.idleMillis": 4_000 }, { by })
      yield* TestClock.adjust(2_000)
      away = true
      yield* Context.get(here, Settings).set({ "actor.idleMillis": 5_000 }, { by })
      yield* TestClock.adjust(60_000)
      assert.strictEqual(Context.get(there, ActorConfig).idleMillis, 4_000)
      away = false
      yield* TestClock.adjust(2_000)
      assert.strictEqual(Context.get(there, ActorConfig).idleMillis, 5_000)
    }))

  it.effect("is refused whole, with every mistake, and what is not live by name", () =>
    Effect.gen(function*() {
      const process = yield* processOver(yield* oneStore)
      yield* TestClock.adjust(1)
      const { describe, set } = Context.get(process, Settings)
      const refused = (patch: { readonly [key: string]: unknown }) => Effect.flip(set(patch, { by }))
      const invalid = yield* refused({
        "actor.idleMillis": "soon",
        "actor.idleMilis": 5,
        "http.allowedOrigins": "https://a.example/path",
        "http.maxSockets": 5
      })
      assert.strictEqual(invalid._tag, "SettingInvalid")
      assert.deepStrictEqual(invalid.message.split("\n"), [
        "actor.idleMillis: Expected number, got \"soon\"",
        `actor.idleMilis: There is no setting "actor.idleMilis"; did you mean "actor.idleMillis"?`,
        "http.allowedOrigins: Expected origins like https://polya.example:8443 (no path, no slash at the end), joined by commas, or *"
      ])
      assert.strictEqual((yield* refused({}))._tag, "SettingInvalid")
      const fixed = yield* refused({ "stage.workers": 3, "store.databaseUrl": "postgres://u:hunter2@h/d" })
      assert.strictEqual(fixed._tag, "SettingNotLive")
      assert.notInclude(JSON.stringify(fixed), "hunter2")
      const { number, settings } = yield* describe
      assert.strictEqual(number, 0)
      assert.isTrue(settings.every(({ origin }) => origin === "default"))
      yield* set({ "http.allowedOrigins": "https://a.example, http://b.example:81" }, { by })
      assert.strictEqual(Context.get(process, HttpConfig).allowedOrigins, "https://a.example, http://b.example:81")
    }))

  it.effect("made for an older number is refused, so that of two at once one wins", () =>
    Effect.gen(function*() {
      const store = yield* oneStore
      const a = Context.get(yield* processOver(store), Settings)
      const b = Context.get(yield* processOver(store), Settings)
      yield* TestClock.adjust(1)
      const asked = yield* Effect.forkChild(Effect.all(
        [4_000, 5_000, 6_000].map((value, index) =>
          Effect.exit((index === 1 ? b : a).set({ "actor.idleMillis": value }, { by, expected: 0 }))
        ),
        { concurrency: "unbounded" }
      ))
      // Whoever is fenced asks again after a pause.
      yield* until(() => asked.pollUnsafe() !== undefined, "an answer for everybody")
      const exits = yield* Fiber.join(asked)
      const won = exits.filter(Exit.isSuccess)
      assert.strictEqual(won.length, 1)
      for (const exit of exits.filter(Exit.isFailure)) {
        const error = Exit.findErrorOption(exit)
        assert.isTrue(error._tag === "Some" && error.value._tag === "ConfigMoved")
      }
      assert.deepStrictEqual(won[0]?.value, { number: 1 })
    }))

  it.effect("is one change however often it is asked for under its id, and stands in the history", () =>
    Effect.gen(function*() {
      const process = yield* processOver(yield* oneStore)
      yield* TestClock.adjust(1)
      const { history, set } = Context.get(process, Settings)
      const one = { by, commandId: "c1" }
      assert.deepStrictEqual(yield* set({ "actor.idleMillis": 4_000 }, one), { number: 1 })
      yield* set({ "actor.idleMillis": 5_000, "http.maxSockets": 7 }, { by: { who: "emmy", why: "more" } })
      assert.deepStrictEqual(yield* set({ "actor.idleMillis": 4_000 }, one), { number: 1 })
      yield* set({ "actor.idleMillis": 5_000 }, { by })
      yield* set({ "actor.idleMillis": null, "http.maxSockets": 7 }, { by })
      const changes = yield* history({ limit: 10 })
      assert.deepStrictEqual(changes.map(({ number, patch, who }) => [number, who, patch]), [
        [3, "ada", { "actor.idleMillis": null }],
        [2, "emmy", { "actor.idleMillis": 5_000, "http.maxSockets": 7 }],
        [1, "ada", { "actor.idleMillis": 4_000 }]
      ])
      assert.deepStrictEqual((yield* history({ limit: 1, before: 3 })).map(({ number }) => number), [2])
      assert.strictEqual(Context.get(process, ActorConfig).idleMillis, 30_000)
    }))
})

/** A watch whose looks are taken by hand and whose proposals are taken as the cluster would. */
const watched = (directory: string, file?: string, refuse: () => ConfigMoved | undefined = () => undefined) =>
  Effect.gen(function*() {
    const places = { ...placesIn(directory), file }
    const values = yield* valuesIn(places)
    const proposed: Array<SettingPatch> = []
    const watch = yield* makeFileWatch({
      live: values,
      loaded: () => true,
      refresh: Effect.void,
      propose: (patch, { who }) =>
        Effect.suspend(() => {
          const refusal = refuse()
          if (refusal !== undefined) return Effect.fail(refusal)
          proposed.push(patch)
          const number = values.state.number + 1
          const news = Object.entries(patch).map(([key, value]) => [key, { value, number, who }])
          values.take({ number, values: { ...values.state.values, ...Object.fromEntries(news) } })
          return Effect.void
        })
    }).pipe(Effect.provideService(ConfigPlaces, places))
    return { values, proposed, ...watch, looks: Effect.andThen(watch.look, watch.look) }
  })

describe("a changed configuration file", () => {
  const write = (directory: string, text: string, name = "polya.yaml") => writeFileSync(join(directory, name), text)

  it.effect("changes what it says otherwise than before, and nothing else", () =>
    Effect.gen(function*() {
      const directory = folder()
      write(directory, "actor: { idleMillis: 4000, maxResidentActors: 100 }\n")
      const { looks, proposed, values } = yield* watched(directory)
      yield* looks
      assert.deepStrictEqual(proposed, [])
      // An operator's change lasts until the file says something new about the same setting.
      values.take(live({ "actor.maxResidentActors": 200 }))
      write(directory, "# a remark\nactor: { idleMillis: 5000, maxResidentActors: 100 }\n")
      yield* looks
      yield* looks
      assert.deepStrictEqual(proposed, [{ "actor.idleMillis": 5_000 }])
      assert.strictEqual(values.of("actor").maxResidentActors, 200)
      write(directory, "actor: { maxResidentActors: 300 }\n")
      yield* looks
      assert.deepStrictEqual(proposed.slice(1), [{ "actor.idleMillis": 30_000, "actor.maxResidentActors": 300 }])
    }))

  it.effect("is not read while it is being written", () =>
    Effect.gen(function*() {
      const directory = folder()
      write(directory, "actor: { idleMillis: 4000 }\n")
      const { look, looks, proposed } = yield* watched(directory)
      yield* looks
      write(directory, "actor: { idleMillis: 50")
      yield* look
      write(directory, "actor: { idleMillis: 50000 }\n")
      yield* look
      assert.deepStrictEqual(proposed, [])
      yield* look
      assert.deepStrictEqual(proposed, [{ "actor.idleMillis": 50_000 }])
    }))

  it.effect("that is bad changes nothing and says where, until it is right", () =>
    Effect.gen(function*() {
      const directory = folder()
      write(directory, "actor: { idleMillis: 4000 }\n")
      const { looks, problems, proposed, values } = yield* watched(directory)
      write(directory, "actor:\n  idleMillis: 5\n  maxResidentActors: 7\nhttpp: {}\n")
      yield* looks
      assert.deepStrictEqual(LiveSettings.linesOf(problems()), [
        "polya.yaml:2:15 actor.idleMillis: Expected a whole number of at least 1000, got 5",
        `polya.yaml:4:1 httpp: There is no area "httpp"; did you mean "http"?`
      ])
      write(directory, "actor: [")
      yield* looks
      assert.match(LiveSettings.linesOf(problems())[0] ?? "", /^polya\.yaml:\d+:\d+/)
      writeFileSync(join(directory, "polya.yaml"), Buffer.from([0xff, 0xfe, 0xff]))
      yield* looks
      assert.deepStrictEqual(LiveSettings.linesOf(problems()), ["polya.yaml: it is not UTF-8 text"])
      unlinkSync(join(directory, "polya.yaml"))
      yield* looks
      assert.deepStrictEqual(LiveSettings.linesOf(problems()), ["polya.yaml: there is no such file"])
      assert.deepStrictEqual(proposed, [])
      assert.strictEqual(values.of("actor").idleMillis, 4_000)
      write(directory, "actor: { idleMillis: 6000 }\n")
      yield* looks
      assert.deepStrictEqual([problems(), proposed], [[], [{ "actor.idleMillis": 6_000 }]])
    }))

  it.effect("is seen when the link to it is moved, as of a mounted ConfigMap", () =>
    Effect.gen(function*() {
      const directory = folder()
      const version = (name: string, text: string) => {
        mkdirSync(join(directory, name))
        write(directory, text, join(name, "polya.yaml"))
      }
      version("v1", "actor: { idleMillis: 4000 }\n")
      version("v2", "actor: { idleMillis: 5000 }\n")
      symlinkSync("v1", join(directory, "..data"))
      symlinkSync(join("..data", "polya.yaml"), join(directory, "polya.yaml"))
      const { looks, proposed } = yield* watched(directory)
      yield* looks
      symlinkSync("v2", join(directory, "..new"))
      renameSync(join(directory, "..new"), join(directory, "..data"))
      yield* looks
      assert.deepStrictEqual(proposed, [{ "actor.idleMillis": 5_000 }])
    }))

  it.effect("names what takes a restart, and no secret", () =>
    Effect.gen(function*() {
      const directory = folder()
      write(directory, "stage: { workers: 2 }\n")
      const { looks, proposed, restartNeeded, values } = yield* watched(directory)
      write(directory, "stage: { workers: 3 }\nstore: { databaseUrl: \"postgres://u:hunter2@h/d\" }\n")
      yield* looks
      assert.deepStrictEqual([...restartNeeded()].sort(), ["stage.workers", "store.databaseUrl"])
      assert.deepStrictEqual(proposed, [])
      const described = values.describe(restartNeeded())
      assert.isTrue(described.find(({ key }) => key === "stage.workers")?.restartNeeded)
      assert.notInclude(JSON.stringify(described), "hunter2")
      write(directory, "stage: { workers: 2 }\n")
      yield* looks
      assert.strictEqual(restartNeeded().size, 0)
    }))

  it.effect("is proposed again when another change came first or the store was away", () =>
    Effect.gen(function*() {
      const directory = folder()
      let refusals = 2
      const { looks, proposed } = yield* watched(
        directory,
        undefined,
        () => refusals-- > 0 ? new ConfigMoved({ expected: 0, number: 1 }) : undefined
      )
      write(directory, "actor: { idleMillis: 5000 }\n")
      yield* looks
      yield* looks
      assert.deepStrictEqual(proposed, [{ "actor.idleMillis": 5_000 }])
    }))

  it.effect("that was changed while the process was down wins over what it had said before", () =>
    Effect.gen(function*() {
      const directory = folder()
      write(directory, "actor: { idleMillis: 4000 }\n")
      const first = yield* watched(directory)
      write(directory, "actor: { idleMillis: 5000 }\n")
      yield* first.looks
      const before = first.values.state
      write(directory, "actor: { idleMillis: 6000 }\n")
      const second = yield* watched(directory)
      second.values.take(before)
      assert.strictEqual(second.values.of("actor").idleMillis, 5_000)
      yield* second.looks
      assert.deepStrictEqual(second.proposed, [{ "actor.idleMillis": 6_000 }])
    }))

  it.effect("is one change for all processes that have it, and in force in those that have not", () =>
    Effect.gen(function*() {
      const store = yield* oneStore
      const directory = folder()
      write(directory, "actor: { idleMillis: 4000 }\nstage: { batchMillis: 7000 }\n")
      const same = yield* Effect.forEach([1, 2], () => processOver(store, { directory, watchFile: true }))
      const other = yield* processOver(store)
      yield* TestClock.adjust(1)
      write(directory, "actor: { idleMillis: 5000 }\nstage: { batchMillis: 7000 }\n")
      yield* until(() => Context.get(other, ActorConfig).idleMillis === 5_000, "the file's value in the other process")
      for (let round = 0; round < 50; round++) {
        yield* Effect.promise(() => new Promise((done) => setImmediate(done)))
        yield* TestClock.adjust(200)
      }
      for (const one of same) {
        assert.strictEqual(Context.get(one, ActorConfig).idleMillis, 5_000)
        assert.strictEqual((yield* Context.get(one, Settings).describe).number, 1)
      }
      assert.strictEqual(Context.get(other, StageConfig).batchMillis, 30_000)
      const [change, ...more] = yield* Context.get(other, Settings).history({ limit: 10 })
      assert.strictEqual(more.length, 0)
      assert.match(change?.who ?? "", /^file:\/.*\/polya\.yaml@/)
    }))
})
