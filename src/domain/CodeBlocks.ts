// The first complete block of code in a text as it grows, in the two styles in which models mark it: fences of Markdown and tags of tool calls.
// A block counts only when its end is there: what a limit cut off never runs. However the text comes in parts, the same block is found.
// docs/tools.md tells the rules to users; ToolReasoning.ts (actors) runs what is found.
import { openQuote } from "./CodeBlocks/PythonStrings.ts"
import { codeOfCall } from "./CodeBlocks/ToolCalls.ts"
import type { ToolStyle } from "./ToolReasoning.ts"

export interface CodeBlock {
  readonly style: "fenced" | "tags"
  /** What is to run; null: it is a tool call in which no code can be read. */
  readonly code: string | null
  /** Where its opening line or tag begins, and the place after its end. */
  readonly start: number
  readonly end: number
  /** What closes it where the text does not, because a server cuts stop texts off or the model went on with an output. */
  readonly close: string
}

export interface BlockScanner {
  /** More of the text; the block as soon as it is complete for certain. After that the scanner is of no more use. */
  readonly push: (part: string) => CodeBlock | null
  /** There is no more text. `stopped`: the model ended by itself or at a stop text; false: it was cut off. */
  readonly end: (stopped: boolean) => CodeBlock | null
}

/** At these the model is to stop, so that it does not write outputs itself. At most four are understood everywhere. */
export const stopTexts = (style: ToolStyle): ReadonlyArray<string> =>
  style === "fenced" ? [outputFence] : style === "tags" ? [callEnd] : [outputFence, callEnd]
export const outputFence = "```output"
const callEnd = "</tool_call>"

const fenceLine = /^([ \t]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?)(`{3,}|~{3,})[ \t]*(.*)$/
const closingLine = /^[ \t]*(`{3,}|~{3,})[ \t]*$/
const pythonInfo = /^\{?\.?(?:python3?|py3?|ipython3?|tool_code)\b(?![-+])/i
const outputInfo = /^(?:tool_)?output\b/i

interface Fence {
  readonly mark: string
  readonly indent: number
  readonly isPython: boolean
  readonly isOutput: boolean
}
const fenceOf = (line: string): Fence | null => {
  const [, before = "", mark = "", info = ""] = fenceLine.exec(line) ?? []
  // What has its own mark on the same line is code in a sentence.
  if (mark === "" || info.includes("`")) return null
  return { mark, indent: before.length, isPython: pythonInfo.test(info), isOutput: outputInfo.test(info) }
}
const closes = (line: string, mark: string): boolean => {
  const found = closingLine.exec(line)?.[1]
  return found !== undefined && found[0] === mark[0] && found.length >= mark.length
}

const openTags = /(?<!`)(?:<tool_call>|<\|python_tag\|>)|^[ \t]*<code>/g
const endTags: { readonly [open: string]: RegExp } = {
  "<tool_call>": /<\/tool_call>/g,
  "<code>": /<\/code>/g,
  "<|python_tag|>": /<\|(?:eom_id|eot_id|python_tag)\|>/g
}
/** Where the first match at or after `from` begins, and the place after it. */
const nextOf = (
  pattern: RegExp,
  text: string,
  from: number
): { readonly at: number; readonly after: number } | null => {
  pattern.lastIndex = from
  const found = pattern.exec(text)
  return found === null ? null : { at: found.index, after: found.index + found[0].length }
}

type Inside =
  | { readonly _tag: "Words" }
  /** A fence around something else. */
  | { readonly _tag: "Other"; readonly mark: string }
  | {
    readonly _tag: "Python"
    readonly fence: Fence
    readonly start: number
    readonly lines: Array<string>
    /** The string that is open, and the first block that a fence inside of a string would close, in case that it was none. */
    quote: string | null
    doubted: CodeBlock | null
  }
  | { readonly _tag: "Call"; readonly open: string; readonly start: number; readonly parts: Array<string> }

export const makeBlockScanner = (style: ToolStyle): BlockScanner => {
  const withFences = style !== "tags"
  const withTags = style !== "fenced"
  let inside: Inside = { _tag: "Words" }
  /** Parts of the last line, and where it begins. */
  let pending: Array<string> = []
  let at = 0

  const blockOf = (
    { lines, start }: Extract<Inside, { readonly _tag: "Python" }>,
    end: number,
    close: string
  ): CodeBlock | null => {
    const code = lines.join("\n")
    return code.trim() === "" ? null : { style: "fenced", code, start, end, close }
  }
  const enter = (fence: Fence, start: number): void => {
    inside = fence.isPython
      ? { _tag: "Python", fence, start, lines: [], quote: null, doubted: null }
      : { _tag: "Other", mark: fence.mark }
  }
  const leave = (): void => {
    inside = { _tag: "Words" }
  }

  const pythonLine = (
    here: Extract<Inside, { readonly _tag: "Python" }>,
    line: string,
    start: number,
    end: number
  ): CodeBlock | null => {
    const { fence: { indent, mark }, lines } = here
    if (closes(line, mark)) {
      const block = blockOf(here, end, "")
      if (here.quote === null) {
        if (block === null) leave()
        return block
      }
      here.doubted ??= block
    } else {
      const fence = fenceOf(line)
      const isMark = fence !== null && (fence.isPython || fence.isOutput)
      // Another block begins: the string that seemed open was none.
      if (isMark && here.doubted !== null) return here.doubted
      if (isMark && here.quote === null) {
        if (fence.isOutput) {
          const block = blockOf(here, start, `${mark}\n`)
          if (block !== null) return block
        }
        enter(fence, start)
        return null
      }
    }
    const blank = /^[ \t]*/.exec(line)?.[0].length ?? 0
    const own = line.slice(Math.min(indent, blank))
    lines.push(own)
    here.quote = openQuote(own, here.quote)
    return null
  }

  const callOf = (
    { parts, start }: Extract<Inside, { readonly _tag: "Call" }>,
    end: number,
    close: string
  ): CodeBlock | null => {
    const content = parts.join("\n")
    if (content.trim() === "") return null
    const code = codeOfCall(content)
    return { style: "tags", code: code?.trim() === "" ? null : code, start, end, close }
  }

  /** Calls on a line, which begins at `start`: what is left of the one that is open, then those that begin on it. */
  const callsOn = (line: string, start: number): CodeBlock | null => {
    for (let from = 0;;) {
      if (inside._tag === "Call") {
        const end = nextOf(endTags[inside.open] ?? openTags, line, from)
        inside.parts.push(line.slice(from, end?.at))
        if (end === null) return null
        const block = callOf(inside, start + end.after, "")
        if (block !== null) return block
        leave()
        from = end.after
      }
      const tag = nextOf(openTags, line, from)
      if (tag === null) return null
      const open = line.slice(tag.at, tag.after).trim()
      inside = { _tag: "Call", open, start: start + tag.after - open.length, parts: [] }
      from = tag.after
    }
  }
  const wordsLine = (line: string, start: number): CodeBlock | null => {
    const fence = withFences ? fenceOf(line) : null
    if (fence === null) return withTags ? callsOn(line, start) : null
    enter(fence, start)
    return null
  }

  /** `end`: the place after the line and its line end. */
  const lineIn = (raw: string, start: number, end: number): CodeBlock | null => {
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw
    switch (inside._tag) {
      case "Words":
        return wordsLine(line, start)
      case "Python":
        return pythonLine(inside, line, start, end)
      case "Call":
        return callsOn(raw, start)
      case "Other": {
        if (closes(line, inside.mark)) leave()
        else {
          // Nobody nests fences of the same length: the block before was not closed.
          const fence = fenceOf(line)
          const { mark } = inside
          if (fence?.isPython === true && fence.mark[0] === mark[0] && fence.mark.length >= mark.length) {
            enter(fence, start)
          }
        }
        return null
      }
    }
  }

  return {
    push: (part) => {
      let from = 0
      for (let to = part.indexOf("\n"); to >= 0; to = part.indexOf("\n", from)) {
        const line = pending.join("") + part.slice(from, to)
        from = to + 1
        pending = []
        const start = at
        at += line.length + 1
        const block = lineIn(line, start, at)
        if (block !== null) return block
      }
      if (from < part.length) pending.push(part.slice(from))
      return null
    },
    end: (stopped) => {
      const line = pending.join("")
      pending = []
      const start = at
      at += line.length
      const isPart = line.trim() !== ""
      if (isPart) {
        const block = lineIn(line, start, at)
        if (block !== null) return block
      }
      if (inside._tag === "Python") {
        if (inside.doubted !== null) return inside.doubted
        // The stop text was on a line of its own, and the server has cut it off.
        return stopped && !isPart ? blockOf(inside, at, `${inside.fence.mark}\n`) : null
      }
      if (inside._tag === "Call" && stopped) {
        return callOf(inside, at, inside.open === "<|python_tag|>" ? "" : inside.open.replace("<", "</"))
      }
      return null
    }
  }
}

/** The first complete block of a text that has ended; see `BlockScanner.end` for `stopped`. */
export const firstBlock = (text: string, style: ToolStyle, stopped: boolean): CodeBlock | null => {
  const scanner = makeBlockScanner(style)
  return scanner.push(text) ?? scanner.end(stopped)
}
