// `polya models`: the models that can be asked, their endpoints, prices and cost; of a running cluster, or as this configuration names them.
import { Effect, Layer, Option } from "effect"
import { CallLog } from "../../actors/CallLog.ts"
import { Generation, type ModelFacts } from "../../actors/Generation.ts"
import { layerLocal } from "../../actors/Seats/Local.ts"
import { Spending } from "../../actors/Spending.ts"
import { LlmConfig } from "../Config.ts"
import { ConfigPlaces } from "../Config/Settings.ts"
import * as GenerationOfSettings from "../Generation.ts"
import * as LiveSettings from "../LiveSettings.ts"
import * as WireClient from "../openai/Client.ts"
import { misusedBy } from "./Failure.ts"
import { count, printLine } from "./Say.ts"
import { columns } from "./Table.ts"

export interface ModelsFlags {
  readonly url: Option.Option<string>
  readonly config: Option.Option<string>
  readonly json: boolean
}

/** What the configuration of this process names; nothing is asked of any endpoint. */
const configured = (config: Option.Option<string>) => {
  const places = { environment: process.env, directory: process.cwd(), file: Option.getOrUndefined(config) }
  const generation = Layer.unwrap(Effect.map(LlmConfig, (settings) => GenerationOfSettings.layer(settings))).pipe(
    Layer.provide([WireClient.layer, layerLocal, Spending.layerMemory, CallLog.layerMemory(1)]),
    Layer.provide(LiveSettings.layer),
    Layer.provide(Layer.succeed(ConfigPlaces, places))
  )
  return Effect.flatMap(Generation, ({ models }) => models).pipe(Effect.provide(generation), Effect.mapError(misusedBy))
}

const dollars = (value: number): string => `$${value < 0.01 && value > 0 ? value.toPrecision(2) : value.toFixed(2)}`
const price = (value: number | null): string => (value === null ? "-" : dollars(value))

export const modelsCommand = Effect.fn("Cli.models")(function*(flags: ModelsFlags) {
  const isOfCluster = Option.isSome(flags.url)
  const models: ReadonlyArray<ModelFacts> = isOfCluster
    ? yield* Effect.gen(function*() {
      const { remote } = yield* Effect.promise(() => import("./Remote.ts"))
      return (yield* (yield* remote(flags.url)).get("/api/models")).items
    })
    : yield* configured(flags.config)
  if (flags.json) {
    for (const model of models) yield* printLine(model)
    return
  }
  const lines = models.length === 0
    ? [
      "no models",
      "Set POLYA_LLM_BASE_URL and POLYA_LLM_MODEL, or list them in a file and name it with POLYA_LLM_MODELS."
    ]
    : columns([
      ["MODEL", "CONTEXT", "IN $/M", "OUT $/M", "SPENT", "CAP", "ENDPOINT", "HEALTH", "IN FLIGHT", "WAITING", "ERROR"],
      ...models.flatMap((model) =>
        (model.endpoints.length === 0 ? [undefined] : model.endpoints).map((endpoint, at) => [
          ...at > 0 ? ["", "", "", "", "", ""] : [
            model.name,
            model.contextTokens === null ? "-" : count(model.contextTokens),
            price(model.promptPrice),
            price(model.completionPrice),
            // The sum is the cluster's; a configuration alone does not know it.
            isOfCluster ? dollars(model.spentMicroDollars / 1e6) : "-",
            price(model.spendCapDollars)
          ],
          ...endpoint === undefined ? ["-", "", "", "", ""] : [
            endpoint.name,
            endpoint.health,
            `${count(endpoint.inFlight)} of ${count(endpoint.inFlightLimit)}`,
            count(endpoint.waiting),
            endpoint.lastError ?? ""
          ]
        ])
      )
    ])
  yield* Effect.sync(() => void process.stdout.write(`${lines.join("\n")}\n`))
})
