// What is to go out over one WebSocket: answers in order, and for each watch only the fact that there is news. A frame is made when it may
// go: at most so many a second, none while the client has not taken the ones before. So a slow client costs a bounded number of bytes and
// sees the newest state next; nothing waits for it.
import type { Feed, Listener } from "./Feed.ts"

/** The socket, as far as an outbox needs it. */
export interface Wire {
  /** Bytes given to it that the client has not taken. */
  readonly unsentBytes: () => number
  readonly send: (text: string) => void
}

/** Read at each use. */
export interface OutboxLimits {
  readonly framesPerSecond: number
  /** Frames with news a second; fewer than those with answers where many connections share one process. */
  readonly newsPerSecond: number
}

/** Answers that may wait for a frame. A client is not read further while so many wait. */
export const maxAnswers = 256
/** Nor while they have more characters than that together. */
export const maxAnswerCharacters = 4_194_304
/** A frame that has more characters than this ends; what is left waits for the next one. */
const frameCharacters = 262_144
/** While so many bytes are unsent, no further frame is made. */
const pauseBytes = 65_536

interface Watch extends Listener {
  readonly feed: Feed
  sent: string | null
}

export class Outbox {
  private readonly wire: Wire
  private readonly limits: OutboxLimits
  private readonly wants: () => void
  private readonly answers: Array<string> = []
  private characters = 0
  private readonly watches = new Map<number, Watch>()
  /** Ids of watches whose feeds are being opened. */
  private readonly coming = new Set<number>()
  private isClosed = false
  /** Watches with news, in the order in which it came. */
  private readonly dirty = new Set<number>()
  private frames = 0
  private lastMillis = Number.NEGATIVE_INFINITY
  private newsMillis = Number.NEGATIVE_INFINITY
  /** Since when the client has taken nothing; none: it does. */
  private stuckSinceMillis: number | undefined
  private stuckBytes = 0

  /** `wants` is called when there is something to send and nothing was before. */
  constructor(wire: Wire, limits: OutboxLimits, wants: () => void) {
    this.wire = wire
    this.limits = limits
    this.wants = wants
  }

  /** Takes an answer. Whoever asks for more of them looks first at how many wait. */
  answer(text: string): void {
    this.answers.push(text)
    this.characters += text.length
    this.wants()
  }
  get waiting(): number {
    return this.answers.length
  }
  /** Characters of the answers that wait. */
  get waitingCharacters(): number {
    return this.characters
  }
  get isEmpty(): boolean {
    return this.answers.length === 0 && this.dirty.size === 0
  }
  /** Watches, those that are about to begin included. */
  get size(): number {
    return this.watches.size + this.coming.size
  }
  has(id: number): boolean {
    return this.watches.has(id) || this.coming.has(id)
  }

  /** Keeps an id and a place for a watch while its feed is opened. */
  reserve(id: number): void {
    this.coming.add(id)
  }
  release(id: number): void {
    this.coming.delete(id)
  }
  /** Shows a feed under the watch's id, from the value that the client has; false: the client has gone, and nothing watches the feed. */
  watch(id: number, feed: Feed, from: string | null): boolean {
    this.coming.delete(id)
    if (this.isClosed) return false
    const news = (): void => {
      if (this.dirty.has(id)) return
      this.dirty.add(id)
      this.wants()
    }
    const watch: Watch = { feed, sent: from, news }
    this.watches.set(id, watch)
    feed.listeners.add(watch)
    news()
    return true
  }
  /** Answers the feed that is watched one time less. */
  unwatch(id: number): Feed | undefined {
    const watch = this.watches.get(id)
    if (watch === undefined) return undefined
    this.watches.delete(id)
    this.dirty.delete(id)
    watch.feed.listeners.delete(watch)
    return watch.feed
  }
  /** The client has gone; answers the feeds that it watched, each as often as it did. */
  clear(): ReadonlyArray<Feed> {
    this.isClosed = true
    return [...this.watches.keys()].flatMap((id) => this.unwatch(id) ?? [])
  }

  /** Milliseconds until a frame with what there is to say may go; 0: now. */
  waitMillis(nowMillis: number): number {
    const next = this.lastMillis + 1_000 / this.limits.framesPerSecond
    return Math.max(0, (this.answers.length > 0 ? next : Math.max(next, this.newsDueMillis)) - nowMillis)
  }
  private get newsDueMillis(): number {
    return this.newsMillis + 1_000 / this.limits.newsPerSecond
  }

  /** Since when the client takes nothing of what was sent, in milliseconds; 0 if it does. */
  stuckMillis(nowMillis: number): number {
    const unsent = this.wire.unsentBytes()
    if (unsent === 0 || unsent < this.stuckBytes) this.stuckSinceMillis = undefined
    this.stuckBytes = unsent
    if (unsent > 0) this.stuckSinceMillis ??= nowMillis
    return this.stuckSinceMillis === undefined ? 0 : nowMillis - this.stuckSinceMillis
  }

  /** Sends a frame if one may go and there is something in it. */
  flush(nowMillis: number): void {
    if (this.isEmpty || this.waitMillis(nowMillis) > 0 || this.wire.unsentBytes() > pauseBytes) return
    const messages: Array<string> = []
    let characters = 0
    let taken = 0
    for (const answer of this.answers) {
      if (characters > frameCharacters) break
      messages.push(answer)
      characters += answer.length
      taken++
    }
    this.answers.splice(0, taken)
    this.characters -= characters
    const showsNews = nowMillis >= this.newsDueMillis
    for (const id of showsNews ? this.dirty : []) {
      if (characters > frameCharacters) break
      this.dirty.delete(id)
      const watch = this.watches.get(id)
      const message = watch?.feed.messageFrom(watch.sent)
      if (watch === undefined || message === undefined) continue
      watch.sent = message.at
      this.newsMillis = nowMillis
      messages.push(`{"watch":${id},${message.text}}`)
      characters += message.text.length
    }
    if (messages.length === 0) return
    this.lastMillis = nowMillis
    this.wire.send(`{"frame":${++this.frames},"messages":[${messages.join(",")}]}`)
  }
}
