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

test('merged record metadata lists each partition once, in first-seen order, with its lowest offset', () => {
  fc.assert(
    fc.property(records, (metadata) => {
      const merged = mergeMetadata(metadata.map(({ partition, offset }) => [record(partition, String(offset))]))
      expect(merged.map(({ partition }) => partition)).toEqual([...new Set(metadata.map(({ partition }) => partition))])
      for (const { partition, baseOffset } of merged) {
        const offsets = metadata.filter((one) => one.partition === partition).map(({ offset }) => offset)
        expect(BigInt(baseOffset!)).toBe(offsets.reduce((min, offset) => (offset < min ? offset : min)))
      }
    }),
  )
})

test('merged record metadata has no offset for a partition when one of its records has none', () => {
  const merged = mergeMetadata([[record(0, '5')], [record(0, undefined)], [record(0, '1')], [record(1, '7')]])
  expect(merged.map(({ partition, baseOffset }) => [partition, baseOffset])).toEqual([
    [0, undefined],
    [1, '7'],
  ])
})

test('partitions and offsets are returned in message order, undefined for a message without metadata', () => {
  expect(toRecordMetadata([[record(2, '9')], [], [record(0, '1')]])).toEqual([
    { partition: 2, offset: '9' },
    undefined,
    { partition: 0, offset: '1' },
  ])
})

test('metadata shared by several messages gives their partition, and an offset only for a single message', () => {
  expect(resolveSharedMetadata([record(1, '4')], 1)).toEqual([{ partition: 1, offset: '4' }])
  expect(resolveSharedMetadata([record(1, '4')], 2)).toEqual([{ partition: 1 }, { partition: 1 }])
  expect(resolveSharedMetadata([record(1, '4'), record(2, '4')], 2)).toBeUndefined()
  expect(resolveSharedMetadata([], 1)).toBeUndefined()
})
