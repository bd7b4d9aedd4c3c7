// A PostgreSQL server of a test's own, which it may stop and start as it likes. It runs as a user that is not root, as PostgreSQL demands.
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"

const isRoot = process.getuid?.() === 0

/** The folder of the server's programs: that of the newest Debian package, or the PATH's. */
const programs = ((): string | undefined => {
  const debian = "/usr/lib/postgresql"
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folder = versions.map((version) => join(debian, version, "bin")).find((bin) => existsSync(join(bin, "initdb")))
  if (folder !== undefined) return folder
  const found = spawnSync("sh", ["-c", "command -v initdb"], { encoding: "utf8" })
  return found.status === 0 ? join(found.stdout.trim(), "..") : undefined
})()
const switches = !isRoot || spawnSync("runuser", ["-u", "postgres", "--", "true"]).status === 0

/** Whether such a server can be started here. */
export const possible = programs !== undefined && switches
export const skipped =
  "Tests that stop PostgreSQL are skipped: they need initdb and pg_ctl, and as root the user postgres."

export const freePort = (host = "127.0.0.1"): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, host, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

export interface PrivatePostgres extends AsyncDisposable {
  readonly url: string
  /** Ends every connection at once, as a crash does. */
  readonly stop: () => void
  readonly start: () => void
}

export const privatePostgres = async (): Promise<PrivatePostgres> => {
  // Not in a folder that only root may enter.
  const folder = mkdtempSync("/tmp/polya-postgres-")
  const data = join(folder, "data")
  const run = (program: string, args: ReadonlyArray<string>): void => {
    const path = join(programs ?? "", program)
    const [command, all] = isRoot
      ? ["runuser", ["-u", "postgres", "--", path, ...args]] as const
      : [path, args] as const
    execFileSync(command, all, { stdio: ["ignore", "ignore", "inherit"], cwd: "/" })
  }
  if (isRoot) execFileSync("chown", ["postgres", folder])
  run("initdb", ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--no-instructions"])
  const port = await freePort()
  // A process that is killed leaves what the system holds: no sync is needed for that.
  const options = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=100`
  const control = ["-D", data, "-w", "-s"]
  const start = (): void => run("pg_ctl", [...control, "-l", join(folder, "log"), "-o", options, "start"])
  const stop = (): void => run("pg_ctl", [...control, "-m", "immediate", "stop"])
  start()
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    start,
    stop,
    [Symbol.asyncDispose]: () => {
      // It may be stopped already.
      if (existsSync(join(data, "postmaster.pid"))) stop()
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
      return Promise.resolve()
    }
  }
}
