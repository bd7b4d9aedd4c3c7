// What one actor wants to write at once, and what can come of it. The words of the durable actor's storage contract.

export interface ActorKey {
  readonly type: string
  readonly id: string
}

/** The last committed state of an actor: `version` counts its commits from 1; `state` is JSON text. */
export interface ActorRow {
  readonly version: number
  readonly state: string
}

/** Everything that one actor writes in one flush. Nothing of it is written unless the stored version is `expected`. */
export interface ActorCommit extends ActorKey {
  /** Stored version that this was decided on; 0: the actor has no row yet. */
  readonly expected: number
  /** JSON text of the new state; its version becomes `expected + 1`. */
  readonly state: string
  readonly replies: ReadonlyArray<{ readonly commandId: string; readonly reply: string }>
  /** JSON texts, in order. */
  readonly events: ReadonlyArray<string>
}

export type CommitOutcome =
  | { readonly _tag: "Committed" }
  /** The row moved on without us: nothing was written. */
  | { readonly _tag: "Fenced" }
  /** Some command ids were answered before: nothing was written; here are their replies by id. */
  | { readonly _tag: "Duplicate"; readonly stored: ReadonlyMap<string, string> }
