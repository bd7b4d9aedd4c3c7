// JSON as a value: the shape of everything that enters, is stored and leaves.
// `canonical` gives equal values equal text, which is what hashes and same-bytes outputs stand on.

export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

export type JsonObject = { readonly [key: string]: Json }

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** JSON text with object keys sorted by code unit; no spaces. Total on `Json`; `undefined` members are left out. */
export const canonical = (value: Json): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (!isJsonObject(value)) return JSON.stringify(value)
  const members: Array<string> = []
  for (const key of Object.keys(value).sort()) {
    const member = value[key]
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonical(member)}`)
  }
  return `{${members.join(",")}}`
}

/** Nesting that a value from outside may have: what is deeper would take the stack of whoever walks through it. */
export const maxDepth = 64

/** Whether a value is nested deeper than that. It keeps a list of its own, so no depth is too deep for it. */
export const isTooDeep = (value: unknown, most = maxDepth): boolean => {
  let level: Array<object> = typeof value === "object" && value !== null ? [value] : []
  for (let depth = 0; level.length > 0; depth++) {
    if (depth >= most) return true
    const next: Array<object> = []
    for (const one of level) {
      for (const member of Object.values(one)) if (typeof member === "object" && member !== null) next.push(member)
    }
    level = next
  }
  return false
}
