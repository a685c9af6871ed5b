import { INVALID_TRACEID, ProxyTracerProvider, trace } from '@opentelemetry/api'
import type { Context, Span, SpanOptions, Tracer } from '@opentelemetry/api'
import { createAttributeNames, type AttributeNames } from '../../semconv.ts'
import { readBaggageAttributes } from '../propagation/baggage.ts'
import { safely, reportFailure, warnOnce } from '../diagnostics.ts'
import { recordError } from './errors.ts'
import { createHeaderPropagation, type HeaderPropagation } from '../propagation/header-propagation.ts'
import { createDeferredLinkAttributes, type DeferredLinkAttributes } from '../links/deferred-link-attributes.ts'
import { createMetrics, type KafkaMetrics } from '../../metrics/metrics.ts'
import type { ResolvedOptions, SpanOperation } from '../../options.ts'
import { createOutgoingTopics, type GetOutgoingTopic } from '../propagation/outgoing-topic.ts'
import { VERSION } from '../version.ts'

/** The tracer, propagator, metrics and names that every operation uses. */
export interface Tracing {
  readonly options: ResolvedOptions
  readonly names: AttributeNames
  readonly propagation: HeaderPropagation
  readonly metrics: KafkaMetrics
  readonly getOutgoingTopic: GetOutgoingTopic
  readonly deferredAttributes: DeferredLinkAttributes
  /**
   * Starts a span in `parent`. May throw if the application's tracer does: operations then go on
   * without telemetry.
   */
  startSpan(name: string, options: SpanOptions, parent: Context): Span
  /** Attributes from baggage and `onSpan`, on a recording span. */
  addCustomAttributes(
    span: Span,
    context: Context,
    operation: SpanOperation,
    topic: string | undefined,
    messages: readonly unknown[],
  ): void
  /** Ends `span`. */
  endSpan(span: Span): void
  /** Records `error` on `span` and ends it. */
  failSpan(span: Span, error: unknown): void
}

export function createTracing(options: ResolvedOptions): Tracing {
  const names = createAttributeNames(options.semconv)
  const tracer = getTracer(options, names.schemaUrl)
  const end = (span: Span): void => safely('end a span', () => span.end())
  let hasProvider = false
  return {
    options,
    names,
    propagation: createHeaderPropagation(options.propagator),
    metrics: createMetrics(names, options),
    getOutgoingTopic: createOutgoingTopics(names, options),
    deferredAttributes: createDeferredLinkAttributes(),
    startSpan(name, spanOptions, parent) {
      const span = tracer.startSpan(name, spanOptions, parent)
      if (!hasProvider) {
        hasProvider = span.spanContext().traceId !== INVALID_TRACEID
        if (!hasProvider) warnOnce(NO_PROVIDER)
      }
      return span
    },
    addCustomAttributes(span, context, operation, topic, messages) {
      const fromBaggage = readBaggageAttributes(context, options.baggageAttributes)
      if (fromBaggage) span.setAttributes(fromBaggage)
      const { onSpan } = options
      if (onSpan) safely('run onSpan', () => onSpan(span, { operation, topic, messages }))
    },
    endSpan: end,
    failSpan(span, error) {
      safely('record an error', () => recordError(span, error, names))
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
