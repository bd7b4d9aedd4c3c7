// Patterns of scripts, matched in time linear in the text whatever they are: a pattern becomes a small machine whose states all advance together
// (Thompson 1968), so none can be made slow by a prompt. A part of what regular expressions know: letters, `.`, `[a-z]`, `[^a-z]`, `\d \w \s \b`
// and their opposites, `^ $` (of the whole text), groups, `|`, and `* + ? {n} {n,m}`. Captures, backreferences and lookarounds are left out.
import { Result } from "effect"

type Test = (unit: number) => boolean
type Assertion = (text: string, at: number) => boolean
type Node =
  | { readonly _tag: "Unit"; readonly test: Test }
  | { readonly _tag: "Assert"; readonly holds: Assertion }
  | { readonly _tag: "Sequence"; readonly parts: ReadonlyArray<Node> }
  | { readonly _tag: "Choice"; readonly parts: ReadonlyArray<Node> }
  | { readonly _tag: "Repeat"; readonly part: Node; readonly least: number; readonly most: number }
type State =
  | { readonly test: Test; readonly next: number }
  | { readonly holds: Assertion; readonly next: number }
  | { readonly split: ReadonlyArray<number> }

export type Pattern = (text: string) => boolean

const maxStates = 2_000
const maxRepeat = 100
const maxDepth = 50

class Wrong {
  readonly why: string
  constructor(why: string) {
    this.why = why
  }
}

const isDigit: Test = (unit) => unit >= 48 && unit <= 57
const isWord: Test = (unit) => isDigit(unit) || unit === 95 || (unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122)
const isSpace: Test = (unit) => /\s/.test(String.fromCharCode(unit))
const not = (test: Test): Test => (unit) => !test(unit)
const classes: { readonly [letter: string]: Test } = {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace)
}
const controls: { readonly [letter: string]: number } = { n: 10, r: 13, t: 9 }
const atBorder: Assertion = (text, at) =>
  (at > 0 && isWord(text.charCodeAt(at - 1))) !== (at < text.length && isWord(text.charCodeAt(at)))

/** The pattern as a test of a text, true where it matches anywhere in it; or what is wrong with it. */
export const patternOf = (source: string): Result.Result<Pattern, string> => {
  try {
    return Result.succeed(machine(states(parse(source))))
  } catch (wrong) {
    if (wrong instanceof Wrong) return Result.fail(wrong.why)
    throw wrong
  }
}

const parse = (source: string): Node => {
  let at = 0
  const wrong = (why: string) => new Wrong(`${why} (at character ${at + 1})`)
  const choice = (depth: number): Node => {
    if (depth > maxDepth) throw wrong("Groups are nested too deep")
    const parts = [sequence(depth)]
    while (source[at] === "|") {
      at++
      parts.push(sequence(depth))
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { _tag: "Choice", parts }
  }
  const sequence = (depth: number): Node => {
    const parts: Array<Node> = []
    while (at < source.length && source[at] !== "|" && source[at] !== ")") parts.push(repeated(unit(depth)))
    return { _tag: "Sequence", parts }
  }
  const repeated = (part: Node): Node => {
    const bounds = /^(?:([*+?])|\{(\d{1,4})(?:(,)(\d{1,4})?)?\})/.exec(source.slice(at, at + 12))
    if (bounds === null) return part
    if (part._tag === "Assert" || part._tag === "Repeat") throw wrong("There is nothing to repeat")
    at += bounds[0].length
    const [, sign, low, comma, high] = bounds
    const least = sign === undefined ? Number(low) : sign === "+" ? 1 : 0
    const most = sign === "?"
      ? 1
      : sign !== undefined || (comma !== undefined && high === undefined)
      ? Infinity
      : Number(high ?? low)
    if (least > most || least > maxRepeat || (most !== Infinity && most > maxRepeat)) {
      throw wrong(`A part repeats at most ${maxRepeat} times, and the least comes first`)
    }
    return repeated({ _tag: "Repeat", part, least, most })
  }
  const escaped = (): Test | number => {
    const letter = source[at++]
    if (letter === undefined) throw wrong("A \\ stands at the end")
    const known = classes[letter]
    if (known !== undefined) return known
    const control = controls[letter]
    if (control !== undefined) return control
    if (/[\p{L}\p{N}]/u.test(letter)) throw wrong(`\\${letter} is not known here`)
    return letter.charCodeAt(0)
  }
  const unit = (depth: number): Node => {
    const letter = source[at++] ?? ""
    switch (letter) {
      case "(": {
        if (source.startsWith("?:", at)) at += 2
        else if (source[at] === "?") throw wrong("Of groups there are ( and (?: alone")
        const inner = choice(depth + 1)
        if (source[at++] !== ")") throw wrong("A group is not closed")
        return inner._tag === "Repeat" ? { _tag: "Sequence", parts: [inner] } : inner
      }
      case "[":
        return { _tag: "Unit", test: set() }
      case ".":
        return { _tag: "Unit", test: (one) => one !== 10 }
      case "^":
        return { _tag: "Assert", holds: (_, place) => place === 0 }
      case "$":
        return { _tag: "Assert", holds: (text, place) => place === text.length }
      case "*":
      case "+":
      case "?":
        throw wrong("There is nothing to repeat")
      case "\\": {
        if (source[at] === "b" || source[at] === "B") {
          const wanted = source[at++] === "b"
          return { _tag: "Assert", holds: (text, place) => atBorder(text, place) === wanted }
        }
        const test = escaped()
        return { _tag: "Unit", test: typeof test === "number" ? (one) => one === test : test }
      }
      default: {
        const code = letter.charCodeAt(0)
        return { _tag: "Unit", test: (one) => one === code }
      }
    }
  }
  const set = (): Test => {
    const negated = source[at] === "^"
    if (negated) at++
    const tests: Array<Test> = []
    for (let first = true; first || source[at] !== "]"; first = false) {
      if (at >= source.length) throw wrong("A [ is not closed")
      const low = member()
      if (typeof low === "number" && source[at] === "-" && source[at + 1] !== "]" && at + 1 < source.length) {
        at++
        const high = member()
        if (typeof high !== "number" || high < low) throw wrong("A range ends before it begins")
        tests.push((one) => one >= low && one <= high)
      } else tests.push(typeof low === "number" ? (one) => one === low : low)
    }
    at++
    const any: Test = (one) => tests.some((test) => test(one))
    return negated ? not(any) : any
  }
  const member = (): Test | number => {
    const letter = source[at++]
    return letter === "\\" ? escaped() : (letter ?? "").charCodeAt(0)
  }
  const whole = choice(0)
  if (at < source.length) throw wrong("A ) closes nothing")
  return whole
}

/** States in which 0 is the end; the last one is the start. */
const states = (node: Node): ReadonlyArray<State> => {
  const all: Array<State> = [{ split: [] }]
  const add = (state: State): number => {
    if (all.length >= maxStates) throw new Wrong("The pattern is too large: repeat less")
    return all.push(state) - 1
  }
  const before = (node: Node, next: number): number => {
    switch (node._tag) {
      case "Unit":
        return add({ test: node.test, next })
      case "Assert":
        return add({ holds: node.holds, next })
      case "Sequence":
        return node.parts.reduceRight((after, part) => before(part, after), next)
      case "Choice":
        return add({ split: node.parts.map((part) => before(part, next)) })
      case "Repeat": {
        let after = next
        if (node.most === Infinity) {
          const entries: Array<number> = [next]
          after = add({ split: entries })
          entries.push(before(node.part, after))
        } else {
          for (let more = node.most - node.least; more > 0; more--) {
            after = add({ split: [next, before(node.part, after)] })
          }
        }
        for (let more = node.least; more > 0; more--) after = before(node.part, after)
        return after
      }
    }
  }
  add({ split: [before(node, 0)] })
  return all
}

const machine = (all: ReadonlyArray<State>): Pattern => (text) => {
  const start = all.length - 1
  const seen = new Int32Array(all.length).fill(-1)
  let current: Array<number> = []
  let upcoming: Array<number> = []
  for (let at = 0; at <= text.length; at++) {
    // A match may begin anywhere.
    current.push(start)
    for (let next = 0; next < current.length; next++) {
      const index = current[next] ?? 0
      if (seen[index] === at) continue
      seen[index] = at
      if (index === 0) return true
      const state = all[index]
      if (state === undefined) continue
      if ("split" in state) current.push(...state.split)
      else if ("holds" in state) {
        if (state.holds(text, at)) current.push(state.next)
      } else if (at < text.length && state.test(text.charCodeAt(at))) upcoming.push(state.next)
    }
    ;[current, upcoming] = [upcoming, current]
    upcoming.length = 0
  }
  return false
}
