// Values of databases and Parquet as JSON: whole numbers beyond 2^53 as text, dates in ISO 8601, bytes in Base64, no NaN.
import type { Json, JsonObject } from "../../domain/Json.ts"

const base64 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")

/** Null for numbers and dates without a value in JSON (NaN, infinities, invalid dates); undefined for undefined, functions, symbols. */
export const jsonOf = (value: unknown): Json | undefined => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value
    case "number":
      return Number.isFinite(value) ? value : null
    case "bigint":
      return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value)
    case "object":
      if (value === null) return null
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
      if (value instanceof Uint8Array) return base64(value)
      if (Array.isArray(value)) return value.map((item) => jsonOf(item) ?? null)
      if (ArrayBuffer.isView(value)) {
        return Array.from(value as unknown as Iterable<unknown>, (item) => jsonOf(item) ?? null)
      }
      return jsonObjectOf(value)
    default:
      return undefined
  }
}

/** An object's own members; undefined ones are left out. */
export const jsonObjectOf = (value: object): JsonObject => {
  const members: Array<[string, Json]> = []
  for (const [key, member] of Object.entries(value)) {
    const json = jsonOf(member)
    if (json !== undefined) members.push([key, json])
  }
  return Object.fromEntries(members)
}
