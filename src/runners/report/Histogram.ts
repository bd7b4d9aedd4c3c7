// Histograms as static SVG, drawn by Observable Plot on a document of linkedom. Both are loaded on first use: a program that
// writes no report does not pay for them. Colours are custom properties of the page, so one chart serves light and dark.
import { Effect } from "effect"
import { type Html, trusted } from "./Html.ts"

export interface HistogramBar {
  readonly from: number
  readonly to: number
  /** Height in the unit of the vertical axis. */
  readonly value: number
  /** Shown when the pointer rests on the bar. */
  readonly tooltip: string
}

export interface HistogramSpec {
  readonly bars: ReadonlyArray<HistogramBar>
  /** A CSS colour. */
  readonly color: string
  /** What the chart shows, for those who cannot see it. */
  readonly description: string
  readonly x: { readonly domain: readonly [number, number]; readonly log: boolean; readonly label: string }
  readonly y: { readonly max: number; readonly label: string; readonly format: (n: number) => string }
  /** A place on the horizontal axis with a word, e.g. the median. */
  readonly mark?: { readonly at: number; readonly label: string } | undefined
}

/** 0.8, 300, 3k, 1M. */
const tick = (n: number): string => n >= 1_000_000 ? `${n / 1_000_000}M` : n >= 1_000 ? `${n / 1_000}k` : String(n)

/** Powers of ten inside the domain, with 3 times each where there are fewer than three of them. */
const logTicks = ([from, to]: readonly [number, number]): ReadonlyArray<number> => {
  const inside = [0, 1, 2, 3, 4, 5, 6].flatMap((k) => [10 ** k, 3 * 10 ** k]).filter((n) => n >= from && n <= to)
  const powers = inside.filter((n) => Number.isInteger(Math.log10(n)))
  return powers.length >= 3 ? powers : inside
}

/** A function that draws 300 by 160 SVG charts, stretched by the page to the width there is. */
export const loadHistogram: Effect.Effect<(spec: HistogramSpec) => Html> = Effect.gen(function*() {
  const [Plot, { parseHTML }] = yield* Effect.promise(() =>
    Promise.all([import("@observablehq/plot"), import("linkedom")])
  )
  const { document } = parseHTML("<!doctype html><html><body></body></html>")
  return ({ bars, color, description, mark, x, y }) => {
    const rule = mark === undefined ? [] : [
      Plot.ruleX([mark.at], { stroke: "var(--ink)", strokeDasharray: "2 2", marginTop: 16 }),
      Plot.text([mark.label], { x: [mark.at], frameAnchor: "top", dy: -14, fill: "currentColor" })
    ]
    const chart = Plot.plot({
      document,
      width: 300,
      height: 160,
      marginLeft: 36,
      marginRight: 12,
      marginTop: 26,
      marginBottom: 34,
      x: {
        type: x.log ? "log" : "linear",
        domain: x.domain,
        label: x.label,
        labelArrow: "none",
        labelAnchor: "center",
        tickFormat: tick,
        ...(x.log ? { ticks: logTicks(x.domain) } : { ticks: 4 })
      },
      y: { domain: [0, y.max], nice: 3, ticks: 3, tickFormat: y.format, label: null, tickSize: 0, grid: true },
      marks: [
        Plot.rectY(bars, {
          x1: "from",
          x2: "to",
          y: "value",
          fill: color,
          title: "tooltip",
          insetLeft: 0.5,
          insetRight: 0.5
        }),
        Plot.ruleY([0], { stroke: "currentColor" }),
        ...rule
      ]
    })
    chart.setAttribute("role", "img")
    chart.setAttribute("aria-label", description)
    chart.setAttribute("class", "chart")
    // The page's style sheet replaces the one that Plot puts into every chart.
    chart.querySelector("style")?.remove()
    return trusted(chart.outerHTML)
  }
})
