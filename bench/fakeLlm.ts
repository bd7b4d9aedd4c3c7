// How much the scripted server carries, as a process of its own: small calls a second, and 512 streams at once against the time that their script
// says. The load comes from here over kept connections, so it takes a core too.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { Agent, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { figure } from "./Figure.ts"

const calls = 30_000
const connections = 64
const streams = 512
const tokens = 100
const tokenMillis = 20

const folder = mkdtempSync(join(tmpdir(), "polya-bench-"))
const script = join(folder, "load.yaml")
writeFileSync(
  script,
  `rules:
  - { when: { stream: true }, words: ${tokens}, latency: { first: 100, token: ${tokenMillis} } }
  - { answers: { "42": 0.7, "41": 0.3 } }
`
)
const server = spawn(process.execPath, [
  join(import.meta.dirname, "..", "bin", "polya.js"),
  "fake-llm",
  script,
  "--port",
  "0",
  "--json"
], { stdio: ["ignore", "pipe", "inherit"] })
const [line] = await once(createInterface({ input: server.stdout }), "line")
const { port } = JSON.parse(String(line)) as { readonly port: number }

const agent = new Agent({ keepAlive: true, maxSockets: streams })
const ask = (seed: number, stream: boolean): Promise<{ readonly ok: boolean; readonly pieces: number }> =>
  new Promise((resolve) => {
    let text = ""
    const call = request({ port, path: "/v1/chat/completions", method: "POST", agent }, (response) => {
      response.setEncoding("utf8")
      response.on("data", (data: string) => text += data)
      response.on("end", () => resolve({ ok: response.statusCode === 200, pieces: text.split("\n\n").length - 4 }))
      response.on("error", () => resolve({ ok: false, pieces: 0 }))
    })
    call.on("error", () => resolve({ ok: false, pieces: 0 }))
    call.end(
      JSON.stringify({ model: "fake", seed, stream, messages: [{ role: "user", content: "What is 6 times 7?" }] })
    )
  })

const hammer = async (count: number): Promise<number> => {
  let next = 0
  let wrong = 0
  await Promise.all(Array.from({ length: connections }, async () => {
    while (next < count) if (!(await ask(next++, false)).ok) wrong++
  }))
  return wrong
}

/** Processor time of the server in milliseconds, where the system tells it: what it needs a call, also on a machine that is busy. */
const cpuMillis = (): number => {
  const file = `/proc/${server.pid}/stat`
  if (!existsSync(file)) return Number.NaN
  const fields = readFileSync(file, "utf8").split(") ")[1]?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

await hammer(3_000)
const cpuBefore = cpuMillis()
let started = performance.now()
const wrong = await hammer(calls)
figure("fake-llm/calls", calls / ((performance.now() - started) / 1_000), "calls/s")
const cpu = (cpuMillis() - cpuBefore) * 1_000 / calls
if (Number.isFinite(cpu)) figure("fake-llm/callProcessorTime", cpu, "us of the server a call")
figure("fake-llm/callErrors", wrong, "calls")

started = performance.now()
const told = await Promise.all(Array.from({ length: streams }, (_, seed) => ask(seed, true)))
const took = performance.now() - started
const ideal = 100 + (tokens - 1) * tokenMillis
figure("fake-llm/streams", streams, "streams at once")
figure("fake-llm/streamErrors", told.filter(({ ok, pieces }) => !ok || pieces !== tokens).length, "streams")
figure("fake-llm/streamMillis", took, "ms", {
  against: `${ideal} ms by the script`,
  ratio: Number((took / ideal).toFixed(3))
})

agent.destroy()
server.kill("SIGTERM")
await once(server, "close")
rmSync(folder, { recursive: true })
