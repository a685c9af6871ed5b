import { decodeTraces, encodeTraces, generateSpans, kv, tracesOf } from '@spanlink/testkit/otlp'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arbitraryTraces } from './arbitrary-traces.ts'
import { expectedRows } from './expected-rows.ts'
import { readSources, readSpans, type SpanRow } from './row-binary.ts'
import { OtlpError } from '../../src/otlp/error.ts'
import { transcodeTraces, transcodeTracesJson } from '../signals/transcode.ts'

const RECEIVED = 1_800_000_000
const SPAN = { traceId: '0102030405060708090a0b0c0d0e0f10', spanId: '1112131415161718' }

test('transcodeTraces writes the same spans and links as an independent decoder reads', () => {
  fc.assert(
    fc.property(arbitraryTraces(), (request) => {
      const body = encodeTraces(request)
      const rows = transcodeTraces(body, RECEIVED)
      const expected = expectedRows(decodeTraces(body), RECEIVED)
      expect(readSpans(rows).map(withoutSource)).toEqual(expected.spans)
      expect(rows.spanCount).toBe(expected.spans.length)
      expect(rows.rejectedSpans).toBe(0)
    }),
    { numRuns: 300 },
  )
})

test('the same request in JSON and protobuf is converted to identical rows', () => {
  fc.assert(
    fc.property(arbitraryTraces(), (request) => {
      const fromProtobuf = transcodeTraces(encodeTraces(request), RECEIVED)
      expect(transcodeTracesJson(Buffer.from(JSON.stringify(request)), RECEIVED)).toEqual(fromProtobuf)
    }),
    { numRuns: 300 },
  )
})

test('every span refers to its source, and each source has one row', () => {
  fc.assert(
    fc.property(arbitraryTraces(), (request) => {
      const body = encodeTraces(request)
      const rows = transcodeTraces(body, RECEIVED)
      const sources = new Map(readSources(rows).map(({ sourceId, ...rest }) => [sourceId, rest]))
      expect(sources.size).toBe(rows.sourceCount)
      const actual = readSpans(rows).map((span) => sources.get(span.sourceId))
      const { sources: perScope } = expectedRows(decodeTraces(body), RECEIVED)
      const counts = (decodeTraces(body).resourceSpans ?? []).flatMap((resource) =>
        (resource.scopeSpans ?? []).map((scope) => scope.spans?.length ?? 0),
      )
      const expectedSources = counts
        .filter((count) => count > 0)
        .flatMap((count, i) => Array<unknown>(count).fill(perScope[i]))
      expect(actual).toEqual(expectedSources)
    }),
  )
})

test('a protobuf request truncated at any byte throws an OtlpError', () => {
  const body = encodeTraces(everyField())
  const whole = transcodeTraces(body, RECEIVED)
  for (let length = 1; length < body.length; length++) {
    expect(() => transcodeTraces(body.subarray(0, length), RECEIVED)).toThrow(OtlpError)
  }
  expect(transcodeTraces(body, RECEIVED)).toEqual(whole)
})

test('random and mutated bytes are converted to rows or throw an OtlpError', () => {
  const outcome = (body: Uint8Array): boolean => {
    try {
      readSpans(transcodeTraces(body, RECEIVED))
      return true
    } catch (error) {
      return error instanceof OtlpError
    }
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (body) => {
      expect(outcome(body)).toBe(true)
    }),
    { numRuns: 5000 },
  )
  const body = encodeTraces(generateSpans({ spans: 3 }))
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(body.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }), (changes) => {
      const changed = Uint8Array.from(body)
      for (const [at, byte] of changes) changed[at] = byte
      expect(outcome(changed)).toBe(true)
    }),
    { numRuns: 5000 },
  )
})

test('unknown protobuf fields of every wire type are skipped on every level', () => {
  const unknown = Buffer.from(
    [
      'f83f9601', // field 1023: varint
      'f93f0102030405060708', // fixed64
      'fa3f03010203', // length-delimited
      'fb3ffb3ffc3f0801fc3f', // groups, one in the other
      'fd3f01020304', // fixed32
    ].join(''),
    'hex',
  )
  const message = (tag: number, ...parts: Uint8Array[]): Buffer => {
    const inner = Buffer.concat([...parts, unknown])
    return Buffer.concat([Buffer.from([tag, 0x80 | (inner.length & 0x7f), inner.length >> 7]), inner])
  }
  const field = (tag: number, text: string): Buffer => Buffer.from([tag, text.length, ...Buffer.from(text)])
  const attribute = (tag: number): Buffer => message(tag, field(0x0a, 'key'), message(0x12, field(0x0a, 'value')))
  const span = message(
    0x12,
    unknown,
    Buffer.from([0x0a, 16, ...Buffer.from(SPAN.traceId, 'hex'), 0x12, 8, ...Buffer.from(SPAN.spanId, 'hex')]),
    message(0x5a, field(0x12, 'event'), attribute(0x1a)),
    message(0x6a, field(0x1a, 'state'), attribute(0x22)),
    message(0x7a, field(0x12, 'message')),
    attribute(0x4a),
  )
  const resource = message(0x0a, message(0x0a, field(0x0a, 'service.name'), message(0x12, field(0x0a, 'shop'))))
  // Spans before their scope, and scopes before their resource.
  const scopeSpans = message(0x12, span, message(0x0a, field(0x0a, 'scope')))
  const rows = transcodeTraces(Buffer.concat([message(0x0a, scopeSpans, resource), unknown]), RECEIVED)
  const expected = tracesOf(
    'shop',
    [
      {
        ...SPAN,
        events: [{ name: 'event', attributes: [kv('key', 'value')] }],
        links: [{ traceState: 'state', attributes: [kv('key', 'value')] }],
        status: { message: 'message' },
        attributes: [kv('key', 'value')],
      },
    ],
    'scope',
  )
  expect(rows).toEqual(transcodeTraces(encodeTraces(expected), RECEIVED))
})

test('64-bit times are exact, and an end before the start is a negative duration', () => {
  const of = (start: bigint, end: bigint): SpanRow | undefined => {
    const span = { ...SPAN, startTimeUnixNano: String(start), endTimeUnixNano: String(end) }
    return readSpans(transcodeTraces(encodeTraces(tracesOf('shop', [span])), RECEIVED))[0]
  }
  expect(of(2n ** 64n - 1n, 0n)).toMatchObject({ start: 2n ** 64n - 1n, duration: 1n })
  expect(of(0n, 2n ** 64n - 1n)).toMatchObject({ start: 0n, duration: -1n })
  expect(of(2n ** 32n, 2n ** 32n - 1n)).toMatchObject({ start: 2n ** 32n, duration: -1n })
  expect(of(1_795_132_800_000_000_001n, 1_795_132_800_000_000_003n)).toMatchObject({ duration: 2n })
})

test('strings that are not UTF-8 are stored byte for byte', () => {
  const body = Buffer.from(encodeTraces(tracesOf('shop', [{ ...SPAN, name: 'NAME', attributes: [kv('KEY', 'TEXT')] }])))
  body.write('\xff\xfe\xe2\x82', body.indexOf('NAME'), 'latin1')
  body.write('\xf0\x9f\x92\x00', body.indexOf('TEXT'), 'latin1')
  const spans = Buffer.from(transcodeTraces(body, RECEIVED).spans)
  expect(spans.includes(Buffer.from('\xff\xfe\xe2\x82', 'latin1'))).toBe(true)
  expect(spans.includes(Buffer.from('\xf0\x9f\x92\x00', 'latin1'))).toBe(true)
})

test('an empty traces request is converted to no rows', () => {
  const rows = transcodeTraces(new Uint8Array(), RECEIVED)
  expect(rows).toMatchObject({ spanCount: 0, sourceCount: 0, rejectedSpans: 0 })
  expect(rows.spans.length + rows.sources.length).toBe(0)
})

function withoutSource({ sourceId, ...rest }: SpanRow): Omit<SpanRow, 'sourceId'> {
  expect(sourceId).toMatch(/^[0-9a-f]{16}$/)
  return rest
}

function everyField(): ReturnType<typeof tracesOf> {
  const [resourceSpans] =
    tracesOf('shop', [
      {
        ...SPAN,
        traceState: 'a=b',
        parentSpanId: 'ff'.repeat(8),
        name: 'send orders',
        kind: 4,
        startTimeUnixNano: '1795132800000000001',
        endTimeUnixNano: '1795132800000000009',
        attributes: [kv('list', ['a', 1, { b: true }]), kv('int', -1), kv('bytes', new Uint8Array([1, 2, 3]))],
        events: [{ timeUnixNano: '1795132800000000002', name: 'event', attributes: [kv('double', 0.5)] }],
        links: [{ ...SPAN, attributes: [kv('offset', 2n ** 60n)], flags: 0x301 }],
        status: { code: 2, message: 'failed' },
        flags: 0x101,
      },
    ]).resourceSpans ?? []
  return { resourceSpans: resourceSpans === undefined ? [] : [resourceSpans] }
}
