import { expect, test } from 'vitest'
import { placeOrder, useShop } from './open-shop.ts'
import { baggageArrived, settled, spanOf, traceOf } from './stored-spans.ts'
import { expectStory, FRAUD_LAG, STORY_TIMEOUT_MS } from './story.ts'

const open = useShop('parent')

test('parent mode: an order is one trace through all services, and process spans link to the send span', async () => {
  const { shop, spanlink } = open()
  const traceId = await placeOrder(shop, { tier: 'silver', amount: 42 })
  await settled(spanlink, 'standard')

  const trace = await traceOf(spanlink, traceId)
  expect(new Set(trace.spans.map(({ service }) => service))).toEqual(
    new Set(['gateway', 'payment', 'inventory', 'shipping', 'email', 'fraud']),
  )
  const send = spanOf(trace, 'send orders')
  const consumers = trace.spans.filter(({ name }) => name === 'process orders')
  expect(consumers.map(({ service }) => service).sort()).toEqual(['inventory', 'payment'])
  for (const consumer of consumers) {
    expect(consumer.parentSpanId).toBe(send.spanId)
    expect(consumer.links).toMatchObject([{ traceId, spanId: send.spanId }])
  }
  await baggageArrived(spanlink, 'silver')
})

test(
  'parent mode: a dead-lettered order has the expected flow, attempts, critical path and consumer lag',
  async () => {
    expect(await expectStory(open(), 'parent')).toMatchObject(FRAUD_LAG)
  },
  STORY_TIMEOUT_MS,
)
