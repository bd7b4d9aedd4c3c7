// Runs attacks on one column of the table, in a process of its own: the secret in its environment, its listeners, its memory and its
// children belong to this column alone, and an attack that ends this process ends nothing else. Rows come as a file; what was seen goes to
// standard output, one line of JSON each.
import { randomBytes } from "node:crypto"
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { sandboxLimitsDefaults } from "../../src/domain/Sandbox.ts"
import type { Backend, CellReply, Interpreter } from "../../src/runners/sandbox/Interpreter.ts"
import { type Attack, filled } from "./Attack.ts"
import { type Column, columnOf, harnessOf, isControl } from "./Columns.ts"
import { breachesOf, readingOf } from "./Detectors.ts"
import type { Told } from "./Told.ts"
import { descendantsOf, digestOf, filesBelow, listen, type Listeners, until } from "./Watch.ts"

const { column, folder, lanes, rowsFile }: {
  readonly column: Column
  readonly folder: string
  readonly lanes: number
  readonly rowsFile: string
} = JSON.parse(process.argv[2] ?? "{}")
const attacks: ReadonlyArray<Attack> = JSON.parse(readFileSync(rowsFile, "utf8"))

const wallMillis = 700
/** For what does not loop on purpose: an attack that runs out of time was not tried. */
const patientMillis = 8_000
const graceMillis = 300
/** Tells a hang from a machine that is busy. */
const slackMillis = 15_000
/** What a row may come with late: a process that outlived its session. */
const lateMillis = 5_000
const mebibyte = 1_048_576
const limits = { ...sandboxLimitsDefaults, memoryBytes: 512 * mebibyte, cpuMillis: 60_000 }
/** What an interpreter takes beside what its code allocates: WebAssembly's compiled code, the heap of JavaScript, libraries. */
const processLimitBytes = 1.3 * limits.memoryBytes + 400 * mebibyte

const say = (told: Told): void => {
  process.stdout.write(`${JSON.stringify(told)}\n`)
}
// Who asked is gone: so is the question.
process.stdin.on("end", () => process.exit(3)).resume()

const secret = `S${randomBytes(12).toString("hex")}`
process.env["HSBX_SECRET"] = secret
process.env["POLYA_TOKEN"] = secret
const [open, scratch] = [join(folder, "open"), join(folder, "scratch")]
for (const path of [open, scratch]) mkdirSync(path)
chmodSync(folder, 0o755)
// Open to everybody: that nobody can read or write here must be the sandbox's doing.
chmodSync(open, 0o777)
process.env["TMPDIR"] = scratch
const canary = join(open, "canary.txt")
writeFileSync(canary, `canary ${secret}`, { mode: 0o644 })
const harness = isControl(column) ? join(open, "harness.py") : harnessOf(column)
if (isControl(column)) {
  copyFileSync(harnessOf(column), harness)
  chmodSync(harness, 0o666)
}
const watched = isControl(column) ? [harness] : [dirname(harness)]
const harnessText = readFileSync(harness, "utf8")

let signals: Array<string> = []
const ends = ["SIGUSR1", "SIGUSR2", "SIGHUP", "SIGINT", "SIGTERM", "SIGIO", "SIGALRM", "SIGWINCH", "SIGCONT"] as const
for (const signal of ends) process.on(signal, () => signals.push(signal))

const descendants = descendantsOf(process.pid)
let mostRss = 0
let mostProcessBytes = 0
const sampler = setInterval(() => {
  mostRss = Math.max(mostRss, process.memoryUsage.rss())
  mostProcessBytes = Math.max(mostProcessBytes, descendants.look())
}, 200)

const within = <A>(promise: Promise<A>, millis: number): Promise<A | null> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => timer = setTimeout(() => resolve(null), millis))
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
const printable = (text: string): string => text.slice(0, 100).replace(/[^\x20-\x7e]/g, "?")
const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

const ask = (interpreter: Interpreter, code: string, wall = wallMillis): Promise<CellReply | null> =>
  within(
    interpreter.exec({ code, wallMillis: wall, graceMillis, outputBytes: limits.outputBytes }),
    wall + graceMillis + slackMillis
  )
/** Null: it answered as it must. */
const wrong = (reply: CellReply | null, stdout: string): string | null =>
  reply === null
    ? "hangs"
    : reply.status !== "ok" || reply.stdout !== stdout
    ? `${reply.status} ${reply.cause ?? ""} ${JSON.stringify(reply.stdout.slice(0, 60))} ${
      reply.stderr.trim().slice(-120)
    }`
    : null

const startOn = (backend: Backend, tenant: string): Promise<Interpreter> =>
  backend.start({ tenant, seed: 7, limits, signal: new AbortController().signal })

const victimCode = `VICTIM_SECRET = '${secret}'
open('victim.txt', 'w').write('victim ${secret}')
try: open('/tmp/victim2.txt', 'w').write('victim ${secret}')
except OSError: pass
print('ready')`
const victimCheck = "print('fine', len(VICTIM_SECRET), len(open('victim.txt').read()))"
const victimSays = `fine ${secret.length} ${secret.length + 7}\n`
/** What a fresh session looks like: nothing of an earlier one may show in it. */
const freshCheck = `def fresh():
    import builtins, json, os, random, sys
    print(sorted(globals()), len(vars(builtins)), json.dumps([1]), json.loads('{"a": 1}'), random.random(), os.listdir('.'),
          'pwned' in vars(sys), hasattr(builtins, 'pwned'), sum(map(len, ('a', 'bc'))), sys.getrecursionlimit(), repr('x'))
fresh()
del fresh`

/** What is known of a row once its session is over; late things are added at the end. */
interface Ran {
  readonly attack: Attack
  readonly listeners: Listeners
  readonly write: string
  readonly judge: (fresh: string | null) => ReadonlyArray<string>
  readonly reply: CellReply | null
  readonly millis: number
  fresh: string | null
  readonly more: ReadonlyArray<string>
}

const all: Array<Ran> = []
let freshSays: string | null = null

const checkFresh = async (interpreter: Interpreter): Promise<string | null> => {
  const reply = await ask(interpreter, freshCheck, 5_000)
  freshSays ??= reply?.status === "ok" ? reply.stdout : null
  return wrong(reply, freshSays ?? "")
}

const runLane = async (backend: Backend, lane: number, next: () => Attack | undefined): Promise<void> => {
  const tenant = `lane-${lane}`
  const startVictim = async (): Promise<Interpreter> => {
    const interpreter = await startOn(backend, tenant)
    const refusal = wrong(await ask(interpreter, victimCode, 5_000), "ready\n")
    if (refusal !== null) throw new Error(`the session beside the attacks does not work: ${refusal}`)
    return interpreter
  }
  // An unprotected level has nothing that a session beside it could rely on.
  let victim = isControl(column) ? null : await startVictim()
  let previous: Ran | undefined
  for (let attack = next(); attack !== undefined; attack = next()) {
    say({ kind: "started", id: attack.id })
    const listeners = await listen()
    const write = join(open, `written-${all.length}-${lane}-${attack.id.replace(/\W/g, "")}`)
    const places = {
      canary,
      canaryFolder: open,
      write,
      port: listeners.port,
      abstractName: listeners.abstractName,
      harness
    }
    const digest = digestOf(watched)
    const source = filled(attack.source, places)
    const session = await startOn(backend, tenant)
    if (!isControl(column)) {
      const fresh = await checkFresh(session)
      if (previous !== undefined) previous.fresh = fresh
      else if (fresh !== null) throw new Error(`a first session is not as it must be: ${fresh}`)
    }
    const rssBefore = mostRss = process.memoryUsage.rss()
    mostProcessBytes = 0
    signals = []
    const wall = attack.bounded === true ? (attack.timeout ?? 0) * 1_000 || wallMillis : patientMillis
    const started = performance.now()
    const reply = await ask(session, source, wall)
    const millis = performance.now() - started
    const hung = reply === null || millis > wall + graceMillis + slackMillis
    let later: string | null = null
    if (reply !== null && !reply.stateLost && session.alive()) {
      const after = await ask(session, "40 + 2")
      later = after === null ? "hangs" : after.status === "ok" && after.value !== "42" ? `42 is ${after.value}` : null
    }
    // What is looked for after the session's end is looked for at the end of all.
    if (attack.settle !== undefined) await pause(Math.min(attack.settle, 1) * 1_000)
    if (reply !== null) mostProcessBytes = Math.max(mostProcessBytes, descendants.look())
    const grown = Math.max(mostRss, process.memoryUsage.rss()) - rssBefore
    const processBytes = mostProcessBytes
    const caught = signals
    const more: Array<string> = []
    let beside: string | null = null
    if (victim !== null) {
      beside = wrong(await ask(victim, victimCheck), victimSays)
      if (beside !== null) {
        await within(victim.end(), slackMillis)
        victim = await startVictim()
      }
    }
    if ((await within(session.end().then(() => true), slackMillis)) === null) more.push("the session did not end")
    if (session.alive()) more.push("the session lives on after its end")
    const harnessChanged = digestOf(watched) !== digest
    // Only what an attack appends is taken back; nobody else's work is.
    const now = readFileSync(harness, "utf8")
    if (now !== harnessText && now.startsWith(harnessText)) writeFileSync(harness, harnessText)
    const ran: Ran = {
      attack,
      listeners,
      write,
      reply,
      millis,
      fresh: null,
      more,
      judge: (fresh) =>
        breachesOf(readingOf(attack), {
          reply: hung ? null : reply,
          secret,
          source,
          outputBytes: limits.outputBytes,
          written: existsSync(write),
          ...listeners.seen,
          signals: caught,
          harnessChanged,
          parentGrowthBytes: grown,
          processBytes,
          processLimitBytes,
          victim: beside,
          fresh,
          later,
          polluted: Object.keys(Object.prototype).length > 0 || "polluted" in {}
        })
    }
    all.push(ran)
    previous = ran
  }
  if (!isControl(column)) {
    const last = await startOn(backend, tenant)
    const fresh = await checkFresh(last)
    if (previous !== undefined) previous.fresh = fresh
    await within(last.end(), slackMillis)
    await within(victim?.end() ?? Promise.resolve(), slackMillis)
  }
}

const main = async (): Promise<void> => {
  const backend = await columnOf(column, { folder: open, sessions: 3 * lanes, spares: 1 })
  if (!("start" in backend)) {
    say({ kind: "absent", detail: backend.detail })
    return
  }
  say({ kind: "offered", detail: backend.facts.detail })
  await backend.warm("lane-0")
  let at = 0
  await Promise.all(Array.from({ length: lanes }, (_, lane) => runLane(backend, lane, () => attacks[at++])))
  const lastMillis = all.some(({ attack }) => (attack.settle ?? 0) > 1) ? lateMillis : 500
  await pause(lastMillis)
  descendants.look()
  const closed = (await within(backend.close().then(() => true), slackMillis)) !== null
  clearInterval(sampler)
  for (const { attack, fresh, judge, listeners, millis, more, reply } of all) {
    listeners.close()
    say({
      kind: "row",
      id: attack.id,
      why: [...judge(fresh), ...more],
      status: reply === null ? "hung" : reply.cause === null ? reply.status : `${reply.status}/${reply.cause}`,
      millis: Math.round(millis),
      cut: (reply?.status === "timeout" || reply?.cause === "wall") && attack.bounded !== true,
      said: printable(reply?.stdout.trim().split("\n").at(0) || reply?.stderr.trim().split("\n").at(-1) || "")
    })
  }
  const left: Array<string> = closed ? [] : ["the level did not close"]
  await until(() => descendants.living().length === 0, lateMillis)
  left.push(
    ...descendants.living().map((name) => `process ${name}`),
    ...filesBelow(scratch).map((name) => `file ${name}`)
  )
  descendants.end()
  say({ kind: "over", left: left.slice(0, 20) })
}

await main().catch((error: unknown) => {
  descendants.end()
  say({ kind: "failed", detail: String(error instanceof Error ? error.stack : error) })
})
process.exit(0)
