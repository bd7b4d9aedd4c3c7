// What a process is doing as a whole: starting, ready, draining (it finishes what is in its hands and takes nothing new), ended. The health
// routes, the vitals and the drivers of runs read it. Without a layer of it a process counts as ready and never drains.
import { Context, Deferred, Effect, Layer, type Scope } from "effect"

export type ProcessState = "starting" | "ready" | "draining" | "ended"

export interface Lifecycle {
  /** Of this process, from its start to its end; never used again. Empty where there is no layer. */
  readonly id: string
  readonly state: () => ProcessState
  /** Why no new work should come here, a sentence each, such as `PostgreSQL does not answer`; empty: it is welcome. */
  readonly reasons: () => ReadonlyArray<string>
  /** For as long as the scope lives, the process is ready only while `reason` answers nothing. */
  readonly requires: (reason: () => string | undefined) => Effect.Effect<void, never, Scope.Scope>
  readonly started: Effect.Effect<void>
  /** Ends the taking of work; a process never comes back from it. */
  readonly drain: Effect.Effect<void>
  readonly ended: Effect.Effect<void>
  /** Waits until draining begins. */
  readonly draining: Effect.Effect<void>
}

const always: Lifecycle = {
  id: "",
  state: () => "ready",
  reasons: () => [],
  requires: () => Effect.void,
  started: Effect.void,
  drain: Effect.void,
  ended: Effect.void,
  draining: Effect.never
}

export const Lifecycle = Context.Reference<Lifecycle>("polya/Lifecycle", { defaultValue: () => always })

export const make: Effect.Effect<Lifecycle> = Effect.sync(() => {
  let state: ProcessState = "starting"
  const draining = Deferred.makeUnsafe<void>()
  const conditions = new Set<() => string | undefined>()
  const begin = Effect.sync(() => {
    if (state === "ended") return
    state = "draining"
    Deferred.doneUnsafe(draining, Effect.void)
  })
  return {
    id: globalThis.crypto.randomUUID(),
    state: () => state,
    reasons: () => {
      if (state !== "ready") return [`the process is ${state}`]
      return [...conditions].flatMap((condition) => condition() ?? [])
    },
    requires: (reason) =>
      Effect.asVoid(Effect.acquireRelease(
        // Each call is a condition of its own, also where the same function is given twice.
        Effect.sync(() => {
          const condition = () => reason()
          conditions.add(condition)
          return condition
        }),
        (condition) => Effect.sync(() => conditions.delete(condition))
      )),
    started: Effect.sync(() => {
      if (state === "starting") state = "ready"
    }),
    drain: begin,
    ended: Effect.andThen(
      begin,
      Effect.sync(() => {
        state = "ended"
      })
    ),
    draining: Deferred.await(draining)
  }
})

export const layer: Layer.Layer<never> = Layer.effect(Lifecycle, make)
