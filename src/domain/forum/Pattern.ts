// Long regular expressions in readable pieces: word lists that do not fit on one line.

/** The expression that the pieces make when joined. Pieces are raw text: write them with `String.raw`. */
export const pattern = (flags: string, ...pieces: ReadonlyArray<string>): RegExp => new RegExp(pieces.join(""), flags)
