// Numbered lists in plain text: "1.", "2)", "(3)", "#4", "Problem 5:". Finds the outermost list; lettered parts and
// lists inside of its items stay
// in their items.
import { maskFormulas } from "./Mathematics.ts"
import { pattern } from "./Pattern.ts"

export interface NumberedItem {
  readonly number: number
  /** Where the label begins, and where the item's own text begins. */
  readonly start: number
  readonly textStart: number
}

export interface NumberedList {
  /** `label`: "Problem 1:"; `parenthesis`: "(1)"; `plain`: the others. */
  readonly style: "label" | "parenthesis" | "plain"
  readonly items: ReadonlyArray<NumberedItem>
}

const labelled = pattern(
  "gim",
  String.raw`^[ \t>*-]{0,8}(?:problem|question|exercise|prob|ex|q)\.?[ \t]{0,4}(?:#|no\.?|n°|`,
  String.raw`number)?[ \t]{0,4}(\d{1,3})[ \t]{0,4}(?:[.:)\]\u2013-]+|\([^()\n]{0,60}\)[.:]?|(?=\n|$))[ \t]*`
)
/** At the start of a line, or after the end of a sentence and before a capital letter. */
const bare = pattern(
  "gm",
  String.raw`(?:^[ \t]{0,8}(?:(#)(\d{1,3})[.):]?[ \t]+|([([])?(\d{1,3})(\.\)|[)\]]|[.:/](?!\d))(?:[ \t]+|`,
  String.raw`(?=[A-Z\u00a4(])))|(?<=[.?!\u00a4][ \t]{1,4})(\()?(\d{1,2})([.)])[ \t]+(?=[A-Z\u00a4]))(?=\S)`
)

interface Marker extends NumberedItem {
  readonly style: string
}

/** Markers that count on by one, from any number; a 1 after that starts the count again. */
const counted = (markers: ReadonlyArray<Marker>): ReadonlyArray<Marker> => {
  const run: Array<Marker> = []
  for (const marker of markers) {
    const last = run.at(-1)?.number
    if (last === undefined || marker.number === last + 1 || (marker.number === 1 && last > 1)) run.push(marker)
  }
  return run
}

/** Every place where an item of some list may begin, in order. */
const markersOf = (text: string): ReadonlyArray<Marker> => {
  if (!/\d/.test(text)) return []
  const masked = maskFormulas(text)
  const markers: Array<Marker> = []
  for (const match of masked.matchAll(labelled)) {
    markers.push({
      style: "label",
      number: Number(match[1]),
      start: match.index,
      textStart: match.index + match[0].length
    })
  }
  for (const match of masked.matchAll(bare)) {
    const number = match[2] ?? match[4] ?? match[7] ?? ""
    const style = `${match[1] ?? match[3] ?? match[6] ?? ""}${match[5] ?? match[8] ?? ""}`
    markers.push({ style, number: Number(number), start: match.index, textStart: match.index + match[0].length })
  }
  return markers.sort((a, b) => a.start - b.start)
}

export const itemLabels = (text: string): ReadonlyArray<NumberedItem> => markersOf(text)

/**
 * The list of `text`; `undefined` where fewer than two numbers of one style follow each other. Labels win, then what
 * begins first.
 */
export const numberedList = (text: string): NumberedList | undefined => {
  const byStyle = Map.groupBy(markersOf(text), ({ style }) => style)
  const runs = [...byStyle].map(([style, markers]) => ({ style, items: counted(markers) })).filter(({ items }) =>
    items.length >= 2
  )
  const best = runs.find(({ style }) => style === "label") ?? runs[0]
  return best === undefined ? undefined : {
    style: best.style === "label" ? "label" : best.style.startsWith("(") ? "parenthesis" : "plain",
    items: best.items
  }
}
