// The step budget of one verdict. Domain code cannot look at a clock; it counts what it does instead, and stops in time.

/** Steps ran out: the answer is `undecided`, never a guess. Thrown only inside of Verify, and caught there. */
export class StepsExhausted extends Error {}

export interface Budget {
  left: number
}

/** Takes `steps` (about ten nanoseconds each) off the budget. Throws `StepsExhausted` when there are not so many left. */
export const spend = (budget: Budget, steps: number): void => {
  budget.left -= steps
  if (!(budget.left >= 0)) throw new StepsExhausted()
}
