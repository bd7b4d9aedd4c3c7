// The pieces that every report page is made of: the page itself, sections, bars and the signs of states.
// A page is one file: no script, no outside resource. Its content security policy forbids both, should anything slip through.
import type { Split } from "../../domain/RunReport.ts"
import { type Html, html, type Part, trusted } from "./Html.ts"
import { style } from "./Style.ts"

export type State = "done" | "dropped" | "failed"
/** What a colour stands for. */
export type Kind = State | "flow" | Split

export const page = (title: string, body: Part): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${trusted(style)}</style>
</head>
<body>
<div class="page">
${body}
</div>
</body>
</html>
`.markup

export const empty = (sentence: string): Html => html`<p class="empty">${sentence}</p>`

/**
 * A part of the page: a heading with a sentence about it, and beside them, below on narrow screens, the content. A content that
 * is a mere string says why there is none.
 */
export const section = (id: string, title: string, about: Part, content: string | Html | ReadonlyArray<Part>): Html =>
  html`<section id="${id}" aria-labelledby="${id}-title">
<div class="about"><h2 id="${id}-title">${title}</h2>${typeof content !== "string" && html`<p>${about}</p>`}</div>
<div>${typeof content === "string" ? empty(content) : content}</div>
</section>
`

/** A circle, a diamond or a triangle in the state's colour: the state is never told by colour alone. */
export const sign = (state: State): Html => {
  const shape = { done: "M5 0a5 5 0 1 0 .01 0z", dropped: "M5 0l5 5-5 5-5-5z", failed: "M5 .5l5 9H0z" }[state]
  return html`<svg class="sign ${state}" viewBox="0 0 10 10" aria-hidden="true"><path d="${shape}"/></svg>`
}

export interface BarPart {
  readonly kind: Kind
  readonly value: number
  readonly tooltip: string
}

/** A horizontal bar of `parts`, as wide as the place it is in for `whole`. The figures stand beside it, so it is hidden from readers of text. */
export const bar = (parts: ReadonlyArray<BarPart>, whole: number, wide = false): Html => {
  let x = 0
  const rects = parts.map(({ kind, tooltip, value }) => {
    const width = whole > 0 ? (100 * value) / whole : 0
    const rect = width > 0 &&
      html`<rect class="${kind}" x="${x.toFixed(2)}" width="${
        width.toFixed(2)
      }" height="1"><title>${tooltip}</title></rect>`
    x += width
    return rect
  })
  return html`<svg class="bar${
    wide ? " wide" : ""
  }" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">${rects}</svg>`
}

/** A piece of untrusted text, in its own direction and with its own line breaks. */
export const quoted = (text: string | null, otherwise = "no text"): Html =>
  text === null ? html`<p class="muted">${otherwise}</p>` : html`<p class="text" dir="auto">${text}</p>`

export const identifier = (id: string | null): Html => html`<bdi class="id">${id ?? "no id"}</bdi>`
