import { expect, test } from 'vitest'
import { type NestedSends, subtractNestedSends } from './nested-sends.ts'
import type { Traffic } from './traffic.ts'

test.each([
  [true, false],
  [false, true],
])('an edge is sampled if its traffic (%s) or its nested sends (%s) are', (ofTraffic, ofNested) => {
  const ends = { service: 'shop', operation: 'send', cluster: '', topic: 'orders' }
  const traffic = {
    ...ends,
    spans: 10,
    numbers: { count: 10, errorCount: 2 },
    sampled: ofTraffic,
  } as unknown as Traffic
  const nested: NestedSends = { ...ends, count: 4, errorCount: 1, sampled: ofNested }
  expect(subtractNestedSends([traffic], [nested])).toMatchObject([
    { numbers: { count: 6, errorCount: 1 }, sampled: true },
  ])
})
