// What a WebSocket refuses of itself, beside what HTTP refuses, too.
import { Schema } from "effect"

export class FrameUnreadable extends Schema.TaggedError<FrameUnreadable>()("FrameUnreadable", {}) {
  override get message() {
    return "The frame is not one JSON object"
  }
}
export class MessageUnfit extends Schema.TaggedError<MessageUnfit>()("MessageUnfit", { detail: Schema.String }) {
  override get message() {
    return `The message does not fit: ${this.detail}`
  }
}
export class WatchUnknown extends Schema.TaggedError<WatchUnknown>()("WatchUnknown", { watch: Schema.Int }) {
  override get message() {
    return `There is no watch ${this.watch} on this connection`
  }
}
export class WatchTaken extends Schema.TaggedError<WatchTaken>()("WatchTaken", { watch: Schema.Int }) {
  override get message() {
    return `There is a watch ${this.watch} on this connection already`
  }
}
/** Of one connection, or of all of them together. */
export class TooManyWatches extends Schema.TaggedError<TooManyWatches>()("TooManyWatches", {
  of: Schema.Literals(["connection", "actors", "lists"]),
  most: Schema.Int
}) {
  override get message() {
    return this.of === "connection"
      ? `A connection may have ${this.most} watches; end one first`
      : `This process watches ${this.most} ${this.of} already; try again later`
  }
}

/** Sessions belong to the connection that opened them. */
export class SessionUnknown extends Schema.TaggedError<SessionUnknown>()("SessionUnknown", {
  session: Schema.String
}) {
  override get message() {
    return `This connection has no session ${this.session}`
  }
}
export class TooManySessions extends Schema.TaggedError<TooManySessions>()("TooManySessions", { most: Schema.Int }) {
  override get message() {
    return `A connection may have ${this.most} sessions; close one first`
  }
}
/** Messages that run code and have no answer yet. */
export class TooManyCells extends Schema.TaggedError<TooManyCells>()("TooManyCells", { most: Schema.Int }) {
  override get message() {
    return `${this.most} messages that run code wait for their answers already`
  }
}

/** An answer that is for HTTP: larger than a frame should be. */
export class AnswerTooLarge extends Schema.TaggedError<AnswerTooLarge>()("AnswerTooLarge", { maxBytes: Schema.Int }) {
  override get message() {
    return `The answer has more than ${this.maxBytes} bytes; ask for it over HTTP`
  }
}

export type LiveRefusal =
  | AnswerTooLarge
  | FrameUnreadable
  | MessageUnfit
  | SessionUnknown
  | TooManyCells
  | TooManySessions
  | WatchUnknown
  | WatchTaken
  | TooManyWatches
