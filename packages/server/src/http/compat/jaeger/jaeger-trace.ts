import type { AnyValue, KeyValue, Span, SpanEvent, TraceResponse } from '@spanlink/api-schema'

export type JaegerTag = {
  readonly key: string
  readonly type: 'string' | 'bool' | 'int64' | 'float64' | 'binary'
  readonly value: string | number | boolean
}

export type JaegerTrace = {
  readonly traceID: string
  readonly spans: readonly JaegerSpan[]
  readonly processes: Readonly<Record<string, { readonly serviceName: string; readonly tags: readonly JaegerTag[] }>>
  readonly warnings: readonly string[] | null
}

type JaegerSpan = ReturnType<typeof toJaegerSpan>

/**
 * Converts a trace to the format of Jaeger's query API and of its UI's files: times in µs, a
 * process per resource, links as FOLLOWS_FROM.
 */
export function toJaegerTrace(trace: TraceResponse): JaegerTrace {
  const processes: Record<string, JaegerTrace['processes'][string]> = {}
  const idOf = new Map<string, string>()
  const spans = trace.spans.map((span) => {
    const attributes = trace.sources[span.source]?.resource.attributes ?? []
    const key = `${span.service}\n${JSON.stringify(attributes)}`
    const processID = idOf.get(key) ?? `p${idOf.size + 1}`
    if (!idOf.has(key)) {
      idOf.set(key, processID)
      const tags = attributes.filter((attribute) => attribute.key !== 'service.name').map(toTag)
      processes[processID] = { serviceName: span.service, tags }
    }
    return toJaegerSpan(trace, span, processID)
  })
  const warnings = trace.truncated
    ? ['The trace exceeds the maximum of spans in a response; these are the earliest.']
    : null
  return { traceID: trace.traceId, spans, processes, warnings }
}

function toJaegerSpan(trace: TraceResponse, span: Span, processID: string) {
  const scope = trace.sources[span.source]?.scope
  const { code, message } = span.status
  const own: JaegerTag[] = [
    ...(span.kind === 'unspecified' ? [] : [text('span.kind', span.kind)]),
    ...(code === 'unset' ? [] : [text('otel.status_code', code.toUpperCase())]),
    ...(code === 'error' ? [{ key: 'error', type: 'bool', value: true } as const] : []),
    ...(message === '' ? [] : [text('otel.status_description', message)]),
    ...(scope === undefined || scope.name === '' ? [] : [text('otel.scope.name', scope.name)]),
    ...(scope === undefined || scope.version === '' ? [] : [text('otel.scope.version', scope.version)]),
    ...(span.traceState === '' ? [] : [text('w3c.tracestate', span.traceState)]),
  ]
  const said = new Set(own.map((tag) => tag.key))
  const start = BigInt(span.startTimeUnixNano)
  return {
    traceID: trace.traceId,
    spanID: span.spanId,
    flags: span.flags & 0xff,
    operationName: span.name,
    references: [
      ...(span.parentSpanId === ''
        ? []
        : [{ refType: 'CHILD_OF' as const, traceID: trace.traceId, spanID: span.parentSpanId }]),
      ...span.links.map((link) => ({ refType: 'FOLLOWS_FROM' as const, traceID: link.traceId, spanID: link.spanId })),
    ],
    startTime: Number(start / 1000n),
    duration: Math.max(0, Number((BigInt(span.endTimeUnixNano) - start) / 1000n)),
    tags: [...span.attributes.filter(({ key }) => !said.has(key)).map(toTag), ...own],
    logs: span.events.map(toLog),
    processID,
    warnings: null,
  }
}

function toLog(event: SpanEvent): { readonly timestamp: number; readonly fields: readonly JaegerTag[] } {
  const fields = [text('event', event.name), ...event.attributes.filter(({ key }) => key !== 'event').map(toTag)]
  return { timestamp: Number(BigInt(event.timeUnixNano) / 1000n), fields }
}

function toTag({ key, value }: KeyValue): JaegerTag {
  if (value.boolValue !== undefined) return { key, type: 'bool', value: value.boolValue }
  if (value.intValue !== undefined) {
    // JSON numbers above 2^53 lose precision. Jaeger clients accept strings as well.
    const number = Number(value.intValue)
    return { key, type: 'int64', value: Number.isSafeInteger(number) ? number : value.intValue }
  }
  if (value.doubleValue !== undefined) return { key, type: 'float64', value: value.doubleValue }
  if (value.bytesValue !== undefined) return { key, type: 'binary', value: value.bytesValue }
  return text(key, value.stringValue ?? JSON.stringify(toPlainJson(value)))
}

/** Converts lists and maps to plain JSON. */
export function toPlainJson(value: AnyValue): unknown {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(toPlainJson)
  if (value.kvlistValue !== undefined) {
    return Object.fromEntries((value.kvlistValue.values ?? []).map((one) => [one.key, toPlainJson(one.value)]))
  }
  const single = value.stringValue ?? value.boolValue ?? value.doubleValue ?? value.bytesValue
  if (single !== undefined) return single
  if (value.intValue === undefined) return null
  return Number.isSafeInteger(Number(value.intValue)) ? Number(value.intValue) : value.intValue
}

function text(key: string, value: string): JaegerTag {
  return { key, type: 'string', value }
}
