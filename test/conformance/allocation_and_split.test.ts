// Sampling in exact proportions and the 90/10 split against the cases of the aimo3-dataset-pipeline.
import { downsample, holdOut } from "../../src/domain/Allocation.ts"
import { conformance } from "./Conformance.ts"

type Row =
  & { readonly op: string; readonly expected: unknown }
  & {
    readonly available?: Readonly<Record<string, number>>
    readonly percent?: Readonly<Record<string, number>>
    readonly target?: number | null
    readonly n?: number
  }

const same = (found: unknown, expected: unknown): string | null => {
  const sorted = (_: string, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value
  const [a, b] = [JSON.stringify(found, sorted), JSON.stringify(expected, sorted)]
  return a === b ? null : `found ${a}, expected ${b}`
}

const allocated = ({ available, expected, percent, target }: Row): string | null => {
  if (available === undefined || percent === undefined || target === undefined) return "a field is missing"
  const found = downsample(available, percent, target)
  if (found._tag === "Refused") {
    // The words of a refusal are ours.
    return typeof expected === "object" && expected !== null && "error" in expected ? null : same(found, expected)
  }
  return same({ effective_target: found.total, bottleneck: found.bottleneck, allocated: found.allocated }, expected)
}

conformance<Row>("allocation_and_split", "proportions are exact and capped by the scarcest key", {
  check: (row) => {
    if (row.op.startsWith("downsample to exact proportions")) return allocated(row)
    if (row.op.startsWith("90/10 split")) return same(holdOut(row.n ?? NaN), row.expected)
    return `unknown op ${row.op}`
  },
  skip: ({ op }) => /observed|anchor run/.test(op) ? "published counts of a run, no input" : null
})
