import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { span } from '../../../test/spans.ts'
import { response } from '../../../test/spans.ts'
import { formatAttribute, getAttributeType } from './attribute.ts'
import { formatAge, formatTimeWithZone, formatUtcOffset } from './time.ts'
import { formatDuration } from './duration.ts'
import { findSpans } from '../../trace/model/find-spans.ts'
import { describeMissingSpans, describeMissingTarget } from '../../trace/model/missing-messages.ts'
import { hasSeveralClusters, formatRecordPath, formatRecord } from './record.ts'
import { serviceColor } from '../service-color.ts'
import { buildTraceModel } from '../../trace/model/trace-model.ts'
import { sanitizeBlock, sanitizeText } from './sanitize.ts'

describe('a duration', () => {
  test.each([
    [0, '0'],
    [999, '999 ns'],
    [1500, '1.5 µs'],
    [15_100_000, '15.1 ms'],
    [999_900_000, '1 s'],
    [125e9, '2m 5s'],
    [3600e9, '1h'],
    [3659.7e9, '1h 1m'],
    [90 * 3600e9, '3d 18h'],
    [-3e6, '−3 ms'],
  ])('of %d ns is formatted as %s', (nanos, text) => {
    expect(formatDuration(nanos)).toBe(text)
  })

  test('of any length is formatted in at most two units and never as NaN', () => {
    fc.assert(
      fc.property(fc.double({ min: -(2 ** 64), max: 2 ** 64, noNaN: true }), (nanos) => {
        expect(formatDuration(nanos)).toMatch(/^0$|^−?\d+(\.\d+)?( (ns|µs|ms|s)|(m|h|d)( \d+(s|m|h))?)$/)
      }),
    )
  })
})

test('the exact time of a tooltip names the offset of its zone', () => {
  expect(formatTimeWithZone('1760000000000000000')).toMatch(
    /^\d{4}-\d\d-\d\d [\d:]{8}\.0{9} UTC(?:[+-]\d+(?::\d\d)?)?$/,
  )
  expect([0, 60, 330, -210].map(formatUtcOffset)).toEqual(['UTC', 'UTC+1', 'UTC+5:30', 'UTC-3:30'])
})

test('an age is formatted, also one in the future', () => {
  expect(formatAge(0, 12_000)).toBe('12 s ago')
  expect(formatAge(3000, 0)).toBe('in 3 s')
  expect(formatAge(0, 5_400_000)).toBe('1h 30m ago')
  expect(formatAge(0, 10 * 86_400_000)).toBe('10d ago')
})

describe('untrusted text', () => {
  test('has visible symbols for control characters and direction marks', () => {
    expect(sanitizeText('a\u0000b\nc\u202Ed\u007f')).toBe('a␀b␊c⟨202E⟩d␡')
    expect(sanitizeBlock('a\nb\tc\u0007', 100)).toBe('a\nb\tc␇')
  })

  test('is truncated to well-formed Unicode at any length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.integer({ min: 0, max: 50 }), (text, maxLength) => {
        const shown = sanitizeText(text, maxLength)
        expect(shown.isWellFormed()).toBe(true)
        expect(shown).not.toMatch(/\p{Cc}/u)
      }),
    )
    expect(sanitizeText('x'.repeat(1_000_000)).length).toBe(301)
  })
})

test('a service has one colour, which is never the red of errors', () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const { hue } = serviceColor(name)
      expect(serviceColor(name)).toEqual(serviceColor(name))
      expect(hue >= 45 && hue <= 350).toBe(true)
    }),
  )
  const shop = ['gateway', 'payment', 'inventory', 'shipping', 'e-mail', 'fraud']
  expect(new Set(shop.map((name) => serviceColor(name).hue)).size).toBe(shop.length)
})

test('attribute values of every OTLP type are formatted as text', () => {
  const nested = { arrayValue: { values: [{ stringValue: 'a "b"' }, { intValue: '9007199254740993' }] } }
  expect(formatAttribute({ stringValue: 'plain' })).toBe('plain')
  expect(formatAttribute(nested)).toBe('["a \\"b\\"", 9007199254740993]')
  expect(formatAttribute({ kvlistValue: { values: [{ key: 'k', value: { boolValue: false } }] } })).toBe('{"k": false}')
  expect([{}, { doubleValue: 'NaN' }, { bytesValue: 'AAE=' }, nested].map(getAttributeType)).toEqual([
    'empty',
    'double',
    'bytes',
    'array',
  ])
})

describe('searching a trace', () => {
  const model = buildTraceModel(
    response([
      span(1, { name: 'POST /Orders' }),
      span(2, { parent: 1, at: 1, service: 'Payment' }),
      span(3, { parent: 1, at: 2, attributes: [{ key: 'order.id', value: { intValue: '4711' } }] }),
      span(4, {
        parent: 1,
        at: 3,
        events: [{ timeUnixNano: '0', name: 'exception', attributes: [], droppedAttributesCount: 0 }],
      }),
    ]),
  )
  test.each([
    ['orders', [0]],
    ['PAYMENT', [1]],
    ['nowhere', []],
    ['  ', []],
  ])('for %j returns the positions %j', (text, positions) => {
    expect([...findSpans(model, text)]).toEqual(positions)
  })
})

test('a message is formatted as its known topic, partition and offset', () => {
  const record = { topic: 'orders', partition: '3', offset: '1042' }
  expect(formatRecord(record)).toBe('orders · partition 3 · offset 1042')
  expect(formatRecordPath(record)).toBe('orders/3/1042')
  expect(formatRecord({ topic: '', partition: '', offset: '7' })).toBe('offset 7')
  expect(formatRecordPath({ ...record, offset: '' })).toBe('')
  expect(hasSeveralClusters([{ cluster: 'a' }, { cluster: '' }, { cluster: 'a' }])).toBe(false)
  expect(hasSeveralClusters([{ cluster: 'a' }, { cluster: 'b' }])).toBe(true)
})

test('a missing link target is explained by the sampled flag of the link', () => {
  expect(describeMissingTarget(0x301)).toContain('Sampled, but')
  expect(describeMissingTarget(0x300)).toContain('Not sampled, so')
  expect(describeMissingTarget(0)).toContain('Not found')
})

test('a trace without its root or parent spans has a message for each', () => {
  expect(describeMissingSpans(buildTraceModel(response([span(1)])))).toEqual([])
  expect(describeMissingSpans(buildTraceModel(response([span(1, { parent: 9 })])))[0]).toContain('Root span missing')
  expect(describeMissingSpans(buildTraceModel(response([span(1), span(2, { parent: 9 })])))[0]).toContain(
    '1 span without its parent',
  )
})
