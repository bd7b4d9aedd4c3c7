// The contract of CodeSandbox at every level; one that the machine has not is skipped with the reason.
import { Layer } from "effect"
import { makeRegistry, MetricRegistry } from "../../../src/actors/Metrics.ts"
import { sandboxLevels } from "../../../src/domain/Sandbox.ts"
import { SandboxConfig } from "../../../src/runners/Config.ts"
import * as Sandbox from "../../../src/runners/Sandbox.ts"
import { codeSandboxContract } from "../../actors/CodeSandboxContract.ts"

for (const level of sandboxLevels) {
  codeSandboxContract(
    level,
    Sandbox.layer({ ...SandboxConfig.defaults, level, spares: 1, startMillis: 120_000 }, { checked: false }).pipe(
      Layer.provide(Layer.succeed(MetricRegistry, makeRegistry()))
    )
  )
}
