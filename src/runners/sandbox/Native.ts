// The native levels: CPython on this machine, shut in by the kernel. A zygote for each tenant has the mathematics imported and forks a session in
// milliseconds. A level is offered only after a session of it, started just so, was refused everything that it must be refused.
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import type { LevelFacts } from "../../actors/CodeSandbox.ts"
import { type SandboxLimits, sandboxLimitsDefaults } from "../../domain/Sandbox.ts"
import {
  type Backend,
  type BackendOptions,
  type Interpreter,
  type MakeBackend,
  type NotOffered,
  StartFailed,
  type StartOptions
} from "./Interpreter.ts"
import { launch, type Plan } from "./Native/Launch.ts"
import { sweep } from "./Native/Leftovers.ts"
import { type Ready, Zygote } from "./Native/Zygote.ts"

type Level = Plan["level"]

const probeMillis = 5_000
/** Slots beyond sessions and spares: for those that are ending. */
const endingSlots = 4

/** Tries what a session must not be able to do; its value is what it could. */
const selfCheck = `
import os, socket
def could(name, attempt):
    try:
        attempt()
    except (OSError, ValueError):
        return []
    return [name]
def forked():
    if os.fork() == 0:
        os._exit(0)
with open("probe", "w") as file:
    file.write("x" * 10)
([] if open("probe").read() == "x" * 10 and 1 + 1 == 2 else ["lose what it wrote"]) + could("read /etc", lambda: os.listdir("/etc")) + could(
    "read /", lambda: os.listdir("/")) + could("read /etc/hostname", lambda: open("/etc/hostname").read()) + could(
    "read /proc", lambda: open("/proc/self/status").read()) + could("write", lambda: open("/usr/lib/probe", "w")) + could(
    "make a socket", socket.socket) + could("fork", forked) + could("run a program", lambda: os.execv("/bin/true", ["true"])) + could(
    "signal others", lambda: os.kill(os.getppid(), 0))
`

const probeLimits: SandboxLimits = { ...sandboxLimitsDefaults, cpuMillis: 5_000, memoryBytes: 256 * 1_048_576 }

/** The numpy of one of the folders, by what its installer left there. */
const findNumpy = (folders: ReadonlyArray<string>): { readonly folder: string; readonly version: string } | null => {
  for (const folder of folders) {
    if (!existsSync(join(folder, "numpy", "__init__.py"))) continue
    try {
      const told = readdirSync(folder).map((name) =>
        /^numpy-([\w.]+?)(?:-py[\d.]+)?\.(?:dist|egg)-info$/.exec(name)?.[1]
      )
      return { folder, version: told.find((version) => version !== undefined) ?? "unknown" }
    } catch { /* It cannot be read: as if it were not there. */ }
  }
  return null
}

const within = <A>(millis: number, what: string, promise: Promise<A>): Promise<A> => {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new StartFailed(`${what} took longer than ${millis} ms`)), millis)
  return Promise.race([promise, late.promise]).finally(() => clearTimeout(timer))
}

const told = (failure: unknown): string => failure instanceof Error ? failure.message : String(failure)

/** Starts a zygote without the mathematics and has one session try its walls; null: it could get through, or did not start. */
const probe = async (plan: Plan): Promise<Ready | string> => {
  const zygote = new Zygote(await launch(plan, false), 1)
  const session = async (): Promise<Ready | string> => {
    const ready = await zygote.ready
    const child = await zygote.open(probeLimits, 0, 0, new AbortController().signal)
    const reply = await child.exec({ code: selfCheck, wallMillis: 2_000, graceMillis: 500, outputBytes: 4_096 })
    if (reply.status !== "ok" || reply.value === null) {
      return `a session that tried its walls ended as ${reply.status}: ${reply.stderr.trim().split("\n").at(-1) ?? ""}`
    }
    return reply.value === "[]" ? ready : `a session could do what it must not: ${reply.value}`
  }
  try {
    return await within(probeMillis, "The probe", session())
  } catch (failure) {
    return told(failure)
  } finally {
    await zygote.end()
  }
}

const detailOf = (level: Level, ready: Ready): string =>
  [
    ...(level === "native-strict" ? ["user, pid, net, ipc, uts and mount namespaces (bubblewrap)"] : []),
    `Landlock ${ready.landlock}`,
    "seccomp",
    ready.mounts ? "a file system of its own for each session" : "a fixed number of files for each session",
    ...(ready.users ? [] : ["threads counted for all sessions together"])
  ].join("; ")

class NativeBackend implements Backend {
  readonly level: Level
  readonly facts: LevelFacts
  readonly python: string
  readonly sympy: string | null
  readonly numpy: string | null
  readonly #plan: Plan
  readonly #options: BackendOptions
  /** Least recently used first. */
  readonly #tenants = new Map<string, Promise<Zygote>>()
  readonly #living = new Set<Zygote>()
  readonly #making = new Set<Promise<Zygote>>()
  #unassigned: Promise<Zygote> | null = null
  #limits: SandboxLimits = sandboxLimitsDefaults
  #closed = false

  constructor(plan: Plan, options: BackendOptions, ready: Ready, numpy: string | null) {
    this.level = plan.level
    this.facts = { level: plan.level, offered: true, detail: detailOf(plan.level, ready) }
    this.python = plan.python.version
    this.sympy = plan.sympy?.version ?? null
    this.numpy = numpy
    this.#plan = plan
    this.#options = options
  }

  readonly start = async (options: StartOptions): Promise<Interpreter> => {
    this.#limits = options.limits
    const timer = new AbortController()
    const signal = AbortSignal.any([options.signal, timer.signal])
    const opened = (async () => {
      const zygote = await this.#zygoteOf(options.tenant)
      return zygote.open(options.limits, options.seed, this.#options.spares, signal)
    })()
    opened.catch(() => {})
    const calledOff = Promise.withResolvers<never>()
    const abort = () => calledOff.reject(new StartFailed("The start was called off"))
    options.signal.addEventListener("abort", abort, { once: true })
    if (options.signal.aborted) abort()
    try {
      return await within(this.#options.startMillis, "Starting a session", Promise.race([opened, calledOff.promise]))
    } catch (failure) {
      timer.abort()
      throw failure instanceof StartFailed ? failure : new StartFailed(told(failure))
    } finally {
      options.signal.removeEventListener("abort", abort)
    }
  }

  async #zygoteOf(tenant: string): Promise<Zygote> {
    const known = this.#tenants.get(tenant)
    if (known !== undefined) {
      const zygote = await known.catch(() => null)
      if (zygote !== null && !zygote.worn) {
        this.#tenants.delete(tenant)
        this.#tenants.set(tenant, known)
        return zygote
      }
      // Another start may have put a new one in its place meanwhile.
      if (this.#tenants.get(tenant) !== known) return this.#zygoteOf(tenant)
      this.#tenants.delete(tenant)
      if (zygote !== null) void this.#retire(zygote)
    }
    const making = this.#adopt(tenant) ?? this.#make(tenant)
    this.#tenants.set(tenant, making)
    const zygote = await making
    // The one that waited for a tenant may have ended while it did.
    return zygote.worn ? this.#zygoteOf(tenant) : zygote
  }

  /** The zygote that nobody has used yet. */
  #adopt(tenant: string): Promise<Zygote> | null {
    const unassigned = this.#unassigned
    if (unassigned === null) return null
    this.#unassigned = null
    return this.#makeRoom(tenant).then(() => unassigned, (failure: unknown) => {
      this.#unassigned ??= unassigned
      throw failure
    })
  }

  #make(tenant: string | null): Promise<Zygote> {
    const making = this.#made(tenant)
    this.#making.add(making)
    void making.catch(() => {}).then(() => this.#making.delete(making))
    return making
  }

  async #made(tenant: string | null): Promise<Zygote> {
    if (this.#closed) throw new StartFailed("The sandbox is closed")
    if (tenant !== null) await this.#makeRoom(tenant)
    const zygote = new Zygote(
      await launch(this.#plan, true),
      this.#options.sessions + this.#options.spares + endingSlots
    )
    this.#living.add(zygote)
    void zygote.gone.then(() => this.#living.delete(zygote))
    if (this.#closed) {
      await zygote.end()
      throw new StartFailed("The sandbox is closed")
    }
    return zygote
  }

  async #makeRoom(tenant: string): Promise<void> {
    if (this.#tenants.size < this.#options.tenants) return
    for (const [other, making] of this.#tenants) {
      if (other === tenant) continue
      const zygote = await making.catch(() => null)
      if (zygote !== null && !zygote.idle) continue
      this.#tenants.delete(other)
      if (zygote !== null) await zygote.end()
      return
    }
    throw new StartFailed(
      `All of ${this.#options.tenants} tenants have sessions open: end some, or raise sandbox.tenants`
    )
  }

  /** Ends a zygote once its last session has ended. */
  async #retire(zygote: Zygote): Promise<void> {
    await zygote.emptied()
    await zygote.end()
  }

  readonly warm = async (tenant?: string): Promise<void> => {
    try {
      if (tenant === undefined) this.#unassigned ??= this.#make(null)
      const making = tenant === undefined ? this.#unassigned : this.#zygoteOf(tenant)
      const zygote = await making
      await within(this.#options.startMillis, "Warming up", zygote?.ready ?? Promise.resolve(null))
      zygote?.prepare(this.#limits, this.#options.spares)
    } catch {
      this.#unassigned = null
    }
  }

  readonly processes = (): number => [...this.#living].reduce((sum, zygote) => sum + zygote.processes, 0)

  readonly close = async (): Promise<void> => {
    this.#closed = true
    this.#tenants.clear()
    this.#unassigned = null
    await Promise.allSettled(this.#making)
    await Promise.all([...this.#living].map((zygote) => zygote.end()))
  }
}

/** What no native level can do without, as a sentence; null: all of it is there. */
const obstacle = (options: BackendOptions): string | null => {
  const { arch, python, pythonMissing } = options.tools
  if (process.platform !== "linux") return `Native levels need Linux, and this is ${process.platform}`
  if (arch !== "x64" && arch !== "arm64") {
    return `There are no tables of system calls for ${arch}: x86-64 and arm64 only`
  }
  if (python === null) return pythonMissing ?? "There is no python3: apt-get install python3"
  if (process.getuid?.() === 0 && !python.readableByAll) {
    return `Sessions run as nobody, who cannot read ${python.path}: install Python where everybody can read it (apt-get install python3)`
  }
  return null
}

const planOf = (level: Level, options: BackendOptions, numpyFolder: string | null): Plan | null => {
  const { bwrap, python } = options.tools
  if (python === null) return null
  // Nobody cannot read what lies under a folder of root's own.
  const hidden = process.getuid?.() === 0 && options.sympy?.readableByAll === false
  const sympy = hidden ? null : options.sympy
  const sentence = hidden
    ? `SymPy lies in ${options.sympy?.folder}, which sessions cannot read as nobody: name a readable folder (sandbox.sympy)`
    : "SymPy is not here: run `polya doctor --fix` on the machine that runs the code"
  return {
    level,
    python,
    bwrap,
    sympy,
    numpyFolder,
    missing: {
      ...(sympy === null ? { sympy: sentence, mpmath: sentence } : {}),
      ...(numpyFolder === null
        ? { numpy: `NumPy is not installed for the Python of this level (${python.path}, ${level})` }
        : {})
    },
    tasks: options.sessions * sandboxLimitsDefaults.threads
  }
}

const make = async (level: Level, options: BackendOptions): Promise<Backend | NotOffered> => {
  const inTheWay = obstacle(options)
  if (inTheWay !== null) return { level, detail: inTheWay }
  const numpy = findNumpy(options.tools.python?.purelib ?? [])
  const plan = planOf(level, options, numpy?.folder ?? null)
  if (plan === null) return { level, detail: "There is no python3" }
  const ready = await probe(plan)
  if (typeof ready === "string") return { level, detail: refusal(level, ready) }
  return new NativeBackend(plan, options, ready, numpy?.version ?? null)
}

const refusal = (level: Level, why: string): string => {
  if (
    level === "native-strict" &&
    /namespace|setting up uid map|clone|Creating new|EPERM|Operation not permitted/i.test(why)
  ) {
    return `bubblewrap may not make namespaces here (${why}): allow them (sysctl kernel.unprivileged_userns_clone=1, `
      + `sysctl kernel.apparmor_restrict_unprivileged_userns=0, or a container that permits them)`
  }
  return `The probe of ${level} failed: ${why}`
}

/** Under bubblewrap, Landlock and seccomp. */
export const makeStrict: MakeBackend = async (options) => {
  if (options.tools.bwrap === null && process.platform === "linux") {
    return { level: "native-strict", detail: "There is no bubblewrap: apt-get install bubblewrap" }
  }
  return make("native-strict", options)
}

/** Under Landlock and seccomp alone. */
export const makeLsm: MakeBackend = async (options) => {
  if (process.platform === "linux") sweep()
  return make("native-lsm", options)
}
