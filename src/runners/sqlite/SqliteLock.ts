// Keeps a second process away from a store. The lock is SQLite's own write lock on a tiny database beside the file,
// held by an open transaction: the system takes it back when the process dies, however it dies. The holder's pid can be
// read meanwhile.
import { DatabaseSync } from "node:sqlite"

export type Lock = { readonly _tag: "Held"; readonly release: () => void } | {
  readonly _tag: "Taken"
  readonly pid: number | null
}

const busy = 5

/**
 * Takes the lock of `filename` or says who has it. Throws what SQLite throws when the lock file cannot be used at all.
 */
export const acquire = (filename: string): Lock => {
  const db = new DatabaseSync(`${filename}.lock`, { timeout: 0 })
  try {
    db.exec(
      "PRAGMA synchronous = OFF; CREATE TABLE IF NOT EXISTS holder (one INTEGER PRIMARY KEY, pid INTEGER NOT NULL)"
    )
    db.exec(
      `BEGIN IMMEDIATE; INSERT OR REPLACE INTO holder (one, pid) VALUES (1, ${process.pid}); COMMIT; BEGIN IMMEDIATE`
    )
    // Another process may have come between the two transactions and left again: it is ours now, so say so.
    if (pidIn(db) === process.pid) return { _tag: "Held", release: () => db.close() }
    db.close()
    return acquire(filename)
  } catch (error) {
    if (!(error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === busy)) {
      db.close()
      throw error
    }
    const pid = pidIn(db)
    db.close()
    return { _tag: "Taken", pid }
  }
}

const pidIn = (db: DatabaseSync): number | null => {
  try {
    const row = db.prepare("SELECT pid FROM holder WHERE one = 1").get()
    return row === undefined ? null : Number(row["pid"])
  } catch {
    // The holder is writing its pid at this very moment, or has not yet made the table.
    return null
  }
}
