// What a runner counts of the solves that it drives. Labels are classes, never an id.
import { type Registry, secondsBounds } from "../Metrics.ts"

export const solveInstruments = ({ counter, gauge, histogram }: Registry) => ({
  driven: gauge({ name: "polya_solves_driven", help: "Solves that are driven here now." }),
  ended: counter({
    name: "polya_solves_ended_total",
    help: "Solves that ended while they were driven here, by why they stopped.",
    labels: ["stop"]
  }),
  seconds: histogram({
    name: "polya_solve_seconds",
    help: "Time from the start of a solve to its end.",
    bounds: [...secondsBounds, 60, 120, 300, 600, 1_800, 3_600]
  }),
  samples: counter({
    name: "polya_solve_samples_total",
    help: "Samples that ended here: answered, without an answer, or the tag of their error.",
    labels: ["outcome"],
    maxSeries: 64
  })
})
