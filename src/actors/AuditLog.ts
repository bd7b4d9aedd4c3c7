// The port to the audit log: who did what to which actor, and why. Commands that took effect are noted by the very commit of their effect
// (ActorCommit.audits); what was refused, and what concerns no actor, is appended here.
import { Context, type Effect } from "effect"
import type { StoreFailed } from "./ActorStore.ts"

export interface AuditEntry {
  readonly atMillis: number
  readonly who: string
  readonly why: string
  readonly command: string
  /** Type and id of the actor; null where there is none. */
  readonly type: string | null
  readonly id: string | null
  readonly commandId: string | null
  /** Version that the command led to; null if nothing was changed. */
  readonly version: number | null
  readonly outcome: "done" | "refused"
  /** The tag of the refusal and a sentence; null if it was done. */
  readonly detail: string | null
}
export interface NumberedAuditEntry extends AuditEntry {
  /** Grows with time; not without gaps. */
  readonly seq: number
}

export class AuditLog extends Context.Service<AuditLog, {
  readonly append: (entries: ReadonlyArray<AuditEntry>) => Effect.Effect<void, StoreFailed>
  /** Newest first, at most `limit` (1 to 500), only entries below `before` if given. */
  readonly list: (options: {
    readonly limit: number
    readonly before?: number
    readonly who?: string
    readonly type?: string
    readonly id?: string
    readonly command?: string
  }) => Effect.Effect<ReadonlyArray<NumberedAuditEntry>, StoreFailed>
  /** Deletes what is older than `beforeMillis`, at most `maxRows`; answers how many went. */
  readonly prune: (beforeMillis: number, maxRows: number) => Effect.Effect<number, StoreFailed>
}>()("polya/AuditLog") {}
