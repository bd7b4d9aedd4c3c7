// Says at the very end of a test run what was skipped and why, and then, alone on the last line, how many tests passed,
// failed and were skipped. A test gives its reason with `context.skip("reason")`; files and errors outside of any test that
// failed count as failures, so that the line never looks better than the exit code.
import type { Reporter, TestModule } from "vitest/node"

/** Most skipped tests listed one by one for one reason. */
const listedMax = 20

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    const namesByReason = new Map<string, Array<string>>()
    for (const module of modules) {
      counts.failed += module.errors().length
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === "pending") counts.failed++
        else counts[result.state]++
        if (result.state !== "skipped") continue
        const reason = result.note ?? "no reason given"
        const names = namesByReason.get(reason) ?? []
        namesByReason.set(reason, names)
        names.push(`${module.relativeModuleId} > ${test.fullName}`)
      }
    }
    const lines: Array<string> = []
    for (const [reason, names] of namesByReason) {
      lines.push(`Skipped (${reason}):`, ...names.slice(0, listedMax).map((name) => `  ${name}`))
      if (names.length > listedMax) lines.push(`  and ${names.length - listedMax} more`)
    }
    // What failed before the tests is far up in a log of which often only the end is kept.
    const before = process.env["POLYA_CI_FAILED"] ?? ""
    if (before !== "") lines.push(`FAILED before the tests: ${before}`)
    lines.push(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
    process.stdout.write(`${lines.join("\n")}\n`)
  }
}
