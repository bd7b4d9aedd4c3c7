// Routes of evaluations made real.
import { Clock, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import type { ActorUnavailable } from "../../actors/Committer.ts"
import { EvaluationActor } from "../../actors/EvaluationActor.ts"
import { Evaluations } from "../../actors/Evaluations.ts"
import { problemFrom } from "../../actors/Evaluations/Given.ts"
import type { PayloadUnfit } from "../../actors/Gateway.ts"
import { Generation } from "../../actors/Generation.ts"
import { specFrom } from "../../actors/Solves/Given.ts"
import { digest } from "../../domain/Ids.ts"
import { canonical, type Json } from "../../domain/Json.ts"
import {
  type EvaluationNotReady,
  type EvaluationSpec,
  type EvaluationUnknown,
  problemsOf,
  totalOf,
  workedOf
} from "../../domain/ModelEvaluation.ts"
import { listCharacters, ProblemListTooLarge, sizeOf } from "../../domain/ModelEvaluation/Problems.ts"
import { endedOf } from "../../domain/ModelEvaluation/Results.ts"
import { Api } from "../Api.ts"
import type { EvaluationView } from "../Api/Evaluations.ts"
import { HttpLimits } from "../Limits.ts"
import { CurrentCaller, tenantOf } from "../Security.ts"
import { byOf, command, commanded, type CommandHeaders, commandIdOf, reachable, told, withKey } from "./Commands.ts"
import { filterOf, search } from "./Lists.ts"

const { type } = EvaluationActor
/** Problems at once where nobody says. */
const defaultConcurrency = 32

/** The same key asks for the same thing, also where it leaves something to chance. */
const seedOfKey = (commandId: string): number => Number.parseInt(digest(["seed", commandId], 8), 16) >>> 1

export const layer = HttpApiBuilder.group(Api, "evaluations", (handlers) =>
  Effect.gen(function*() {
    const evaluations = yield* Evaluations
    const generation = yield* Generation
    const limits = yield* HttpLimits

    const sent = Effect.fnUntraced(function*(id: string, name: string, headers: CommandHeaders, why?: string) {
      return yield* command<EvaluationUnknown | EvaluationNotReady | PayloadUnfit | ActorUnavailable>({
        type,
        id,
        command: name,
        payload: {},
        by: yield* byOf(headers, why),
        commandId: commandIdOf(headers)
      })
    })
    /** Who gives it, under which id, and what for. */
    const given = Effect.fnUntraced(
      function*(name: string, id: string, headers: CommandHeaders, why: string | undefined, asked: unknown) {
        const commandId = commandIdOf(headers)
        const by = yield* byOf(headers, why)
        return {
          commandId,
          what: { by, command: name, type, id, commandId },
          options: {
            by,
            commandId: `${name}:${commandId}`,
            asked: digest([canonical(asked as Json)], 16),
            deadlineMillis: Math.ceil(limits.requestMillis * 0.8)
          }
        }
      }
    )

    return handlers.handleAll({
      create: Effect.fnUntraced(function*({ headers, payload }) {
        const { concurrency = defaultConcurrency, id: named, name = "", why, ...asked } = payload
        const key = commandIdOf(headers)
        const id = named ?? `eval-${digest([key], 16)}`
        const { options, what } = yield* given("Create", id, { ...headers, "idempotency-key": key }, why, payload)
        const owner = tenantOf(yield* CurrentCaller)
        const spec = yield* commanded(
          what,
          specFrom({ _tag: "Problem", text: "-" }, asked, { owner, drawnSeed: seedOfKey(key) }).pipe(
            Effect.provideService(Generation, generation),
            Effect.map(({ budget, model, seed, strategy }): EvaluationSpec => ({
              name,
              model,
              strategy,
              seed,
              budget,
              concurrency,
              owner
            })),
            Effect.tap((spec) => Effect.andThen(reachable, evaluations.create(id, spec, options)))
          )
        )
        const { model, seed, strategy } = spec
        return withKey(key, { id, model, strategy: strategy.name, samples: strategy.samples, seed })
      }),
      problems: Effect.fnUntraced(function*({ headers, params: { id }, payload }) {
        const { list, problems: some, why } = payload
        const { commandId, options, what } = yield* given("Add", id, headers, why, payload)
        const problems = some.map(problemFrom)
        const characters = problems.reduce((sum, one) => sum + sizeOf(one), 0)
        yield* commanded(
          what,
          Effect.gen(function*() {
            if (characters > listCharacters) return yield* new ProblemListTooLarge({ characters })
            yield* reachable
            yield* evaluations.add(id, list, problems, options)
          })
        )
        return withKey(commandId, { problems: problems.length })
      }),
      start: Effect.fnUntraced(function*({ headers, params: { id }, payload: { problems, why } }) {
        const { commandId, options, what } = yield* given("Start", id, headers, why, { problems })
        yield* commanded(what, Effect.andThen(reachable, evaluations.start(id, problems, options)))
        return withKey(commandId, { id })
      }),
      list: ({ query }) => told(search(filterOf(type, query, undefined), query)),
      get: ({ params: { id } }) =>
        told(Effect.gen(function*() {
          const { state, version } = yield* evaluations.state(id)
          const tally = totalOf(state)
          const view: EvaluationView = {
            id,
            version,
            status: state.status,
            spec: state.spec,
            problems: problemsOf(state),
            lists: state.lists.length,
            ended: endedOf(tally),
            tally,
            metrics: state.metrics,
            createdMillis: state.createdMillis,
            startedMillis: state.startedMillis,
            endedMillis: state.endedMillis,
            workedMillis: workedOf(state, yield* Clock.currentTimeMillis),
            error: state.error,
            note: state.note
          }
          return view
        })),
      metrics: ({ params: { id } }) => told(evaluations.metrics(id)),
      results: ({ params: { id }, query: { from, limit } }) => told(evaluations.results(id, from, limit)),
      samples: ({ params: { id, number }, query: { from } }) => told(evaluations.samples(id, number, from)),
      cancel: ({ headers, params: { id }, payload }) => sent(id, "Cancel", headers, payload?.why),
      resume: ({ headers, params: { id }, payload }) => sent(id, "Resume", headers, payload?.why)
    })
  }))
