// The command line. Only names, flags and help live here: a command's work is loaded when it is called, so that `--help` is quick.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Exit, Layer, Logger } from "effect"
import { Argument, CliConfig, CliError, CliOutput, Command, Flag, GlobalFlag } from "effect/cli"
import { exitCodeOf, reportFailure, usageFailed } from "./Cli/Failure.ts"
import { presenter } from "./Cli/Help.ts"
import { version } from "./Package.ts"

const json = Flag.Boolean("json").pipe(
  Flag.withDescription("One JSON object a line on stdout and nothing else there; progress and logs go to stderr"),
  Flag.withDefault(false)
)
const many = (name: string, description: string, metavar: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.withMetavar(metavar), Flag.atLeast(0))
const one = (name: string, description: string, metavar: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.withMetavar(metavar), Flag.optional)

const run = Command.make(
  "run",
  {
    recipe: Argument.String("recipe").pipe(
      Argument.withDescription("A recipe file, or the name of one in ./recipes or of those that ship with polya")
    ),
    source: many("source", "File, folder or postgres:// address to read; repeat for several", "FILE"),
    out: one("out", "Folder for the outputs; it is made if it is not there", "DIR"),
    against: many("against", "Benchmark file that no row of the dataset may repeat; repeat for several", "FILE"),
    mode: one("mode", "One of the recipe's modes; `demo` uses polya's own input and needs no --source", "NAME"),
    stages: one("stages", "Only these stages of the recipe, joined by commas", "A,B"),
    limit: Flag.Int("limit").pipe(
      Flag.withDescription("Read at most this many source rows"),
      Flag.withMetavar("N"),
      Flag.optional
    ),
    seed: Flag.Int("seed").pipe(
      Flag.withDescription("Seed of splits and hashes in place of the recipe's"),
      Flag.withMetavar("N"),
      Flag.optional
    ),
    format: one(
      "format",
      "Format of the sources: jsonl, csv, parquet, sqlite, postgres or folder; default: by name and content",
      "NAME"
    ),
    preset: one(
      "preset",
      "How the columns are to be read (see docs/recipes.md); default: chosen by the columns",
      "NAME"
    ),
    field: many(
      "field",
      "Column by field, such as problem=question; repeat for several; wins over the preset",
      "FIELD=COLUMN"
    ),
    query: one("query", "SQL for a SQLite or PostgreSQL source; should order its rows", "SQL"),
    data: one("data", "Keep the store in this folder instead of OUT/.polya", "DIR"),
    resume: Flag.Boolean("resume").pipe(
      Flag.withDescription("Go on with the run that this folder holds, after a kill, a pause or a failure"),
      Flag.withDefault(false)
    ),
    rerunFailed: Flag.Boolean("rerun-failed").pipe(
      Flag.withDescription("Send the run's failed rows through again; what worked is kept"),
      Flag.withDefault(false)
    ),
    rerunFrom: one("rerun-from", "Make the results of this stage and of those after it anew", "STAGE"),
    inFlight: Flag.Int("in-flight").pipe(
      Flag.withDescription("Rows in work at once, in place of the recipe's limit"),
      Flag.withMetavar("N"),
      Flag.optional
    ),
    rate: Flag.Finite("rate").pipe(
      Flag.withDescription("Rows taken from the source per second; 0: no bound"),
      Flag.withMetavar("N"),
      Flag.optional
    ),
    config: one("config", "Configuration file; default: polya.yaml if it is there", "FILE"),
    json
  },
  (flags) => Effect.flatMap(Effect.promise(() => import("./Cli/RunCommand.ts")), ({ runCommand }) => runCommand(flags))
).pipe(
  Command.withDescription(
    "Turns problems into a dataset: applies a recipe to a source and writes train, validation, test, dropped and failed rows, a summary and a report. " +
      "Every row ends with one fate and a reason. A run that was killed goes on with --resume and gives the same bytes."
  ),
  Command.withShortDescription("Apply a recipe to a source"),
  Command.withExamples([
    { command: "polya run dataset-cpu --mode demo --out out/demo", description: "The demo's own input" },
    {
      command: "polya run dataset-cpu --source problems.jsonl --against aime24.jsonl --out out/mine",
      description: "Your file, decontaminated against a benchmark"
    },
    {
      command: "polya run recipes/mine.yaml --source parquet-folder --out out/mine --resume",
      description: "Go on after a crash"
    },
    {
      command: "polya run dataset-cpu --source posts.csv --field problem=question --limit 1000 --out out/try",
      description: "Name a column, try 1,000 rows"
    }
  ])
)

const demo = Command.make(
  "demo",
  { out: one("out", "Folder for the outputs; default: polya-demo", "DIR"), json },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/DemoCommand.ts")), ({ demoCommand }) => demoCommand(flags))
).pipe(
  Command.withDescription(
    "Runs the main job on forty problems and a dozen forum posts that ship with polya, with traps in them, and says what happened at each step. No network, no model, under a minute."
  ),
  Command.withShortDescription("See the main job on polya's own input")
)

const report = Command.make(
  "report",
  {
    folders: Argument.String("folder").pipe(
      Argument.withDescription("The output folder of a run; two folders: what differs between them"),
      Argument.between(1, 2)
    ),
    out: one(
      "out",
      "Where to write the page; default: report.html in the (first) folder, comparison.html for two",
      "FILE"
    ),
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/ReportCommand.ts")), ({ reportCommand }) => reportCommand(flags))
).pipe(
  Command.withDescription("Draws the report of a finished run again, or compares two runs, from their summary.json."),
  Command.withShortDescription("Draw or compare reports"),
  Command.withExamples([
    { command: "polya report out/mine", description: "Draw report.html again" },
    { command: "polya report out/a out/b", description: "Compare two runs" }
  ])
)

const config = Command.make(
  "config",
  { config: one("config", "Configuration file; default: polya.yaml if it is there", "FILE"), json },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/ConfigCommand.ts")), ({ configCommand }) => configCommand(flags))
).pipe(
  Command.withDescription(
    "Prints every setting with its value, its unit and where the value came from. Secrets are not shown."
  ),
  Command.withShortDescription("Show every setting and its origin")
)

const doctor = Command.make(
  "doctor",
  { json },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/DoctorCommand.ts")), ({ doctorCommand }) => doctorCommand(flags))
).pipe(
  Command.withDescription(
    "Checks the installation and says what each missing optional part would add. Exit code 1 if something needed is broken."
  ),
  Command.withShortDescription("Check the installation")
)

const polya = Command.make("polya").pipe(
  Command.withDescription(
    "Real problems in, verified datasets out; models trained on them and asked. Start with `polya demo`."
  ),
  Command.withSubcommands([demo, run, report, config, doctor])
)

// Said also where the command line itself is wrong, so it is looked for before it is parsed.
const machine = process.argv.includes("--json")

Command.run(polya, { version }).pipe(
  Effect.catchIf(CliError.isCliError, (error) => Effect.fail(usageFailed(error))),
  // A finalizer: it has its say also when the command is interrupted.
  Effect.onError(reportFailure(machine)),
  Effect.provide(Layer.mergeAll(
    NodeServices.layer,
    CliOutput.layerPresenter(presenter),
    CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions, GlobalFlag.LogLevel] }),
    // Stdout is for results.
    Layer.succeed(Logger.LogToStderr, true)
  )),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? 0 : exitCodeOf(exit.cause))
  })
)
