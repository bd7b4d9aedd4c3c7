// How the tests run: every file in a process of its own, at most two at a time. The last line printed is the count of outcomes.
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ["default", "./test/SummaryReporter.ts"]
  }
})
