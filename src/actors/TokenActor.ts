// The Token actor: one bearer token, under the public part of its text. Tokens.ts makes, checks and lists them.
import { Schema } from "effect"
import * as Token from "../domain/Token.ts"
import * as DurableActor from "./DurableActor.ts"

export const TokenActor = DurableActor.make({
  type: "Token",
  state: Token.TokenState,
  initial: Token.initialToken,
  commands: {
    Create: { payload: Token.CreateFields, success: Schema.Void, error: Token.refusals },
    Revoke: { payload: Token.RevokeFields, success: Schema.Void, error: Token.refusals }
  },
  decide: { Create: Token.create, Revoke: Token.revoke },
  // Few and seldom commanded: checks read the rows.
  placement: { _tag: "shared", hosts: 1 },
  describe: Token.describe
})

export const layer = TokenActor.layer()
