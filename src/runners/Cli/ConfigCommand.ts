// `polya config`: every setting, its value, and where it came from.
import { Effect, Option } from "effect"
import { describeConfig } from "../Config.ts"
import { ConfigPlaces } from "../Config/Settings.ts"
import { misusedBy } from "./Failure.ts"
import { printLine } from "./Say.ts"

export const configCommand = Effect.fn("Cli.config")(
  function*(flags: { readonly config: Option.Option<string>; readonly json: boolean }) {
    const places = { environment: process.env, directory: process.cwd(), file: Option.getOrUndefined(flags.config) }
    const settings = yield* Effect.mapError(
      Effect.provideService(describeConfig(), ConfigPlaces, places),
      misusedBy
    )
    if (flags.json) return yield* Effect.forEach(settings, printLine, { discard: true })
    const lines = settings.flatMap(({ doc, key, origin, unit, value }) => [
      `${key} = ${value === "" ? "(none)" : value}${unit === "" ? "" : ` ${unit}`}   [${origin}]`,
      `    ${doc}`
    ])
    yield* Effect.sync(() => process.stdout.write(`${lines.join("\n")}\n`))
  }
)
