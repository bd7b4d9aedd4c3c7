// Starts dataset runs from outside: a recipe, sources that may be read from outside, benchmark texts kept with the run, and one Start
// command. The same command id starts the same run once.
import { Clock, Context, Effect, Layer, Schema } from "effect"
import type { Sharding } from "effect/cluster"
import type { By } from "../domain/Commit.ts"
import type { RunTaken } from "../domain/DatasetRun.ts"
import { digest } from "../domain/Ids.ts"
import { canonical, type Json } from "../domain/Json.ts"
import type { Limits } from "../domain/Recipe.ts"
import type { ActorStore, StoreFailed } from "./ActorStore.ts"
import type { ActorUnavailable, KeyReused } from "./Committer.ts"
import { DatasetRunActor, wake } from "./DatasetRunActor.ts"
import type { FileUnknown } from "./Files.ts"
import { type ResourcesTooLarge, storeResources } from "./Plans.ts"
import { type RecipeChoices, type RecipeRefused, Recipes, type WrittenRecipe } from "./Recipes.ts"
import { Sources, type SourceUnreadable } from "./Sources.ts"

/** A source names something that callers from outside may not read: only what was uploaded, and what lies in an allowed folder. */
export class SourceForbidden extends Schema.TaggedError<SourceForbidden>()("SourceForbidden", {
  location: Schema.String
}) {
  override get message() {
    return `The source ${
      this.location.replace(/:\/\/[^/]*@/, "://")
    } may not be read from here: upload the file and name it as upload:ID`
  }
}

/** Says whether callers from outside may read what lies at a location, uploads aside. By default they may read nothing else. */
export const SourceAllowed = Context.Reference<(location: string) => boolean>("polya/SourceAllowed", {
  defaultValue: () => () => false
})

export interface StartRun {
  readonly recipe: WrittenRecipe
  readonly choices: RecipeChoices
  readonly limits?: Partial<Limits>
  /** 1 to 100 letters, digits, `_` and `-`; made from the recipe's name and the command id if not given. */
  readonly id?: string | undefined
  readonly by: By
  readonly commandId: string
}

export class Intake extends Context.Service<Intake, {
  readonly startRun: (request: StartRun) => Effect.Effect<
    { readonly id: string },
    | RecipeRefused
    | SourceForbidden
    | SourceUnreadable
    | ResourcesTooLarge
    | RunTaken
    | KeyReused
    | FileUnknown
    | StoreFailed
    | ActorUnavailable
  >
}>()("polya/Intake") {
  static readonly layer: Layer.Layer<Intake, never, ActorStore | Recipes | Sources | Sharding.Sharding> = Layer.effect(
    Intake,
    Effect.suspend(() => make())
  )
}

const make = Effect.fnUntraced(function*() {
  const recipes = yield* Recipes
  const sources = yield* Sources
  const services = yield* Effect.context<ActorStore | Sharding.Sharding>()
  const clientOf = yield* DatasetRunActor.client
  const isAllowed = yield* SourceAllowed

  return Intake.of({
    startRun: Effect.fn("Intake.startRun")(function*(request) {
      const read = yield* recipes.read(request.recipe, request.choices)
      const recipe = { ...read, limits: { ...read.limits, ...request.limits } }
      for (const location of [...recipe.sources.map((one) => one.location), ...recipe.against]) {
        if (!location.startsWith("upload:") && !isAllowed(location)) return yield* new SourceForbidden({ location })
      }
      const { fingerprint } = yield* sources.open(recipe.sources)
      const texts = yield* sources.benchmarks(recipe.against)
      const resources = yield* Effect.provideContext(storeResources(texts), services)
      const id = request.id ??
        `${recipe.name.replaceAll(/[^A-Za-z0-9_-]/g, "-").slice(0, 40)}-${digest([request.commandId], 16)}`
      const atMillis = yield* Clock.currentTimeMillis
      yield* clientOf(id).send("Start", { recipe, fingerprint, resources, out: "", atMillis }, {
        // As the Gateway names those of its commands: a caller's id holds for one command.
        commandId: `Start:${request.commandId}`,
        asked: digest([canonical(recipe as unknown as Json), fingerprint, resources], 16),
        by: request.by
      })
      yield* Effect.provideContext(wake(id), services).pipe(Effect.ignore, Effect.forkDetach)
      return { id }
    }) as Intake["Service"]["startRun"]
  })
})
