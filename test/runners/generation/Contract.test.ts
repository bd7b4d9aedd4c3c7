// The contract of Generation over a real wire: a small server that streams, and one endpoint that does not.
import { Layer } from "effect"
import { afterEach } from "vitest"
import { CallLog } from "../../../src/actors/CallLog.ts"
import { Generation } from "../../../src/actors/Generation.ts"
import { layerLocal } from "../../../src/actors/Seats/Local.ts"
import { Spending } from "../../../src/actors/Spending.ts"
import { LlmConfig } from "../../../src/runners/Config.ts"
import { make } from "../../../src/runners/Generation.ts"
import type { ModelSpec } from "../../../src/runners/generation/ModelList.ts"
import { layer as clientLayer } from "../../../src/runners/openai/Client.ts"
import { generationContract, narrowModel, narrowPlaces, wideModel } from "../../actors/GenerationContract.ts"
import { type ContractServer, startContractServer } from "./ContractServer.ts"

const servers: Array<ContractServer> = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

const world = async (stream: boolean) => {
  const server = await startContractServer()
  servers.push(server)
  // Two names of one server's address would share its places.
  const model = (name: string, inFlight: number): ModelSpec => ({
    name,
    contextTokens: null,
    promptPrice: null,
    completionPrice: null,
    spendCapDollars: null,
    hedgeMillis: null,
    endpoints: [{ name, inFlight, weight: 1, wire: { url: server.url, model: name, api: "chat", stream } }]
  })
  return {
    layer: Layer.effect(Generation, make(LlmConfig.defaults, [model(wideModel, 64), model(narrowModel, narrowPlaces)]))
      .pipe(Layer.provide(Layer.mergeAll(clientLayer, layerLocal, Spending.layerMemory, CallLog.layerMemory()))),
    openCalls: server.openCalls
  }
}

generationContract("a server that streams", () => world(true))
generationContract("a server that does not stream", () => world(false))
