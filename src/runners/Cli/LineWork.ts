// JSON lines in, JSON lines out: the frame of `polya verify` and `polya vote`. Lines are read as they are needed, worked in groups at once and
// written in the order of the input, so memory does not grow with the file. A line that does not fit is a line of the output that says so, and
// costs nothing else. The output file appears when it is whole.
import { Clock, Effect, Option, Result, type Scope, Stream } from "effect"
import { fstat, type Stats } from "node:fs"
import { type FileHandle, open, stat } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { pipeline } from "node:stream"
import { promisify } from "node:util"
import { createGunzip } from "node:zlib"
import type { OutputFailed } from "../../actors/RunOutput.ts"
import type { Json, JsonObject } from "../../domain/Json.ts"
import { JsonlSink, LineBuffer } from "../sinks/JsonlSink.ts"
import { makeWriter, outputFailed, type SinkWriter } from "../sinks/Sink.ts"
import { chunkLines } from "../sources/JsonLines.ts"
import { type RawItem, refail } from "../sources/Reader.ts"
import { chunkBytes } from "../sources/SourceFile.ts"
import { type CommandFailed, misused, misusedBy, workFailed } from "./Failure.ts"
import { count, mebibytes, plural, printLine, seconds, shown, table } from "./Say.ts"

/** Why a line has no result. */
export interface LineFailure {
  readonly error: string
  readonly message: string
}

export interface LineWork<Row> {
  /** The command's name, and what a line holds. */
  readonly command: string
  readonly noun: string
  /** A file, or "-" for standard input and output. */
  readonly input: string
  readonly output: string
  readonly json: boolean
  readonly maxLineBytes: number
  /** Groups in work at once. */
  readonly concurrency: number
  readonly read: (value: JsonObject) => Result.Result<Row, LineFailure>
  /** The result of each row, in order; a string `error` in one makes it a failure. */
  readonly work: (rows: ReadonlyArray<Row>) => Effect.Effect<ReadonlyArray<JsonObject | LineFailure>>
  /** What is counted of a result: for people in lines, for machines in fields. */
  readonly tally: {
    readonly add: (result: JsonObject) => void
    readonly lines: () => ReadonlyArray<readonly [string, string]>
    readonly fields: () => JsonObject
  }
}

/** Rows worked together, and characters of their lines, about. */
const groupRows = 128
const groupBytes = 1_048_576
const lineEveryMillis = 2_000
const jsonEveryMillis = 500
const barEveryMillis = 100

/** Whoever read the output has gone. */
const readerGone = Symbol("readerGone")

export const workLines = Effect.fnUntraced(function*<Row>(options: LineWork<Row>) {
  const { command, concurrency, json, noun, output, tally } = options
  const input = yield* openInput(options.input)
  const sink = yield* openOutput(output, input.facts)
  const startedMillis = yield* Clock.currentTimeMillis
  const failed = new Map<string, number>()
  const rowsOnStdout = output === "-"
  const progress = makeProgress({ command, noun, json: json && !rowsOnStdout, startedMillis, bytes: input.bytes })
  let lines = 0
  let failures = 0

  const workGroup = Effect.fnUntraced(function*(items: ReadonlyArray<RawItem>) {
    const read = items.map((item) =>
      "value" in item
        ? { item, id: item.value["id"], row: options.read(item.value) }
        : { item, id: undefined, row: Result.fail({ error: item.tag, message: item.message }) }
    )
    const works = yield* options.work(read.flatMap(({ row }) => Result.isSuccess(row) ? [row.success] : []))
    let at = 0
    const rows = read.map(({ id, item: { line }, row }): JsonObject => {
      const work = Result.isSuccess(row) ? works[at++] as JsonObject | LineFailure : row.failure
      return "error" in work && typeof work["error"] === "string"
        ? { ...(id === undefined ? {} : { id }), line, error: work["error"], message: work["message"] as Json }
        : { id: id ?? null, ...work as JsonObject }
    })
    return { rows, offset: items.at(-1)?.offset ?? 0 }
  })

  yield* Stream.fromAsyncIterable(groupsOf(input.chunks, options.maxLineBytes), refail(options.input)).pipe(
    Stream.mapEffect(workGroup, { concurrency }),
    Stream.runForEach(({ offset, rows }) =>
      Effect.gen(function*() {
        yield* sink.write(rows)
        for (const row of rows) {
          lines++
          const { error } = row
          if (typeof error === "string") {
            failures++
            failed.set(error, (failed.get(error) ?? 0) + 1)
          } else tally.add(row)
        }
        yield* progress.show({ lines, failures, offset })
      })
    ),
    Effect.andThen(sink.commit),
    Effect.ensuring(progress.close),
    Effect.catchIf((error) => error === readerGone, () => Effect.void),
    Effect.mapError((error): CommandFailed => workFailed(error.message, "", error._tag))
  )

  const elapsed = Math.max(0.001, ((yield* Clock.currentTimeMillis) - startedMillis) / 1000)
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1024
  if (json && !rowsOnStdout) {
    yield* printLine({
      event: "done",
      in: lines,
      ...tally.fields(),
      failed: failures,
      errors: Object.fromEntries(failed),
      seconds: elapsed,
      rowsPerSecond: Math.round(lines / elapsed),
      peakMemoryBytes
    })
  } else {
    yield* say([
      `${command}: ${plural(lines, noun)} in ${seconds(elapsed)} (${
        count(Math.round(lines / elapsed))
      } a second, peak memory ${mebibytes(peakMemoryBytes)})`,
      ...table([
        ...tally.lines(),
        ...(failures === 0 ? [] : [["failed", count(failures)] as const]),
        ...[...failed].map(([tag, n]) => ["", `${count(n).padStart(7)}  ${tag}`] as const),
        ...(rowsOnStdout ? [] : [["written", shown(resolve(output))] as const])
      ])
    ])
  }
  if (lines > 0 && failures === lines) {
    return yield* workFailed(
      `${
        lines === 1 ? "The only line is" : `Of ${count(lines)} lines, none is`
      } a ${noun} that this command understands; ${rowsOnStdout ? "the output" : shown(resolve(output))} says why.`,
      "",
      "NothingFit"
    )
  }
})

const say = (lines: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.sync(() => void process.stderr.write(lines.map((line) => `${line}\n`).join("")))

interface Input {
  readonly chunks: AsyncIterable<Buffer>
  /** null: not known. */
  readonly bytes: number | null
  /** What the file system says of it; undefined: nothing. */
  readonly facts: Stats | undefined
}

/** What the file system says of an open stream; undefined: nothing. */
const factsOf = (descriptor: number) => Effect.promise(() => promisify(fstat)(descriptor).catch(() => undefined))

const openInput = Effect.fnUntraced(function*(path: string): Effect.fn.Return<Input, CommandFailed, Scope.Scope> {
  if (path === "-") return { chunks: process.stdin, bytes: null, facts: yield* factsOf(0) }
  const handle = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => open(path, "r"), catch: (cause) => misusedBy(refail(path)(cause)) }),
    (handle) => Effect.promise(() => handle.close().catch(() => undefined))
  )
  const facts = yield* Effect.promise(() => handle.stat())
  if (facts.isDirectory()) return yield* misused(`${path} is a folder; give a file of JSON lines`)
  const bytes = handle.createReadStream({ highWaterMark: chunkBytes, autoClose: false })
  if (!/\.gz$/i.test(path)) return { chunks: bytes, bytes: facts.isFile() ? facts.size : null, facts }
  // The pipeline's own error reaches the reader through the unpacker, so its callback has nothing to add.
  return { chunks: pipeline(bytes, createGunzip({ chunkSize: chunkBytes }), () => {}), bytes: null, facts }
})

const openOutput = Effect.fnUntraced(
  function*(
    path: string,
    input: Stats | undefined
  ): Effect.fn.Return<SinkWriter | typeof stdoutSink, CommandFailed, Scope.Scope> {
    const statOf = (path: string) => Effect.promise(() => stat(path).catch((): Stats | undefined => undefined))
    const facts = yield* path === "-" ? factsOf(1) : statOf(path)
    if (facts?.isFile() === true && facts.dev === input?.dev && facts.ino === input.ino) {
      return yield* misused(
        `${path === "-" ? "Standard output" : path} is the file that is read, which would be lost`,
        "Give another file with --out."
      )
    }
    if (path === "-") return stdoutSink
    if (facts?.isDirectory() === true) return yield* misused(`${path} is a folder; give the name of a file`)
    const folder = dirname(path)
    if (facts === undefined && (yield* statOf(folder)) === undefined) {
      return yield* misused(
        `Cannot write ${path}: there is no folder ${folder}`,
        "Make it first, or choose another one."
      )
    }
    const sink = facts === undefined || facts.isFile() ? JsonlSink.open(path) : openDevice(path)
    return yield* Effect.mapError(sink, (error) => misusedBy(error))
  }
)

/** What is no file (a pipe, /dev/null) keeps its place: it is written straight. */
const openDevice = Effect.fnUntraced(function*(path: string) {
  const handle: FileHandle = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => open(path, "w"), catch: outputFailed(path) }),
    (handle) => Effect.promise(() => handle.close().catch(() => undefined))
  )
  const lines = new LineBuffer(handle)
  return makeWriter(path, { write: (rows) => lines.write(rows), commit: () => lines.flush() })
})

const stdoutSink = {
  write: (rows: ReadonlyArray<JsonObject>): Effect.Effect<void, typeof readerGone | OutputFailed> =>
    Effect.callback((resume) => {
      const { stdout } = process
      const failed = (cause: unknown) =>
        Effect.fail(isGone(cause) ? readerGone : outputFailed("standard output")(cause))
      if (!stdout.writable) return resume(failed(stdout.errored))
      stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(""), (cause) => {
        resume(cause == null ? Effect.void : failed(stdout.errored ?? cause))
      })
    }),
  commit: Effect.void
}

/** Whether a failure to write means that whoever read has gone; a stream that was closed without an error has no reader either. */
const isGone = (cause: unknown): boolean => {
  const code = (cause as NodeJS.ErrnoException | null)?.code ?? "EPIPE"
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED"
}

/** The lines in groups of bounded size. */
async function* groupsOf(chunks: AsyncIterable<Buffer>, maxLineBytes: number): AsyncGenerator<ReadonlyArray<RawItem>> {
  let group: Array<RawItem> = []
  let start = 0
  for await (const items of chunkLines(chunks, { offset: 0, line: 0 }, maxLineBytes)) {
    for (const item of items) {
      group.push(item)
      if (group.length < groupRows && item.offset - start < groupBytes) continue
      yield group
      start = item.offset
      group = []
    }
  }
  if (group.length > 0) yield group
}

interface Seen {
  readonly lines: number
  readonly failures: number
  /** Bytes of the input up to here. */
  readonly offset: number
}

const makeProgress = (options: {
  readonly command: string
  readonly noun: string
  readonly json: boolean
  readonly startedMillis: number
  readonly bytes: number | null
}) => {
  const { bytes, command, json, noun, startedMillis } = options
  const terminal = !json && process.stderr.isTTY === true
  const everyMillis = json ? jsonEveryMillis : terminal ? barEveryMillis : lineEveryMillis
  let shownMillis = startedMillis
  let drawn = false
  return {
    show: ({ failures, lines, offset }: Seen) =>
      Effect.flatMap(Clock.currentTimeMillis, (nowMillis) => {
        if (nowMillis - shownMillis < everyMillis) return Effect.void
        shownMillis = nowMillis
        const elapsed = (nowMillis - startedMillis) / 1000
        const share = bytes === null || bytes === 0 ? null : Math.min(1, offset / bytes)
        if (json) {
          return printLine({
            event: "progress",
            in: lines,
            failed: failures,
            share,
            seconds: Math.round(elapsed * 10) / 10
          })
        }
        const text = `${command}: ${plural(lines, noun)}${share === null ? "" : ` (${Math.floor(share * 100)}%)`}, ${
          count(failures)
        } failed, ${count(Math.round(lines / elapsed))} a second`
        return Effect.sync(() => {
          drawn = terminal
          process.stderr.write(terminal ? `\r\u001b[2K${text}` : `${text}\n`)
        })
      }),
    close: Effect.sync(() => {
      if (drawn) process.stderr.write("\r\u001b[2K")
    })
  }
}

/** The places of both ends: `--in` is needed, without `--out` lines go to standard output. */
export const placesOf = (flags: {
  readonly in: Option.Option<string>
  readonly out: Option.Option<string>
}): Effect.Effect<{ readonly input: string; readonly output: string }, CommandFailed> =>
  Option.match(flags.in, {
    onNone: () => Effect.fail(misused("Say what to read: --in FILE, or --in - for standard input")),
    onSome: (input) => Effect.succeed({ input, output: Option.getOrElse(flags.out, () => "-") })
  })
