// The API as one value: what the server answers, what /openapi.json says and what clients may be made from.
import { HttpApi, OpenApi } from "effect/http-api"
import { Admin } from "./Api/Admin.ts"
import { Contests } from "./Api/Contests.ts"
import { Evaluations } from "./Api/Evaluations.ts"
import { Exec } from "./Api/Exec.ts"
import { Files } from "./Api/Files.ts"
import { Models } from "./Api/Models.ts"
import { Problems } from "./Api/Problems.ts"
import { Runs } from "./Api/Runs.ts"
import { Solves } from "./Api/Solves.ts"
import { Metering, Probes } from "./Api/System.ts"
import { Verdicts } from "./Api/Verdicts.ts"
import { finish } from "./Document.ts"

/** A field that nobody knows is a mistake to be told, and so is every other one. */
const strict = { errors: "all", onExcessProperty: "error" } as const

export class Api extends HttpApi.make("polya")
  .add(Runs)
  .add(Problems)
  .add(Files)
  .add(Verdicts)
  .add(Exec)
  .add(Models)
  .add(Solves)
  .add(Evaluations)
  .add(Contests)
  .add(Admin)
  .add(Probes)
  .add(Metering)
  .annotate(HttpApi.QueryParseOptions, strict)
  .annotate(HttpApi.PayloadParseOptions, strict)
  .annotateMerge(OpenApi.annotations({
    title: "Polya",
    description:
      "Problems in, verified datasets out. Commands take an `Idempotency-Key`: the same key again has no second effect. Errors are problem documents with a `tag` and a `hint`.",
    transform: finish
  }))
{}
