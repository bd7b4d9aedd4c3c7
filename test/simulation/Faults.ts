// What goes wrong in a world, by the dice: processes that die, freeze, end or start, links and the database cut or away, weather in which calls
// and connections fail, clocks that jump. All of it is over by the end of its time, so that what is stuck then is stuck for good.
import type { Database } from "./Database.ts"
import { noCallFaults } from "./Database.ts"
import type { ClusterTables } from "./MemoryCluster.ts"
import type { Network } from "./Network.ts"
import type { Machine, World } from "./World.ts"

/** A place for a runner: its processes follow each other. */
export interface Node {
  readonly name: string
  machine: Machine | undefined
  lives: number
  /** Starts a process, at the address of the one before or at a new one. */
  readonly start: (node: Node, sameAddress: boolean) => void
}

export interface Scene {
  readonly world: World
  readonly network: Network
  readonly database: Database
  readonly tables: ClusterTables
  readonly nodes: ReadonlyArray<Node>
  readonly clients: ReadonlyArray<Machine>
}

const alive = ({ nodes }: Scene): ReadonlyArray<Node> => nodes.filter(({ machine }) => machine?.state === "running")

/** Kinds of trouble with how often each is drawn. */
const kinds = [
  ["kill", 4],
  ["freeze", 6],
  ["end", 1],
  ["link", 3],
  ["databaseLink", 3],
  ["away", 1],
  ["weather", 4],
  ["clock", 2],
  ["break", 3]
] as const
const drawn = kinds.flatMap(([kind, weight]) => Array.from({ length: weight }, () => kind))

/** At once, or with a write in the machine's hands: when it next asks for one. */
const soon = ({ database, world }: Scene, machine: Machine, strike: () => void): void => {
  if (world.dice.chance(0.4)) strike()
  else database.traps.set(machine, strike)
}

const kill = (scene: Scene, node: Node, machine: Machine): void => {
  if (machine.state === "dead") return
  const { dice } = scene.world
  const sent = dice.chance(0.5) ? "leaves" : "stays"
  scene.world.trace(`kill ${machine.name} ${sent}`)
  machine.die(sent)
  gone(scene, node, machine, dice.chance(0.3))
}

/** A process is no more. Its system says so to all that it was connected to, unless that is gone, too; another takes its place. */
const gone = (scene: Scene, node: Node, machine: Machine, silent: boolean): void => {
  const { network, tables, world } = scene
  world.trace(`gone ${machine.name} ${silent ? "silently" : ""}`)
  network.drop(machine, silent)
  if (!silent) world.after(world.dice.between(0, 20), undefined, () => tables.endSession(machine))
  node.machine = undefined
  world.after(world.dice.between(50, 5_000), undefined, () => revive(scene, node))
}

const revive = ({ world }: Scene, node: Node): void => {
  if (node.machine === undefined) node.start(node, world.dice.chance(0.5))
}

const happen = (scene: Scene, lastMillis: number): void => {
  const { clients, database, network, world } = scene
  const { dice } = world
  const nodes = alive(scene)
  const node = nodes.length === 0 ? undefined : dice.pick(nodes)
  const machine = node?.machine
  const kind = dice.pick(drawn)
  if (node === undefined || machine === undefined) return
  const forMillis = Math.min(dice.chance(0.3) ? dice.between(1, 200) : dice.between(200, 7_000), lastMillis)
  const over = (end: () => void): void => void world.after(forMillis, undefined, end)
  world.trace(`${kind} ${machine.name} ${forMillis}`)
  switch (kind) {
    case "kill":
      return soon(scene, machine, () => kill(scene, node, machine))
    case "freeze":
      return soon(scene, machine, () => {
        if (machine.state !== "running") return
        machine.freeze(dice.chance(0.3) ? "leaves" : "stays")
        world.trace(`frozen ${machine.name}`)
        over(() => {
          if (machine.state !== "frozen") return
          world.trace(`thaw ${machine.name}`)
          machine.thaw()
        })
      })
    case "end":
      machine.end(() => gone(scene, node, machine, false))
      // A process that does not end in time is killed.
      return void world.after(5_000, undefined, () => {
        if (node.machine === machine) kill(scene, node, machine)
      })
    case "link": {
      const others = [...nodes.flatMap((one) => one.machine ?? []), ...clients].filter((one) => one !== machine)
      const cut = dice.chance(0.4) ? others : others.length === 0 ? [] : [dice.pick(others)]
      for (const other of cut) network.cut(machine, other)
      return over(() => network.heal())
    }
    case "databaseLink":
      database.cut.add(machine)
      return over(() => database.cut.delete(machine))
    case "away":
      database.away = true
      return over(() => {
        database.away = false
      })
    case "weather":
      database.faults = { before: 0.03, after: 0.08, late: 0.08 }
      database.slowest = dice.between(10, 900)
      network.breaks = 0.01
      network.slowest = dice.between(10, 1_200)
      return over(() => calm(scene))
    case "clock":
      machine.offsetMillis += dice.between(-30_000, 30_000)
      return
    case "break":
      return network.breakAny()
  }
}

const calm = ({ database, network }: Scene): void => {
  database.faults = noCallFaults
  database.slowest = 0
  network.breaks = 0
  network.slowest = 0
}

/** Plans `count` troubles within `forMillis`. */
export const plan = (scene: Scene, count: number, forMillis: number): void => {
  const { dice } = scene.world
  for (let n = 0; n < count; n++) {
    const atMillis = dice.between(500, forMillis)
    scene.world.after(atMillis, undefined, () => happen(scene, forMillis - atMillis))
  }
}

/** Every trouble is over: all nodes run, all links stand, the database is there. */
export const end = (scene: Scene): void => {
  const { database, network, nodes, world } = scene
  world.trace("calm")
  calm(scene)
  network.heal()
  database.traps.clear()
  database.away = false
  database.cut.clear()
  for (const node of nodes) {
    if (node.machine?.state === "frozen") node.machine.thaw()
    revive(scene, node)
  }
}
