// Where a line of Python leaves the reader: in code, or inside of a string that goes on on the next line. Enough to tell a fence that closes a
// block of code from one that stands in a string; expressions inside of f-strings are read as part of the string.

/** The quote of the string that is open at the end of the line; null: none. `open`: the one that was open before it. */
export const openQuote = (line: string, open: string | null): string | null => {
  let quote = open
  let at = 0
  while (at < line.length) {
    const sign = line[at] ?? ""
    if (quote !== null) {
      if (sign === "\\") at += 2
      else if (line.startsWith(quote, at)) {
        at += quote.length
        quote = null
      } else at++
    } else if (sign === "#") return null
    else if (sign === "'" || sign === "\"") {
      quote = line.startsWith(sign.repeat(3), at) ? sign.repeat(3) : sign
      at += quote.length
    } else at++
  }
  // A plain string ends with its line, unless the line's end is escaped.
  return quote !== null && (quote.length === 3 || at > line.length) ? quote : null
}
