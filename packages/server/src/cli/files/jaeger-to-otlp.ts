import type { AnyValue, KeyValue } from '@spanlink/api-schema'
import type { ResourceSpans } from '../../http/compat/tempo/otlp-of-trace.ts'

/**
 * Converts traces of Jaeger's query API or UI to OTLP, the reverse of
 * https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/jaeger/.
 *
 * | Jaeger                        | OTLP                                         |
 * |-------------------------------|----------------------------------------------|
 * | ids with fewer digits         | the same with zeros before them              |
 * | startTime, duration, in µs    | start, end                                   |
 * | first CHILD_OF of the trace   | parent                                       |
 * | other references              | links                                        |
 * | process                       | resource                                     |
 * | logs                          | events, named by their field `event`         |
 * | span.kind, error, otel.*      | kind, status, scope, trace state             |
 *
 * Fields of another shape than Jaeger's are dropped. The receiver rejects spans without ids.
 */
export function convertJaegerToOtlp(traces: readonly unknown[]): readonly ResourceSpans[] {
  return traces.flatMap((trace) => {
    const { spans, processes } = toFields(trace)
    const known = toFields(processes)
    return toList(spans).map((span) => resourceSpans(toFields(span), known))
  })
}

type Fields = Readonly<Record<string, unknown>>

function resourceSpans(span: Fields, processes: Fields): ResourceSpans {
  const process = toFields(span['process'] ?? processes[String(span['processID'])])
  const tags = toList(span['tags']).map(toFields)
  const tag = (...names: string[]): string =>
    toText(names.map((name) => tags.find(({ key }) => key === name)?.['value']).find((value) => value !== undefined))
  const traceId = padId(span['traceID'], 32)
  const references = toList(span['references']).map(toFields)
  const parent = references.find((one) => one['refType'] === 'CHILD_OF' && padId(one['traceID'], 32) === traceId)
  const old = parent === undefined ? padId(span['parentSpanID'] ?? '', 16) : ''
  const parentSpanId = parent === undefined ? (/[1-9a-f]/.test(old) ? old : '') : padId(parent['spanID'], 16)
  const start = toNanos(span['startTime'])
  const code = tag('otel.status_code').toLowerCase()
  return {
    resource: {
      attributes: [keyValue('service.name', toText(process['serviceName'])), ...toAttributes(process['tags'])],
    },
    scopeSpans: [
      {
        scope: {
          name: tag('otel.scope.name', 'otel.library.name'),
          version: tag('otel.scope.version', 'otel.library.version'),
          attributes: [],
        },
        spans: [
          {
            traceId,
            spanId: padId(span['spanID'], 16),
            ...(parentSpanId === '' ? {} : { parentSpanId }),
            ...(tag('w3c.tracestate') === '' ? {} : { traceState: tag('w3c.tracestate') }),
            flags: typeof span['flags'] === 'number' ? span['flags'] & 0xff : 0,
            name: toText(span['operationName']),
            kind: KIND_NUMBERS[tag('span.kind')] ?? 1,
            startTimeUnixNano: String(start),
            endTimeUnixNano: String(start + toNanos(span['duration'])),
            attributes: toAttributes(tags.filter(({ key }) => !MAPPED_TAGS.has(String(key)))),
            events: toList(span['logs']).map((log) => toEvent(toFields(log))),
            links: references
              .filter((one) => one !== parent)
              .map((one) => ({
                traceId: padId(one['traceID'], 32),
                spanId: padId(one['spanID'], 16),
                attributes: [],
                flags: 0,
              })),
            status: {
              code: code === 'ok' ? 1 : code === 'error' || tag('error') === 'true' ? 2 : 0,
              message: tag('otel.status_description'),
            },
          },
        ],
      },
    ],
  }
}

const KIND_NUMBERS: Readonly<Record<string, number>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 }

/** Tags that OTLP has as fields. */
const MAPPED_TAGS = new Set([
  'span.kind',
  'otel.status_code',
  'otel.status_description',
  'otel.scope.name',
  'otel.scope.version',
  'otel.library.name',
  'otel.library.version',
  'w3c.tracestate',
])

function toEvent(log: Fields) {
  const fields = toList(log['fields']).map(toFields)
  const name = fields.find(({ key }) => key === 'event')
  return {
    timeUnixNano: String(toNanos(log['timestamp'])),
    name: name === undefined ? 'log' : toText(name['value']),
    attributes: toAttributes(fields.filter((field) => field !== name)),
  }
}

function toAttributes(tags: unknown): KeyValue[] {
  return toList(tags).map((tag) => {
    const { key, type, value } = toFields(tag)
    return { key: toText(key), value: toAnyValue(type, value) }
  })
}

function toAnyValue(type: unknown, value: unknown): AnyValue {
  if (type === 'bool' || typeof value === 'boolean') return { boolValue: value === true || value === 'true' }
  if (type === 'int64' && /^-?[0-9]{1,19}$/.test(toText(value))) return { intValue: toText(value) }
  if (type === 'float64' && Number.isFinite(Number(value))) return { doubleValue: Number(value) }
  if (type === 'binary') return { bytesValue: toText(value) }
  return { stringValue: toText(value) }
}

function keyValue(key: string, stringValue: string): KeyValue {
  return { key, value: { stringValue } }
}

/** Jaeger has times in microseconds, as numbers. */
function toNanos(micros: unknown): bigint {
  const number = Number(micros)
  return Number.isFinite(number) && number > 0 ? BigInt(Math.round(number)) * 1000n : 0n
}

function padId(id: unknown, digits: number): string {
  return toText(id).toLowerCase().padStart(digits, '0')
}

function toText(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function toFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
