// Answers on the wire: a sample cut to what was asked for, in pieces with log-probabilities, as one body or as the events of a stream.
import type { Asked } from "./Asked.ts"
import type { Told } from "./Composer.ts"
import { fraction, mixed } from "./Draws.ts"
import { piecesOf } from "./Pieces.ts"

export interface Piece {
  readonly piece: string
  readonly isReasoning: boolean
  /** Where it starts in the text of its kind. */
  readonly start: number
}
export interface Sample {
  readonly index: number
  readonly pieces: ReadonlyArray<Piece>
  readonly reasoningTokens: number
  readonly finish: "stop" | "length"
  readonly certainty: number
  readonly key: number
}
export interface Reply {
  readonly id: string
  readonly created: number
  readonly asked: Asked
  readonly samples: ReadonlyArray<Sample>
  readonly usage: boolean
}

/** `room`: tokens that fit into the context. */
export const sampleOf = (told: Told, index: number, { maxTokens, stops }: Asked, room: number): Sample => {
  const thought = told.reasoning !== "" && told.tagged ? `<think>\n${told.reasoning}\n</think>\n\n` : ""
  let text = thought + told.text
  let stopped = text.length
  for (const stop of stops) {
    const found = text.indexOf(stop)
    if (found >= 0) stopped = Math.min(stopped, found)
  }
  text = text.slice(0, stopped)
  const reasoning = thought === "" ? piecesOf(told.reasoning) : []
  const placed = (pieces: ReadonlyArray<string>, isReasoning: boolean) => {
    let start = 0
    return pieces.map((piece) => ({ piece, isReasoning, start: (start += piece.length) - piece.length }))
  }
  const pieces = [...placed(reasoning, true), ...placed(piecesOf(text), false)]
  const most = Math.min(maxTokens ?? Infinity, room)
  return {
    index,
    pieces: pieces.length > most ? pieces.slice(0, most) : pieces,
    reasoningTokens: Math.min(reasoning.length, most),
    finish: pieces.length > most ? "length" : "stop",
    certainty: told.certainty,
    key: told.key
  }
}

const others = [
  " so",
  " the",
  "\n",
  ",",
  " is",
  " and",
  " a",
  ".",
  " we",
  " then",
  " of",
  " to",
  " 0",
  "1",
  "2",
  " =",
  "+",
  "-",
  " x",
  " for"
]

/** The probability of the piece written about the sample's certainty; a half of what is left goes to the next likely one, and so on. */
const probabilities = ({ certainty, key }: Sample, at: number, top: number) => {
  const spread = Math.min(1 - certainty, certainty)
  const own = Math.min(0.999_999, Math.max(0.001, certainty + spread * (2 * fraction(mixed(key, at)) - 1)))
  let rest = 1 - own
  const next: Array<number> = []
  for (let more = 1; more < top; more++) next.push(Math.log(rest /= 2))
  return { own: Math.log(own), next }
}

/** The pieces are those of all tokens, the reasoning's included, as servers with log-probabilities tell them. */
const chatLogprobs = (sample: Sample, from: number, to: number, top: number) => ({
  content: sample.pieces.slice(from, to).map(({ piece }, offset) => {
    const { next, own } = probabilities(sample, from + offset, top)
    const alternatives = others.filter((token) => token !== piece)
    return {
      token: piece,
      logprob: own,
      bytes: null,
      top_logprobs: top === 0
        ? []
        : [
          { token: piece, logprob: own, bytes: null },
          ...next.map((logprob, at) => ({ token: alternatives[at] ?? "", logprob, bytes: null }))
        ]
    }
  })
})

const textLogprobs = (sample: Sample, from: number, to: number, top: number) => {
  const { content } = chatLogprobs(sample, from, to, top)
  return {
    tokens: content.map(({ token }) => token),
    token_logprobs: content.map(({ logprob }) => logprob),
    top_logprobs: top === 0
      ? null
      : content.map(({ top_logprobs }) =>
        Object.fromEntries(top_logprobs.map(({ logprob, token }) => [token, logprob]))
      ),
    text_offset: sample.pieces.slice(from, to).map(({ start }) => start)
  }
}

const logprobsOf = ({ asked: { api, topLogprobs } }: Reply, sample: Sample, from: number, to: number) =>
  topLogprobs === undefined
    ? null
    : api === "chat"
    ? chatLogprobs(sample, from, to, topLogprobs)
    : textLogprobs(sample, from, to, topLogprobs)

export const textOf = ({ pieces }: Sample, isReasoning: boolean): string =>
  pieces.map((one) => (one.isReasoning === isReasoning ? one.piece : "")).join("")

export const usageOf = ({ asked, samples }: Reply) => {
  const completion = samples.reduce((sum, { pieces }) => sum + pieces.length, 0)
  const reasoning = samples.reduce((sum, { reasoningTokens }) => sum + reasoningTokens, 0)
  return {
    prompt_tokens: asked.promptTokens,
    completion_tokens: completion,
    total_tokens: asked.promptTokens + completion,
    ...(reasoning === 0 ? {} : { completion_tokens_details: { reasoning_tokens: reasoning } })
  }
}

/** The whole answer as one JSON text. `choices`: in place of those of the reply. */
export const bodyOf = (reply: Reply, choices?: ReadonlyArray<never>): string => {
  const { asked, created, id, samples } = reply
  const isChat = asked.api === "chat"
  return JSON.stringify({
    id,
    object: isChat ? "chat.completion" : "text_completion",
    created,
    model: asked.model,
    choices: choices ?? samples.map((sample) => {
      const reasoning = textOf(sample, true)
      const text = textOf(sample, false)
      return {
        index: sample.index,
        ...(isChat
          ? {
            message: { role: "assistant", content: text, ...(reasoning === "" ? {} : { reasoning_content: reasoning }) }
          }
          : { text }),
        logprobs: logprobsOf(reply, sample, 0, sample.pieces.length),
        finish_reason: sample.finish
      }
    }),
    ...(reply.usage ? { usage: usageOf(reply) } : {})
  })
}

export const doneEvent = "data: [DONE]\n\n"

/** The events of a stream, each as it goes out. */
export const eventsOf = (reply: Reply) => {
  const { asked, created, id } = reply
  const isChat = asked.api === "chat"
  const head = `data: {"id":${JSON.stringify(id)},"object":"${
    isChat ? "chat.completion.chunk" : "text_completion"
  }","created":${created},"model":${JSON.stringify(asked.model)},"choices":[`
  const choice = (index: number, delta: string, finish: string | null, logprobs: object | null): string =>
    `${head}{"index":${index},${delta},"logprobs":${
      logprobs === null ? "null" : JSON.stringify(logprobs)
    },"finish_reason":${finish === null ? "null" : `"${finish}"`}}]}\n\n`
  return {
    opening: ({ index }: Sample): string =>
      isChat ? choice(index, `"delta":{"role":"assistant","content":""}`, null, null) : "",
    piece: (sample: Sample, at: number): string => {
      const one = sample.pieces[at]
      if (one === undefined) return ""
      const text = JSON.stringify(one.piece)
      return choice(
        sample.index,
        isChat ? `"delta":{"${one.isReasoning ? "reasoning_content" : "content"}":${text}}` : `"text":${text}`,
        null,
        logprobsOf(reply, sample, at, at + 1)
      )
    },
    closing: ({ finish, index }: Sample): string => choice(index, isChat ? `"delta":{}` : `"text":""`, finish, null),
    usage: (): string =>
      asked.includeUsage && reply.usage ? `${head}],"usage":${JSON.stringify(usageOf(reply))}}\n\n` : "",
    empty: (): string => `${head}]}\n\n`,
    /** An event that breaks off in its JSON. */
    broken: (): string => `${head}{"index":0,"del\n\n`
  }
}
