import { expect, test } from 'vitest'
import type { ReceivedMessage } from '../core/source.ts'
import { countOnce, isCounted } from './counted-messages.ts'

/** Messages as kafkajs delivers them: those of one record batch share `batchContext`. */
const batchOf = (from: number, to: number): ReceivedMessage[] => {
  const batchContext = { firstOffset: String(from) }
  return Array.from({ length: to - from + 1 }, (_, i) => Object.freeze({ offset: String(from + i), batchContext }))
}

const counted = (messages: readonly ReceivedMessage[]): unknown[] => {
  const offsets: unknown[] = []
  countOnce(messages, (message, i) => {
    expect(message).toBe(messages[i])
    offsets.push(message.offset)
  })
  return offsets
}

test('a message without a record batch is counted once per object', () => {
  const [one, other] = [{ offset: '1' }, { offset: '1' }]
  expect(isCounted(one)).toBe(false)
  expect(counted([one, one])).toEqual(['1'])
  expect(counted([one, other])).toEqual(['1'])
  expect([one, other].map(isCounted)).toEqual([true, true])
})

test('messages of a record batch are counted once each when the batch is passed in slices', () => {
  const [first, second] = [batchOf(0, 4), batchOf(5, 6)]
  expect(counted([...first.slice(0, 2), ...second])).toEqual(['0', '1', '5', '6'])
  expect(first.map(isCounted)).toEqual([true, true, false, false, false])
  expect(counted(first)).toEqual(['2', '3', '4'])
  expect(counted([...first, ...second, ...batchOf(5, 6)])).toEqual(['5', '6'])
})
