// Texts in pieces, which play the tokens: a word with the space before it, up to three digits, a run of spaces, or one mark.

const piece = / ?\p{L}{1,12}| ?\p{N}{1,3}|\s+|[^\s\p{L}\p{N}]/gu

/** Joined they are the text again. */
export const piecesOf = (text: string): ReadonlyArray<string> => text.match(piece) ?? []

/** Without holding them: a prompt may be long. */
export const countPieces = (text: string): number => {
  let count = 0
  piece.lastIndex = 0
  while (piece.test(text)) count++
  return count
}

const words = ["so", "then", "we", "add", "both", "sides", "and", "see", "that", "it", "holds", "again"]
/** As many pieces of talk. */
export const talk = (count: number): string =>
  Array.from({ length: count }, (_, at) => `${at === 0 ? "" : " "}${words[at % words.length]}`).join("")
