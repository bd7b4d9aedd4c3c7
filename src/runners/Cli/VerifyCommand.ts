// `polya verify`: whether answers are right. One pair on the command line, told to a person; or a file of pairs, as a stream.
import { Context, Effect, Layer, Option, Result, type Schema } from "effect"
import { LastResort, Verdicts } from "../../actors/Verdicts.ts"
import type { Pair, TimedVerdict } from "../../actors/Verdicts/Asked.ts"
import { GivenPair, pairOf } from "../../actors/Verdicts/Given.ts"
import type { JsonObject } from "../../domain/Json.ts"
import { VerifyOptions } from "../../domain/Verdict.ts"
import * as Config from "../Config.ts"
import { ConfigPlaces } from "../Config/Settings.ts"
import type { SandboxOptions } from "../Sandbox.ts"
import * as VerdictWorkers from "../VerdictWorkers.ts"
import { check } from "../YamlDocument/Findings.ts"
import { misused, misusedBy } from "./Failure.ts"
import { type LineFailure, placesOf, workLines } from "./LineWork.ts"
import { count, printLine, table } from "./Say.ts"

export interface VerdictFlags {
  readonly in: Option.Option<string>
  readonly out: Option.Option<string>
  readonly workers: Option.Option<number>
  readonly opts: Option.Option<string>
  readonly config: Option.Option<string>
  readonly json: boolean
}
export interface VerifyFlags extends VerdictFlags {
  readonly answers: ReadonlyArray<string>
  readonly bare: boolean
  readonly lastResort: Option.Option<"auto" | "none">
}

export const verifyCommand = Effect.fn("Cli.verify")(function*(flags: VerifyFlags) {
  const { answers: [gold, pred], bare } = flags
  const opts = yield* optionsOf(flags.opts)
  const settings = yield* settingsOf(flags, Option.getOrUndefined(flags.lastResort))
  if (gold !== undefined) {
    if (pred === undefined) return yield* misused("Give two answers: polya verify GOLD ANSWER", "Or a file: --in FILE")
    if (Option.isSome(flags.in)) return yield* misused("Give either two answers or --in FILE, not both")
    if (Option.isSome(flags.out)) {
      return yield* misused("--out is for the verdicts of --in FILE; that of two answers goes to standard output")
    }
    return yield* one({ gold, pred, opts, bare }, flags.json).pipe(Effect.provide(settings.workers))
  }
  const places = yield* placesOf(flags)
  const { verdict: { slowMillis } } = settings
  const tally = tallyOf(slowMillis)
  yield* Effect.gen(function*() {
    const verdicts = yield* Verdicts
    yield* workLines<Pair>({
      command: "verify",
      noun: "pair",
      ...places,
      ...settings,
      json: flags.json,
      read: (value) =>
        Result.map(checked(GivenPair, value, ["gold", "pred", "opts", "bare"]), (given) => {
          const pair = pairOf(given)
          return { ...pair, opts: { ...opts, ...pair.opts }, bare: pair.bare ?? bare }
        }),
      work: (pairs) => Effect.map(verdicts.verify(pairs), (all) => all.map(rowOf)),
      tally
    })
  }).pipe(Effect.provide(settings.workers), Effect.scoped)
})

const rowOf = ({ answer, gold, ms, rule, verdict }: TimedVerdict): JsonObject => ({ verdict, rule, gold, answer, ms })

const one = Effect.fnUntraced(function*(pair: Pair, json: boolean) {
  const { verify } = yield* Verdicts
  const [verdict] = yield* verify([pair])
  if (verdict === undefined) return
  if (json) return yield* printLine(rowOf(verdict))
  const shown = (answer: string | null) => answer === null ? "(none was found)" : answer
  yield* Effect.sync(() =>
    process.stdout.write(
      [
        verdict.verdict,
        ...table([
          ["gold", shown(verdict.gold)],
          ["answer", shown(verdict.answer)],
          ["rule", verdict.rule],
          ["took", `${verdict.ms} ms`]
        ])
      ].map((line) => `${line}\n`).join("")
    )
  )
})

const tallyOf = (slowMillis: number) => {
  const verdicts = { equal: 0, unequal: 0, undecided: 0 }
  const rules = new Map<string, number>()
  let slow = 0
  const byCount = () => [...rules].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
  return {
    add: ({ ms, rule, verdict }: JsonObject) => {
      verdicts[verdict as keyof typeof verdicts]++
      const key = `${String(verdict)}/${String(rule)}`
      rules.set(key, (rules.get(key) ?? 0) + 1)
      if (Number(ms) > slowMillis) slow++
    },
    lines: () => [
      ...Object.entries(verdicts).flatMap(([verdict, n]) => [
        [verdict, count(n)] as const,
        ...byCount().flatMap(([key, n]) => {
          const [of, rule = ""] = key.split("/", 2)
          return of === verdict ? [["", `${count(n).padStart(7)}  ${rule}`] as const] : []
        })
      ]),
      ...(slow === 0 ? [] : [["slow", `${count(slow)} took longer than ${count(slowMillis)} ms`] as const])
    ],
    fields: (): JsonObject => ({ verdicts, rules: Object.fromEntries(byCount()), slow })
  }
}

const absentIfNull: ReadonlySet<string> = new Set(["opts", "bare", "strategy"])

/** The known fields of a row, checked; every mistake in one message. */
export const checked = <A>(
  schema: Schema.Codec<A, any>,
  value: JsonObject,
  fields: ReadonlyArray<string>
): Result.Result<A, LineFailure> => {
  const known = Object.fromEntries(fields.flatMap((field) => {
    const isSaid = Object.hasOwn(value, field) && !(value[field] === null && absentIfNull.has(field))
    return isSaid ? [[field, value[field]]] : []
  }))
  return Result.mapError(check(schema, known, { path: [] }), (findings) => ({
    error: "RowUnfit",
    message: findings.slice(0, 5).map(({ message, path }) => `${path.join(".")}: ${message}`).join("; ")
  }))
}

/** `--opts`, for all rows that say nothing else. */
export const optionsOf = Effect.fnUntraced(function*(given: Option.Option<string>) {
  if (Option.isNone(given)) return {}
  const json = yield* Effect.try({
    try: () => JSON.parse(given.value) as unknown,
    catch: (cause) => misused(`--opts is not valid JSON: ${(cause as SyntaxError).message}`)
  })
  const options = check(VerifyOptions, json, { path: ["--opts"] })
  if (Result.isSuccess(options)) return options.success
  return yield* misused(options.failure.map(({ message, path }) => `${path.join(".")}: ${message}`).join("\n"))
})

/** Nothing is loaded before a pair is undecided, and no Python starts before there is a question. */
const lastResortLayer = (lastResort: "auto" | "none", sandbox: SandboxOptions): Layer.Layer<LastResort> =>
  lastResort === "none" ? LastResort.layerNone : Layer.effect(
    LastResort,
    Effect.gen(function*() {
      const scope = yield* Effect.scope
      const loaded = yield* Effect.cached(Effect.gen(function*() {
        const [SymPyLastResort, Sandbox] = yield* Effect.promise(() =>
          Promise.all([import("../SymPyLastResort.ts"), import("../Sandbox.ts")])
        )
        const layer = SymPyLastResort.layer.pipe(
          Layer.provide(Layer.orDie(Sandbox.layer(sandbox, { checked: false })))
        )
        return Context.get(yield* Layer.buildWithScope(layer, scope), LastResort)
      }))
      return LastResort.of({
        decide: (pair, undecided) => Effect.flatMap(loaded, ({ decide }) => decide(pair, undecided))
      })
    })
  )

/** The settings of area "verdict" with what the flags say, and the threads that they mean. */
export const settingsOf = Effect.fnUntraced(function*(flags: VerdictFlags, lastResort?: "auto" | "none") {
  const places = {
    environment: process.env,
    directory: process.cwd(),
    file: Option.getOrUndefined(flags.config)
  }
  const given = Option.getOrUndefined(flags.workers)
  if (given !== undefined && !(given >= 1 && given <= 1_024)) return yield* misused("--workers must be from 1 to 1024")
  const areas = [Config.VerdictConfig.config, Config.SourceConfig.config, Config.SandboxConfig.config] as const
  const [verdict, { maxLineBytes }, sandbox] = yield* Effect.all(areas).pipe(
    Effect.provideService(ConfigPlaces, places),
    Effect.mapError(misusedBy)
  )
  const workers = given ?? verdict.workers
  return {
    verdict,
    maxLineBytes,
    /** Each thread has a group in work and one that waits. */
    concurrency: workers * 2 + 1,
    workers: VerdictWorkers.layer({ ...verdict, workers }).pipe(
      Layer.provide(lastResortLayer(lastResort ?? verdict.lastResort, sandbox))
    )
  }
})
