// `polya fake-llm` as a child process, for tests that ask it over real HTTP.
import type { Counts } from "../../src/runners/fakeLlm/Counts.ts"
import { start } from "./Program.ts"

export interface FakeProcess extends AsyncDisposable {
  /** With `/v1`. */
  readonly url: string
  readonly pid: number
  readonly counts: () => Promise<Counts>
  readonly reset: () => Promise<void>
  /** Ends it and waits until it has ended; its exit code. */
  readonly close: () => Promise<number | null>
}

/** Starts it with a script (a file, or a name of those that ship) and waits until it listens. `key`: that of the script. */
export const fakeServer = async (
  script: string,
  options: { readonly seed?: number; readonly key?: string } = {}
): Promise<FakeProcess> => {
  const { child, ended, printed, said } = start([
    "fake-llm",
    script,
    "--port",
    "0",
    "--json",
    ...(options.seed === undefined ? [] : ["--seed", String(options.seed)])
  ])
  await said(/"event":"ready".*\n/)
  const ready = printed().split("\n").find((line) => line.includes("\"event\":\"ready\"")) ?? "{}"
  const { pid, url } = JSON.parse(ready) as { readonly url: string; readonly pid: number }
  const headers: Record<string, string> = options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }
  const at = (path: string): URL => new URL(path, url)
  const close = async (): Promise<number | null> => {
    child.kill("SIGTERM")
    return (await ended).code
  }
  return {
    url,
    pid,
    counts: async () => {
      const response = await fetch(at("/fake/counts"), { headers })
      if (!response.ok) throw new Error(`the counts answered ${response.status}`)
      return await response.json() as Counts
    },
    reset: async () => void (await fetch(at("/fake/reset"), { method: "POST", headers })).body?.cancel(),
    close,
    [Symbol.asyncDispose]: async () => void (await close())
  }
}
