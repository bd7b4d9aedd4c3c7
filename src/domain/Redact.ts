// Addresses may hold a user's password: what is shown to people has a word in its place.
import { isJsonObject, type Json } from "./Json.ts"

/** Up to the last @ before the path: a password may hold one. Begins at the colon, so that its work grows with the text and no faster. */
const credentials = /(?<=[a-z0-9+.-]):\/\/[^/\s]*@/gi
const word = "<redacted>"

/** A text with the credentials of all addresses in it replaced. */
export const redactText = (text: string): string => text.replaceAll(credentials, `://${word}@`)

/** A JSON value with `redactText` on every text. */
export const redactAddresses = (value: Json): Json => {
  if (typeof value === "string") return value.includes("://") ? redactText(value) : value
  if (Array.isArray(value)) return value.map(redactAddresses)
  if (isJsonObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redactAddresses(inner)]))
  }
  return value
}

/** Whether somebody gave back what was shown to him. */
export const hasRedacted = (value: Json): boolean => JSON.stringify(value).includes(`://${word}@`)
