// The port to a sandbox for code that models write: sessions like a notebook's kernel, shut in at a stated level. A session lives as long as
// the scope that opened it, so an interrupted fiber ends its session. Adapters are in runners/Sandbox.ts; one contract suite runs on each.
import { Context, Effect, Layer, type Scope } from "effect"
import {
  type CellRefusal,
  type CellResult,
  type OpenRefusal,
  type SandboxLevel,
  type SandboxLimits,
  SandboxUnavailable
} from "../domain/Sandbox.ts"

export interface OpenSession {
  /** Sessions of different tenants share no interpreter process and take turns when places are few. */
  readonly tenant: string
  /** Seed of Python's `random`, 0..2^32-1. Default 0. */
  readonly seed?: number
  /** In place of the configured limits, never above them but for `wallMillis`, which goes up to `sandbox.maxWallMillis`. */
  readonly limits?: Partial<SandboxLimits>
}

/** What a replay came to. */
export interface Replayed {
  /** Cells that were run again, in order: all but those that were interrupted half-way or killed. */
  readonly results: ReadonlyArray<CellResult>
  /** Numbers of the cells that now came to something else than the first time (status, stdout or value). */
  readonly drifted: ReadonlyArray<number>
}

export interface CodeSession {
  readonly id: string
  readonly level: SandboxLevel
  /**
   * Runs one cell and answers what it came to; cells of a session run one at a time, in the order asked. A cell that is interrupted ends the
   * session.
   */
  readonly exec: (code: string, options?: { readonly wallMillis?: number }) => Effect.Effect<CellResult, CellRefusal>
  /** Starts the session afresh and runs its completed cells again; where one of them is killed, it ends there, and the state is lost. */
  readonly replay: Effect.Effect<Replayed, CellRefusal>
  /** Starts the session afresh and empty: its cells are forgotten. */
  readonly restart: Effect.Effect<void, CellRefusal>
  /** Ends the session now; ending it again does nothing. */
  readonly close: Effect.Effect<void>
}

/** One level as it was found at start. */
export interface LevelFacts {
  readonly level: SandboxLevel
  readonly offered: boolean
  /** What shuts the code in ("user, pid, net namespaces; Landlock 7; seccomp"), or why the level is not offered and what to do. */
  readonly detail: string
}

export interface SandboxFacts {
  /** The level in force; null: code cannot run here. */
  readonly level: SandboxLevel | null
  /** Of the interpreter in force. */
  readonly python: string | null
  /** Null: importing it says what to run. */
  readonly sympy: string | null
  readonly numpy: string | null
  /** All levels, strongest first. */
  readonly levels: ReadonlyArray<LevelFacts>
}

export class CodeSandbox extends Context.Service<CodeSandbox, {
  /** What was found; looks once, the first time that anybody asks. */
  readonly facts: Effect.Effect<SandboxFacts>
  /** A session at the level in force, as soon as there is a place for it. */
  readonly open: (session: OpenSession) => Effect.Effect<CodeSession, OpenRefusal, Scope.Scope>
}>()("polya/CodeSandbox") {
  /** There is none: every session is refused. */
  static readonly layerNone: Layer.Layer<CodeSandbox> = Layer.succeed(CodeSandbox, {
    facts: Effect.succeed({ level: null, python: null, sympy: null, numpy: null, levels: [] }),
    open: () => Effect.fail(new SandboxUnavailable({ detail: "This process runs no code" }))
  })
}
