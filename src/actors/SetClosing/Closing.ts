// What the closings of set stages share: paging through the run's index, and storing results in pieces.
import { Effect } from "effect"
import type { RowRef, SetResult } from "../../domain/RunRow.ts"
import { patient } from "../DurableActor.ts"
import type { RunPlan } from "../Plans.ts"
import { type GroupCursor, type GroupMember, RunIndex, type RunOwner } from "../RunIndex.ts"

export interface Closing {
  readonly owner: RunOwner
  readonly plan: RunPlan
  /** Place of the set stage in the recipe. */
  readonly ord: number
}

export const pageMembers = 4_096
export const pageResults = 2_000

export interface Loaded extends GroupMember {
  readonly payload: Uint8Array | null
}

/** Visits the members of all groups, in (group, seq, sub) order, with their payloads. */
export const eachGroupPage = <E, R>(
  { ord, owner: { run } }: Closing,
  by: "key" | "band",
  visit: (members: ReadonlyArray<Loaded>) => Effect.Effect<void, E, R>
) =>
  Effect.gen(function*() {
    const index = yield* RunIndex
    let after: GroupCursor = null
    while (true) {
      const page: ReadonlyArray<GroupMember> = yield* patient(
        index.groups(run, ord, by, { after, limit: pageMembers })
      )
      const last = page.at(-1)
      if (last === undefined) return
      if (after !== null && last.group === after.group && last.seq === after.seq && last.sub === after.sub) {
        return yield* Effect.die(`the groups of stage ${ord} do not advance`)
      }
      const payloads = yield* patient(index.payloads(run, ord, page))
      yield* visit(page.map((member, at) => ({ ...member, payload: payloads[at] ?? null })))
      after = last
    }
  })

/** Takes results one by one and stores them in pieces. */
export const makeResults = Effect.fnUntraced(function*({ ord, owner }: Closing) {
  const index = yield* RunIndex
  let results: Array<SetResult> = []
  const flush = Effect.suspend(() => {
    const piece = results
    results = []
    return piece.length === 0 ? Effect.void : patient(index.putResults(owner, ord, piece))
  })
  return {
    add: (result: SetResult) => Effect.suspend(() => results.push(result) < pageResults ? Effect.void : flush),
    flush
  }
})

/** The run's live rows in order: their places, 12 bytes each. */
export const liveRows = Effect.fnUntraced(function*({ owner: { run } }: Closing) {
  const index = yield* RunIndex
  const rows = new RowList()
  let after: RowRef | null = null
  while (true) {
    const page: ReadonlyArray<RowRef> = yield* patient(
      index.rows(run, { after, limit: pageMembers, statuses: ["live"] })
    )
    const last = page.at(-1)
    if (last === undefined) return rows
    for (const row of page) rows.push(row)
    after = last
  }
})

/** Row places in ascending order, in typed arrays. */
export class RowList {
  private seqs = new Float64Array(1_024)
  private subs = new Int32Array(1_024)
  length = 0
  push({ seq, sub }: RowRef): void {
    if (this.length === this.seqs.length) {
      const seqs = new Float64Array(this.length * 2)
      const subs = new Int32Array(this.length * 2)
      seqs.set(this.seqs)
      subs.set(this.subs)
      this.seqs = seqs
      this.subs = subs
    }
    this.seqs[this.length] = seq
    this.subs[this.length++] = sub
  }
  at(index: number): RowRef {
    return { seq: this.seqs[index] ?? -1, sub: this.subs[index] ?? -1 }
  }
  /** Place of a row in the list; -1 if it is not in it. */
  indexOf({ seq, sub }: RowRef): number {
    let low = 0
    let high = this.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const order = ((this.seqs[middle] ?? 0) - seq) || ((this.subs[middle] ?? 0) - sub)
      if (order === 0) return middle
      if (order < 0) low = middle + 1
      else high = middle - 1
    }
    return -1
  }
}
