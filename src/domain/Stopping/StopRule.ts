// When enough samples of a problem have finished, by counts of equal answers. A rule looks at what has finished, in the order it
// finished, and at how many are still to come; it knows neither weights nor time. The answer of a rule that fired is the leader: the
// answer with the most votes, of equal ones the one seen first.
import { Effect, Schema } from "effect"
import { betaAboveHalf } from "../Statistics/Binomial.ts"
import { arbitrate, Arbitration } from "./Arbitration.ts"
import type { Standing } from "./Standing.ts"

const count = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const share = (minimum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum: 1 }))
const by = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(value)))

/** Samples that one problem plans for at most. */
export const plannedMaximum = 4096

/**
 * - `FixedAgreement`: some answer has `votes` votes (AIMO 3 solutions: 4 of 8).
 * - `AgreementShare`: the leader has `votes` votes and `share` of all that finished, those without an answer included (AIMO 2,
 *   second place: 5 and 5/7).
 * - `CannotBeOvertaken`: the leader's margin over the runner-up is larger than the number of samples still to come, so that no
 *   continuation can change or tie it. With `tiesGoToLeader` it may be equal: another answer may then still draw level, and a tie
 *   goes to whoever leads at the moment of the stop, even over one that was seen before it. That is another law than `first_seen`
 *   in Vote.ts; a stop with margin === remaining > 0 is one that a vote over all samples might have ended in a tie.
 * - `AdaptiveConsistency`: P(Beta(v1 + 1, v2 + 1) > 1/2) > threshold for the two largest counts. Aggarwal et al. 2023,
 *   arXiv:2305.11860, section 3; the Dirichlet criterion over all counts is left out.
 * - `UnanimousWindow`: the last `size` finished samples, counted off in windows that do not overlap, all give one answer; one
 *   without an answer breaks it. Li et al. 2024 (ESC), arXiv:2401.10480, section 3.
 * - `Arbitration`: by the shape of the votes; see Stopping/Arbitration.ts.
 */
export const StopRule = Schema.Union([
  Schema.TaggedStruct("FixedAgreement", { votes: count(1, plannedMaximum) }),
  Schema.TaggedStruct("AgreementShare", { votes: by(count(1, plannedMaximum), 5), share: by(share(0), 5 / 7) }),
  Schema.TaggedStruct("CannotBeOvertaken", { tiesGoToLeader: by(Schema.Boolean, false) }),
  Schema.TaggedStruct("AdaptiveConsistency", { threshold: by(share(0.5), 0.95) }),
  Schema.TaggedStruct("UnanimousWindow", { size: by(count(2, plannedMaximum), 5) }),
  Arbitration
])
export type StopRule = typeof StopRule.Type

const answer = Schema.NullOr(Schema.String)

/** Why sampling stopped, and the answer at that moment (null: nobody answered). */
export const StopReason = Schema.Union([
  Schema.TaggedStruct("Agreed", { answer, votes: Schema.Int }),
  Schema.TaggedStruct("ShareReached", { answer, votes: Schema.Int, finished: Schema.Int }),
  Schema.TaggedStruct("NotToBeOvertaken", { answer, margin: Schema.Int, remaining: Schema.Int }),
  Schema.TaggedStruct("Confident", { answer, probability: Schema.Finite }),
  Schema.TaggedStruct("WindowUnanimous", { answer, size: Schema.Int }),
  Schema.TaggedStruct("Arbitrated", { answer, rule: Schema.String, tie: Schema.Array(Schema.String) }),
  Schema.TaggedStruct("AllFinished", { answer })
])
export type StopReason = typeof StopReason.Type

/** What the rule says of this standing: the reason to stop, or null to go on. `spendsQuota`: it goes on by a hard problem's extra. */
export const applyRule = (
  rule: StopRule,
  standing: Standing,
  hardQuotaLeft: number
): { readonly reason: StopReason | null; readonly spendsQuota: boolean } => {
  if (rule._tag === "Arbitration") {
    const { action, answer, rule: number, spendsQuota, tie } = arbitrate(rule, standing, hardQuotaLeft)
    const reason = action === "stop" ? { _tag: "Arbitrated" as const, answer, rule: number ?? "", tie } : null
    return { reason, spendsQuota }
  }
  return { reason: reasonBy(rule, standing), spendsQuota: false }
}

const reasonBy = (
  rule: Exclude<StopRule, { readonly _tag: "Arbitration" }>,
  { finished, leader, names, remaining, second, top }: Standing
): StopReason | null => {
  const answer = leader === null ? null : names[leader] ?? null
  switch (rule._tag) {
    case "FixedAgreement":
      return top >= rule.votes ? { _tag: "Agreed", answer, votes: top } : null
    case "AgreementShare":
      return top >= rule.votes && top / finished.length >= rule.share
        ? { _tag: "ShareReached", answer, votes: top, finished: finished.length }
        : null
    case "CannotBeOvertaken": {
      const margin = top - second
      return margin > remaining || (rule.tiesGoToLeader && margin === remaining)
        ? { _tag: "NotToBeOvertaken", answer, margin, remaining }
        : null
    }
    case "AdaptiveConsistency": {
      const probability = betaAboveHalf(top, second)
      return top > 0 && probability > rule.threshold ? { _tag: "Confident", answer, probability } : null
    }
    case "UnanimousWindow": {
      if (finished.length === 0 || finished.length % rule.size !== 0) return null
      const window = finished.slice(-rule.size)
      const [first] = window
      return first != null && window.every((place) => place === first)
        ? { _tag: "WindowUnanimous", answer: names[first] ?? null, size: rule.size }
        : null
    }
  }
}
