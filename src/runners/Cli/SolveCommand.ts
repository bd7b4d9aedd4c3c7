// `polya solve`: one problem, answered by samples of a model and a vote, on this machine or with --url on a cluster. The vote is shown as it
// forms; the answer is all that goes to stdout.
import { Clock, Effect, Option, Stream } from "effect"
import { open } from "node:fs/promises"
import { Generation } from "../../actors/Generation.ts"
import { Solves } from "../../actors/Solves.ts"
import { specFrom } from "../../actors/Solves/Given.ts"
import { isOver, maxPromptCharacters, type SampleState, type SolveState } from "../../domain/Solve.ts"
import type { StopRule } from "../../domain/Stopping/StopRule.ts"
import { type CommandFailed, misused, workFailed } from "./Failure.ts"
import { inLocalApp, type LocalFlags } from "./LocalApp.ts"
import { remote } from "./Remote.ts"
import { printLine, visible } from "./Say.ts"
import { makeVoteBar, outcomeLines } from "./SolveCommand/VoteBar.ts"

export interface SamplingFlags {
  readonly model: Option.Option<string>
  readonly strategy: Option.Option<string>
  readonly samples: Option.Option<number>
  readonly parallel: Option.Option<number>
  readonly stop: Option.Option<string>
  readonly temperature: Option.Option<number>
  readonly maxTokens: Option.Option<number>
  readonly integers: Option.Option<string>
  readonly seed: Option.Option<number>
}
export interface SolveFlags extends SamplingFlags, LocalFlags {
  readonly problem: Option.Option<string>
  readonly seconds: Option.Option<number>
  readonly tokens: Option.Option<number>
  readonly id: Option.Option<string>
  readonly out: Option.Option<string>
  readonly url: Option.Option<string>
  readonly json: boolean
}

const maxProblemBytes = 4 * maxPromptCharacters

/** The stopping laws of a word: `none`, `safe` (what cannot change), `adaptive`, or `agree-N`. */
const stopOf = (word: string): ReadonlyArray<StopRule> | undefined => {
  const safe: StopRule = { _tag: "CannotBeOvertaken", tiesGoToLeader: false }
  if (word === "none") return []
  if (word === "safe") return [safe]
  if (word === "adaptive") return [safe, { _tag: "AdaptiveConsistency", threshold: 0.95 }]
  const votes = Number(/^agree-(\d{1,4})$/.exec(word)?.[1] ?? 0)
  return votes >= 1 && votes <= 1_024 ? [{ _tag: "FixedAgreement", votes }, safe] : undefined
}

/** What flags say of model, strategy and answers, in the words of the API. */
export const givenOf = Effect.fnUntraced(function*(flags: SamplingFlags) {
  const given: { [name: string]: unknown } = {}
  for (const name of ["model", "strategy", "samples", "parallel", "seed"] as const) {
    const value: string | number | undefined = Option.getOrUndefined<string | number>(flags[name])
    if (value !== undefined) given[name] = value
  }
  for (const name of ["samples", "parallel"] as const) {
    const value = given[name]
    if (typeof value === "number" && (value < 1 || value > 1_024)) return yield* misused(`--${name} is 1 to 1,024`)
  }
  if (Option.isSome(flags.seed) && (flags.seed.value < 0 || flags.seed.value >= 2 ** 31)) {
    return yield* misused("--seed is 0 to 2,147,483,647")
  }
  if (Option.isSome(flags.stop)) {
    const stop = stopOf(flags.stop.value)
    if (stop === undefined) return yield* misused("--stop is none, safe, adaptive or agree-N")
    given["stop"] = stop
  }
  const { maxTokens, temperature } = flags
  if (Option.isSome(temperature) && !(temperature.value >= 0 && temperature.value <= 5)) {
    return yield* misused("--temperature is 0 to 5")
  }
  if (Option.isSome(maxTokens) && !(maxTokens.value >= 1 && maxTokens.value <= 1_000_000)) {
    return yield* misused("--max-tokens is 1 to 1,000,000")
  }
  if (Option.isSome(temperature) || Option.isSome(maxTokens)) {
    given["parameters"] = {
      ...(Option.isSome(temperature) ? { temperature: temperature.value } : {}),
      ...(Option.isSome(maxTokens) ? { maxTokens: maxTokens.value } : {})
    }
  }
  if (Option.isSome(flags.integers)) {
    const found = /^(-?\d{1,15})\.\.(-?\d{1,15})$/.exec(flags.integers.value)
    const [least, most] = [Number(found?.[1]), Number(found?.[2])]
    if (found === null || least > most) return yield* misused("--integers is the least and the most, such as 0..99999")
    given["answers"] = { integers: [least, most] }
  }
  return given as Parameters<typeof specFrom>[1]
})

const problemOf = ({ problem }: SolveFlags): Effect.Effect<string, CommandFailed> =>
  Effect.gen(function*() {
    if (Option.isSome(problem) && problem.value !== "-") return problem.value
    if (Option.isNone(problem) && process.stdin.isTTY) {
      return yield* misused("Say what to solve: polya solve \"PROBLEM\", or - for standard input")
    }
    return yield* Effect.tryPromise({
      try: readInput,
      catch: (cause) => misused(`Cannot read standard input: ${cause instanceof Error ? cause.message : String(cause)}`)
    })
  })

/** All of standard input, which may not be long; not at once, so that Ctrl-C is heard meanwhile. */
const readInput = async (): Promise<string> => {
  const chunks: Array<Buffer> = []
  let bytes = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxProblemBytes) throw new Error(`it has more than ${maxProblemBytes} bytes`)
  }
  return Buffer.concat(chunks).toString("utf8")
}

export const solveCommand = Effect.fn("Cli.solve")(function*(flags: SolveFlags) {
  const problem = (yield* problemOf(flags)).trim()
  if (problem === "") return yield* misused("The problem is empty")
  if (problem.length > maxPromptCharacters) {
    return yield* misused(`The problem has ${problem.length} characters; at most ${maxPromptCharacters} are taken`)
  }
  const given = yield* givenOf(flags)
  if (Option.isSome(flags.seconds) && !(flags.seconds.value >= 0.1 && flags.seconds.value <= 86_400)) {
    return yield* misused("--seconds is 0.1 to 86,400")
  }
  if (Option.isSome(flags.tokens) && flags.tokens.value < 1) return yield* misused("--tokens is at least 1")
  const budget = {
    ...(Option.isSome(flags.seconds) ? { millis: flags.seconds.value * 1_000 } : {}),
    ...(Option.isSome(flags.tokens) ? { tokens: flags.tokens.value } : {})
  }
  const asked = { ...given, ...(Object.keys(budget).length === 0 ? {} : { budget }) }
  if (Option.isSome(flags.id) && !/^[A-Za-z0-9._:-]{1,150}$/.test(flags.id.value)) {
    return yield* misused("--id is 1 to 150 letters, digits and . _ : -")
  }
  const id = Option.getOrElse(flags.id, () => `solve-${globalThis.crypto.randomUUID()}`)
  if (Option.isSome(flags.url) && Option.isSome(flags.data)) {
    return yield* misused("--data and --url exclude each other: the cluster has a store of its own")
  }
  return yield* Option.isSome(flags.url)
    ? remotely(flags, id, problem, asked)
    : inLocalApp("solve", flags, locally(flags, id, problem, asked))
})

const locally = Effect.fnUntraced(function*(
  flags: SolveFlags,
  id: string,
  problem: string,
  given: Parameters<typeof specFrom>[1]
) {
  const solves = yield* Solves
  const { models } = yield* Generation
  if ((yield* models).length === 0) {
    return yield* misused(
      "There is no model to ask.",
      "Set POLYA_LLM_BASE_URL and POLYA_LLM_MODEL (and POLYA_LLM_API_KEY), or list models in llm.models; `polya fake-llm` is one to try with.",
      "ModelUnknown"
    )
  }
  const drawnSeed = (globalThis.crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) >>> 1
  // Asked again under its id, a solve goes on as it was asked for first.
  const before = yield* Effect.option(solves.state(id))
  if (Option.isNone(before)) {
    const spec = yield* specFrom({ _tag: "Problem", text: problem }, given, { owner: "local", drawnSeed }).pipe(
      Effect.catchTags({
        ModelUnknown: (error) => Effect.fail(misused(error.message, "", error._tag)),
        StrategyUnknown: (error) => Effect.fail(misused(error.message, "", error._tag))
      })
    )
    yield* solves.start(id, spec)
  } else yield* sameProblem(before.value, problem)
  yield* follow(flags, id, solves.watch(id), (sample) => solves.text(id, sample)).pipe(
    Effect.onInterrupt(() =>
      Effect.ignore(Effect.timeout(solves.cancel(id, "polya solve was interrupted"), "2 seconds"))
    )
  )
})

const sameProblem = ({ spec }: SolveState, problem: string) =>
  spec?.prompt._tag === "Problem" && spec.prompt.text === problem
    ? Effect.void
    : Effect.fail(misused("A solve of this id asks for something else; choose another --id", "", "SolveTaken"))

const remotely = Effect.fnUntraced(function*(
  flags: SolveFlags,
  id: string,
  problem: string,
  given: Parameters<typeof specFrom>[1]
) {
  const cluster = yield* remote(flags.url)
  // Asked again under its id, here too.
  const before: SolveState | undefined = Option.isNone(flags.id)
    ? undefined
    : yield* cluster.get(`/api/solves/${id}`).pipe(
      Effect.map(({ state }) => state),
      Effect.catchIf(({ tag }) => tag === "SolveUnknown", () => Effect.succeed(undefined))
    )
  if (before !== undefined) yield* sameProblem(before, problem)
  else yield* cluster.send("POST", "/api/solves", { id, problem, ...given, why: "polya solve" } as never)
  const states = Stream.map(cluster.watch("Solve", id), ({ state }) => state as SolveState)
  yield* follow(flags, id, states, (sample) => cluster.get(`/api/solves/${id}/samples/${sample}`)).pipe(
    Effect.onInterrupt(() =>
      Effect.ignore(Effect.timeout(cluster.send("POST", `/api/solves/${id}/cancel`, {}), "5 seconds"))
    )
  )
})

/** Shows the vote until it is over, then the answer; with --out the samples are kept. */
const follow = Effect.fnUntraced(function*<E>(
  flags: SolveFlags,
  id: string,
  states: Stream.Stream<SolveState, E>,
  textOf: (sample: number) => Effect.Effect<SampleState | undefined, unknown>
) {
  const bar = makeVoteBar({ json: flags.json, startedMillis: yield* Clock.currentTimeMillis })
  const last = yield* Stream.runLast(
    states.pipe(Stream.tap((state) => bar.show(state)), Stream.takeUntil(isOver))
  ).pipe(Effect.ensuring(bar.close))
  if (Option.isNone(last)) return yield* workFailed("The solve ended without saying how", "", "ActorUnavailable")
  const state = last.value
  if (flags.json) {
    yield* printLine({
      event: "answer",
      id,
      answer: state.answer,
      status: state.status,
      strategy: state.spec?.strategy.name,
      model: state.spec?.model,
      seed: state.spec?.seed,
      stop: state.stop,
      vote: state.vote,
      samples: state.samples.length,
      usage: state.usage,
      microDollars: state.microDollars,
      millis: (state.endedMillis ?? state.startedMillis) - state.startedMillis,
      error: state.error
    })
  } else {
    yield* Effect.sync(() => {
      for (const line of outcomeLines(state)) process.stderr.write(`polya: ${line}\n`)
      if (state.answer !== null) {
        process.stdout.write(`${process.stdout.isTTY ? visible(state.answer) : state.answer}\n`)
      }
    })
  }
  // The answer is told by now, whatever becomes of the file.
  if (Option.isSome(flags.out)) yield* keepSamples(flags.out.value, state, textOf)
  if (state.status === "cancelled") return yield* workFailed("The solve was cancelled", "", "SolveCancelled")
  if (state.error !== null) return yield* workFailed(state.error.message, "", state.error.tag)
  if (state.answer === null) return yield* workFailed("No sample has an answer", "", "NoAnswer")
})

/** A line a sample, written as it is read: all together may be more than fits into memory. */
const keepSamples = (
  file: string,
  { samples }: SolveState,
  textOf: (sample: number) => Effect.Effect<SampleState | undefined, unknown>
) => {
  const attempt = <A>(work: () => Promise<A>) =>
    Effect.tryPromise({
      try: work,
      catch: (cause) => workFailed(`Cannot write ${file}: ${String(cause)}`, "", "OutputFailed")
    })
  const line = (record: SolveState["samples"][number], sample: number, kept: SampleState | undefined) =>
    `${
      JSON.stringify({
        sample,
        ...record,
        text: kept?.text ?? null,
        reasoning: kept?.reasoning ?? null,
        steps: kept?.steps ?? []
      })
    }\n`
  return Effect.acquireUseRelease(
    attempt(() => open(file, "w")),
    (handle) =>
      Effect.forEach(samples, (record, sample) =>
        Effect.flatMap(
          record.status === "done" ? Effect.orElseSucceed(textOf(sample), () => undefined) : Effect.succeed(undefined),
          (kept) => attempt(() => handle.appendFile(line(record, sample, kept)))
        ), { discard: true }),
    (handle) => Effect.ignore(attempt(() => handle.close()))
  )
}
