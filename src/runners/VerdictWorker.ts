// The program of a verdict worker thread. What votes need besides verdicts is loaded with the first of them: a thread starts the quicker.
import type { Ballots, GivenUp, Pair, TimedVerdict, VoteResult } from "../actors/Verdicts/Asked.ts"
import type { voteOf } from "../actors/Verdicts/Count.ts"
import { verdictOf } from "../actors/Verdicts/Judge.ts"
import { serveJobs } from "./WorkerPool/Jobs.ts"

export type VerdictJob =
  | { readonly _tag: "Pair"; readonly pair: Pair }
  | { readonly _tag: "Ballots"; readonly ballots: Ballots }
export type VerdictWork = TimedVerdict | VoteResult | GivenUp

const now = () => performance.now()
let count: typeof voteOf | undefined

serveJobs<VerdictJob, VerdictWork>(
  (job) =>
    job._tag === "Pair"
      ? verdictOf(job.pair, now)
      : count?.(job.ballots) ?? { _tag: "GivenUp", rule: "crash", detail: "The rules of votes are not loaded" },
  async (jobs) => {
    if (count === undefined && jobs.some(({ _tag }) => _tag === "Ballots")) {
      count = (await import("../actors/Verdicts/Count.ts")).voteOf
    }
  }
)
