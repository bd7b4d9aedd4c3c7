// One figure of a benchmark, as a line of JSON.
export const figure = (
  name: string,
  value: number,
  unit: string,
  more: { readonly against?: string; readonly ratio?: number } = {}
): void => {
  process.stdout.write(`${JSON.stringify({ name, value: Number(value.toPrecision(4)), unit, ...more })}\n`)
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
