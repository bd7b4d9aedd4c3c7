// infra/ as far as a machine without Docker and Kubernetes can check it: the files parse, name commands, flags, settings, ports and paths that
// exist, and the image holds what the program needs.
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parse, parseAllDocuments } from "yaml"
import { areas } from "../../src/runners/Config.ts"
import { variableOf } from "../../src/runners/Config/Settings.ts"
import { polya } from "../process/Program.ts"

const root = join(import.meta.dirname, "..", "..")
const read = (name: string): string => readFileSync(join(root, "infra", name), "utf8")
const compose: any = parse(read("compose.yaml"), { merge: true })
const kubernetes: ReadonlyArray<any> = parseAllDocuments(read("kubernetes.yaml")).map((document) => {
  assert.deepStrictEqual(document.errors, [])
  return document.toJS()
})
const dockerfile = read("Dockerfile")
const copied = [...dockerfile.matchAll(/^COPY (.+)$/gm)].flatMap(([, paths = ""]) => paths.split(" ").slice(0, -1))
const deployments = kubernetes.filter(({ kind }) => kind === "Deployment")
const containers = deployments.flatMap(({ spec }) => spec.template.spec.containers as ReadonlyArray<any>)

const variables = new Set<string>(
  Object.entries(areas).flatMap(([area, settings]) =>
    Object.entries(settings).map(([field, setting]) => variableOf(area, field, setting))
  )
)
/** The arguments of polya in every place where it is started. */
const calls: ReadonlyArray<ReadonlyArray<string>> = [
  compose.services.api.command,
  compose.services.runner.command[0].replace("\"$$(hostname -i)\"", "1.2.3.4").split(" ").slice(3),
  ...containers.map(({ args }) => args)
]

describe("infra", () => {
  it("starts polya with commands and flags that it has", { timeout: 300_000 }, async () => {
    assert.deepStrictEqual(calls.map(([command]) => command), ["serve", "runner", "serve", "runner"])
    const helps = new Map<string, string>()
    for (const command of ["serve", "runner"]) helps.set(command, (await polya([command, "--help"])).stdout)
    for (const [command = "", ...args] of calls) {
      for (const flag of args.filter((one) => one.startsWith("--"))) assert.include(helps.get(command), flag)
      assert.isTrue(args.every((one, at) => one.startsWith("--") || args[at - 1]?.startsWith("--")), args.join(" "))
    }
  })

  it("sets only settings that there are", () => {
    const names = [
      ...Object.keys(compose.services.api.environment),
      ...Object.keys(compose.services.runner.environment),
      ...containers.flatMap(({ env }) => env.map(({ name }: any) => name)),
      ...[...dockerfile.matchAll(/POLYA_[A-Z_]+/g)].map(([name]) => name)
    ].filter((name) => name.startsWith("POLYA_"))
    assert.isAbove(names.length, 4)
    for (const name of names) assert.isTrue(variables.has(name), name)
  })

  it("builds an image that holds what the program needs", () => {
    for (const path of copied) assert.isTrue(existsSync(join(root, path)), path)
    const ignored = readFileSync(join(root, ".dockerignore"), "utf8")
    for (const path of copied) assert.include(ignored, `!${path}`)
    const folder = mkdtempSync(join(tmpdir(), "polya-image-"))
    try {
      for (const path of copied) cpSync(join(root, path), join(folder, path), { recursive: true })
      symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
      const ended = spawnSync(process.execPath, [join(folder, "bin", "polya.js"), "--version"], { encoding: "utf8" })
      assert.strictEqual(ended.status, 0, ended.stderr)
      const served = spawnSync(process.execPath, [join(folder, "bin", "polya.js"), "serve", "--help"], {
        encoding: "utf8"
      })
      assert.include(served.stdout, "--groups")
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("uses the Node that the project pins", () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
    assert.include(dockerfile, `FROM node:${dependencies.node}-`)
  })

  it("probes ports and paths that the containers have", () => {
    for (const { name, ports, readinessProbe, startupProbe, livenessProbe } of containers) {
      const named = new Set(ports.map(({ name }: any) => name))
      assert.strictEqual(startupProbe.httpGet.path, "/health", name)
      assert.strictEqual(readinessProbe.httpGet.path, "/ready", name)
      for (const probe of [startupProbe.httpGet, readinessProbe.httpGet, livenessProbe.tcpSocket]) {
        assert.isTrue(named.has(probe.port), probe.port)
      }
    }
    const [api, runner] = containers
    assert.strictEqual(api.args[api.args.indexOf("--port") + 1], String(api.ports[0].containerPort))
    assert.strictEqual(runner.args[runner.args.indexOf("--port") + 1], String(runner.ports[0].containerPort))
    assert.strictEqual(runner.args[runner.args.indexOf("--health-port") + 1], String(runner.ports[1].containerPort))
  })

  it("selects the pods that it makes, and gives them time to hand over", () => {
    for (const { metadata, spec } of deployments) {
      assert.deepInclude(spec.template.metadata.labels, spec.selector.matchLabels)
      assert.strictEqual(metadata.namespace, "polya")
      const graceMillis = spec.template.spec.terminationGracePeriodSeconds * 1_000
      assert.isAbove(graceMillis, areas.cluster.terminationMillis.default)
    }
    const service = kubernetes.find(({ kind }) => kind === "Service")
    const api = deployments[0]
    assert.deepInclude(api?.spec.template.metadata.labels, service.spec.selector)
    for (const service of [compose.services.api, compose.services.runner]) {
      assert.isAbove(Number.parseInt(service.stop_grace_period) * 1_000, areas.cluster.terminationMillis.default)
      assert.strictEqual(service.depends_on.postgres.condition, "service_healthy")
    }
    assert.strictEqual(compose.services.runner.deploy.replicas, 3)
  })

  it("keeps secrets out of the files", () => {
    for (const text of [read("compose.yaml"), read("kubernetes.yaml")]) {
      for (const [address = ""] of text.matchAll(/postgres:\/\/\S+/g)) {
        assert.match(address, /:\$\{POSTGRES_PASSWORD|:password@host/)
      }
    }
  })
})
