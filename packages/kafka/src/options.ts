import type { MeterProvider, Span, TextMapPropagator, TracerProvider } from '@opentelemetry/api'
import { parseSemconvOptIn, type Semconv } from './semconv.ts'
import type { LoggerProvider } from './events/loggers.ts'

/**
 * How a process span refers to the span that created its message. `'link'`: it starts a trace, or
 * continues the ambient one, and links to the creation context. `'parent'`: it is a child of the
 * creation context, and links to it as well.
 */
export type Correlation = 'link' | 'parent'

/**
 * The spans of a send of several messages. `'perMessage'`: a Create span per message, whose context
 * the message carries, and one Send span that links to them. `'perCall'`: one Send span, whose
 * context all messages carry.
 */
export type SendSpans = 'perMessage' | 'perCall'

export type SpanOperation = 'create' | 'send' | 'receive' | 'process' | 'settle'

/** The operation of a span, for `onSpan`. */
export interface SpanSubject {
  readonly operation: SpanOperation
  readonly topic: string | undefined
  /** The messages as the client accepts or delivers them; must not be changed. */
  readonly messages: readonly unknown[]
}

/** Which attributes metrics have: each multiplies the number of series. */
export interface MetricsOptions {
  /**
   * `messaging.destination.name`.
   * @default true
   */
  readonly topic?: boolean
  /**
   * `messaging.destination.partition.id`, on metrics of consumers.
   * @default false
   */
  readonly partition?: boolean
  /**
   * `server.address` and `server.port` of the broker, on metrics of connections, requests, sends
   * and consumers.
   * @default true
   */
  readonly broker?: boolean
}

export interface KafkaTelemetryOptions {
  /**
   * How consumers refer to producers, for all topics or by topic. A function is called once per
   * topic and partition.
   * @default 'link'
   */
  readonly correlation?: Correlation | ((topic: string) => Correlation)
  /**
   * What a send of two or more messages makes; a send of one message is always one Send span.
   * @default 'perMessage'
   */
  readonly sendSpans?: SendSpans
  /**
   * Whether a batch handed to the application gets a receive span (`poll T`) before its process
   * span.
   * @default true
   */
  readonly receiveSpans?: boolean
  /**
   * Whether to record the message key as an attribute, or a function that formats it; undefined
   * omits it. Keys that are not UTF-8 or are longer than 1,024 bytes are omitted.
   * @default true
   */
  readonly messageKey?: boolean | ((key: unknown, topic: string) => string | undefined)
  /**
   * Which topics to trace; messages of others get no span and no header. Called once per topic and
   * partition of a consumer, and for every send.
   * @default all
   */
  readonly filter?: (topic: string) => boolean
  /**
   * Baggage entries to copy to span attributes of the same name. Other services write baggage: list
   * only what you would log.
   * @default []
   */
  readonly baggageAttributes?: readonly string[]
  /**
   * Called with every recording span after its start, to add attributes. Its errors are reported
   * and ignored.
   * @default none
   */
  readonly onSpan?: (span: Span, subject: SpanSubject) => void
  /**
   * Which names of the messaging conventions to write.
   * @default 'dup' if OTEL_SEMCONV_STABILITY_OPT_IN has messaging/dup, else '1.45'
   */
  readonly semconv?: Semconv
  /**
   * The maximum number of links on one span; a larger batch gets further receive spans.
   * @default OTEL_SPAN_LINK_COUNT_LIMIT, else 128; the SDK drops the oldest links beyond its own
   * limit
   */
  readonly linkCountLimit?: number
  /**
   * `messaging.client.id`.
   * @default what the client reports
   */
  readonly clientId?: string
  /**
   * Whether to record metrics, and which attributes they have. No cost without a meter provider.
   * @default true
   */
  readonly metrics?: boolean | MetricsOptions
  /**
   * Whether to emit log records of rebalances, crashes, throttling and client errors. No cost
   * without a logger provider.
   * @default true
   */
  readonly events?: boolean
  /** @default the global logger provider, also when it is registered later */
  readonly loggerProvider?: LoggerProvider
  /** @default the global meter provider, also when it is registered later */
  readonly meterProvider?: MeterProvider
  /** @default the global tracer provider, also when it is registered later */
  readonly tracerProvider?: TracerProvider
  /** @default the global propagator, also when it is registered later */
  readonly propagator?: TextMapPropagator
}

/** Every option with its default filled in. */
export type ResolvedOptions = Readonly<
  Required<Omit<KafkaTelemetryOptions, Unset | 'metrics'>> &
    Pick<KafkaTelemetryOptions, Unset> & { readonly metrics: Required<MetricsOptions> | false }
>

type Unset = 'clientId' | 'filter' | 'loggerProvider' | 'meterProvider' | 'onSpan' | 'propagator' | 'tracerProvider'

type Environment = Readonly<Record<string, string | undefined>>

export function resolveOptions(
  options: KafkaTelemetryOptions = {},
  environment: Environment = process.env,
): ResolvedOptions {
  return Object.freeze({
    correlation: options.correlation ?? 'link',
    sendSpans: options.sendSpans ?? 'perMessage',
    receiveSpans: options.receiveSpans ?? true,
    messageKey: options.messageKey ?? true,
    filter: options.filter,
    baggageAttributes: Object.freeze([...(options.baggageAttributes ?? [])]),
    onSpan: options.onSpan,
    semconv: options.semconv ?? parseSemconvOptIn(environment['OTEL_SEMCONV_STABILITY_OPT_IN']),
    linkCountLimit: options.linkCountLimit ?? parseLinkCountLimit(environment['OTEL_SPAN_LINK_COUNT_LIMIT']),
    clientId: options.clientId,
    metrics: resolveMetrics(options.metrics ?? true),
    events: options.events ?? true,
    loggerProvider: options.loggerProvider,
    meterProvider: options.meterProvider,
    tracerProvider: options.tracerProvider,
    propagator: options.propagator,
  })
}

function resolveMetrics(options: boolean | MetricsOptions): Required<MetricsOptions> | false {
  if (options === false) return false
  const { topic = true, partition = false, broker = true }: MetricsOptions = options === true ? {} : options
  return Object.freeze({ topic, partition, broker })
}

function parseLinkCountLimit(limit: string | undefined): number {
  const parsed = Number(limit)
  return limit?.trim() && Number.isInteger(parsed) && parsed > 0 ? parsed : 128
}
