// The settings of area "telemetry": what a process says of itself in logs and traces. The OTEL_ names are those of the OpenTelemetry
// specification, so that a machine that is set up for others is set up for polya.
import { type Redacted, Schema } from "effect"
import { type Setting, text } from "./Settings.ts"

const logFormat: Setting<"auto" | "json" | "text"> = {
  schema: Schema.Literals(["auto", "json", "text"]),
  default: "auto",
  unit: "",
  doc: "json: one JSON object a line. text: a line for people. auto: json in `serve` and `runner` without a terminal."
}
const logLevel: Setting<"Trace" | "Debug" | "Info" | "Warn" | "Error" | "None"> = {
  schema: Schema.Literals(["Trace", "Debug", "Info", "Warn", "Error", "None"]),
  default: "Info",
  unit: "",
  doc: "The least severe level that is logged. --log-level wins over it."
}
const otlpEndpoint: Setting<string> = {
  schema: Schema.String.check(
    Schema.isMaxLength(1_000),
    Schema.makeFilter((url) =>
      url === "" || /^https?:$/.test(URL.parse(url)?.protocol ?? "") || "Expected an address like http://localhost:4318"
    )
  ),
  default: "",
  unit: "",
  doc:
    "Where traces are sent by OTLP over HTTP (/v1/traces is added); empty: no traces, at no cost. A collector that is away costs nothing but the traces.",
  variable: "OTEL_EXPORTER_OTLP_ENDPOINT"
}
const otlpHeaders: Setting<Redacted.Redacted<string> | undefined> = {
  schema: Schema.RedactedFromValue(
    Schema.String.check(
      Schema.isMaxLength(8_000),
      Schema.makeFilter((list) =>
        list.split(",").every((one) => /^\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+=[^\s,;]*\s*$/.test(one)) ||
        "Expected headers like name=value, joined by commas, values percent-encoded"
      )
    )
  ),
  default: undefined,
  unit: "",
  doc: "Headers for the collector, such as authorization=Bearer%20abc, joined by commas.",
  variable: "OTEL_EXPORTER_OTLP_HEADERS",
  secret: true
}
const traceRatio: Setting<number> = {
  schema: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  default: 1,
  unit: "",
  doc:
    "Share of the traces begun here that are recorded, from 0 to 1. A trace that began elsewhere is recorded if it is there."
}

export const telemetry = {
  logFormat,
  logLevel,
  otlpEndpoint,
  otlpHeaders,
  serviceName: {
    ...text("polya", "Name of the service in traces and logs."),
    variable: "OTEL_SERVICE_NAME"
  },
  traceRatio
}
