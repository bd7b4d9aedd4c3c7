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

/** An answer that is for HTTP: larger than a frame should be. */
export class AnswerTooLarge extends Schema.TaggedError<AnswerTooLarge>()("AnswerTooLarge", { maxBytes: Schema.Int }) {
  override get message() {
    return `The answer has more than ${this.maxBytes} bytes; ask for it over HTTP`
  }
}

export type LiveRefusal = AnswerTooLarge | FrameUnreadable | MessageUnfit | WatchUnknown | WatchTaken | TooManyWatches
