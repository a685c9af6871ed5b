import { expect, test } from 'vitest'
import { messagingNames, operationAliases } from './semconv.ts'

test('each attribute name is listed for one field only', () => {
  const names = Object.values(messagingNames).flat()
  expect(new Set(names).size).toBe(names.length)
})

test.each([
  ['publish', 'send'],
  ['deliver', 'process'],
  ['poll', 'receive'],
  ['commit', 'settle'],
])('the operation name %s is an alias of %s', (word, operation) => {
  expect(operationAliases[word]).toBe(operation)
})
