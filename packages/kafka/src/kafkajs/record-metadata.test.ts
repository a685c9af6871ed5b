import type { PartitionerArgs, RecordMetadata as KafkaJSMetadata } from 'kafkajs'
import { expect, test } from 'vitest'
import { resolveBatchMetadata, createPartitionWatcher } from './record-metadata.ts'

const byValue = (): ReturnType<typeof createPartitionWatcher> =>
  createPartitionWatcher(
    Object.freeze({ createPartitioner: () => (args: PartitionerArgs) => Number(args.message.value) }),
  )

const message = (value: string) => ({ value })
const metadata = (...entries: [topic: string, partition: number, baseOffset: string][]): KafkaJSMetadata[] =>
  entries.map(([topicName, partition, baseOffset]) => ({ topicName, partition, baseOffset, errorCode: 0 }))

function partitioned(watched: ReturnType<typeof byValue>, messages: readonly { value: string }[]): void {
  const partitioner = watched.config!.createPartitioner!()
  for (const one of messages) {
    watched.watch(one)
    partitioner({ topic: 't', partitionMetadata: [], message: one })
  }
}

test('offsets count up from the base offset of their partition in send order, over all entries of a topic', () => {
  const watched = byValue()
  const first = [message('0'), message('1'), message('0')]
  const second = [message('1')]
  partitioned(watched, [...first, ...second])
  const sends = [
    { topic: 't', messages: first },
    { topic: 't', messages: second },
  ]
  expect(resolveBatchMetadata(sends, metadata(['t', 0, '10'], ['t', 1, '20']), watched)).toEqual([
    [
      { partition: 0, offset: 10n },
      { partition: 1, offset: 20n },
      { partition: 0, offset: 11n },
    ],
    [{ partition: 1, offset: 21n }],
  ])
})

test('without a watched partitioner, offsets are resolved only when all messages went to one partition', () => {
  const unwatched = createPartitionWatcher(undefined)
  const sends = [{ topic: 't', messages: [message('a'), message('b')] }]
  expect(resolveBatchMetadata(sends, metadata(['t', 3, '7']), unwatched)).toEqual([
    [
      { partition: 3, offset: 7n },
      { partition: 3, offset: 8n },
    ],
  ])
  expect(resolveBatchMetadata(sends, metadata(['t', 0, '7'], ['t', 1, '7']), unwatched)).toEqual([
    [{ partition: undefined }, { partition: undefined }],
  ])
  expect(resolveBatchMetadata(sends, [], unwatched)).toEqual([[{ partition: undefined }, { partition: undefined }]])
})

test('a message that a retry sent to another partition has no partition', () => {
  let next = 0
  const watched = createPartitionWatcher({ createPartitioner: () => () => next++ })
  const partitioner = watched.config!.createPartitioner!()
  const one = message('x')
  watched.watch(one)
  partitioner({ topic: 't', partitionMetadata: [], message: one })
  expect(watched.getPartition(one)).toBe(0)
  expect(watched.getRetryCount(one)).toBe(0)
  partitioner({ topic: 't', partitionMetadata: [], message: one })
  expect(watched.getPartition(one)).toBeUndefined()
  expect(watched.getRetryCount(one)).toBe(1)
})

test('an offset of -1 from the broker is left out', () => {
  const sends = [{ topic: 't', messages: [message('a')] }]
  expect(resolveBatchMetadata(sends, metadata(['t', 0, '-1']), createPartitionWatcher(undefined))).toEqual([
    [{ partition: 0 }],
  ])
})
