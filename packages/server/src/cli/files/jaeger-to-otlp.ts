import type { AnyValue, KeyValue } from '@spanlink/api-schema'
import type { ResourceSpans } from '../../http/compat/tempo/otlp-of-trace.ts'

/**
 * Traces of Jaeger's query API and its UI's files, as OTLP
 * (https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/jaeger/ read backwards).
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
 * Fields of another shape than Jaeger's are left out; a span without ids is the receiver's to
 * refuse.
 */
export function otlpOfJaeger(traces: readonly unknown[]): readonly ResourceSpans[] {
  return traces.flatMap((trace) => {
    const { spans, processes } = fieldsOf(trace)
    const known = fieldsOf(processes)
    return listOf(spans).map((span) => resourceSpans(fieldsOf(span), known))
  })
}

type Fields = Readonly<Record<string, unknown>>

function resourceSpans(span: Fields, processes: Fields): ResourceSpans {
  const process = fieldsOf(span['process'] ?? processes[String(span['processID'])])
  const tags = listOf(span['tags']).map(fieldsOf)
  const tag = (...names: string[]): string =>
    textOf(names.map((name) => tags.find(({ key }) => key === name)?.['value']).find((value) => value !== undefined))
  const traceId = idOf(span['traceID'], 32)
  const references = listOf(span['references']).map(fieldsOf)
  const parent = references.find((one) => one['refType'] === 'CHILD_OF' && idOf(one['traceID'], 32) === traceId)
  const old = parent === undefined ? idOf(span['parentSpanID'] ?? '', 16) : ''
  const parentSpanId = parent === undefined ? (/[1-9a-f]/.test(old) ? old : '') : idOf(parent['spanID'], 16)
  const start = nanosOf(span['startTime'])
  const code = tag('otel.status_code').toLowerCase()
  return {
    resource: {
      attributes: [keyValue('service.name', textOf(process['serviceName'])), ...attributesOf(process['tags'])],
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
            spanId: idOf(span['spanID'], 16),
            ...(parentSpanId === '' ? {} : { parentSpanId }),
            ...(tag('w3c.tracestate') === '' ? {} : { traceState: tag('w3c.tracestate') }),
            flags: typeof span['flags'] === 'number' ? span['flags'] & 0xff : 0,
            name: textOf(span['operationName']),
            kind: KINDS[tag('span.kind')] ?? 1,
            startTimeUnixNano: String(start),
            endTimeUnixNano: String(start + nanosOf(span['duration'])),
            attributes: attributesOf(tags.filter(({ key }) => !MOVED.has(String(key)))),
            events: listOf(span['logs']).map((log) => eventOf(fieldsOf(log))),
            links: references
              .filter((one) => one !== parent)
              .map((one) => ({
                traceId: idOf(one['traceID'], 32),
                spanId: idOf(one['spanID'], 16),
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

const KINDS: Readonly<Record<string, number>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 }

/** Tags that are said elsewhere in OTLP. */
const MOVED = new Set([
  'span.kind',
  'otel.status_code',
  'otel.status_description',
  'otel.scope.name',
  'otel.scope.version',
  'otel.library.name',
  'otel.library.version',
  'w3c.tracestate',
])

function eventOf(log: Fields) {
  const fields = listOf(log['fields']).map(fieldsOf)
  const name = fields.find(({ key }) => key === 'event')
  return {
    timeUnixNano: String(nanosOf(log['timestamp'])),
    name: name === undefined ? 'log' : textOf(name['value']),
    attributes: attributesOf(fields.filter((field) => field !== name)),
  }
}

function attributesOf(tags: unknown): KeyValue[] {
  return listOf(tags).map((tag) => {
    const { key, type, value } = fieldsOf(tag)
    return { key: textOf(key), value: valueOf(type, value) }
  })
}

function valueOf(type: unknown, value: unknown): AnyValue {
  if (type === 'bool' || typeof value === 'boolean') return { boolValue: value === true || value === 'true' }
  if (type === 'int64' && /^-?[0-9]{1,19}$/.test(textOf(value))) return { intValue: textOf(value) }
  if (type === 'float64' && Number.isFinite(Number(value))) return { doubleValue: Number(value) }
  if (type === 'binary') return { bytesValue: textOf(value) }
  return { stringValue: textOf(value) }
}

function keyValue(key: string, stringValue: string): KeyValue {
  return { key, value: { stringValue } }
}

/** Microseconds, which Jaeger has as numbers. */
function nanosOf(micros: unknown): bigint {
  const number = Number(micros)
  return Number.isFinite(number) && number > 0 ? BigInt(Math.round(number)) * 1000n : 0n
}

function idOf(id: unknown, digits: number): string {
  return textOf(id).toLowerCase().padStart(digits, '0')
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
