// Selectors and judges of solutions: prompts in which solutions stand under lines `Solution 1:`, `Solution 2:`, or one between `<solution>` tags, as
// those of Polya do. A solution counts as right if the right answer stands in a box in it, word for word.
import { fraction, mixed } from "./Draws.ts"

const heading = /^Solution (\d{1,4}):[^\S\n]*$/gm
const isRight = (solution: string, answer: string): boolean => solution.includes(`\\boxed{${answer}}`)

/** The number of a right solution so often as `share` says, else that of another; the first, where there is no choice. */
export const selected = (prompt: string, answer: string, share: number, key: number): string => {
  const headings = [...prompt.matchAll(heading)]
  const solutions = headings.map((found, at) => ({
    number: found[1] ?? "1",
    right: isRight(prompt.slice(found.index, headings[at + 1]?.index ?? prompt.length), answer)
  }))
  const wanted = fraction(mixed(key, 1)) < share
  const fitting = solutions.filter(({ right }) => right === wanted)
  const among = fitting.length > 0 ? fitting : solutions
  return among[Math.floor(fraction(mixed(key, 2)) * among.length)]?.number ?? "1"
}

/** `yes` or `no`, rightly so often as `share` says. */
export const judged = (prompt: string, answer: string, share: number, key: number): string =>
  isRight(prompt.slice(Math.max(0, prompt.lastIndexOf("<solution"))), answer) === fraction(mixed(key, 1)) < share
    ? "yes"
    : "no"
