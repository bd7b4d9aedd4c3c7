// The route that runs code, made real. Who ran what is in the audit log before it runs: how much code, and its hash, not the code.
import { Clock, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { createHash } from "node:crypto"
import { AuditLog } from "../../actors/AuditLog.ts"
import type { CodeSandbox } from "../../actors/CodeSandbox.ts"
import { runProgram } from "../../actors/ProgramCheck.ts"
import type { Verdicts } from "../../actors/Verdicts.ts"
import { Api } from "../Api.ts"
import { HttpLimits } from "../Limits.ts"
import { AnswerLate } from "../Refusals.ts"
import { CurrentCaller, tenantOf } from "../Security.ts"
import { byOf, commanded } from "./Commands.ts"

const described = (cells: ReadonlyArray<string>): string => {
  const hash = createHash("sha256")
  let bytes = 0
  for (const code of cells) {
    hash.update(code)
    bytes += Buffer.byteLength(code)
  }
  return `${cells.length} ${cells.length === 1 ? "cell" : "cells"}, ${bytes} bytes, sha256 ${hash.digest("hex")}`
}

export const layer = HttpApiBuilder.group(Api, "exec", (handlers) =>
  Effect.gen(function*() {
    const services = yield* Effect.context<CodeSandbox | Verdicts>()
    const audit = yield* AuditLog
    const httpLimits = yield* HttpLimits
    return handlers.handleAll({
      exec: Effect.fnUntraced(function*({ headers, payload }) {
        const { cells: several, code, expect, why, ...how } = payload
        const cells = several ?? [code ?? ""]
        const by = yield* byOf(headers, why)
        const what = { command: "Exec", type: "Sandbox", id: null, commandId: null }
        const atMillis = yield* Clock.currentTimeMillis
        const detail = described(cells)
        const { execMillis } = httpLimits
        return yield* commanded(
          { ...what, by },
          audit.append([{ ...what, ...by, atMillis, version: null, outcome: "done", detail }]).pipe(
            Effect.andThen(runProgram({
              ...how,
              tenant: tenantOf(yield* CurrentCaller),
              cells,
              ...(expect === undefined ? {} : { expect: String(expect) })
            })),
            Effect.provideContext(services),
            // Each cell has its limit; this one is for all of them, and for the wait before the first.
            Effect.timeoutOrElse({
              duration: execMillis,
              orElse: () => Effect.fail(new AnswerLate({ millis: execMillis }))
            })
          )
        )
      })
    })
  }))
