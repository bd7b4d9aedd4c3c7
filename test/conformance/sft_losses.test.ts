// Cross-entropy with weights: sum, weighted mean, perplexity and gradient.
import { describe } from "@effect/vitest"
import { supervisedLoss } from "../../src/domain/SupervisedLoss.ts"
import { conformance } from "./Conformance.ts"
import { expectNumbers, type Precise, rowDiffers } from "./Numbers.ts"

interface Row {
  readonly logp: ReadonlyArray<number>
  readonly weights: ReadonlyArray<number>
  readonly expected: Readonly<Record<string, Precise | ReadonlyArray<number>>>
}

describe("conformance", () => {
  conformance<Row>("sft_losses", "value and gradient of the weighted cross-entropy", {
    check: ({ expected, logp, weights }) => {
      const result = supervisedLoss(logp, weights)
      if (result._tag === "Undefined") return result.reason
      const { grad_sum, ...numbers } = expected
      if (!Array.isArray(grad_sum)) throw new Error("no gradient")
      const wrong = expectNumbers(numbers as Record<string, Precise>, (name) => {
        switch (name) {
          case "tinker_cross_entropy_sum":
            return result.crossEntropySum
          case "weighted_mean_nll":
            return result.negativeLogLikelihoodMean
          case "perplexity":
            return result.perplexity
          default:
            throw new Error(`unknown loss ${name}`)
        }
      }, 1e-10)
      return wrong ?? rowDiffers("grad_sum", result.gradient_T, grad_sum, 1e-10)
    }
  })
})
