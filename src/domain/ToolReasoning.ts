// Tool-integrated reasoning: a model writes code between its words, the code runs, and the output goes back into its text. Here is what may be
// spent on it; Gou et al. 2023 (ToRA), arXiv:2309.17452, section 2.
import { Effect, Schema } from "effect"

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
 * - `calls`: programs that one sample may run, 1..64; default 8.
 * - `cellMillis`: wall time of one program; default 10,000. `totalMillis`: of all of them together; default 120,000.
 * - `characters`: of one output that the model is shown, 100..100,000; default 2,000.
 * - `tokens`: that one sample may write in all its legs, its own text and outputs together; null: `maxTokens` of the sampling alone.
 */
export const ToolBudget = Schema.Struct({
  style: by(ToolStyle, "auto"),
  calls: by(count(1, 64), 8),
  cellMillis: by(count(10, 600_000), 10_000),
  totalMillis: by(count(10, 3_600_000), 120_000),
  characters: by(count(100, 100_000), 2_000),
  tokens: by(Schema.NullOr(count(1, 10_000_000)), null)
})
export type ToolBudget = typeof ToolBudget.Type
export const defaultToolBudget: ToolBudget = {
  style: "auto",
  calls: 8,
  cellMillis: 10_000,
  totalMillis: 120_000,
  characters: 2_000,
  tokens: null
}
