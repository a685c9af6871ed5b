import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKafka } from '@spanlink/testkit/kafka'
import { startSpanlink, type SpanlinkServer } from '@spanlink/testkit/spanlink'
import { expect, test } from 'vitest'
import { startShop, type Shop } from '../src/start-shop.ts'

// Answers of Spanlink's API (packages/api-schema), as far as they are looked at here.
interface Trace {
  readonly traceId: string
  readonly spans: readonly Span[]
}
interface Span {
  readonly spanId: string
  readonly parentSpanId: string
  readonly service: string
  readonly name: string
  readonly kind: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[]
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly target: unknown }[]
  readonly backlinkCount: number
}
interface Links {
  readonly total: number
  readonly links: readonly {
    readonly spanId: string
    readonly peerTraceId: string
    readonly peer: { readonly service: string; readonly name: string } | null
    readonly queueTimeNano: string | null
  }[]
}

test('link mode: an order is a small trace per service, linked both ways, also after a restart', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'spanlink-shop-'))
  try {
    await using kafka = await startKafka()
    let gatewayTrace = ''
    let before: Links
    {
      await using spanlink = await startSpanlink({ dataDir })
      await using shop = await open(kafka.brokers, spanlink, 'link')
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
        // Below zero when the consumer had the message before the producer had its acknowledgement.
        const queueTime = BigInt(process.startTimeUnixNano) - BigInt(send.endTimeUnixNano)
        expect(link.queueTimeNano).toBe(String(queueTime))
        expect(new Set(work.spans.map(({ service }) => service))).toEqual(new Set([process.service]))
        expect(process.parentSpanId).toBe('')
        expect(process.links).toMatchObject([{ traceId: gatewayTrace, spanId: send.spanId }])
        expect(process.links[0]?.target).toMatchObject({ service: 'gateway', name: 'send orders' })
      }

      await baggageArrived(spanlink, 'gold')
    }

    await using again = await startSpanlink({ dataDir })
    expect(await linksInto(again, gatewayTrace)).toEqual(before)
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})

test('parent mode: the same order is one trace through the services, and a process span keeps its link', async () => {
  await using kafka = await startKafka()
  await using spanlink = await startSpanlink()
  await using shop = await open(kafka.brokers, spanlink, 'parent')
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

test('an order the fraud model cannot score ends on the review desk, one link from its attempts', async () => {
  await using kafka = await startKafka()
  await using spanlink = await startSpanlink()
  await using shop = await open(kafka.brokers, spanlink, 'link')
  await placeOrder(shop, { tier: 'bronze', amount: 6000 })

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

async function open(
  brokers: readonly string[],
  spanlink: SpanlinkServer,
  correlation: 'link' | 'parent',
): Promise<Shop> {
  return await startShop({
    brokers,
    otlp: spanlink.otlpHttp,
    correlation,
    nodeArgs: ['--conditions=spanlink:source'],
  })
}

async function placeOrder(shop: Shop, order: { readonly tier: string; readonly amount: number }): Promise<string> {
  const response = await fetch(`${shop.gateway}/orders`, {
    method: 'POST',
    body: JSON.stringify({ customer: 'c-1', items: [{ sku: 'mug', count: 1 }], ...order }),
  })
  expect(response.status).toBe(202)
  const { traceId } = (await response.json()) as { readonly traceId: string }
  return traceId
}

/**
 * Waits until the order is through: its parcel went out by `method`, its receipt is sent, its fraud
 * score is there.
 */
async function settled(spanlink: SpanlinkServer, method: string): Promise<void> {
  await eventually(async () => {
    const values = (await everySpan(spanlink)).map((span) => attribute(span, 'shop.shipping.method'))
    return values.includes(method) || undefined
  })
  await eventually(async () => (await find(spanlink, 'email', 'process payments')) && true)
  await eventually(async () => (await find(spanlink, 'fraud', 'process payments')) && true)
}

/**
 * What handlers made of the tier that only the gateway was told: by eachMessage in shipping, by
 * eachBatch in email.
 */
async function baggageArrived(spanlink: SpanlinkServer, tier: string): Promise<void> {
  const spans = await everySpan(spanlink)
  const of = (service: string, key: string): readonly string[] =>
    spans.filter((span) => span.service === service).flatMap((span) => attribute(span, key) ?? [])
  expect(of('shipping', 'shop.shipping.method')).toEqual([tier === 'gold' ? 'express' : 'standard'])
  expect(of('email', 'shop.email.template')).toEqual([`paid-${tier}`])
}

function attribute(span: Span, wanted: string): string | undefined {
  return span.attributes.find(({ key }) => key === wanted)?.value.stringValue
}

function spanOf(trace: Trace, name: string): Span {
  const span = trace.spans.find((one) => one.name === name)
  if (!span) throw new Error(`no span ${name} among ${trace.spans.map((one) => one.name).join(', ')}`)
  return span
}

async function traceOf(spanlink: SpanlinkServer, traceId: string): Promise<Trace> {
  return (await spanlink.getJson(`/api/traces/${traceId}`)) as Trace
}

async function linksInto(spanlink: SpanlinkServer, traceId: string): Promise<Links> {
  return (await spanlink.getJson(`/api/traces/${traceId}/links?direction=in`)) as Links
}

async function find(spanlink: SpanlinkServer, service: string, operation: string): Promise<Trace | undefined> {
  const query = new URLSearchParams({ service, operation })
  const { traces } = (await spanlink.getJson(`/api/traces?${query}`)) as { readonly traces: readonly Trace[] }
  return traces[0] && (await traceOf(spanlink, traces[0].traceId))
}

async function everySpan(spanlink: SpanlinkServer): Promise<readonly Span[]> {
  const { traces } = (await spanlink.getJson('/api/traces?limit=500')) as { readonly traces: readonly Trace[] }
  const whole = await Promise.all(traces.map(async ({ traceId }) => await traceOf(spanlink, traceId)))
  return whole.flatMap(({ spans }) => spans)
}

/** Asks until there is an answer; the test's own time limit ends it. */
async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
