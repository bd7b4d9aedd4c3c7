// What a commit leaves in the audit log for one of its notes. It loads nothing of Effect, so the database thread can use it.
import type { ActorCommit, AuditNote } from "../../domain/Commit.ts"
import type { AuditEntry } from "../AuditLog.ts"

export const doneEntry = (
  { expected, id, type }: ActorCommit,
  { command, commandId, who, why }: AuditNote,
  atMillis: number
): AuditEntry => ({
  atMillis,
  who,
  why,
  command,
  type,
  id,
  commandId,
  version: expected + 1,
  outcome: "done",
  detail: null
})
