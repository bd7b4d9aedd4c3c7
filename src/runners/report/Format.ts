// Numbers as people read them: grouped digits, a unit, at most three figures where precision would only be noise.
// The locale is fixed, so equal summaries give equal pages on every machine. A number and its unit never part at a line break.

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 })

export const count = (n: number): string => grouped.format(n)

/** "1 row", "2,000 rows". */
export const countOf = (n: number, one: string, many = `${one}s`): string =>
  `${grouped.format(n)} ${n === 1 ? one : many}`

/** Three figures below 1,000, whole numbers above. */
export const decimal = (n: number): string => Math.abs(n) >= 1_000 ? grouped.format(n) : short.format(n)

/** Share of a whole, "–" if the whole is nothing. A share that is neither nothing nor all is never shown as 0 % or 100 %. */
export const percent = (part: number, whole: number): string => {
  if (whole <= 0) return "–"
  const share = (100 * part) / whole
  if (share > 0 && share < 0.1) return "<0.1\u00A0%"
  if (share < 100 && share > 99.9) return ">99.9\u00A0%"
  return `${share.toFixed(share === 0 || share === 100 ? 0 : 1)}\u00A0%`
}

export const seconds = (s: number): string => {
  if (s < 0.001) return s === 0 ? "0\u00A0s" : "<1\u00A0ms"
  if (s < 1) return `${short.format(s * 1_000)}\u00A0ms`
  if (s < 60) return `${s.toFixed(1)}\u00A0s`
  const whole = Math.round(s)
  const minutes = Math.floor(whole / 60)
  return minutes < 60
    ? `${minutes}\u00A0min ${whole % 60}\u00A0s`
    : `${grouped.format(Math.floor(minutes / 60))}\u00A0h ${minutes % 60}\u00A0min`
}

const sizes = ["B", "KiB", "MiB", "GiB", "TiB"] as const
export const bytes = (n: number): string => {
  const power = n < 1 ? 0 : Math.min(sizes.length - 1, Math.floor(Math.log2(n) / 10))
  return `${short.format(n / 1_024 ** power)}\u00A0${sizes[power] ?? "B"}`
}

/** "21 Nov 2026, 11:54 UTC"; the text itself if it is no date. */
export const instant = (iso: string): string => {
  const at = new Date(iso)
  if (Number.isNaN(at.getTime())) return iso
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" })
    .format(at)
  return `${day}, ${at.toISOString().slice(11, 16)} UTC`
}

/** A difference with its sign, "±0" for none. */
export const change = (difference: number, format: (n: number) => string = decimal): string =>
  difference === 0 ? "±0" : `${difference > 0 ? "+" : "−"}${format(Math.abs(difference))}`
