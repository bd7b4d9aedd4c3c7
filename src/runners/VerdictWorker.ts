// The program of a verdict worker thread.
import type { Ballots, GivenUp, Pair, TimedVerdict, VoteResult } from "../actors/Verdicts/Asked.ts"
import { verdictOf, voteOf } from "../actors/Verdicts/Judge.ts"
import { serveJobs } from "./WorkerPool/Jobs.ts"

export type VerdictJob =
  | { readonly _tag: "Pair"; readonly pair: Pair }
  | { readonly _tag: "Ballots"; readonly ballots: Ballots }
export type VerdictWork = TimedVerdict | VoteResult | GivenUp

const now = () => performance.now()

serveJobs<VerdictJob, VerdictWork>((job) => job._tag === "Pair" ? verdictOf(job.pair, now) : voteOf(job.ballots))
