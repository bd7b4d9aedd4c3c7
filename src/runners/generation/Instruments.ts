// What is counted about calls to models; their tokens and cost are counted where they are charged. Labels are names from the configuration and classes, never what a server said.
import { type Registry, secondsBounds } from "../../actors/Metrics.ts"

const longSecondsBounds = [...secondsBounds, 60, 120, 300, 600, 1_800]

export const instruments = ({ counter, gauge, histogram }: Registry) => ({
  calls: counter({
    name: "polya_llm_calls_total",
    help: "Calls to models that ended, by model and outcome (ok, cancelled, or the error's tag).",
    labels: ["model", "outcome"],
    maxSeries: 1_024
  }),
  samples: counter({
    name: "polya_llm_samples_total",
    help: "Samples that ended, by model and outcome (ok, or the error's tag).",
    labels: ["model", "outcome"],
    maxSeries: 1_024
  }),
  inFlight: gauge({
    name: "polya_llm_calls_in_flight",
    help: "Calls to models under way in this process now, by model.",
    labels: ["model"]
  }),
  waiting: gauge({
    name: "polya_llm_calls_waiting",
    help: "Calls that wait for a place at an endpoint in this process now, by model.",
    labels: ["model"]
  }),
  queueSeconds: histogram({
    name: "polya_llm_queue_seconds",
    help: "Time that calls waited for a place at an endpoint, also in vain, by model.",
    labels: ["model"],
    bounds: longSecondsBounds
  }),
  firstTokenSeconds: histogram({
    name: "polya_llm_first_token_seconds",
    help: "Time from a call's start to its first token, by model.",
    labels: ["model"],
    bounds: longSecondsBounds
  }),
  callSeconds: histogram({
    name: "polya_llm_call_seconds",
    help: "Time from a call's start to its end, whatever came of it, by model.",
    labels: ["model"],
    bounds: longSecondsBounds
  }),
  retries: counter({
    name: "polya_llm_retries_total",
    help: "Calls that were made again, by model and by what became of the one before.",
    labels: ["model", "after"],
    maxSeries: 1_024
  }),
  hedges: counter({
    name: "polya_llm_hedges_total",
    help: "Second calls beside slow ones, by model and by which of the two ended first (hedge, first, none).",
    labels: ["model", "won"]
  }),
  away: gauge({
    name: "polya_llm_endpoint_away",
    help: "1 for an endpoint that failed too often and is left alone or tried with one call now, else 0.",
    labels: ["model", "endpoint"],
    maxSeries: 1_024
  })
})
export type Instruments = ReturnType<typeof instruments>
