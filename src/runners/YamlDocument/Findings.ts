// What is wrong with a value that a person wrote: every mistake with the path to it, what was found, what would be right and,
// for a misspelt name, the name that was probably meant. Places in a file are added by the document that the value came from.
import { Result, Schema, SchemaAST, SchemaIssue } from "effect"

export type Path = ReadonlyArray<string | number>

/** A mistake that has not been given its place in the file yet. `at` says which side of the colon is wrong. */
export interface Finding {
  readonly path: Path
  readonly at: "key" | "value"
  readonly message: string
}

/** The value as `schema` decodes it, or everything that is wrong with it. `hidden`: findings never repeat the input (secrets). */
export const check = <A>(
  schema: Schema.Codec<A, any>,
  value: unknown,
  options: { readonly path: Path; readonly hidden?: boolean }
): Result.Result<A, ReadonlyArray<Finding>> =>
  Schema.decodeUnknownResult(schema, {
    errors: "all",
    onExcessProperty: "error",
    reportInput: options.hidden !== true
  })(value).pipe(Result.mapError((error) => findings(error.issue, options.path)))

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()
const shownCharacters = 400

const findings = (issue: SchemaIssue.Issue, path: Path): ReadonlyArray<Finding> => {
  switch (issue._tag) {
    case "Pointer":
      return findings(issue.issue, [
        ...path,
        ...issue.path.map((step) => (typeof step === "number" ? step : String(step)))
      ])
    case "Encoding":
      return findings(issue.issue, path)
    case "Composite":
      return issue.issues.flatMap((inner) => findings(inner, path))
    case "MissingKey":
      return [{ path, at: "key", message: "This key is missing" }]
    case "UnexpectedKey":
      return [{ path, at: "key", message: unknownName("key", String(path.at(-1) ?? ""), keysOf(issue.ast)) }]
    default:
      return formatIssue(issue).issues.map((found) => ({
        path: [...path, ...(found.path ?? []).map((step) => (typeof step === "number" ? step : String(step)))],
        at: "value",
        message: shorten(found.message) + meant(issue)
      }))
  }
}

const shorten = (
  message: string
) => (message.length > shownCharacters ? `${message.slice(0, shownCharacters)}…` : message)

const keysOf = (ast: SchemaAST.AST): ReadonlyArray<string> =>
  SchemaAST.isObjects(ast) ? ast.propertySignatures.map(({ name }) => String(name)) : []

/** `; did you mean "jsonl"?` for a text that is nearly one of the words allowed. */
const meant = (issue: SchemaIssue.Issue): string => {
  if (issue._tag !== "AnyOf" || typeof issue.input !== "string") return ""
  const words = issue.ast.types.flatMap((type) =>
    SchemaAST.isLiteral(type) && typeof type.literal === "string" ? [type.literal] : []
  )
  const near = nearest(issue.input, words)
  return near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`
}

/** What to say about a name that is not among those known. */
export const unknownName = (what: string, name: string, known: ReadonlyArray<string>): string => {
  const near = nearest(name, known)
  if (near !== undefined) return `There is no ${what} "${name}"; did you mean "${near}"?`
  return known.length === 0
    ? `There is no ${what} "${name}" here`
    : `There is no ${what} "${name}"; there is ${known.join(", ")}`
}

/** The known name with the smallest edit distance to `name`, if no more than a third of its letters (at least 1) differ. */
export const nearest = (name: string, known: ReadonlyArray<string>): string | undefined => {
  let best: string | undefined
  let least = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return best
}

/**
 * Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours that make `b` of `a`.
 * Texts longer than 100 UTF-16 units count as entirely different.
 */
export const editDistance = (a: string, b: string): number => {
  if (a.length > 100 || b.length > 100) return Math.max(a.length, b.length)
  let twoAbove: Array<number> = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let distance = Math.min(
        at(above, column) + 1,
        at(current, column - 1) + 1,
        at(above, column - 1) + (same ? 0 : 1)
      )
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        distance = Math.min(distance, at(twoAbove, column - 2) + 1)
      }
      current.push(distance)
    }
    twoAbove = above
    above = current
  }
  return at(above, b.length)
}

/** Inside the table of distances every index read was written before. */
const at = (row: ReadonlyArray<number>, column: number): number => row[column] ?? 0
