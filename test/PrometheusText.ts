// A strict reader of Prometheus text format 0.0.4: it throws on whatever a scraper could refuse or misread.
export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}
export interface TextFamily {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly series: ReadonlyArray<Series>
}

const nameLook = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const labelLook = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const types = new Set(["counter", "gauge", "histogram", "summary", "untyped"])

const numberOf = (text: string): number => {
  if (text === "+Inf") return Number.POSITIVE_INFINITY
  if (text === "-Inf") return Number.NEGATIVE_INFINITY
  if (text === "NaN") return Number.NaN
  if (!/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw new Error(`not a number: ${text}`)
  return Number(text)
}

const unescape = (text: string): string =>
  text.replace(/\\(.?)/g, (_, next: string) => {
    if (next === "n") return "\n"
    if (next === "\\" || next === "\"") return next
    throw new Error(`unknown escape \\${next}`)
  })

const seriesOf = (line: string): Series => {
  const head = /^([^\s{]+)(?:\{(.*)\})? ([^ ]+)$/.exec(line)
  if (head === null) throw new Error(`not a series: ${line}`)
  const [, name = "", inner, value = ""] = head
  if (!nameLook.test(name)) throw new Error(`not a name: ${name}`)
  const labels: Record<string, string> = {}
  let rest = inner ?? ""
  while (rest !== "") {
    const label = /^([^=]+)="((?:[^"\\\n]|\\.)*)"(?:,(?=.)|$)/.exec(rest)
    if (label === null) throw new Error(`not labels: ${rest} in ${line}`)
    const [all, key = "", text = ""] = label
    if (!labelLook.test(key)) throw new Error(`not a label name: ${key}`)
    if (key in labels) throw new Error(`label ${key} twice in ${line}`)
    labels[key] = unescape(text)
    rest = rest.slice(all.length)
  }
  return { name, labels, value: numberOf(value) }
}

const keyOf = ({ labels, name }: Series): string => `${name}${JSON.stringify(Object.entries(labels).sort())}`

const checkHistogram = (name: string, series: ReadonlyArray<Series>): void => {
  const groups = new Map<string, Array<Series>>()
  for (const one of series) {
    const { le: _, ...labels } = one.labels
    const key = JSON.stringify(Object.entries(labels).sort())
    groups.set(key, [...groups.get(key) ?? [], one])
  }
  for (const group of groups.values()) {
    const buckets = group.filter((one) => one.name === `${name}_bucket`)
    const sum = group.filter((one) => one.name === `${name}_sum`)
    const count = group.filter((one) => one.name === `${name}_count`)
    if (sum.length !== 1 || count.length !== 1) throw new Error(`${name} needs one _sum and one _count`)
    let [bound, before] = [Number.NEGATIVE_INFINITY, 0]
    for (const { labels, value } of buckets) {
      const le = numberOf(labels["le"] ?? "")
      if (le <= bound) throw new Error(`${name} has its buckets in disorder`)
      if (value < before) throw new Error(`${name} has buckets that are not cumulative`)
      ;[bound, before] = [le, value]
    }
    if (bound !== Number.POSITIVE_INFINITY || before !== count[0]?.value) {
      throw new Error(`${name} must end with a bucket +Inf that holds all`)
    }
  }
}

export const parse = (text: string): ReadonlyMap<string, TextFamily> => {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line has no end")
  const families = new Map<string, { name: string; type: string; help: string; series: Array<Series> }>()
  const seen = new Set<string>()
  let current: { name: string; type: string; help: string; series: Array<Series> } | undefined
  for (const line of text.split("\n").slice(0, -1)) {
    const said = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line)
    if (said !== null) {
      const [, what, name = "", rest = ""] = said
      if (!nameLook.test(name)) throw new Error(`not a name: ${name}`)
      if (what === "HELP") {
        if (families.has(name)) throw new Error(`${name} comes twice`)
        current = { name, type: "", help: unescape(rest), series: [] }
        families.set(name, current)
      } else {
        if (current?.name !== name || current.type !== "" || current.series.length > 0) {
          throw new Error(`TYPE of ${name} in the wrong place`)
        }
        if (!types.has(rest)) throw new Error(`not a type: ${rest}`)
        current.type = rest
      }
      continue
    }
    const one = seriesOf(line)
    if (current === undefined || current.type === "") throw new Error(`a series without its family: ${line}`)
    const names = current.type === "histogram"
      ? ["_bucket", "_sum", "_count"].map((end) => `${current?.name}${end}`)
      : [current.name]
    if (!names.includes(one.name)) throw new Error(`${one.name} is not of ${current.name}`)
    if (seen.has(keyOf(one))) throw new Error(`series twice: ${line}`)
    seen.add(keyOf(one))
    if (current.type === "counter") {
      if (!current.name.endsWith("_total")) throw new Error(`counter ${current.name} does not end with _total`)
      if (!(one.value >= 0)) throw new Error(`counter below zero: ${line}`)
    }
    current.series.push(one)
  }
  for (const { name, series, type } of families.values()) if (type === "histogram") checkHistogram(name, series)
  return families
}

/** The value of one series; undefined if it is not there. */
export const valueOf = (
  families: ReadonlyMap<string, TextFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {}
): number | undefined => {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ""))
  return family?.series.find((one) =>
    one.name === name && JSON.stringify(Object.entries(one.labels).sort()) ===
      JSON.stringify(Object.entries(labels).sort())
  )?.value
}

/** Every counter, bucket, sum and count by its key: what must only grow. */
export const growing = (families: ReadonlyMap<string, TextFamily>): ReadonlyMap<string, number> =>
  new Map(
    [...families.values()].flatMap(({ series, type }) =>
      type === "counter" || type === "histogram" ? series.map((one) => [keyOf(one), one.value] as const) : []
    )
  )
