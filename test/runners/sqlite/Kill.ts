// Runs a process that prints what it has done, and kills it in the middle of it.
import { spawn } from "node:child_process"

/** Kills after as many lines as `seed` asks for, plus a short spin so that the blow falls anywhere in a commit. */
export const runAndKill = (args: ReadonlyArray<string>, seed: number) =>
  new Promise<{ readonly acknowledged: ReadonlyMap<string, number> }>((resolve, reject) => {
    const child = spawn(process.execPath, [...args], { stdio: ["ignore", "pipe", "inherit"] })
    const killAfterLines = 7 * (1 + (seed * 37) % 40)
    const spins = (seed * 7919) % 13 * 20_000
    let text = ""
    let killed = false
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk
      if (killed || text.split("\n").length <= killAfterLines) return
      killed = true
      for (let i = 0; i < spins; i++) Math.sqrt(i)
      child.kill("SIGKILL")
    })
    child.on("error", reject)
    child.on("close", (_, signal) => {
      if (signal !== "SIGKILL") return reject(new Error(`the process ended by itself: ${text}`))
      const lines = text.slice(0, text.lastIndexOf("\n")).split("\n").filter((line) => line !== "ready")
      const acknowledged = new Map<string, number>()
      for (const line of lines) {
        const [id = "", version = ""] = line.split(" ")
        acknowledged.set(id, Number(version))
      }
      resolve({ acknowledged })
    })
  })
