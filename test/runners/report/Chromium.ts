// A headless Chromium driven over the DevTools protocol on a pipe: no port, no library. It loads a page from memory, at a given
// width, and answers with what the page measured and complained about. The browser and its profile are gone when the scope ends.
import { type ChildProcess, spawn } from "node:child_process"
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import type { Readable, Writable } from "node:stream"

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]

/** The path of a browser: CHROMIUM if set, else the first one on PATH; undefined if there is none. */
export const findChromium = (): string | undefined => {
  const named = process.env["CHROMIUM"]
  const folders = (process.env["PATH"] ?? "").split(delimiter)
  const candidates = named !== undefined
    ? [named]
    : names.flatMap((name) => folders.map((folder) => join(folder, name)))
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: any // The protocol's own shapes; read at one place each.
  readonly result?: any
  readonly error?: { readonly message: string }
}

export interface View {
  readonly width: number
  readonly dark?: boolean
  readonly print?: boolean
}

export class Chromium {
  private readonly child: ChildProcess
  private readonly profile: string
  private readonly waiting = new Map<number, (message: Message) => void>()
  private readonly listeners = new Set<(message: Message) => void>()
  private next = 1
  private session: string | undefined

  constructor(path: string) {
    this.profile = mkdtempSync(join(tmpdir(), "polya-chromium-"))
    this.child = spawn(path, [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-dev-shm-usage",
      "--hide-scrollbars",
      `--user-data-dir=${this.profile}`,
      "--remote-debugging-pipe"
    ], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] })
    let rest = ""
    const answers = this.child.stdio[4] as Readable
    answers.setEncoding("utf8").on("data", (chunk: string) => {
      const parts = (rest + chunk).split("\0")
      rest = parts.pop() ?? ""
      for (const part of parts) this.receive(JSON.parse(part))
    })
  }

  private receive(message: Message) {
    if (message.id === undefined) { for (const listener of this.listeners) listener(message) }
    else this.waiting.get(message.id)?.(message)
  }

  private send(method: string, params: object = {}): Promise<any> {
    const id = this.next++
    const commands = this.child.stdio[3] as Writable
    return new Promise((resolve, reject) => {
      this.waiting.set(id, (message) => {
        this.waiting.delete(id)
        if (message.error === undefined) resolve(message.result)
        else reject(new Error(`${method}: ${message.error.message}`))
      })
      commands.write(
        `${
          JSON.stringify({ id, method, params, ...(this.session === undefined ? {} : { sessionId: this.session }) })
        }\0`
      )
    })
  }

  /** Loads `page` and evaluates `expression` in it. `complaints`: console errors, exceptions, and every request for a resource. */
  async view(
    page: string,
    view: View,
    expression: string
  ): Promise<{ readonly value: unknown; readonly complaints: ReadonlyArray<string> }> {
    if (this.session === undefined) {
      const { targetId } = await this.send("Target.createTarget", { url: "about:blank" })
      this.session = (await this.send("Target.attachToTarget", { targetId, flatten: true })).sessionId
      for (const domain of ["Page", "Runtime", "Log", "Network"]) await this.send(`${domain}.enable`)
    }
    const complaints: Array<string> = []
    const listener = ({ method, params }: Message) => {
      if (method === "Log.entryAdded") complaints.push(params.entry.text)
      if (method === "Runtime.consoleAPICalled") complaints.push(JSON.stringify(params.args))
      if (method === "Runtime.exceptionThrown") complaints.push(params.exceptionDetails.text)
      if (method === "Network.requestWillBeSent" && !params.request.url.startsWith("data:")) {
        complaints.push(params.request.url)
      }
    }
    await this.send("Emulation.setDeviceMetricsOverride", {
      width: view.width,
      height: 900,
      deviceScaleFactor: 1,
      mobile: false
    })
    await this.send("Emulation.setEmulatedMedia", {
      media: view.print === true ? "print" : "screen",
      features: [{ name: "prefers-color-scheme", value: view.dark === true ? "dark" : "light" }]
    })
    await this.send("Page.navigate", { url: "about:blank" })
    this.listeners.add(listener)
    const { frameTree } = await this.send("Page.getFrameTree")
    await this.send("Page.setDocumentContent", { frameId: frameTree.frame.id, html: page })
    const { result } = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true })
    this.listeners.delete(listener)
    return { value: result.value, complaints }
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once("exit", resolve))
    this.session = undefined
    this.send("Browser.close").catch(() => this.child.kill("SIGKILL"))
    await gone
    rmSync(this.profile, { recursive: true, force: true })
  }
}
