// Routes of files: what clients upload as sources and benchmarks, and downloads of all that runs and clients left.
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { problems } from "../Problems.ts"
import * as Shapes from "./Shapes.ts"

export const FileShape = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  kind: Schema.Literals(["upload", "output"]),
  group: Schema.NullOr(Schema.String),
  bytes: Schema.Finite,
  sha256: Schema.String,
  who: Schema.String,
  atMillis: Schema.Finite
})

/** A label of 1 to 200 characters, never a path. */
const FileName = Schema.String.check(
  // Slashes, backslashes and control characters would make a path or a header of it.
  Schema.isPattern(/^[^/\\\u0000-\u001f\u007f-\u009f\ud800-\udfff]{1,200}$/u, {
    expected: "1 to 200 characters without slashes and control characters"
  })
)
const range = { range: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(200))) }

export class Files extends HttpApiGroup.make("files")
  .add(
    HttpApiEndpoint.post("upload", "/files", {
      query: { name: FileName },
      headers: {
        "content-length": Schema.optionalKey(Schema.String.check(Schema.isPattern(/^\d{1,15}$/u))),
        "x-reason": Shapes.CommandHeaders["x-reason"]
      },
      payload: HttpApiSchema.StreamUint8Array({ contentType: "application/octet-stream" }),
      success: FileShape.annotate({ httpApiStatus: 201 }),
      error: problems("FileTooLarge")
    }).annotateMerge(
      Shapes.about(
        "operate",
        "Uploads a file",
        "The body is the file, of any content type. Name it as `upload:ID` in a run's sources. It is there only when its last byte came."
      )
    ).annotate(Shapes.OwnDeadline, true),
    HttpApiEndpoint.get("list", "/files", {
      query: { limit: Shapes.Limit, after: Schema.optionalKey(Shapes.ListCursor) },
      success: Shapes.pageOf(FileShape)
    }).annotateMerge(Shapes.about("read", "Uploaded files, newest first")),
    HttpApiEndpoint.get("get", "/files/:id", {
      params: Shapes.IdParams,
      success: FileShape,
      error: problems("FileUnknown")
    }).annotateMerge(Shapes.about("read", "What is known of a file")),
    HttpApiEndpoint.get("content", "/files/:id/content", {
      params: Shapes.IdParams,
      headers: range,
      success: HttpApiSchema.StreamUint8Array(),
      error: problems("FileUnknown", "RangeUnfit")
    }).annotateMerge(Shapes.about("read", "A file's content, whole or from a byte on (Range)")).annotate(
      Shapes.OwnDeadline,
      true
    ),
    HttpApiEndpoint.delete("remove", "/files/:id", {
      params: Shapes.IdParams,
      headers: { "x-reason": Shapes.CommandHeaders["x-reason"] },
      success: HttpApiSchema.NoContent,
      error: problems("FileUnknown")
    }).annotateMerge(
      Shapes.about("operate", "Removes a file", "A run that still has to read it breaks off, and says so.")
    )
  )
  .middleware(Shapes.Guard)
  .prefix("/api")
  .annotateMerge(OpenApi.annotations({ description: "Uploaded files, the sources of runs." }))
{}
