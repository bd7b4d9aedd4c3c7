// Facets as the stores keep them: within their limits, and cut into what is compared, shown and searched. An empty name
// of a stage or a group is none.
import type { Facets } from "./Commit.ts"
import { cutText, joinWords, wordsDigest, wordsOf } from "./SearchWords.ts"

const maxError = 300
const maxText = 4000
const maxExcerpt = 200

/** `stage` and `group` are empty where there is none. */
export interface StoredFacets {
  readonly status: string
  readonly stage: string
  readonly group: string
  readonly attempts: number
  readonly error: string | null
  readonly waiting: string | null
  readonly excerpt: string | null
  /** Digest of the text; 0: there is none. */
  readonly digest: number
}

const line = (text: string | null): string | null =>
  text === null ? null : cutText(text.replaceAll(/\s+/g, " "), maxError)
const attemptsOf = (value: number): number => Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.trunc(value) || 0))
const searched = (text: string): string => cutText(text, maxText)

export const storeFacets = ({ attempts, error, group, stage, status, text, waiting }: Facets): StoredFacets => ({
  status,
  stage: stage ?? "",
  group: group ?? "",
  attempts: attemptsOf(attempts),
  error: line(error),
  waiting: line(waiting),
  excerpt: text === null ? null : cutText(text, maxExcerpt),
  digest: text === null ? 0 : wordsDigest(searched(text)) + 1
})

/** What the text can be found by, as one string; see SearchWords. */
export const storedWords = (text: string | null): string | null =>
  text === null ? null : joinWords(wordsOf(searched(text)))

/** Whether anything but the text differs. */
export const facetsMoved = (a: StoredFacets, b: StoredFacets): boolean =>
  a.status !== b.status || a.stage !== b.stage || a.group !== b.group || a.attempts !== b.attempts ||
  a.error !== b.error || a.waiting !== b.waiting
