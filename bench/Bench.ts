// npm run bench -- NAME [arguments]: one line of JSON a figure, { name, value, unit, against?, ratio? }.
const benches: Readonly<Record<string, readonly [file: string, what: string]>> = {
  "main-job": [
    "./MainJob.ts",
    "14,947 real problems through dataset-cpu: rate and memory; with --times 10 also ten times as many"
  ],
  actors: ["./Actors.ts", "100,000 durable actors touched once: rate, peak and settled memory"],
  start: ["./Start.ts", "time to --help and to a run's first commit"],
  store: ["./store.ts", "the storage adapters"],
  text: ["./text.ts", "the stages' text laws"]
}

const [name = "", ...rest] = process.argv.slice(2)
const bench = benches[name]
if (bench === undefined) {
  const list = Object.entries(benches).map(([known, [, what]]) => `  ${known.padEnd(10)} ${what}`)
  process.stderr.write(`npm run bench -- NAME\n${list.join("\n")}\n`)
  process.exitCode = 2
} else {
  // Each bench reads its own arguments.
  process.argv.splice(2, process.argv.length - 2, ...rest)
  await import(bench[0])
}
