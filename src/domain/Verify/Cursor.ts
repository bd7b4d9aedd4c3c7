// A place in a cleaned answer, and the small steps that every part of the grammar is made of. Depth and steps are bounded.
import type { Budget } from "./Budget.ts"
import { negativeSpace, thinSpace } from "./Clean.ts"

/** What stands here is nothing that the grammar knows. Thrown only inside of the parser, and caught there. */
export class Unreadable extends Error {}

const maxDepth = 240

export const isDigit = (sign: string | undefined): boolean => sign !== undefined && sign >= "0" && sign <= "9"
export const isLetter = (sign: string | undefined): boolean =>
  sign !== undefined && ((sign >= "a" && sign <= "z") || (sign >= "A" && sign <= "Z"))
export const isSpace = (sign: string | undefined): boolean =>
  sign === " " || sign === thinSpace || sign === negativeSpace || sign === "\t"

export class Cursor {
  readonly text: string
  readonly budget: Budget
  at = 0
  depth = 0
  /** Inside of an alignment, its marks are only spaces. */
  aligned = false

  constructor(text: string, budget: Budget) {
    this.text = text
    this.budget = budget
  }

  fail(): never {
    throw new Unreadable()
  }

  skip(): void {
    while (isSpace(this.text[this.at]) || (this.aligned && this.text[this.at] === "&")) this.at++
  }

  peek(word: string): boolean {
    this.skip()
    return this.text.startsWith(word, this.at)
  }

  take(word: string): boolean {
    if (!this.peek(word)) return false
    this.at += word.length
    return true
  }

  expect(word: string): void {
    if (!this.take(word)) this.fail()
  }

  /** The command at this place, without its backslash; "" where there is none. */
  command(): string {
    this.skip()
    if (this.text[this.at] !== "\\") return ""
    let end = this.at + 1
    while (isLetter(this.text[end])) end++
    return this.text.slice(this.at + 1, end)
  }

  takeCommand(name: string): void {
    this.at += 1 + name.length
    if (this.text[this.at] === " ") this.at++
  }

  word(): string {
    this.skip()
    let end = this.at
    while (isLetter(this.text[end])) end++
    return this.text.slice(this.at, end)
  }

  deeper<A>(run: () => A): A {
    if (++this.depth > maxDepth) this.fail()
    const result = run()
    this.depth--
    return result
  }

  skipIf(sign: string, then: () => void): void {
    while (this.text[this.at] === sign) {
      this.at++
      then()
    }
  }
}
