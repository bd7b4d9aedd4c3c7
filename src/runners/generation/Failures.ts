// What a failed call means: the error that its sample ends with, whether it is made again, and whether it says that the endpoint is away.
import {
  ContextOverflow,
  DeadlinePassed,
  EndpointsDown,
  type GenerationError,
  KeyRefused,
  RateLimited,
  RequestRefused,
  ResponseUnreadable,
  ServerFailed
} from "../../domain/Generation/Errors.ts"
import type { WireFailure } from "../openai/Wire.ts"

const shownCharacters = 300
/** One line that may be shown. */
export const shown = (detail: string): string => detail.replace(/\s+/g, " ").trim().slice(0, shownCharacters)

export const errorOf = (model: string, failure: WireFailure, attempts: number): GenerationError => {
  const detail = shown(failure.detail)
  switch (failure.class) {
    case "connection":
      return new EndpointsDown({ model, detail })
    case "rate-limited":
      return new RateLimited({ model, retryAfterMillis: failure.retryAfterMillis, attempts })
    case "server":
      return new ServerFailed({ model, status: failure.status ?? 0, detail, attempts })
    case "unreadable":
      return new ResponseUnreadable({ model, detail, attempts })
    case "refused":
      return new RequestRefused({ model, status: failure.status ?? 0, detail })
    case "key":
      return new KeyRefused({ model, status: failure.status ?? 0 })
    case "overflow":
      return new ContextOverflow({
        model,
        maxContextLength: failure.overflow?.max_context_length ?? null,
        promptTokens: failure.overflow?.message_tokens ?? null
      })
    case "deadline": {
      const { millis, of } = failure.deadline ?? { of: "call" as const, millis: failure.millis }
      if (of !== "idle") return new DeadlinePassed({ model, of, millis })
      return new ResponseUnreadable({ model, detail: `nothing came for ${Math.round(millis)} ms`, attempts })
    }
  }
}

/** `elsewhere`: only another endpoint may do better. */
export const againAfter = (failure: WireFailure): "yes" | "no" | "elsewhere" => {
  switch (failure.class) {
    case "connection":
    case "rate-limited":
    case "server":
    case "unreadable":
      return "yes"
    case "deadline":
      return failure.deadline?.of === "idle" ? "yes" : failure.deadline?.of === "first-token" ? "elsewhere" : "no"
    case "refused":
    case "key":
    case "overflow":
      return "no"
  }
}

/** Whether it tells that the endpoint is not well. One that refuses a request is; so is one whose answer only took too long. */
export const isAway = (failure: WireFailure): boolean => {
  switch (failure.class) {
    case "connection":
    case "server":
    case "unreadable":
      return true
    case "deadline":
      return failure.deadline?.of !== "call" || failure.firstTokenMillis === null
    case "rate-limited":
    case "refused":
    case "key":
    case "overflow":
      return false
  }
}
