// The plain text of a forum post: markup rendered or removed, old escapes, entities and smileys resolved, formulas
// kept as they are.
// Quoted and hidden text is kept or left out as the reader asks. Total on any string, linear time.
import { type ElementNode, type Node, parseBbCode, type VerbatimNode } from "./BbCode.ts"

export interface PostView {
  /** Keep what the post quotes from others. */
  readonly quotes: boolean
  /** Keep what stands behind [hide] or [spoiler] tags. A part whose title says "problem" is always kept. */
  readonly hidden: boolean
}

export interface PostText {
  readonly text: string
  /** Text of the hidden parts that `text` leaves out, in order. */
  readonly hidden: ReadonlyArray<string>
  /** Images and attachments; each stands in the text as `[image]`. */
  readonly images: number
}

const entities: { readonly [name: string]: string } = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: "\"",
  apos: "'",
  nbsp: " ",
  le: "\u2264",
  ge: "\u2265",
  ne: "\u2260",
  times: "\u00d7",
  minus: "\u2212",
  middot: "\u00b7",
  deg: "\u00b0",
  pi: "\u03c0",
  alpha: "\u03b1",
  beta: "\u03b2",
  gamma: "\u03b3",
  theta: "\u03b8",
  infin: "\u221e",
  radic: "\u221a",
  plusmn: "\u00b1",
  divide: "\u00f7",
  hellip: "...",
  ndash: "\u2013",
  mdash: "\u2014",
  rsquo: "\u2019",
  lsquo: "\u2018",
  ldquo: "\u201c",
  rdquo: "\u201d",
  sup2: "\u00b2",
  sup3: "\u00b3",
  frac12: "\u00bd",
  eacute: "\u00e9",
  uuml: "\u00fc",
  ouml: "\u00f6"
}

const decodeEntities = (text: string): string =>
  text.includes("&")
    ? text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,7}\d{0,2}));/gi, (whole, decimal, hex, name) => {
      if (name !== undefined) return entities[name] ?? whole
      const point = decimal !== undefined ? Number(decimal) : Number.parseInt(hex, 16)
      const isScalar = point >= 32 && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff)
      return isScalar ? String.fromCodePoint(point) : whole
    })
    : text

/** The forums of the early 2000s once rewrote operators as commands: `a \plus{} b \equal{} c`. */
const oldOperators = (text: string): string =>
  text.includes("{}")
    ? text.replace(/\\(plus|minus|equal)\{\}/g, (_, name) => name === "plus" ? "+" : name === "minus" ? "-" : "=")
    : text

const smileyNames =
  "lol|blush|mad|oops|roll|rolleyes|rotfl|rotflmao|wink|huh|maybe|ninja|wallbash|wallbash_red|cool|cry|evil|twisted|" +
  "shock|eek|smile|sad|razz|arrow|idea|question|exclaim|help|thumbup|thumbsup|thumb|play_ball|stretcher|" +
  "furious|yinyang|alien|yup|icecream|sleep|" +
  "sleeping|diablo|ewpu|first|money|noo|love|spidy|surf|starwars|trampoline|welcome|winner|yoda|bomb|" +
  "censored|clap2|dry|juggle|coolspeak|read|nhl|pilot|police|roflmao|gathering|heli|jump|lightsaber"
/**
 * Colon smileys stand alone: after a space or the end of a sentence, before a space or the end, and not before an
 * arrow.
 */
const smiley = new RegExp(
  `(^|[\\s.?!,)"\\u00a0])(?:(?::(?:${smileyNames}|[?!]):|[:;]-?[DPp)(|?oO]|:-?/|=\\)|:'\\(|xD|` +
    `\\^_{1,3}\\^)(?=$|[\\s.!,:;])(?![ \\t]*(?:->|[=\\\\\\u2190-\\u21ff]))[ \\t]?)+`,
  "gm"
)
const faces = /[\u{1F600}-\u{1F64F}\u{1F910}-\u{1F92F}\u{1F970}-\u{1F97A}\u{1F44B}-\u{1F44F}\u{FE0F}\u{200D}]+/gu

const withoutSmileys = (text: string): string => {
  const some = /[:;=^x]/.test(text) ? text.replace(smiley, "$1") : text
  return some.replace(faces, "")
}

const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u200b\u2060\ufeff]/g
const startsWithAddress = /^\s*(?:https?:\/\/|www\.)\S*\s*$/i

/** Text between tags: entities, escapes, smileys, runs of blanks. */
const plain = (text: string): string => withoutSmileys(decodeEntities(oldOperators(text))).replace(/[ \t\u00a0]+/g, " ")

const formula = (text: string): string => {
  const decoded = decodeEntities(oldOperators(text))
  return decoded.includes("</su")
    ? decoded.replace(
      /<(sub|sup)>([^<]{0,200})<\/\1>/gi,
      (_, name, body) => `${name.toLowerCase() === "sub" ? "_" : "^"}{${body}}`
    )
    : decoded
}

const verbatim = ({ name, text }: VerbatimNode): string => {
  if (name === "asy") return `[asy]${text}[/asy]`
  if (name === "code") return `\n\`\`\`\n${text.replace(/^\n|\n$/g, "")}\n\`\`\`\n`
  return text.includes("$") ? formula(text) : `$${formula(text.trim())}$`
}

class Renderer {
  readonly view: PostView
  readonly hidden: Array<string> = []
  images = 0
  constructor(view: PostView) {
    this.view = view
  }

  nodes(nodes: ReadonlyArray<Node>, numbering: { next: number } | null): string {
    let out = ""
    for (const node of nodes) {
      if (node._tag === "Element") out += this.element(node, numbering)
      else if (node._tag === "Verbatim") out += verbatim(node)
      else out += node._tag === "Text" ? plain(node.text) : formula(node.text)
    }
    return out
  }

  element(node: ElementNode, numbering: { next: number } | null): string {
    const inside = () => this.nodes(node.children, numbering)
    if (node.literal) return node.open + inside()
    switch (node.name) {
      case "quote":
        return this.quote(node, numbering)
      case "hide": {
        if (this.view.hidden || !node.closed || /problem|question|statement/i.test(node.attribute)) {
          return `\n${inside()}\n`
        }
        this.hidden.push(inside())
        return "\n"
      }
      case "list":
        return `\n${this.nodes(node.children, { next: /^[1]$/.test(node.attribute) ? 1 : 0 })}\n`
      case "*":
        return numbering !== null && numbering.next > 0 ? `\n${numbering.next++}. ` : "\n- "
      case "sub":
      case "sup":
        return `${node.name === "sub" ? "_" : "^"}{${inside()}}`
      case "img":
      case "attachment":
        this.images++
        return "[image]"
      case "url": {
        const text = inside()
        return startsWithAddress.test(text) ? "" : text
      }
      case "youtube":
        return ""
      case "br":
      case "p":
        return "\n"
      case "hr":
        return "\n\n"
      case "center":
        return `\n${inside()}\n`
      default:
        return inside()
    }
  }

  /**
   * A closed quote goes or stays as a whole. An unclosed one followed by a bare second one is a mistyped closing tag;
   * any other
   * unclosed quote is only a tag, so that it never swallows the rest of the post.
   */
  quote(node: ElementNode, numbering: { next: number } | null): string {
    if (node.closed) return this.view.quotes ? `\n${this.nodes(node.children, numbering)}\n` : "\n"
    const last = node.children.at(-1)
    const isPair = last !== undefined && last._tag === "Element" && last.name === "quote" && !last.closed &&
      last.attribute === "" &&
      node.children.length > 1
    if (!isPair) return `\n${this.nodes(node.children, numbering)}\n`
    const quoted = this.view.quotes ? this.nodes(node.children.slice(0, -1), numbering) : ""
    return `\n${quoted}\n${this.nodes(last.children, numbering)}\n`
  }
}

/** Line feeds only, no control characters, no lone surrogates (they become U+FFFD). */
export const cleanCharacters = (text: string): string =>
  text.toWellFormed().replace(/\r\n?|\u2028|\u2029/g, "\n").replace(controls, "")

/** At most one blank line in a row, no blanks at line ends. */
const tidyLines = (text: string): string =>
  text.split("\n").map((line) => line.trimEnd()).join("\n").replace(/\n{3,}/g, "\n\n").trim()

export const postText = (post: string, view: PostView): PostText => {
  const renderer = new Renderer(view)
  const text = renderer.nodes(parseBbCode(cleanCharacters(post)), null)
  return { text: tidyLines(text), hidden: renderer.hidden.map(tidyLines), images: renderer.images }
}
