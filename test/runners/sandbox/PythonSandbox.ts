// A sandbox that is none, for programs of the project's own: cells run in a plain interpreter of this machine. What is tested with it is what
// those programs say, not how they are shut in.
import { Clock, Effect, Layer } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { CodeSandbox, type CodeSession, type SandboxFacts } from "../../../src/actors/CodeSandbox.ts"
import type { CellResult } from "../../../src/domain/Sandbox.ts"
import { findSymPy } from "../../../src/runners/sandbox/SymPy.ts"
import { findTools } from "../../../src/runners/sandbox/Tools.ts"

const tools = await findTools()
const sympy = await findSymPy({ cacheDir: join(import.meta.dirname, "none"), tools })

/** Why nothing can be tested here; null: it can. */
export const missing = tools.python === null
  ? "SKIPPED: no Python on this machine"
  : sympy === null
  ? "SKIPPED: no SymPy beside the system's Python"
  : null

const loop = `
import contextlib, io, json, signal, sys
sys.path.insert(0, sys.argv[1])
def late(*_): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, late)
sessions = {}
for line in sys.stdin:
    cell = json.loads(line)
    names = sessions.setdefault(cell["session"], {})
    out, status, error = io.StringIO(), "ok", ""
    signal.setitimer(signal.ITIMER_REAL, cell["wallMillis"] / 1000)
    try:
        with contextlib.redirect_stdout(out): exec(compile(cell["code"], "<cell>", "exec"), names)
    except KeyboardInterrupt: status = "timeout"
    except BaseException as cause: status, error = "error", repr(cause)
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(json.dumps({"status": status, "stdout": out.getvalue(), "stderr": error}), flush=True)
`

const stopped = (child: ChildProcess) =>
  Effect.promise(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill("SIGKILL")
    await once(child, "exit")
  })

/** One interpreter, in which each session has variables of its own; cells run in the order in which they are asked for. */
export const pythonSandbox: Layer.Layer<CodeSandbox> = Layer.effect(
  CodeSandbox,
  Effect.gen(function*() {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(tools.python?.path ?? "python3", ["-I", "-c", loop, sympy?.folder ?? ""], {
          stdio: ["pipe", "pipe", "inherit"]
        })
      ),
      stopped
    )
    const clock = yield* Clock.Clock
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    let sessions = 0
    return CodeSandbox.of({
      facts: Effect.succeed<SandboxFacts>({
        level: "native-strict",
        python: tools.python?.version ?? null,
        sympy: sympy?.version ?? null,
        numpy: null,
        levels: []
      }),
      open: () =>
        Effect.sync((): CodeSession => {
          const session = ++sessions
          let cell = 0
          return {
            id: `python-${session}`,
            level: "native-strict",
            exec: (code, { wallMillis = 30_000 } = {}) =>
              Effect.promise(async () => {
                const startedMillis = clock.currentTimeMillisUnsafe()
                child.stdin.write(`${JSON.stringify({ session, code, wallMillis })}\n`)
                const line = await lines.next()
                return {
                  cell: ++cell,
                  value: null,
                  truncated: false,
                  millis: clock.currentTimeMillisUnsafe() - startedMillis,
                  cause: null,
                  stateLost: false,
                  level: "native-strict",
                  ...JSON.parse(line.value ?? "{}")
                } satisfies CellResult
              }),
            replay: Effect.die("No test replays here"),
            restart: Effect.die("No test restarts here"),
            close: Effect.void
          }
        })
    })
  })
)
