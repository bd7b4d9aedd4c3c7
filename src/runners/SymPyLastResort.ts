// The last resort of verdicts: SymPy, in sandbox sessions of a tenant of its own, a fresh one for each question, so that no answer depends on
// another. Only questions that our own trees were written as go in, and only one of two words is believed of what comes out. Where there is no
// SymPy, or no place, pairs stay undecided, at no cost a row.
import { Clock, Effect, Layer, Semaphore } from "effect"
import { readFile } from "node:fs/promises"
import { CodeSandbox } from "../actors/CodeSandbox.ts"
import { LastResort } from "../actors/Verdicts.ts"
import { type CellResult, SandboxUnavailable } from "../domain/Sandbox.ts"
import type { Outcome } from "../domain/Verdict.ts"

export interface SymPyLastResortOptions {
  /**
   * A question that takes longer stays open. Its own program gives up before, after a number of steps that does not depend on how busy the
   * machine is.
   */
  readonly questionMillis: number
  /** Questions at once, at most; those beyond wait their turn. */
  readonly questions: number
  /** A question that waits longer, its own time included, stays open. */
  readonly waitMillis: number
  /** After a refusal of the sandbox nothing is asked for so long. */
  readonly restMillis: number
}

export const defaults: SymPyLastResortOptions = {
  questionMillis: 10_000,
  questions: 2,
  waitMillis: 120_000,
  restMillis: 30_000
}

/** Nobody else's code shares an interpreter with verdicts. */
const tenant = "verdicts"
/** Questions whose answers are remembered; the oldest make room. */
const maxRemembered = 1_024

/** What a session runs before its question. */
export const program = new URL("./sandbox/python/verdicts.py", import.meta.url)

/** The word that the program printed; anything else says nothing. */
const wordOf = ({ status, stdout, truncated }: CellResult): Outcome => {
  const isWord = status === "ok" && !truncated && (stdout === "equal\n" || stdout === "unequal\n")
  return isWord ? stdout === "equal\n" ? "equal" : "unequal" : "undecided"
}

const make = (options: SymPyLastResortOptions) =>
  Effect.gen(function*() {
    const sandbox = yield* CodeSandbox
    const clock = yield* Clock.Clock
    const turns = yield* Semaphore.make(options.questions)
    const remembered = new Map<string, Outcome>()
    let isPossible: boolean | undefined
    let restsUntilMillis = -Infinity

    const remember = (question: string, word: Outcome) => {
      const [oldest] = remembered.size >= maxRemembered ? remembered.keys() : []
      if (oldest !== undefined) remembered.delete(oldest)
      remembered.set(question, word)
      return word
    }

    const programText = yield* Effect.cached(Effect.tryPromise({
      try: () => readFile(program, "utf8"),
      catch: (error) => new SandboxUnavailable({ detail: `The program of verdicts cannot be read: ${String(error)}` })
    }))

    const answerOf = Effect.fnUntraced(function*(question: string) {
      const code = `${yield* programText}\nprint(${question})\n`
      const session = yield* sandbox.open({ tenant, limits: { outputBytes: 4_096 } })
      const result = yield* session.exec(code, { wallMillis: options.questionMillis })
      // The program catches what its questions raise: this is something else, such as a SymPy that cannot be imported.
      if (result.status === "error") {
        const detail = result.stderr.trim().split("\n").at(-1)?.slice(0, 200) ?? ""
        return yield* new SandboxUnavailable({ detail: `The program of verdicts failed: ${detail}` })
      }
      // Another try may end otherwise where somebody else ended this one.
      return result.cause === "host" ? "undecided" : remember(question, wordOf(result))
    }, Effect.scoped)

    const ask = Effect.fn("SymPyLastResort.ask")(function*(question: string) {
      const known = remembered.get(question)
      if (known !== undefined) return known
      if (clock.currentTimeMillisUnsafe() < restsUntilMillis) return "undecided"
      return yield* turns.withPermit(Effect.suspend(() =>
        clock.currentTimeMillisUnsafe() < restsUntilMillis ? Effect.succeed<Outcome>("undecided") : answerOf(question)
      )).pipe(
        Effect.timeoutOrElse({
          duration: options.waitMillis,
          orElse: () =>
            Effect.succeed<Outcome>("undecided")
        }),
        Effect.catch((refusal) => {
          restsUntilMillis = clock.currentTimeMillisUnsafe() + options.restMillis
          return Effect.as(
            Effect.logWarning(`SymPy is asked nothing for ${options.restMillis} ms: ${refusal.message}`),
            "undecided" as const
          )
        })
      )
    })

    /** Whether this machine has SymPy; looked for once, when there is a question. */
    const possible = Effect.suspend(() =>
      isPossible === undefined
        ? Effect.map(sandbox.facts, ({ level, sympy }) => isPossible = level !== null && sympy !== null)
        : Effect.succeed(isPossible)
    )

    return LastResort.of({
      decide: Effect.fn("SymPyLastResort.decide")(function*(pair, { rule }) {
        if (isPossible === false) return "undecided"
        // Loaded here: most verdicts need none of it, and where threads judge, this one has no rules.
        const { mayHaveQuestions, openQuestions, outcomeKnowing } = yield* Effect.promise(() =>
          import("../domain/Verify/OpenQuestions.ts")
        )
        const questions = mayHaveQuestions(rule) ? openQuestions(pair) : []
        if (questions.length === 0 || !(yield* possible)) return "undecided"
        const answers = new Map<string, Outcome>()
        for (const question of questions) answers.set(question, yield* ask(question))
        return outcomeKnowing(pair, answers)
      })
    })
  })

export const layerWith = (options: Partial<SymPyLastResortOptions>): Layer.Layer<LastResort, never, CodeSandbox> =>
  Layer.effect(LastResort, make({ ...defaults, ...options }))

export const layer: Layer.Layer<LastResort, never, CodeSandbox> = layerWith({})

/** The one that the setting `verdict.lastResort` means. */
export const layerOf = (lastResort: "auto" | "none"): Layer.Layer<LastResort, never, CodeSandbox> =>
  lastResort === "none" ? LastResort.layerNone : layer
