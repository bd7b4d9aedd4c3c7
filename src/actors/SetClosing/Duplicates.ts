// The closings of the two duplicate stages. Memory: 16 bytes a row beside the pairs that are similar; everything else is paged.
import { Effect } from "effect"
import { PairCollector } from "../../domain/Clusters.ts"
import type { RowRef } from "../../domain/RunRow.ts"
import type { NearDuplicatesParams } from "../../domain/stages/NearDuplicates.ts"
import { answersDiffer, isVariant, jaccard } from "../../domain/text/Fingerprint.ts"
import { patient } from "../DurableActor.ts"
import { RunIndex } from "../RunIndex.ts"
import { type Closing, eachGroupPage, liveRows, type Loaded, makeResults, pageResults } from "./Closing.ts"

/** Of rows with equal keys the first stays. */
export const closeExact = Effect.fnUntraced(function*(closing: Closing) {
  const results = yield* makeResults(closing)
  let first: Loaded | undefined
  yield* eachGroupPage(closing, "key", (members) =>
    Effect.gen(function*() {
      for (const member of members) {
        if (first === undefined || first.group !== member.group) {
          first = member
          continue
        }
        yield* results.add({
          seq: member.seq,
          sub: member.sub,
          drop: { reason: "exact-duplicate", detail: detailOf(first, 1, first.payload, member.payload) },
          patch: {}
        })
      }
    }))
  yield* results.flush
})

/**
 * Alike, but not the same problem: other numerals or variables, or a reference answer that says otherwise (on MATH, eleven of twelve
 * such pairs asked different things). They are grouped, never dropped.
 */
const apart = (a: Uint8Array, b: Uint8Array): boolean => isVariant(a, b) || answersDiffer(a, b)

const detailOf = ({ seq, sub }: RowRef, similarity: number, kept: Uint8Array | null, dropped: Uint8Array | null) => ({
  of: { seq, sub },
  similarity: Math.round(similarity * 10_000) / 10_000,
  ...(kept !== null && dropped !== null && answersDiffer(kept, dropped) ? { answersDiffer: true } : {})
})

/**
 * A band that more rows share than this says little about them (a template); a row is then compared with so many rows before it in the
 * band, in order, so that the work stays linear in the band.
 */
const maxNeighbours = 256

/** Then others have their turn: a page of a template's rows is a million comparisons, which would hold the runner for a second. */
const comparisonsPerTurn = 4_096

/**
 * Rows that share a band are compared by their shingles. Dropped: what repeats a kept earlier row (Clusters.ts). Kept rows that are
 * similar get a `cluster`: the place of its first row as "seq.sub".
 */
export const closeNear = Effect.fnUntraced(function*(closing: Closing, params: NearDuplicatesParams) {
  const index = yield* RunIndex
  const rows = yield* liveRows(closing)
  const pairs = new PairCollector(rows.length, params)
  const seen = new RecentPairs()
  // One band's rows so far; a band may go on on the next page.
  let group = ""
  let band: Array<{ readonly row: number; readonly payload: Uint8Array }> = []
  let compared = 0
  yield* eachGroupPage(closing, "band", (members) =>
    Effect.gen(function*() {
      for (const member of members) {
        if (member.group !== group) {
          group = member.group
          band = []
        }
        const { payload } = member
        const row = rows.indexOf(member)
        if (payload === null || row < 0) continue
        for (const other of band) {
          if (seen.add(other.row, row)) {
            pairs.add(other.row, row, jaccard(other.payload, payload), apart(other.payload, payload))
          }
        }
        compared += band.length
        if (compared > comparisonsPerTurn) {
          compared = 0
          yield* Effect.yieldNow
        }
        band.push({ row, payload })
        if (band.length > maxNeighbours) band.shift()
      }
    }))
  const found = pairs.decide()
  const results = yield* makeResults(closing)
  for (let from = 0; from < rows.length; from += pageResults) {
    const to = Math.min(rows.length, from + pageResults)
    const dropped: Array<{ readonly row: number; readonly keeper: number }> = []
    for (let row = from; row < to; row++) {
      const keeper = found.keeper[row] ?? -1
      if (keeper >= 0) dropped.push({ row, keeper })
    }
    const refs = dropped.flatMap(({ keeper, row }) => [rows.at(keeper), rows.at(row)])
    const payloads = refs.length === 0 ? [] : yield* patient(index.payloads(closing.owner.run, closing.ord, refs))
    for (const [at, { keeper, row }] of dropped.entries()) {
      const detail = detailOf(
        rows.at(keeper),
        found.similarity[row] ?? 0,
        payloads[2 * at] ?? null,
        payloads[2 * at + 1] ?? null
      )
      yield* results.add({ ...rows.at(row), drop: { reason: "near-duplicate", detail }, patch: {} })
    }
    for (let row = from; row < to; row++) {
      const cluster = found.cluster[row] ?? -1
      if (cluster < 0 || (found.size[cluster] ?? 1) < 2) continue
      const { seq, sub } = rows.at(cluster)
      yield* results.add({ ...rows.at(row), drop: null, patch: { cluster: `${seq}.${sub}` } })
    }
  }
  yield* results.flush
})

/** Remembers about a quarter million of the pairs seen last, so that rows which share many bands are compared once or twice, not thirty times. */
class RecentPairs {
  private readonly slots = new Float64Array(1 << 18)
  /** True if the pair is not among those remembered; it is then. */
  add(a: number, b: number): boolean {
    const key = a * 0x4000000 + b + 1
    const slot = (Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)) & 0x3ffff
    if (this.slots[slot] === key) return false
    this.slots[slot] = key
    return true
  }
}
