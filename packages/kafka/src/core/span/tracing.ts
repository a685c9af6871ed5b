import { INVALID_TRACEID, ProxyTracerProvider, trace } from '@opentelemetry/api'
import type { Context, Span, SpanOptions, Tracer } from '@opentelemetry/api'
import { attributeNames } from '../../semconv.ts'
import type { AttributeNames } from '../../semconv.ts'
import { baggageAttributes } from '../propagation/baggage.ts'
import { quietly, reportFailure, warnOnce } from '../diagnostics.ts'
import { recordError } from './errors.ts'
import { headerPropagation } from '../propagation/header-propagation.ts'
import type { HeaderPropagation } from '../propagation/header-propagation.ts'
import { laterLinks } from '../links/deferred-link-attributes.ts'
import type { LaterLinks } from '../links/deferred-link-attributes.ts'
import { createMetrics } from '../../metrics/metrics.ts'
import type { KafkaMetrics } from '../../metrics/metrics.ts'
import type { ResolvedOptions, SpanOperation } from '../../options.ts'
import { outgoingTopics } from '../propagation/outgoing-topic.ts'
import type { OutgoingTopics } from '../propagation/outgoing-topic.ts'
import { VERSION } from '../version.ts'

/** What every operation needs: where spans go, how context travels, what things are called. */
export interface Tracing {
  readonly options: ResolvedOptions
  readonly names: AttributeNames
  readonly propagation: HeaderPropagation
  readonly metrics: KafkaMetrics
  readonly outgoing: OutgoingTopics
  readonly laterLinks: LaterLinks
  /**
   * Starts a span in `parent`. May throw if the application's tracer does: operations then go on
   * without telemetry.
   */
  start(name: string, options: SpanOptions, parent: Context): Span
  /** Attributes from baggage and `onSpan`, on a recording span. */
  decorate(
    span: Span,
    context: Context,
    operation: SpanOperation,
    topic: string | undefined,
    messages: readonly unknown[],
  ): void
  /** Ends `span`. */
  succeed(span: Span): void
  /** Records `error` on `span` and ends it. */
  fail(span: Span, error: unknown): void
}

export function createTracing(options: ResolvedOptions): Tracing {
  const names = attributeNames(options.semconv)
  const tracer = getTracer(options, names.schemaUrl)
  const end = (span: Span): void => quietly('end a span', () => span.end())
  let hasProvider = false
  return {
    options,
    names,
    propagation: headerPropagation(options.propagator),
    metrics: createMetrics(names, options),
    outgoing: outgoingTopics(names, options),
    laterLinks: laterLinks(),
    start(name, spanOptions, parent) {
      const span = tracer.startSpan(name, spanOptions, parent)
      if (!hasProvider) {
        hasProvider = span.spanContext().traceId !== INVALID_TRACEID
        if (!hasProvider) warnOnce(NO_PROVIDER)
      }
      return span
    },
    decorate(span, context, operation, topic, messages) {
      const fromBaggage = baggageAttributes(context, options.baggageAttributes)
      if (fromBaggage) span.setAttributes(fromBaggage)
      const { onSpan } = options
      if (onSpan) quietly('run onSpan', () => onSpan(span, { operation, topic, messages }))
    },
    succeed: end,
    fail(span, error) {
      quietly('record an error', () => recordError(span, error, names))
      end(span)
    },
  }
}

function getTracer({ tracerProvider }: ResolvedOptions, schemaUrl: string): Tracer {
  try {
    return (tracerProvider ?? trace).getTracer(SCOPE, VERSION, { schemaUrl })
  } catch (error) {
    reportFailure('get a tracer', error)
    return new ProxyTracerProvider().getTracer(SCOPE)
  }
}

const SCOPE = '@spanlink/kafka'

const NO_PROVIDER =
  'no tracer provider is registered, so no spans are made: ' +
  'start the OpenTelemetry SDK before the first message, or pass the option `tracerProvider`'
