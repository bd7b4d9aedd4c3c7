// The stage that makes problems of forum posts, without a model: a post becomes 0..n rows, each with one
// self-contained statement. Rows that
// are problems already get their kind. Total on any fields; no post vanishes without a reason.
import { Effect, Schema } from "effect"
import { discussedAnswers } from "../forum/DiscussionAnswer.ts"
import { problemsOfPost } from "../forum/PostProblems.ts"
import { classifyKind } from "../forum/ProblemKind.ts"
import { cutReplies, splitReplies } from "../forum/Replies.ts"
import type { JsonObject } from "../Json.ts"
import { dropped, expanded, type ExpandStage, kept } from "../Stage.ts"

export const ExtractProblemsParams = Schema.Struct({
  /** Keep the discussion in the derived rows as `forum_discussions`. Default false. */
  keepDiscussion: Schema.Boolean.pipe(Schema.withDecodingDefaultKey(Effect.succeed(false))),
  /** Give rows without a post the field `kind`. Default true. */
  kinds: Schema.Boolean.pipe(Schema.withDecodingDefaultKey(Effect.succeed(true))),
  /** Tokens (estimated) of the discussion that are read for answers, cut at a reply's end. Default 24,000. */
  discussionTokens: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(24_000))
  ),
  /** Longer posts are dropped as `post-too-long`; characters. Default 200,000. */
  postCharacters: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(200_000))
  )
})
export type ExtractProblemsParams = typeof ExtractProblemsParams.Type

/**
 * The post's other fields. Its own answer and solution speak of the whole post: they stay only with a single
 * problem.
 */
const otherFields = (fields: JsonObject, isAlone: boolean, keepDiscussion: boolean): JsonObject => {
  const rest: { [key: string]: JsonObject[string] } = {}
  for (const [key, value] of Object.entries(fields)) {
    if (key === "forum_post" || key === "problem" || value === undefined) continue
    if (key === "forum_discussions" && !keepDiscussion) continue
    if (!isAlone && (key === "answer" || key === "solution")) continue
    rest[key] = value
  }
  return rest
}

export const extractProblems: ExpandStage<ExtractProblemsParams> = {
  kind: "expand",
  name: "extract-problems",
  version: 1,
  cost: "cpu",
  summary:
    "Takes the problems out of forum posts with their kind and, where the discussion states it, their answer; gives other rows their kind.",
  params: ExtractProblemsParams,
  needs: [],
  prepare: (params) => (fields) => {
    const post = fields["forum_post"]
    if (post === undefined || post === null) {
      const problem = fields["problem"]
      return kept(params.kinds && typeof problem === "string" ? { kind: classifyKind(problem) } : {})
    }
    if (typeof post !== "string") return dropped("no-problem-found", { why: "not-a-text" })
    if (post.length > params.postCharacters) return dropped("post-too-long", { characters: post.length })
    const reading = problemsOfPost(post)
    if (reading.none !== null) return dropped("no-problem-found", { why: reading.none })
    const replies = cutReplies(splitReplies(fields["forum_discussions"]), params.discussionTokens)
    const answers = discussedAnswers(reading.problems, reading.asides, replies)
    const isAlone = reading.problems.length === 1
    const rest = otherFields(fields, isAlone, params.keepDiscussion)
    const id = fields["id"]
    const rows = reading.problems.map((found, index) => {
      const answer = answers[index]
      return {
        ...rest,
        ...(isAlone || (typeof id !== "string" && typeof id !== "number") ? {} : { id: `${id}#${index + 1}` }),
        problem: found.problem,
        kind: found.kind,
        extraction: "heuristic",
        ...(answer === null || answer === undefined || rest["answer"] != null
          ? {}
          : { answer: answer.value, answerFrom: answer.from })
      }
    })
    return expanded(
      rows,
      reading.leftOut > 0 ? { problems: rows.length, leftOut: reading.leftOut } : { problems: rows.length }
    )
  }
}
