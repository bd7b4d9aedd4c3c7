// A reader of forum markup: BBCode and the HTML left over from older forums, as a tree. It never fails and never loses
// a character
// that is not a tag: unknown tags are text, stray closing tags vanish, unclosed ones stay in the tree marked as such,
// and
// formulas are opaque. Linear time; elements nest at most `maxDepth` deep, deeper tags are read and left out.
import { formulaSpans, forwardSearch } from "./Mathematics.ts"
import { pattern } from "./Pattern.ts"

export const maxDepth = 64

export interface TextNode {
  readonly _tag: "Text" | "Formula"
  readonly text: string
}
export interface VerbatimNode {
  readonly _tag: "Verbatim"
  readonly name: "asy" | "code" | "tex"
  readonly text: string
}
export interface ElementNode {
  readonly _tag: "Element"
  /**
   * Lower case; other spellings and HTML names are given one BBCode name. `*` (a list item), `hr`, `br` and `p` have
   * no children.
   */
  readonly name: string
  /** What stood after `=`, without quotation marks; "" if nothing. */
  readonly attribute: string
  readonly children: Array<Node>
  /** The opening tag as written. */
  readonly open: string
  /** False where the closing tag is missing: the element's extent is then a guess. */
  readonly closed: boolean
  /** True for an unclosed one-letter tag that reads as mathematics, such as `a[i]` or `[b] = 3`: its `open` is text. */
  readonly literal: boolean
}
export type Node = TextNode | VerbatimNode | ElementNode

const inlineNames = new Set(["b", "i", "u", "s", "color", "size", "url", "sub", "sup"])
const blockNames = new Set(["quote", "hide", "list", "center", "img", "attachment", "youtube", "table"])
const voidNames = new Set(["*", "hr", "br", "p"])
const verbatimNames: ReadonlyMap<string, VerbatimNode["name"]> = new Map([
  ["asy", "asy"],
  ["code", "code"],
  ["pre", "code"],
  ["latex", "tex"],
  ["tex", "tex"],
  ["math", "tex"]
])
const oneName: ReadonlyMap<string, string> = new Map([
  ["hidden", "hide"],
  ["spoiler", "hide"],
  ["colour", "color"],
  ["strike", "s"],
  ["del", "s"],
  ["link", "url"],
  ["image", "img"],
  ["ul", "list"],
  ["ol", "list"],
  ["li", "*"],
  ["blockquote", "quote"],
  ["strong", "b"],
  ["em", "i"],
  ["font", "color"],
  ["span", "color"],
  ["small", "size"],
  ["big", "size"],
  ["div", "p"],
  ["tr", "p"],
  ["td", "p"],
  ["a", "url"],
  ["email", "url"],
  ["video", "youtube"],
  ["left", "center"],
  ["right", "center"],
  ["align", "center"],
  ["attach", "attachment"],
  ["rule", "hr"]
])
/** In brackets these are words, in angle brackets tags; `a` and `font` then only with attributes. */
const htmlOnly = new Set(["p", "a", "em", "strong", "div", "span", "tr", "td", "ul", "ol", "li", "small", "big", "pre"])
const htmlNames = "sub|sup|br|hr|b|i|u|s|del|strike|center|img|font|table|code|blockquote|" + [...htmlOnly].join("|")

const bracketTag = pattern(
  "iy",
  String.raw`\[(\/?)(\*|[a-z]{1,10})((?:[ \t]{0,8}=[^\]\n]{0,300})|`,
  String.raw`(?:[ \t]{1,8}[a-z]{2,12}[ \t]{0,8}=[^\]\n]{0,300}))?[ \t]{0,8}\]`
)
const angleTag = new RegExp(`<(/?)(${htmlNames})((?:\\s{1,8}[a-z-]{2,20}\\s{0,8}=[^<>]{0,300})?)\\s{0,8}/?>`, "iy")
const anyClosing = /\[\/[a-z]{1,10}\]/gi

interface Tag {
  readonly name: string
  readonly written: string
  readonly attribute: string
  readonly closing: boolean
  readonly html: boolean
  readonly start: number
  readonly end: number
}

/** The tag at `start`, where a `[` or `<` is; `undefined` where the text only looks like one. */
const tagAt = (input: string, start: number): Tag | undefined => {
  const html = input.charCodeAt(start) === 60
  if (!html && input.charCodeAt(start - 1) === 92) return undefined // `\[` and `\\[` are LaTeX
  const matcher = html ? angleTag : bracketTag
  matcher.lastIndex = start
  const match = matcher.exec(input)
  if (match === null) return undefined
  const written = (match[2] ?? "").toLowerCase()
  const raw = match[3] ?? ""
  if (!html && (htmlOnly.has(written) || (written.length === 1 && raw !== ""))) return undefined
  const closing = match[1] === "/"
  if (html && !closing && raw === "" && (written === "a" || written === "font")) return undefined
  const name = oneName.get(written) ?? written
  if (!inlineNames.has(name) && !blockNames.has(name) && !voidNames.has(name) && !verbatimNames.has(written)) {
    return undefined
  }
  const attribute = written === "ol" ? "1" : raw.slice(raw.indexOf("=") + 1).trim().replace(/^["']|["']$/g, "")
  return { name, written, attribute, closing, html, start, end: start + match[0].length }
}

/** An unclosed `[i]` is an index, not markup, where letters, closing brackets or operators touch it. */
const readsAsMathematics = (input: string, tag: Tag): boolean =>
  tag.written.length === 1 && tag.attribute === "" && tag.written !== "*" &&
  (/[\p{L}\p{N}_)}\]]$|[=<>+/^]\s*$|[(,-]$/u.test(input.slice(Math.max(0, tag.start - 6), tag.start)) ||
    /^\s*[=<>+/^]|^[),\]]/.test(input.slice(tag.end, tag.end + 6)))

export const parseBbCode = (input: string): ReadonlyArray<Node> => {
  const roots: Array<Node> = []
  const stack: Array<{ readonly tag: Tag; readonly children: Array<Node> }> = []
  /** Openings beyond the depth limit by name: their closings are left out as well. */
  const tooDeep = new Map<string, number>()
  const closers = new Map<string, (from: number) => number>()
  const siblings = () => stack.at(-1)?.children ?? roots
  const element = (tag: Tag, children: Array<Node>, closed: boolean): ElementNode => ({
    _tag: "Element",
    name: tag.name,
    attribute: tag.attribute,
    children,
    open: input.slice(tag.start, tag.end),
    closed,
    literal: !closed && readsAsMathematics(input, tag)
  })
  const pop = (closed: boolean) => {
    const top = stack.pop()
    if (top !== undefined) siblings().push(element(top.tag, top.children, closed))
  }
  const close = (name: string) => {
    const missing = tooDeep.get(name) ?? 0
    if (missing > 0) return void tooDeep.set(name, missing - 1)
    for (let depth = stack.length - 1; depth >= 0; depth--) {
      const open = stack[depth]?.tag.name ?? ""
      if (open === name) {
        while (stack.length > depth + 1) pop(false)
        return pop(true)
      }
      // The end of a bold text does not reach out of its quote.
      if (inlineNames.has(name) && !inlineNames.has(open)) return
    }
  }
  /** Reads the body of a verbatim tag and gives where to go on; a tag without its closing one is left out. */
  const verbatim = (tag: Tag, name: VerbatimNode["name"]): number => {
    const closer = tag.html ? `</${tag.written}>` : `[/${tag.written}]`
    const search = closers.get(closer) ?? forwardSearch(input, new RegExp(closer.replace(/[[\]]/g, "\\$&"), "gi"))
    closers.set(closer, search)
    const end = search(tag.end)
    if (end < 0) return tag.end
    siblings().push({ _tag: "Verbatim", name, text: input.slice(tag.end, end) })
    return end + closer.length
  }
  const open = (tag: Tag): number => {
    const verbatimName = verbatimNames.get(tag.written)
    if (verbatimName !== undefined) return tag.closing ? tag.end : verbatim(tag, verbatimName)
    if (voidNames.has(tag.name)) {
      if (!tag.closing || tag.name === "p") {
        siblings().push(element(tag, [], tag.closing || !readsAsMathematics(input, tag)))
      }
    } else if (tag.closing) close(tag.name)
    else if (tag.html && tag.name === "img") siblings().push(element(tag, [], true))
    else if (stack.length < maxDepth) stack.push({ tag, children: [] })
    else tooDeep.set(tag.name, (tooDeep.get(tag.name) ?? 0) + 1)
    return tag.end
  }

  const formulas = formulaSpans(input, anyClosing)
  let nextFormula = 0
  let textFrom = 0
  const flush = (to: number) => {
    if (to > textFrom) siblings().push({ _tag: "Text", text: input.slice(textFrom, to) })
  }
  for (let at = 0; at < input.length;) {
    const formula = formulas[nextFormula]
    if (formula !== undefined && formula.start <= at) {
      nextFormula++
      if (formula.start < at) continue // it began inside a tag or a verbatim body
      flush(at)
      siblings().push({ _tag: "Formula", text: input.slice(at, formula.end) })
      textFrom = at = formula.end
      continue
    }
    const code = input.charCodeAt(at)
    const tag = code === 91 /* [ */ || code === 60 /* < */ ? tagAt(input, at) : undefined
    if (
      tag === undefined ||
      (tag.name === "*" && !tag.html && !stack.some((open) => open.tag.name === "list") && !startsLine(input, at))
    ) {
      at++
      continue
    }
    flush(at)
    textFrom = at = open(tag)
  }
  flush(input.length)
  while (stack.length > 0) pop(false)
  return roots
}

/** `[*]` outside of a list is an item only at the start of a line. */
const startsLine = (input: string, at: number): boolean => at === 0 || input.charCodeAt(at - 1) === 10
