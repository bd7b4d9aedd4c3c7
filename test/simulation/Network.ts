// The network between machines: connections as TCP has them (bytes in order, or an error), over links that are slow, stall, are cut and come
// back. What was on its way when a connection broke may be lost, or arrive long after the sender gave up and sent it again.
import { Effect, Latch, Queue } from "effect"
import { Socket, type SocketServer } from "effect/socket"
import type { Machine, World } from "./World.ts"

type Frame = string | Uint8Array

/** One end of a connection, as its machine's system keeps it. */
class End {
  readonly machine: Machine
  readonly inbox: Array<Frame> = []
  over: Socket.SocketError | undefined = undefined
  private waiter: ((effect: Effect.Effect<readonly [Frame, ...Array<Frame>], Socket.SocketError>) => void) | undefined
  constructor(machine: Machine) {
    this.machine = machine
  }
  get isOver() {
    return this.over !== undefined
  }
  deliver(frame: Frame): void {
    if (this.over !== undefined) return
    this.inbox.push(frame)
    this.machine.world.as(this.machine, () => this.drain())
  }
  finish(code: number): void {
    if (this.over !== undefined) return
    this.over = new Socket.SocketError({ reason: new Socket.SocketCloseError({ code }) })
    this.machine.world.as(this.machine, () => this.drain())
  }
  readonly pull = Effect.callback<readonly [Frame, ...Array<Frame>], Socket.SocketError>((resume) => {
    this.waiter = resume
    this.drain()
    return Effect.sync(() => {
      if (this.waiter === resume) this.waiter = undefined
    })
  })
  private drain(): void {
    const resume = this.waiter
    if (resume === undefined) return
    const [first, ...rest] = this.inbox.splice(0)
    if (first !== undefined) {
      this.waiter = undefined
      resume(Effect.succeed([first, ...rest]))
    } else if (this.over !== undefined) {
      this.waiter = undefined
      resume(Effect.fail(this.over))
    }
  }
}

/** One way of a connection: frames keep their order. */
interface Way {
  readonly from: End
  readonly to: End
  arrivesMillis: number
  /** Frames that stand at a cut link. */
  readonly standing: Array<() => void>
}

interface Connection {
  readonly client: End
  readonly server: End
  readonly there: Way
  readonly back: Way
  /** No frame that was sent before arrives any more. */
  lost: boolean
}

interface Listener {
  readonly machine: Machine
  readonly accept: (socket: Socket.Socket) => void
}

const closed = (code: number) => new Socket.SocketError({ reason: new Socket.SocketCloseError({ code }) })
const unopened = (why: string) =>
  new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause: new Error(why) }) })

export class Network {
  readonly world: World
  /** While trouble lasts, each frame breaks its connection with this probability. */
  breaks = 0
  /** Milliseconds that a frame takes, from and to; a slow one takes up to `slowest`. */
  slowest = 0
  private readonly listeners = new Map<string, Listener>()
  private connections: Array<Connection> = []
  private readonly cuts = new Set<string>()
  constructor(world: World) {
    this.world = world
  }

  /** Nothing passes between the two until `heal`. */
  cut(a: Machine, b: Machine): void {
    this.cuts.add(pairOf(a, b))
  }
  heal(): void {
    this.cuts.clear()
    for (const { back, there } of this.connections) {
      for (const way of [there, back]) {
        for (const arrive of way.standing.splice(0)) this.world.after(0, undefined, arrive)
      }
    }
  }
  /** The machine's system is gone with it, or tells everybody that its connections are over. */
  drop(machine: Machine, silent: boolean): void {
    for (const [address, listener] of this.listeners) if (listener.machine === machine) this.listeners.delete(address)
    if (silent) return
    for (const connection of this.connections) {
      const { client, server } = connection
      if (client.machine !== machine && server.machine !== machine) continue
      const other = client.machine === machine ? server : client
      this.world.after(this.latency(), undefined, () => other.finish(1006))
    }
    this.connections = this.connections.filter(({ client, server }) =>
      client.machine !== machine && server.machine !== machine
    )
  }
  /** Breaks one connection in one of the ways in which TCP connections break. */
  break(connection: Connection): void {
    const { dice } = this.world
    const { client, server } = connection
    const lateMillis = dice.between(200, 8_000)
    switch (dice.between(0, 3)) {
      case 0: // Everything on its way is lost, and both know.
        connection.lost = true
        client.finish(1006)
        server.finish(1006)
        break
      case 1: // The client gave up; what it sent arrives late, and is answered into the void.
      case 2:
        this.world.trace(`late ${client.machine.name}>${server.machine.name} ${lateMillis}`)
        client.finish(1006)
        connection.there.arrivesMillis += lateMillis
        this.world.after(lateMillis + 50, undefined, () => server.finish(1006))
        break
      default: // The server gave up; the client learns of it late.
        connection.lost = true
        server.finish(1006)
        this.world.after(lateMillis, undefined, () => client.finish(1006))
    }
  }
  breakAny(): void {
    const alive = this.connections.filter(({ client, server }) => !client.isOver && !server.isOver)
    if (alive.length > 0) this.break(this.world.dice.pick(alive))
  }

  /** What a client's program connects with. */
  socketTo(machine: Machine, address: string): Socket.Socket {
    let way: Way | undefined
    const isOpen = Latch.makeUnsafe(false)
    return Socket.make({
      reader: Effect.gen({ self: this }, function*() {
        const connection = yield* this.open(machine, address)
        way = connection.there
        isOpen.openUnsafe()
        yield* Effect.addFinalizer(() =>
          Effect.sync(() => {
            isOpen.closeUnsafe()
            this.close(connection, connection.there)
          })
        )
        return { pull: connection.client.pull, upgrade: Socket.SocketUpgradeError.unsupported }
      }),
      // What is written before the connection stands waits for it.
      writer: Effect.succeed(this.writer(() => way, isOpen.whenOpen))
    })
  }
  /** What a runner's program listens with. */
  serverOf(machine: Machine, host: string, port: number): SocketServer.SocketServer["Service"] {
    return {
      address: { _tag: "InetAddress", hostname: host, port } as never,
      run: <R, E, _>(handler: (socket: Socket.Socket) => Effect.Effect<_, E, R>) =>
        Effect.gen({ self: this }, function*() {
          const arrivals = yield* Queue.unbounded<Socket.Socket>()
          this.listeners.set(`${host}:${port}`, { machine, accept: (socket) => Queue.offerUnsafe(arrivals, socket) })
          return yield* Effect.forever(
            Effect.flatMap(Queue.take(arrivals), (socket) => Effect.forkChild(Effect.ignore(handler(socket))))
          )
        })
    }
  }
  /** Whether somebody listens there, as a knock at the port tells. */
  knock(machine: Machine, address: string): Effect.Effect<"open" | "refused" | "unknown"> {
    return Effect.callback((resume) => {
      machine.send(this.latency(), () => {
        const found = this.listeners.get(address)
        const answer = found === undefined ? "refused" : this.isCut(machine, found.machine) ? "unknown" : "open"
        this.world.after(answer === "unknown" ? 1_000 : this.latency(), machine, () => resume(Effect.succeed(answer)))
      })
    })
  }

  private latency(): number {
    const { dice } = this.world
    return this.slowest > 0 && dice.chance(0.03) ? dice.between(5, this.slowest) : 0.2 + dice.next()
  }
  private isCut(a: Machine, b: Machine): boolean {
    return this.cuts.has(pairOf(a, b))
  }
  private open(machine: Machine, address: string): Effect.Effect<Connection, Socket.SocketError> {
    return Effect.callback((resume) => {
      const answer = (millis: number, result: Effect.Effect<Connection, Socket.SocketError>) =>
        this.world.after(millis, machine, () => resume(result))
      machine.send(this.latency(), () => {
        const listener = this.listeners.get(address)
        if (listener === undefined) return answer(this.latency(), Effect.fail(unopened("refused")))
        if (this.isCut(machine, listener.machine)) return answer(1_000, Effect.fail(unopened("timed out")))
        const client = new End(machine)
        const server = new End(listener.machine)
        const there: Way = { from: client, to: server, arrivesMillis: 0, standing: [] }
        const back: Way = { from: server, to: client, arrivesMillis: 0, standing: [] }
        const connection: Connection = { client, server, there, back, lost: false }
        this.connections.push(connection)
        const socket = Socket.make({
          reader: Effect.gen({ self: this }, function*() {
            yield* Effect.addFinalizer(() => Effect.sync(() => this.close(connection, back)))
            return { pull: server.pull, upgrade: Socket.SocketUpgradeError.unsupported }
          }),
          writer: Effect.succeed(this.writer(() => back, (write) => write))
        })
        this.world.as(listener.machine, () => listener.accept(socket))
        return answer(this.latency(), Effect.succeed(connection))
      })
    })
  }
  private writer(
    wayOf: () => Way | undefined,
    whenOpen: (
      write: Effect.Effect<void, Socket.SocketError>
    ) => Effect.Effect<void, Socket.SocketError>
  ): Socket.Writer {
    const write = (frame: Frame | Socket.CloseEvent): Effect.Effect<void, Socket.SocketError> =>
      whenOpen(Effect.suspend(() => {
        const way = wayOf()
        if (way === undefined || way.from.isOver) return Effect.fail(closed(1006))
        if (!Socket.isCloseEvent(frame)) this.carry(way, frame)
        return Effect.void
      }))
    return { write, writeAll: (frames) => Effect.forEach(frames, write, { discard: true }) }
  }
  private carry(way: Way, frame: Frame): void {
    const { world } = this
    const connection = this.connections.find(({ back, there }) => there === way || back === way)
    if (connection === undefined) return
    way.arrivesMillis = Math.max(way.arrivesMillis, world.nowMillis + this.latency())
    const arrive = (): void => {
      if (connection.lost) return
      // The connection broke meanwhile: the frame is late, with all that were sent before it.
      const lateMillis = way.arrivesMillis - world.nowMillis
      if (way.from.isOver && lateMillis > 50) world.after(lateMillis, undefined, arrive)
      else if (this.isCut(way.from.machine, way.to.machine)) way.standing.push(arrive)
      else {
        world.trace(`${way.from.machine.name}>${way.to.machine.name}`)
        way.to.deliver(frame)
      }
    }
    way.from.machine.send(way.arrivesMillis - world.nowMillis, arrive)
    if (this.breaks > 0 && world.dice.chance(this.breaks)) this.break(connection)
  }
  private close(connection: Connection, way: Way): void {
    way.from.finish(1000)
    this.connections = this.connections.filter((one) => one !== connection)
    way.from.machine.send(this.latency(), () => way.to.finish(1000))
  }
}

const pairOf = (a: Machine, b: Machine): string => a.name < b.name ? `${a.name}|${b.name}` : `${b.name}|${a.name}`
