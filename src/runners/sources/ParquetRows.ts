// Parquet, one row group (or a piece of a large one) at a time by ranges of the file: memory is bounded by a piece, not by the file.
// The decoding is done by another process (ParquetDecoders), so a damaged or hostile file costs a deadline at most, never this process.
import { Stream } from "effect"
import { SourceUnreadable } from "../../actors/Sources.ts"
import type { Json } from "../../domain/Json.ts"
import type { FromDecoder, Group, Rows } from "./ParquetDecoder.ts"
import type { Decoder, Decoders } from "./ParquetDecoders.ts"
import { type Batches, type Place, type RawItem, type Reader, streamBatches } from "./Reader.ts"
import { changed, openUnchanged, type SourceFile } from "./SourceFile.ts"

/** One question to the decoder: rows [`from`, `to`) of the file, in the piece [`start`, `end`) of row group `group` (from 0). */
export interface Slice {
  readonly group: number
  readonly start: number
  readonly end: number
  readonly from: number
  readonly to: number
}

/** The slices from row `offset` on, in order and without a gap. Pieces do not depend on where reading begins. */
export function* slicesOf(groups: ReadonlyArray<Group>, offset: number): Generator<Slice> {
  let groupStart = 0
  for (const [group, { pieceRows, rows, sliceRows }] of groups.entries()) {
    const groupEnd = groupStart + rows
    for (let start = groupStart; start < groupEnd; start += pieceRows) {
      const end = Math.min(groupEnd, start + pieceRows)
      for (let from = Math.max(start, offset); from < end; from += sliceRows) {
        yield { group, start, end, from, to: Math.min(end, from + sliceRows) }
      }
    }
    groupStart = groupEnd
  }
}

const unreadable = (file: SourceFile, where: string, answer: FromDecoder) => {
  const said = answer._tag === "Failed" ? answer.detail : `its decoder answered ${answer._tag}`
  const detail = `${where}: ${said.endsWith(".") ? said.slice(0, -1) : said}; ` +
    "the file is damaged or needs more than that: write it again (with smaller row groups), or leave it out"
  return new SourceUnreadable({ location: file.path, reason: "unreadable", detail })
}

/** The rows [`from`, `to`) of the file. */
const itemsOf = ({ columns, faults }: Rows, from: number, to: number): ReadonlyArray<RawItem> =>
  Array.from({ length: to - from }, (_, index): RawItem => {
    const line = from + index + 1
    const bad = faults.get(index)
    if (bad !== undefined) {
      return { line, offset: line, tag: "InvalidUtf8", message: `The value of \`${bad}\` is not valid UTF-8.` }
    }
    const members: Array<[string, Json]> = []
    for (const { name, values } of columns) {
      const value = values[index]
      if (value !== undefined) members.push([name, value])
    }
    return { line, offset: line, value: Object.fromEntries(members) }
  })

async function* readWith(decoder: Decoder, file: SourceFile, offset: number): Batches {
  const opened = await decoder.ask({ _tag: "Open", path: file.path, bytes: file.bytes })
  if (opened._tag !== "Opened") throw unreadable(file, "its footer", opened)
  const { groups } = opened
  const rows = groups.reduce((sum, group) => sum + group.rows, 0)
  if (offset > rows) throw changed(file, `it has only ${rows} rows, fewer than were read`)
  const slices = slicesOf(groups, offset)
  const ask = () => {
    const { done, value: slice } = slices.next()
    if (done === true) return undefined
    const { end, from, start, to } = slice
    return { slice, answer: decoder.ask({ _tag: "Read", start, end, from, to }) }
  }
  let ahead = ask()
  for (let first = true; ahead !== undefined; first = false) {
    const { from, group, to } = ahead.slice
    const answer = await ahead.answer
    if (answer._tag !== "Rows") {
      throw unreadable(file, `row group ${group + 1} of ${groups.length}, at row ${from + 1}`, answer)
    }
    // While these rows are worked on, the next ones are decoded; but often the first ones are all that is wanted.
    const next = first ? undefined : ask()
    yield itemsOf(answer, from, to)
    ahead = next ?? ask()
  }
}

async function* readRows(file: SourceFile, from: Place, decoders: Decoders, held: Set<Decoder>): Batches {
  await (await openUnchanged(file)).close()
  const decoder = decoders.take()
  held.add(decoder)
  try {
    yield* readWith(decoder, file, from.offset)
  } finally {
    held.delete(decoder)
    await decoders.give(decoder)
  }
}

/** `offset` counts rows of the file; row groups before it are not read. */
export const parquetReader = (file: SourceFile, decoders: Decoders): Reader => ({
  read: (from) =>
    Stream.suspend(() => {
      const held = new Set<Decoder>()
      const endBusy = () => held.forEach((decoder) => decoder.free() || void decoder.end())
      return streamBatches(file.path, () => readRows(file, from, decoders, held), endBusy)
    })
})
