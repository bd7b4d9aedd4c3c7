// Token buckets by client, in bounded memory: each client may do `burst` things at once and `rate` a second. The longest unused bucket goes
// first when there are too many, so a client that stays away starts full again.

export interface Buckets {
  /** Takes one; false if the client has none left. */
  readonly take: (client: string) => boolean
  /** Whether the client has one left, without taking it. */
  readonly has: (client: string) => boolean
  readonly size: () => number
}

interface Bucket {
  left: number
  atMillis: number
}

/** `rate` and `burst` are read at each use; a rate of 0 is no bound. */
export const makeBuckets = (options: {
  readonly rate: () => number
  readonly burst: () => number
  readonly maxClients: number
  readonly nowMillis: () => number
}): Buckets => {
  const buckets = new Map<string, Bucket>()
  const filled = (client: string): Bucket => {
    const now = options.nowMillis()
    const burst = Math.max(1, options.burst())
    const bucket = buckets.get(client)
    if (bucket === undefined) return { left: burst, atMillis: now }
    // A clock that jumps back gives nothing and takes nothing.
    const gone = Math.max(0, now - bucket.atMillis)
    bucket.left = Math.min(burst, bucket.left + (gone * options.rate()) / 1_000)
    bucket.atMillis = now
    return bucket
  }
  return {
    take: (client) => {
      if (options.rate() <= 0) return true
      const bucket = filled(client)
      buckets.delete(client)
      buckets.set(client, bucket)
      if (buckets.size > options.maxClients) {
        const [oldest] = buckets.keys()
        if (oldest !== undefined) buckets.delete(oldest)
      }
      if (bucket.left < 1) return false
      bucket.left--
      return true
    },
    has: (client) => options.rate() <= 0 || !buckets.has(client) || filled(client).left >= 1,
    size: () => buckets.size
  }
}
