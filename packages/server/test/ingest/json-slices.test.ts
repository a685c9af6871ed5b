import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OtlpError } from '../../src/otlp/error.ts'
import { LOGS, METRICS, TRACES } from '../../src/otlp/json/requests.ts'
import { JsonReader } from '../../src/otlp/json/reader.ts'
import { openJson, writeProtobuf } from '../../src/otlp/json/transcode-json.ts'
import { MAX_ITEM_BYTES } from '../../src/otlp/limits.ts'
import { Rejections } from '../../src/otlp/rejections.ts'
import { RowWriter } from '../../src/otlp/row-writer.ts'
import { runSteps, SLICE_BYTES, type Steps } from '../../src/otlp/steps.ts'
import { transcodeZipkin } from '../../src/otlp/zipkin/transcode-zipkin.ts'
import { arbitraryTraces } from './arbitrary-traces.ts'

/** Larger than any slice. */
const BODY_BYTES = 12 * 1024 * 1024

/** White space and the token at the end of a slice are never split. */
const OVER_BYTES = 2 * 1024 * 1024

const SPAN = '{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"1112131415161718",'
const toSpans = '{"resourceSpans":[{"scopeSpans":[{"spans":['
const toPoints = '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":['

const small = SLICE_BYTES + OVER_BYTES
const item = MAX_ITEM_BYTES + small

test.each([
  ['arrays in arrays', TRACES, '{"x":', '[', '', small],
  ['empty objects', TRACES, '{"x":[', '{},', '{}]}', small],
  ['an array behind a long integer', TRACES, '{"a":1234567890123456789,"x":[', '1,', '1]}', small],
  ['white space', TRACES, '{', ' ', '}', small],
  ['a long string', TRACES, '{"x":"', 'a', '"}', small],
  ['a long name', TRACES, '{"', 'a', '":1}', small],
  ['a long number', TRACES, '{"x":', '1', '}', small],
  ['empty resources', TRACES, '{"resourceSpans":[', '{},', '{}]}', small],
  ['empty spans', TRACES, toSpans, '{},', '{}]}]}]}', small],
  ['numbers in place of spans', TRACES, toSpans, '1,', '1]}]}]}', small],
  ['a span of arrays in arrays', TRACES, `${toSpans}${SPAN}"attributes":[{"key":"a","value":`, '[', '', item],
  ['a span with a long name', TRACES, `${toSpans}${SPAN}"name":"`, 'a', '"}]}]}]}', item],
  ['a span with many attributes', TRACES, `${toSpans}${SPAN}"attributes":[`, '{},', '{}]}]}]}]}', item],
  ['a span with unknown members', TRACES, `${toSpans}${SPAN}"x":[`, '[],', '[]]}]}]}]}', item],
  ['empty log records', LOGS, '{"resourceLogs":[{"scopeLogs":[{"logRecords":[', '{},', '{}]}]}]}', small],
  ['empty metrics', METRICS, '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[', '{},', '{}]}]}]}', small],
  ['empty points', METRICS, toPoints, '{},', '{}]}}]}]}]}', small],
] as const)(
  '12 MiB of %s in OTLP JSON are parsed in slices of bounded size',
  (_, request, head, unit, tail, maxBytes) => {
    const json = new JsonReader(bodyOf(head, unit, tail))
    const steps = writeProtobuf(json, new RowWriter(), request, new Rejections('item'))
    const slices: number[] = []
    for (let from = 0, done = false; !done; from = json.pos) {
      done = step(steps)
      // An item that is rejected is read again from its start, to step over it.
      slices.push(Math.abs(json.pos - from))
    }
    expect(Math.max(...slices)).toBeLessThan(maxBytes)
  },
  120_000,
)

test('12 MiB of empty Zipkin spans are parsed in slices', () => {
  const steps = transcodeZipkin(bodyOf('[', '{},', '{}]'), 1_800_000_000)
  let slices = 0
  const read = (): void => {
    while (steps.next().done !== true) slices++
  }
  expect(read).toThrow('span 0 of the request: traceId must be 1 to 32 hex digits')
  expect(slices).toBeGreaterThan(BODY_BYTES / SLICE_BYTES / 2)
}, 120_000)

test('an OTLP JSON body is converted to the same protobuf wherever its slices end', () => {
  fc.assert(
    fc.property(arbitraryTraces(), fc.nat({ max: 400 }), (request, spaces) => {
      const plain = Buffer.from(JSON.stringify(request))
      // White space moves everything behind it over the end of a slice.
      const pad = Math.max(0, SLICE_BYTES - spaces)
      const padded = Buffer.concat([plain.subarray(0, 1), Buffer.alloc(pad, ' '), plain.subarray(1)])
      expect(protobufOf(padded)).toEqual(protobufOf(plain))
    }),
    { numRuns: 100 },
  )
})

/** True after the last slice, also when the body is not OTLP. */
function step(steps: Steps<void>): boolean {
  try {
    return steps.next().done === true
  } catch (error) {
    if (error instanceof OtlpError) return true
    throw error
  }
}

function protobufOf(body: Buffer): Buffer {
  const out = new RowWriter()
  runSteps(writeProtobuf(openJson(body), out, TRACES, new Rejections('span')))
  return Buffer.from(out.bytes.subarray(0, out.pos))
}

function bodyOf(head: string, unit: string, tail: string): Buffer {
  const body = Buffer.alloc(BODY_BYTES, ' ')
  const units = Math.floor((BODY_BYTES - head.length - tail.length) / unit.length)
  const end = head.length + units * unit.length
  body.write(head)
  body.fill(unit, head.length, end)
  body.write(tail, end)
  return body.subarray(0, end + tail.length)
}
