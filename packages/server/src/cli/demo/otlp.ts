// Telemetry of the demo as OTLP/JSON, as SDKs send it.

export type Attributes = Readonly<Record<string, string | number | boolean>>

export type SpanContext = { readonly traceId: string; readonly spanId: string }

export type SpanLink = SpanContext & { readonly attributes: Attributes }

export type DemoSpan = SpanContext & {
  readonly service: string
  readonly parentSpanId?: string | undefined
  readonly name: string
  readonly kind: SpanKind
  /** Milliseconds since the epoch. */
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Attributes
  readonly links?: readonly SpanLink[]
  /** Message of the exception that the span failed with. */
  readonly error?: string | undefined
}

export type DemoLog = {
  readonly service: string
  readonly timeMs: number
  readonly severity: Severity
  readonly body: string
  readonly attributes?: Attributes
  readonly context?: SpanContext | undefined
  readonly eventName?: string
}

export type MetricPoint = {
  readonly service: string
  readonly name: string
  readonly unit: string
  /** An OTLP sum, gauge or histogram. */
  readonly data: object
}

const SPAN_KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const
export type SpanKind = keyof typeof SPAN_KINDS

const SEVERITIES = { DEBUG: 5, INFO: 9, WARN: 13, ERROR: 17 } as const
export type Severity = keyof typeof SEVERITIES

/** Flags of W3C trace context: sampled, and for a link that its context is remote. */
const SAMPLED = 0x101
const SAMPLED_REMOTE = 0x301

export function toTracesRequest(spans: readonly DemoSpan[]): object {
  const resourceSpans = [...Map.groupBy(spans, ({ service }) => service)].map(([service, ofService]) => ({
    resource: toResource(service),
    scopeSpans: [{ scope: SCOPE, spans: ofService.map(toSpan) }],
  }))
  return { resourceSpans }
}

export function toLogsRequest(logs: readonly DemoLog[]): object {
  const resourceLogs = [...Map.groupBy(logs, ({ service }) => service)].map(([service, ofService]) => ({
    resource: toResource(service),
    scopeLogs: [{ scope: SCOPE, logRecords: ofService.map(toLogRecord) }],
  }))
  return { resourceLogs }
}

export function toMetricsRequest(points: readonly MetricPoint[]): object {
  const resourceMetrics = [...Map.groupBy(points, ({ service }) => service)].map(([service, ofService]) => ({
    resource: toResource(service),
    scopeMetrics: [{ scope: SCOPE, metrics: ofService.map(({ name, unit, data }) => ({ name, unit, ...data })) }],
  }))
  return { resourceMetrics }
}

const SCOPE = { name: 'spanlink demo' }

export function toKeyValues(attributes: Attributes): readonly object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: toAnyValue(value) }))
}

export function toNano(ms: number): string {
  return `${BigInt(Math.round(ms * 1000))}000`
}

function toAnyValue(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

function toResource(service: string): object {
  return {
    attributes: toKeyValues({
      'service.name': service,
      'service.version': '1.4.2',
      'service.instance.id': `${service}-0`,
      'host.name': `${service}-7f9c4`,
      'deployment.environment.name': 'demo',
      'telemetry.sdk.language': 'nodejs',
    }),
  }
}

function toSpan(span: DemoSpan): object {
  const { error, endMs } = span
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? '',
    name: span.name,
    kind: SPAN_KINDS[span.kind],
    flags: SAMPLED,
    startTimeUnixNano: toNano(span.startMs),
    endTimeUnixNano: toNano(endMs),
    attributes: toKeyValues(error === undefined ? span.attributes : { ...span.attributes, 'error.type': 'Error' }),
    links: (span.links ?? []).map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      flags: SAMPLED_REMOTE,
      attributes: toKeyValues(link.attributes),
    })),
    ...(error !== undefined && {
      status: { code: 2, message: error },
      events: [
        {
          name: 'exception',
          timeUnixNano: toNano(endMs),
          attributes: toKeyValues({
            'exception.type': 'Error',
            'exception.message': error,
            'exception.stacktrace': `Error: ${error}\n    at ${span.name.replaceAll(' ', '_')} (/srv/${span.service}/src/main.js:41:11)`,
          }),
        },
      ],
    }),
  }
}

function toLogRecord({ timeMs, severity, body, attributes = {}, context, eventName }: DemoLog): object {
  return {
    timeUnixNano: toNano(timeMs),
    severityNumber: SEVERITIES[severity],
    severityText: severity,
    body: { stringValue: body },
    attributes: toKeyValues(attributes),
    ...context,
    ...(eventName !== undefined && { eventName }),
  }
}
