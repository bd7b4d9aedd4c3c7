// The program of a verdict worker thread.
import {
  type Ballots,
  type GivenUp,
  type Pair,
  type TimedVerdict,
  verdictOf,
  voteOf,
  type VoteResult
} from "../actors/Verdicts/Judge.ts"
import { serveJobs } from "./WorkerPool/Jobs.ts"

export type VerdictJob =
  | { readonly _tag: "Pair"; readonly pair: Pair }
  | { readonly _tag: "Ballots"; readonly ballots: Ballots }
export type VerdictWork = TimedVerdict | VoteResult | GivenUp

const now = () => performance.now()

serveJobs<VerdictJob, VerdictWork>((job) => job._tag === "Pair" ? verdictOf(job.pair, now) : voteOf(job.ballots))
