import { encodeTraces, kv, tracesOf } from '@spanlink/testkit/otlp'
import { expect, test } from 'vitest'
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
import { transcodeTraces, type TraceRows } from '../signals/transcode.ts'
import { delimited } from './delimited.ts'
import { readSpans } from './row-binary.ts'

const RECEIVED = 1_800_000_000
const SPAN = { traceId: '0102030405060708090a0b0c0d0e0f10', spanId: '1112131415161718' }

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
  expect(rejected({ links: [{ ...link, attributes: many }] }).rejectReason).toMatch(/^span 1/)
  expect(rejected({ links: Array.from({ length: MAX_LINKS + 1 }, () => link) }).rejectReason).toMatch(
    /has 16385 links; the maximum is 16384/,
  )
  expect(rejected({ events: Array.from({ length: MAX_EVENTS + 1 }, () => ({})) }).rejectReason).toMatch(
    /has 16385 events; the maximum is 16384/,
  )
  expect(rejected({ name: 'x'.repeat(MAX_ITEM_BYTES) }).rejectReason).toMatch(/has \d+ bytes; the maximum is 8388608/)
  const long = { name: 'x'.repeat(100_000), links: Array.from({ length: 200 }, () => link) }
  expect(rejected(long).rejectReason).toMatch(/200 links become more than/)
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
