// The list of stages of a recipe: names found in the registry, parameters checked and filled up with their defaults, and the
// laws of order that no single stage can check for itself.
import { Result, Schema } from "effect"
import { isJsonObject, type Json, type JsonObject } from "../../domain/Json.ts"
import type { RecipeStage } from "../../domain/Recipe.ts"
import type { Stage } from "../../domain/Stage.ts"
import { member } from "../YamlDocument.ts"
import { check, type Finding, type Path, unknownName } from "../YamlDocument/Findings.ts"

interface Placed {
  readonly path: Path
  readonly stage: Stage
  readonly params: JsonObject
  /** The parameters as written, without defaults. */
  readonly written: Json | undefined
}

/** The stages of one list with all their parameters. What is wrong goes to `findings`; the result then has gaps. */
export const readStages = (
  list: ReadonlyArray<Json>,
  path: Path,
  registry: ReadonlyMap<string, Stage>,
  findings: Array<Finding>
): ReadonlyArray<RecipeStage> => {
  const placed: Array<Placed> = []
  for (const [index, item] of list.entries()) {
    const here = [...path, index]
    const entries = typeof item === "string" ? [[item, null] as const] : isJsonObject(item) ? Object.entries(item) : []
    const [entry] = entries
    if (entry === undefined || entries.length > 1) {
      findings.push({
        path: here,
        at: "value",
        message: "Expected the name of a stage, or one name with its parameters: `- quality: { minChars: 20 }`"
      })
      continue
    }
    const [stageName, written] = entry
    const stage = registry.get(stageName)
    if (stage === undefined) {
      findings.push({ path: here, at: "value", message: unknownName("stage", stageName, [...registry.keys()]) })
      continue
    }
    const params = check(stage.params, written ?? {}, { path: [...here, stageName] })
    if (Result.isFailure(params)) findings.push(...params.failure)
    placed.push({
      path: [...here, stageName],
      stage,
      written: written ?? undefined,
      // A stage writes its parameters as JSON; that they encode again is the stage's own promise.
      params: Result.isFailure(params) ? {} : Schema.encodeUnknownSync(stage.params)(params.success) as JsonObject
    })
  }
  findings.push(...orderFindings(placed), ...splitFindings(placed))
  return placed.map(({ params, stage }) => ({ name: stage.name, params }))
}

/** Laws of the order: no stage twice, none that derives rows after one that closes over a whole run, the split last. */
const orderFindings = (placed: ReadonlyArray<Placed>): ReadonlyArray<Finding> =>
  placed.flatMap(({ path, stage }, index): ReadonlyArray<Finding> => {
    const before = placed.slice(0, index)
    const findings: Array<Finding> = []
    if (before.some((other) => other.stage.name === stage.name)) {
      findings.push({ path, at: "key", message: `The stage "${stage.name}" is here twice: keep one of them` })
    }
    const barrier = before.find((other) => other.stage.kind === "set")
    if (stage.kind === "expand" && barrier !== undefined) {
      findings.push({
        path,
        at: "key",
        message:
          `"${stage.name}" derives rows, so it must stand before "${barrier.stage.name}", which looks at all rows of a run`
      })
    }
    if (stage.name === "split" && index < placed.length - 1) {
      findings.push({
        path,
        at: "key",
        message: `"split" must be the last stage: what later stages drop would make it uneven`
      })
    }
    return findings
  })

/** The stage whose clusters the split keeps together stands before it. One that only a default names may be left out. */
const splitFindings = (placed: ReadonlyArray<Placed>): ReadonlyArray<Finding> =>
  placed.flatMap(({ params, path, stage, written }, index): ReadonlyArray<Finding> => {
    if (stage.name !== "split") return []
    const clusters = params["clusters"]
    const at = placed.findIndex((other) => other.stage.name === clusters)
    const isNamed = typeof member(written, "clusters") === "string"
    if (at < 0 ? !isNamed : at < index) return []
    return [{
      path: [...path, "clusters"],
      at: "value",
      message: `The stage "${String(clusters)}" must stand before "split", which keeps its clusters together`
    }]
  })
