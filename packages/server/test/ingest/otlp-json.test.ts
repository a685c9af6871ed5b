import { encodeTraces, kv, tracesOf } from '@spanlink/testkit/otlp'
import { expect, test } from 'vitest'
import { OtlpError } from '../../src/otlp/error.ts'
import { transcodeTracesJson } from '../../src/otlp/json.ts'
import type { TraceRows } from '../../src/otlp/rows.ts'
import { transcodeTraces } from '../../src/otlp/transcode.ts'
import { readLinks, readSpans, type SpanRow } from './row-binary.ts'

const RECEIVED = 1_800_000_000
const SPAN = { traceId: '0102030405060708090a0b0c0d0e0f10', spanId: '1112131415161718' }

test('ids are hex in any case', () => {
  const span = {
    traceId: '5B8EFFF798038103D269B633813FC60C',
    spanId: 'EEE19B7EC3C1B174',
    parentSpanId: 'eee19b7ec3c1b173',
  }
  expect(spanOf(span)).toMatchObject({
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'eee19b7ec3c1b174',
    parentSpanId: 'eee19b7ec3c1b173',
  })
})

test('an id that is no hex rejects its span and not the others', () => {
  const rows = transcoded({ spans: [{ ...SPAN, traceId: 'W47/95gDgQPSabYzgT/GDA==' }, SPAN] })
  expect(rows).toMatchObject({ spanCount: 1, rejectedSpans: 1 })
})

test('64-bit integers are exact as strings and as numbers', () => {
  const text = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"${SPAN.traceId}","spanId":"${SPAN.spanId}",
    "startTimeUnixNano": 1795132800000000001, "endTimeUnixNano":"1795132800000000003",
    "attributes":[{"key":"a","value":{"intValue":9223372036854775807}},{"key":"b","value":{"intValue":"-9223372036854775808"}},
    {"key":"c","value":{"intValue":12}},{"key":"d","value":{"stringValue":"[1795132800000000001"}},
    {"key":"e","value":{"doubleValue":12345678901234567890}}]}]}]}]}`
  const [span] = readSpans(transcodeTracesJson(Buffer.from(text), RECEIVED))
  expect(span).toMatchObject({ start: 1_795_132_800_000_000_001n, duration: 2n })
  expect(span?.attributes.map((attribute) => attribute.value)).toEqual([
    { intValue: '9223372036854775807' },
    { intValue: '-9223372036854775808' },
    { intValue: '12' },
    { stringValue: '[1795132800000000001' },
    { doubleValue: 1.2345678901234567e19 },
  ])
})

test('enums are integers, their names are read too, and one from the future is 0', () => {
  expect(spanOf({ ...SPAN, kind: 4, status: { code: 2 } })).toMatchObject({ kind: 4, status: 2 })
  expect(spanOf({ ...SPAN, kind: 'SPAN_KIND_PRODUCER', status: { code: 'STATUS_CODE_ERROR' } })).toMatchObject({
    kind: 4,
    status: 2,
  })
  expect(spanOf({ ...SPAN, kind: 99, status: { code: -1 } })).toMatchObject({ kind: 0, status: 0 })
})

test('only lowerCamelCase names count; unknown ones are ignored and null is absent', () => {
  const span = { ...SPAN, name: null, start_time_unix_nano: '5', links: null, trace_state: 'a=b', new: { field: [1] } }
  expect(spanOf(span)).toMatchObject({ name: '', start: 0n, traceState: '' })
  expect(spanOf({ ...SPAN, __proto__x: 1, constructor: 'x', toString: 3 })).toMatchObject({ name: '' })
})

test('doubles are numbers or their names, bytes are base64, an empty value is a value', () => {
  const values = [
    { doubleValue: 'NaN' },
    { doubleValue: '-Infinity' },
    { doubleValue: '1.5' },
    { doubleValue: 7 },
    { bytesValue: 'AAH/' },
    { bytesValue: 'AAH_' },
    { bytesValue: '' },
    {},
    { stringValue: '' },
  ]
  const attributes = values.map((value, i) => ({ key: String(i), value }))
  expect(spanOf({ ...SPAN, attributes })?.attributes.map((attribute) => attribute.value)).toEqual([
    { doubleValue: 'NaN' },
    { doubleValue: '-Infinity' },
    { doubleValue: 1.5 },
    { doubleValue: 7 },
    { bytesValue: 'AAH/' },
    { bytesValue: 'AAH/' },
    { bytesValue: '' },
    {},
    { stringValue: '' },
  ])
})

test('of a repeated key the last counts, in both encodings', () => {
  const request = tracesOf('shop', [{ ...SPAN, attributes: [kv('a', 1), kv('b', true), kv('a', 'last')] }])
  const rows = transcodeTracesJson(Buffer.from(JSON.stringify(request)), RECEIVED)
  expect(readSpans(rows)[0]?.attributes).toEqual([kv('b', true), kv('a', 'last')])
  expect(rows).toEqual(transcodeTraces(encodeTraces(request), RECEIVED))
})

test('a link with empty or short ids is kept, and only a whole target gets a backlink', () => {
  const links = [{}, { traceId: 'abcd', spanId: 'ef' }, { traceId: 'AB'.repeat(16), spanId: 'cd'.repeat(8) }]
  const rows = transcoded({ spans: [{ ...SPAN, links }] })
  expect(
    readLinks(rows).map(({ direction, traceId, spanId, peerTraceId, peerSpanId, ordinal }) => ({
      direction,
      traceId,
      spanId,
      peerTraceId,
      peerSpanId,
      ordinal,
    })),
  ).toEqual([
    { direction: 'out', ...SPAN, peerTraceId: '0'.repeat(32), peerSpanId: '0'.repeat(16), ordinal: 0 },
    { direction: 'out', ...SPAN, peerTraceId: 'abcd'.padEnd(32, '0'), peerSpanId: 'ef'.padEnd(16, '0'), ordinal: 1 },
    { direction: 'out', ...SPAN, peerTraceId: 'ab'.repeat(16), peerSpanId: 'cd'.repeat(8), ordinal: 2 },
    {
      direction: 'in',
      traceId: 'ab'.repeat(16),
      spanId: 'cd'.repeat(8),
      peerTraceId: SPAN.traceId,
      peerSpanId: SPAN.spanId,
      ordinal: 2,
    },
  ])
})

test('what is no OTLP/JSON is an error that names the field', () => {
  const errors = [
    ['', 'body is not JSON'],
    ['{', 'body is not JSON'],
    ['[]', 'message must be an object, got an array'],
    ['null', 'message must be an object, got null'],
    ['{"resourceSpans":{}}', 'resourceSpans must be an array, got an object'],
    ['{"resourceSpans":[1]}', 'message must be an object, got 1'],
    [spanText({ name: 1 }), 'name must be a string, got 1'],
    [spanText({ traceId: 5 }), 'traceId must be a string of hex digits, got 5'],
    [spanText({ startTimeUnixNano: 'soon' }), 'startTimeUnixNano must be an integer, or one in a string, got "soon"'],
    [spanText({ startTimeUnixNano: '-1' }), 'startTimeUnixNano must be between 0 and'],
    [spanText({ endTimeUnixNano: '18446744073709551616' }), 'endTimeUnixNano must be between 0 and'],
    [spanText({ endTimeUnixNano: 1.5 }), 'endTimeUnixNano must be an integer'],
    [spanText({ flags: 2 ** 32 }), 'flags must be between 0 and 4294967295'],
    [spanText({ kind: 'PRODUCER' }), 'kind must be an integer'],
    [spanText({ status: [] }), 'status must be an object'],
    [spanText({ attributes: [{ key: 'a', value: { bytesValue: 'no base64!' } }] }), 'bytesValue must be base64'],
    [spanText({ attributes: [{ key: 'a', value: { boolValue: 'true' } }] }), 'boolValue must be true or false'],
    [spanText({ attributes: [{ key: 'a', value: { doubleValue: 'one' } }] }), 'doubleValue must be a number'],
  ] as const
  for (const [text, message] of errors) {
    expect(() => transcodeTracesJson(Buffer.from(text), RECEIVED)).toThrow(message)
    expect(() => transcodeTracesJson(Buffer.from(text), RECEIVED)).toThrow(OtlpError)
  }
  expect(() => transcodeTracesJson(Buffer.from([0x22, 0xff, 0x22]), RECEIVED)).toThrow('body is not UTF-8')
})

test('JSON nested without end is an error', () => {
  const deep = (depth: number): string =>
    spanText({ attributes: [] }).replace(
      '"attributes":[]',
      `"attributes":[{"key":"a","value":${'{"arrayValue":{"values":['.repeat(depth)}${']}}'.repeat(depth)}}]`,
    )
  expect(transcodeTracesJson(Buffer.from(deep(60)), RECEIVED).spanCount).toBe(1)
  for (const depth of [70, 1000, 200_000]) {
    expect(() => transcodeTracesJson(Buffer.from(deep(depth)), RECEIVED)).toThrow(
      expect.objectContaining({ code: 'too-deep' }),
    )
    // A long integer takes the parser that recurses.
    const withLong = deep(depth).replace('"key":"a"', '"key":"a","n":1234567890123456789')
    expect(() => transcodeTracesJson(Buffer.from(withLong), RECEIVED)).toThrow(
      expect.objectContaining({ code: 'too-deep' }),
    )
  }
})

function transcoded(scopeSpans: object): TraceRows {
  return transcodeTracesJson(Buffer.from(JSON.stringify({ resourceSpans: [{ scopeSpans: [scopeSpans] }] })), RECEIVED)
}

function spanOf(span: object): SpanRow | undefined {
  return readSpans(transcoded({ spans: [span] }))[0]
}

function spanText(fields: object): string {
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ ...SPAN, ...fields }] }] }] })
}
