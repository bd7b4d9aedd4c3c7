// The bounds of a search for words, over a list that counts what it is asked for.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { ActorCursor, ActorEntry } from "../../src/actors/ActorIndex.ts"
import { countWords, searchBounds, searchWords, type WordSteps } from "../../src/runners/WordSearch.ts"

const entryOf = (row: number): ActorEntry => ({
  type: "T",
  id: `a${row}`,
  version: 1,
  sinceMillis: row,
  status: "s",
  stage: null,
  group: null,
  attempts: 0,
  error: null,
  waiting: null,
  excerpt: null
})
const start: ActorCursor = { sinceMillis: -1, id: "" }
const page = (limit: number, after = start) => ({ order: "oldest", after, limit }) as const
const bounds = { firstRows: 10, stepRows: 40, rows: 100, countRows: 100, matches: 20, millis: 60, indexMillis: 50 }

/** `size` rows, of which those have the words that `has` holds for. */
const listOf = (size: number, has: (row: number) => boolean, millisOfStep = 0) => {
  const asked = { rows: 0, steps: 0, matches: 0 }
  const fitting = Array.from({ length: size }, (_, row) => row).filter(has)
  const steps: WordSteps<never> = {
    walk: (after, rows, wanted) =>
      Effect.as(
        TestClock.adjust(millisOfStep),
        (() => {
          asked.steps++
          asked.rows += rows
          const from = after.sinceMillis + 1
          const seen = fitting.filter((row) => row >= from && row < from + rows)
          const entries = seen.slice(0, wanted).map(entryOf)
          const last = seen.length > wanted ? entries.at(-1) : undefined
          const end = last?.sinceMillis ?? from + rows - 1
          return { entries, count: seen.length, end: end >= size - 1 ? null : { sinceMillis: end, id: `a${end}` } }
        })()
      ),
    matches: (wanted) =>
      Effect.sync(() => {
        asked.matches++
        return fitting.length > bounds.matches
          ? undefined
          : { entries: fitting.slice(0, wanted).map(entryOf), count: fitting.length }
      })
  }
  return { steps, asked, fitting }
}

describe("a search for words", () => {
  it.effect("is done after the first rows if they fill the page", () =>
    Effect.gen(function*() {
      const { asked, steps } = listOf(1_000, (row) => row % 2 === 0)
      const found = yield* searchWords(steps, page(4), bounds)
      assert.deepStrictEqual(found.entries.map(({ sinceMillis }) => sinceMillis), [0, 2, 4, 6])
      assert.deepStrictEqual(found.next, { sinceMillis: 6, id: "a6" })
      assert.deepStrictEqual(asked, { rows: 10, steps: 1, matches: 0 })
    }))

  it.effect("answers words that few have exactly, wherever they are", () =>
    Effect.gen(function*() {
      const { asked, steps } = listOf(1_000_000, (row) => row >= 999_985)
      const first = yield* searchWords(steps, page(10), bounds)
      const expected = Array.from({ length: 10 }, (_, i) => 999_985 + i)
      assert.deepStrictEqual(first.entries.map(({ sinceMillis }) => sinceMillis), expected)
      assert.deepStrictEqual(first.next, { sinceMillis: 999_994, id: "a999994" })
      assert.deepStrictEqual(asked, { rows: 10, steps: 1, matches: 1 })
      assert.isNull((yield* searchWords(steps, page(15), bounds)).next)
      const none = listOf(1_000_000, () => false)
      assert.deepStrictEqual(yield* searchWords(none.steps, page(10), bounds), { entries: [], next: null })
    }))

  it.effect("looks at no more rows than one call may, and goes on there", () =>
    Effect.gen(function*() {
      const { asked, fitting, steps } = listOf(1_000, (row) => row >= 950)
      const first = yield* searchWords(steps, page(5), bounds)
      assert.deepStrictEqual(first, { entries: [], next: { sinceMillis: 99, id: "a99" } })
      assert.deepStrictEqual(asked, { rows: 100, steps: 4, matches: 1 })
      const found: Array<number> = []
      let next: ActorCursor | null = start
      while (next !== null) {
        const rows = asked.rows
        const one: { entries: ReadonlyArray<ActorEntry>; next: ActorCursor | null } = yield* searchWords(
          steps,
          page(5, next),
          bounds
        )
        assert.isAtMost(asked.rows - rows, bounds.rows)
        found.push(...one.entries.map(({ sinceMillis }) => sinceMillis))
        next = one.next
      }
      assert.deepStrictEqual(found, fitting)
    }))

  it.effect("begins no further step when its time is over", () =>
    Effect.gen(function*() {
      const { asked, steps } = listOf(1_000, (row) => row >= 950, 70)
      const found = yield* searchWords(steps, page(5), bounds)
      assert.deepStrictEqual(found.next, { sinceMillis: 49, id: "a49" })
      assert.deepStrictEqual(asked, { rows: 50, steps: 2, matches: 1 })
    }))

  it.effect("gives an actor once that moved between two steps of the walk", () =>
    Effect.gen(function*() {
      const { steps } = listOf(100, (row) => row % 4 === 0)
      const moved: WordSteps<never> = {
        ...steps,
        walk: (after, rows, wanted) =>
          Effect.map(steps.walk(after, rows, wanted), (step) => ({
            ...step,
            entries: step.entries.map((entry) => entry.id === "a12" ? { ...entry, id: "a4" } : entry)
          }))
      }
      const found = yield* searchWords(moved, page(50), bounds)
      assert.strictEqual(new Set(found.entries.map(({ id }) => id)).size, found.entries.length)
      assert.strictEqual(found.entries.length, 24)
    }))
})

describe("a count of words", () => {
  it.effect("is exact for words that few have", () =>
    Effect.gen(function*() {
      const { asked, steps } = listOf(1_000_000, (row) => row % 100_000 === 0)
      assert.deepStrictEqual(yield* countWords(steps, start, 100, bounds), { count: 10, more: false })
      assert.deepStrictEqual(yield* countWords(steps, start, 9, bounds), { count: 9, more: true })
      assert.strictEqual(asked.rows, 0)
    }))

  it.effect("is what a bounded look finds for words that many have, and says so", () =>
    Effect.gen(function*() {
      const { asked, steps } = listOf(1_000, (row) => row % 2 === 0)
      assert.deepStrictEqual(yield* countWords(steps, start, 1_000, bounds), { count: 50, more: true })
      assert.strictEqual(asked.rows, bounds.countRows)
      assert.deepStrictEqual(yield* countWords(steps, start, 30, bounds), { count: 30, more: true })
      const short = listOf(60, () => true)
      assert.deepStrictEqual(yield* countWords(short.steps, start, 1_000, bounds), { count: 60, more: false })
    }))

  it.effect("has bounds that hold together", () =>
    Effect.sync(() => {
      assert.isAtMost(searchBounds.firstRows, searchBounds.stepRows)
      assert.isAtMost(searchBounds.stepRows, searchBounds.countRows)
      assert.isAtMost(searchBounds.countRows, searchBounds.rows)
    }))
})
