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
  /** What lists and searches are to know of the actor from now on; none: what they know already. */
  readonly facets?: Facets
  /** Commands of this commit that somebody is to answer for, for the audit log. */
  readonly audits?: ReadonlyArray<AuditNote>
}

/** What lists, counts and searches know of an actor without reading its state (ActorIndex). */
export interface Facets {
  /** One word of the type's own, such as `running` or `dropped`. */
  readonly status: string
  /** Name of the stage that it is at or ended at. */
  readonly stage: string | null
  /** Id of what it belongs to: the run of a problem. */
  readonly group: string | null
  readonly attempts: number
  /** The last error in one line of at most 300 characters. */
  readonly error: string | null
  /** What it is waiting for, in a few words. */
  readonly waiting: string | null
  /** What a search for words looks in; at most 4,000 characters. */
  readonly text: string | null
}

/** Who gave a command, and why. */
export interface By {
  readonly who: string
  readonly why: string
}
export interface AuditNote extends By {
  readonly commandId: string | null
  readonly command: string
}

export type CommitOutcome =
  | { readonly _tag: "Committed" }
  /** The row moved on without us: nothing was written. */
  | { readonly _tag: "Fenced" }
  /** Some command ids were answered before: nothing was written; here are their replies by id. */
  | { readonly _tag: "Duplicate"; readonly stored: ReadonlyMap<string, string> }
