// Runs FilesProcess.ts and kills it in the middle of its upload.
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const script = fileURLToPath(new URL("./FilesProcess.ts", import.meta.url))

export const killUpload = (args: ReadonlyArray<string>): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"] })
    let lines = 0
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      lines += chunk.split("\n").length - 1
      if (lines >= 5) child.kill("SIGKILL")
    })
    child.on("error", reject)
    child.on(
      "close",
      (_, signal) => signal === "SIGKILL" ? resolve() : reject(new Error("the process ended by itself"))
    )
  })
