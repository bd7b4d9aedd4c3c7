// Reads how a row of the attack table says that a breach is seen, and looks for it. The words are read by what they mean, not by the row:
// a sentence with a part that no detector understands is told, and the suite fails. What would be a breach in any row is looked for in all.
import type { CellReply } from "../../src/runners/sandbox/Interpreter.ts"
import type { Attack } from "./Attack.ts"

/** What was seen of one attack, its session over. */
export interface Observed {
  /** Null: `exec` had not settled long after its time. */
  readonly reply: CellReply | null
  readonly secret: string
  readonly source: string
  readonly outputBytes: number
  readonly written: boolean
  readonly tcp: number
  readonly udp: number
  readonly unix: number
  readonly signals: ReadonlyArray<string>
  readonly harnessChanged: boolean
  readonly parentGrowthBytes: number
  /** Resident memory of the largest process of the level while the attack ran, and what it may be. */
  readonly processBytes: number
  readonly processLimitBytes: number
  /** What was wrong in the session beside it; null: nothing. */
  readonly victim: string | null
  /** What was wrong in the next fresh session; null: nothing. */
  readonly fresh: string | null
  /** What was wrong with the session's own later cell, if it has one; null: nothing. */
  readonly later: string | null
  readonly polluted: boolean
}

type Look = (seen: Observed, words: RegExpMatchArray) => string | null

const text = ({ reply }: Observed): string => reply === null ? "" : `${reply.stdout}\n${reply.value ?? ""}`
const allText = (seen: Observed): string => `${text(seen)}\n${seen.reply?.stderr ?? ""}`
const shown = (found: string): string => found.slice(0, 60).replace(/\s+/g, " ")

const secret: Look = (seen) => allText(seen).includes(seen.secret) ? "the secret was printed" : null
const breach: Look = (seen) => {
  const found = /BREACH.{0,50}/.exec(text(seen))
  return found === null ? null : shown(found[0])
}
/** A mark that is in the attack's own text would also be in its traceback. */
const mark = (wanted: string): Look => (seen) =>
  (seen.source.includes(wanted) ? text(seen) : allText(seen)).includes(wanted) ? `printed ${wanted}` : null
const written: Look = (seen) => seen.written ? "wrote a file of the host" : null
const connected: Look = (seen) =>
  seen.tcp + seen.udp + seen.unix === 0
    ? null
    : `reached listeners: tcp ${seen.tcp}, udp ${seen.udp}, unix ${seen.unix}`
const signalled: Look = (seen) => seen.signals.length === 0 ? null : `signalled the parent: ${seen.signals.join(", ")}`
const harness: Look = (seen) => seen.harnessChanged ? "changed the harness" : null
const returned: Look = (seen) => seen.reply === null ? "exec did not return" : null
const bytes = (value: string): number => new TextEncoder().encode(value).length
const capped: Look = ({ outputBytes, reply }) =>
  [reply?.stdout, reply?.stderr, reply?.value].some((one) => bytes(one ?? "") > outputBytes)
    ? "delivered more than the cap"
    : null
const growth = (mostBytes: number): Look => ({ parentGrowthBytes }) =>
  parentGrowthBytes > mostBytes ? `the parent grew by ${Math.round(parentGrowthBytes / 1e6)} MB` : null
const treeMemory: Look = ({ processBytes, processLimitBytes }) =>
  processBytes > processLimitBytes ? `a process of it took ${Math.round(processBytes / 1e6)} MB` : null
const others: Look = (seen) =>
  seen.victim !== null
    ? `the session beside it: ${seen.victim}`
    : seen.fresh !== null
    ? `the next session: ${seen.fresh}`
    : null
const polluted: Look = (seen) => seen.polluted ? "polluted the parent's prototypes" : null
const later: Look = (seen) => seen.later === null ? null : `a later cell: ${seen.later}`

/** Other runtimes' words for ends. */
const statusesOf = (word: string): ReadonlyArray<string> =>
  ({
    died: ["killed", "exited"],
    dead: ["killed", "exited"],
    exit: ["exited"],
    crashed: ["killed"],
    crash: ["killed"]
  } as Record<string, ReadonlyArray<string>>)[word] ?? [word]
const spread = (words: ReadonlyArray<string>): ReadonlyArray<string> => words.flatMap(statusesOf)
const statusIn = (words: ReadonlyArray<string>): Look => (seen) =>
  returned(seen, [""]) ?? (spread(words).includes(seen.reply?.status ?? "") ? null : `status ${seen.reply?.status}`)
const statusNotIn = (words: ReadonlyArray<string>): Look => (seen) =>
  returned(seen, [""]) ?? (spread(words).includes(seen.reply?.status ?? "") ? `status ${seen.reply?.status}` : null)
const listed = (words: string | undefined): ReadonlyArray<string> => (words ?? "").split("/")

const within =
  /(?:exec )?(?:must )?(?:still )?returns?(?: within [a-z0-9+. ]*| in (?:the )?bounds?| in time| a (?:bounded|valid) (?:answer|reply))?/

/** Longer phrases first: what one has read is gone for those after it. */
const phrases: ReadonlyArray<readonly [RegExp, Look]> = [
  [/outputs? contains? \{\{SECRET\}\}/, secret],
  [/outputs? contains? BREACH/, breach],
  [
    /outputs? contains? host data/,
    (seen, words) => secret(seen, words) ?? mark("root:x:0:0")(seen, words) ?? mark("Name:\t")(seen, words)
  ],
  [/outputs? contains? (?:'([^']+)'|"([^"]+)")/, (seen, words) => mark(words[1] ?? words[2] ?? "")(seen, words)],
  [/outputs? contains? ([A-Z_]{3,})\b/, (seen, words) => mark(words[1] ?? "")(seen, words)],
  [/\{\{WRITE\}\} (?:exists|is there|was written|appears)(?: on (?:the )?host)?/, written],
  [
    /\{\{WRITE\}\} or a connection within \d+ s after (?:the )?close/,
    (seen, words) => written(seen, words) ?? connected(seen, words)
  ],
  [
    /exit status 0 printed as (?:the )?first line/,
    (seen) => seen.reply?.stdout.split("\n")[0]?.trim() === "0" ? "a shell ran" : null
  ],
  [
    /(?:(?:the |a |any )?(?:TCP |UDP |unix |abstract |unix abstract )?listeners? (?:sees?|gets?|counts?) (?:a |any )?(?:connection|datagram|packet)s?)/,
    connected
  ],
  [/parent (?:counts|gets|sees) (?:a )?(?:SIG[A-Z0-9]+|signal)/, signalled],
  [/(?:runner|harness)(?: file)?(?:'s)? (?:hash )?chang(?:ed|es)/, harness],
  [/(?:delivered )?results? <= (?:the )?cap/, capped],
  [/parent RSS growth < (\d+) MB/, (seen, words) => growth(Number(words[1]) * 1e6)(seen, words)],
  [/(?:peak )?RSS (?:of (?:the )?session tree )?(?:>|over) (?:the )?limit \+ ?\d+ ?%/, treeMemory],
  [/parent(?:'s)? Object\.prototype(?: is)? clean/, polluted],
  [/no FORGED (?:anywhere|in any other request)/, others],
  [
    /(?:the |a |an )?(?:other|another|next|fresh|victim)(?: fresh)? sessions?(?: still| must)? (?:keeps? working|works?|answers?|repl(?:y|ies) clean|prints? normally|(?:is|are) unaffected)/,
    others
  ],
  [/status(?: is)? reported truthfully/, (seen, words) => returned(seen, words) ?? later(seen, words)],
  [/later state(?: is)? forged/, later],
  [
    /(?:status|session) must (?:be|report) ([a-z/]+)(?:,? (?:and )?not ok)?/,
    (seen, words) => statusIn(listed(words[1]))(seen, words)
  ],
  [/status (?:!=|is not) ([a-z/]+)/, (seen, words) => statusNotIn(listed(words[1]))(seen, words)],
  [/status (?:==?|is|in) ([a-z/]+)/, (seen, words) => statusIn(listed(words[1]))(seen, words)],
  [
    new RegExp(`${within.source} with ([a-z/]+)`),
    (seen, words) => statusIn(listed(words[1]))(seen, words)
  ],
  [within, returned],
  [/\bnone\b/, () => null]
]

export interface Reading {
  readonly looks: ReadonlyArray<(seen: Observed) => string | null>
  /** What of the sentence nobody understood; empty: all was. */
  readonly left: string
}

/** The detectors that a row asks for. Remarks in brackets are remarks. */
export const readingOf = (attack: Attack): Reading => {
  let sentence = attack.detect.replace(/\([^()]*\)/g, " ").replace(/\s+/g, " ")
  const looks: Array<(seen: Observed) => string | null> = []
  for (const [pattern, look] of phrases) {
    for (let words = sentence.match(pattern); words !== null; words = sentence.match(pattern)) {
      const found = words
      looks.push((seen) => look(seen, found))
      sentence = sentence.replace(pattern, " ; ")
    }
  }
  if (attack.status_in !== undefined) {
    const words = attack.status_in
    looks.push((seen) => statusIn(words)(seen, [""]))
  }
  if (attack.status_not !== undefined) {
    const words = attack.status_not
    looks.push((seen) => statusNotIn(words)(seen, [""]))
  }
  if (attack.ok_first_line_zero === true) {
    looks.push((seen) => seen.reply?.stdout.split("\n")[0]?.trim() === "0" ? "a shell ran" : null)
  }
  return { looks, left: sentence.replace(/\b(?:or|and|on host)\b/g, " ").replace(/[\s;,.]+/g, " ").trim() }
}

/** What is a breach whatever the row was about. */
const always: ReadonlyArray<Look> = [
  secret,
  breach,
  mark("root:x:0:0"),
  written,
  connected,
  signalled,
  harness,
  returned,
  capped,
  growth(64e6),
  treeMemory,
  others,
  polluted
]

/** Why the attack got through, each reason once; none: it did not. */
export const breachesOf = (reading: Reading, seen: Observed): ReadonlyArray<string> => {
  const why = new Set<string>()
  for (const look of [...reading.looks, ...always.map((look) => (seen: Observed) => look(seen, [""]))]) {
    const reason = look(seen)
    if (reason !== null) why.add(reason)
  }
  return [...why]
}
