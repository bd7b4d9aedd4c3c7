// Processes in a plain Map, for tests and for a process that is alone over memory. Its time is the Clock's.
import { Clock, Effect, Layer } from "effect"
import { Processes, type ProcessRow } from "./Processes.ts"

const make = () => {
  const rows = new Map<string, ProcessRow>()
  return Processes.of({
    say: (row) =>
      Effect.map(
        Clock.currentTimeMillis,
        (seenMillis) => void rows.set(row.id, structuredClone({ ...row, seenMillis }))
      ),
    list: (sinceMillis) =>
      Effect.map(Clock.currentTimeMillis, (nowMillis) => ({
        nowMillis,
        processes: [...rows.values()]
          .filter(({ seenMillis }) => seenMillis >= nowMillis - sinceMillis)
          .sort((a, b) => a.startedMillis - b.startedMillis || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
          .slice(0, 1_000)
      })),
    prune: (olderMillis) =>
      Effect.map(Clock.currentTimeMillis, (nowMillis) => {
        for (const { id, seenMillis } of rows.values()) if (seenMillis < nowMillis - olderMillis) rows.delete(id)
      })
  })
}

export const layer: Layer.Layer<Processes> = Layer.sync(Processes, make)
