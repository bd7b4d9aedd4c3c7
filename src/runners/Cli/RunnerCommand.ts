// `polya runner`: a process that hosts actors of a cluster, in the PostgreSQL database of POLYA_DATABASE_URL. It has no API; with
// `--health-port` it answers `/health` and `/ready`.
import { Effect, Layer, Option } from "effect"
import * as App from "../App.ts"
import { Member } from "../Cluster/Member.ts"
import * as HealthListener from "../HealthListener.ts"
import { misused, misusedBy } from "./Failure.ts"
import { groupsOf, logFormatOf, settings, stay } from "./ServeCommand.ts"

export interface RunnerFlags {
  readonly groups: Option.Option<string>
  readonly host: Option.Option<string>
  readonly port: Option.Option<number>
  readonly healthPort: Option.Option<number>
  readonly config: Option.Option<string>
  readonly logFormat: Option.Option<string>
  readonly json: boolean
}

export const runnerCommand = Effect.fn("Cli.runner")(function*(flags: RunnerFlags) {
  const groups = (yield* groupsOf(flags.groups, ["cpu", "gpu"])) ?? "cpu"
  // The flags are settings said on the command line: they win over the environment, as that does over the file.
  const { cluster, configuration, databaseUrl, dataDir } = yield* settings(flags.config, {
    ...logFormatOf(flags.logFormat),
    ...Option.match(flags.host, { onNone: () => ({}), onSome: (host) => ({ POLYA_CLUSTER_HOST: host }) }),
    ...Option.match(flags.port, { onNone: () => ({}), onSome: (port) => ({ POLYA_CLUSTER_PORT: String(port) }) })
  })
  if (databaseUrl === undefined) return yield* misusedBy(new App.DatabaseMissing())
  const healthPort = Option.getOrUndefined(flags.healthPort)
  if (healthPort !== undefined && !(healthPort >= 1 && healthPort <= 65_535)) {
    return yield* misused("--health-port must be from 1 to 65535")
  }
  const host = cluster.listenHost === "" ? cluster.host : cluster.listenHost
  const app = App.layer({ dataDir, supervise: true, join: groups, reports: "runner" })
  yield* stay({
    what: "runner",
    json: flags.json,
    configuration,
    terminationMillis: cluster.terminationMillis,
    // The health listener answers while the rest still starts.
    layer: (healthPort === undefined ? app : HealthListener.attach.pipe(
      Layer.provideMerge(app),
      Layer.provideMerge(HealthListener.layer({ host, port: healthPort }))
    )).pipe(Layer.provideMerge(configuration)),
    ready: Effect.map(Member, ({ address }) => ({
      sentence: `ready, a ${groups} runner of the cluster at ${address}`,
      address,
      groups
    }))
  })
})
