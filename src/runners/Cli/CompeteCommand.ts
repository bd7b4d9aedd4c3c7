// `polya compete`: a contest on this machine, or with --url on a cluster. The answer file is whole from the first second and follows every change;
// Ctrl-C ends the contest with what stands. After a kill, --resume goes on with the time that is left.
import { Effect, Option, Stream } from "effect"
import { existsSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { Contests } from "../../actors/Contests.ts"
import { contestFrom, type GivenContest } from "../../actors/Contests/Given.ts"
import { Generation } from "../../actors/Generation.ts"
import type { ContestState } from "../../domain/Contest.ts"
import { type ContestView, viewOf } from "../../domain/Contest/View.ts"
import { digest } from "../../domain/Ids.ts"
import { canonical, type Json } from "../../domain/Json.ts"
import * as App from "../App.ts"
import { checkFolder } from "../FileOutput.ts"
import { endLines, makeBoard } from "./CompeteCommand/Board.ts"
import { makeKeeper, scoreOf, submissionFile, writeSubmission } from "./CompeteCommand/Outputs.ts"
import { type CompeteProblems, readProblems } from "./CompeteCommand/Problems.ts"
import { misused, misusedBy, workFailed } from "./Failure.ts"
import { inLocalApp } from "./LocalApp.ts"
import { remote } from "./Remote.ts"
import { finishedMark, prepareStore } from "./RunCommand.ts"
import { printLine, shown } from "./Say.ts"
import { givenOf, type SamplingFlags } from "./SolveCommand.ts"

export interface CompeteFlags extends Omit<SamplingFlags, "integers"> {
  readonly problems: Option.Option<string>
  readonly field: ReadonlyArray<string>
  readonly hours: Option.Option<number>
  readonly minutes: Option.Option<number>
  readonly passes: Option.Option<number>
  readonly modulo: Option.Option<number>
  readonly fallback: Option.Option<number>
  readonly out: Option.Option<string>
  readonly config: Option.Option<string>
  readonly url: Option.Option<string>
  readonly resume: boolean
  readonly json: boolean
}

/** Between two drawings of the table. */
const tickMillis = 500
/** What writing the answers after Ctrl-C may take. */
const lastWordMillis = 5_000
/** The one contest of a folder. */
const localId = "contest"

const say = (words: string): Effect.Effect<void> => Effect.sync(() => void process.stderr.write(`polya: ${words}\n`))

export const competeCommand = Effect.fn("Cli.compete")(function*(flags: CompeteFlags) {
  const given = yield* askedOf(flags)
  const read = yield* readProblems(flags)
  const out = resolve(Option.getOrElse(flags.out, () => join("out", `compete-${read.name}`)))
  yield* Effect.mapError(checkFolder(out), misusedBy)
  const dataDir = join(out, ".polya")
  if (Option.isNone(flags.url)) yield* prepareStore(dataDir, flags.resume)
  // Before anything else can go wrong. Answers of an earlier contest go when this one is known to begin.
  if (!existsSync(join(out, submissionFile))) {
    const answer = given.fallback ?? 0
    yield* Effect.mapError(writeSubmission(out, read.problems.map(({ id }) => ({ id, answer }))), misusedBy)
  }
  const work = { flags, given, read, out }
  return yield* Option.isSome(flags.url)
    ? remotely(work)
    : inLocalApp("compete", { data: Option.some(dataDir), config: flags.config }, locally(work, dataDir))
})

interface Work {
  readonly flags: CompeteFlags
  readonly given: GivenContest
  readonly read: CompeteProblems
  readonly out: string
}

/** What flags ask of time, model and strategy, in the words of the API. */
const askedOf = Effect.fnUntraced(function*(flags: CompeteFlags) {
  const { fallback, hours, minutes, modulo, parallel, passes, ...sampling } = flags
  if (Option.isSome(hours) === Option.isSome(minutes)) {
    return yield* misused("Say how long it may take: --hours H or --minutes M")
  }
  const totalMillis = Option.isSome(hours) ? hours.value * 3_600_000 : Option.getOrElse(minutes, () => 0) * 60_000
  if (!(totalMillis >= 1_000 && totalMillis <= 7 * 86_400_000)) {
    return yield* misused("A contest takes from a second to seven days")
  }
  const bounded = [
    ["parallel", parallel, 1, 64],
    ["passes", passes, 1, 8],
    ["modulo", modulo, 2, 100_000],
    ["fallback", fallback, 0, 99_999]
  ] as const
  const numbers: { parallel?: number; passes?: number; modulo?: number; fallback?: number } = {}
  for (const [name, value, least, most] of bounded) {
    if (Option.isNone(value)) continue
    if (!(value.value >= least && value.value <= most)) return yield* misused(`--${name} is ${least} to ${most}`)
    numbers[name] = value.value
  }
  const { answers: _, budget: __, ...asked } = yield* givenOf({
    ...sampling,
    parallel: Option.none(),
    integers: Option.none(),
    // The same command is the same contest.
    seed: Option.orElseSome(flags.seed, () => 0)
  })
  // `parallel` is of problems here: of samples it is the strategy's own.
  const given: GivenContest = { ...asked, ...numbers, totalMillis }
  return given
})

const locally = Effect.fnUntraced(function*({ flags, given, out, read }: Work, dataDir: string) {
  const contests = yield* Contests
  const { models } = yield* Generation
  if ((yield* models).length === 0) {
    return yield* misused(
      "There is no model to ask.",
      "Set POLYA_LLM_BASE_URL and POLYA_LLM_MODEL (and POLYA_LLM_API_KEY), or list models in llm.models; `polya fake-llm` is one to try with.",
      "ModelUnknown"
    )
  }
  const spec = yield* contestFrom(given, "given", read.problems.length, { owner: "local", drawnSeed: 0 }).pipe(
    Effect.catchTags({
      ModelUnknown: (error) => Effect.fail(misusedBy(error)),
      StrategyUnknown: (error) => Effect.fail(misusedBy(error))
    })
  )
  yield* contests.start(localId, spec, read.problems).pipe(
    Effect.catchTags({
      ContestUnfit: (error) => Effect.fail(misusedBy(error)),
      ProblemRepeated: (error) => Effect.fail(misusedBy(error)),
      ContestTaken: () =>
        Effect.fail(misused(
          "This folder holds another contest than this command names.",
          "Give the command as it was first given, with --resume added; or start anew without --resume."
        ))
    })
  )
  const end = yield* followed(flags, out, contests.watch(localId), {
    cancel: contests.cancel(localId, "polya compete was interrupted"),
    view: contests.view(localId)
  })
  yield* concluded(flags, out, read, end)
  if (existsSync(App.storeFile(dataDir))) yield* Effect.promise(() => writeFile(join(dataDir, finishedMark), ""))
  yield* exitOf(end)
})

const remotely = Effect.fnUntraced(function*({ flags, given, out, read }: Work) {
  const cluster = yield* remote(flags.url)
  const base = `compete-${digest([canonical({ ...given, problems: read.problems } as unknown as Json)], 16)}`
  const known = yield* cluster.get(`/api/contests/${base}`).pipe(
    Effect.as(true),
    Effect.catchIf(({ tag }) => tag === "ContestUnknown", () => Effect.succeed(false))
  )
  // Without --resume it is another one.
  const id = known && !flags.resume ? `${base}-${globalThis.crypto.randomUUID().slice(0, 8)}` : base
  const path = `/api/contests/${id}`
  if (!known || !flags.resume) {
    yield* cluster.send("POST", "/api/contests", {
      id,
      ...given,
      problems: read.problems,
      why: "polya compete"
    } as never)
  }
  yield* say(`the contest is ${id}`)
  const views = cluster.watch("Contest", id).pipe(
    Stream.map(({ state, version }) => viewOf(id, version, state as ContestState)),
    Stream.filter((view) => view !== null)
  )
  const end = yield* followed(flags, out, views, {
    cancel: cluster.send("POST", `${path}/cancel`, { why: "polya compete was interrupted" }),
    view: cluster.get(path) as Effect.Effect<ContestView, unknown>
  })
  yield* concluded(flags, out, read, end)
  yield* exitOf(end)
})

/** Shows it and writes its answers until it is over. */
const followed = Effect.fnUntraced(function*<E>(
  { json }: CompeteFlags,
  out: string,
  views: Stream.Stream<ContestView, E>,
  contest: {
    readonly cancel: Effect.Effect<unknown, unknown>
    readonly view: Effect.Effect<ContestView, unknown>
  }
) {
  const board = makeBoard(json)
  const keep = makeKeeper(out)
  const lastWord = Effect.gen(function*() {
    yield* contest.cancel
    yield* keep(yield* contest.view)
  }).pipe(
    Effect.timeout(lastWordMillis),
    Effect.matchEffect({
      onFailure: () => say(`the answers in ${shown(join(out, submissionFile))} are those of the last change`),
      onSuccess: () => say(`ended; the answers that stand are in ${shown(join(out, submissionFile))}`)
    })
  )
  const last = yield* views.pipe(
    // The file comes before the words on it.
    Stream.tap((view) => Effect.andThen(keep(view), board.show(view))),
    Stream.takeUntil(({ status }) => status !== "running"),
    Stream.runLast,
    Effect.raceFirst(Effect.forever(Effect.delay(board.tick, tickMillis))),
    Effect.onInterrupt(() => lastWord),
    Effect.ensuring(board.close)
  )
  if (Option.isNone(last)) return yield* workFailed("The contest ended without saying how", "", "ActorUnavailable")
  return last.value
})

const concluded = Effect.fnUntraced(function*(
  { json }: CompeteFlags,
  out: string,
  { answers }: CompeteProblems,
  view: ContestView
) {
  const score = scoreOf(view, answers)
  yield* Effect.mapError(makeKeeper(out)(view, score), (error) => workFailed(error.message, "", error._tag))
  if (json) {
    const { problems: _, rows, ...rest } = view
    return yield* printLine({ event: "done", out, ...rest, rows, ...(score === null ? {} : { score }) })
  }
  yield* Effect.sync(() => process.stdout.write(`${endLines(view, score, shown(out)).join("\n")}\n`))
})

/** Answers that nobody gave are not to pass for answers. */
const exitOf = ({ counts, note, problems, status }: ContestView) => {
  if (status === "cancelled") {
    return Effect.fail(
      workFailed(`The contest was cancelled${note === "" ? "" : `: ${note}`}.`, "", "ContestCancelled")
    )
  }
  if (counts.answered > 0) return Effect.void
  const error = problems.findLast((one) => one.error !== null)?.error
  return Effect.fail(workFailed(
    `No problem was answered${error == null ? "" : `: ${error.message}`}`,
    "The file holds the fallback for each of them.",
    error?.tag ?? "NoAnswers"
  ))
}
