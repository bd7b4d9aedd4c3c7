// The cluster's live configuration: the settings that were changed while it runs, by an operator or by a changed configuration file.
// Every change has a number. What a setting may be is checked before it is sent and where it is used; here are only keys and plain values.
import { Schema } from "effect"
import { accept, type Decision, refuse } from "./Decision.ts"
import type { Json } from "./Json.ts"

/** A setting's value as the configuration file would have it. */
export const LiveValue = Schema.Union([
  Schema.String.check(Schema.isMaxLength(4_000)),
  Schema.Finite,
  Schema.Boolean
])
export type LiveValue = typeof LiveValue.Type

/** `area.field` */
const Key = Schema.String.check(Schema.isPattern(/^[a-z]\w{0,39}\.[a-z]\w{0,79}$/i))

export const LiveConfigState = Schema.Struct({
  /** Changes so far. */
  number: Schema.Int,
  values: Schema.Record(
    Key,
    Schema.Struct({
      value: LiveValue,
      /** The change that it came with, and who made it. */
      number: Schema.Int,
      who: Schema.String
    })
  )
})
export type LiveConfigState = typeof LiveConfigState.Type

export const initialLiveConfig: LiveConfigState = { number: 0, values: {} }

/** Settings of one cluster, at most; far more than there are. */
export const maxKeys = 500

/** The configuration is not at the number that the change was made for. */
export class ConfigMoved extends Schema.TaggedError<ConfigMoved>()("ConfigMoved", {
  expected: Schema.Int,
  number: Schema.Int
}, { httpApiStatus: 409 }) {
  override get message() {
    return `The live configuration is at number ${this.number}, not ${this.expected}: read it again and decide anew`
  }
}
export class ConfigFull extends Schema.TaggedError<ConfigFull>()("ConfigFull", { maxKeys: Schema.Int }, {
  httpApiStatus: 409
}) {
  override get message() {
    return `The live configuration holds ${this.maxKeys} settings at most: unset some first`
  }
}
export const refusals = Schema.Union([ConfigMoved, ConfigFull])

/** null: the setting goes back to what each process was started with. */
export const Patch = Schema.Record(Key, Schema.NullOr(LiveValue))
export type Patch = typeof Patch.Type

export const SetFields = {
  patch: Patch,
  who: Schema.String,
  why: Schema.String,
  /** The number that the change was made for; without it, whatever it is. */
  expected: Schema.optionalKey(Schema.Int)
}

export const SetReply = Schema.Struct({ number: Schema.Int })

/** What a change leaves in the history. */
export const SetEvent = Schema.Struct({
  _tag: Schema.Literal("Set"),
  number: Schema.Int,
  who: Schema.String,
  why: Schema.String,
  patch: Patch
})

/** Makes the change, if it changes anything, and answers the number that the configuration then has. */
export const set = (
  state: LiveConfigState,
  { expected, patch, who, why }: Schema.Struct<typeof SetFields>["Type"]
): Decision<LiveConfigState, typeof SetReply.Type, ConfigMoved | ConfigFull> => {
  if (expected !== undefined && expected !== state.number) {
    return refuse(new ConfigMoved({ expected, number: state.number }))
  }
  const number = state.number + 1
  const values = { ...state.values }
  const changed: { [key: string]: LiveValue | null } = {}
  for (const [key, value] of Object.entries(patch)) {
    const before = Object.hasOwn(values, key) ? values[key] : undefined
    if ((before?.value ?? null) === value) continue
    changed[key] = value
    if (value === null) delete values[key]
    else values[key] = { value, number, who }
  }
  if (Object.keys(changed).length === 0) return accept(state, { number: state.number })
  if (Object.keys(values).length > maxKeys) return refuse(new ConfigFull({ maxKeys }))
  const event: typeof SetEvent.Type = { _tag: "Set", number, who, why, patch: changed }
  return accept({ number, values }, { number }, [event as Json])
}
