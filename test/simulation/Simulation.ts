// One seed, one world: some runners with the real actors over one database, clients that ask, troubles, calm, and the check. Deterministic:
// equal options give equal histories, as `digest` tells.
import { Effect, Layer } from "effect"
import { ActorLimits, actorLimitsDefaults } from "../../src/actors/DurableActor.ts"
import * as Polya from "../../src/actors/Polya.ts"
import { makeRunnerStats, RunnerStats } from "../../src/actors/RunnerStats.ts"
import { check } from "./Checker.ts"
import { Database, type Plant } from "./Database.ts"
import * as Faults from "./Faults.ts"
import * as MemoryCluster from "./MemoryCluster.ts"
import { Network } from "./Network.ts"
import { type Outputs, portsOf, type RunShape, shapes } from "./RunShape.ts"
import * as Workload from "./Workload.ts"
import { Dice, World } from "./World.ts"

export interface Options {
  readonly seed: number
  readonly plant?: Plant | undefined
  /** Without it nothing goes wrong. Default true. */
  readonly trouble?: boolean
  /** Default: by the seed. */
  readonly shape?: RunShape
  /** Is told every line of the history. */
  readonly listener?: (line: string) => void
}

export interface Outcome {
  readonly seed: number
  /** A sentence each; empty: all is well. */
  readonly violations: ReadonlyArray<string>
  readonly digest: number
  readonly virtualMillis: number
  readonly commits: number
  readonly answers: number
  readonly outputs: ReadonlyArray<string>
}

/** After the last trouble everything is through within this time. */
const calmMillis = 90_000
/** Runners forget actors that nobody used for so long, and read again what is watched, twice in that time. */
const idleMillis = 8_000
/** Late writes land within six seconds; then watchers get this long to see the last state. */
const quietMillis = 6_000 + idleMillis / 2 + 1_000

/** The same run, slow enough to be met by trouble. */
const paced = (shape: RunShape, rowsPerSecond: number): RunShape => ({
  ...shape,
  recipe: { ...shape.recipe, limits: { ...shape.recipe.limits, rowsPerSecond } }
})

const expectedOutputs = new Map<string, string>()
const expectedOf = (shape: RunShape): string => {
  const known = expectedOutputs.get(shape.name)
  if (known !== undefined) return known
  const { outputs, violations } = simulate({ seed: 0, trouble: false, shape })
  if (violations.length > 0) throw new Error(`a world without trouble has some: ${violations.join("; ")}`)
  const output = outputs[0] ?? ""
  expectedOutputs.set(shape.name, output)
  return output
}

export const simulate = (options: Options): Outcome => {
  const { listener, plant, seed, trouble = true } = options
  const world = new World(seed, listener)
  const { dice } = world
  const shape = options.shape ?? paced(dice.pick(shapes), dice.pick([4, 8, 16]))
  const expected = trouble ? expectedOf(shape) : undefined
  const network = new Network(world)
  const database = new Database(world, plant)
  const tables = new MemoryCluster.ClusterTables(database)
  const ledger = Workload.newLedger()
  const outputs: Outputs = []
  const ports = portsOf(shape, outputs)

  const start = (node: Faults.Node, sameAddress: boolean): void => {
    node.lives++
    const host = sameAddress ? node.name : `${node.name}${node.lives}`
    const machine = world.machine(`${node.name}.${node.lives}`)
    node.machine = machine
    world.trace(`start ${machine.name} at ${host}`)
    const actors = Layer.mergeAll(Workload.OwnLog.layer(), Workload.SharedLog.layer(), Workload.Register.layer()).pipe(
      Layer.provideMerge(Polya.layer()),
      Layer.provide(Layer.succeed(ActorLimits, { ...actorLimitsDefaults, idleMillis })),
      // Without its own, all processes of all worlds would count in one place, which holds them all.
      Layer.provide(Layer.succeed(RunnerStats, makeRunnerStats())),
      Layer.provide([ports, database.layerFor(machine)]),
      Layer.provide(MemoryCluster.runner({ machine, network, tables }, host))
    )
    machine.run(Layer.launch(actors))
  }
  const nodes = Array.from({ length: trouble ? dice.between(2, 4) : 2 }, (_, at): Faults.Node => ({
    name: String.fromCharCode(97 + at),
    machine: undefined,
    lives: 0,
    start
  }))
  for (const node of nodes) start(node, true)

  const clients = ["x", "y", "z"].map((name) => world.machine(name))
  clients.forEach((machine, at) => {
    const own = new Dice(seed * 31 + at + 1)
    const work = Effect.gen(function*() {
      yield* Effect.sleep(1_000)
      yield* Effect.forkChild(Workload.watcher(at === 1 ? "SharedLog" : "OwnLog", ledger))
      yield* Effect.all([
        Workload.client(machine, own, ledger),
        ...(at === 0 ? [Workload.operator(new Dice(seed * 31 + 7), ledger, shape)] : [])
      ], { concurrency: "unbounded" })
      return yield* Effect.never
    })
    machine.run(Effect.provide(
      work,
      Layer.mergeAll(MemoryCluster.client({ machine, network, tables }), database.layerFor(machine))
    ))
  })

  const scene: Faults.Scene = { world, network, database, tables, nodes, clients }
  world.run(1_500)
  if (trouble) {
    const troubleMillis = dice.between(4_000, 18_000)
    Faults.plan(scene, dice.between(3, 14), troubleMillis)
    world.run(troubleMillis + 1)
    world.immediate(undefined, () => Faults.end(scene))
  }
  ledger.quiet = true
  const finished = world.run(calmMillis, () => ledger.busy === 0)
  world.run(quietMillis)
  return {
    seed,
    violations: [...world.crashes, ...check({ database, ledger, outputs, shape, expected, finished })],
    digest: world.digest >>> 0,
    virtualMillis: world.nowMillis - world.startMillis,
    commits: database.actorWrites.length,
    answers: ledger.answers.length,
    outputs
  }
}
