// How long a user waits: for `polya --help`, and from the command to a run's first commit.
import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { figure, median } from "./Figure.ts"

const program = fileURLToPath(new URL("../bin/polya.js", import.meta.url))
const rounds = 7

const help = Array.from({ length: rounds }, () => {
  const started = performance.now()
  spawnSync(process.execPath, [program, "--help"], { stdio: "ignore" })
  return (performance.now() - started) / 1000
})
figure("start/help", median(help), "s")

/** Whether the store holds a committed run. */
const committed = (file: string): boolean => {
  if (!existsSync(file)) return false
  try {
    using database = new DatabaseSync(file, { readOnly: true })
    return database.prepare("SELECT 1 FROM polya_actor_state WHERE type = 'DatasetRun'").get() !== undefined
  } catch {
    return false
  }
}

const firstCommit: Array<number> = []
for (let round = 0; round < rounds; round++) {
  const folder = mkdtempSync(join(tmpdir(), "polya-bench-"))
  const started = performance.now()
  const child = spawn(process.execPath, [program, "demo", "--out", folder], { stdio: "ignore" })
  const ended = new Promise((resolve) => child.on("exit", resolve))
  const store = join(folder, ".polya", "polya.db")
  while (!committed(store) && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5))
  firstCommit.push((performance.now() - started) / 1000)
  await ended
  rmSync(folder, { recursive: true, force: true })
}
figure("start/first-commit", median(firstCommit), "s")
