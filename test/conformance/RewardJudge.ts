// The judge that the reward cases are held with.
import type { Judge } from "../../src/domain/Rewards.ts"
import { boxedJudge } from "../../src/domain/Rewards/BoxedJudge.ts"

const valueOf = (text: string): number => {
  const [above = "", below = "1"] = text.replace(/^\\frac\{([^{}]*)\}\{([^{}]*)\}$/, "$1/$2").split("/")
  return Number(above) / Number(below)
}

const contentOf = (text: string): string => (/^\\boxed\{(.*)\}$/.exec(text)?.[1] ?? text).trim().toLowerCase()

export const judge: Judge = boxedJudge((gold, pred) => {
  const [wanted, answer] = [contentOf(gold), contentOf(pred)]
  const same = wanted === answer || Math.abs(valueOf(wanted) - valueOf(answer)) < 1e-6
  return { verdict: same ? "equal" : "unequal", rule: "number", gold: wanted, answer }
})
