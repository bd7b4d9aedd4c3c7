// Arbitration by the shape of the votes, as an AIMO-3 solution did it over eight streams (42 of 50 in four and a half hours): rules 0
// to 4 in order, looked at whenever a stream ends. A stream without an answer counts as a rival with one vote, and as an answer of
// its own where answers are counted as different.
import { Effect, Schema } from "effect"
import type { Standing } from "./Standing.ts"

const count = (value: number) =>
  Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4096 })).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(value))
  )

/**
 * Fewer than `least` finished: wait. Then, in order:
 * 0. `nulls` without an answer: stop with the leader, or `fallback`.
 * 1. `agreement` equal answers: stop.
 * 2. The leader's margin over the best rival is at least `margin`: stop.
 * 3. Exactly `hardAt` finished and all different: a hard problem. Spend one unit of the quota that all problems share and wait; with
 *    none left, stop with the answer that finished last (the leader, if that was without one).
 * 4. None to come. 4A: no answer at all: `fallback`. 4B: a margin of at least 1: the leader. 4C: all different: the answer that
 *    finished as number `hardAt`, or the leader. 4D: a tie, told as such; its answer is the one seen first.
 */
export const Arbitration = Schema.TaggedStruct("Arbitration", {
  least: count(3),
  nulls: count(3),
  agreement: count(4),
  margin: count(2),
  hardAt: count(5),
  fallback: Schema.String.check(Schema.isMaxLength(100)).pipe(Schema.withDecodingDefaultKey(Effect.succeed("0")))
})
export type Arbitration = typeof Arbitration.Type

export interface Ruling {
  readonly action: "wait" | "stop"
  /** rule0 .. rule4D; null: no rule has anything to say yet. */
  readonly rule: string | null
  readonly answer: string | null
  readonly tie: ReadonlyArray<string>
  readonly spendsQuota: boolean
}

const waiting: Ruling = { action: "wait", rule: null, answer: null, tie: [], spendsQuota: false }

/** The ruling on one standing. hardQuotaLeft: what is left of the shared quota, at least 0. */
export const arbitrate = (rules: Arbitration, standing: Standing, hardQuotaLeft: number): Ruling => {
  const { finished, leader, names, remaining, second, top, votes } = standing
  const stop = (rule: string, answer: string, tie: ReadonlyArray<string> = []): Ruling => ({
    action: "stop",
    rule,
    answer,
    tie,
    spendsQuota: false
  })
  const nulls = finished.filter((place) => place === null).length
  const leading = leader === null ? rules.fallback : names[leader] ?? rules.fallback
  const numbered = () => {
    const place = finished[rules.hardAt - 1]
    return place == null ? leading : names[place] ?? leading
  }
  if (finished.length < rules.least && remaining > 0) return waiting
  if (nulls >= rules.nulls) return stop("rule0", leading)
  if (top >= rules.agreement) return stop("rule1", leading)
  const margin = top - Math.max(second, nulls > 0 ? 1 : 0)
  if (margin >= rules.margin) return stop("rule2", leading)
  const different = top <= 1
  if (finished.length === rules.hardAt && different && remaining > 0) {
    return hardQuotaLeft > 0 ? { ...waiting, rule: "rule3", spendsQuota: true } : stop("rule3", numbered())
  }
  if (remaining > 0) return waiting
  if (leader === null) return stop("rule4A", rules.fallback)
  if (margin >= 1) return stop("rule4B", leading)
  if (different) return stop("rule4C", numbered())
  return stop("rule4D", leading, names.filter((_, place) => votes[place] === top))
}
