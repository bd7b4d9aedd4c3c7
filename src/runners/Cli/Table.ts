// Rows of texts as columns, each as wide as its widest. Texts of servers and models may be in them: what moves a terminal's cursor or changes
// its colours is taken out.

/** One line without control characters, of at most `most` characters. */
export const plain = (text: string, most = 200): string => {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ")
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`
}

export const columns = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const lines = rows.map((row) => row.map((cell) => plain(cell)))
  const widths = (lines[0] ?? []).map((_, at) => Math.max(...lines.map((row) => (row[at] ?? "").length)))
  return lines.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ").trimEnd())
}
