import { expect, test } from 'vitest'
import { messagingNames, operationAliases } from './semconv.ts'

test('no name stands for two things', () => {
  const names = Object.values(messagingNames).flat()
  expect(new Set(names).size).toBe(names.length)
})

test.each([
  ['publish', 'send'],
  ['deliver', 'process'],
  ['poll', 'receive'],
  ['commit', 'settle'],
])('%s is an older word for %s', (word, operation) => {
  expect(operationAliases[word]).toBe(operation)
})
