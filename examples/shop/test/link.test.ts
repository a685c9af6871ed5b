import { expect, test } from 'vitest'
import { placeOrder, useShop } from './open-shop.ts'
import { baggageArrived, eventually, find, type Links, linksInto, settled, spanOf, traceOf } from './stored-spans.ts'
import { expectStory, FRAUD_LAG, STORY_TIMEOUT_MS } from './story.ts'

const open = useShop('link')

let gatewayTrace: string
let before: Links

test('link mode: an order has a small trace per service, with links and backlinks', async () => {
  const { shop, spanlink } = open()
  gatewayTrace = await placeOrder(shop, { tier: 'gold', amount: 42 })
  await settled(spanlink, 'express')

  const gateway = await traceOf(spanlink, gatewayTrace)
  expect(gateway.spans.map(({ service, kind, name }) => `${service} ${kind} ${name}`)).toEqual([
    'gateway server POST /orders',
    'gateway producer send orders',
  ])
  const send = spanOf(gateway, 'send orders')
  expect(send.backlinkCount).toBe(2)

  before = await linksInto(spanlink, gatewayTrace)
  expect(before.total).toBe(2)
  expect(before.links.map(({ peer }) => `${peer?.service} ${peer?.name}`).sort()).toEqual([
    'inventory process orders',
    'payment process orders',
  ])
  for (const link of before.links) {
    expect(link.spanId).toBe(send.spanId)
    const work = await traceOf(spanlink, link.peerTraceId)
    expect(link.peerTraceId).not.toBe(gatewayTrace)
    const process = spanOf(work, 'process orders')
    // A consumer may start before the producer receives its acknowledgement.
    const start = BigInt(process.startTimeUnixNano)
    const sent = start < BigInt(send.endTimeUnixNano) ? send.startTimeUnixNano : send.endTimeUnixNano
    expect(link.queueTimeNano).toBe(String(start - BigInt(sent)))
    expect(new Set(work.spans.map(({ service }) => service))).toEqual(new Set([process.service]))
    expect(process.parentSpanId).toBe('')
    expect(process.links).toMatchObject([{ traceId: gatewayTrace, spanId: send.spanId }])
    expect(process.links[0]?.target).toMatchObject({ service: 'gateway', name: 'send orders' })
  }

  await baggageArrived(spanlink, 'gold')
})

test(
  'link mode: a dead-lettered order has the expected flow, attempts, critical path and consumer lag',
  async () => {
    expect(await expectStory(open(), 'link')).toMatchObject(FRAUD_LAG)
  },
  STORY_TIMEOUT_MS,
)

test('link mode: the review of a dead-lettered payment links to the trace with its three attempts', async () => {
  const { spanlink } = open()
  const review = await eventually(async () => await find(spanlink, 'review', 'process payments.dlq'))
  const [link] = spanOf(review, 'process payments.dlq').links
  const attempts = await eventually(async () => {
    const trace = await traceOf(spanlink, link?.traceId ?? '')
    return trace.spans.filter(({ name }) => name === 'score payment').length === 3 ? trace : undefined
  })
  expect(spanOf(attempts, 'send payments.dlq').spanId).toBe(link?.spanId)
  const attributes = Object.fromEntries(
    spanOf(review, 'process payments.dlq').attributes.map(({ key, value }) => [key, value.stringValue]),
  )
  expect(attributes['shop.review.reason']).toContain('no payments over 5000')
})

test('link mode: the links of an order are the same after a restart of Spanlink', async () => {
  const again = await open().restartSpanlink()
  expect(await linksInto(again, gatewayTrace)).toEqual(before)
})
