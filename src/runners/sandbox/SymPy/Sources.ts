// Where SymPy can be had: the files by their SHA-256, and servers that have them. What comes from anywhere is used only if it is this very
// file, so a server need not be trusted. Mirrors and proxies that the machine's apt uses come first: behind a firewall they are what works.
import { execFile } from "node:child_process"
import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"

export interface PinnedFile {
  readonly name: string
  readonly sha256: string
  /** Its size at most; a server that sends more is cut off. */
  readonly mostBytes: number
  readonly url: string
}

/** Files that make a SymPy together, all from one place. */
export interface Source {
  readonly name: string
  readonly files: ReadonlyArray<PinnedFile>
  readonly proxies: Proxies
}

/** As Node's agents take them. */
export interface Proxies {
  readonly HTTP_PROXY?: string
  readonly HTTPS_PROXY?: string
  readonly NO_PROXY?: string
}

const debianFiles = [
  {
    folder: "pool/main/s/sympy",
    name: "python3-sympy_1.13.3-5_all.deb",
    sha256: "62fef103cd6b536e1c49808f0a6ac2aeb2c951e355cec3d461425ae1551d5f8b",
    mostBytes: 4_147_732
  },
  {
    folder: "pool/main/m/mpmath",
    name: "python3-mpmath_1.3.0-1_all.deb",
    sha256: "36596f8992df86d1acada0b5d3e64307449ca13326090fb8d6423e8f8d6d9e60",
    mostBytes: 418_668
  }
]
/** What is on Debian's servers may leave them with the next release; this one keeps everything. */
const snapshot = "https://snapshot.debian.org/archive/debian/20250901T000000Z"

const pyodideFiles = [
  {
    name: "sympy-1.14.0-py3-none-any.whl",
    sha256: "61ea8bb98049ba1c702ba3ad2607acb7ab94b9af0b6f97498741f50d3249f428",
    mostBytes: 16_777_216
  },
  {
    name: "mpmath-1.4.1-py3-none-any.whl",
    sha256: "e5ebd537e74b9066341a5152e83b63ff2fc37a6388fa7351e766b6e4640f7eee",
    mostBytes: 4_194_304
  }
]
const pyodideFolder = "https://cdn.jsdelivr.net/pyodide/v314.0.7/full"

export const pinnedHashes: ReadonlySet<string> = new Set([...debianFiles, ...pyodideFiles].map(({ sha256 }) => sha256))

const mostMirrors = 3
const mostFiles = 64
const mostFileBytes = 1_048_576
const askAptMillis = 3_000
/** Only a server of Debian has Debian's packages; suites of others (docker, nodesource) have other names. */
const debianSuite =
  /^(bullseye|bookworm|trixie|forky|duke|sid|stable|oldstable|testing|unstable)(-updates|-backports|-proposed-updates)?$/

const isUsable = (uri: string): boolean => /^https?:$/.test(URL.parse(uri)?.protocol ?? "")

/** `deb [options] URI SUITE COMPONENT...`, a line each. */
const oneLineMirrors = (text: string): ReadonlyArray<string> =>
  text.split("\n").flatMap((line) => {
    const [, uri = "", suite = "", components = ""] =
      /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line) ?? []
    return debianSuite.test(suite) && components.split(/\s+/).includes("main") ? [uri] : []
  })

/** Stanzas of `Field: value`, where a line that begins with a space goes on with the one before. */
const stanzaMirrors = (text: string): ReadonlyArray<string> =>
  text.split("\n").filter((line) => !line.startsWith("#")).join("\n").split(/\n[ \t]*\n/).flatMap((stanza) => {
    const fields = new Map(
      stanza.replaceAll(/\n[ \t]+/g, " ").split("\n").map((line) => {
        const colon = line.indexOf(":")
        return [line.slice(0, Math.max(0, colon)).trim().toLowerCase(), line.slice(colon + 1).trim()] as const
      })
    )
    const words = (field: string) => (fields.get(field) ?? "").split(/\s+/)
    const fits = words("types").includes("deb") &&
      !/^(no|false|without|off|disable|0)$/i.test(fields.get("enabled") ?? "") &&
      words("suites").some((suite) => debianSuite.test(suite)) && words("components").includes("main")
    return fits ? words("uris") : []
  })

/** Addresses of Debian's archive in a file of apt's sources, in the file's order. */
export const debianMirrors = (fileName: string, text: string): ReadonlyArray<string> => {
  const uris = fileName.endsWith(".sources") ? stanzaMirrors(text) : oneLineMirrors(text)
  return [...new Set(uris.filter(isUsable).map((uri) => uri.replace(/\/+$/, "")))]
}

/** The mirrors that apt is configured with under `folder`. What cannot be read is as if it were not there. */
export const aptMirrors = async (folder = "/etc/apt"): Promise<ReadonlyArray<string>> => {
  const names = await readdir(join(folder, "sources.list.d")).catch(() => [])
  const files = [
    "sources.list",
    ...names.filter((name) => /\.(list|sources)$/.test(name)).sort().slice(0, mostFiles).map((name) =>
      join("sources.list.d", name)
    )
  ]
  const found = await Promise.all(files.map(async (name) => {
    const path = join(folder, name)
    try {
      const facts = await stat(path)
      if (!facts.isFile() || facts.size > mostFileBytes) return []
      return debianMirrors(name, await readFile(path, "utf8"))
    } catch {
      return []
    }
  }))
  return [...new Set(found.flat())].slice(0, mostMirrors)
}

/** Proxies in what `apt-config dump` prints; hosts that apt asks directly are in NO_PROXY. */
export const proxiesOfApt = (dump: string): Proxies => {
  const direct: Array<string> = []
  let httpProxy: string | undefined
  let httpsProxy: string | undefined
  for (
    const [, scheme, host = "", value = ""] of dump.matchAll(/^Acquire::(https?)::Proxy(?:::(\S+))? "([^"]*)";$/gim)
  ) {
    if (host !== "") {
      if (value.toUpperCase() === "DIRECT") direct.push(host)
    } else if (isUsable(value)) {
      if (scheme?.toLowerCase() === "http") httpProxy = value
      else httpsProxy = value
    }
  }
  // As apt does: the one for http serves https too.
  httpsProxy ??= httpProxy
  return {
    ...(httpProxy === undefined ? {} : { HTTP_PROXY: httpProxy }),
    ...(httpsProxy === undefined ? {} : { HTTPS_PROXY: httpsProxy }),
    ...(direct.length === 0 ? {} : { NO_PROXY: direct.join(",") })
  }
}

const aptConfiguration = (): Promise<string> =>
  new Promise((resolve) =>
    execFile(
      "apt-config",
      ["dump"],
      { timeout: askAptMillis, killSignal: "SIGKILL", maxBuffer: mostFileBytes },
      (error, stdout) => resolve(error === null ? stdout : "")
    )
  )

/** Proxies that programs are told by their environment, in either spelling. */
export const proxiesOfEnvironment = (environment: NodeJS.ProcessEnv): Proxies => {
  const entries = (["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] as const).flatMap((name) => {
    const value = environment[name.toLowerCase()] || environment[name]
    return value ? [[name, value] as const] : []
  })
  return Object.fromEntries(entries)
}

const debianSource = (mirror: string, proxies: Proxies): Source => ({
  name: `Debian's packages from ${URL.parse(mirror)?.host ?? "a mirror"}`,
  proxies,
  files: debianFiles.map(({ folder, ...file }) => ({ ...file, url: `${mirror}/${folder}/${file.name}` }))
})

/** All places to ask, in the order to ask them. */
export const findSources = async (): Promise<ReadonlyArray<Source>> => {
  const [mirrors, dump] = await Promise.all([aptMirrors(), aptConfiguration()])
  const outside = proxiesOfEnvironment(process.env)
  const ofApt = { ...outside, ...proxiesOfApt(dump) }
  const debian = "http://deb.debian.org/debian"
  return [
    ...new Set([...mirrors.filter((uri) => !/security/.test(URL.parse(uri)?.pathname ?? "")), debian])
  ].map((mirror) => debianSource(mirror, ofApt)).concat(
    debianSource(snapshot, outside),
    {
      name: `Pyodide's packages from ${URL.parse(pyodideFolder)?.host}`,
      proxies: outside,
      files: pyodideFiles.map((file) => ({ ...file, url: `${pyodideFolder}/${file.name}` }))
    }
  )
}

/** What to get by hand, on a machine that has a network. */
export const byHand = [
  ...debianFiles.map(({ folder, name }) => `http://deb.debian.org/debian/${folder}/${name}`),
  "or what this brings: python3 -m pip download --no-deps sympy==1.13.3 mpmath==1.3.0"
]
