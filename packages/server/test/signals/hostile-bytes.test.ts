import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OtlpError } from '../../src/otlp/error.ts'
import { transcodeLogs, transcodeLogsJson, transcodeMetrics, transcodeMetricsJson } from './transcode.ts'
import { arbitraryLogs, arbitraryMetrics } from './arbitrary-signals.ts'
import { encodeLogs, encodeMetrics } from './otlp-messages.ts'

const RECEIVED = 1_800_000_000

const codecs = [
  { signal: 'logs', arbitrary: arbitraryLogs(), encode: encodeLogs, protobuf: transcodeLogs, json: transcodeLogsJson },
  {
    signal: 'metrics',
    arbitrary: arbitraryMetrics(),
    encode: encodeMetrics,
    protobuf: transcodeMetrics,
    json: transcodeMetricsJson,
  },
] as const

test.each(codecs)(
  'the same $signal request in JSON and protobuf is converted to identical rows',
  ({ arbitrary, encode, protobuf, json }) => {
    fc.assert(
      fc.property(arbitrary, (request) => {
        const fromJson = json(Buffer.from(JSON.stringify(request)), RECEIVED)
        expect(fromJson).toEqual(protobuf(encode(request), RECEIVED))
      }),
      { numRuns: 300 },
    )
  },
)

test.each(codecs)(
  'a $signal request truncated at any byte is converted or throws an OtlpError',
  ({ arbitrary, encode, protobuf }) => {
    fc.assert(
      fc.property(arbitrary, (request) => {
        const bytes = encode(request)
        for (let end = 0; end < bytes.length; end++)
          expect(unexpected(() => protobuf(bytes.subarray(0, end), RECEIVED))).toBeUndefined()
      }),
      { numRuns: 40 },
    )
  },
)

test.each(codecs)(
  'a $signal request with changed bytes is converted or throws an OtlpError',
  ({ arbitrary, encode, protobuf, json }) => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(arbitrary, changes, (request, list) => {
        for (const [bytes, transcode] of [
          [Buffer.from(encode(request)), protobuf],
          [Buffer.from(JSON.stringify(request)), json],
        ] as const) {
          for (const [at, byte] of list) if (bytes.length > 0) bytes[at % bytes.length] = byte
          expect(unexpected(() => transcode(bytes, RECEIVED))).toBeUndefined()
        }
      }),
      { numRuns: 2000 },
    )
  },
)

test.each(codecs)('random bytes sent as $signal are converted or throw an OtlpError', ({ protobuf, json }) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(unexpected(() => protobuf(bytes, RECEIVED))).toBeUndefined()
      expect(unexpected(() => json(bytes, RECEIVED))).toBeUndefined()
    }),
    { numRuns: 5000 },
  )
})

test.each(codecs)('JSON of the wrong shape sent as $signal is converted or throws an OtlpError', ({ json }) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      for (const list of ['resourceLogs', 'resourceMetrics']) {
        expect(unexpected(() => json(Buffer.from(JSON.stringify({ [list]: value })), RECEIVED))).toBeUndefined()
      }
    }),
    { numRuns: 2000 },
  )
})

test('only the log record whose body nests deeper than 64 levels is rejected', () => {
  const nested = (depth: number): object =>
    depth === 0 ? { stringValue: 'x' } : { arrayValue: { values: [nested(depth - 1)] } }
  const request = (depth: number): object => ({
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: nested(depth) }] }] }],
  })
  const json = (depth: number) => Buffer.from(JSON.stringify(request(depth)))
  expect(transcodeLogsJson(json(64), RECEIVED).logCount).toBe(1)
  for (const depth of [65, 1000]) {
    expect(transcodeLogsJson(json(depth), RECEIVED)).toMatchObject({ logCount: 0, rejectedLogs: 1 })
  }
})

test('bucket counts and bounds are read packed, unpacked and mixed', () => {
  const eight = (value: number): number[] => [value, 0, 0, 0, 0, 0, 0, 0]
  const packed = [0x32, 24, ...eight(1), ...eight(2), ...eight(3)]
  const single = [0x31, ...eight(1), 0x31, ...eight(2), 0x31, ...eight(3)]
  const pieces = [0x32, 8, ...eight(1), 0x31, ...eight(2), 0x32, 8, ...eight(3)]
  const bounds = [0x39, ...eight(0), 0x3a, 8, ...eight(0)]
  const rows = [packed, single, pieces].map((counts) => {
    const point = [...counts, ...bounds]
    const data = [0x0a, point.length, ...point]
    const metric = [0x4a, data.length, ...data]
    const scope = [0x12, metric.length, ...metric]
    const resource = [0x12, scope.length, ...scope]
    return transcodeMetrics(Uint8Array.from([0x0a, resource.length, ...resource]), RECEIVED)
  })
  expect(rows[0]).toMatchObject({ pointCount: 1, rejectedPoints: 0 })
  expect(rows[1]).toEqual(rows[0])
  expect(rows[2]).toEqual(rows[0])
})

test('the id of a series does not depend on the order of its attributes', () => {
  const point = (...keys: string[]): object => ({
    timeUnixNano: '1',
    asInt: '1',
    attributes: keys.map((key) => ({ key, value: { stringValue: key } })),
  })
  const dataPoints = [point('a', 'b', 'c'), point('c', 'a', 'b'), point('b', 'c', 'a'), point('a', 'b')]
  const request = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'm', gauge: { dataPoints } }] }] }] }
  expect(transcodeMetrics(encodeMetrics(request), RECEIVED)).toMatchObject({ seriesCount: 2, pointCount: 4 })
})

/** The thrown error unless it is an OtlpError. */
function unexpected(transcode: () => unknown): unknown {
  try {
    transcode()
    return undefined
  } catch (error) {
    return error instanceof OtlpError ? undefined : error
  }
}
