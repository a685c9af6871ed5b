import type { AnyValue, KeyValue } from '@spanlink/contract'
import { OtlpError } from './error.ts'
import { parseJson, tracesFromOtlp } from './json.ts'
import type { TraceRows } from './rows.ts'

/**
 * Zipkin v2 JSON (https://zipkin.io/zipkin-api/#/default/post_spans) as rows: rewritten as the OTLP that it means, by the
 * rules of https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/ read backwards.
 *
 * | Zipkin                       | OTLP                                                                |
 * |------------------------------|---------------------------------------------------------------------|
 * | traceId of 16 digits         | the same with zeros before it                                       |
 * | timestamp, duration, in µs   | start, end                                                          |
 * | kind                         | kind; none is internal                                              |
 * | localEndpoint                | service.name of the resource, network.local.*                       |
 * | remoteEndpoint               | peer.service, network.peer.*                                        |
 * | tags                         | attributes, text; otel.scope.*, otel.status_*, error are what they say |
 * | annotations                  | events                                                              |
 * | shared                       | a span of its own below the client's, whose id both have            |
 *
 * @throws OtlpError when the bytes are no list of spans, or none of them can be stored
 */
export function transcodeZipkin(body: Uint8Array, receivedUnixSeconds: number): TraceRows {
  const list = parseJson(body)
  if (!Array.isArray(list)) throw new OtlpError('bad-field', 'the body must be an array of Zipkin v2 spans')
  const resourceSpans = list.map((item: unknown) => {
    if (!isObject(item)) throw new OtlpError('bad-field', 'a span must be an object')
    return resourceSpansOf(item)
  })
  const rows = tracesFromOtlp({ resourceSpans }, receivedUnixSeconds)
  if (rows.spanCount === 0 && rows.rejectedSpans > 0) throw new OtlpError('bad-field', rows.rejectReason)
  return rows
}

type Fields = Readonly<Record<string, unknown>>

const KINDS: Readonly<Record<string, number>> = { SERVER: 2, CLIENT: 3, PRODUCER: 4, CONSUMER: 5 }
const INTERNAL = 1

/** Tags that are said elsewhere in OTLP. */
const MOVED = new Set([
  'otel.scope.name',
  'otel.scope.version',
  'otel.library.name',
  'otel.library.version',
  'otel.status_code',
  'otel.status_description',
])

function resourceSpansOf(span: Fields): object {
  const tags = isObject(span['tags']) ? span['tags'] : {}
  const local = isObject(span['localEndpoint']) ? span['localEndpoint'] : {}
  const remote = isObject(span['remoteEndpoint']) ? span['remoteEndpoint'] : {}
  const service = textOf(local['serviceName'])
  return {
    resource: { attributes: service === '' ? [] : [text('service.name', service)] },
    scopeSpans: [
      {
        scope: {
          name: textOf(tags['otel.scope.name'] ?? tags['otel.library.name']),
          version: textOf(tags['otel.scope.version'] ?? tags['otel.library.version']),
        },
        spans: [
          {
            ...idsOf(span),
            ...timesOf(span),
            name: textOf(span['name']),
            kind: KINDS[textOf(span['kind'])] ?? INTERNAL,
            attributes: [
              ...Object.entries(tags)
                .filter(([key]) => !MOVED.has(key))
                .map(([key, value]) => text(key, textOf(value))),
              ...endpoint(local, 'network.local'),
              ...(textOf(remote['serviceName']) === '' ? [] : [text('peer.service', textOf(remote['serviceName']))]),
              ...endpoint(remote, 'network.peer'),
            ],
            events: listOf(span['annotations']).map((annotation) => ({
              timeUnixNano: nanos(annotation['timestamp'], 'annotation timestamp'),
              name: textOf(annotation['value']),
            })),
            status: statusOf(tags),
          },
        ],
      },
    ],
  }
}

function idsOf(span: Fields): object {
  const traceId = textOf(span['traceId'])
  const id = textOf(span['id'])
  const ids = { traceId: traceId.length < 32 ? traceId.padStart(32, '0') : traceId, spanId: id }
  // The server side of a call has the id of the client side, which is its parent.
  return { ...ids, parentSpanId: span['shared'] === true ? id : textOf(span['parentId']) }
}

function timesOf(span: Fields): object {
  const start = BigInt(nanos(span['timestamp'], 'timestamp'))
  const end = start + BigInt(nanos(span['duration'], 'duration'))
  return { startTimeUnixNano: String(start), endTimeUnixNano: String(end < 2n ** 64n ? end : start) }
}

function nanos(value: unknown, what: string): string {
  if (value === undefined || value === null) return '0'
  const micros = typeof value === 'number' && value >= 0 ? BigInt(Math.trunc(Math.min(value, MAX_MICROS))) : -1n
  if (micros < 0n) throw new OtlpError('bad-field', `${what} must be a number of microseconds`)
  return String(micros * 1000n)
}

/** Of a fixed64 of nanoseconds, rounded down to what a double holds. */
const MAX_MICROS = 18_446_744_073_709_548

function endpoint(fields: Fields, prefix: string): KeyValue[] {
  const address = textOf(fields['ipv4'] ?? fields['ipv6'])
  const { port } = fields
  return [
    ...(address === '' ? [] : [text(`${prefix}.address`, address)]),
    ...(Number.isSafeInteger(port) && port !== 0
      ? [{ key: `${prefix}.port`, value: { intValue: String(port) } satisfies AnyValue }]
      : []),
  ]
}

/** The tag `error` is there for errors, and its text says what; `false` is none. */
function statusOf(tags: Fields): object {
  const code = textOf(tags['otel.status_code']).toUpperCase()
  const error = 'error' in tags && textOf(tags['error']) !== 'false'
  if (code === 'ERROR' || (code === '' && error)) {
    return { code: 2, message: textOf(tags['otel.status_description'] ?? tags['error']) }
  }
  return code === 'OK' ? { code: 1 } : {}
}

function text(key: string, value: string): KeyValue {
  return { key, value: { stringValue: value } }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
