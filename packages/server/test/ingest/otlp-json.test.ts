import { encodeTraces, kv, tracesOf } from '@spanlink/testkit/otlp'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arbitraryTraces } from './arbitrary-traces.ts'
import { OtlpError } from '../../src/otlp/error.ts'
import { transcodeLogsJson, transcodeTraces, transcodeTracesJson, type TraceRows } from '../signals/transcode.ts'
import { readSpans, type SpanRow } from './row-binary.ts'

const RECEIVED = 1_800_000_000
const SPAN = { traceId: '0102030405060708090a0b0c0d0e0f10', spanId: '1112131415161718' }

test('OTLP/JSON ids are hex digits in upper or lower case', () => {
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

test.each([
  [
    { traceId: 'W47/95gDgQPSabYzgT/GDA==' },
    'traceId must be a string of hex digits, two a byte, got "W47/95gDgQPSabYzgT/GDA=="',
  ],
  [{ spanId: '123' }, 'spanId must be a string of hex digits, two a byte, got "123"'],
  [{ spanId: '1234' }, 'span id has 2 bytes, not 8'],
  [{ parentSpanId: 'no hex' }, 'parentSpanId must be a string of hex digits, two a byte, got "no hex"'],
  [{ parentSpanId: '1234' }, 'parent span id has 2 bytes, not 8'],
  [{ links: [{}, { traceId: 'no hex' }] }, 'traceId must be a string of hex digits, two a byte, got "no hex"'],
  [{ links: [{}, { traceId: 'abcd' }] }, 'link 1: trace id has 2 bytes, not 16'],
  [{ links: [{ traceId: 'ab'.repeat(16), spanId: 'ef' }] }, 'link 0: span id has 1 bytes, not 8'],
])('the invalid id of %j rejects only its span, with a message', (fields, message) => {
  const rows = transcoded({ spans: [{ ...SPAN, ...fields }, SPAN] })
  expect(rows).toMatchObject({ spanCount: 1, rejectedSpans: 1, rejectReason: `span 0 of the request: ${message}` })
})

test('64-bit integers in OTLP/JSON are exact as strings and as numbers', () => {
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

test('OTLP/JSON enums are read as integers or names, and an unknown value is 0', () => {
  expect(spanOf({ ...SPAN, kind: 4, status: { code: 2 } })).toMatchObject({ kind: 4, status: 2 })
  expect(spanOf({ ...SPAN, kind: 'SPAN_KIND_PRODUCER', status: { code: 'STATUS_CODE_ERROR' } })).toMatchObject({
    kind: 4,
    status: 2,
  })
  expect(spanOf({ ...SPAN, kind: 99, status: { code: -1 } })).toMatchObject({ kind: 0, status: 0 })
})

test('OTLP/JSON fields are read in camelCase and snake_case; unknown fields and nulls are ignored', () => {
  const span = { ...SPAN, name: null, start_time_unix_nano: '5', links: null, trace_state: 'a=b', new: { field: [1] } }
  expect(spanOf(span)).toMatchObject({ name: '', start: 5n, traceState: 'a=b' })
  expect(spanOf({ ...SPAN, __proto__x: 1, constructor: 'x', toString: 3 })).toMatchObject({ name: '' })
})

test('escapes in JSON names and values are decoded, and a lone surrogate becomes U+FFFD', () => {
  const text = spanText({ name: 'NAME' }).replace(
    '"name":"NAME"',
    '"n\\u0061me":"\\"\\/\\u00e9\\n\\ud83d\\ude00\\ud800x"',
  )
  expect(readSpans(transcodeTracesJson(Buffer.from(text), RECEIVED))[0]?.name).toBe('"/\u00e9\n\u{1f600}\ufffdx')
})

test('a repeated JSON member keeps its last value, and repeated lists are joined', () => {
  const text = spanText({}).replace(
    `"spanId":"${SPAN.spanId}"`,
    `"spanId":"00","spanId":"${SPAN.spanId}","attributes":[{"key":"a"}],"attributes":[{"key":"b"}]`,
  )
  const [span] = readSpans(transcodeTracesJson(Buffer.from(text), RECEIVED))
  expect(span).toMatchObject({ spanId: SPAN.spanId, attributes: [{ key: 'a' }, { key: 'b' }] })
})

test('the order of JSON members does not change the rows', () => {
  fc.assert(
    fc.property(arbitraryTraces(), fc.infiniteStream(fc.nat()), (request, random) => {
      const shuffled = JSON.stringify(shuffledMembers(request, random))
      const rows = transcodeTracesJson(Buffer.from(shuffled), RECEIVED)
      expect(rows).toEqual(transcodeTracesJson(Buffer.from(JSON.stringify(request)), RECEIVED))
    }),
    { numRuns: 200 },
  )
})

test('OTLP/JSON reads doubles as numbers or names, bytes as base64, and keeps empty values', () => {
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

test('a repeated attribute key keeps its last value in protobuf and JSON', () => {
  const request = tracesOf('shop', [{ ...SPAN, attributes: [kv('a', 1), kv('b', true), kv('a', 'last')] }])
  const rows = transcodeTracesJson(Buffer.from(JSON.stringify(request)), RECEIVED)
  expect(readSpans(rows)[0]?.attributes).toEqual([kv('b', true), kv('a', 'last')])
  expect(rows).toEqual(transcodeTraces(encodeTraces(request), RECEIVED))
})

test('a link with empty ids is stored, with zeros', () => {
  const links = [{}, { traceId: '', spanId: '00'.repeat(8) }, { traceId: 'AB'.repeat(16), spanId: 'cd'.repeat(8) }]
  const rows = transcoded({ spans: [{ ...SPAN, links }] })
  const empty = { traceId: '0'.repeat(32), spanId: '0'.repeat(16) }
  const whole = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) }
  expect(readSpans(rows)[0]?.links).toMatchObject([empty, empty, whole])
})

test.each([
  ['', 'body is not JSON'],
  ['{', 'body is not JSON'],
  ['{}x', 'body is not JSON: byte 2 is x, expected the end'],
  ['{"x":01}', 'body is not JSON'],
  ['{"x":[1 2]}', 'body is not JSON'],
  ['{"x":"\u0001"}', 'body is not JSON'],
  [`{"x":1${'1'.repeat(2000)}}`, 'number of more than 1000 bytes'],
  ['[]', 'message must be an object, got an array'],
  ['null', 'message must be an object, got null'],
  ['{"resourceSpans":{}}', 'resourceSpans must be an array, got an object'],
  ['{"resourceSpans":[1]}', 'message must be an object, got 1'],
  [spanText({ name: 'NAME' }).replace('"NAME"', '"\\x"'), 'invalid escape'],
])('the body %j is rejected with the reason "%s"', (text, message) => {
  expect(() => transcodeTracesJson(Buffer.from(text), RECEIVED)).toThrow(message)
  expect(() => transcodeTracesJson(Buffer.from(text), RECEIVED)).toThrow(OtlpError)
})

test('an OTLP/JSON body that is not UTF-8 is rejected', () => {
  expect(() => transcodeTracesJson(Buffer.from([0x22, 0xff, 0x22]), RECEIVED)).toThrow('body is not UTF-8')
})

test.each([
  [{ name: 1 }, 'name must be a string, got 1'],
  [{ traceId: 5 }, 'traceId must be a string of hex digits, two a byte, got 5'],
  [{ startTimeUnixNano: 'soon' }, 'startTimeUnixNano must be an integer, or one in a string, got "soon"'],
  [{ startTimeUnixNano: '-1' }, 'startTimeUnixNano must be between 0 and'],
  [{ endTimeUnixNano: '18446744073709551616' }, 'endTimeUnixNano must be between 0 and'],
  [{ endTimeUnixNano: 1.5 }, 'endTimeUnixNano must be an integer'],
  [{ flags: 2 ** 32 }, 'flags must be between 0 and 4294967295'],
  [{ kind: 'PRODUCER' }, 'kind must be an integer'],
  [{ status: [] }, 'status must be an object'],
  [{ attributes: [{ key: 'a', value: { bytesValue: 'no base64!' } }] }, 'bytesValue must be base64'],
  [{ attributes: [{ key: 'a', value: { boolValue: 'true' } }] }, 'boolValue must be true or false'],
  [{ attributes: [{ key: 'a', value: { doubleValue: 'one' } }] }, 'doubleValue must be a number'],
])('the invalid value of %j rejects only its span, with a message', (fields, message) => {
  const rows = transcoded({ spans: [SPAN, { ...SPAN, ...fields }, SPAN] })
  expect(rows).toMatchObject({ spanCount: 2, rejectedSpans: 1 })
  expect(rows.rejectReason).toContain(`span 1 of the request: ${message}`)
})

test.each([66, 70, 1000, 200_000])('an attribute nested %i levels deep rejects only its span', (depth) => {
  const deep = `{"key":"a","value":${'{"arrayValue":{"values":['.repeat(depth)}${']}}'.repeat(depth)}}`
  const text = JSON.stringify({
    resourceSpans: [{ scopeSpans: [{ spans: [SPAN, { ...SPAN, attributes: ['DEEP'] }, SPAN] }] }],
  }).replace('"DEEP"', deep)
  const rows = transcodeTracesJson(Buffer.from(text), RECEIVED)
  expect(rows).toMatchObject({ spanCount: 2, rejectedSpans: 1 })
  expect(rows.rejectReason).toContain('span 1 of the request: ')
})

test('an attribute nested 64 levels deep is stored', () => {
  const nested = (depth: number): object => (depth === 0 ? {} : { arrayValue: { values: [nested(depth - 1)] } })
  expect(transcoded({ spans: [{ ...SPAN, attributes: [{ key: 'a', value: nested(64) }] }] }).spanCount).toBe(1)
})

test.each([
  ['resource', { resource: { attributes: [{ key: 5 }] }, scopeSpans: [{ spans: [SPAN, SPAN] }] }],
  ['scope', { scopeSpans: [{ spans: [SPAN, SPAN], scope: { name: {} } }] }],
])('an invalid %s rejects only its spans', (_, broken) => {
  const good = { scopeSpans: [{ spans: [SPAN] }] }
  const body = Buffer.from(JSON.stringify({ resourceSpans: [good, broken, good] }))
  expect(transcodeTracesJson(body, RECEIVED)).toMatchObject({ spanCount: 2, rejectedSpans: 2, sourceCount: 1 })
})

test('a log record with an invalid trace id is stored without it and reported', () => {
  const logRecords = [{ body: { stringValue: 'a' }, traceId: 'no hex', spanId: SPAN.spanId }, { traceId: 'abcd' }]
  const body = Buffer.from(JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }))
  const rows = transcodeLogsJson(body, RECEIVED)
  expect(rows).toMatchObject({ logCount: 2, rejectedLogs: 0 })
  expect(rows.rejectReason).toMatch(/^log record 0 of the request: stored without traceId/)
})

/** The same value with the members of each object in another order. */
function shuffledMembers(value: unknown, random: Iterator<number>): unknown {
  if (Array.isArray(value)) return value.map((element) => shuffledMembers(element, random))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([name, member]) => ({
    name,
    member: shuffledMembers(member, random),
    position: random.next().value as number,
  }))
  members.sort((one, other) => one.position - other.position)
  return Object.fromEntries(members.map(({ name, member }) => [name, member]))
}

function transcoded(scopeSpans: object): TraceRows {
  return transcodeTracesJson(Buffer.from(JSON.stringify({ resourceSpans: [{ scopeSpans: [scopeSpans] }] })), RECEIVED)
}

function spanOf(span: object): SpanRow | undefined {
  return readSpans(transcoded({ spans: [span] }))[0]
}

function spanText(fields: object): string {
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ ...SPAN, ...fields }] }] }] })
}
