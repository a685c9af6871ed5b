import type { MeterProvider, Span, TextMapPropagator, TracerProvider } from '@opentelemetry/api'
import { parseSemconvOptIn } from './semconv.ts'
import type { Semconv } from './semconv.ts'
import type { LoggerProvider } from './events/loggers.ts'

/**
 * How a process span refers to the span that created its message. `'link'`: it starts a trace of
 * its own, or continues the ambient one, and links to the creation context. `'parent'`: it is a
 * child of the creation context, and links to it as well.
 */
export type Correlation = 'link' | 'parent'

/**
 * What a send of several messages makes. `'perMessage'`: a Create span per message, whose context
 * the message carries, and one Send span that links to them. `'perCall'`: one Send span, whose
 * context all messages carry.
 */
export type SendSpans = 'perMessage' | 'perCall'

export type SpanOperation = 'create' | 'send' | 'receive' | 'process' | 'settle'

/** What a span is about, for `onSpan`. */
export interface SpanSubject {
  readonly operation: SpanOperation
  readonly topic: string | undefined
  /** The messages as the client takes or delivers them. Not to be changed. */
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
   * `server.address` and `server.port` of the broker, on metrics of connections, requests and
   * consumers.
   * @default true
   */
  readonly broker?: boolean
}

export interface KafkaTelemetryOptions {
  /**
   * How consumers refer to producers, for all topics or by topic. A function is asked once per
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
   * The message key as an attribute: as text, not at all, or formatted (an undefined result leaves
   * it out). Keys that aren't valid UTF-8 or are longer than 1,024 bytes are left out.
   * @default 'on'
   */
  readonly messageKey?: 'on' | 'off' | ((key: unknown, topic: string) => string | undefined)
  /**
   * Which topics to trace. Messages of others pass untouched: no span, no header. Asked once per
   * topic and partition of a consumer, and for every send.
   * @default all
   */
  readonly filter?: (topic: string) => boolean
  /**
   * Baggage entries to copy to span attributes of the same name. Baggage is written by others: name
   * only what you would log.
   * @default []
   */
  readonly baggageAttributes?: readonly string[]
  /**
   * Called with every recording span after its start, to add attributes. What it throws is reported
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
   * Most links on one span. A batch with more producers gets further receive spans that carry the
   * rest.
   * @default OTEL_SPAN_LINK_COUNT_LIMIT, else 128, as in the SDK, which drops the oldest beyond it
   */
  readonly linkCountLimit?: number
  /**
   * `messaging.client.id`.
   * @default what the client reports
   */
  readonly clientId?: string
  /**
   * Metrics, and which attributes they have. Without a meter provider they cost nothing.
   * @default true
   */
  readonly metrics?: boolean | MetricsOptions
  /**
   * Log records of rebalances, crashes, throttling and errors of clients. Without a logger provider
   * they cost nothing.
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
    messageKey: options.messageKey ?? 'on',
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
