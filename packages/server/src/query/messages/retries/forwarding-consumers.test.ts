import { expect, test } from 'vitest'
import type { SpanLookup } from '../messaging-spans/span-lookup.ts'
import type { StoredSpan } from '../messaging-spans/stored-span.ts'
import { findForwardingConsumers } from './forwarding-consumers.ts'

test('the consumers of a chain of retries in one trace are found without walking to its root', async () => {
  let steps = 0
  const spans = Array.from({ length: 2000 }, (_, index): StoredSpan => {
    const isSend = index % 2 === 1
    return {
      traceId: '1'.repeat(32),
      spanId: toId(index),
      get parentSpanId() {
        steps++
        return index === 0 ? '' : toId(index - 1)
      },
      service: 'payment',
      name: isSend ? 'send retry' : 'process retry',
      kind: isSend ? 'producer' : 'consumer',
      status: 'unset',
      start: BigInt(index),
      end: BigInt(index + 1),
      operation: isSend ? 'send' : 'process',
      cluster: '',
      topic: 'retry',
      partition: '',
      offset: '',
      group: 'payment',
      links: [],
    }
  })
  const sends = spans.filter(({ operation }) => operation === 'send')
  const lookup = { spansOf: async () => spans } as unknown as SpanLookup
  const consumers = await findForwardingConsumers(lookup, sends)
  expect([...consumers.values()].map(({ spanId }) => spanId)).toEqual(sends.map((_, at) => toId(2 * at)))
  expect(steps).toBeLessThan(10 * spans.length)
})

function toId(index: number): string {
  return index.toString(16).padStart(16, '0')
}
