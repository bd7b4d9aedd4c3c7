// Whether the language models of the configuration can be asked: each endpoint is asked for its models, none for an answer.
import { Effect, Redacted, Result } from "effect"
import type { AreaValues } from "../Config.ts"
import type { Probe } from "../Doctor.ts"
import { type EndpointSpec, loadModels, nameOf } from "../generation/ModelList.ts"
import { Absent, Broken, languageModel } from "./Probes.ts"

type Options = AreaValues<"llm">

/** Endpoints that are looked at; a file may name more. */
const endpointsMaximum = 16

const asked = ({ name, wire: { key, model } }: Pick<EndpointSpec, "name" | "wire">) =>
  languageModel(`${name}/v1`, key === undefined ? undefined : Redacted.value(key), model)

const look = (options: Options) =>
  Effect.gen(function*() {
    const { apiKey, baseUrl, model } = options
    const specs = yield* Effect.mapError(loadModels(options), ({ message }) => new Broken({ found: message }))
    const endpoints = specs.flatMap((spec) => spec.endpoints)
    if (endpoints.length === 0 && baseUrl === "") {
      return yield* new Absent({ found: "POLYA_LLM_BASE_URL is not set, and llm.models names no model" })
    }
    const results = yield* Effect.forEach(
      endpoints.slice(0, endpointsMaximum),
      (endpoint) => Effect.result(asked(endpoint)),
      { concurrency: "unbounded" }
    )
    const unnamed = baseUrl !== "" && model === ""
    if (unnamed) {
      const key = apiKey === undefined ? undefined : Redacted.value(apiKey)
      const served = yield* Effect.result(languageModel(`${nameOf(baseUrl)}/v1`, key, undefined))
      results.push(
        Result.isFailure(served)
          ? served
          : Result.fail(new Broken({ found: `${served.success}: set POLYA_LLM_MODEL to one of them` }))
      )
    }
    const lines = results.map((result) => Result.isSuccess(result) ? result.success : result.failure.found)
    if (endpoints.length > endpointsMaximum) lines.push(`${endpoints.length - endpointsMaximum} more are not looked at`)
    const found = [...new Set(lines)].join("\n")
    return results.every(Result.isSuccess) ? found : yield* new Broken({ found })
  })

/** `options`: those of the configuration, or the defaults where it has mistakes. */
export const modelProbe = (options: Options): Probe => {
  const isWanted = options.baseUrl !== "" || options.models !== ""
  return {
    name: "language model",
    adds: "Stages and solvers that ask a model.",
    fix: isWanted
      ? "Check that the server runs, and POLYA_LLM_BASE_URL, POLYA_LLM_API_KEY and POLYA_LLM_MODEL, or the file of llm.models (docs/models.md)."
      : "Set POLYA_LLM_BASE_URL (and POLYA_LLM_API_KEY, POLYA_LLM_MODEL) to an OpenAI-compatible server, or llm.models to a file (docs/models.md).",
    required: isWanted,
    look: look(options)
  }
}
