import { expect, test } from 'vitest'
import type { FlowSpanRow } from '../../flows/flow-span.ts'
import type { TraceCache } from '../trace-cache.ts'
import { findForwardingConsumers } from './forwarding-consumers.ts'

test('the consumers of a chain of retries in one trace are found without walking to its root', async () => {
  let steps = 0
  const spans = Array.from({ length: 2000 }, (_, index): FlowSpanRow => {
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
      flags: 0,
      start: BigInt(index),
      end: BigInt(index + 1),
      operation: isSend ? 'send' : 'process',
      cluster: '',
      topic: 'retry',
      partition: '',
      offset: '',
      key: '',
      group: 'payment',
      kindServiceKey: `${isSend ? 'producer' : 'consumer'} payment`,
    }
  })
  const sends = spans.filter(({ operation }) => operation === 'send')
  const traces = { spansOf: async () => spans } as unknown as TraceCache
  const consumers = await findForwardingConsumers(traces, sends)
  expect([...consumers.values()].map(({ spanId }) => spanId)).toEqual(sends.map((_, at) => toId(2 * at)))
  expect(steps).toBeLessThan(10 * spans.length)
})

function toId(index: number): string {
  return index.toString(16).padStart(16, '0')
}
