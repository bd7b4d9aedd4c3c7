// Rows as JSON lines: one object a line, keys in the order given, so equal rows are equal bytes.
import { Effect } from "effect"
import type { FileHandle } from "node:fs/promises"
import type { JsonObject } from "../../domain/Json.ts"
import { makeWriter, partialPath, publish, type Sink, temporaryFile } from "./Sink.ts"

/** Characters that are gathered before they are written. */
const bufferLength = 256 * 1024

/** Appends lines to a file in pieces of about 256 KiB. */
export class LineBuffer {
  readonly handle: FileHandle
  private text = ""
  constructor(handle: FileHandle) {
    this.handle = handle
  }
  async write(rows: ReadonlyArray<JsonObject>): Promise<void> {
    for (const row of rows) {
      this.text += `${JSON.stringify(row)}\n`
      if (this.text.length >= bufferLength) await this.flush()
    }
  }
  async flush(): Promise<void> {
    const text = this.text
    this.text = ""
    if (text !== "") await this.handle.writeFile(text)
  }
}

const open: Sink["open"] = Effect.fnUntraced(function*(path) {
  const temporary = partialPath(path)
  const handle = yield* temporaryFile(path, temporary)
  const lines = new LineBuffer(handle)
  return makeWriter(path, {
    write: (rows) => lines.write(rows),
    commit: async () => {
      await lines.flush()
      await publish(handle, temporary, path)
    }
  })
})

export const JsonlSink: Sink = { extension: "jsonl", open }
