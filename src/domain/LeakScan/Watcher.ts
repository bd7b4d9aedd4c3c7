// Asks of values that leave a program, or are compared in it, whether they are the answer, and writes down where. What the values
// are is the evaluator's concern.
import { type Answer, bareMathematics, type Exact, isOnlyNumberOf, keyOf, speaksOf } from "./Answer.ts"
import type { PythonNode } from "./PythonTree.ts"
import { computed, disguised, type Effort, effortOf, hole, render, respelled, type Value, written } from "./Value.ts"

/** The labels of the field, most certain first; `uncertain` is no leak. */
export const leakKinds = [
  "direct_print",
  "print_or_comment",
  "assert_or_hardcode",
  "answer_seeded",
  "uncertain"
] as const
export type LeakKind = typeof leakKinds[number]

export interface Sighting {
  readonly kind: LeakKind
  /** What was seen, in a word or two. */
  readonly rule: string
  readonly from: number
  readonly to: number
  /** The value as it was folded, as Python would show it. */
  readonly folded: string
}

export interface Argument {
  readonly value: Value
  readonly node: PythonNode
}

/** How a value holds the answer. */
interface Match {
  readonly how: "states" | "mentions"
  readonly effort: Effort
  readonly why: "branch" | "seed" | "item" | "table" | "place" | null
}

/** A text without holes, or a number that is written. */
const isConstant = (value: Value): boolean =>
  value.tag === "text"
    ? !value.text.includes(hole)
    : value.tag === "constant" || (value.tag === "number" && value.effort < computed)

/** Names that say what they hold. */
export const answerName = /^(?:final_?)?(?:ans|answer|result|res|solution|output|final)$/i

/** Names of functions that are there to find the answer. */
export const solverName = /(?:solve|solution|answer|main|result|compute|calculate|^f$|^get)/i

export abstract class Watcher {
  readonly sightings: Array<Sighting> = []
  /** Whether the program was too much work to be followed to its end. */
  isExhausted = false
  protected readonly answer: Answer
  protected code: string
  /** Inside of executed text: where it is executed. */
  protected origin: PythonNode | null = null
  /** How many conditions that could not be decided, and how many loops, are around. */
  protected conditions = 0
  protected loops = 0
  protected inAssert = false
  protected inWhile = false
  /** Inside of a function that nothing calls. */
  protected isLibrary = false
  /** Names that run through what a loop or a filter goes through. */
  protected readonly loopNames = new Set<string>()
  /** Results of arithmetic so far. */
  protected readonly worked = new Set<string>()
  /** Sentences that are shown and have a common answer as their only number. */
  private readonly sentences: Array<{ readonly node: PythonNode; readonly folded: string }> = []
  /** Whether anything is shown that was worked out. */
  private showsResult = false
  private stepsLeft: number
  protected readonly isGiven = (value: Exact): boolean => {
    const key = keyOf(value)
    return this.answer.given.has(key) || this.worked.has(key)
  }

  constructor(code: string, answer: Answer, steps: number) {
    this.code = code
    this.answer = answer
    this.stepsLeft = steps
  }

  protected source(node: PythonNode): string {
    return this.code.slice(node.from, node.to)
  }

  /** Counts one step of work; false when there are none left. */
  protected step(): boolean {
    if (--this.stepsLeft >= 0) return true
    this.isExhausted = true
    return false
  }

  protected see(kind: LeakKind, rule: string, node: PythonNode | null, folded: string): void {
    const { from, to } = this.origin ?? node ?? { from: 0, to: 0 }
    if (this.sightings.length >= 100) return
    if (this.sightings.some((one) => one.from === from && one.to === to && one.kind === kind)) return
    this.sightings.push({ kind, rule: this.origin === null ? rule : `executed text, ${rule}`, from, to, folded })
  }

  protected match(value: Value): Match | null {
    switch (value.tag) {
      case "number":
        return this.answer.number !== null && keyOf(value.value) === keyOf(this.answer.number)
          ? { how: "states", effort: value.effort, why: null }
          : null
      case "text": {
        const how = speaksOf(value.text, this.answer, true)
        return how === null || (how === "mentions" && value.text.includes(hole))
          ? null
          : { how, effort: value.effort, why: null }
      }
      case "constant":
        return this.answer.number === null && bareMathematics(render(value)) === this.answer.bare
          ? { how: "states", effort: written, why: null }
          : null
      case "list": {
        if (value.items.length > 8) return null
        const effort = effortOf(value)
        if (this.answer.number === null && effort !== null) {
          return bareMathematics(render(value)) === this.answer.bare ? { how: "states", effort, why: null } : null
        }
        for (const item of value.items) {
          const found = item.tag === "number" ? this.match(item) : null
          if (found !== null) return { ...found, how: value.items.length === 1 ? "states" : "mentions" }
        }
        return null
      }
      case "choice": {
        let best: Match | null = null
        for (const option of value.options) {
          const found = this.match(option)
          if (found?.how === "states" && (best === null || found.effort < best.effort)) {
            best = { ...found, why: value.why }
          }
        }
        return best
      }
      default:
        return null
    }
  }

  /** Values that leave the program: printed, returned at the end, written, shown. */
  protected output(given: ReadonlyArray<Argument>, node: PythonNode | null, rule: string, isUnsure = false): void {
    const isSoft = isUnsure || this.conditions > 0 || this.isLibrary
    for (const { node: at, value } of given) {
      if (!isConstant(value)) this.showsResult = true
      const found = this.match(value)
      if (
        found === null && value.tag === "text" && !isSoft && this.loops === 0 && isOnlyNumberOf(value.text, this.answer)
      ) {
        this.sentences.push({ node: node ?? at, folded: value.text.slice(0, 200) })
      }
      if (found === null || found.effort === computed) continue
      const others = given.filter((other) => other.node !== at)
      const isAmongResults = others.some(({ value }) => value.tag !== "text" || value.text.includes(hole))
      const isLoop = this.loops > 0
      if (this.answer.common) {
        // Only a plain, unconditional statement of the answer alone says anything.
        if (
          found.how !== "states" || found.effort > respelled || isSoft || isLoop || found.why !== null || isAmongResults
        ) continue
      } else {
        if (found.how === "mentions" && isAmongResults) continue
        if (isLoop && others.length > 0 && isAmongResults) continue
        if (found.effort > disguised) continue
      }
      const place = node ?? at
      const folded = render(
        value.tag === "choice" ? value.options.find((one) => this.match(one) !== null) ?? value : value
      )
        .replaceAll(hole, "…").slice(0, 200)
      if (found.why === "place") this.see("uncertain", "list at an unknown place", place, folded)
      else if (found.why === "table") this.see("assert_or_hardcode", "look-up table", place, folded)
      else if (found.why === "seed") this.see("answer_seeded", "initial value", place, folded)
      else if (found.why === "item" || isLoop) this.see("answer_seeded", "written candidates", place, folded)
      else if (found.why === "branch" || isSoft) this.see("assert_or_hardcode", `${rule} on a condition`, place, folded)
      else if (found.effort === written) this.see("direct_print", rule, place, folded)
      else {this.see(
          "print_or_comment",
          found.effort === disguised ? `${rule}, folded` : `${rule}, respelled`,
          place,
          folded
        )}
    }
  }

  /** "There are 4 ways" states 4 in a program that shows nothing else; beside a result it may be a heading. */
  protected settle(): void {
    if (this.showsResult) return
    for (const { folded, node } of this.sentences) this.see("print_or_comment", "printed in a sentence", node, folded)
  }

  /** `left == right`, or a test that says so. */
  protected compared(left: Argument, right: Argument, node: PythonNode): void {
    for (const [one, other] of [[left, right], [right, left]] as const) {
      const found = this.match(one.value)
      if (found === null || found.how !== "states" || found.why !== null) continue
      if (one.node.type === "VariableName" && other.value.tag !== "unknown") continue
      if (other.node.type === "Number" || other.node.type === "String") continue
      const name = this.source(other.node)
      const isLoopName = this.loopNames.has(name)
      if (this.answer.common) {
        // An assertion about a plain name or the solver's result, unless the number is tiny or given.
        const isTelling = !this.answer.isInProblem && !/^-?[0-2]$/.test(this.answer.raw)
        const isTheResult = other.node.type === "VariableName"
          ? isTelling || answerName.test(name) || this.code.includes(`print(${name})`)
          : isTelling && other.node.type === "CallExpression" && name.endsWith("()") && solverName.test(name)
        if (!this.inAssert || !isTheResult || found.effort > respelled) continue
      } else if (found.effort > disguised) continue
      const folded = render(one.value).slice(0, 200)
      if ((isLoopName || this.inWhile) && !this.inAssert) {
        this.see("answer_seeded", "search for the answer", node, folded)
      } else this.see("assert_or_hardcode", this.inAssert ? "assertion" : "comparison", node, folded)
      return
    }
  }

  /** A search that begins at the answer, or in a window so narrow that it gives the answer away. */
  protected window(items: ReadonlyArray<Value>, node: PythonNode): void {
    const { common, number: wanted } = this.answer
    if (common || wanted === null || wanted.denominator !== 1n || items.length < 2) return
    const [start, stop] = items
    if (start?.tag !== "number" || stop === undefined || start.effort > disguised) return
    if (start.value.denominator !== 1n || this.isGiven(start.value)) return
    const from = start.value.numerator
    const startsThere = from === wanted.numerator && start.effort <= respelled
    const to = stop.tag === "number" && stop.effort <= disguised && stop.value.denominator === 1n
      ? stop.value.numerator
      : null
    const size = wanted.numerator < 0n ? -wanted.numerator : wanted.numerator
    const isNarrow = to !== null && from <= wanted.numerator && wanted.numerator < to && (to - from) * 20n <= size &&
      !this.isGiven({ numerator: to, denominator: 1n })
    if (startsThere || isNarrow) {
      this.see(
        "answer_seeded",
        startsThere ? "search from the answer" : "search around the answer",
        node,
        this.answer.raw
      )
    }
  }
}
