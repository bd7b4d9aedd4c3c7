// npm run bench -- NAME [arguments]: one line of JSON a figure, { name, value, unit, against?, ratio? }.
import { enableCompileCache } from "node:module"

const benches: Readonly<Record<string, readonly [file: string, what: string]>> = {
  "main-job": [
    "./MainJob.ts",
    "14,947 real problems through dataset-cpu: rate and memory; with --times 10 also ten times as many"
  ],
  "actor-list": [
    "./actorList.ts",
    "filters, orders and searches over 1,000,000 actors; --store sqlite for SQLite"
  ],
  actors: ["./Actors.ts", "100,000 durable actors touched once: rate, peak and settled memory"],
  "api-route": ["./ApiRoute.ts", "a durable command through the full API against the bare bridge"],
  classifier: ["./classifier.ts", "domains of MATH's problems: accuracy on those held out, and rate"],
  contest: ["./contest.ts", "10,000 simulated contests: right answers of our law against an equal split of the time"],
  "durable-service": [
    "./DurableService.ts",
    "a service on durable actors for load generators, over HTTP until it is stopped (bench/README.md)"
  ],
  "early-stop": ["./earlyStop.ts", "samples that early stopping saves against full voting, and what it costs"],
  failover: ["./Failover.ts", "from kill -9 of a run's runner to its next progress elsewhere, over 20 kills"],
  "fake-llm": ["./fakeLlm.ts", "the scripted model server: small calls a second, and 512 streams at once"],
  generation: [
    "./generation.ts",
    "calls to a model: 512 streams, processor time a call, rate at 50 ms and 256 in flight; --part streams,overhead,rate"
  ],
  leaks: ["./leaks.ts", "programs a second that are scanned for their answer"],
  sandbox: [
    "./sandbox.ts",
    "code in sessions: opening, tiny cells, SymPy against python3 -c, hostile ones among good ones; --level LEVEL for one"
  ],
  scale: ["./Scale.ts", "three runners against one on a run that burns processor time"],
  start: ["./Start.ts", "time to --help and to a run's first commit"],
  store: ["./store.ts", "the storage adapters"],
  subscribers: ["./Subscribers.ts", "what 1,000 WebSocket subscribers cost a busy run: rate and memory"],
  text: ["./text.ts", "the stages' text laws"],
  verify: [
    "./verify.ts",
    "verdicts on MATH-500 and mixed pairs: in one thread, through worker threads, 100,000 rows through the command line"
  ]
}

const [name = "", ...rest] = process.argv.slice(2)
const bench = benches[name]
if (bench === undefined) {
  const list = Object.entries(benches).map(([known, [, what]]) => `  ${known.padEnd(15)} ${what}`)
  process.stderr.write(`npm run bench -- NAME\n${list.join("\n")}\n`)
  process.exitCode = 2
} else {
  // Each bench reads its own arguments.
  process.argv.splice(2, process.argv.length - 2, ...rest)
  enableCompileCache()
  await import(bench[0])
}
