// Precision, recall and F1 of a judge. Each run (attempt i at every problem) has rates of its own; their means are told, so that
// a mean over runs is not the rate of a mixture of runs.

interface Counts {
  truePositives: number
  falsePositives: number
}

/** Percentages. */
export interface JudgeRates {
  readonly precision: number
  readonly recall: number
  readonly f1: number
}

export class JudgeCounts {
  readonly #runs: Array<Counts> = []
  #positives = 0

  /** A problem whose answer is in truth equal: one that should be judged "yes". Once a problem, whatever the runs. */
  addPositive(): void {
    this.#positives++
  }

  /** What run `run` said of a problem, and what is true; null: not readable. */
  add(run: number, said: boolean | null, truth: boolean | null): void {
    const counts = this.#runs[run] ??= { truePositives: 0, falsePositives: 0 }
    if (said !== true || truth === null) return
    if (truth) counts.truePositives++
    else counts.falsePositives++
  }

  /**
   * Means over runs, in percent. Precision is 100 for a run that never said "yes", recall is 100 where there is no positive, F1 is 0
   * where precision and recall are.
   */
  get rates(): JudgeRates {
    const runs = this.#runs.map(({ falsePositives, truePositives }) => {
      const said = truePositives + falsePositives
      const precision = said > 0 ? truePositives / said : 1
      const recall = this.#positives > 0 ? truePositives / this.#positives : 1
      const sum = precision + recall
      return { precision, recall, f1: sum > 0 ? (2 * precision * recall) / sum : 0 }
    })
    const mean = (of: (run: JudgeRates) => number) => (100 * runs.reduce((sum, run) => sum + of(run), 0)) / runs.length
    if (runs.length === 0) return { precision: 100, recall: 100, f1: 100 }
    return { precision: mean((run) => run.precision), recall: mean((run) => run.recall), f1: mean((run) => run.f1) }
  }
}
