// A runner that is killed while a session of it computes: it starts one tells its processes and ends itself with SIGKILL.
import { readFileSync } from "node:fs"
import { sandboxLimitsDefaults } from "../../../src/domain/Sandbox.ts"
import { makeEmbedded } from "../../../src/runners/sandbox/Embedded.ts"
import { findTools } from "../../../src/runners/sandbox/Tools.ts"

const [, , cacheDir = "", sympy = ""] = process.argv
const backend = await makeEmbedded({
  tools: await findTools(),
  sympy: sympy === "" ? null : { folder: sympy, version: "1.13.3", origin: "named", readableByAll: true },
  cacheDir,
  sessions: 1,
  spares: 1,
  tenants: 1,
  startMillis: 120_000
})
if (!("start" in backend)) throw new Error(backend.detail)
const interpreter = await backend.start({
  tenant: "one",
  seed: 0,
  limits: sandboxLimitsDefaults,
  signal: new AbortController().signal
})
void interpreter.exec({ code: "while True: pass", wallMillis: 600_000, graceMillis: 500, outputBytes: 1_024 })
const family = [process.pid]
for (const pid of family) {
  family.push(...readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number))
}
process.stdout.write(family.slice(1).join(" "), () => process.kill(process.pid, "SIGKILL"))
