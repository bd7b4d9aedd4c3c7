// What watchers cost the actors: a dataset run in a served Polya (SQLite) with and without 1,000 WebSocket subscribers to that very run, in
// turns. The subscribers are one process of their own that only counts bytes; it shares the machine's cores, and its time is told.
// node bench/Subscribers.ts [--subscribers 1000] [--rows 12000] [--rounds 3]
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { figure, median } from "./Figure.ts"

const { values } = parseArgs({
  options: {
    subscribers: { type: "string", default: "1000" },
    rows: { type: "string", default: "12000" },
    rounds: { type: "string", default: "3" },
    watch: { type: "string" },
    port: { type: "string", default: "0" }
  }
})
const subscribers = Number(values.subscribers)

/** A WebSocket client of a few lines: it asks once and counts what comes, without looking at it. */
const subscribe = (port: number, run: string, heard: (bytes: number) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1")
    socket.on("error", reject)
    socket.write(
      `GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    )
    const text = Buffer.from(JSON.stringify({ id: 1, do: "watch", type: "DatasetRun", actor: run }))
    const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text])
    socket.once("data", () => {
      socket.write(frame)
      resolve()
    })
    socket.on("data", (data) => heard(data.length))
  })

if (values.watch !== undefined) {
  let bytes = 0
  for (let at = 0; at < subscribers; at++) await subscribe(Number(values.port), values.watch, (n) => void (bytes += n))
  process.stdout.write("watching\n")
  process.on("SIGTERM", () => {
    const { system, user } = process.cpuUsage()
    process.stdout.write(`${JSON.stringify({ bytes, cpuSeconds: (system + user) / 1e6 })}\n`, () => process.exit(0))
  })
} else await main()

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "polya-bench-"))
  const started = spawn(process.execPath, [
    fileURLToPath(new URL("../bin/polya.js", import.meta.url)),
    "serve",
    "--port",
    "0",
    "--data",
    folder,
    "--json"
  ], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, POLYA_TELEMETRY_LOG_LEVEL: "Error" } })
  try {
    const url = /"url":"([^"]+)"/.exec(await line(started, /"ready"/))?.[1] ?? ""
    const file = await json(`${url}/api/files?name=rows.jsonl`, { method: "POST", body: rowsText(Number(values.rows)) })
    const rates: { readonly alone: Array<number>; readonly watched: Array<number> } = { alone: [], watched: [] }
    let bytes = 0
    let cpuSeconds = 0
    const base = memoryBytes(started)
    let peak = base
    // The first run warms the process up.
    await measure(url, `warm`, file.id)
    for (let round = 0; round < Number(values.rounds); round++) {
      rates.alone.push(await measure(url, `alone-${round}`, file.id, async () => {}))
      const watcher = await watch(url, `watched-${round}`)
      rates.watched.push(await measure(url, `watched-${round}`, file.id, watcher.ready))
      peak = Math.max(peak, memoryBytes(started))
      const cost = await watcher.end()
      bytes += cost.bytes
      cpuSeconds += cost.cpuSeconds
    }
    const [alone, watched] = [median(rates.alone), median(rates.watched)]
    figure("subscribers/alone", alone, "rows/s")
    figure("subscribers/watched", watched, "rows/s", {
      against: "subscribers/alone",
      ratio: Number((watched / alone).toFixed(3))
    })
    figure("subscribers/count", subscribers, "clients")
    figure("subscribers/bytes", bytes / Number(values.rounds), "bytes a run")
    figure("subscribers/client-cpu", cpuSeconds / Number(values.rounds), "s a run")
    figure("subscribers/memory", peak / 1e6, "MB", { against: "before any", ratio: Number((peak / base).toFixed(2)) })
  } finally {
    started.kill("SIGTERM")
    await new Promise((resolve) => started.once("close", resolve))
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Source rows a second of one run, from its start to its end. */
async function measure(url: string, id: string, file: string, ready?: () => Promise<void>): Promise<number> {
  // Held back until everybody watches.
  const limits = ready === undefined ? {} : { limits: { rowsPerSecond: 0.001 } }
  const recipe = { name: "dataset-cpu" }
  await json(`${url}/api/runs`, {
    method: "POST",
    body: JSON.stringify({ recipe, id, sources: [{ location: `upload:${file}` }], ...limits })
  })
  if (ready !== undefined) {
    await ready()
    await json(`${url}/api/runs/${id}/limits`, { method: "POST", body: JSON.stringify({ rowsPerSecond: 0 }) })
  }
  const begun = performance.now()
  while (true) {
    const { status } = await json(`${url}/api/runs/${id}`)
    if (status === "done") return Number(values.rows) / ((performance.now() - begun) / 1_000)
    if (status !== "running") throw new Error(`the run is ${status}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function watch(url: string, run: string): Promise<{
  readonly ready: () => Promise<void>
  readonly end: () => Promise<{ readonly bytes: number; readonly cpuSeconds: number }>
}> {
  let child: ChildProcess | undefined
  return {
    ready: async () => {
      child = spawn(process.execPath, [
        fileURLToPath(import.meta.url),
        "--watch",
        run,
        "--port",
        new URL(url).port,
        "--subscribers",
        String(subscribers)
      ], { stdio: ["ignore", "pipe", "inherit"] })
      await line(child, /watching/)
    },
    end: async () => {
      if (child === undefined) throw new Error("nobody watched")
      const said = line(child, /\{/)
      child.kill("SIGTERM")
      return JSON.parse(await said)
    }
  }
}

function line(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ""
    const look = (data: Buffer): void => {
      text += String(data)
      const found = text.split("\n").find((one) => pattern.test(one))
      if (found === undefined) return
      child.stdout?.off("data", look)
      resolve(found)
    }
    child.stdout?.on("data", look)
    child.once("close", () => reject(new Error(`it ended before it said ${pattern}: ${text}`)))
  })
}

async function json(url: string, init: RequestInit = {}): Promise<any> {
  const type = typeof init.body === "string" && init.body.startsWith("{\"problem")
    ? "application/octet-stream"
    : "application/json"
  const response = await fetch(url, { ...init, headers: { "content-type": type } })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return response.json()
}

function memoryBytes({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1_024
}

/** Word problems that differ in their numbers and names, so that few are near duplicates. */
function rowsText(rows: number): string {
  let x = 2026
  const next = (n: number): number => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) % n
  }
  const words = Array.from({ length: 3_000 }, (_, at) => `w${at.toString(36)}${(at * 7_919 % 1_296).toString(36)}`)
  return Array.from({ length: rows }, (_, at) => {
    const text = Array.from({ length: 40 }, () => words[next(words.length)]).join(" ")
    return JSON.stringify({
      problem: `If ${text} has ${next(1e6)} parts, how many parts has number ${at}?`,
      answer: String(at)
    })
  }).join("\n")
}
