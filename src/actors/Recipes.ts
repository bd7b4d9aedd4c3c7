// The port to recipes as people write them: YAML by name or as text in, a checked recipe out, or every mistake with its place.
import { Context, type Effect, Schema } from "effect"
import type { Recipe } from "../domain/Recipe.ts"
import type { SourceSpec } from "../domain/Source.ts"

/** The recipe cannot be used; `message` has one mistake a line, as `line:column path: what would be right`. */
export class RecipeRefused extends Schema.TaggedError<RecipeRefused>()("RecipeRefused", {
  problems: Schema.Array(Schema.Struct({
    path: Schema.String,
    line: Schema.Int,
    column: Schema.Int,
    message: Schema.String
  }))
}) {
  override get message() {
    return this.problems.map(({ column, line, message, path }) =>
      `${line}:${column} ${path === "" ? "" : `${path}: `}${message}`
    ).join("\n")
  }
}

/** What the command line or a caller says over the recipe; it wins. Paths of a command line are relative to its working directory. */
export interface RecipeChoices {
  readonly mode?: string | undefined
  readonly stages?: ReadonlyArray<string> | undefined
  readonly sources?: ReadonlyArray<SourceSpec> | undefined
  readonly against?: ReadonlyArray<string> | undefined
  readonly limitRows?: number | undefined
  readonly seed?: number | undefined
}

export type WrittenRecipe =
  /** One of the recipes that come with the program. */
  | { readonly name: string }
  /** A recipe's text; names of files in it are not files of this machine. */
  | { readonly yaml: string }

export class Recipes extends Context.Service<Recipes, {
  readonly read: (written: WrittenRecipe, choices: RecipeChoices) => Effect.Effect<Recipe, RecipeRefused>
  /** Names of the recipes that come with the program. */
  readonly names: Effect.Effect<ReadonlyArray<string>>
}>()("polya/Recipes") {}
