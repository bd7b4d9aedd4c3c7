// What a process counts, and the port through which it is read as Prometheus text. Instruments are plain numbers in memory, so counting
// costs next to nothing. Labels are bounded: a family keeps at most so many series, and what comes beyond is counted under "other".
import { Context, type Effect } from "effect"

export class Metrics extends Context.Service<Metrics, {
  /** Everything this process counts, in Prometheus text format 0.0.4. Never fails: what cannot be read now is left out. */
  readonly render: Effect.Effect<string>
}>()("polya/Metrics") {
  static readonly contentType = "text/plain; version=0.0.4; charset=utf-8"
}

export interface Sample {
  /** Values of the family's labels, in their order. */
  readonly labels: ReadonlyArray<string>
  readonly value: number
}
export interface Distribution {
  readonly labels: ReadonlyArray<string>
  /** Values up to each bound and, last, beyond all of them: not cumulative. */
  readonly counts: ReadonlyArray<number>
  readonly sum: number
}
/** Everything of one name. */
export type Family =
  & { readonly name: string; readonly help: string; readonly labels: ReadonlyArray<string> }
  & (
    | { readonly type: "counter" | "gauge"; readonly samples: ReadonlyArray<Sample> }
    | {
      readonly type: "histogram"
      readonly bounds: ReadonlyArray<number>
      readonly distributions: ReadonlyArray<Distribution>
    }
  )

/** Label values come in the order in which the labels were named. */
export interface Counter {
  /** By 1, or by a finite number that is not negative. */
  readonly add: (labels: ReadonlyArray<string>, by?: number) => void
}
export interface Gauge {
  readonly set: (labels: ReadonlyArray<string>, value: number) => void
  readonly add: (labels: ReadonlyArray<string>, by: number) => void
}
export interface Histogram {
  readonly observe: (labels: ReadonlyArray<string>, value: number) => void
}

export interface InstrumentOptions {
  readonly name: string
  readonly help: string
  /** Default: none. */
  readonly labels?: ReadonlyArray<string>
  /** Series kept; further label values are counted as "other". Default 256. */
  readonly maxSeries?: number
}

/** Instruments by name: asking for a name again answers the same instrument. */
export interface Registry {
  readonly counter: (options: InstrumentOptions) => Counter
  readonly gauge: (options: InstrumentOptions) => Gauge
  readonly histogram: (options: InstrumentOptions & { readonly bounds: ReadonlyArray<number> }) => Histogram
  readonly families: () => ReadonlyArray<Family>
}

/** Upper bounds, in seconds, that suit requests and commands. */
export const secondsBounds: ReadonlyArray<number> = [
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  30
]

const maxLabelCharacters = 120

interface Instrument {
  readonly type: Family["type"]
  readonly add: (labels: ReadonlyArray<string>, value: number) => void
  readonly set: (labels: ReadonlyArray<string>, value: number) => void
  readonly observe: (labels: ReadonlyArray<string>, value: number) => void
  readonly family: () => Family
}

interface Cell {
  readonly labels: ReadonlyArray<string>
  value: number
  readonly counts: Array<number>
}

const makeInstrument = (
  type: Family["type"],
  { help, labels = [], maxSeries = 256, name }: InstrumentOptions,
  bounds: ReadonlyArray<number>
): Instrument => {
  const cells = new Map<string, Cell>()
  const others = labels.map(() => "other")
  const keyOf = (values: ReadonlyArray<string>): string => values.length === 1 ? values[0] ?? "" : values.join("\u0000")
  const cellOf = (values: ReadonlyArray<string>): Cell => {
    const found = cells.get(keyOf(values))
    if (found !== undefined) return found
    if (values.length !== labels.length) throw new Error(`${name} has the labels ${labels.join(", ")}`)
    const shown = cells.size < maxSeries ? values.map((value) => value.slice(0, maxLabelCharacters)) : others
    const same = cells.get(keyOf(shown))
    if (same !== undefined) return same
    const cell: Cell = { labels: shown, value: 0, counts: new Array<number>(bounds.length + 1).fill(0) }
    cells.set(keyOf(shown), cell)
    return cell
  }
  // Without labels there is one series, and it is there from the start: a rate needs its first zero.
  if (labels.length === 0) cellOf([])
  return {
    type,
    add: (values, value) => {
      if (Number.isFinite(value) && (value >= 0 || type === "gauge")) cellOf(values).value += value
    },
    set: (values, value) => {
      cellOf(values).value = value
    },
    observe: (values, value) => {
      if (!Number.isFinite(value)) return
      const cell = cellOf(values)
      let at = 0
      while (at < bounds.length && value > (bounds[at] ?? 0)) at++
      cell.counts[at] = (cell.counts[at] ?? 0) + 1
      cell.value += value
    },
    family: () => {
      const all = [...cells.values()]
      return type === "histogram"
        ? {
          name,
          help,
          labels,
          type,
          bounds,
          distributions: all.map(({ counts, labels, value }) => ({ labels, counts, sum: value }))
        }
        : { name, help, labels, type, samples: all.map(({ labels, value }) => ({ labels, value })) }
    }
  }
}

export const makeRegistry = (): Registry => {
  const instruments = new Map<string, Instrument>()
  const instrument = (
    type: Family["type"],
    options: InstrumentOptions,
    bounds: ReadonlyArray<number> = []
  ): Instrument => {
    const found = instruments.get(options.name)
    if (found !== undefined) {
      if (found.type !== type) throw new Error(`${options.name} is a ${found.type} already`)
      return found
    }
    const made = makeInstrument(type, options, bounds)
    instruments.set(options.name, made)
    return made
  }
  return {
    counter: (options) => {
      const { add } = instrument("counter", options)
      return { add: (labels, by = 1) => add(labels, by) }
    },
    gauge: (options) => instrument("gauge", options),
    histogram: (options) => instrument("histogram", options, options.bounds),
    families: () => [...instruments.values()].map(({ family }) => family())
  }
}

/** The registry of this process. */
export const MetricRegistry = Context.Reference<Registry>("polya/MetricRegistry", { defaultValue: makeRegistry })

/** The instruments of the HTTP and WebSocket edge. Labels are templates and classes, never an id or a path as it came. */
export const edgeInstruments = ({ counter, gauge, histogram }: Registry) => ({
  requests: counter({
    name: "polya_http_requests_total",
    help: "HTTP requests answered, by route template, method and status.",
    labels: ["route", "method", "status"],
    maxSeries: 1_024
  }),
  requestSeconds: histogram({
    name: "polya_http_request_seconds",
    help: "Time from an HTTP request's head to the end of its answer, by route template.",
    labels: ["route"],
    bounds: secondsBounds
  }),
  activeRequests: gauge({ name: "polya_http_requests_active", help: "HTTP requests in work now." }),
  refusals: counter({
    name: "polya_http_refusals_total",
    help: "Requests, connections and frames refused before they reached an actor, by reason.",
    labels: ["reason"],
    maxSeries: 64
  }),
  socketConnections: gauge({ name: "polya_websocket_connections", help: "Open WebSocket connections." }),
  socketConnected: counter({ name: "polya_websocket_connections_total", help: "WebSocket connections accepted." }),
  socketSubscriptions: gauge({ name: "polya_websocket_subscriptions", help: "Open WebSocket subscriptions." }),
  socketFrames: counter({
    name: "polya_websocket_frames_total",
    help: "WebSocket frames, by direction (in, out).",
    labels: ["direction"],
    maxSeries: 4
  }),
  socketBytes: counter({
    name: "polya_websocket_bytes_total",
    help: "Bytes of WebSocket frames, by direction (in, out).",
    labels: ["direction"],
    maxSeries: 4
  }),
  socketSkipped: counter({
    name: "polya_websocket_skipped_total",
    help: "Snapshots and deltas that a newer one replaced before a slow client took them."
  })
})

/** Prometheus text of the families, in the order of their names. */
export const textOf = (families: ReadonlyArray<Family>): string => {
  const lines: Array<string> = []
  for (const family of [...families].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { help, labels, name, type } = family
    lines.push(`# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`, `# TYPE ${name} ${type}`)
    if (family.type !== "histogram") {
      for (const one of family.samples) lines.push(`${name}${labelsOf(labels, one.labels)} ${numberOf(one.value)}`)
      continue
    }
    for (const { counts, labels: values, sum } of family.distributions) {
      let count = 0
      counts.forEach((inBucket, at) => {
        count += inBucket
        const bound = family.bounds[at]
        const le = bound === undefined ? "+Inf" : String(bound)
        lines.push(`${name}_bucket${labelsOf([...labels, "le"], [...values, le])} ${count}`)
      })
      lines.push(`${name}_sum${labelsOf(labels, values)} ${numberOf(sum)}`)
      lines.push(`${name}_count${labelsOf(labels, values)} ${count}`)
    }
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`
}

const labelsOf = (names: ReadonlyArray<string>, values: ReadonlyArray<string>): string =>
  names.length === 0 ? "" : `{${names.map((name, at) => `${name}="${escaped(values[at] ?? "")}"`).join(",")}}`

const escaped = (value: string): string =>
  /[\\"\n]/.test(value) ? value.replaceAll("\\", "\\\\").replaceAll("\"", "\\\"").replaceAll("\n", "\\n") : value

const numberOf = (value: number): string =>
  Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf"
