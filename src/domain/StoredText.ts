// Text as the databases keep it. PostgreSQL refuses U+0000, and UTF-8 has no place for half a surrogate pair: both
// would be refused or silently replaced. They are escaped on the way in and restored on the way out, so every string
// comes back as it was.

const escape = "\u0001"
const needsEscape = /[\u0000\u0001]/
const escapable = /[\u0000\u0001]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g
const escaped = /\u0001([0-9a-f]{4})/g

/** U+0000, U+0001 and lone surrogates become U+0001 and four hex digits; ordinary text is returned as it is. */
export const escapeText = (text: string): string =>
  text.isWellFormed() && !needsEscape.test(text)
    ? text
    : text.replace(escapable, (unit) => escape + unit.charCodeAt(0).toString(16).padStart(4, "0"))

/** The inverse of `escapeText`. */
export const unescapeText = (text: string): string =>
  text.includes(escape) ? text.replace(escaped, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))) : text

const isSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff

/**
 * Order of the UTF-8 bytes of two well-formed strings: what `COLLATE "C"` and SQLite's BINARY do. Negative: `a` comes
 * first.
 */
export const compareText = (a: string, b: string): number => {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    // Surrogates stand for U+10000 and up, so they come after every other unit.
    return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1
  }
  return a.length - b.length
}
