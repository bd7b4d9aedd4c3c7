// The routes under /v1: models, chat completions and completions, as clients of the OpenAI API ask for them. A model's name may carry a
// strategy (`NAME@majority-16`); then the answer is a vote's. Who asked which model is in the audit log: how much text, and its hash, not the
// text. Nothing fails here but with a bug: errors are answers.
import { Clock, Context, Effect, Result, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createHash } from "node:crypto"
import { AuditLog } from "../../actors/AuditLog.ts"
import type { Scope as TokenScope } from "../../actors/Gateway.ts"
import { Generation, type ModelFacts } from "../../actors/Generation.ts"
import { Lifecycle } from "../../actors/Lifecycle.ts"
import { Solves } from "../../actors/Solves.ts"
import type { ChatMessage } from "../../domain/Generation.ts"
import { ModelUnknown } from "../../domain/Generation/Errors.ts"
import { seedOf, SolveSpec } from "../../domain/Solve.ts"
import { defaultParallel, parseStrategy, splitModelName, type Strategy } from "../../domain/Strategy.ts"
import { defaultToolBudget } from "../../domain/ToolReasoning.ts"
import { admission } from "../Guard.ts"
import { HttpLimits } from "../Limits.ts"
import { Problem } from "../Problems.ts"
import { AnswerLate, MediaTypeUnknown, RequestUnfit } from "../Refusals.ts"
import { type Caller, tenantOf } from "../Security.ts"
import { type Head, type Kind, modelOf } from "./Answers.ts"
import { FieldUnfit, ofError, ofProblem, responseOf, StrategyUnknown, type Told } from "./Errors.ts"
import { bounded, KeepAliveMillis, respond } from "./EventStream.ts"
import { paths } from "./Paths.ts"
import * as Plain from "./Plain.ts"
import { type Asked, readChat, readText } from "./Requests.ts"
import * as Voted from "./Voted.ts"

/** A solve's own end comes so long before the request's. */
const marginMillis = 5_000

/** What is asked, whoever answers it. */
type Question =
  | { readonly _tag: "Chat"; readonly messages: ReadonlyArray<ChatMessage> }
  | { readonly _tag: "Text"; readonly prompts: ReadonlyArray<string> }

/** A name as it was asked for: a model, and the strategy that it carries. */
interface Named {
  readonly facts: ModelFacts
  readonly strategy: Strategy | null
}
const resolve = (name: string): Effect.Effect<Named, ModelUnknown | StrategyUnknown, Generation> =>
  Effect.gen(function*() {
    const models = yield* (yield* Generation).models
    const known = (wanted: string) => models.find(({ name }) => name === wanted)
    const whole = known(name)
    // A model's own name may hold an @.
    if (whole !== undefined) return { facts: whole, strategy: null }
    const { model, strategy } = splitModelName(name)
    const facts = strategy === null ? undefined : known(model)
    if (facts === undefined || strategy === null) {
      return yield* new ModelUnknown({ model, known: models.map(({ name }) => name) })
    }
    const parsed = parseStrategy(strategy)
    if (Result.isFailure(parsed)) return yield* new StrategyUnknown({ model: name, why: parsed.failure })
    return { facts, strategy: parsed.success }
  })

const needsStrategy = (name: string) =>
  new FieldUnfit({
    param: `polya.${name}`,
    code: "invalid_value",
    why: `polya.${name} belongs to a strategy: name one after the model's name, as in NAME@majority-8`
  })

const randomSeed = (): number => (globalThis.crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) >>> 1

/** The requests to the model itself. The first choice has the seed that was given, the others have seeds that follow from it. */
const requestsOf = (
  { extension: { budget, strategy, tools }, n, parameters, seed }: Asked,
  model: string,
  question: Question,
  owner: string,
  mostMillis: number
): Result.Result<Plain.Requests, FieldUnfit> => {
  if (strategy !== undefined) return Result.fail(needsStrategy("strategy"))
  if (tools !== undefined) return Result.fail(needsStrategy("tools"))
  if (budget?.tokens != null) return Result.fail(needsStrategy("budget.tokens"))
  const seeds = (prompt: number) =>
    Array.from({ length: n }, (_, choice) => {
      const at = prompt * n + choice
      return seed === null || at === 0 ? seed : seedOf(seed, at)
    })
  const deadlineMillis = Math.min(budget?.millis ?? mostMillis, mostMillis)
  const rest = { model, parameters, owner, deadlineMillis }
  return Result.succeed(
    question._tag === "Chat"
      ? [{ ...rest, prompt: { _tag: "Chat", messages: question.messages }, seeds: seeds(0) }]
      : question.prompts.map((text, at) => ({ ...rest, prompt: { _tag: "Text", text }, seeds: seeds(at) }))
  )
}

const specOf = (
  { extension, n, parameters, seed }: Asked,
  { facts, strategy: named }: { readonly facts: ModelFacts; readonly strategy: Strategy },
  question: Question,
  owner: string,
  mostMillis: number
): Result.Result<SolveSpec, FieldUnfit> => {
  const { budget, strategy: given = {}, tools = given.tools } = extension
  const unfit = (param: string, why: string) =>
    Result.fail(new FieldUnfit({ param, code: "invalid_value", why: `${param}: ${why}` }))
  if (n !== 1) {
    return unfit("n", "A vote has one answer: give 1, and say in the strategy's name how many samples there are")
  }
  const [prompt, ...others] = question._tag === "Text" ? question.prompts : []
  if (others.length > 0) return unfit("prompt", "A vote answers one prompt: give one")
  const samples = given.samples ?? named.samples
  const strategy: Strategy = {
    ...named,
    ...given,
    parallel: given.parallel ?? (given.samples === undefined ? named.parallel : Math.min(samples, defaultParallel)),
    tools: tools === undefined ? named.tools : tools === true ? named.tools ?? defaultToolBudget : tools || null,
    parameters: { ...named.parameters, ...parameters, ...given.parameters }
  }
  const longest = Math.max(100, Math.min(86_400_000, mostMillis - marginMillis))
  const spec: SolveSpec = {
    prompt: question._tag === "Chat"
      ? { _tag: "Chat", messages: question.messages }
      : { _tag: "Problem", text: prompt ?? "" },
    model: facts.name,
    strategy,
    seed: seed ?? randomSeed(),
    budget: { tokens: budget?.tokens ?? null, millis: Math.min(budget?.millis ?? longest, longest) },
    owner,
    group: null
  }
  const read = Schema.decodeUnknownResult(SolveSpec)(spec)
  if (Result.isSuccess(read)) return Result.succeed(read.success)
  if (seed !== null && !Schema.is(SolveSpec.fields.seed)(seed)) {
    return unfit("seed", "With a strategy, expected a whole number from 0 to 2147483647")
  }
  return unfit(
    Schema.is(SolveSpec.fields.prompt)(spec.prompt)
      ? "polya.strategy"
      : question._tag === "Chat"
      ? "messages"
      : "prompt",
    read.failure.message.slice(0, 500)
  )
}

const described = (question: Question, { model, n }: Asked): string => {
  const texts = question._tag === "Chat"
    ? question.messages.flatMap(({ content, role }) => [role, content])
    : question.prompts
  const hash = createHash("sha256")
  let bytes = 0
  for (const text of texts) {
    hash.update(text).update("\0")
    bytes += Buffer.byteLength(text)
  }
  const choices = `${n} ${n === 1 ? "choice" : "choices"}`
  return `${model}, ${choices}, ${bytes} bytes, sha256 ${hash.digest("hex")}`.slice(0, 500)
}

/** The body, which is JSON and says so. */
const bodyOf = Effect.gen(function*() {
  const request = yield* HttpServerRequest.HttpServerRequest
  const mediaType = (request.headers["content-type"] ?? "none").split(";", 1)[0]?.trim().toLowerCase() ?? ""
  if (!/^application\/(?:[a-z0-9.+-]+\+)?json$/.test(mediaType)) {
    return yield* new MediaTypeUnknown({ mediaType: mediaType.slice(0, 100) })
  }
  const text = yield* request.text
  return yield* Effect.try({
    try: () => JSON.parse(text) as unknown,
    catch: () => new RequestUnfit({ findings: [{ path: "body", message: "It is no JSON that can be read" }] })
  })
})

const json = (body: object, id?: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(JSON.stringify(body), {
    contentType: "application/json",
    ...(id === undefined ? {} : { headers: { "x-request-id": id } })
  })

const told = (error: Told | Problem): HttpServerResponse.HttpServerResponse =>
  responseOf(error instanceof Problem ? ofProblem(error) : ofError(error))

export const layer = HttpRouter.use(Effect.fnUntraced(function*(router) {
  // These alone: the scope of a request is its own.
  const services = Context.make(Generation, yield* Generation).pipe(
    Context.add(Solves, yield* Solves),
    Context.add(Lifecycle, yield* Lifecycle),
    Context.add(KeepAliveMillis, yield* KeepAliveMillis)
  )
  const audit = yield* AuditLog
  const limits = yield* HttpLimits
  const admit = yield* admission

  /** A route for callers with that scope; what fails is answered. */
  const guarded = <E extends Told, R>(
    method: "GET" | "POST",
    path: `/${string}`,
    needed: TokenScope,
    handler: (caller: Caller) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | Generation | Solves>
  ) =>
    router.add(
      method,
      path,
      admit(needed, { method, path: path.replace("*", ":id") }).pipe(
        Effect.flatMap((caller) => handler(caller)),
        Effect.provideContext(services),
        // What cannot be read of a request is told by the edge, like elsewhere.
        Effect.catch((error) =>
          "_tag" in error && error._tag === "HttpServerError"
            ? Effect.die(error)
            : Effect.succeed(told(error as Told | Problem))
        )
      ) as Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpRouter.Provided>
    )

  const answered = Effect.fnUntraced(function*(kind: Kind, caller: Caller, asked: Asked, question: Question) {
    const atMillis = yield* Clock.currentTimeMillis
    const { openaiMillis } = limits
    const uuid = globalThis.crypto.randomUUID()
    const head: Head = {
      kind,
      id: `${kind === "chat" ? "chatcmpl" : "cmpl"}-${uuid}`,
      createdSeconds: Math.floor(atMillis / 1_000),
      model: asked.model
    }
    const named = asked.model.includes("@") ? yield* resolve(asked.model) : null
    const owner = tenantOf(caller)
    const by = { who: caller.name, why: "" }
    const note = audit.append([{
      ...by,
      atMillis,
      command: kind === "chat" ? "ChatCompletion" : "Completion",
      type: "Model",
      id: asked.model.slice(0, 200),
      commandId: null,
      version: null,
      outcome: "done",
      detail: described(question, asked)
    }])
    const { includeUsage, stream } = asked
    const options = { id: head.id, millis: openaiMillis }
    if (named?.strategy == null) {
      const model = named?.facts.name ?? asked.model
      const requests = yield* Effect.fromResult(requestsOf(asked, model, question, owner, openaiMillis))
      yield* note
      return stream
        ? yield* respond((send) => Plain.stream(head, requests, includeUsage, send), options)
        : json(yield* bounded(Plain.answer(head, requests), openaiMillis), head.id)
    }
    const { facts, strategy } = named
    const spec = yield* Effect.fromResult(specOf(asked, { facts, strategy }, question, owner, openaiMillis))
    yield* note
    const solve = { solve: `v1-${uuid}`, spec, by, millis: openaiMillis }
    return stream
      ? yield* respond((send) => Voted.stream(head, solve, includeUsage, send), options)
      : json(yield* bounded(Voted.answer(head, solve), openaiMillis), head.id)
  })

  yield* guarded("GET", paths.models, "read", () =>
    Effect.gen(function*() {
      const { url } = yield* HttpServerRequest.HttpServerRequest
      const [path = ""] = url.split(/[?#]/, 1)
      const [, encoded = ""] = /^\/+v1\/+models\/+(.*?)\/?$/.exec(path) ?? []
      if (encoded === "") {
        const models = yield* (yield* Generation).models
        return json({ object: "list", data: models.map((facts) => modelOf(facts)) })
      }
      const name = yield* Effect.try({
        try: () => decodeURIComponent(encoded),
        catch: () => new RequestUnfit({ findings: [{ path: "model", message: "It is not well encoded" }] })
      })
      const { facts } = yield* resolve(name.slice(0, 300))
      return json(modelOf(facts, name))
    }).pipe(Effect.timeoutOrElse({
      duration: limits.requestMillis,
      orElse: () => Effect.fail(new AnswerLate({ millis: limits.requestMillis }))
    })))
  yield* guarded("POST", paths.chat, "operate", (caller) =>
    Effect.gen(function*() {
      const { messages, ...asked } = yield* Effect.fromResult(readChat(yield* bodyOf))
      return yield* answered("chat", caller, asked, { _tag: "Chat", messages })
    }))
  yield* guarded("POST", paths.text, "operate", (caller) =>
    Effect.gen(function*() {
      const { prompts, ...asked } = yield* Effect.fromResult(readText(yield* bodyOf))
      return yield* answered("text", caller, asked, { _tag: "Text", prompts })
    }))
}))
