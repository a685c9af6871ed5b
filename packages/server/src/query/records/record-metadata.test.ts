import type { RecordMetadata } from '@spanlink/api-schema'
import { expect, test } from 'vitest'
import { mergeRecords, resolveRecord, UNKNOWN_RECORD } from './record-metadata.ts'

const record = (known: Partial<RecordMetadata>): RecordMetadata => ({ ...UNKNOWN_RECORD, ...known })

test.each([
  [
    'current names',
    [
      ['kafka.cluster.id', 'c1'],
      ['messaging.destination.name', 'orders'],
      ['messaging.destination.partition.id', '3'],
      ['kafka.offset', '1042'],
      ['kafka.message.key', 'k'],
    ],
  ],
  [
    'names of kotel',
    [
      ['messaging.kafka.cluster.id', 'c1'],
      ['messaging.source.name', 'orders'],
      ['messaging.kafka.source.partition', '3'],
      ['messaging.kafka.message.offset', '1042'],
      ['messaging.kafka.message.key', 'k'],
    ],
  ],
] as const)('record metadata is read from attributes with %s', (_, attributes) => {
  expect(resolveRecord(attributes)).toEqual({
    cluster: 'c1',
    topic: 'orders',
    partition: '3',
    offset: '1042',
    key: 'k',
  })
})

test('an older attribute name is used when the newer one is empty', () => {
  const attributes = [
    ['kafka.offset', ''],
    ['messaging.kafka.offset', '7'],
  ] as const
  expect(resolveRecord(attributes)).toEqual(record({ offset: '7' }))
})

test('a field that is missing on the link is taken from the consumer span, then from the producer span', () => {
  const link = record({ offset: '7' })
  const consumer = record({ topic: 'orders', partition: '3' })
  const producer = record({ topic: 'orders', key: 'k' })
  expect(mergeRecords([link, consumer, producer])).toEqual(
    record({ topic: 'orders', partition: '3', offset: '7', key: 'k' }),
  )
})

test('a span of another topic or offset adds nothing to the record of a link', () => {
  const link = record({ topic: 'orders', offset: '7' })
  const other = record({ topic: 'orders-retry', partition: '3', key: 'k' })
  expect(mergeRecords([link, other, undefined, record({ offset: '8', key: 'j' })])).toEqual(link)
})
