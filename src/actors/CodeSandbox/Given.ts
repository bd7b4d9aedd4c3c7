// Sessions and cells as they are asked for from outside: checked, bounded, and told in the words of their fields.
import { Schema } from "effect"
import type { SandboxLimits } from "../../domain/Sandbox.ts"

const count = (maximum: number, description: string, minimum = 1) =>
  Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum, maximum })).annotate({ description }))
const dayMillis = 86_400_000
const tebibyte = 1_099_511_627_776
/** With less an interpreter hardly gets to its first cell. */
const leastMemoryBytes = 67_108_864

export const GivenSeed = Schema.optionalKey(
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_294_967_295 })).annotate({
    description: "Seed of Python's `random`; default 0."
  })
)
export const GivenWall = count(
  dayMillis,
  "A cell is interrupted after so many milliseconds; default sandbox.wallMillis."
)

const limits = {
  wallMillis: GivenWall,
  graceMillis: count(dayMillis, "A cell that does not stop when interrupted is killed after so much more."),
  cpuMillis: count(dayMillis, "Processor time of the session."),
  memoryBytes: count(tebibyte, "Memory of the session.", leastMemoryBytes),
  outputBytes: count(tebibyte, "Kept of each of stdout, stderr and the value of a cell."),
  scratchBytes: count(tebibyte, "Disk of the session."),
  fileBytes: count(tebibyte, "The largest file."),
  openFiles: count(1_000_000, "Files open at once."),
  threads: count(1_000_000, "Threads, about."),
  cells: count(1_000_000, "Cells of the session."),
  codeBytes: count(tebibyte, "Code of one cell.")
} satisfies { readonly [L in keyof SandboxLimits]: unknown }

export const GivenLimits = Schema.optionalKey(
  Schema.Struct(limits).annotate({
    description:
      "In place of the configured limits (sandbox.*), never above them; wallMillis goes up to sandbox.maxWallMillis."
  })
)
