// The port to how a process is: whether it answers at all, and whether new work is welcome. Probes ask often, so answers are cheap.
import { Context, type Effect } from "effect"
import type { ProcessState } from "./Lifecycle.ts"

export interface Check {
  /** `store`, `cluster`, `process`, `disk`, `eventLoop`. */
  readonly name: string
  readonly ok: boolean
  /** A sentence for people. */
  readonly detail: string
}

export interface HealthReport {
  readonly version: string
  readonly state: ProcessState
  readonly store: "sqlite" | "postgres"
  readonly cluster: {
    /** `alone`: a cluster of its own. `client`: reaches all actors and hosts none. */
    readonly role: "alone" | "client" | "runner"
    /** Where the other processes reach it; null where none does. */
    readonly address: string | null
    readonly groups: ReadonlyArray<string>
    /** Runners that live, as of the last look; empty where it is a cluster of its own. */
    readonly runners: ReadonlyArray<string>
  }
  /** Where code of models runs; null while it is looked for. A level of null: it cannot run here. */
  readonly sandbox:
    | {
      readonly level: string | null
      readonly python: string | null
      readonly sympy: string | null
      readonly numpy: string | null
      /** Of the level in force, or of those that cannot be had. */
      readonly detail: string
    }
    | null
  /** How many endpoints of each model answered last, are left alone, or are not known; null while it is looked at. None of it is a check. */
  readonly models:
    | ReadonlyArray<
      { readonly name: string; readonly up: number; readonly down: number; readonly unknown: number }
    >
    | null
  readonly checks: ReadonlyArray<Check>
}

export class Health extends Context.Service<Health, {
  /** This process runs and its event loop is not stuck; nothing else is asked. A supervisor may end a process that says no for long. */
  readonly live: Effect.Effect<{ readonly ok: boolean; readonly detail: string }>
  /** What `/health` says: `ok` once the process has started and until it ends, whatever its store does just now. */
  readonly health: Effect.Effect<HealthReport & { readonly ok: boolean }>
  /** What `/ready` says: `ok` while every check is. */
  readonly ready: Effect.Effect<HealthReport & { readonly ok: boolean }>
}>()("polya/Health") {}
