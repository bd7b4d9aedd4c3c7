// How the tests run: every file in a process of its own, at most two at a time. Those that take minutes
// begin first, so that none is left alone at the end. The last line printed is the count of outcomes.
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

const long = /\/test\/(?:process\/(?:Cluster|WrongInput|KillResume|EvalCli|SandboxKill)|simulation|sandbox)\b/
const longer = /\/test\/(?:process|runners\/sandbox|fuzz|http|runners\/sources)\//
const rank = ({ moduleId }: TestSpecification): number => (long.test(moduleId) ? 0 : longer.test(moduleId) ? 1 : 2)

class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    sequence: { sequencer: LongestFirst },
    reporters: ["default", "./test/SummaryReporter.ts"]
  }
})
