import { assert, describe, it } from "@effect/vitest"
import { withAnswersLast } from "../../../src/runners/Cli/Answers.ts"

describe("answers on the command line", () => {
  it("come after the flags where one begins with a minus", () => {
    assert.deepStrictEqual(
      withAnswersLast(["verify", "-1/2", "--opts", "{}", "--json", "-x", "--bare", "--workers=2"]),
      ["verify", "--opts", "{}", "--json", "--bare", "--workers=2", "--", "-1/2", "-x"]
    )
    assert.deepStrictEqual(withAnswersLast(["verify", "0", "-2,2"]), ["verify", "--", "0", "-2,2"])
    assert.deepStrictEqual(withAnswersLast(["verify", "-", "-\n1"]), ["verify", "--", "-", "-\n1"])
  })

  it("leave every other command line as it is", () => {
    const others: ReadonlyArray<ReadonlyArray<string>> = [
      [],
      ["verify"],
      ["verify", "1", "2", "--json"],
      ["verify", "-h"],
      ["verify", "--in", "-", "--out", "-"],
      ["verify", "--workers", "-1", "--in", "x"],
      ["verify", "--bare", "--", "-1", "-2"],
      ["verify", "--opts"],
      ["vote", "-x"],
      ["run", "-1"]
    ]
    for (const args of others) assert.deepStrictEqual(withAnswersLast(args), args)
  })
})
