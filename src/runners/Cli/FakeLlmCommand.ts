// `polya fake-llm`: the scripted OpenAI-compatible server as a process, until it is told to stop.
import { Clock, Effect, Option, Schema } from "effect"
import type { Counts } from "../fakeLlm/Counts.ts"
import { loadScript } from "../fakeLlm/ScriptFile.ts"
import { start } from "../fakeLlm/Server.ts"
import { misused, misusedBy } from "./Failure.ts"
import { count, plural, printLine, shown } from "./Say.ts"

export interface FakeLlmFlags {
  readonly script: string
  readonly port: number
  readonly host: string
  readonly seed: Option.Option<number>
  readonly json: boolean
}

const comesWith = "Polya comes with the scripts arithmetic and competition; docs/fake-llm.md tells how one is written."
const loopback = /^(127\.\d+\.\d+\.\d+|localhost|::1)$/
const isSeed = Schema.is(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff })))

export const fakeLlmCommand = Effect.fn("Cli.fakeLlm")(
  function*({ host, json, port, script: name, seed }: FakeLlmFlags) {
    if (!(port >= 0 && port <= 65_535)) return yield* misused("--port must be from 0 to 65535")
    const seeded = Option.getOrUndefined(seed)
    if (seeded !== undefined && !isSeed(seeded)) return yield* misused("--seed must be from 0 to 4294967295")
    const { file, problems, script } = yield* loadScript(name).pipe(
      Effect.mapError((error) =>
        misusedBy(error, error._tag === "YamlUnreadable" && error.reason === "missing" ? comesWith : "")
      )
    )
    const clock = yield* Clock.Clock
    const stopped = stopSignal()
    const server = yield* Effect.tryPromise({
      try: () =>
        start({
          script,
          problems,
          port,
          host,
          now: () => clock.currentTimeMillisUnsafe(),
          ...(seeded === undefined ? {} : { seed: seeded })
        }),
      catch: (cause) => misused(`Cannot listen on ${host}:${port} (${codeOf(cause)}); choose another --port or --host`)
    })
    const models = script.models ?? ["fake"]
    const knows = problems.rows.length === 0 ? "" : `, knows ${plural(problems.rows.length, "problem")}`
    yield* tell(
      json,
      "ready",
      `ready at ${server.url}; answers as ${models.join(", ")} from ${shown(file)} (${
        plural(script.rules.length, "rule")
      }${knows})`,
      { url: server.url, port: server.port, pid: process.pid, models, problems: problems.rows.length }
    )
    if (script.key === undefined && !loopback.test(host)) {
      yield* Effect.sync(() =>
        void process.stderr.write(
          "polya fake-llm: whoever reaches this address may ask it and read what others asked; a script's key prevents it\n"
        )
      )
    }
    yield* Effect.promise(() => stopped)
    const { recent: _, ...counts } = server.counts()
    yield* Effect.promise(() => server.close())
    yield* tell(json, "ended", `ended; ${summaryOf(counts)}`, counts)
  }
)

const tell = (json: boolean, event: string, sentence: string, fields: object) =>
  json
    ? printLine({ event, ...fields, message: sentence })
    : Effect.sync(() => void process.stderr.write(`polya fake-llm: ${sentence}\n`))

const summaryOf = ({ mostInFlight, outcomes, requests }: Omit<Counts, "recent">): string => {
  const by = Object.entries(outcomes).map(([outcome, n]) => `${outcome} ${count(n)}`).join(", ")
  return `${plural(requests, "request")}${by === "" ? "" : ` (${by})`}, at most ${count(mostInFlight)} at once`
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)

/** A signal is how it is meant to end, so it ends with 0; a second one does not wait. */
const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    let seen = false
    for (const name of ["SIGTERM", "SIGINT"] as const) {
      process.removeAllListeners(name)
      process.on(name, () => {
        if (seen) process.exit(130)
        seen = true
        resolve()
      })
    }
  })
