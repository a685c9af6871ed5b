import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergeMetadata, toRecordMetadata, resolveSharedMetadata } from './record-metadata.ts'

const record = (partition: number, baseOffset: string | undefined) => ({
  topicName: 'orders',
  partition,
  errorCode: 0,
  ...(baseOffset === undefined ? {} : { baseOffset }),
})
const records = fc.array(fc.record({ partition: fc.nat(3), offset: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }) }))

test('a merged answer has each partition once, in the order they were met, with the least offset', () => {
  fc.assert(
    fc.property(records, (places) => {
      const merged = mergeMetadata(places.map(({ partition, offset }) => [record(partition, String(offset))]))
      expect(merged.map(({ partition }) => partition)).toEqual([...new Set(places.map(({ partition }) => partition))])
      for (const { partition, baseOffset } of merged) {
        const offsets = places.filter((place) => place.partition === partition).map(({ offset }) => offset)
        expect(BigInt(baseOffset!)).toBe(offsets.reduce((least, offset) => (offset < least ? offset : least)))
      }
    }),
  )
})

test('a record without an offset leaves its partition without one', () => {
  const merged = mergeMetadata([[record(0, '5')], [record(0, undefined)], [record(0, '1')], [record(1, '7')]])
  expect(merged.map(({ partition, baseOffset }) => [partition, baseOffset])).toEqual([
    [0, undefined],
    [1, '7'],
  ])
})

test('places of messages are in their order, and empty where there was no answer', () => {
  expect(toRecordMetadata([[record(2, '9')], [], [record(0, '1')]])).toEqual([
    { partition: 2, offset: '9' },
    undefined,
    { partition: 0, offset: '1' },
  ])
})

test('one answer for many messages tells their partition, and the offset of a single message only', () => {
  expect(resolveSharedMetadata([record(1, '4')], 1)).toEqual([{ partition: 1, offset: '4' }])
  expect(resolveSharedMetadata([record(1, '4')], 2)).toEqual([{ partition: 1 }, { partition: 1 }])
  expect(resolveSharedMetadata([record(1, '4'), record(2, '4')], 2)).toBeUndefined()
  expect(resolveSharedMetadata([], 1)).toBeUndefined()
})
