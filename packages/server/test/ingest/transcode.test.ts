import { decodeTraces, encodeTraces, generateSpans, kv, tracesOf } from '@spanlink/testkit/otlp'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arbitraryTraces } from './arbitrary-traces.ts'
import { expectedRows } from './expected-rows.ts'
import { readLinks, readSources, readSpans, type SpanRow } from './row-binary.ts'
import { OtlpError } from '../../src/otlp/error.ts'
import { transcodeTracesJson } from '../../src/otlp/json/transcode-json.ts'
import {
  MAX_ATTRIBUTES,
  MAX_EVENTS,
  MAX_ITEM_BYTES,
  MAX_ITEMS,
  MAX_LINKS,
  MAX_SOURCE_BYTES,
  MAX_SOURCES,
  MAX_TABLE_BYTES,
} from '../../src/otlp/limits.ts'
import type { TraceRows } from '../../src/otlp/rows.ts'
import { transcodeTraces } from '../../src/otlp/trace/transcode-traces.ts'

const RECEIVED = 1_800_000_000
const SPAN = { traceId: '0102030405060708090a0b0c0d0e0f10', spanId: '1112131415161718' }

test('transcodeTraces writes the same spans and links as an independent decoder reads', () => {
  fc.assert(
    fc.property(arbitraryTraces(), (request) => {
      const body = encodeTraces(request)
      const rows = transcodeTraces(body, RECEIVED)
      const expected = expectedRows(decodeTraces(body), RECEIVED)
      expect(readSpans(rows).map(withoutSource)).toEqual(expected.spans)
      expect(readLinks(rows)).toEqual(expected.links)
      expect(rows.spanCount).toBe(expected.spans.length)
      expect(rows.linkCount).toBe(expected.links.length)
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

test('spans with invalid ids are rejected one by one, and each reason is returned with its count', () => {
  const rows = transcodeTraces(
    encodeTraces(
      tracesOf('shop', [
        SPAN,
        { ...SPAN, traceId: 'ab'.repeat(15) },
        { ...SPAN, traceId: '00'.repeat(16) },
        { ...SPAN, spanId: '' },
        { ...SPAN, spanId: '00'.repeat(8) },
        { ...SPAN, parentSpanId: 'abcd' },
        { ...SPAN, links: [{ traceId: 'abcd' }] },
        { ...SPAN, links: [{ traceId: 'ab'.repeat(16), spanId: 'ab' }] },
        { ...SPAN, name: 'last' },
      ]),
    ),
    RECEIVED,
  )
  expect(readSpans(rows).map((span) => span.name)).toEqual(['', 'last'])
  expect(rows).toMatchObject({ spanCount: 2, rejectedSpans: 7 })
  expect(rows.rejectReason).toBe(
    'span 1 of the request: trace id has 15 bytes, not 16 (1 span); trace id is all zero (1 span); ' +
      'span id has 0 bytes, not 8 (1 span); span id is all zero (1 span); parent span id has 2 bytes, not 8 (1 span); ' +
      'other reasons (2 spans)',
  )
})

test('spans rejected for the same reason are counted together', () => {
  const spans = [{ ...SPAN, spanId: '' }, SPAN, { ...SPAN, traceId: '00'.repeat(16) }, { ...SPAN, spanId: '' }]
  const request = tracesOf('shop', spans)
  const message = 'span 0 of the request: span id has 0 bytes, not 8 (2 spans); trace id is all zero (1 span)'
  expect(transcodeTraces(encodeTraces(request), RECEIVED).rejectReason).toBe(message)
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

test('only the span whose attribute nests deeper than 64 levels is rejected', () => {
  const nested = (depth: number): Uint8Array => {
    let value = Buffer.from([0x0a, 1, 0x78])
    for (let i = 0; i < depth; i++) value = delimited(0x2a, delimited(0x0a, value))
    const span = delimited(
      0x12,
      Buffer.from([0x0a, 16, ...Buffer.from(SPAN.traceId, 'hex'), 0x12, 8, ...Buffer.from(SPAN.spanId, 'hex')]),
      delimited(0x4a, delimited(0x12, value)),
    )
    return delimited(0x0a, delimited(0x12, span))
  }
  expect(transcodeTraces(nested(64), RECEIVED).spanCount).toBe(1)
  for (const depth of [65, 2000]) {
    const rows = transcodeTraces(Buffer.concat([nested(3), nested(depth), nested(64)]), RECEIVED)
    expect(rows).toMatchObject({ spanCount: 2, rejectedSpans: 1 })
    expect(rows.rejectReason).toBe('span 1 of the request: attribute value nests deeper than 64')
    expect(readSpans(rows)).toHaveLength(2)
  }
})

test('only the span that exceeds a limit is rejected, with the reason', () => {
  const rejected = (over: object, source: object = {}): TraceRows => {
    const spans = [
      { ...SPAN, name: 'first' },
      { ...SPAN, ...over },
      { ...SPAN, name: 'last' },
    ]
    const rows = transcodeTraces(encodeTraces({ resourceSpans: [{ ...source, scopeSpans: [{ spans }] }] }), RECEIVED)
    expect(readSpans(rows).map((span) => span.name)).toEqual(['first', 'last'])
    expect(rows).toMatchObject({ spanCount: 2, rejectedSpans: 1 })
    return rows
  }
  const link = { traceId: SPAN.traceId, spanId: SPAN.spanId }
  const many = Array.from({ length: MAX_ATTRIBUTES + 1 }, (_, i) => kv(String(i), ''))
  expect(rejected({ attributes: many }).rejectReason).toMatch(/^span 1 of the request: more than 65536 attributes/)
  expect(rejected({ events: [{ attributes: many }] }).rejectReason).toMatch(/more than 65536 attributes/)
  expect(rejected({ links: [{ ...link, attributes: many }] })).toMatchObject({ linkCount: 0 })
  expect(rejected({ links: Array.from({ length: MAX_LINKS + 1 }, () => link) }).rejectReason).toMatch(/16385 links/)
  expect(rejected({ events: Array.from({ length: MAX_EVENTS + 1 }, () => ({})) }).rejectReason).toMatch(/16385 events/)
  expect(rejected({ name: 'x'.repeat(MAX_ITEM_BYTES) }).rejectReason).toMatch(/bytes are more than 8388608/)
  const long = { name: 'x'.repeat(100_000), links: Array.from({ length: 100 }, () => link) }
  expect(rejected(long).rejectReason).toMatch(/100 links become more than/)
})

test('a request whose rows exceed the table limit is rejected span by span', () => {
  const longName = kv('service.name', 'x'.repeat(200_000))
  const request = (count: number): Uint8Array => {
    const scopeSpans = [{ spans: Array.from({ length: count }, () => SPAN) }]
    return encodeTraces({ resourceSpans: [{ resource: { attributes: [longName] }, scopeSpans }] })
  }
  const rows = transcodeTraces(request(1000), RECEIVED)
  expect(rows.spanCount).toBeGreaterThan(500)
  expect(rows.spanCount + rows.rejectedSpans).toBe(1000)
  expect(rows.spans.length).toBeLessThanOrEqual(MAX_TABLE_BYTES)
  expect(readSpans(rows)).toHaveLength(rows.spanCount)
  expect(transcodeTraces(encodeTraces(tracesOf('shop', [SPAN])), RECEIVED).spanCount).toBe(1)
})

test('spans of a resource above the size limit are rejected, and other spans are stored', () => {
  const of = (bytes: number): object => ({
    resource: { attributes: [kv('k'.repeat(bytes), '')] },
    scopeSpans: [{ spans: [SPAN, SPAN] }],
  })
  const rows = transcodeTraces(encodeTraces({ resourceSpans: [of(10), of(MAX_SOURCE_BYTES), of(20)] }), RECEIVED)
  expect(rows).toMatchObject({ spanCount: 4, rejectedSpans: 2, sourceCount: 2 })
  expect(rows.rejectReason).toMatch(/^span 2 of the request: resource: 262156 bytes, more than/)
})

test('spans of resources above the number per request are rejected, and those of known ones are stored', () => {
  const one = (at: number): Buffer => Buffer.from(encodeTraces(tracesOf(`service-${at}`, [SPAN])))
  const bodies = [...Array.from({ length: MAX_SOURCES + 1 }, (_, at) => one(at)), one(0)]
  const rows = transcodeTraces(Buffer.concat(bodies), RECEIVED)
  expect(rows).toMatchObject({ spanCount: MAX_SOURCES + 1, rejectedSpans: 1, sourceCount: MAX_SOURCES })
  expect(rows.rejectReason).toMatch(/a request has at most 16384 resources with a scope/)
})

test('a request above the maximum number of spans keeps the first spans', () => {
  const spans = Array.from({ length: 1000 }, () => SPAN)
  const one = Buffer.from(encodeTraces(tracesOf('shop', spans)))
  const rows = transcodeTraces(Buffer.concat(Array.from({ length: MAX_ITEMS / 1000 + 1 }, () => one)), RECEIVED)
  expect(rows).toMatchObject({ spanCount: MAX_ITEMS, rejectedSpans: 1000 })
})

test('an empty traces request is converted to no rows', () => {
  const rows = transcodeTraces(new Uint8Array(), RECEIVED)
  expect(rows).toMatchObject({ spanCount: 0, linkCount: 0, sourceCount: 0, rejectedSpans: 0 })
  expect(rows.spans.length + rows.spanLinks.length + rows.sources.length).toBe(0)
})

function withoutSource({ sourceId, ...rest }: SpanRow): Omit<SpanRow, 'sourceId'> {
  expect(sourceId).toMatch(/^[0-9a-f]{16}$/)
  return rest
}

function delimited(tag: number, ...parts: Uint8Array[]): Buffer<ArrayBuffer> {
  const inner = Buffer.concat(parts)
  const length: number[] = []
  let rest = inner.length
  for (; rest >= 0x80; rest >>>= 7) length.push((rest & 0x7f) | 0x80)
  return Buffer.concat([Buffer.from([tag, ...length, rest]), inner])
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
