// Early stopping of one problem's samples: told of each sample that ends, it says when to stop, why, and with what answer. The
// first of its rules that fires decides; when none does, the end of the last sample. State is plain data, so an actor can
// keep it. Once stopped it stays so: samples that end later change nothing.
import { Schema } from "effect"
import { type Standing, standingOf } from "./Stopping/Standing.ts"
import { applyRule, plannedMaximum, StopReason, StopRule } from "./Stopping/StopRule.ts"
import type { SameAnswer } from "./Verdict.ts"
import { AnswerGroups, noGroups, placeAnswers, representatives } from "./Vote/AnswerGroups.ts"

/** How a sample ended. A failed one counts as finished without an answer; a cancelled one as never to come. */
export const SampleEnd = Schema.Union([
  Schema.TaggedStruct("Finished", { answer: Schema.NullOr(Schema.String) }),
  Schema.TaggedStruct("Failed", {}),
  Schema.TaggedStruct("Cancelled", {})
])
export type SampleEnd = typeof SampleEnd.Type

export const Stopping = Schema.Struct({
  /** Looked at in this order; empty: all samples are awaited. */
  rules: Schema.Array(StopRule).check(Schema.isMaxLength(8)),
  /** Samples planned. */
  planned: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: plannedMaximum })),
  groups: AnswerGroups,
  /** The group of each finished sample's answer, in the order finished. */
  finished: Schema.Array(Schema.NullOr(Schema.Int)),
  cancelled: Schema.Int,
  /** Whether this problem has taken a unit of the shared quota for hard problems. */
  quotaSpent: Schema.Boolean,
  stop: Schema.NullOr(StopReason)
})
export type Stopping = typeof Stopping.Type

/** planned: 1..4096; taken into that range. */
export const emptyStopping = (rules: ReadonlyArray<StopRule>, planned: number): Stopping => ({
  rules,
  planned: Math.min(Math.max(1, Math.trunc(planned) || 1), plannedMaximum),
  groups: noGroups,
  finished: [],
  cancelled: 0,
  quotaSpent: false,
  stop: null
})

/** Samples still to come. */
export const remainingSamples = ({ cancelled, finished, planned }: Stopping): number =>
  planned - finished.length - cancelled

export const standing = (stopping: Stopping): Standing =>
  standingOf(representatives(stopping.groups), stopping.finished, remainingSamples(stopping))

/** The best answer so far, whether or not a rule fired: what to say when time is up. Null before any. */
export const leadingAnswer = (stopping: Stopping): string | null => {
  const { leader, names } = standing(stopping)
  return leader === null ? null : names[leader] ?? null
}

/**
 * What the rules say of what has ended so far, as if nothing had been decided before. hardQuotaLeft: what the shared quota for hard
 * problems holds now; only `Arbitration` asks for it, and a problem that has spent a unit never spends another.
 */
export const stopReason = (
  stopping: Stopping,
  hardQuotaLeft = 0
): { readonly reason: StopReason | null; readonly spendsQuota: boolean } => {
  const now = standing(stopping)
  let spendsQuota = false
  for (const rule of stopping.rules) {
    const said = applyRule(rule, now, stopping.quotaSpent ? 1 : hardQuotaLeft)
    if (said.reason !== null) return { reason: said.reason, spendsQuota: false }
    spendsQuota ||= said.spendsQuota
  }
  if (now.remaining > 0) return { reason: null, spendsQuota: spendsQuota && !stopping.quotaSpent }
  return { reason: { _tag: "AllFinished", answer: leadingAnswer(stopping) }, spendsQuota: false }
}

/** The state after a sample ended. Nothing changes once stopped, or once all planned samples have ended. */
export const endSample = (
  stopping: Stopping,
  end: SampleEnd,
  same: SameAnswer,
  hardQuotaLeft = 0
): Stopping => {
  if (stopping.stop !== null || remainingSamples(stopping) === 0) return stopping
  const next = end._tag === "Cancelled"
    ? { ...stopping, cancelled: stopping.cancelled + 1 }
    : withFinished(stopping, end._tag === "Finished" ? end.answer : null, same)
  const { reason, spendsQuota } = stopReason(next, hardQuotaLeft)
  return { ...next, stop: reason, quotaSpent: next.quotaSpent || spendsQuota }
}

/** The state with one more finished sample, no rule asked. */
export const withFinished = (stopping: Stopping, answer: string | null, same: SameAnswer): Stopping => {
  const { groups, places } = placeAnswers(stopping.groups, [answer], same)
  return { ...stopping, groups, finished: [...stopping.finished, places[0] ?? null] }
}
