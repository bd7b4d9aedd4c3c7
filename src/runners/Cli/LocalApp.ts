// A Polya of this process alone, for as long as a command works: over the folder that `--data` names, else over one of its own that goes with it.
import { type Context, Effect, Layer, Option, type Scope } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import * as App from "../App.ts"
import * as Config from "../Config.ts"
import { ConfigPlaces } from "../Config/Settings.ts"
import * as LiveSettings from "../LiveSettings.ts"
import * as Telemetry from "../Telemetry.ts"
import { CommandFailed, misusedBy, workFailed } from "./Failure.ts"

export interface LocalFlags {
  readonly data: Option.Option<string>
  readonly config: Option.Option<string>
}

/** An error of the program: it says itself what happened and what to do. */
interface Told {
  readonly _tag: string
  readonly message: string
}

const temporary: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "polya-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

/** Does `work` with everything that a process has; errors that say themselves what to do are told as they are. */
export const inLocalApp = <A, E, R>(
  name: string,
  flags: LocalFlags,
  work: Effect.Effect<A, E, R>
): Effect.Effect<A, CommandFailed> => {
  const places = Layer.succeed(ConfigPlaces, {
    environment: process.env,
    directory: process.cwd(),
    file: Option.getOrUndefined(flags.config)
  })
  return Effect.scoped(Effect.gen(function*() {
    const dataDir = Option.isSome(flags.data) ? resolve(flags.data.value) : yield* temporary
    // A run that others have left in the folder is not this command's.
    const app = App.layer({ dataDir, supervise: false }).pipe(
      Layer.provideMerge(LiveSettings.layer),
      Layer.provideMerge(places)
    )
    const context = yield* Effect.mapError(Layer.build(app), (error: Told) => misusedBy(error))
    return yield* Effect.mapError(
      Effect.provideContext(work, context as Context.Context<any>),
      (error) => {
        if (error instanceof CommandFailed) return error
        const { _tag, message } = error as Told
        return workFailed(message, "", _tag)
      }
    )
  })).pipe(
    Telemetry.within({ process: name, stays: false }),
    Effect.provide(Layer.mergeAll(Config.StoreConfig.layerFromEnv, Config.TelemetryConfig.layerFromEnv)),
    Effect.provide(places),
    Effect.mapError((error) => (error instanceof CommandFailed ? error : misusedBy(error as Told)))
  ) as Effect.Effect<A, CommandFailed>
}
