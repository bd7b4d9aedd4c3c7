// The command line. Only names, flags and help live here: a command's work is loaded when it is called, so that `--help` is quick.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Exit, Layer, Logger } from "effect"
import { Argument, CliConfig, CliError, CliOutput, Command, Flag, GlobalFlag } from "effect/cli"
import { voteStrategies } from "../actors/Verdicts/Strategies.ts"
import { sandboxLevels } from "../domain/Sandbox.ts"
import { withAnswersLast } from "./Cli/Answers.ts"
import { type CommandFailed, exitCodeOf, reportFailure, usageFailed, workFailed } from "./Cli/Failure.ts"
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
    url: one("url", "Let the cluster at this address do it: sources go up, outputs come back", "URL"),
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
    },
    {
      command: "polya run dataset-cpu --source problems.jsonl --out out/mine --url http://127.0.0.1:7411",
      description: "On a cluster; POLYA_TOKEN is its token"
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
  {
    config: one("config", "Configuration file; default: polya.yaml if it is there", "FILE"),
    url: one("url", "Show the settings in force at a polya serve instead. POLYA_TOKEN is its token", "URL"),
    set: many("set", "Change a live setting of the whole cluster (at --url); repeat for several", "KEY=VALUE"),
    unset: many("unset", "Take a live setting back to what each process was started with; repeat for several", "KEY"),
    why: one("why", "Why it is changed, for the audit log", "TEXT"),
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/ConfigCommand.ts")), ({ configCommand }) => configCommand(flags))
).pipe(
  Command.withDescription(
    "Prints every setting with its value, its unit and where the value came from. Secrets are not shown. With --url it is what a running process has in force; --set and --unset change live settings of its whole cluster within two seconds."
  ),
  Command.withShortDescription("Show every setting and its origin; change live ones"),
  Command.withExamples([
    { command: "polya config", description: "What a process started here would have" },
    {
      command: "polya config --url http://10.0.0.7:7411 --set actor.idleMillis=60000 --why \"more memory now\"",
      description: "Change a running cluster"
    }
  ])
)

const optionalInt = (name: string, description: string) =>
  Flag.Int(name).pipe(Flag.withDescription(description), Flag.withMetavar("N"), Flag.optional)

const logFormat = one("log-format", "json or text; default: json unless stderr is a terminal", "FORMAT")

const serve = Command.make(
  "serve",
  {
    port: Flag.Int("port").pipe(
      Flag.withDescription("Port of the HTTP API"),
      Flag.withMetavar("N"),
      Flag.withDefault(7_411)
    ),
    host: Flag.String("host").pipe(
      Flag.withDescription("Address that the HTTP API listens on"),
      Flag.withMetavar("HOST"),
      Flag.withDefault("127.0.0.1")
    ),
    data: one("data", "Folder of the store without POLYA_DATABASE_URL; default: .polya", "DIR"),
    groups: one(
      "groups",
      "In a cluster: what this process hosts beside the API: cpu (default), gpu or none",
      "cpu|gpu|none"
    ),
    config: one("config", "Configuration file; default: polya.yaml if it is there", "FILE"),
    logFormat,
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/ServeCommand.ts")), ({ serveCommand }) => serveCommand(flags))
).pipe(
  Command.withDescription(
    "Serves Polya until it is stopped. Alone it is everything in one process, over SQLite. With POLYA_DATABASE_URL it is the API of a cluster, to which runners join. " +
      "SIGTERM or Ctrl-C: it finishes what is in its hands and ends; a second one ends it at once. Nothing is lost either way."
  ),
  Command.withShortDescription("Serve the API; alone, everything in one process")
)

const runner = Command.make(
  "runner",
  {
    groups: one("groups", "What it hosts: cpu (default) or gpu", "cpu|gpu"),
    host: one("host", "Name or address at which the other processes reach it; default: 127.0.0.1", "HOST"),
    port: optionalInt("port", "Port for the other processes; default: any free one"),
    healthPort: optionalInt("health-port", "Port on which it answers /health and /ready over HTTP; default: none"),
    config: one("config", "Configuration file; default: polya.yaml if it is there", "FILE"),
    logFormat,
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/RunnerCommand.ts")), ({ runnerCommand }) => runnerCommand(flags))
).pipe(
  Command.withDescription(
    "Joins the cluster in the database of POLYA_DATABASE_URL and hosts a part of its actors until it is stopped. When a runner dies, the others take its work over. " +
      "SIGTERM or Ctrl-C: it finishes what is in its hands, hands the rest over and ends; a second one ends it at once."
  ),
  Command.withShortDescription("Join a cluster and host a part of its actors"),
  Command.withExamples([
    { command: "polya runner --groups cpu", description: "On the machine of the others" },
    {
      command: "polya runner --groups cpu --host 10.0.0.7 --port 34431 --health-port 34432",
      description: "On a machine of its own"
    }
  ])
)

const tokenPlace = {
  url: one(
    "url",
    "Address of a running cluster, whose admin token is in POLYA_TOKEN; default: the store itself",
    "URL"
  ),
  data: one("data", "Folder of a SQLite store that nobody serves; default: that of the configuration", "DIR"),
  config: one("config", "Configuration file; default: polya.yaml if it is there", "FILE"),
  json
}
const tokenWork = Effect.promise(() => import("./Cli/TokenCommand.ts"))

const token = Command.make("token").pipe(
  Command.withDescription(
    "Bearer tokens of the HTTP API, kept in the store as hashes. With POLYA_DATABASE_URL it is that database; else a SQLite store that no polya serve has open, or with --url a running cluster."
  ),
  Command.withShortDescription("Make, list and revoke tokens of the API"),
  Command.withSubcommands([
    Command.make(
      "create",
      {
        name: Flag.String("name").pipe(
          Flag.withDescription("What people call it; it stands in the audit log"),
          Flag.withMetavar("NAME")
        ),
        scope: Flag.Literals("scope", ["read", "operate", "admin"]).pipe(
          Flag.withDescription("read looks, operate gives commands, admin changes states, settings and tokens")
        ),
        expires: one("expires", "How long it holds, such as 12h, 30d or 8w; default: until it is revoked", "TIME"),
        ...tokenPlace
      },
      (flags) => Effect.flatMap(tokenWork, ({ createCommand }) => createCommand(flags))
    ).pipe(
      Command.withDescription(
        "Makes a token and prints it, alone, on stdout. It is shown once: only its hash is kept."
      ),
      Command.withShortDescription("Make a token"),
      Command.withExamples([
        { command: "polya token create --name ada --scope admin", description: "In the store, before it is served" },
        {
          command: "polya token create --name ci --scope operate --expires 30d --url http://10.0.0.7:7411",
          description: "Through a running cluster"
        }
      ])
    ),
    Command.make("list", tokenPlace, (flags) => Effect.flatMap(tokenWork, ({ listCommand }) => listCommand(flags)))
      .pipe(
        Command.withDescription("Lists tokens with their scope, who made them and whether they can be used."),
        Command.withShortDescription("List the tokens")
      ),
    Command.make(
      "revoke",
      {
        id: Argument.String("id").pipe(Argument.withDescription("The token's id, as `polya token list` shows it")),
        ...tokenPlace
      },
      (flags) => Effect.flatMap(tokenWork, ({ revokeCommand }) => revokeCommand(flags))
    ).pipe(
      Command.withDescription("Revokes a token for good. Running processes refuse it within two seconds."),
      Command.withShortDescription("Revoke a token")
    )
  ])
)

const doctor = Command.make(
  "doctor",
  {
    fix: Flag.Boolean("fix").pipe(
      Flag.withDescription("Bring what polya can bring itself: SymPy, into its cache"),
      Flag.withDefault(false)
    ),
    from: many(
      "from",
      "With --fix: take SymPy from this package (.deb or .whl), not from a network; repeat for mpmath",
      "FILE"
    ),
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/DoctorCommand.ts")), ({ doctorCommand }) => doctorCommand(flags))
).pipe(
  Command.withDescription(
    "Checks the installation and says what each missing optional part would add. Exit code 1 if something needed is broken. " +
      "With --fix it brings SymPy for the sandbox, if there is none that runs on all its levels, and looks at nothing else."
  ),
  Command.withShortDescription("Check the installation, or mend it"),
  Command.withExamples([
    { command: "polya doctor", description: "What is there and what is not" },
    { command: "polya doctor --fix", description: "Bring SymPy, from Debian's servers or Pyodide's" },
    {
      command: "polya doctor --fix --from python3-sympy_1.13.3-5_all.deb --from python3-mpmath_1.3.0-1_all.deb",
      description: "On a machine without a network"
    }
  ])
)

const url = one("url", "Address of a polya serve; default: http://127.0.0.1:7411. POLYA_TOKEN is its token", "URL")

const status = Command.make(
  "status",
  { url, json },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/StatusCommand.ts")), ({ statusCommand }) => statusCommand(flags))
).pipe(
  Command.withDescription(
    "Shows a running cluster: its processes, who owns which cluster shards, and its actors by status."
  ),
  Command.withShortDescription("Show a running cluster"),
  Command.withExamples([{ command: "polya status --url http://10.0.0.5:7411", description: "Of a cluster elsewhere" }])
)

const runs = Command.make(
  "runs",
  {
    url,
    status: many(
      "status",
      "Only runs in this status: running, paused, done, failed, cancelled; repeat for several",
      "S"
    ),
    text: one("text", "Only runs whose recipe or sources have these words", "WORDS"),
    limit: optionalInt("limit", "At most this many, newest first; default 50"),
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/StatusCommand.ts")), ({ runsCommand }) => runsCommand(flags))
).pipe(
  Command.withDescription("Lists the dataset runs of a running cluster, newest first."),
  Command.withShortDescription("List the runs of a cluster")
)

const models = Command.make(
  "models",
  {
    url: one("url", "Show those of a polya serve, with cost and health. POLYA_TOKEN is its token", "URL"),
    config: one("config", "A configuration file instead of polya.yaml in this directory", "FILE"),
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/ModelsCommand.ts")), ({ modelsCommand }) => modelsCommand(flags))
).pipe(
  Command.withDescription(
    "Lists the models that can be asked, with their endpoints and prices: as the configuration names them, which asks no endpoint, or with --url those of a running cluster, with what they have cost and how their endpoints are."
  ),
  Command.withShortDescription("List models, endpoints and cost"),
  Command.withExamples([{ command: "polya models --url http://127.0.0.1:7411", description: "Of a running cluster" }])
)

const calls = Command.make(
  "calls",
  {
    url: one("url", "Ask a polya serve; default: the store itself. POLYA_TOKEN is its token", "URL"),
    data: one("data", "Folder of the SQLite store, or of an evaluation or a contest; default: .polya", "DIR"),
    config: one("config", "A configuration file instead of polya.yaml in this directory", "FILE"),
    limit: optionalInt("limit", "At most this many, newest first; default 50"),
    model: one("model", "Only calls to this model", "NAME"),
    owner: one("owner", "Only calls of this run, such as local/EVALUATION, or of a token that asked directly", "NAME"),
    outcome: one("outcome", "Only calls with this outcome: ok, cancelled, or the tag of an error", "TAG"),
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/CallsCommand.ts")), ({ callsCommand }) => callsCommand(flags))
).pipe(
  Command.withDescription(
    "Lists the calls that were made to models, newest first: whose they were, tokens, cost, times and outcome. With POLYA_DATABASE_URL of that database; else of a SQLite store that no polya serve has open, or with --url of a running cluster."
  ),
  Command.withShortDescription("List calls made to models"),
  Command.withExamples([
    { command: "polya calls --url http://127.0.0.1:7411 --outcome RateLimited", description: "What was refused" },
    { command: "polya calls --data out/eval", description: "Of an evaluation on this machine" },
    { command: "polya calls --data ./data --json --limit 100000", description: "For a program" }
  ])
)

const watch = Command.make(
  "watch",
  {
    run: Argument.String("run").pipe(Argument.withDescription("Id of the run; `polya runs` lists them")),
    out: one("out", "Bring the run's files into this folder when it is done", "DIR"),
    url,
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/StatusCommand.ts")), ({ watchCommand }) => watchCommand(flags))
).pipe(
  Command.withDescription(
    "Shows a run of a cluster until it ends; a cut connection is taken up again. Exit code 0 if the run was done, 1 if it failed or was cancelled. Ctrl-C ends the watching, not the run."
  ),
  Command.withShortDescription("Watch a run of a cluster")
)

const workers = optionalInt("workers", "Worker threads; default: the setting verdict.workers, which is one a core")
const options = one(
  "opts",
  "How answers are read and compared (docs/verdicts.md), as JSON; what a row says itself wins",
  "JSON"
)

const verify = Command.make(
  "verify",
  {
    answers: Argument.String("answer").pipe(
      Argument.withDescription(
        "The right answer and one to be judged; or give --in. They may begin with - as in -1/2; after -- everything is an answer"
      ),
      Argument.between(0, 2)
    ),
    in: one(
      "in",
      "JSON lines {id, gold, pred, opts?, bare?} to read; .gz is unpacked; -: standard input, as it is",
      "FILE"
    ),
    out: one("out", "Where verdicts go, a line for each line read; default: standard output", "FILE"),
    workers,
    opts: options,
    lastResort: Flag.Literals("last-resort", ["auto", "none"]).pipe(
      Flag.withDescription(
        "auto: SymPy in the sandbox is asked about what the rules leave undecided, where this machine has both; none: it stays undecided. Default: the setting verdict.lastResort, which is auto"
      ),
      Flag.optional
    ),
    bare: Flag.Boolean("bare").pipe(
      Flag.withDescription("The answers are as they would stand in a box: nothing is looked for in them"),
      Flag.withDefault(false)
    ),
    config: one("config", "Configuration file; default: polya.yaml if it is there", "FILE"),
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/VerifyCommand.ts")), ({ verifyCommand }) => verifyCommand(flags))
).pipe(
  Command.withDescription(
    "Says whether an answer is equal to the right one: equal, unequal or undecided, with the rule that decided and both answers as they were found. " +
      "Model text is read, never run; a text that takes too long costs its own verdict. Lines that do not fit are told in the output and counted, and the others are judged."
  ),
  Command.withShortDescription("Judge answers"),
  Command.withExamples([
    { command: "polya verify '1/2' 'So the answer is \\boxed{0.5}.'", description: "One pair" },
    { command: "polya verify -- '-x' '-1x'", description: "Answers that could be taken for flags" },
    { command: "polya verify --in pairs.jsonl --out verdicts.jsonl", description: "A file, as a stream" },
    {
      command: "polya verify --in pairs.jsonl --opts '{\"modulo\": 1000}' | grep unequal",
      description: "Integers modulo 1000, to standard output"
    }
  ])
)

const vote = Command.make(
  "vote",
  {
    in: one(
      "in",
      "JSON lines {id, samples: [{text | answer, logprobMean?, weight?}], gold?} to read; .gz is unpacked; -: standard input, as it is",
      "FILE"
    ),
    out: one("out", "Where votes go, a line for each line read; default: standard output", "FILE"),
    strategy: Flag.Literals("strategy", voteStrategies).pipe(
      Flag.withDescription(
        "By what samples count (docs/voting.md); default auto: by their weight, else their logprobMean, else one each"
      ),
      Flag.optional
    ),
    workers,
    opts: options,
    config: one("config", "Configuration file; default: polya.yaml if it is there", "FILE"),
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/VoteCommand.ts")), ({ voteCommand }) => voteCommand(flags))
).pipe(
  Command.withDescription(
    "Votes over the samples of each problem: equal answers are one group, however they are written. Says the answer, the groups, the margin and whether there is a tie, and whether it is right where the right answer is given."
  ),
  Command.withShortDescription("Vote over samples"),
  Command.withExamples([
    { command: "polya vote --in samples.jsonl --out votes.jsonl", description: "A line for each problem" }
  ])
)

const exec = Command.make(
  "exec",
  {
    file: Argument.String("file").pipe(
      Argument.withDescription("File with Python; default, and with -: standard input"),
      Argument.optional
    ),
    level: Flag.Literals("level", sandboxLevels).pipe(
      Flag.withDescription(
        "The level of isolation; default: the setting sandbox.level, which is the strongest there is"
      ),
      Flag.optional
    ),
    session: Flag.Boolean("session").pipe(
      Flag.withDescription("Cells, divided by lines `# %%`, in one session: each runs as soon as it is complete"),
      Flag.withDefault(false)
    ),
    replay: Flag.Boolean("replay").pipe(
      Flag.withDescription("In a session: after a cell that lost the state, run the completed cells again and go on"),
      Flag.withDefault(false)
    ),
    expect: one(
      "expect",
      "The right answer: says whether what was printed last is it; write --expect=-1 if it begins with -",
      "ANSWER"
    ),
    seed: optionalInt("seed", "Seed of Python's `random`; default 0"),
    wall: Flag.Int("wall").pipe(
      Flag.withDescription("Milliseconds after which a cell is interrupted; default: the setting sandbox.wallMillis"),
      Flag.withMetavar("MS"),
      Flag.optional
    ),
    config: one("config", "Configuration file; default: polya.yaml if it is there", "FILE"),
    url: one("url", "Let the cluster at this address run it. POLYA_TOKEN is its token", "URL"),
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/ExecCommand.ts")), ({ execCommand }) => execCommand(flags))
).pipe(
  Command.withDescription(
    "Runs Python that nobody trusts in the sandbox: no network, no files but its own, bounded time, memory and output. Its stdout and stderr go to this program's, the value of its last expression to a line of its own on stdout. " +
      "Exit code 0: all cells were ok or, with --expect, the answer is right; 1 otherwise; 2 also where the level asked for is not offered. With --json a line for each cell."
  ),
  Command.withShortDescription("Run Python in the sandbox"),
  Command.withExamples([
    { command: "echo 'print(6 * 7)' | polya exec --expect 42", description: "Whether a program finds the answer" },
    { command: "polya exec --session --json < notebook.py", description: "Cells of a file in percent format" },
    { command: "polya exec --session", description: "Cells as they are typed" }
  ])
)

const fakeLlm = Command.make(
  "fake-llm",
  {
    script: Argument.String("script").pipe(
      Argument.withDescription(
        "A script (docs/fake-llm.md), or the name of one that ships with polya: arithmetic, competition"
      )
    ),
    port: Flag.Int("port").pipe(
      Flag.withDescription("Port to listen on; 0: any that is free"),
      Flag.withMetavar("N"),
      Flag.withDefault(7_413)
    ),
    host: Flag.String("host").pipe(
      Flag.withDescription("Address to listen on"),
      Flag.withMetavar("HOST"),
      Flag.withDefault("127.0.0.1")
    ),
    seed: optionalInt("seed", "Seed of all draws in place of the script's"),
    json
  },
  (flags) =>
    Effect.flatMap(
      Effect.promise(() => import("./Cli/FakeLlmCommand.ts")),
      ({ fakeLlmCommand }) => fakeLlmCommand(flags)
    )
).pipe(
  Command.withDescription(
    "Serves an OpenAI-compatible API that answers by a script: seeded answers, times and failures, for tests and demos without a model. " +
      "GET /fake/counts tells what it was asked. Ctrl-C ends it."
  ),
  Command.withShortDescription("Serve scripted answers in place of a model"),
  Command.withExamples([
    {
      command: "polya fake-llm arithmetic",
      description: "A demo's script; POLYA_LLM_BASE_URL=http://127.0.0.1:7413/v1"
    },
    {
      command: "polya fake-llm mine.yaml --port 0 --json",
      description: "For a program: the first line has the address"
    }
  ])
)

/** How a model is asked: of every command that asks one. */
const sampling = {
  model: one(
    "model",
    "Model, which may carry a strategy (NAME@majority-16); default: the first one that is configured",
    "NAME"
  ),
  strategy: one(
    "strategy",
    "greedy, majority-N, weighted-entropy-N, tir-N, genselect-N, tournament-N, ... (docs/solving.md); default: majority-8",
    "NAME"
  ),
  samples: optionalInt("samples", "Samples in place of the strategy's number"),
  parallel: optionalInt("parallel", "Samples of one problem under way at once; default: at most 8"),
  stop: one("stop", "When samples are enough: none, safe (the lead cannot change), adaptive or agree-N", "LAW"),
  temperature: Flag.Finite("temperature").pipe(
    Flag.withDescription("Temperature of sampling in place of the strategy's"),
    Flag.withMetavar("T"),
    Flag.optional
  ),
  maxTokens: optionalInt("max-tokens", "Tokens that one sample may write"),
  integers: one("integers", "Answers are whole numbers in these bounds, such as 0..99999; all others are none", "A..B"),
  seed: optionalInt("seed", "Seed of the samples: the same seed asks for the same ones; default: drawn and told")
}

const solve = Command.make(
  "solve",
  {
    problem: Argument.String("problem").pipe(
      Argument.withDescription("The problem; -: standard input"),
      Argument.optional
    ),
    ...sampling,
    seconds: Flag.Finite("seconds").pipe(
      Flag.withDescription("The answer is given before so many seconds have passed, with what there is"),
      Flag.withMetavar("N"),
      Flag.optional
    ),
    tokens: optionalInt("tokens", "Tokens that all samples together may write"),
    out: one("out", "File for the samples, a JSON line each", "FILE"),
    id: one("id", "Name of the solve; under the same name, in --data or at --url, it goes on", "ID"),
    data: one("data", "Keep the store in this folder; default: one that goes with the command", "DIR"),
    config: one("config", "Configuration file; default: polya.yaml if it is there", "FILE"),
    url: one("url", "Let the cluster at this address solve it; POLYA_TOKEN is its token", "URL"),
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/SolveCommand.ts")), ({ solveCommand }) => solveCommand(flags))
).pipe(
  Command.withDescription(
    "Answers a problem by sampling a model and voting: equal answers count together, and sampling stops when it is enough. The answer goes to stdout, the vote to stderr. " +
      "The model is any OpenAI-compatible server: POLYA_LLM_BASE_URL, POLYA_LLM_MODEL and POLYA_LLM_API_KEY, or the models of llm.models. 1: no answer."
  ),
  Command.withShortDescription("Answer a problem by sampling and voting"),
  Command.withExamples([
    { command: "polya solve \"What is 6 times 7?\"", description: "Eight samples at most, and a vote" },
    {
      command: "polya solve --strategy tir-8 --seconds 60 - < problem.txt",
      description: "With Python in the sandbox, within a minute"
    },
    {
      command: "polya solve \"...\" --model NAME --strategy genselect-16 --out samples.jsonl",
      description: "A model selects"
    }
  ])
)

const evaluate = Command.make(
  "eval",
  {
    folders: Argument.String("folder").pipe(
      Argument.withDescription("With --compare: the folders of two evaluations"),
      Argument.between(0, 2)
    ),
    compare: Flag.Boolean("compare").pipe(
      Flag.withDescription("Compare two evaluations of the same problems, paired by problem"),
      Flag.withDefault(false)
    ),
    ...sampling,
    samples: optionalInt("samples", "Samples of each problem; all are drawn unless --stop says otherwise"),
    stop: one("stop", "When samples are enough: none, default (adaptive), safe or agree-N", "LAW"),
    seed: optionalInt("seed", "Seed of all samples; default 0"),
    answers: one("answers", "integers: whole numbers from 0 to 99999, as in AIMO 3; all others are none", "KIND"),
    data: one("data", "File or folder of problems with reference answers", "FILE"),
    format: one("format", "Its format: jsonl, csv, parquet, sqlite, postgres or folder; default: as found", "NAME"),
    preset: one("preset", "How its columns are to be read (docs/recipes.md); default: chosen by the columns", "NAME"),
    field: many("field", "Column by field, such as answer=final; repeat for several", "FIELD=COLUMN"),
    query: one("query", "SQL for a SQLite or PostgreSQL source; should order its rows", "SQL"),
    limit: optionalInt("limit", "Evaluate on at most this many problems, the first ones"),
    concurrency: optionalInt("concurrency", "Problems that are worked at once; default 32"),
    budgetTokens: optionalInt("budget-tokens", "Tokens that the samples of one problem may write together"),
    problemSeconds: Flag.Finite("problem-seconds").pipe(
      Flag.withDescription("A problem has its answer before so many seconds have passed"),
      Flag.withMetavar("N"),
      Flag.optional
    ),
    out: one("out", "Folder for the outputs; default: out/eval-DATA-MODEL-STRATEGY", "DIR"),
    resume: Flag.Boolean("resume").pipe(
      Flag.withDescription("Go on with the evaluation of the same command, after a kill or a failure"),
      Flag.withDefault(false)
    ),
    config: one("config", "Configuration file; default: polya.yaml if it is there", "FILE"),
    url: one("url", "Let the cluster at this address do it; POLYA_TOKEN is its token", "URL"),
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("./Cli/EvalCommand.ts")), ({ evalCommand }) => evalCommand(flags))
).pipe(
  Command.withDescription(
    "Says how good a model with a strategy is on problems with reference answers: accuracy with its interval, by domain and level, pass@k and majority@k with --samples. " +
      "Writes summary.json, results.jsonl, samples.jsonl and failures.jsonl. Exit code 1 if problems failed with errors; all others are counted."
  ),
  Command.withShortDescription("Evaluate a model on problems"),
  Command.withExamples([
    {
      command: "polya eval --model NAME --data gsm8k_test.jsonl --strategy greedy",
      description: "One sample a problem"
    },
    {
      command: "polya eval --model NAME --data math500.jsonl --strategy majority-64 --samples 64 --out out/a",
      description: "All samples, with curves"
    },
    { command: "polya eval --compare out/a out/b", description: "Which of two is better, and how sure that is" }
  ])
)

const compete = Command.make(
  "compete",
  {
    problems: one("problems", "File with id, problem and perhaps answer (JSON lines, CSV, Parquet, ...)", "FILE"),
    field: many("field", "Column by field, such as problem=question; repeat for several", "FIELD=COLUMN"),
    hours: Flag.Finite("hours").pipe(
      Flag.withDescription("Time for all problems"),
      Flag.withMetavar("H"),
      Flag.optional
    ),
    minutes: Flag.Finite("minutes").pipe(
      Flag.withDescription("The same in minutes"),
      Flag.withMetavar("M"),
      Flag.optional
    ),
    model: sampling.model,
    strategy: one("strategy", "How each problem is sampled (docs/solving.md); default: majority-16", "NAME"),
    samples: sampling.samples,
    stop: sampling.stop,
    temperature: sampling.temperature,
    maxTokens: sampling.maxTokens,
    seed: optionalInt("seed", "Seed of the samples; default 0"),
    parallel: optionalInt("parallel", "Problems in work at once; default 2"),
    passes: optionalInt("passes", "How often a problem with a weak vote is asked at most; default 3"),
    modulo: optionalInt("modulo", "Answers are taken modulo this, as in AIMO 1 and 2; default: whole numbers 0..99999"),
    fallback: optionalInt("fallback", "What is written where nobody answered; default 0"),
    out: one("out", "Folder for submission.csv and contest.json; default: out/compete-NAME", "DIR"),
    resume: Flag.Boolean("resume").pipe(
      Flag.withDescription("Go on with the contest of this folder after a kill, with the time that is left"),
      Flag.withDefault(false)
    ),
    config: one("config", "Configuration file; default: polya.yaml if it is there", "FILE"),
    url: one("url", "Let the cluster at this address do it; POLYA_TOKEN is its token", "URL"),
    json
  },
  (flags) =>
    Effect.flatMap(
      Effect.promise(() => import("./Cli/CompeteCommand.ts")),
      ({ competeCommand }) => competeCommand(flags)
    )
).pipe(
  Command.withDescription(
    "Answers many problems in a fixed time: what easy ones leave goes to hard ones, and weak votes are asked again while there is time. Answers are whole numbers; " +
      "DIR/submission.csv has one for each problem from the first second on. Ctrl-C ends it with the answers that stand. Right answers in the file are for the score alone."
  ),
  Command.withShortDescription("Answer many problems in a fixed time"),
  Command.withExamples([
    { command: "polya compete --problems reference.csv --hours 5 --strategy tir-16", description: "As in AIMO" },
    {
      command: "polya compete --problems reference.csv --hours 5 --strategy tir-16 --resume",
      description: "Go on after a crash"
    }
  ])
)

const polya = Command.make("polya").pipe(
  Command.withDescription(
    "Real problems in, verified datasets out; models trained on them and asked. Start with `polya demo`."
  ),
  Command.withSubcommands([
    demo,
    run,
    serve,
    runner,
    status,
    runs,
    watch,
    verify,
    vote,
    compete,
    exec,
    solve,
    evaluate,
    fakeLlm,
    models,
    calls,
    token,
    report,
    config,
    doctor
  ])
)

// Said also where the command line itself is wrong, so it is looked for before it is parsed.
const machine = process.argv.includes("--json")

// Who reads may leave before the end, as `head` does: the rest is not shown, and the work is done all the same. Results that cannot be
// written for any other reason (a full disk) are a failure; what cannot be told on stderr is not.
let unwritten: NodeJS.ErrnoException | undefined
process.stderr.on("error", () => {})
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") unwritten ??= error
})
/** Fails if standard output did. Streams tell it a turn later. */
const allWritten = Effect.callback<void, CommandFailed>((resume) => {
  setImmediate(() =>
    resume(
      unwritten === undefined
        ? Effect.void
        : Effect.fail(workFailed(`Cannot write to standard output: ${unwritten.message}`, "", "OutputFailed"))
    )
  )
})

Command.runWith(polya, { version })(withAnswersLast(process.argv.slice(2))).pipe(
  Effect.andThen(allWritten),
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
