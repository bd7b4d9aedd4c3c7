// The one actor that holds the cluster's live configuration. Processes read its row once a second (LiveSettings), so that a change is in
// force everywhere within two; the actor itself only decides, numbers and keeps the history.
import * as LiveConfig from "../domain/LiveConfig.ts"
import * as DurableActor from "./DurableActor.ts"

/** The id of the only actor of its type. */
export const liveConfigId = "cluster"

export const LiveConfigActor = DurableActor.make({
  type: "LiveConfig",
  state: LiveConfig.LiveConfigState,
  initial: LiveConfig.initialLiveConfig,
  commands: {
    Set: {
      payload: LiveConfig.SetFields,
      success: LiveConfig.SetReply,
      error: LiveConfig.refusals
    }
  },
  decide: { Set: LiveConfig.set },
  placement: { _tag: "own" },
  describe: ({ number, values }) => ({
    status: number === 0 ? "untouched" : "changed",
    stage: null,
    group: null,
    attempts: number,
    error: null,
    waiting: null,
    text: Object.keys(values).join(" ").slice(0, 4_000)
  })
})

export const layer = LiveConfigActor.layer()
