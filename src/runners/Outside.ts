// What a process needs to take commands from outside: the gateway to its actors, the intake of runs, and recipes. Callers may read what
// they uploaded and the program's own demo input, and no other file of the machine.
import { Layer } from "effect"
import { join, resolve, sep } from "node:path"
import { Gateway } from "../actors/Gateway.ts"
import { Intake, SourceAllowed } from "../actors/Intake.ts"
import { recipesLayer } from "./RecipeFile.ts"

const demoFolder = join(resolve(import.meta.dirname, "..", ".."), "demo") + sep

/** An address is no path, whatever its parts look like: `postgres://host/db?x=/../..` leads to a host. */
const isAddress = /^[a-z][a-z0-9+.-]*:/i

export const mayRead = (location: string): boolean =>
  !isAddress.test(location) && resolve(location).startsWith(demoFolder)

const allowed = Layer.succeed(SourceAllowed, mayRead)

export const layer = Layer.mergeAll(
  Gateway.layer,
  Intake.layer.pipe(Layer.provide(allowed), Layer.provideMerge(recipesLayer))
)
