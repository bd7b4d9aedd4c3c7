// A running sum of float64 numbers that carries the rounding error of each addition along, so that the order and the number of
// the addends hardly matter. Neumaier, ZAMM 54 (1974): the error is about two units in the last place of the result.

export class CompensatedSum {
  #sum = 0
  #lost = 0

  add(value: number): void {
    const next = this.#sum + value
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - next + value : value - next + this.#sum
    this.#sum = next
  }

  /** 0 before the first addend. Not finite if an addend is not or if the sum overflows. */
  get total(): number {
    return Number.isFinite(this.#lost) ? this.#sum + this.#lost : this.#sum
  }
}

/** The sum of `values_N`; 0 for none. */
export const compensatedSum = (values_N: ArrayLike<number>): number => {
  const sum = new CompensatedSum()
  for (let i = 0; i < values_N.length; i++) sum.add(values_N[i] as number)
  return sum.total
}
