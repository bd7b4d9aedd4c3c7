// Differences of JSON values as JSON Patch (RFC 6902) with the operations add, remove and replace: what a watcher gets in place of a
// whole state. `applyPatch(a, diff(a, b))` is `b`, whatever `a` and `b` are.
import { isJsonObject, type Json, type JsonObject } from "./Json.ts"

export type PatchOperation =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: Json }
  | { readonly op: "remove"; readonly path: string }
export type Patch = ReadonlyArray<PatchOperation>

/** Nested deeper than this is replaced as a whole. */
const maxDepth = 64

/** Operations that make `b` of `a`, in the order in which they are to be applied; none if they are equal. */
export const diff = (a: Json, b: Json): Patch => {
  const patch: Array<PatchOperation> = []
  compare(a, b, "", 0, patch)
  return patch
}

const compare = (a: Json, b: Json, path: string, depth: number, patch: Array<PatchOperation>): void => {
  if (a === b) return
  if (depth < maxDepth && Array.isArray(a) && Array.isArray(b)) return compareArrays(a, b, path, depth, patch)
  if (depth < maxDepth && isJsonObject(a) && isJsonObject(b)) return compareObjects(a, b, path, depth, patch)
  patch.push({ op: "replace", path, value: b })
}

const compareObjects = (
  a: JsonObject,
  b: JsonObject,
  path: string,
  depth: number,
  patch: Array<PatchOperation>
): void => {
  for (const key of Object.keys(a)) {
    if (!Object.hasOwn(b, key)) patch.push({ op: "remove", path: `${path}/${escaped(key)}` })
  }
  for (const [key, value] of Object.entries(b)) {
    const inner = `${path}/${escaped(key)}`
    if (Object.hasOwn(a, key)) compare(a[key] as Json, value, inner, depth + 1, patch)
    else patch.push({ op: "add", path: inner, value })
  }
}

/** Place by place; what is longer at its end grows or is cut there. */
const compareArrays = (
  a: ReadonlyArray<Json>,
  b: ReadonlyArray<Json>,
  path: string,
  depth: number,
  patch: Array<PatchOperation>
): void => {
  const both = Math.min(a.length, b.length)
  for (let i = 0; i < both; i++) compare(a[i] as Json, b[i] as Json, `${path}/${i}`, depth + 1, patch)
  for (let i = a.length - 1; i >= both; i--) patch.push({ op: "remove", path: `${path}/${i}` })
  for (let i = both; i < b.length; i++) patch.push({ op: "add", path: `${path}/${i}`, value: b[i] as Json })
}

const escaped = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1")
const unescaped = (key: string): string => key.replaceAll("~1", "/").replaceAll("~0", "~")

/** The value after the operations; the one given stays as it is. @throws if an operation does not fit: then the value was another one. */
export const applyPatch = (value: Json, patch: Patch): Json => patch.reduce(applyOne, value)

const applyOne = (value: Json, operation: PatchOperation): Json => {
  if (operation.path === "") {
    if (operation.op === "remove") throw new Error("a patch cannot remove the whole value")
    return operation.value
  }
  const keys = operation.path.slice(1).split("/").map(unescaped)
  return at(value, keys, operation)
}

const at = (value: Json, keys: ReadonlyArray<string>, operation: PatchOperation): Json => {
  const [key = "", ...rest] = keys
  if (Array.isArray(value)) {
    const index = Number(key)
    const copy: Array<Json> = [...value]
    if (!Number.isInteger(index) || index < 0 || index > copy.length) throw unfit(operation)
    if (rest.length > 0) copy[index] = at(copy[index] as Json, rest, operation)
    else if (operation.op === "add") copy.splice(index, 0, operation.value)
    else if (index === copy.length) throw unfit(operation)
    else if (operation.op === "remove") copy.splice(index, 1)
    else copy[index] = operation.value
    return copy
  }
  if (!isJsonObject(value)) throw unfit(operation)
  // Entries, not assignment: a key such as __proto__ is data like any other.
  const entries = new Map(Object.entries(value))
  const inner = entries.get(key)
  if (rest.length > 0) {
    if (inner === undefined) throw unfit(operation)
    entries.set(key, at(inner, rest, operation))
  } else if (operation.op === "remove") {
    if (!entries.delete(key)) throw unfit(operation)
  } else entries.set(key, operation.value)
  return Object.fromEntries(entries)
}

const unfit = ({ op, path }: PatchOperation): Error => new Error(`the patch does not fit the value: ${op} ${path}`)
