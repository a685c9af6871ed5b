import { randomBytes } from 'node:crypto'
import {
  Client,
  compressionAlgorithms,
  credentials,
  type Metadata,
  type ServiceError,
  status as grpcStatus,
} from '@grpc/grpc-js'
import { decodeRpcStatus, encodeTraces, kv, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOpenAccess } from '../../src/access/access.ts'
import { ByteBudget } from '../../src/receivers/body/byte-budget.ts'
import { createIngestPipeline } from '../../src/receivers/ingest-pipeline.ts'
import { listenOtlpGrpc } from '../../src/receivers/grpc/otlp-grpc.ts'
import { decodeResponse, encodeLogs, encodeMetrics } from '../signals/otlp-messages.ts'
import { openSpanlink, type Spanlink } from '../signals/spanlink.ts'

const TRACES = 'opentelemetry.proto.collector.trace.v1.TraceService'
const LOGS = 'opentelemetry.proto.collector.logs.v1.LogsService'
const METRICS = 'opentelemetry.proto.collector.metrics.v1.MetricsService'
const MIB = 1024 * 1024

let spanlink: Spanlink

beforeAll(async () => {
  spanlink = await openSpanlink({ otlpGrpcPort: 0 })
})

afterAll(async () => {
  await spanlink?.[Symbol.asyncDispose]()
})

const span = (name: string) => ({
  traceId: randomBytes(16).toString('hex'),
  spanId: randomBytes(8).toString('hex'),
  name,
  startTimeUnixNano: '1795132800000000000',
  endTimeUnixNano: '1795132800000000001',
})

test.each([
  ['plain', compressionAlgorithms.identity],
  ['gzip', compressionAlgorithms.gzip],
  ['deflate', compressionAlgorithms.deflate],
])('spans, logs and metrics sent over gRPC with compression %s are stored', async (name, compression) => {
  using client = connect(spanlink.ingest.otlpGrpcUrl, compression)
  const resource = { attributes: [kv('service.name', name)] }
  const record = { body: { stringValue: name }, timeUnixNano: '1' }
  const logs = { resourceLogs: [{ resource, scopeLogs: [{ logRecords: [record] }] }] }
  const metric = { name, gauge: { dataPoints: [{ timeUnixNano: '1', asInt: '1' }] } }
  const metrics = { resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [metric] }] }] }
  expect(await client.export(TRACES, encodeTraces(tracesOf(name, [span(name)])))).toEqual(Buffer.alloc(0))
  expect(await client.export(LOGS, encodeLogs(logs))).toEqual(Buffer.alloc(0))
  expect(await client.export(METRICS, encodeMetrics(metrics))).toEqual(Buffer.alloc(0))
  await spanlink.stored()
  const [counts] = await spanlink.store.query(
    `select (select count() from spans where name = {name:String}) as spans,
      (select count() from logs where body = {name:String}) as logs,
      (select count() from metric_points where series_id in
        (select series_id from metric_series where name = {name:String})) as points`,
    { name },
  )
  expect(counts).toEqual({ spans: '1', logs: '1', points: '1' })
})

test('an empty OTLP/gRPC request succeeds', async () => {
  using client = connect(spanlink.ingest.otlpGrpcUrl)
  expect(await client.export(METRICS, Buffer.alloc(0))).toEqual(Buffer.alloc(0))
})

test('invalid spans and points in an OTLP/gRPC request return a partial success with the count per reason', async () => {
  using client = connect(spanlink.ingest.otlpGrpcUrl)
  const body = encodeTraces(
    tracesOf('partial', [span('good'), ...['00', 'abcd', '00'].map((traceId) => ({ ...span('bad'), traceId }))]),
  )
  expect(decodeResponse(await client.export(TRACES, body)).partialSuccess).toEqual({
    rejected: '3',
    errorMessage:
      'span 1 of the request: trace id has 1 bytes, not 16 (2 spans); trace id has 2 bytes, not 16 (1 span)',
  })
  const point = { timeUnixNano: '1', count: '1', bucketCounts: ['1'], explicitBounds: [1] }
  const metric = { name: 'h', histogram: { dataPoints: [point], aggregationTemporality: 2 } }
  const metrics = encodeMetrics({ resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] })
  expect(decodeResponse(await client.export(METRICS, metrics)).partialSuccess).toEqual({
    rejected: '1',
    errorMessage: 'point 0 of the request: 1 bucket counts do not fit 1 bounds',
  })
})

test('an OTLP/gRPC body that is not protobuf returns INVALID_ARGUMENT with a BadRequest', async () => {
  using client = connect(spanlink.ingest.otlpGrpcUrl)
  const error = await rejection(client.export(LOGS, Buffer.from('not protobuf')))
  expect(error.code).toBe(grpcStatus.INVALID_ARGUMENT)
  const status = details(error)
  expect(status).toMatchObject({ code: grpcStatus.INVALID_ARGUMENT, message: error.details })
  expect(status.details?.map((detail) => detail.typeUrl)).toEqual(['type.googleapis.com/google.rpc.BadRequest'])
})

test.each([compressionAlgorithms.identity, compressionAlgorithms.gzip])(
  'an OTLP/gRPC message above 64 MiB with compression %s returns RESOURCE_EXHAUSTED without RetryInfo',
  async (compression) => {
    using client = connect(spanlink.ingest.otlpGrpcUrl, compression)
    const error = await rejection(client.export(TRACES, Buffer.alloc(64 * MIB + 1)))
    expect(error.code).toBe(grpcStatus.RESOURCE_EXHAUSTED)
    expect(details(error).details ?? []).toEqual([])
  },
)

test('an unknown gRPC method returns UNIMPLEMENTED', async () => {
  using client = connect(spanlink.ingest.otlpGrpcUrl)
  expect((await rejection(client.export('spanlink.NoService', Buffer.alloc(0)))).code).toBe(grpcStatus.UNIMPLEMENTED)
})

test('a full disk or memory budget returns UNAVAILABLE with RetryInfo over gRPC', async () => {
  const pipeline = createIngestPipeline(() => Promise.reject(new Error('disk full')))
  const options = {
    host: '127.0.0.1',
    port: 0,
    access: createOpenAccess(),
    pipeline,
    budget: new ByteBudget(MIB),
    log: () => {},
  }
  const receiver = await listenOtlpGrpc(options)
  using client = connect(receiver.url)
  const full = await rejection(client.export(TRACES, encodeTraces(tracesOf('full', [span('kept nowhere')]))))
  const crowded = await rejection(client.export(TRACES, Buffer.alloc(MIB + 1)))
  for (const error of [full, crowded]) {
    expect(error.code).toBe(grpcStatus.UNAVAILABLE)
    const [detail] = details(error).details ?? []
    expect(detail?.typeUrl).toBe('type.googleapis.com/google.rpc.RetryInfo')
    // RetryInfo{retry_delay(1): Duration{seconds(1): 2}}
    expect(Buffer.from(detail?.value ?? '', 'base64')).toEqual(Buffer.from([0x0a, 2, 0x08, 2]))
  }
  client[Symbol.dispose]()
  await receiver.close(1000)
})

test('listening on a used gRPC port rejects with EADDRINUSE and the port', async () => {
  const port = Number(new URL(spanlink.ingest.otlpGrpcUrl ?? '').port)
  const pipeline = createIngestPipeline(() => Promise.resolve())
  const second = listenOtlpGrpc({
    host: '127.0.0.1',
    port,
    access: createOpenAccess(),
    pipeline,
    budget: new ByteBudget(MIB),
    log: () => {},
  })
  await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE', port })
})

type Connection = Disposable & { export(service: string, body: Uint8Array): Promise<Buffer> }

function connect(url: string | undefined, compression = compressionAlgorithms.identity): Connection {
  const client = new Client(new URL(url ?? '').host, credentials.createInsecure(), {
    'grpc.default_compression_algorithm': compression,
    'grpc.max_send_message_length': -1,
  })
  return {
    export: (service, body) =>
      new Promise((resolve, reject) => {
        const asIs = (bytes: Buffer): Buffer => bytes
        client.makeUnaryRequest(`/${service}/Export`, asIs, asIs, Buffer.from(body), (error, response) => {
          if (error === null) resolve(response ?? Buffer.alloc(0))
          else reject(error)
        })
      }),
    [Symbol.dispose]: () => client.close(),
  }
}

async function rejection(call: Promise<Buffer>): Promise<ServiceError & { readonly metadata: Metadata }> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(Error)
  return error as ServiceError
}

function details(error: ServiceError): ReturnType<typeof decodeRpcStatus> {
  const [bytes] = error.metadata.get('grpc-status-details-bin')
  return decodeRpcStatus(bytes as Buffer)
}
