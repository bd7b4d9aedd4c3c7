// `polya exec`: Python in the sandbox of this machine, or with --url in that of a running cluster. One cell in a fresh session; or a session
// whose cells run as soon as they are complete, so that a program can drive it through a pipe.
import { Effect, Fiber, Layer, Option } from "effect"
import { createReadStream, fstatSync } from "node:fs"
import type { Readable } from "node:stream"
import { CodeSandbox, type CodeSession, type LevelFacts } from "../../actors/CodeSandbox.ts"
import { checkCell, type ProgramRun, runProgram } from "../../actors/ProgramCheck.ts"
import type { ProgramCheck } from "../../domain/ProgramCheck.ts"
import {
  type CellRefusal,
  type CellResult,
  isAtLeast,
  type OpenRefusal,
  type SandboxLevel
} from "../../domain/Sandbox.ts"
import * as Config from "../Config.ts"
import { ConfigPlaces } from "../Config/Settings.ts"
import * as Sandbox from "../Sandbox.ts"
import * as SymPyLastResort from "../SymPyLastResort.ts"
import * as VerdictWorkers from "../VerdictWorkers.ts"
import { cellsOf, type CellsOptions, CellsUnfit } from "./ExecCommand/Cells.ts"
import { printCell, printCheck, printJson, say } from "./ExecCommand/Printed.ts"
import { CommandFailed, misused, misusedBy, workFailed } from "./Failure.ts"
import { plural } from "./Say.ts"

export interface ExecFlags {
  readonly file: Option.Option<string>
  readonly level: Option.Option<SandboxLevel>
  readonly session: boolean
  readonly replay: boolean
  readonly expect: Option.Option<string>
  readonly seed: Option.Option<number>
  /** Milliseconds. */
  readonly wall: Option.Option<number>
  readonly config: Option.Option<string>
  readonly url: Option.Option<string>
  readonly json: boolean
}

/** What was to be said was said. */
const notOk = new CommandFailed({ exitCode: 1, tag: "CellsFailed", message: "", hint: "" })
const tenant = "local"
const maxSeed = 2 ** 32 - 1
/** Cells of one request to a cluster, and the time of its answer: fetch itself waits no longer for one. */
const maxRemoteCells = 64
const remoteMillis = 300_000
/** After so long without an interpreter, a word on why. */
const slowMillis = 3_000

export const execCommand = Effect.fn("Cli.exec")(function*(flags: ExecFlags) {
  yield* checkFlags(flags)
  const settings = yield* settingsOf(flags)
  const input = yield* openInput(flags.file)
  const remotely = Option.isSome(flags.url)
  const isTyped = input.isTerminal && flags.session && !remotely
  const cells = nextOf(input.stream, {
    codeBytes: settings.sandbox.codeBytes,
    split: !flags.session ? "no" : isTyped ? "percent or empty line" : "percent"
  })
  const work = remotely
    ? atCluster(flags, cells)
    : (flags.session ? inSession(flags, cells, isTyped && !flags.json) : once(flags, cells)).pipe(
      Effect.provide(servicesOf(settings)),
      Effect.catchTag(
        "SandboxUnavailable",
        ({ detail }) => Effect.flatMap(unavailable(flags, settings, detail), Effect.fail)
      ),
      Effect.catchTag("SandboxBusy", (error) => Effect.fail(workFailed(error.message, "", error._tag)))
    )
  // Nobody waits for input that is not needed any more.
  yield* Effect.ensuring(work, Effect.sync(() => void input.stream.destroy()))
})

const checkFlags = Effect.fnUntraced(function*({ level, replay, seed, session, url, wall }: ExecFlags) {
  if (replay && !session) return yield* misused("--replay is for a session: give --session, too")
  if (Option.isSome(url)) {
    if (replay) {
      return yield* misused("--replay is for sessions on this machine; with --url all cells are sent together")
    }
    if (Option.isSome(level)) return yield* misused("--level is for this machine; a cluster runs code at its own level")
  }
  const isWrongSeed = Option.isSome(seed) && !(seed.value >= 0 && seed.value <= maxSeed)
  if (isWrongSeed) return yield* misused(`--seed must be from 0 to ${maxSeed}`)
  if (Option.isSome(wall) && wall.value < 1) return yield* misused("--wall must be at least 1 millisecond")
})

const settingsOf = Effect.fnUntraced(function*({ config, level, url, wall }: ExecFlags) {
  const places = { environment: process.env, directory: process.cwd(), file: Option.getOrUndefined(config) }
  const [configured, verdict] = yield* Effect.all([Config.SandboxConfig.config, Config.VerdictConfig.config]).pipe(
    Effect.provideService(ConfigPlaces, places),
    Effect.mapError(misusedBy)
  )
  if (Option.isNone(url) && Option.isSome(wall) && wall.value > configured.maxWallMillis) {
    return yield* misused(`--wall must be at most sandbox.maxWallMillis, which is ${configured.maxWallMillis}`)
  }
  return { sandbox: { ...configured, level: Option.getOrElse(level, () => configured.level) }, verdict }
})
type ExecSettings = Effect.Success<ReturnType<typeof settingsOf>>

const servicesOf = ({ sandbox, verdict }: ExecSettings) =>
  VerdictWorkers.layer({ ...verdict, workers: 1 }).pipe(
    Layer.provide(SymPyLastResort.layerOf(verdict.lastResort)),
    Layer.provideMerge(Layer.provide(tellingWhy, Sandbox.layer(sandbox, { checked: false })))
  )

/** The sandbox, saying on a terminal why there is silence while an interpreter takes long to start: what reads stderr gets no more than the program said. */
const tellingWhy = Layer.effect(
  CodeSandbox,
  Effect.map(CodeSandbox, (sandbox) =>
    CodeSandbox.of({
      ...sandbox,
      open: Effect.fnUntraced(function*(asked) {
        if (process.stderr.isTTY !== true) return yield* sandbox.open(asked)
        const why = Effect.sync(() =>
          say("starting Python; the first time on a machine the level embedded takes some ten seconds for it")
        )
        const told = yield* Effect.forkChild(Effect.delay(why, slowMillis))
        return yield* Effect.ensuring(sandbox.open(asked), Fiber.interrupt(told))
      })
    }))
)

const openInput = (file: Option.Option<string>) =>
  Effect.suspend((): Effect.Effect<{ readonly stream: Readable; readonly isTerminal: boolean }, CommandFailed> => {
    const path = Option.getOrElse(file, () => "-")
    if (path === "-") return Effect.succeed({ stream: process.stdin, isTerminal: process.stdin.isTTY })
    return Effect.callback((resume) => {
      const cannot = (why: string) => resume(Effect.fail(misused(`Cannot read ${path}: ${why}`, "", "FileUnreadable")))
      const stream = createReadStream(path)
      stream.once(
        "error",
        (error: NodeJS.ErrnoException) => cannot(error.code === "ENOENT" ? "there is no such file" : error.message)
      )
      stream.once("open", (descriptor) => {
        if (fstatSync(descriptor).isDirectory()) {
          stream.destroy()
          return cannot("it is a folder")
        }
        resume(Effect.succeed({ stream, isTerminal: false }))
      })
    })
  })

type NextCell = Effect.Effect<string | undefined, CommandFailed>
/** The next cell of the input; undefined at its end. */
const nextOf = (input: Readable, options: CellsOptions): NextCell => {
  const cells = cellsOf(input, options)
  return Effect.tryPromise({
    try: async () => {
      const { done, value } = await cells.next()
      return done === true ? undefined : value
    },
    catch: (cause) =>
      cause instanceof CellsUnfit
        ? cause.failure
        : misused(
          `Cannot read the code: ${cause instanceof Error ? cause.message : String(cause)}`,
          "",
          "FileUnreadable"
        )
  })
}

const sessionOf = ({ seed }: ExecFlags) => ({
  tenant,
  ...Option.match(seed, { onNone: () => ({}), onSome: (seed) => ({ seed }) })
})
const wallOf = ({ wall }: ExecFlags) =>
  Option.match(wall, { onNone: () => ({}), onSome: (wallMillis) => ({ wallMillis }) })
const noCode = misused("There is no code", "Name a file, or write it to standard input.")

const show = ({ json }: ExecFlags, result: CellResult) =>
  Effect.sync(() => json ? printJson(result) : printCell(result))
const showCheck = ({ json }: ExecFlags, check: ProgramCheck) =>
  Effect.sync(() => json ? printJson({ event: "check", ...check }) : printCheck(check))

/** What a program came to, and whether that was good. */
const conclude = Effect.fnUntraced(function*(flags: ExecFlags, { check, results }: ProgramRun) {
  for (const result of results) yield* show(flags, result)
  if (check !== undefined) yield* showCheck(flags, check)
  const isGood = check === undefined ? results.every(({ status }) => status === "ok") : check.outcome === "right"
  if (!isGood) return yield* notOk
})

const once = Effect.fnUntraced(function*(flags: ExecFlags, next: NextCell) {
  const code = yield* next
  if (code === undefined) return yield* noCode
  const run = yield* runProgram({
    ...sessionOf(flags),
    ...wallOf(flags),
    cells: [code],
    ...Option.match(flags.expect, { onNone: () => ({}), onSome: (expect) => ({ expect }) })
  }).pipe(Effect.catchTags({ CodeTooLong: refused, SessionOver: refused, StateLost: refused }))
  return yield* conclude(flags, run)
})

const refused = (error: CellRefusal | OpenRefusal) => Effect.fail(workFailed(error.message, "", error._tag))

const atCluster = Effect.fnUntraced(function*(flags: ExecFlags, next: NextCell) {
  const { remote } = yield* Effect.promise(() => import("./Remote.ts"))
  const cluster = yield* remote(flags.url)
  const cells: Array<string> = []
  for (let cell = yield* next; cell !== undefined; cell = yield* next) {
    if (cells.length === maxRemoteCells) {
      return yield* misused(`A cluster takes at most ${maxRemoteCells} cells at once`)
    }
    cells.push(cell)
  }
  if (cells.length === 0) return yield* noCode
  const { tenant: _, ...seed } = sessionOf(flags)
  const body = {
    cells,
    ...seed,
    ...wallOf(flags),
    ...Option.match(flags.expect, { onNone: () => ({}), onSome: (expect) => ({ expect }) })
  }
  yield* conclude(flags, yield* cluster.sendOnce("POST", "/api/exec", body, remoteMillis))
})

const inSession = Effect.fnUntraced(function*(flags: ExecFlags, next: NextCell, prompts: boolean) {
  const { failures, last } = yield* Effect.scoped(ranInSession(flags, next, prompts))
  if (last === undefined) return prompts ? undefined : yield* noCode
  if (Option.isNone(flags.expect)) return failures === 0 ? undefined : yield* notOk
  // The session has given its place back: the comparison may need one.
  const check = yield* checkCell(last, flags.expect.value)
  yield* showCheck(flags, check)
  return check.outcome === "right" ? undefined : yield* notOk
})

const ranInSession = Effect.fnUntraced(function*(flags: ExecFlags, next: NextCell, prompts: boolean) {
  const sandbox = yield* CodeSandbox
  const session = yield* sandbox.open(sessionOf(flags))
  if (prompts) {
    yield* Effect.sync(() =>
      say(`a session at ${session.level}; an empty line or # %% ends a cell, Ctrl-D the session, Ctrl-C all of it`)
    )
  }
  let cells = 0
  let failures = 0
  let last: CellResult | undefined
  const asked = Effect.suspend(() => {
    if (prompts) process.stderr.write(`[${cells + 1}] `)
    return next
  })
  const run = (code: string) => session.exec(code, wallOf(flags))
  for (let code = yield* asked; code !== undefined; code = yield* asked) {
    const ran = yield* run(code).pipe(
      // Between two cells somebody ended the interpreter.
      Effect.catchIf(
        (error) => error._tag === "StateLost" && flags.replay,
        (error) => Effect.flatMap(goesOn(flags, session), (goesOn) => goesOn ? run(code ?? "") : Effect.fail(error))
      ),
      Effect.catchTags({ CodeTooLong: refused, SessionOver: refused, StateLost: refused })
    )
    cells++
    last = ran
    if (ran.status !== "ok") failures++
    yield* show(flags, ran)
    if (ran.stateLost && !(yield* goesOn(flags, session))) break
  }
  if (prompts) yield* Effect.sync(() => void process.stderr.write("\n"))
  return { failures, last }
})

/** After a session's state is lost: replays it if that was asked for, and says what became of it. */
const goesOn = Effect.fnUntraced(function*(flags: ExecFlags, session: CodeSession) {
  if (!flags.replay) {
    yield* Effect.sync(() =>
      say("the session's variables and files are lost; it ends here. --replay runs its completed cells again")
    )
    return false
  }
  const { drifted, results } = yield* Effect.catchTags(session.replay, {
    CodeTooLong: refused,
    SessionOver: refused,
    StateLost: refused
  })
  const isLost = results.at(-1)?.stateLost === true
  yield* Effect.sync(() => {
    if (isLost) say("a cell that had worked lost the state again; the session ends here")
    else say(`the session's state was lost; ${plural(results.length, "completed cell")} ran again`)
    if (drifted.length > 0) say(`came to something else this time: ${drifted.map((cell) => `cell ${cell}`).join(", ")}`)
  })
  return !isLost
})

/** Why no code runs here, and at which levels it would. */
const unavailable = Effect.fnUntraced(function*({ level }: ExecFlags, { sandbox }: ExecSettings, detail: string) {
  const levels: ReadonlyArray<LevelFacts> = yield* Effect.promise(() =>
    Sandbox.probe(sandbox).catch((): ReadonlyArray<LevelFacts> => [])
  )
  const { level: wantedLevel, minIsolation } = sandbox
  const offered = levels.flatMap(({ level, offered }) =>
    offered && (minIsolation === "none" || isAtLeast(level, minIsolation)) ? [level] : []
  )
  // The level is there, and an interpreter did not start: that is no wrong usage.
  if (offered.some((one) => wantedLevel === "auto" || one === wantedLevel)) {
    return workFailed(detail, "", "SandboxUnavailable")
  }
  const wanted = Option.getOrUndefined(level)
  const why = levels.find((one) => one.level === wanted && !one.offered)?.detail
  return misused(
    wanted !== undefined && why !== undefined ? `The level ${wanted} is not offered here: ${why}` : detail,
    offered.length > 0 ? `Offered: ${offered.join(", ")}.` : "`polya doctor` says what is missing.",
    "SandboxUnavailable"
  )
})
