// The route that runs code in the sandbox: cells of one fresh session, and whether what they print is right.
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { GivenLimits, GivenSeed, GivenWall } from "../../actors/CodeSandbox/Given.ts"
import { GivenPair } from "../../actors/Verdicts/Given.ts"
import { ProgramCheck } from "../../domain/ProgramCheck.ts"
import { CellResult, SandboxLevel } from "../../domain/Sandbox.ts"
import { VerifyOptions } from "../../domain/Verdict.ts"
import { problems } from "../Problems.ts"
import * as Shapes from "./Shapes.ts"

/** Cells of one request, at most. */
export const maxCells = 64

const GivenProgram = Schema.Struct({
  code: Schema.optionalKey(Schema.String.annotate({ description: "One cell of Python; or give `cells`." })),
  cells: Schema.optionalKey(
    Schema.Array(Schema.String).check(Schema.isMinLength(1), Schema.isMaxLength(maxCells)).annotate({
      description: "Cells to run in order; the run ends at one that loses the session's state."
    })
  ),
  seed: GivenSeed,
  wallMillis: GivenWall,
  limits: GivenLimits,
  expect: Schema.optionalKey(
    GivenPair.fields.gold.annotate({
      description: "The right answer. It is compared with what the last cell printed, and never goes into the sandbox."
    })
  ),
  opts: Schema.optionalKey(VerifyOptions),
  why: Shapes.Why
}).check(
  Schema.makeFilter((given) => ("code" in given) !== ("cells" in given) || "Expected either `code` or `cells`")
)

export class Exec extends HttpApiGroup.make("exec")
  .add(
    HttpApiEndpoint.post("exec", "/exec", {
      headers: { "x-reason": Shapes.CommandHeaders["x-reason"] },
      payload: GivenProgram,
      success: Schema.Struct({
        level: SandboxLevel,
        results: Schema.Array(CellResult),
        check: Schema.optionalKey(ProgramCheck)
      }),
      error: problems("SandboxBusy", "SandboxUnavailable", "SessionOver", "StateLost", "CodeTooLong")
    }).annotateMerge(Shapes.about(
      "operate",
      "Runs Python in the sandbox",
      "In a session of its own, which ends with the answer, or when the client goes away. A cell that fails is a result, not an error. " +
        "http.execMillis bounds the whole; docs/sandbox.md tells levels and limits. A session that stays is had over the WebSocket (docs/live.md)."
    )).annotate(Shapes.OwnDeadline, true)
  )
  .middleware(Shapes.Guard)
  .prefix("/api")
  .annotateMerge(OpenApi.annotations({ description: "Code that models write, shut in at a stated level." }))
{}
