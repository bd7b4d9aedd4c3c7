// Tool-integrated reasoning: a model writes code between its words, the code runs, and the output goes back into its text. Here is what may be
// spent on it; Gou et al. 2023 (ToRA), arXiv:2309.17452, section 2.
import { Effect, Schema } from "effect"
import type { TokenUsage } from "./Generation.ts"
import type { Figures } from "./Vote/VoteRule.ts"

const by = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(value)))
const count = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/**
 * How a model marks code: `fenced`, Python in a Markdown block, output in an `output` block; `tags`, `<tool_call>` with code between the tags and
 * output in a block after it; `auto`: whichever of both it writes first, asked for as `fenced`.
 */
export const ToolStyle = Schema.Literals(["auto", "fenced", "tags"])
export type ToolStyle = typeof ToolStyle.Type

/**
 * Where an output stands in a conversation: `model`, in the model's own message, which the server then goes on with; `user`, in a message of the
 * user, for servers that begin another message whatever the last one is.
 */
export const ToolTurn = Schema.Literals(["model", "user"])
export type ToolTurn = typeof ToolTurn.Type

/**
 * - `calls`: programs that one sample may run, 1..64; default 8.
 * - `cellMillis`: wall time of one program; default 10,000. `totalMillis`: of all of them together; default 120,000.
 * - `characters`: of one output that the model is shown, 100..100,000; default 2,000.
 * - `tokens`: of one sample in all its legs, its own text and outputs together; null: `maxTokens` of the sampling alone, which bounds
 *   what the model itself writes in all legs.
 * - `turn`: whose an output is in a conversation; default `model`.
 */
export const ToolBudget = Schema.Struct({
  style: by(ToolStyle, "auto"),
  calls: by(count(1, 64), 8),
  cellMillis: by(count(10, 600_000), 10_000),
  totalMillis: by(count(10, 3_600_000), 120_000),
  characters: by(count(100, 100_000), 2_000),
  tokens: by(Schema.NullOr(count(1, 10_000_000)), null),
  turn: by(ToolTurn, "model")
})
export type ToolBudget = typeof ToolBudget.Type
export const defaultToolBudget: ToolBudget = {
  style: "auto",
  calls: 8,
  cellMillis: 10_000,
  totalMillis: 120_000,
  characters: 2_000,
  tokens: null,
  turn: "model"
}

/** Tokens of a text where nobody counted them: mathematics and code have about 3.5 characters a token. */
export const estimatedTokens = (text: string): number => Math.ceil(text.length / 3.5)

/**
 * Figures of a sample from those of its legs: the mean by tokens of the legs that have one, which for means over tokens is the mean over all of
 * them; a confidence is a mean over windows, so for it this is near, not exact. What no leg has is absent.
 */
export const joinedFigures = (
  legs: ReadonlyArray<{ readonly figures: Figures; readonly usage: TokenUsage }>
): Figures => {
  const joined: { [name in "logprobMean" | "entropyMean" | "confidence"]?: number } = {}
  for (const name of ["logprobMean", "entropyMean", "confidence"] as const) {
    let sum = 0
    let tokens = 0
    for (const { figures, usage } of legs) {
      const value = figures[name]
      if (value === undefined || !Number.isFinite(value)) continue
      sum += value * usage.completionTokens
      tokens += usage.completionTokens
    }
    if (tokens > 0) joined[name] = sum / tokens
  }
  return joined
}
