import type { KeyValue } from '@spanlink/api-schema'
import { encodeTraces, type OtlpKeyValue, tracesOf } from '@spanlink/testkit/otlp'
import { expect, test } from 'vitest'
import { transcodeTraces } from '../signals/transcode.ts'
import { readSpans } from './row-binary.ts'

const SPAN = { traceId: '0102030405060708090a0b0c0d0e0f10', spanId: '1112131415161718' }

function stored(attributes: OtlpKeyValue[]): readonly KeyValue[] | undefined {
  const rows = transcodeTraces(encodeTraces(tracesOf('shop', [{ ...SPAN, attributes }])), 1_800_000_000)
  return readSpans(rows)[0]?.attributes
}

test('10,000 attributes with distinct keys are all stored', () => {
  const attributes = Array.from({ length: 10_000 }, (_, i) => ({ key: `key.${i}`, value: { intValue: String(i) } }))
  expect(stored(attributes)).toEqual(attributes)
})

test('a repeated attribute key keeps its last value and type beside any number of other keys', () => {
  for (const count of [0, 1, 9, 200, 10_000]) {
    const others = Array.from({ length: count }, (_, i) => ({ key: `other.${i}`, value: { boolValue: true } }))
    const last = [
      { key: 'key', value: { intValue: '7' } },
      { key: '', value: { stringValue: 'last' } },
    ]
    const first = [
      { key: 'key', value: { boolValue: false } },
      { key: '', value: { doubleValue: 0.5 } },
    ]
    expect(stored([...first, ...others, ...last])).toEqual([...others, ...last])
    expect(stored([...first, ...last.slice(1)])).toEqual([first[0], last[1]])
  }
})

test('integer attributes of every number of digits are stored exactly', () => {
  const powers = Array.from({ length: 19 }, (_, digits) => 10n ** BigInt(digits))
  const edges = [...powers, 2n ** 28n, 2n ** 31n, 2n ** 49n, 2n ** 53n, 2n ** 63n]
  const numbers = [...edges.flatMap((edge) => [edge - 1n, -edge]), 7n, 2n ** 28n, 123_456_789n]
  const attributes = numbers.map((number, i) => ({ key: `key.${i}`, value: { intValue: String(number) } }))
  expect(stored(attributes)).toEqual(attributes)
})
