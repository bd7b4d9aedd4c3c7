// Folders of sessions' files on the host's own disk. Each is named after the process that made it, so that one whose maker is gone, however it
// ended, is found and removed at the next start.
import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"

const beginning = "polya-sandbox"

const isPassable = (folder: string): boolean => {
  try {
    return dirname(folder) === folder || ((statSync(folder).mode & 0o001) !== 0 && isPassable(dirname(folder)))
  } catch {
    return false
  }
}

/** The folder for temporary files; as root, sessions run as nobody, who must get through to it. */
const place = (): string => {
  const own = resolve(tmpdir())
  if (process.getuid?.() !== 0) return own
  return [own, "/tmp", "/var/tmp"].find(isPassable) ?? own
}

/** When the process started, in the kernel's ticks; null: there is no such process. */
const startOf = (pid: string): string | null => {
  try {
    const facts = readFileSync(`/proc/${pid}/stat`, "utf8")
    // The second field is the program's name, which may hold anything.
    return facts.slice(facts.lastIndexOf(")") + 2).split(" ")[19] ?? null
  } catch {
    return null
  }
}

/** The namespace of process numbers; those of another one say nothing here. */
const namespaceOf = (): string => {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0"
  } catch {
    return "0"
  }
}

/** Asked once: a process without descriptors left cannot ask, and under a wrong name its folders would be removed by others. */
const ownName = `${beginning}-${namespaceOf()}-${process.pid}-${startOf(String(process.pid)) ?? "0"}-`

/** For mkdtemp: what the names of this process's folders begin with. */
export const scratchPrefix = (): string => join(place(), ownName)

/** Removes folders whose maker is gone. */
export const sweep = (): void => {
  const [folder, namespace] = [place(), namespaceOf()]
  let names: ReadonlyArray<string>
  try {
    names = readdirSync(folder)
  } catch {
    return
  }
  for (const name of names) {
    const [, itsNamespace, pid, start] = new RegExp(`^${beginning}-(\\d+)-(\\d+)-(\\d+)-\\w{6}$`).exec(name) ?? []
    if (itsNamespace !== namespace || pid === undefined || startOf(pid) === start) continue
    const path = join(folder, name)
    try {
      if (lstatSync(path).isDirectory()) rmSync(path, { recursive: true, force: true })
    } catch { /* It belongs to somebody else. */ }
  }
}
