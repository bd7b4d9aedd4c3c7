// The models of the tests keep the contract of the real ones.
import { Effect } from "effect"
import { RequestRefused } from "../../src/domain/Generation/Errors.ts"
import { contractAnswer, generationContract, narrowModel, narrowPlaces, wideModel } from "./GenerationContract.ts"
import { makeScripted, promptText, says } from "./ScriptedGeneration.ts"

generationContract("a script", async () => {
  const { layer, running } = makeScripted((request, _sample, seed) => {
    const answer = contractAnswer(promptText(request.prompt), seed)
    if (answer._tag === "Says") return says(answer.text, { reasoning: answer.reasoning })
    const { model } = request
    return answer._tag === "Waits"
      ? Effect.never
      : Effect.fail(new RequestRefused({ model, status: 400, detail: "no" }))
  }, { models: [wideModel, narrowModel], inFlight: { [wideModel]: 64, [narrowModel]: narrowPlaces } })
  return { layer, openCalls: running }
})
