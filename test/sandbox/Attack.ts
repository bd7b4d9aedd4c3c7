// One row of the attack table: code that tries to get out, and in words how one would see that it did. The same shape for the shared rows
// and for the project's own (test/conformance/cases/sandbox_attacks.jsonl).

export interface Attack {
  readonly id: string
  readonly category: string
  /** Python, with places to fill: see `filled`. */
  readonly source: string
  readonly must_not: string
  /** In words; Detectors.ts reads it. */
  readonly detect: string
  /** `depth`, `info` and `low` are told in the table and fail nothing; all else does. */
  readonly severity?: string
  /** `pyodide`, `native` or a level; without it all. */
  readonly only?: string
  readonly bounded?: boolean
  readonly status_in?: ReadonlyArray<string>
  readonly status_not?: ReadonlyArray<string>
  readonly ok_first_line_zero?: boolean
  /** Seconds to wait after the cell before looking. */
  readonly settle?: number
  /** Seconds of wall time, where the row needs more than the suite gives. */
  readonly timeout?: number
  /** Would harm the machine where nothing shuts it in: not for the unprotected levels. */
  readonly harmful?: boolean
}

export const failing = (attack: Attack): boolean => !["depth", "info", "low"].includes(attack.severity ?? "high")

export interface Places {
  readonly canary: string
  readonly canaryFolder: string
  readonly write: string
  readonly port: number
  readonly abstractName: string
  readonly harness: string
}

/** The code as it runs; fails on a place that nobody knows, so that no row passes for want of a target. */
export const filled = (source: string, places: Places): string => {
  const known: Readonly<Record<string, string>> = {
    CANARY: places.canary,
    CANARY_DIR: places.canaryFolder,
    WRITE: places.write,
    PORT: String(places.port),
    NET: "hello",
    ABS: places.abstractName,
    HARNESS: places.harness
  }
  return source.replace(/\{\{([A-Z_]+)\}\}/g, (_, name: string) => {
    const value = known[name]
    if (value === undefined) throw new Error(`nobody knows what {{${name}}} stands for`)
    return value
  })
}
