// Spans beyond what Effect makes by itself: one flush serves the commands of many traces, and a run's driver would make one endless trace.
// Nothing here costs anything unless a tracer was installed; spans that are not sampled are as none.
import { Effect, type Fiber, type Tracer } from "effect"

/** The span that is being recorded around this fiber's work. */
export const recordedSpan = (fiber: Fiber.Fiber<unknown, unknown>): Tracer.Span | undefined => {
  const { span, tracer } = fiber.cache
  return tracer !== undefined && span !== undefined && span._tag === "Span" && span.sampled ? span : undefined
}

/** Links that one span should hold, at most. */
export const maxLinks = 128

/**
 * The effect in a span that serves several others: it belongs to the trace of the first and links all of them. Without any: no span.
 */
export const servingSpans = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  name: string,
  spans: ReadonlySet<Tracer.AnySpan>,
  attributes: Record<string, unknown>
): Effect.Effect<A, E, R> => {
  const [first] = spans
  if (first === undefined) return effect
  const links = Array.from(spans, (span): Tracer.SpanLink => ({ span, attributes: {} }))
  return Effect.withSpan(effect, name, { parent: first, links, attributes, captureStackTrace: false }) as Effect.Effect<
    A,
    E,
    R
  >
}

/** The effect as a trace of its own, linked to the span that it was begun in: for work that would make that trace endless. */
export const inOwnTrace =
  (name: string, attributes: Record<string, unknown>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiber((fiber) => {
      if (fiber.cache.tracer === undefined || !fiber.cache.tracerEnabled) return effect
      const begun = recordedSpan(fiber)
      return Effect.withSpan(effect, name, {
        root: true,
        links: begun === undefined ? [] : [{ span: begun, attributes: {} }],
        attributes,
        captureStackTrace: false
      }) as Effect.Effect<A, E, R>
    })
