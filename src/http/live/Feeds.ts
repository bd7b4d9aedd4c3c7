// Makes feeds when somebody begins to watch and ends them a little after the last one has gone: of an actor, from its watch; of a list
// of actors, from a search that is made again every second. Their number is bounded.
import { Clock, Context, Deferred, Effect, Exit, type Fiber, Layer, Stream } from "effect"
import { type ActorFilter, ActorIndex, searchOn } from "../../actors/ActorIndex.ts"
import type { StoreFailed } from "../../actors/ActorStore.ts"
import type { ActorUnavailable } from "../../actors/Committer.ts"
import { type ActorUnknown, Gateway, type TypeUnknown } from "../../actors/Gateway.ts"
import { canonical, type Json, type JsonObject } from "../../domain/Json.ts"
import { diff } from "../../domain/JsonPatch.ts"
import { Feed, type FeedValue, type FeedWords } from "./Feed.ts"
import { TooManyWatches } from "./Refusals.ts"

export interface ActorTopic {
  readonly type: string
  readonly actor: string
}
export interface ListTopic {
  readonly filter: ActorFilter
  readonly order: "newest" | "oldest"
  /** 1 to 256. */
  readonly limit: number
}

export interface Opened {
  readonly feed: Feed
  /** The value that the client has; null: none. */
  readonly from: string | null
}

/** Feeds of one process at once; a watch of something new beyond that is refused. */
export const maxFeeds = 5_000
/** Lists of actors that are searched for again every second. */
export const maxLists = 64
/** The newest value of an actor is taken so often, at most. */
const feedMillis = 100
const listMillis = 1_000
/** A list is looked at in a tenth of the time, at most: one that takes long to look at is looked at more seldom. */
const restFactor = 9
const maxRestMillis = 30_000
/** Pages that are read for one look at a list. */
const maxPages = 3
/** A feed that nobody watches ends after that, so that a client that comes back at once finds it. */
const lingerMillis = 5_000

export class Feeds extends Context.Service<Feeds, {
  /**
   * The feed of an actor, with its first value. `from`: the version that the client has, so that it gets a difference from it if the store
   * still knows it; the version answered is null where it never was, as after a database was put back from a backup.
   */
  readonly actor: (
    topic: ActorTopic,
    from: number | null
  ) => Effect.Effect<Opened, TypeUnknown | ActorUnknown | StoreFailed | TooManyWatches | ActorUnavailable>
  readonly list: (
    topic: ListTopic,
    from: string | null
  ) => Effect.Effect<Opened, StoreFailed | TooManyWatches | ActorUnavailable>
  /** Says that one watcher less looks at the feed: once for each time that it was given out. */
  readonly left: (feed: Feed) => void
  readonly size: () => number
}>()("polya/Feeds") {
  static readonly layer: Layer.Layer<Feeds, never, Gateway | ActorIndex> = Layer.effect(
    Feeds,
    Effect.suspend(() => make())
  )
}

const actorWords: FeedWords = {
  isNewer: (at, than) => Number(at) > Number(than),
  snapshot: ({ at, value }) => `"snapshot":{"version":${at},"state":${JSON.stringify(value)}}`,
  delta: (before, now) => {
    const patch = JSON.stringify(diff(before.value, now.value))
    const text = `"delta":{"from":${before.at},"to":${now.at},"patch":${patch}}`
    return text.length < JSON.stringify(now.value).length ? text : undefined
  }
}

/** Entries of a list by their ids, in order. */
const listWords: FeedWords = {
  isNewer: (at, than) => at !== than,
  snapshot: ({ at, value }) => `"snapshot":{"at":${JSON.stringify(at)},"entries":${JSON.stringify(value)}}`,
  delta: (before, now) => {
    const texts = new Map(entriesOf(before).map((entry) => [String(entry["id"]), canonical(entry)]))
    const entries = entriesOf(now)
    const put = entries.filter((entry) => texts.get(String(entry["id"])) !== canonical(entry))
    const left = new Set(entries.map((entry) => String(entry["id"])))
    const gone = [...texts.keys()].filter((id) => !left.has(id))
    const names = `"from":${JSON.stringify(before.at)},"to":${JSON.stringify(now.at)}`
    return put.length * 2 > entries.length && entries.length > 8
      ? undefined
      : `"delta":{${names},"put":${JSON.stringify(put)},"gone":${JSON.stringify(gone)}}`
  }
}
const entriesOf = ({ value }: FeedValue): ReadonlyArray<JsonObject> => value as ReadonlyArray<JsonObject>

interface Running {
  readonly feed: Feed
  readonly isList: boolean
  /** Done once the feed has its first value, or cannot have one. */
  readonly opened: Deferred.Deferred<void, any>
  /** Those who watch, and those who wait for the first value to begin to. */
  watchers: number
  /** When the last watcher went. */
  idleSinceMillis: number
  fiber: Fiber.Fiber<unknown> | undefined
}

const make = Effect.fnUntraced(function*() {
  const gateway = yield* Gateway
  const index = yield* ActorIndex
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const running = new Map<string, Running>()
  /** Names values of lists: never the same for two of them, whatever list and however often it was opened. */
  const epoch = globalThis.crypto.randomUUID().slice(0, 8)
  let named = 0

  const sweep = Effect.sync(() => {
    const since = clock.currentTimeMillisUnsafe() - lingerMillis
    for (const [key, { fiber, idleSinceMillis, watchers }] of running) {
      if (watchers > 0 || idleSinceMillis > since) continue
      running.delete(key)
      // Its end is not waited for: the runner that it watches may be away.
      fiber?.interruptUnsafe()
    }
  })
  yield* sweep.pipe(Effect.andThen(Effect.sleep(1_000)), Effect.forever, Effect.forkIn(scope))

  const left = (feed: Feed): void => {
    const one = running.get(feed.key)
    if (one?.feed !== feed) return
    one.watchers--
    one.idleSinceMillis = clock.currentTimeMillisUnsafe()
  }

  /** The running feed of that key, or a new one that `first` and `run` fill. Never two of one key, and none waits for another. */
  const open = <E>(
    key: string,
    isList: boolean,
    words: FeedWords,
    first: Effect.Effect<FeedValue, E>,
    run: (feed: Feed) => Effect.Effect<void>
  ): Effect.Effect<Feed, E | TooManyWatches> =>
    Effect.suspend((): Effect.Effect<Feed, E | TooManyWatches> => {
      const found = running.get(key)
      if (found !== undefined) {
        found.watchers++
        return shared(found)
      }
      const lists = isList ? [...running.values()].filter((one) => one.isList).length : 0
      if (running.size >= maxFeeds || lists >= maxLists) {
        return Effect.fail(
          new TooManyWatches(isList ? { of: "lists", most: maxLists } : { of: "actors", most: maxFeeds })
        )
      }
      const feed = new Feed(key, words)
      const one: Running = {
        feed,
        isList,
        opened: Deferred.makeUnsafe<void, E>(),
        watchers: 1,
        idleSinceMillis: clock.currentTimeMillisUnsafe(),
        fiber: undefined
      }
      running.set(key, one)
      const filling = first.pipe(
        Effect.onExit((exit) =>
          Effect.sync(() => {
            if (Exit.isSuccess(exit)) feed.push(exit.value)
            else if (running.get(key) === one) running.delete(key)
            Deferred.doneUnsafe(one.opened, Exit.asVoid(exit))
          })
        ),
        Effect.andThen(Effect.suspend(() => run(feed))),
        Effect.exit
      )
      return Effect.flatMap(Effect.forkIn(filling, scope), (fiber) => {
        one.fiber = fiber
        return shared(one)
      })
    })
  const shared = ({ feed, opened }: Running): Effect.Effect<Feed, any> =>
    Deferred.await(opened).pipe(
      Effect.as(feed),
      Effect.onInterrupt(() => Effect.sync(() => left(feed)))
    )

  const actorValue = ({ state, version }: { readonly version: number; readonly state: Json }): FeedValue => ({
    at: String(version),
    value: state
  })

  const actor: Feeds["Service"]["actor"] = Effect.fnUntraced(function*({ actor, type }, from) {
    const key = JSON.stringify([type, actor])
    const feed = yield* open(
      key,
      false,
      actorWords,
      Effect.map(gateway.get(type, actor), actorValue),
      (feed) => follow(feed, type, actor)
    )
    if (from === null || feed.knows(String(from))) return { feed, from: from === null ? null : String(from) }
    return yield* Effect.gen(function*() {
      if (from > Number(feed.now?.at ?? 0)) {
        // The feed may lag behind; the store does not.
        const now = yield* Effect.option(gateway.get(type, actor))
        return { feed, from: now._tag === "Some" && now.value.version < from ? null : String(from) }
      }
      // A client that was cut goes on from what it has, also when it was another process that sent it.
      const before = yield* Effect.option(gateway.asOf(type, actor, from))
      if (before._tag === "Some") feed.recall(actorValue(before.value))
      return { feed, from: String(from) }
    }).pipe(Effect.onError(() => Effect.sync(() => left(feed))))
  })

  /** Watches for as long as the feed lives; while the actor moves or the store is away, again and again. */
  const follow = (feed: Feed, type: string, actor: string): Effect.Effect<void> =>
    gateway.watch(type, actor).pipe(
      Stream.runForEach((snapshot) =>
        Effect.andThen(
          Effect.sync(() => {
            if (snapshot.version > Number(feed.now?.at ?? -1)) feed.push(actorValue(snapshot))
          }),
          Effect.sleep(feedMillis)
        )
      ),
      Effect.catchCause((cause) =>
        Effect.logDebug(`The watch of ${type} ${actor} broke off and is begun again`, cause)
      ),
      Effect.andThen(Effect.sleep(500)),
      Effect.forever
    )

  const list: Feeds["Service"]["list"] = (topic, from) => {
    const key = canonical(topic as unknown as Json)
    const search = Effect.map(
      searchOn(index, topic.filter, { order: topic.order, limit: topic.limit, maxPages }),
      ({ entries }) => entries as unknown as Json
    )
    const valueOf = (value: Json): FeedValue => ({ at: `${epoch}.${named++}`, value })
    const opened = open(key, true, listWords, Effect.map(search, valueOf), (feed) =>
      Effect.suspend(() => {
        const startedMillis = clock.currentTimeMillisUnsafe()
        return search.pipe(
          Effect.map((value) => {
            if (canonical(value) !== canonical(feed.now?.value ?? null)) feed.push(valueOf(value))
          }),
          Effect.catchCause((cause) => Effect.logDebug("A watched list could not be searched, trying again", cause)),
          Effect.flatMap(() => {
            const restMillis = restFactor * (clock.currentTimeMillisUnsafe() - startedMillis)
            return Effect.sleep(Math.min(maxRestMillis, Math.max(listMillis, restMillis)))
          })
        )
      }).pipe(Effect.forever, Effect.delay(listMillis)))
    return Effect.map(opened, (feed) => ({ feed, from }))
  }

  return Feeds.of({
    actor,
    list,
    left,
    size: () => running.size
  })
})
