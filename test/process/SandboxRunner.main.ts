// A runner with one session at the level named by its argument, for the test that kills parts of it: says when an endless cell runs, what
// came of it, what the next cell is told, and whether the next session works. One line of JSON each.
import { Effect, Fiber, Layer, Option } from "effect"
import { CodeSandbox } from "../../src/actors/CodeSandbox.ts"
import { makeRegistry, MetricRegistry } from "../../src/actors/Metrics.ts"
import { SandboxConfig } from "../../src/runners/Config.ts"
import * as Sandbox from "../../src/runners/Sandbox.ts"

const level = (["embedded", "native-lsm", "native-strict"] as const).find((one) => one === process.argv[2]) ??
  "embedded"
const say = (told: unknown) => Effect.sync(() => process.stdout.write(`${JSON.stringify(told)}\n`))

const main = Effect.gen(function*() {
  const { facts, open } = yield* CodeSandbox
  const found = yield* facts
  if (found.level === null) {
    yield* say({ absent: found.levels.map(({ detail }) => detail).join("; ") })
    return
  }
  const session = yield* open({ tenant: "t" })
  const first = yield* session.exec("open('scratch.txt', 'w').write('x')\nx = 1")
  // The loop is in C: no interrupt reaches it, so that the cell runs until somebody kills it.
  const cell = yield* Effect.forkChild(
    session.exec("import itertools\nsum(itertools.repeat(1))", { wallMillis: 120_000 }),
    { startImmediately: true }
  )
  yield* say({ running: first.status })
  const result = yield* Fiber.join(cell)
  const after = yield* Effect.option(Effect.flip(session.exec("x")))
  const next = yield* (yield* open({ tenant: "t" })).exec("6 * 7")
  yield* say({ result, after: Option.getOrNull(after)?._tag ?? null, next: next.value })
}).pipe(
  Effect.scoped,
  Effect.provide(
    Sandbox.layer({ ...SandboxConfig.defaults, level, spares: 1, startMillis: 120_000 }, { checked: false }).pipe(
      Layer.provide(Layer.succeed(MetricRegistry, makeRegistry()))
    )
  )
)

await Effect.runPromise(main)
process.exit(0)
