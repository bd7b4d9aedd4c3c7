// Where a thread of a pool begins: it takes over the program's compile cache, which Node does not give to threads by itself, and then is the
// program that it was started for. Loading one takes a tenth of the time so.
import { enableCompileCache, flushCompileCache } from "node:module"
import { dirname } from "node:path"
import { workerData } from "node:worker_threads"

/** What the pool gives each thread. */
export interface ThreadData {
  readonly track: Int32Array
  /** Address of the thread's program. */
  readonly script: string
  /** The folder of the program's compile cache, if it has one. */
  readonly compileCache: string | undefined
}

const { compileCache, script } = workerData as ThreadData
// The folder is that of one version of Node, inside of the one that has to be named.
if (compileCache !== undefined) enableCompileCache(dirname(compileCache))
await import(script)
// A thread that is ended, as most are, would leave nothing for the next one.
flushCompileCache()
