// Why a store of a newer program is refused.
import { Schema } from "effect"

/** The store was written by a newer Polya. Nothing was changed in it. */
export class StoreTooNew extends Schema.TaggedError<StoreTooNew>()("StoreTooNew", {
  /** File or schema, without secrets. */
  store: Schema.String,
  /** Number of the last migration in the store, and of the last one that this program has. */
  found: Schema.Int,
  known: Schema.Int
}) {
  override get message() {
    return `The store ${this.store} is at migration ${this.found}, but this program knows only ${this.known}: ` +
      `it was used by a newer Polya. Run that version or newer, or choose another store.`
  }
}
