// `polya eval`: reads problems with reference answers, has a model solve each, and says how many it has right, on this machine in a store beside
// the output, or with --url on a cluster. A killed evaluation goes on with --resume: what has ended counts once.
import { Clock, Effect, Option, Stream } from "effect"
import { existsSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { wake } from "../../actors/EvaluationActor.ts"
import { Evaluations } from "../../actors/Evaluations.ts"
import { Generation } from "../../actors/Generation.ts"
import { specFrom } from "../../actors/Solves/Given.ts"
import { digest } from "../../domain/Ids.ts"
import { canonical, type Json } from "../../domain/Json.ts"
import {
  type EvaluationSpec,
  type EvaluationState,
  isOver,
  maxConcurrency,
  workedOf
} from "../../domain/ModelEvaluation.ts"
import type { EvaluationMetrics } from "../../domain/ModelEvaluation/Metrics.ts"
import {
  type EvaluationProblem,
  listCharacters,
  listProblems,
  listsOf,
  maxProblems
} from "../../domain/ModelEvaluation/Problems.ts"
import * as App from "../App.ts"
import { checkFolder } from "../FileOutput.ts"
import { compareCommand } from "./EvalCommand/Compare.ts"
import { type EvaluationReader, summaryOf, writeOutputs } from "./EvalCommand/Outputs.ts"
import { type ProblemFlags, type ReadProblems, readProblems } from "./EvalCommand/Problems.ts"
import { makeProgress, summaryLines } from "./EvalCommand/Told.ts"
import { type CommandFailed, misused, misusedBy, workFailed } from "./Failure.ts"
import { inLocalApp } from "./LocalApp.ts"
import { type Remote, remote } from "./Remote.ts"
import { finishedMark, prepareStore } from "./RunCommand.ts"
import { plural, printLine } from "./Say.ts"
import { givenOf, type SamplingFlags } from "./SolveCommand.ts"

export interface EvalFlags extends SamplingFlags, ProblemFlags {
  readonly compare: boolean
  readonly folders: ReadonlyArray<string>
  readonly answers: Option.Option<string>
  readonly budgetTokens: Option.Option<number>
  readonly problemSeconds: Option.Option<number>
  readonly concurrency: Option.Option<number>
  readonly out: Option.Option<string>
  readonly url: Option.Option<string>
  readonly resume: boolean
  readonly json: boolean
}

/** Problems at once where nobody says. */
const defaultConcurrency = 32
/** Failures that are listed; all are in a file. */
const shownFailures = 20
/** Between two words to the driver of the evaluation. */
const wakeMillis = 500
/** Bytes of a list as it goes to a cluster: a body has at most a mebibyte. */
const bodyBytes = 900_000

const say = (words: string): Effect.Effect<void> => Effect.sync(() => void process.stderr.write(`polya: ${words}\n`))

export const evalCommand = Effect.fn("Cli.eval")(function*(flags: EvalFlags) {
  if (flags.compare) return yield* compareCommand(flags.folders, flags.json)
  if (flags.folders.length > 0) {
    return yield* misused("Folders are for --compare A B; the problems are named with --data FILE")
  }
  const given = yield* askedOf(flags)
  const read = yield* readProblems(flags)
  yield* sayLeftOut(read)
  if (Option.isNone(flags.limit) && read.problems.length === maxProblems) {
    yield* say(`an evaluation has at most ${plural(maxProblems, "problem")}: what comes after them is left out`)
  }
  const stem = `${read.name}-${given.model ?? "model"}-${given.strategy ?? "default"}`
  const name = stem.replaceAll(/[^A-Za-z0-9_.-]+/g, "-").slice(0, 80)
  const out = resolve(Option.getOrElse(flags.out, () => join("out", `eval-${name}`)))
  yield* Effect.mapError(checkFolder(out), misusedBy)
  const work = { flags, given, read, out, name }
  if (Option.isSome(flags.url)) return yield* remotely(work, flags.url)
  const dataDir = join(out, ".polya")
  yield* prepareStore(dataDir, flags.resume)
  yield* inLocalApp("eval", { data: Option.some(dataDir), config: flags.config }, locally(work, dataDir))
})

interface Work {
  readonly flags: EvalFlags
  readonly given: Asked
  readonly read: ReadProblems
  readonly out: string
  readonly name: string
}
type Asked = Parameters<typeof specFrom>[1] & { readonly concurrency: number }

/** What flags ask of model, strategy and budget. `--samples` alone draws all of them: curves need them. */
const askedOf = Effect.fnUntraced(function*(flags: EvalFlags) {
  const answers = Option.getOrUndefined(flags.answers)
  if (answers !== undefined && answers !== "integers") return yield* misused("--answers is integers: 0 to 99999")
  if (answers !== undefined && Option.isSome(flags.integers)) {
    return yield* misused("--answers and --integers exclude each other")
  }
  const stop = Option.map(flags.stop, (word) => (word === "default" ? "adaptive" : word))
  const given = yield* givenOf({
    ...flags,
    stop: Option.isNone(stop) && Option.isSome(flags.samples) ? Option.some("none") : stop,
    integers: answers === undefined ? flags.integers : Option.some("0..99999"),
    // The same command is the same evaluation.
    seed: Option.orElseSome(flags.seed, () => 0)
  })
  const { budgetTokens, problemSeconds } = flags
  if (Option.isSome(problemSeconds) && !(problemSeconds.value >= 0.1 && problemSeconds.value <= 86_400)) {
    return yield* misused("--problem-seconds is 0.1 to 86,400")
  }
  if (Option.isSome(budgetTokens) && !(budgetTokens.value >= 1 && budgetTokens.value <= 1_000_000_000)) {
    return yield* misused("--budget-tokens is 1 to 1,000,000,000")
  }
  const concurrency = Option.getOrElse(flags.concurrency, () => defaultConcurrency)
  if (!(concurrency >= 1 && concurrency <= maxConcurrency)) {
    return yield* misused(`--concurrency is 1 to ${maxConcurrency}`)
  }
  const budget = {
    ...(Option.isSome(problemSeconds) ? { millis: problemSeconds.value * 1_000 } : {}),
    ...(Option.isSome(budgetTokens) ? { tokens: budgetTokens.value } : {})
  }
  const asked: Asked = { ...given, ...(Object.keys(budget).length === 0 ? {} : { budget }), concurrency }
  return asked
})

const sayLeftOut = ({ problems, tooLong, unreadable, withoutAnswer }: ReadProblems): Effect.Effect<void> => {
  const left = [
    ...(unreadable > 0 ? [`${plural(unreadable, "row")} that cannot be read`] : []),
    ...(withoutAnswer > 0 ? [`${plural(withoutAnswer, "row")} without a reference answer`] : []),
    ...(tooLong > 0 ? [`${plural(tooLong, "row")} that ${tooLong === 1 ? "is" : "are"} too long`] : [])
  ]
  return left.length === 0
    ? Effect.void
    : say(`${plural(problems.length, "problem")} to evaluate on; left out: ${left.join(", ")}`)
}

const locally = Effect.fnUntraced(function*({ flags, given, name, out, read }: Work, dataDir: string) {
  const evaluations = yield* Evaluations
  const { models } = yield* Generation
  if ((yield* models).length === 0) {
    return yield* misused(
      "There is no model to ask.",
      "Set POLYA_LLM_BASE_URL and POLYA_LLM_MODEL (and POLYA_LLM_API_KEY), or list models in llm.models; `polya fake-llm` is one to try with.",
      "ModelUnknown"
    )
  }
  const { concurrency, ...asked } = given
  const { budget, model, seed, strategy } = yield* specFrom({ _tag: "Problem", text: "-" }, asked, {
    owner: "local",
    drawnSeed: 0
  }).pipe(
    Effect.catchTags({
      ModelUnknown: (error) => Effect.fail(misusedBy(error)),
      StrategyUnknown: (error) => Effect.fail(misusedBy(error))
    })
  )
  const spec: EvaluationSpec = {
    name: read.name.slice(0, 200),
    model,
    strategy,
    seed,
    budget,
    concurrency,
    owner: "local"
  }
  const id = idOf(name, spec, read.problems)
  yield* evaluations.create(id, spec)
  const before = (yield* evaluations.state(id)).state
  if (flags.resume && before.lists.length === 0) {
    yield* say("there is no evaluation of this command to go on with here yet, so this starts it")
  }
  if (before.status === "filling") {
    for (const [list, problems] of listsOf(read.problems).entries()) yield* evaluations.add(id, list, problems)
    yield* evaluations.start(id, read.problems.length)
  } else if (before.status === "failed") yield* evaluations.resume(id, "polya eval --resume")
  else if (before.status === "done") yield* say("this evaluation was done before; these are its results")

  const trouble = wake(id).pipe(
    Effect.delay(wakeMillis),
    Effect.orElseSucceed(() => ({ driving: true, trouble: null })),
    Effect.repeat({ until: ({ trouble }) => trouble !== null }),
    Effect.flatMap(({ trouble }) => Effect.fail(brokeOff(trouble)))
  )
  yield* Effect.forkDetach(Effect.ignore(wake(id)))
  const states = Stream.map(evaluations.watch(id), ({ state }) => state)
  const end = yield* Effect.raceFirst(follow(flags, id, states), trouble).pipe(
    Effect.onInterrupt(() => say("give the same command with --resume to go on"))
  )
  const reader: EvaluationReader<unknown> = {
    results: (from) => evaluations.results(id, from, listProblems),
    samples: (problem, from) => evaluations.samples(id, problem, from)
  }
  const nowMillis = yield* Clock.currentTimeMillis
  yield* concluded({ flags, out, reader, id, state: end, workedMillis: workedOf(end, nowMillis) })
  if (existsSync(App.storeFile(dataDir))) yield* Effect.promise(() => writeFile(join(dataDir, finishedMark), ""))
  yield* exitOf(end)
})

/** The same command names the same evaluation. */
const idOf = (name: string, spec: unknown, problems: ReadonlyArray<EvaluationProblem>): string =>
  `${name.slice(0, 60)}-${digest([canonical(spec as Json), ...problems.map((one) => canonical(one))], 12)}`

const remotely = Effect.fnUntraced(function*({ flags, given, name, out, read }: Work, url: Option.Option<string>) {
  const cluster = yield* remote(url)
  const base = idOf(name, given, read.problems)
  const known = yield* cluster.get(`/api/evaluations/${base}`).pipe(
    Effect.as(true),
    Effect.catchIf(({ tag }) => tag === "EvaluationUnknown", () => Effect.succeed(false))
  )
  // Without --resume it is another one.
  const id = known && !flags.resume ? `${base}-${globalThis.crypto.randomUUID().slice(0, 8)}` : base
  yield* cluster.send("POST", "/api/evaluations", {
    id,
    name: read.name.slice(0, 200),
    ...given,
    why: "polya eval"
  } as never)
  const path = `/api/evaluations/${id}`
  const before = yield* cluster.get(path)
  if (before.status === "filling") {
    for (const [list, problems] of bodiesOf(read.problems).entries()) {
      yield* cluster.send("POST", `${path}/problems`, { list, problems })
    }
    yield* cluster.send("POST", `${path}/start`, { problems: read.problems.length })
  } else if (before.status === "failed") {
    yield* cluster.send("POST", `${path}/resume`, { why: "polya eval --resume" })
  }
  yield* say(`the evaluation is ${id}`)
  const states = Stream.map(cluster.watch("Evaluation", id), ({ state }) => state as EvaluationState)
  const end = yield* follow(flags, id, states).pipe(
    Effect.onInterrupt(() => say(`the evaluation ${id} goes on without you; POST ${cluster.url}${path}/cancel ends it`))
  )
  const { workedMillis } = yield* cluster.get(path)
  yield* concluded({ flags, out, reader: readerOf(cluster, path), id, state: end, workedMillis })
  yield* exitOf(end)
})

const readerOf = (cluster: Remote, path: string): EvaluationReader<CommandFailed> => ({
  results: (from) => cluster.get(`${path}/results?from=${from}&limit=${listProblems}`),
  samples: (problem, from) => cluster.get(`${path}/problems/${problem}/samples?from=${from}`)
})

/** Lists that fit into a request each. */
const bodiesOf = (problems: ReadonlyArray<EvaluationProblem>): ReadonlyArray<ReadonlyArray<Json>> => {
  const bodies: Array<Array<Json>> = []
  let [bytes, characters] = [0, 0]
  for (const problem of problems) {
    const { text, ...rest } = problem
    const given = { ...rest, problem: text }
    const json = JSON.stringify(given)
    const size = Buffer.byteLength(json)
    const last = bodies.at(-1)
    if (
      last === undefined || last.length === listProblems || bytes + size > bodyBytes ||
      characters + json.length > listCharacters
    ) {
      bodies.push([given])
      ;[bytes, characters] = [size, json.length]
    } else {
      last.push(given)
      bytes += size + 1
      characters += json.length
    }
  }
  return bodies
}

/** Shows it until it is over. */
const follow = Effect.fnUntraced(
  function*<E>(flags: EvalFlags, id: string, states: Stream.Stream<EvaluationState, E>) {
    const startedMillis = yield* Clock.currentTimeMillis
    const progress = makeProgress({ id, json: flags.json, startedMillis })
    const last = yield* states.pipe(
      Stream.tap((state) => (state.status === "running" ? progress.show(state) : Effect.void)),
      Stream.takeUntil(isOver),
      Stream.runLast,
      Effect.ensuring(progress.close)
    )
    if (Option.isNone(last)) return yield* workFailed("The evaluation ended without saying how", "", "ActorUnavailable")
    return last.value
  }
)

const brokeOff = (error: { readonly tag: string; readonly message: string } | null): CommandFailed =>
  workFailed(
    error?.message ?? "The evaluation broke off.",
    "What has ended is kept: remove the cause and give the same command with --resume.",
    error?.tag
  )

const concluded = Effect.fnUntraced(function*(ended: {
  readonly flags: EvalFlags
  readonly out: string
  readonly reader: EvaluationReader<unknown>
  readonly id: string
  readonly state: EvaluationState
  readonly workedMillis: number
}) {
  const { flags, id, out, reader, state, workedMillis } = ended
  if (state.status === "failed") return yield* brokeOff(state.error)
  if (state.status === "cancelled") return yield* workFailed("The evaluation was cancelled.", "", "EvaluationCancelled")
  const { metrics, spec } = state
  if (spec === null || metrics === null) return yield* brokeOff(null)
  const summary = summaryOf(id, state, spec, metrics as EvaluationMetrics, workedMillis)
  const failures = yield* writeOutputs(out, summary, reader, shownFailures)
  if (flags.json) return yield* printLine({ event: "done", out, ...summary })
  yield* Effect.sync(() => process.stdout.write(`${summaryLines(summary, failures, out).join("\n")}\n`))
})

/** Problems that failed are not right or wrong: whoever asks is to know. */
const exitOf = ({ metrics }: EvaluationState): Effect.Effect<void, CommandFailed> => {
  const failed = metrics?.tally.failed ?? 0
  return failed === 0
    ? Effect.void
    : Effect.fail(workFailed(
      `${plural(failed, "problem")} failed with an error and ${
        failed === 1 ? "is" : "are"
      } not counted; the others are.`,
      "failures.jsonl tells why.",
      "ProblemsFailed"
    ))
}
