// The replies to a forum post: one text with numbered headings ("Post 1:" alone on a line), or a list already cut.
import type { Json } from "../Json.ts"

/**
 * Replies in order. A heading counts only where it stands alone on its line and carries the next number, from 1;
 * "Post 2:" inside
 * a sentence is text. A text that does not begin with "Post 1:" is one reply; blank replies are left out.
 */
export const splitReplies = (discussions: Json | undefined): ReadonlyArray<string> => {
  if (Array.isArray(discussions)) {
    return discussions.filter((reply): reply is string => typeof reply === "string" && reply.trim() !== "")
  }
  if (typeof discussions !== "string") return []
  const replies: Array<string> = []
  let from = 0
  let number = 0
  for (const heading of discussions.matchAll(/^[ \t]*Post (\d{1,9}):[ \t]*\r?(?:\n|$)/gm)) {
    if (Number(heading[1]) !== number + 1) continue
    if (number > 0) replies.push(discussions.slice(from, heading.index))
    else if (discussions.slice(0, heading.index).trim() !== "") break
    number++
    from = heading.index + heading[0].length
  }
  replies.push(discussions.slice(from))
  return replies.map((reply) => reply.trim()).filter((reply) => reply !== "")
}

/** The inverse of `splitReplies`, as the field's public data sets write it. */
export const joinReplies = (replies: ReadonlyArray<string>): string =>
  replies.map((reply, index) => `Post ${index + 1}:\n${reply}`).join("\n\n")

/**
 * Tokens of a text, estimated without a tokenizer's files and meant to err upwards on mathematics: a run of ASCII
 * letters counts one for every four
 * begun, every digit, sign and other character one, blanks none.
 */
export const estimateTokens = (text: string): number => {
  let tokens = 0
  let run = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at) | 32
    if (code >= 97 && code <= 122 && text.charCodeAt(at) < 128) {
      if (run++ % 4 === 0) tokens++
    } else {
      run = 0
      if (text.charCodeAt(at) > 32) tokens++
    }
  }
  return tokens
}

/**
 * The longest run of first replies, whole, whose estimated tokens sum up to at most `maxTokens`; none where the
 * first is longer.
 */
export const cutReplies = (replies: ReadonlyArray<string>, maxTokens = 24_000): ReadonlyArray<string> => {
  let tokens = 0
  const end = replies.findIndex((reply) => (tokens += estimateTokens(reply)) > maxTokens)
  return end < 0 ? replies : replies.slice(0, end)
}
