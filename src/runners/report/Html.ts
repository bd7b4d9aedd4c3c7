// HTML as a value that only `html` and `trusted` make. Whatever is put into a template is escaped unless it is `Html` itself,
// so text of models and forums cannot become markup by being forgotten. Characters that could reorder or hide text
// (bidirectional overrides, control and format characters) are shown by their number instead.

export class Html {
  readonly markup: string
  constructor(markup: string) {
    this.markup = markup
  }
}

/** What a template takes; `null`, `undefined` and `false` leave nothing. Lists are joined without a separator. */
export type Part = Html | string | number | null | undefined | false | ReadonlyArray<Part>

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\"": "&quot;",
  "'": "&#39;",
  "`": "&#96;"
}
// Control, format and separator characters, except new line, tab, and the joiners that Persian, Indic scripts and emoji need.
const invisible = /(?![\n\t\u200C\u200D])[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** Text for element content and quoted attributes. Unpaired surrogates become U+FFFD; CR LF and CR become LF. */
export const escape = (text: string): string =>
  text
    .toWellFormed()
    .replace(/\r\n?/g, "\n")
    .replace(invisible, (c) => `[U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`)
    .replace(/[&<>"'`]/g, (c) => entities[c] ?? "")

const markupOf = (part: Part): string => {
  if (part === null || part === undefined || part === false) return ""
  if (part instanceof Html) return part.markup
  return typeof part === "object" ? part.map(markupOf).join("") : escape(String(part))
}

export const html = (strings: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Html =>
  new Html(strings.reduce((markup, text, i) => markup + markupOf(parts[i - 1]) + text))

/** Markup that this program made itself (a serialised chart, the style sheet). Never text from outside. */
export const trusted = (markup: string): Html => new Html(markup)
