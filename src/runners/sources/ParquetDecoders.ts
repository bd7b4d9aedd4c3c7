// Parquet decoders as processes that answer within a deadline and a heap limit, or are ended. A decoder that did its work is kept a
// little while for the next file, since starting one costs more than looking at a small file.
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { FromDecoder, ToDecoder } from "./ParquetDecoder.ts"

export interface ParquetLimits {
  /** Time for one answer: at most one piece of a row group to be decoded. Default 30,000. */
  readonly parquetMillis: number
  /** Heap of a decoder. A piece of a row group is 128 MiB of Parquet at most, its rows a few times as much. Default 1,024. */
  readonly heapMiB?: number
}

export interface Decoder {
  /** One question at a time. Never rejects; a decoder that was late or has ended answers `Failed` for good. */
  readonly ask: (request: ToDecoder) => Promise<FromDecoder>
  /** Alive and not at work. */
  readonly free: () => boolean
  /** Done when the process is gone. */
  readonly end: () => Promise<void>
}

/** Decoders for the files of one process. */
export interface Decoders {
  readonly take: () => Decoder
  /** Every decoder that was taken comes back here. */
  readonly give: (decoder: Decoder) => Promise<void>
  /** Ends the free ones; one that is given back later is ended then. */
  readonly close: () => Promise<void>
}

const startMillis = 30_000
const idleMillis = 2_000
const idleMax = 2

// From sources this file is .ts and the decoder too; after a build both are .js.
const program = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./ParquetDecoder.ts" : "./ParquetDecoder.js", import.meta.url)
)

const startDecoder = ({ heapMiB = 1_024, parquetMillis }: ParquetLimits): Decoder => {
  const child = fork(program, [], {
    execArgv: [`--max-old-space-size=${heapMiB}`, "--max-semi-space-size=16"],
    stdio: ["pipe", "ignore", "ignore", "ipc"],
    serialization: "advanced"
  })
  const gone = Promise.withResolvers<void>()
  let over: string | undefined
  let busy = false
  let settle: ((message: FromDecoder) => void) | undefined
  let timer: NodeJS.Timeout | undefined

  const answered = (message: FromDecoder): void => {
    clearTimeout(timer)
    const resolve = settle
    settle = undefined
    resolve?.(message)
  }
  const end = (why: string): void => {
    over ??= why
    child.kill("SIGKILL")
    answered({ _tag: "Failed", detail: over })
  }
  const expect = (millis: number, late: string): Promise<FromDecoder> =>
    new Promise((resolve) => {
      settle = resolve
      // An answer that lies in the pipe when a busy event loop comes to its timers is not late: it is read first.
      timer = setTimeout(() => setImmediate(() => settle === resolve && end(late)), millis)
    })
  child.on("message", answered)
  child.on("error", (error) => {
    end(`its decoder failed: ${error.message}`)
    if (child.pid === undefined) gone.resolve()
  })
  child.on("exit", (code, signal) => {
    const memory = signal === "SIGABRT" || signal === "SIGTRAP" || signal === "SIGILL"
    end(
      memory
        ? `decoding it takes more than ${heapMiB} MiB of memory`
        : `its decoder ended (${signal ?? `code ${code}`})`
    )
    gone.resolve()
  })
  const ready = expect(startMillis, `its decoder did not start within ${startMillis} ms`)

  return {
    ask: async (request) => {
      busy = true
      await ready
      const answer = over === undefined
        ? expect(parquetMillis, `it could not be decoded within ${parquetMillis} ms (source.parquetMillis)`)
        : { _tag: "Failed" as const, detail: over }
      if (over === undefined) child.send(request)
      const message = await answer
      busy = false
      return message
    },
    free: () => over === undefined && !busy,
    end: () => {
      end("its decoder was closed")
      return gone.promise
    }
  }
}

export const makeDecoders = (limits: ParquetLimits): Decoders => {
  const idle = new Map<Decoder, NodeJS.Timeout>()
  let closed = false
  const leave = (decoder: Decoder): Promise<void> => {
    clearTimeout(idle.get(decoder))
    idle.delete(decoder)
    return decoder.end()
  }
  return {
    take: () => {
      for (const [decoder, timer] of idle) {
        clearTimeout(timer)
        idle.delete(decoder)
        if (decoder.free()) return decoder
      }
      return startDecoder(limits)
    },
    give: async (decoder) => {
      if (closed || !decoder.free() || idle.size >= idleMax) return decoder.end()
      idle.set(decoder, setTimeout(() => void leave(decoder), idleMillis))
    },
    close: async () => {
      closed = true
      await Promise.all([...idle.keys()].map(leave))
    }
  }
}
