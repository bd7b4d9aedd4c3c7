// The invariants of a world, read off what the clients were told and what the database took. One sentence for each violation.
import type { Database } from "./Database.ts"
import type { Outputs, RunShape } from "./RunShape.ts"
import type { Answer, Ledger } from "./Workload.ts"
import { runId } from "./Workload.ts"

export interface Evidence {
  readonly database: Database
  readonly ledger: Ledger
  readonly outputs: Outputs
  readonly shape: RunShape
  /** The output of the run in a world without trouble; none: not compared. */
  readonly expected: string | undefined
  readonly finished: boolean
}

export const check = (evidence: Evidence): ReadonlyArray<string> => [
  ...evidence.ledger.surprises,
  ...(evidence.finished ? [] : [`${evidence.ledger.busy} clients are stuck after all trouble was over`]),
  ...chains(evidence.database),
  ...owners(evidence.database),
  ...answers(evidence),
  ...watches(evidence),
  ...(evidence.finished ? run(evidence) : [])
]

/** Accepted writes of each actor are one chain: each was decided on the state that the one before left. */
const chains = ({ actorWrites }: Database): ReadonlyArray<string> =>
  actorWrites.flatMap(({ commit: { expected, id, type }, found, machine, outcome }) =>
    outcome === "Committed" && expected !== found
      ? [`${type} ${id}: ${machine} wrote on version ${found} what it had decided on version ${expected}`]
      : []
  )

/** Only who claimed a run last writes its index. */
const owners = ({ indexWrites }: Database): ReadonlyArray<string> =>
  indexWrites.flatMap(({ epoch, latest, run }) =>
    epoch === latest ? [] : [`the index of ${run} was written by owner ${epoch} after owner ${latest} had claimed it`]
  )

/** Every command has one effect if it was acknowledged, at most one if not, none if it was refused; and one answer. */
const answers = ({ database, ledger }: Evidence): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  const byCommand = Map.groupBy(ledger.answers, ({ actor, commandId, type }) => `${type} ${actor} ${commandId}`)
  for (const [command, told] of byCommand) {
    const [first] = told
    if (first === undefined) continue
    const kinds = new Set(
      told.flatMap(({ told }) =>
        told._tag === "Unknown" ? [] : [told._tag === "Done" ? `done with ${told.reply}` : "refused"]
      )
    )
    if (kinds.size > 1) wrong.push(`${command}: one asker was told ${[...kinds].join(", another ")}`)
    const count = effectsOf(database, first)
    const isDone = told.some(({ told }) => told._tag === "Done")
    const isRefused = told.some(({ told }) => told._tag === "Refused")
    if (count > 1) wrong.push(`${command}: has ${count} effects`)
    if (isDone && count === 0) wrong.push(`${command}: was acknowledged and has no effect`)
    if (isRefused && count > 0) wrong.push(`${command}: was refused and has an effect`)
    for (const { tag, told: { _tag, ...rest } } of told) {
      const reply = "reply" in rest ? rest.reply : null
      if (_tag !== "Done" || reply === null) continue
      const at = tag === "Add" ? itemsOf(database, first).indexOf(first.value) + 1 : versionOf(database, first)
      if (at !== reply) wrong.push(`${command}: was told ${reply}, and its effect is at ${at}`)
    }
  }
  return wrong
}

const itemsOf = (database: Database, { actor, type }: Answer): ReadonlyArray<string> => {
  const row = database.stored(type, actor)
  return row === undefined ? [] : JSON.parse(row.state).items
}
/** How often the command's value is in a log, or was put into a register. */
const effectsOf = (database: Database, answer: Answer): number =>
  answer.tag === "Add"
    ? itemsOf(database, answer).filter((item) => item === answer.value).length
    : valuesOf(database, answer).length
const valuesOf = ({ actorWrites }: Database, { actor, commandId, type }: Answer) =>
  actorWrites.filter(({ commit, outcome }) =>
    outcome === "Committed" && commit.type === type && commit.id === actor &&
    commit.replies.some((reply) => reply.commandId === commandId)
  )
/** The version that the command's own commit made. */
const versionOf = (database: Database, answer: Answer): number | undefined => {
  const [write] = valuesOf(database, answer)
  if (write === undefined) return undefined
  // Several commands of one flush make one version; a compare-and-set after another of the same flush is refused.
  return write.commit.expected + 1
}

/** A watcher sees versions that grow, and the last one in the end. */
const watches = ({ database, finished, ledger }: Evidence): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  const lastOf = new Map<string, number>()
  for (const { actor, type, versions } of ledger.watches) {
    const back = versions.findIndex((version, at) => version <= (versions[at - 1] ?? -1))
    if (back > 0) wrong.push(`${type} ${actor}: a watcher saw version ${versions[back]} after ${versions[back - 1]}`)
    lastOf.set(`${type} ${actor}`, versions.at(-1) ?? lastOf.get(`${type} ${actor}`) ?? -1)
    const stored = database.stored(type, actor)?.version ?? 0
    if (finished && versions.length > 0 && ledger.watches.findLast((one) => one.type === type)?.versions === versions) {
      const seen = versions.at(-1)
      if (seen !== stored) {
        wrong.push(`${type} ${actor}: a watcher saw version ${seen} last, and ${stored} stands there`)
      }
    }
  }
  return wrong
}

/** The run is through, its counts add up, and every output that anybody finished is that of a run without trouble. */
const run = ({ database, expected, outputs }: Evidence): ReadonlyArray<string> => {
  const row = database.stored("DatasetRun", runId)
  if (row === undefined) return ["the run is not stored"]
  const { status, tally } = JSON.parse(row.state)
  const wrong: Array<string> = status === "done" ? [] : [`the run is ${status}`]
  const dropped = Object.values<number>(tally.dropped).reduce((sum, count) => sum + count, 0)
  if (tally.in !== tally.done + dropped + tally.failed) {
    wrong.push(
      `the run's counts do not add up: ${tally.in} in, ${tally.done} done, ${dropped} dropped, ${tally.failed} failed`
    )
  }
  if (outputs.length === 0) wrong.push("the run wrote no output")
  const other = expected === undefined ? -1 : outputs.findIndex((output) => output !== expected)
  if (other >= 0) wrong.push(`output ${other + 1} of ${outputs.length} is not that of an undisturbed run`)
  return wrong
}
