// The wire client of OpenAI-compatible servers: one HTTP request over a connection that is kept, its answer read as it comes. Every wait, body
// and line is bounded; certificates are verified and no redirect is followed. Interruption ends the request and its socket at once.
import { Context, type Effect } from "effect"
import type { WireDeadlines, WireEndpoint, WireFailure, WireOutput, WirePart, WireRequest } from "./Wire.ts"

export class WireClient extends Context.Service<WireClient, {
  /** `onPart` is called as parts come (streaming endpoints); it must be quick and not throw. */
  readonly call: (
    endpoint: WireEndpoint,
    request: WireRequest,
    deadlines: WireDeadlines,
    onPart?: (part: WirePart) => void
  ) => Effect.Effect<WireOutput, WireFailure>
}>()("polya/WireClient") {}
