// Gets one pinned file over HTTP: bounded in size and time, through a proxy where there is one, and given out only if its SHA-256 is right.
// What is said of it never has a password in it.
import { createHash } from "node:crypto"
import * as http from "node:http"
import * as https from "node:https"
import { setTimeout as after } from "node:timers/promises"
import type { PinnedFile, Proxies } from "./Sources.ts"

/** The file was not to be had; the message says why. */
export class NotDownloaded extends Error {}

export interface DownloadOptions {
  readonly proxies: Proxies
  readonly signal: AbortSignal
  /** Told of progress, at most every `tellMillis`. */
  readonly progress: (bytes: number) => void
}

const totalMillis = 120_000
/** Without a byte for so long, nothing more is waited for. */
const silentMillis = 15_000
const tellMillis = 5_000
const mostRedirects = 5

/** An address as it may be shown. */
const shownUrl = (address: string): string => {
  const url = URL.parse(address)
  return url === null ? "an address that is none" : `${url.protocol}//${url.host}${url.pathname}`
}

/** The answer's head, with its body not read yet. */
const request = (address: string, { proxies, signal }: DownloadOptions): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const url = URL.parse(address)
    if (url === null || !/^https?:$/.test(url.protocol)) {
      reject(new NotDownloaded(`${shownUrl(address)} is not an address to ask`))
      return
    }
    const module = url.protocol === "https:" ? https : http
    const asked = module.get(url, {
      agent: new module.Agent({ proxyEnv: { ...proxies } }),
      signal,
      timeout: silentMillis,
      headers: { "user-agent": "polya", accept: "*/*", "accept-encoding": "identity" }
    }, resolve)
    asked.on("timeout", () => asked.destroy(new NotDownloaded(`silent for ${silentMillis / 1_000} s`)))
    asked.on("error", reject)
  })

/** Asks, and goes where it is sent. */
const followed = async (address: string, options: DownloadOptions): Promise<http.IncomingMessage> => {
  for (let asked = address, redirects = 0;; redirects++) {
    const answer = await request(asked, options)
    const { location } = answer.headers
    const status = answer.statusCode ?? 0
    if (status === 200) return answer
    answer.destroy()
    if (![301, 302, 303, 307, 308].includes(status) || location === undefined) {
      throw new NotDownloaded(`${shownUrl(asked)} answered ${status}`)
    }
    if (redirects === mostRedirects) throw new NotDownloaded(`${shownUrl(address)} sends from one place to the next`)
    asked = URL.parse(location, asked)?.href ?? ""
  }
}

const received = async (file: PinnedFile, options: DownloadOptions): Promise<Buffer> => {
  const answer = await followed(file.url, options)
  const pieces: Array<Buffer> = []
  let bytes = 0
  let toldMillis = performance.now()
  for await (const piece of answer as AsyncIterable<Buffer>) {
    bytes += piece.length
    // Leaving the loop ends the connection.
    if (bytes > file.mostBytes) throw new NotDownloaded(`${shownUrl(file.url)} sends more than the file has`)
    pieces.push(piece)
    if (performance.now() - toldMillis > tellMillis) {
      toldMillis = performance.now()
      options.progress(bytes)
    }
  }
  return Buffer.concat(pieces)
}

/** Names of errors that Node gives no sentence for. */
const said = (cause: unknown): string => {
  if (cause instanceof NotDownloaded) return cause.message
  if (!(cause instanceof Error)) return String(cause)
  const code = "code" in cause ? String(cause.code) : ""
  const words: { readonly [code: string]: string } = {
    ENOTFOUND: "its name is not known here",
    EAI_AGAIN: "its name is not known here",
    ECONNREFUSED: "nobody listens there",
    ECONNRESET: "the connection broke",
    ENETUNREACH: "there is no way to it",
    EHOSTUNREACH: "there is no way to it",
    ETIMEDOUT: "it does not answer"
  }
  return words[code] ?? (cause.message || code).replaceAll(/\/\/[^/\s]*@/g, "//").slice(0, 200)
}

/** The file's bytes. Rejects with NotDownloaded, also when it is called off. */
export const download = async (file: PinnedFile, options: DownloadOptions): Promise<Buffer> => {
  const ended = new AbortController()
  const signal = AbortSignal.any([options.signal, ended.signal])
  const deadline = after(totalMillis, undefined, { signal, ref: false }).then(
    () => {
      throw new NotDownloaded(`${shownUrl(file.url)}: not here within ${totalMillis / 1_000} s`)
    },
    () => new Promise<never>(() => {})
  )
  try {
    const bytes = await Promise.race([received(file, { ...options, signal }), deadline])
    const sha256 = createHash("sha256").update(bytes).digest("hex")
    if (sha256 !== file.sha256) {
      throw new NotDownloaded(`${shownUrl(file.url)} is not the file expected: its SHA-256 is ${sha256}`)
    }
    return bytes
  } catch (cause) {
    if (options.signal.aborted) throw new NotDownloaded("called off", { cause })
    const why = said(cause)
    throw new NotDownloaded(why.startsWith("http") ? why : `${shownUrl(file.url)}: ${why}`, { cause })
  } finally {
    ended.abort()
  }
}
