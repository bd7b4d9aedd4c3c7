// What an attack is watched with: listeners of its own that nothing in a sandbox may reach, the processes that came of this one, the bytes
// of the harness, and what is left over in folders.
import { createHash } from "node:crypto"
import { createSocket } from "node:dgram"
import { readdirSync, readFileSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { join } from "node:path"

export interface Listeners {
  readonly port: number
  readonly abstractName: string
  readonly seen: { tcp: number; udp: number; unix: number }
  readonly close: () => void
}

const listening = (server: Server, where: Parameters<Server["listen"]>[0]): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(where, () => resolve())
  })

/** A TCP and a UDP port of the same number on loopback, and an abstract socket where the system has them. */
export const listen = async (): Promise<Listeners> => {
  const seen = { tcp: 0, udp: 0, unix: 0 }
  const counting = (kind: "tcp" | "unix"): Server =>
    createServer((socket) => {
      seen[kind]++
      socket.on("error", () => undefined)
      socket.destroy()
    })
  for (let attempt = 0;; attempt++) {
    const tcp = counting("tcp")
    await listening(tcp, { port: 0, host: "127.0.0.1" })
    const address = tcp.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const udp = createSocket("udp4")
    const bound = await new Promise<boolean>((resolve) => {
      udp.once("error", () => resolve(false))
      udp.bind(port, "127.0.0.1", () => resolve(true))
    })
    if (!bound) {
      tcp.close()
      udp.close()
      if (attempt < 20) continue
      throw new Error("no port is free for TCP and UDP at once")
    }
    udp.on("message", () => seen.udp++)
    const abstractName = `polya-attack-${process.pid}-${port}`
    const unix = counting("unix")
    if (process.platform === "linux") await listening(unix, { path: `\0${abstractName}` })
    return {
      port,
      abstractName,
      seen,
      close: () => {
        tcp.close()
        udp.close()
        unix.close()
      }
    }
  }
}

interface ProcessFacts {
  readonly parent: number
  /** With the pid, what tells a process from a later one of the same number. */
  readonly started: string
  readonly state: string
  readonly residentBytes: number
  readonly ticks: number
}

const factsOf = (pid: number): ProcessFacts | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return {
      state: fields[0] ?? "",
      parent: Number(fields[1]),
      started: fields[19] ?? "",
      residentBytes: Number(fields[21]) * 4_096,
      ticks: Number(fields[11]) + Number(fields[12])
    }
  } catch {
    return null
  }
}

export interface Below {
  readonly pid: number
  readonly parent: number
  /** Of the program, as the kernel has it. */
  readonly name: string
  /** Processor time that it has used. */
  readonly ticks: number
}

/** The processes that come of `root` now. */
export const below = (root: number): ReadonlyArray<Below> => {
  const all = readdirSync("/proc").map(Number).filter(Number.isInteger).flatMap((pid) => {
    const facts = factsOf(pid)
    if (facts === null || facts.state === "Z") return []
    try {
      return [{
        pid,
        parent: facts.parent,
        name: readFileSync(`/proc/${pid}/comm`, "latin1").trim(),
        ticks: facts.ticks
      }]
    } catch {
      return []
    }
  })
  const of = (parent: number): ReadonlyArray<Below> =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one, ...of(one.pid)])
  return of(root)
}

export interface Descendants {
  /** Looks once; the largest of them in bytes. */
  readonly look: () => number
  /** Those that were ever seen and still live, as "pid name". */
  readonly living: () => ReadonlyArray<string>
  /** Ends those that still live. */
  readonly end: () => void
}

/** All that comes of process `root`, also once its parent is gone; told from each other by when they started. */
export const descendantsOf = (root: number): Descendants => {
  const known = new Map<number, string>()
  const stillThere = (): ReadonlyArray<number> =>
    [...known].flatMap(([pid, started]) => {
      const facts = factsOf(pid)
      return facts !== null && facts.started === started && facts.state !== "Z" ? [pid] : []
    })
  return {
    look: () => {
      const all = new Map<number, ProcessFacts>()
      for (const name of readdirSync("/proc")) {
        const pid = Number(name)
        const facts = Number.isInteger(pid) ? factsOf(pid) : null
        if (facts !== null) all.set(pid, facts)
      }
      // A child may have a lower number than its parent: walk until nothing is new.
      for (let before = -1; before !== known.size;) {
        before = known.size
        for (const [pid, facts] of all) {
          if (facts.parent === root || known.get(facts.parent) === all.get(facts.parent)?.started) {
            if (pid !== root && all.has(facts.parent)) known.set(pid, facts.started)
          }
        }
      }
      return Math.max(0, ...[...known.keys()].map((pid) => all.get(pid)?.residentBytes ?? 0))
    },
    living: () =>
      stillThere().map((pid) => {
        try {
          return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").slice(0, 120)}`
        } catch {
          return String(pid)
        }
      }),
    end: () => {
      for (const pid of stillThere()) {
        try {
          process.kill(pid, "SIGKILL")
        } catch {
          // It ended by itself in between.
        }
      }
    }
  }
}

/** A digest over files, folders taken with all in them. */
export const digestOf = (paths: ReadonlyArray<string>): string => {
  const hash = createHash("sha256")
  const add = (path: string): void => {
    let names: ReadonlyArray<string>
    try {
      names = readdirSync(path)
    } catch {
      hash.update(readFileSync(path))
      return
    }
    for (const name of [...names].sort()) add(join(path, name))
  }
  for (const path of paths) add(path)
  return hash.digest("hex")
}

/** All below a folder. */
export const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true }).map(String)

/** Polls until `holds`, at most `mostMillis`; false: it never did. */
export const until = async (holds: () => boolean, mostMillis: number): Promise<boolean> => {
  for (const last = performance.now() + mostMillis; performance.now() < last;) {
    if (holds()) return true
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return holds()
}
