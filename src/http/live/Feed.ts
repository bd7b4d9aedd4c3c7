// What subscriptions of one process share: one feed for each thing watched, however many watch it. A feed holds the newest value and a
// few before it, so that each client gets the difference from what it was sent last; differences are made once for all of them.
import type { Json } from "../../domain/Json.ts"

/** Values that a feed keeps to make differences from. */
const kept = 16

export interface FeedValue {
  /** Names the value for good: a client that has it can go on from it. Of an actor: its version. */
  readonly at: string
  readonly value: Json
}

/** How a kind of feed says what it has. Both answer the inside of a message, as JSON text without its braces. */
export interface FeedWords {
  /** Whether a client that has `than` is to be sent the value `at`; a process that lags behind says no. */
  readonly isNewer: (at: string, than: string) => boolean
  readonly snapshot: (now: FeedValue) => string
  /** The difference, or nothing where a snapshot is shorter. */
  readonly delta: (before: FeedValue, now: FeedValue) => string | undefined
}

/** A subscriber; `news` is called at most once until it asks for a message again. */
export interface Listener {
  readonly news: () => void
}

export class Feed {
  readonly key: string
  readonly listeners = new Set<Listener>()
  private readonly words: FeedWords
  private readonly values: Array<FeedValue> = []
  /** Messages that were made of the newest value, by the value that they go on from; null: none. */
  private texts = new Map<string | null, string>()

  constructor(key: string, words: FeedWords) {
    this.key = key
    this.words = words
  }

  get now(): FeedValue | undefined {
    return this.values.at(-1)
  }

  /** Takes a new value and tells everybody. */
  push(value: FeedValue): void {
    if (this.now?.at === value.at) return
    this.values.push(value)
    if (this.values.length > kept) this.values.shift()
    this.texts = new Map()
    for (const listener of this.listeners) listener.news()
  }

  /** Puts in a value from before, such as the store's, to make a difference from. */
  recall(value: FeedValue): void {
    if (this.values.some(({ at }) => at === value.at)) return
    this.values.unshift(value)
    if (this.values.length > kept) this.values.splice(1, 1)
  }

  knows(at: string): boolean {
    return this.values.some((value) => value.at === at)
  }

  /** What a client that has the value named `at` (null: none) is to be sent; undefined if it has the newest one. */
  messageFrom(at: string | null): { readonly at: string; readonly text: string } | undefined {
    const { now } = this
    if (now === undefined || (at !== null && !this.words.isNewer(now.at, at))) return undefined
    // A name that is not kept, which clients can make up, costs no text of its own.
    const before = this.values.find((value) => value.at === at)
    const key = before === undefined ? null : at
    let text = this.texts.get(key)
    if (text === undefined) {
      text = (before && this.words.delta(before, now)) ?? this.snapshot(now)
      this.texts.set(key, text)
    }
    return { at: now.at, text }
  }

  private snapshot(now: FeedValue): string {
    const text = this.texts.get(null) ?? this.words.snapshot(now)
    this.texts.set(null, text)
    return text
  }
}
