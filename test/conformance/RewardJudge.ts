// The judge that the reward cases are held with.
import type { Judge } from "../../src/domain/Rewards.ts"
import { boxedJudge } from "../../src/domain/Rewards/BoxedJudge.ts"
import { verify } from "../../src/domain/Verify.ts"

export const judge: Judge = boxedJudge(verify)
