// The stage that gives a problem its domain by words of its text, code and plan (MathDomain.ts). A row that says its domain
// keeps it; one of which nothing is known, or too little, gets none.
import { Effect, Schema } from "effect"
import { classifyDomain } from "../MathDomain.ts"
import { kept, type MapStage } from "../Stage.ts"

export const ClassifyParams = Schema.Struct({
  minMargin: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000 }))
    .annotate({
      description:
        "Points by which the domain leads at least, else the row gets none; 0 to 1,000. Four are a factor of e in the odds."
    })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(0))),
  overwrite: Schema.Boolean
    .annotate({ description: "Whether a domain that the row has already is replaced." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(false)))
})
export type ClassifyParams = typeof ClassifyParams.Type

/** Rules named in the detail, those with the most points. */
const shownRules = 5

/** The detail: `margin`, and the words that spoke for the domain. */
export const classify: MapStage<ClassifyParams> = {
  kind: "map",
  name: "classify",
  version: 2,
  cost: "cpu",
  summary:
    "Gives problems their domain: algebra, number_theory, geometry or combinatorics, by words of text, code and plan.",
  params: ClassifyParams,
  needs: ["problem"],
  prepare: ({ minMargin, overwrite }) => (fields) => {
    const { code, plan, problem } = fields
    const known = fields["domain"]
    if (typeof problem !== "string" || (!overwrite && known !== undefined && known !== null && known !== "")) {
      return kept()
    }
    const { domain, fired, margin } = classifyDomain({
      text: problem,
      ...(typeof code === "string" ? { code } : {}),
      ...(typeof plan === "string" ? { plan } : {})
    })
    if (domain === null || margin < minMargin) return kept()
    const speaking = fired.filter((rule) => rule.domain === domain).sort((a, b) => b.points - a.points)
    return kept({ domain }, { margin, words: speaking.slice(0, shownRules).map(({ word }) => word) })
  }
}
