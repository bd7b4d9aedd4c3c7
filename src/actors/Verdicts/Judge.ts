// What is decided of one pair, as a plain function of plain data that may cross threads. Whoever runs it sees to limits of time and memory. What
// the domain throws, which it should not, is a verdict of its own and costs nothing else.
import type { Verdict } from "../../domain/Verdict.ts"
import { verify } from "../../domain/Verify.ts"
import { brokenVerdict, type Pair, type TimedVerdict } from "./Asked.ts"

export const verdictOf = ({ bare, gold, opts, pred }: Pair, now: () => number): TimedVerdict => {
  const startedMillis = now()
  const verdict = judged(() => verify(gold, pred, opts, bare))
  return { ...verdict, ms: Math.round((now() - startedMillis) * 1_000) / 1_000 }
}

const judged = (judge: () => Verdict): Verdict => {
  try {
    return judge()
  } catch {
    return brokenVerdict("crash")
  }
}
