import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { encodeTraces, kv, seededRandom, tracesOf } from '@spanlink/testkit/otlp'
import { pick, type Random, randomInt } from '../../../testkit/src/otlp/random.ts'
import { encodeLogs, encodeMetrics } from '../signals/otlp-messages.ts'
import { compressSnappy, frameLz4, frameSnappy } from '../ingest/block-compress.ts'
import { metrics as metricQueries, searches } from '../traceql/queries.ts'
import { mutateBytes, mutateJson, mutateText, noise } from './mutate.ts'

export type FuzzInput = {
  readonly port: 'http' | 'grpc' | 'api'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Trace id of a valid request, which has to be accepted and stored. */
  readonly goodTrace?: string
}

/** One input in this many is valid. */
const GOOD_EVERY = 25

/** API queries take milliseconds each, so they are few. */
const QUERY_SHARE = 0.02
const GRPC_SHARE = 0.25

/** Deterministic by seed and index, so that each input can be reproduced alone. */
export function fuzzInput(seed: number, index: number): FuzzInput {
  const random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b))
  if (index % GOOD_EVERY === 0) return goodInput(seed, index, random)
  const kind = random()
  if (kind < QUERY_SHARE) return createQuery(random)
  return kind < QUERY_SHARE + GRPC_SHARE ? grpcCall(random) : httpRequest(random)
}

const T = 1_795_132_800_000_000_000n

const attributes = [
  kv('messaging.destination.name', 'orders'),
  kv('n', 42),
  kv('ratio', 0.5),
  kv('list', ['a', 1, true]),
  kv('bytes', new Uint8Array([0, 255])),
]

const traces = tracesOf('fuzz', [
  {
    traceId: 'ab'.repeat(16),
    spanId: 'cd'.repeat(8),
    parentSpanId: 'ef'.repeat(8),
    name: 'send orders',
    kind: 4,
    startTimeUnixNano: String(T),
    endTimeUnixNano: String(T + 5n),
    attributes,
    events: [{ timeUnixNano: String(T), name: 'event', attributes }],
    links: [{ traceId: '12'.repeat(16), spanId: '34'.repeat(8), attributes }],
    status: { code: 2, message: 'it broke' },
  },
])
const resource = { attributes: [kv('service.name', 'fuzz')] }
const id = (byte: number, length: number): string => Buffer.alloc(length, byte).toString('base64')
const logRecord = {
  timeUnixNano: String(T),
  severityNumber: 9,
  eventName: 'e',
  body: { stringValue: 'text' },
  attributes,
}
const logs = {
  resourceLogs: [
    { resource, scopeLogs: [{ logRecords: [{ ...logRecord, traceId: id(0xab, 16), spanId: id(0xcd, 8) }] }] },
  ],
}
const point = { timeUnixNano: String(T), startTimeUnixNano: String(T), attributes }
const bounds = { count: '3', sum: 3, bucketCounts: ['1', '2'], explicitBounds: [1] }
const exponential = { count: '3', scale: 2, zeroCount: '1', positive: { offset: 1, bucketCounts: ['2'] } }
const metrics = {
  resourceMetrics: [
    {
      resource,
      scopeMetrics: [
        {
          metrics: [
            { name: 'g', unit: 's', gauge: { dataPoints: [{ ...point, asDouble: 1.5 }] } },
            {
              name: 's',
              sum: { dataPoints: [{ ...point, asInt: '7' }], aggregationTemporality: 2, isMonotonic: true },
            },
            { name: 'h', histogram: { dataPoints: [{ ...point, ...bounds }], aggregationTemporality: 1 } },
            {
              name: 'e',
              exponentialHistogram: { dataPoints: [{ ...point, ...exponential }], aggregationTemporality: 2 },
            },
            {
              name: 'q',
              summary: {
                dataPoints: [{ ...point, count: '1', sum: 1, quantileValues: [{ quantile: 0.5, value: 1 }] }],
              },
            },
          ],
        },
      ],
    },
  ],
}
const zipkin = [
  {
    traceId: 'ab'.repeat(16),
    id: 'cd'.repeat(8),
    parentId: 'ef'.repeat(8),
    kind: 'CLIENT',
    name: 'get',
    timestamp: 1795132800000001,
    duration: 1500,
    localEndpoint: { serviceName: 'fuzz', ipv4: '10.0.0.1', port: 3306 },
    annotations: [{ timestamp: 1795132800000002, value: 'ws' }],
    tags: { key: 'value' },
  },
]

const service = 'opentelemetry.proto.collector'
const kinds = [
  {
    path: '/v1/traces',
    grpc: `/${service}.trace.v1.TraceService/Export`,
    bytes: Buffer.from(encodeTraces(traces)),
    json: JSON.stringify(traces),
  },
  {
    path: '/v1/logs',
    grpc: `/${service}.logs.v1.LogsService/Export`,
    bytes: Buffer.from(encodeLogs(logs)),
    json: JSON.stringify(logs),
  },
  {
    path: '/v1/metrics',
    grpc: `/${service}.metrics.v1.MetricsService/Export`,
    bytes: Buffer.from(encodeMetrics(metrics)),
    json: JSON.stringify(metrics),
  },
] as const
const zipkinText = JSON.stringify(zipkin)

function goodInput(seed: number, index: number, random: Random): FuzzInput {
  const goodTrace = `f0${(seed >>> 0).toString(16).padStart(8, '0')}${index.toString(16).padStart(22, '0')}`
  const request = tracesOf('fuzz-good', [
    {
      traceId: goodTrace,
      spanId: '01'.repeat(8),
      name: 'good',
      startTimeUnixNano: String(T),
      endTimeUnixNano: String(T),
    },
  ])
  const bytes = Buffer.from(encodeTraces(request))
  const choice = randomInt(random, 3)
  if (choice === 0) return { ...call(kinds[0].grpc, frame(bytes)), goodTrace }
  const json = choice === 1
  const body = json ? Buffer.from(JSON.stringify(request)) : bytes
  return { port: 'http', path: '/v1/traces', headers: { 'content-type': typeOf(json) }, body, goodTrace }
}

function httpRequest(random: Random): FuzzInput {
  const { path, bytes, json } = pick(random, kinds)
  const other = pick(random, kinds)
  const form = randomInt(random, 5)
  const [to, isJson, plain] =
    form < 2
      ? [path, false, mutateBytes(random, bytes, other.bytes)]
      : form < 4
        ? [path, true, mutateJson(random, json, other.json)]
        : ['/api/v2/spans', true, mutateJson(random, zipkinText, other.json)]
  const { encoding, body } = compressed(random, plain)
  const headers = {
    'content-type': random() < 0.02 ? mutateText(random, typeOf(isJson), '').replace(/[^ -~]/g, '') : typeOf(isJson),
    ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
  }
  return { port: 'http', path: random() < 0.01 ? `${to}/x` : to, headers, body }
}

function grpcCall(random: Random): FuzzInput {
  const { grpc, bytes } = pick(random, kinds)
  const { encoding, body } = compressed(random, mutateBytes(random, bytes, pick(random, kinds).bytes))
  const flag = random() < 0.03 ? randomInt(random, 256) : encoding === undefined ? 0 : 1
  const framed = frame(body, flag)
  const sent = random() < 0.1 ? mutateBytes(random, framed, noise(random, 16)) : framed
  return call(random() < 0.01 ? `${grpc}s` : grpc, sent, encoding)
}

function call(path: string, body: Buffer, encoding?: string): FuzzInput {
  const headers = { 'content-type': 'application/grpc', te: 'trailers' }
  return {
    port: 'grpc',
    path,
    headers: encoding === undefined ? headers : { ...headers, 'grpc-encoding': encoding },
    body,
  }
}

function frame(message: Buffer, flag = 0): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt8(flag)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

function compressed(random: Random, plain: Buffer): { readonly encoding: string | undefined; readonly body: Buffer } {
  const choice = random()
  if (choice < 0.7) return { encoding: undefined, body: plain }
  const [encoding, compress] = pick(random, CODECS)
  const body = compress(choice < 0.71 ? Buffer.alloc(1024 * 1024) : plain)
  if (choice < 0.9) return { encoding, body }
  return { encoding: choice < 0.99 ? encoding : 'br', body: mutateBytes(random, body, plain) }
}

const CODECS = [
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['zstd', zstdCompressSync],
  ['snappy', compressSnappy],
  ['x-snappy-framed', frameSnappy],
  ['lz4', frameLz4],
] as const

function typeOf(json: boolean): string {
  return json ? 'application/json' : 'application/x-protobuf'
}

const TRACE = 'ab'.repeat(16)
const QUESTIONS: readonly (readonly [path: string, ...parameters: string[]])[] = [
  ['/api/traces', 'q'],
  ['/api/traces', 'service', 'operation', 'minDuration', 'maxDuration', 'status', 'start', 'end', 'limit', 'cursor'],
  ['/api/traceql/complete', 'q', 'caret'],
  ['/api/heatmap', 'q', 'start', 'end', 'columns'],
  ['/api/attributes', 'key', 'scope', 'prefix', 'q', 'limit'],
  ['/api/traceql/series', 'q', 'start', 'end', 'step', 'exemplars'],
  [`/api/traces/${TRACE}/links`, 'direction', 'spanId', 'limit', 'cursor'],
  [`/api/traces/${TRACE}/spans`, 'text'],
  [`/api/flows/${TRACE}`, 'maxTraces', 'maxDepth', 'spanId'],
  ['/api/topology', 'start', 'end', 'service', 'topic'],
  ['/api/messages/late', 'start', 'end', 'topic', 'limit'],
  ['/api/logs', 'q', 'attribute', 'severity', 'traceId', 'spanId', 'start', 'end', 'cursor', 'limit', 'order'],
  ['/api/metrics/series', 'name', 'filter', 'groupBy', 'view', 'quantiles', 'step', 'start', 'end'],
  ['/api/metrics', 'q', 'service'],
]
const VALUES = [
  '',
  '0',
  '-1',
  '1',
  '99999999999999999999',
  'NaN',
  TRACE,
  'fuzz',
  'g',
  'a=b',
  '1ms',
  String(T),
  'in',
  'error',
  "'",
  '%',
  '\\',
  '\u0000',
  '1795132800000000000-0',
  '\u{1f600}',
] as const

function createQuery(random: Random): FuzzInput {
  const [path, ...parameters] = pick(random, QUESTIONS)
  const query = new URLSearchParams()
  for (const name of parameters) {
    if (name === 'q' && !path.includes('logs') && path !== '/api/metrics') {
      const text = pick(random, random() < 0.8 ? searches : metricQueries)
      query.append(name, random() < 0.1 ? text : mutateText(random, text, pick(random, searches)))
    } else if (random() < 0.5) query.append(name, pick(random, VALUES))
  }
  const text = random() < 0.05 ? mutateText(random, query.toString(), path).replace(/[^!-~]/g, '') : query.toString()
  return { port: 'api', path: `${path}?${text.replaceAll('#', '%23')}`, headers: {}, body: Buffer.alloc(0) }
}
