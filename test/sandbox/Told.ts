// What the process of one column tells the suite, one line of JSON each.
export type Told =
  | { readonly kind: "absent"; readonly detail: string }
  | { readonly kind: "offered"; readonly detail: string }
  | { readonly kind: "started"; readonly id: string }
  | {
    readonly kind: "row"
    readonly id: string
    /** How it got through; none: it did not. */
    readonly why: ReadonlyArray<string>
    readonly status: string
    readonly millis: number
    /** It ran out of time although it does not loop on purpose: it was not tried to its end. */
    readonly cut: boolean
    /** Something of what it printed. */
    readonly said: string
  }
  /** All rows are told; `left`: what outlived the level. */
  | { readonly kind: "over"; readonly left: ReadonlyArray<string> }
  | { readonly kind: "failed"; readonly detail: string }
