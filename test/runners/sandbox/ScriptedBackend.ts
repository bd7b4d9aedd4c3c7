// A backend of the sandbox without Python: a cell's code is the name of what it comes to.
import type { KillCause } from "../../../src/domain/Sandbox.ts"
import type { Backend, CellReply, Interpreter } from "../../../src/runners/sandbox/Interpreter.ts"
import { StartFailed } from "../../../src/runners/sandbox/Interpreter.ts"

export interface Started extends Interpreter {
  readonly ran: Array<string>
  readonly lose: (cause: KillCause) => void
  isAlive: boolean
}

const said: CellReply = {
  status: "ok",
  stdout: "",
  stderr: "",
  value: null,
  truncated: false,
  millis: 1,
  cause: null,
  stateLost: false
}

/** `print X`, `raise`, `slow`, `exit`, `kill CAUSE`, `count` (cells so far), `hang` (until the interpreter is ended). */
const replyTo = (code: string, count: number): CellReply => {
  const [word = "", rest = ""] = code.split(" ", 2)
  switch (word) {
    case "print":
      return { ...said, stdout: rest }
    case "raise":
      return { ...said, status: "error", stderr: "Error" }
    case "slow":
      return { ...said, status: "timeout" }
    case "exit":
      return { ...said, status: "exited", stateLost: true }
    case "kill":
      return { ...said, status: "killed", cause: rest as KillCause, stateLost: true }
    default:
      return { ...said, value: String(count) }
  }
}

export const scriptedBackend = (options: { readonly refuse?: () => boolean } = {}) => {
  const started: Array<Started> = []
  /** A start waits for this. */
  let gate: Promise<void> = Promise.resolve()
  const backend: Backend = {
    level: "native-strict",
    facts: { level: "native-strict", offered: true, detail: "scripted" },
    python: "3.14.0",
    sympy: null,
    numpy: null,
    start: async () => {
      await gate
      if (options.refuse?.() === true) throw new StartFailed("no interpreter today")
      const ran: Array<string> = []
      let hung: ((reply: CellReply) => void) | undefined
      let tell = (_cause: KillCause) => {}
      const one: Started = {
        ran,
        isAlive: true,
        alive: () => one.isAlive,
        exec: ({ code }) => {
          ran.push(code)
          return code === "hang"
            ? new Promise((resolve) => {
              hung = resolve
            })
            : Promise.resolve(replyTo(code, ran.length))
        },
        onLost: (told) => {
          tell = told
        },
        lose: (cause) => {
          one.isAlive = false
          tell(cause)
        },
        end: () => {
          one.isAlive = false
          hung?.({ ...said, status: "killed", cause: "host", stateLost: true })
          return Promise.resolve()
        }
      }
      started.push(one)
      return one
    },
    warm: () => Promise.resolve(),
    processes: () => started.filter(({ isAlive }) => isAlive).length,
    close: () => Promise.resolve()
  }
  return {
    backend,
    started,
    /** Starts wait until the answer is called. */
    hold: () => {
      let open = () => {}
      gate = new Promise((resolve) => {
        open = resolve
      })
      return () => open()
    }
  }
}
