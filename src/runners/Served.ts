// The HTTP side of `polya serve`: the API of src/http over what the App provides.
import { Layer } from "effect"
import * as Http from "../http/Http.ts"
import * as Health from "./Health.ts"
import * as Metrics from "./Metrics.ts"
import * as Outside from "./Outside.ts"

export interface ServedOptions extends Health.HealthOptions {
  readonly host: string
  readonly port: number
}

export const layer = (options: ServedOptions) =>
  Http.layer(options).pipe(Layer.provide([Outside.layer, Health.layer(options), Metrics.layer]))
