// How a dead runner is noticed at once: the system refuses connections to the port of a process that is gone, so each runner knocks at the
// ports of the two that follow it in the order of addresses. A runner that is merely busy still accepts them and is left alone; one whose
// machine is gone or cut off loses its heartbeat instead.
import { Effect, Layer, Schedule } from "effect"
import { type RunnerAddress, RunnerHealth, RunnerStorage } from "effect/cluster"
import { connect } from "node:net"
import { RunnerTable } from "./Storage.ts"

const knockMillis = 1_000

/** `refused`: nobody listens there. `unknown`: no answer, which may be the network's fault. */
export const knock = (address: RunnerAddress.RunnerAddress): Effect.Effect<"open" | "refused" | "unknown"> =>
  Effect.callback((resume) => {
    const socket = connect({ host: address.host, port: address.port })
    const end = (answer: "open" | "refused" | "unknown"): void => {
      socket.removeAllListeners()
      socket.on("error", () => {})
      socket.destroy()
      resume(Effect.succeed(answer))
    }
    socket.setTimeout(knockMillis, () => end("unknown"))
    socket.once("connect", () => end("open"))
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code === "ECONNREFUSED" ? "refused" : "unknown"))
    return Effect.sync(() => end("unknown"))
  })

/** For Effect's own round over all runners: it also brings back one that was taken for dead and is not. */
export const healthLayer: Layer.Layer<RunnerHealth.RunnerHealth> = Layer.succeed(RunnerHealth.RunnerHealth, {
  isAlive: (address) => Effect.map(knock(address), (answer) => answer !== "refused")
})

const nameOf = ({ host, port }: RunnerAddress.RunnerAddress): string => `${host}:${port}`

const successors = 2

/** Says of neighbours that are gone that they are; their cluster shards move with everybody's next look at the table. */
export const watch = (
  self: RunnerAddress.RunnerAddress,
  healthMillis: number
): Effect.Effect<void, never, RunnerStorage.RunnerStorage | RunnerTable> =>
  Effect.gen(function*() {
    const storage = yield* RunnerStorage.RunnerStorage
    const table = yield* RunnerTable
    /** Runners that were told of; forgotten when the table does not count them as living any more. */
    const gone = new Set<string>()
    const tell = (address: RunnerAddress.RunnerAddress): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (gone.has(nameOf(address))) return Effect.void
        gone.add(nameOf(address))
        return Effect.logWarning(`The runner at ${nameOf(address)} is gone; others take its work over`)
      })
    const look = Effect.suspend(() => {
      const others = table.runners().filter(({ healthy, runner }) => healthy && nameOf(runner.address) !== nameOf(self))
        .map(({ runner }) => runner.address)
        .sort((a, b) => nameOf(a) < nameOf(b) ? -1 : 1)
      const names = new Set(others.map(nameOf))
      for (const name of gone) if (!names.has(name)) gone.delete(name)
      const next = others.findIndex((address) => nameOf(address) > nameOf(self))
      const order = next < 0 ? others : [...others.slice(next), ...others.slice(0, next)]
      return Effect.forEach(order.slice(0, successors), (address) =>
        Effect.flatMap(knock(address), (answer) =>
          answer === "refused"
            ? Effect.andThen(storage.setRunnerHealth(address, false), tell(address))
            : Effect.void), { concurrency: successors, discard: true })
    })
    yield* look.pipe(
      // The database is away: whoever is dead is found when it is back.
      Effect.ignore,
      Effect.repeat(Schedule.spaced(healthMillis))
    )
  })
