// KL of one token by its estimators, clamped and not, and the derivative of k3.
import { assert, describe } from "@effect/vitest"
import { klDerivative, klEstimate } from "../../src/domain/KlEstimators.ts"
import { conformance } from "./Conformance.ts"
import { expectNumbers, type Precise } from "./Numbers.ts"

interface Row {
  readonly logp: number
  readonly logp_ref: number
  readonly expected: Readonly<Record<string, Precise>>
}

describe("conformance", () => {
  conformance<Row>("kl_estimators", "each estimator gives its exact value", {
    check: ({ expected, logp, logp_ref }) => {
      assert.isAbove(Object.keys(expected).length, 0)
      return expectNumbers(expected, (name) => {
        switch (name) {
          case "k1":
          case "abs":
          case "k2":
          case "k3":
            return klEstimate(name, logp, logp_ref)
          case "k3_verl_clamped":
            return klEstimate("k3Clamped", logp, logp_ref)
          case "dk3_dlogp":
            return klDerivative("k3", logp, logp_ref)
          default:
            throw new Error(`unknown estimator ${name}`)
        }
      })
    }
  })
})
