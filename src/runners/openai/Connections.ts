// Connections to servers, each with one request at a time, kept for the next one: the latest used first. Certificates are verified, no redirect is
// followed, HTTP/1.1 alone is spoken. Sockets are bounded; who finds none free waits in a row.
import type { Socket } from "node:net"
import { buildConnector, Client } from "undici"

/** Sockets to one server, to all, and kept open to one without a request; and how long they are. */
const socketsPerServer = 2_048
const socketsMaximum = 8_192
const idleSockets = 512
const idleMillis = 60_000
const headerBytes = 64 * 1024

export interface Sent {
  readonly origin: string
  readonly path: string
  /** Names and values in turn. */
  readonly headers: Array<string>
  readonly body: string
}
export type Headers = Readonly<Record<string, string | Array<string> | undefined>>
/** What becomes of a request; none of it is told once the request is called off. */
export interface Told {
  readonly head: (status: number, headers: Headers) => void
  readonly data: (chunk: Buffer) => void
  /** The answer is whole; the connection is free. */
  readonly end: () => void
  /** The connection is gone: before the head there was no answer, after it the answer was cut off. */
  readonly failed: (error: NodeJS.ErrnoException) => void
}

interface Server {
  readonly origin: string
  readonly free: Array<Line>
  /** Those with a request and the free ones. */
  lines: number
}
interface Line {
  readonly server: Server
  readonly client: Client
  socket: Socket | null
  isGone: boolean
}

const calledOff = new Error("called off")

export class Connections {
  readonly #servers = new Map<string, Server>()
  readonly #connect = buildConnector({ rejectUnauthorized: true, allowH2: false, timeout: 0 })
  readonly #waiting = new Set<{ readonly server: Server; readonly start: (line: Line) => void }>()
  readonly #lines = new Set<Line>()
  readonly #most: number

  /** `most`: sockets to all servers. */
  constructor(most = socketsMaximum) {
    this.#most = most
  }

  /** Sends a request; answers what calls it off and closes its connection, whatever is under way on it. */
  send(sent: Sent, told: Told): () => void {
    let line: Line | null = null
    let isOver = false
    let hasHead = false
    const start = (mine: Line): void => {
      line = mine
      const reused = mine.socket !== null && !mine.socket.destroyed
      mine.client.dispatch({ path: sent.path, method: "POST", headers: sent.headers, body: sent.body }, {
        onRequestStart: () => {},
        onResponseStart: (_controller, status, headers) => {
          if (isOver || status < 200) return
          hasHead = true
          told.head(status, headers)
        },
        onResponseData: (_controller, chunk) => {
          if (!isOver) told.data(chunk)
        },
        onResponseEnd: () => {
          if (isOver) return
          isOver = true
          this.#release(mine)
          told.end()
        },
        onResponseError: (_controller, error) => {
          this.#drop(mine)
          if (isOver || line !== mine) return
          // A connection that was kept and that the server had closed meanwhile says nothing of the server: once more on a fresh one.
          if (reused && !hasHead) return start(this.#open(mine.server))
          isOver = true
          told.failed(error)
        }
      })
    }
    const server = this.#serverOf(sent.origin)
    const ready = this.#lineOf(server)
    const place = { server, start }
    if (ready === null) this.#waiting.add(place)
    else start(ready)
    return () => {
      if (isOver) return
      isOver = true
      this.#waiting.delete(place)
      if (line !== null) this.#drop(line)
    }
  }

  /** Closes all. */
  close(): void {
    this.#waiting.clear()
    for (const line of this.#lines) this.#drop(line)
  }

  #serverOf(origin: string): Server {
    let server = this.#servers.get(origin)
    if (server === undefined) this.#servers.set(origin, server = { origin, free: [], lines: 0 })
    return server
  }

  #lineOf(server: Server): Line | null {
    const free = server.free.pop()
    if (free !== undefined) return free
    if (server.lines >= socketsPerServer) return null
    if (this.#lines.size >= this.#most) {
      const [idle] = [...this.#servers.values()].find(({ free }) => free.length > 0)?.free ?? []
      if (idle === undefined) return null
      // Its place is taken here, by nobody else who waits.
      this.#close(idle)
    }
    return this.#open(server)
  }

  #open(server: Server): Line {
    server.lines++
    const line: Line = {
      server,
      client: new Client(server.origin, {
        connect: (options, told) => {
          const connected: unknown = this.#connect(options, told)
          // The socket as it connects: its types do not tell of it.
          line.socket = connected as Socket
          if (line.isGone) line.socket.destroy(calledOff)
        },
        allowH2: false,
        pipelining: 1,
        maxHeaderSize: headerBytes,
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: idleMillis
      }),
      socket: null,
      isGone: false
    }
    this.#lines.add(line)
    return line
  }

  #release(line: Line): void {
    const { server } = line
    if (line.isGone) return
    if (server.free.length >= idleSockets && this.#waiting.size === 0) return this.#drop(line)
    server.free.push(line)
    this.#next()
  }

  #drop(line: Line): void {
    if (line.isGone) return
    this.#close(line)
    this.#next()
  }

  #close(line: Line): void {
    const { client, server, socket } = line
    line.isGone = true
    server.lines--
    this.#lines.delete(line)
    const at = server.free.indexOf(line)
    if (at >= 0) server.free.splice(at, 1)
    client.destroy(calledOff, () => {})
    socket?.destroy(calledOff)
  }

  /** Lets those in who wait and for whom there is a connection now. */
  #next(): void {
    for (const place of this.#waiting) {
      const line = this.#lineOf(place.server)
      if (line === null) continue
      this.#waiting.delete(place)
      place.start(line)
    }
  }
}
