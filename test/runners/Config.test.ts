// Where settings come from, which place wins, and how mistakes and secrets are shown.
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  ActorConfig,
  areas,
  describeConfig,
  layerFromEnv,
  RetentionConfig,
  SourceConfig,
  StageConfig,
  StoreConfig
} from "../../src/runners/Config.ts"
import { ConfigPlaces, variableOf } from "../../src/runners/Config/Settings.ts"

const folder = mkdtempSync(join(tmpdir(), "polya-config-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let directories = 0
/** A working directory with this `polya.yaml` (none if undefined) and this environment. */
const places = (yaml: string | undefined, environment: ConfigPlaces["environment"] = {}, file?: string) => {
  const directory = mkdtempSync(join(folder, `${directories++}-`))
  if (yaml !== undefined) writeFileSync(join(directory, "polya.yaml"), yaml)
  return Effect.provideService(ConfigPlaces, { directory, environment, file })
}
const mistakes = (yaml: string | undefined, environment: ConfigPlaces["environment"] = {}, file?: string) =>
  StoreConfig.config.pipe(
    Effect.flip,
    Effect.map((error) => error.message.split("\n")),
    places(yaml, environment, file)
  )

describe("configuration", () => {
  it.effect("is the defaults where nothing is said", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* StoreConfig.config, StoreConfig.defaults)
      assert.deepStrictEqual(yield* ActorConfig.config, ActorConfig.defaults)
      assert.strictEqual((yield* RetentionConfig.config).repliesMillis, 86_400_000)
      assert.isAtLeast((yield* StageConfig.config).workers, 1)
      assert.strictEqual((yield* SourceConfig.config).maxLineBytes, 8_388_608)
    }).pipe(places(undefined)))

  it.effect("takes the environment over the file and the file over the default", () =>
    Effect.gen(function*() {
      const store = yield* StoreConfig
      assert.strictEqual(store.dataDir, "from-env")
      assert.strictEqual(store.sqliteSynchronous, "NORMAL")
      assert.strictEqual(store.maxActorsPerFlush, 512)
      assert.strictEqual((yield* StageConfig).workers, 3)
    }).pipe(
      Effect.provide(Layer.mergeAll(StoreConfig.layerFromEnv, StageConfig.layerFromEnv)),
      places("store: { dataDir: from-file, sqliteSynchronous: NORMAL }\n", {
        POLYA_STORE_DATA_DIR: "from-env",
        POLYA_STAGE_WORKERS: "3",
        POLYA_STORE_MAX_ACTORS_PER_FLUSH: ""
      })
    ))

  it.effect("names every mistake of all areas at once, with its place and what would be right", () =>
    Effect.gen(function*() {
      const yaml = `store:
  datadir: x
  sqliteSynchronous: FUL
stages: { workers: 2 }
actor: 5
source:
  maxLineBytes: 3.5
`
      assert.deepStrictEqual(
        yield* mistakes(yaml, {
          POLYA_STAGE_WORKERS: "many",
          POLYA_RETENTION_EVERY_MILLIS: "5",
          POLYA_STORE_DATADIR: "x",
          POLYA_TOKEN: "not a setting of an area"
        }),
        [
          `polya.yaml:2:3 store.datadir: There is no setting "datadir"; did you mean "dataDir"?`,
          `polya.yaml:3:22 store.sqliteSynchronous: Expected "FULL" | "NORMAL", got "FUL"; did you mean "FULL"?`,
          `polya.yaml:4:1 stages: There is no area "stages"; did you mean "stage"?`,
          `polya.yaml:5:8 actor: Expected settings: commandDeadlineMillis, maxResidentActors, idleMillis`,
          `polya.yaml:7:17 source.maxLineBytes: Expected a whole number from 1024 to 1073741824, got 3.5`,
          `POLYA_RETENTION_EVERY_MILLIS retention.everyMillis: Expected a whole number of at least 1000, got 5`,
          `POLYA_STAGE_WORKERS stage.workers: Expected a string representing a finite number, got "many"`,
          `POLYA_STORE_DATADIR: There is no setting "POLYA_STORE_DATADIR"; did you mean "POLYA_STORE_DATA_DIR"?`
        ]
      )
    }))

  it.effect("checks a value of the file even where the environment wins", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* mistakes("stage: { workers: 0 }\n", { POLYA_STAGE_WORKERS: "2" }), [
        "polya.yaml:1:19 stage.workers: Expected a whole number from 1 to 1024, got 0"
      ])
    }))

  it.effect("may lack polya.yaml, but not a file that was asked for", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* mistakes(undefined, {}, "other.yaml"), ["other.yaml: there is no such file"])
    }))

  it.effect("may be overridden by code, field by field", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* ActorConfig, { ...ActorConfig.defaults, idleMillis: 5_000 })
    }).pipe(Effect.provide(ActorConfig.layer({ idleMillis: 5_000 }))))

  it.effect("builds all areas together", () =>
    Effect.asVoid(StoreConfig).pipe(Effect.provide(layerFromEnv), places(undefined)))
})

describe("the address of the database", () => {
  const url = "postgres://polya:hunter2@db.example/polya"

  it.effect("is a secret wherever it is shown", () =>
    Effect.gen(function*() {
      const { databaseUrl } = yield* StoreConfig.config
      assert.strictEqual(databaseUrl === undefined ? "" : Redacted.value(databaseUrl), url)
      assert.notInclude(JSON.stringify([yield* describeConfig(), yield* StoreConfig.config]), "hunter2")
    }).pipe(places(undefined, { POLYA_DATABASE_URL: url })))

  it.effect("is not repeated by the mistakes about it", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* mistakes("store: { databaseUrl: [hunter2] }\n", {
          POLYA_DATABASE_URL: "mysql://polya:hunter2@db/polya"
        }),
        [
          "polya.yaml:1:23 store.databaseUrl: Expected string",
          "POLYA_DATABASE_URL store.databaseUrl: Expected an address like postgres://user:password@host/database"
        ]
      )
    }))
})

describe("describeConfig", () => {
  it.effect("says of every setting its value, where it came from, what it means and its unit", () =>
    Effect.gen(function*() {
      const all = yield* describeConfig()
      assert.strictEqual(all.length, Object.values(areas).flatMap((settings) => Object.keys(settings)).length)
      const originOf = (key: string) => all.find((one) => one.key === key)?.origin
      assert.strictEqual(originOf("store.dataDir"), "polya.yaml:2")
      assert.strictEqual(originOf("stage.workers"), "env POLYA_STAGE_WORKERS")
      assert.strictEqual(originOf("cluster.shards"), "default")
      assert.strictEqual(all.find((one) => one.key === "store.databaseUrl")?.value, "not set")
      assert.deepStrictEqual(all.filter((one) => one.doc === ""), [])
    }).pipe(places("store:\n  dataDir: here\n", { POLYA_STAGE_WORKERS: "2" })))

  it("reads every setting from a variable of its own", () => {
    const names = Object.entries(areas).flatMap(([area, settings]) =>
      Object.entries(settings).map(([field, setting]) => variableOf(area, field, setting))
    )
    assert.strictEqual(new Set(names).size, names.length)
    assert.includeMembers(names, ["POLYA_DATABASE_URL", "POLYA_STORE_SQLITE_SYNCHRONOUS", "POLYA_STAGE_HEAP_MIB"])
  })
})
