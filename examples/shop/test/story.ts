import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import { expect, vi } from 'vitest'
import type { ShopCorrelation } from '../src/start-shop.ts'
import { type OpenShop, placeOrder } from './open-shop.ts'

// Responses of Spanlink's API (packages/api-schema), with the fields used here.
interface Flow {
  readonly lanes: readonly {
    readonly id: string
    readonly traceId: string
    readonly rootService: string
    readonly errorCount: number
  }[]
  readonly edges: readonly {
    readonly role: string
    readonly via: 'link' | 'parent' | 'both'
    readonly topic: string
    readonly consumerGroup: string
    readonly from: { readonly spanId: string; readonly service: string }
    readonly to: { readonly traceId: string; readonly spanId: string; readonly service: string }
    readonly queueTimeNano: string | null
  }[]
  readonly criticalPath: {
    readonly segments: readonly { readonly kind: string; readonly service: string; readonly topic?: string }[]
    readonly shares: readonly { readonly kind: string; readonly name: string; readonly durationNano: string }[]
  } | null
  readonly missingTraceIds: readonly string[]
}
interface Lag {
  readonly messages: number
  readonly metric: string
}
interface Topology {
  readonly edges: readonly {
    readonly type: string
    readonly topic?: string
    readonly to: string
    readonly lag?: Lag
  }[]
}
interface DeadLetter {
  readonly traceId: string
  readonly spanId: string
  readonly topic: string
  readonly producer: { readonly service: string; readonly topic: string } | null
  readonly attempts: readonly {
    readonly service: string
    readonly consumerGroup: string
    readonly errorMessage: string
    readonly queueTimeNano: string | null
  }[]
  readonly deadLetter: { readonly topic: string }
}

/**
 * Orders above the limit of the fraud model. With three partitions, some wait behind three others.
 */
const ORDERS = 12

/** Producer, topic, consumer and consumer group of each hop. */
const STORY = [
  'fraud > payments.dlq > review (review)',
  'gateway > orders > inventory (inventory)',
  'gateway > orders > payment (payment)',
  'inventory > stock > shipping (shipping)',
  'payment > payments > email (email)',
  'payment > payments > fraud (fraud)',
  'payment > payments > shipping (shipping)',
]

/**
 * Places orders that fraud dead-letters and expects the same flow, attempts and critical path in
 * each mode.
 *
 * @returns fraud's lag in the topology
 */
export async function expectStory({ shop, spanlink }: OpenShop, correlation: ShopCorrelation): Promise<Lag> {
  await Promise.all(
    Array.from({ length: ORDERS }, async () => await placeOrder(shop, { tier: 'bronze', amount: 6000 })),
  )

  const dead = await until(async () => {
    const { messages: all } = (await spanlink.getJson('/api/messages/dead-lettered')) as {
      messages: readonly DeadLetter[]
    }
    // One in a thousand small orders times out in all three attempts.
    const messages = all.filter(({ attempts }) => !attempts.at(-1)?.errorMessage.includes('timed out'))
    // More when Kafka redelivers a message.
    expect(messages.length).toBeGreaterThanOrEqual(ORDERS)
    for (const message of messages) {
      expect(message).toMatchObject({
        topic: 'payments',
        producer: { service: 'payment', topic: 'payments' },
        deadLetter: { topic: 'payments.dlq' },
      })
      const attempt = message.attempts.at(-1)
      expect(attempt).toMatchObject({ service: 'fraud', consumerGroup: 'fraud' })
      expect(attempt?.errorMessage).toContain('no payments over 5000')
    }
    return messages
  })
  // The order with the longest queue time at fraud, longer than in all its other queues together.
  const waited = ({ attempts }: DeadLetter): number => Number(attempts.at(-1)?.queueTimeNano)
  const order = dead.reduce((longest, one) => (waited(one) > waited(longest) ? one : longest))

  const flow = await until(async () => {
    const response = await flowOf(spanlink, order.traceId)
    expect(storyOf(response)).toEqual(STORY)
    expect(response.missingTraceIds).toEqual([])
    expect(reviewOf(response, order)).toBeDefined()
    return response
  })
  const messages = flow.edges.filter(({ role }) => role === 'message')
  // A batch's span has links in every mode.
  const ways = new Set(messages.filter(({ to }) => to.service !== 'email').map(({ via }) => via === 'link'))
  expect(ways).toEqual(new Set({ link: [true], parent: [false], half: [true, false] }[correlation]))
  expect(flow.lanes.some((lane) => lane.rootService === 'gateway')).toBe(true)
  // Three attempts and the message itself.
  expect(flow.lanes.filter((lane) => lane.rootService === 'fraud').map((lane) => lane.errorCount)).toContain(4)

  const path = (await flowOf(spanlink, order.traceId, reviewOf(flow, order)?.spanId)).criticalPath
  const working = path?.segments.filter(({ kind }) => kind === 'span').map(({ service }) => service) ?? []
  expect([...new Set(working)]).toEqual(['gateway', 'payment', 'fraud', 'review'])
  expect(path?.shares.find(({ kind }) => kind === 'topic')?.name).toBe('payments')

  return await until(async () => {
    const { edges } = (await spanlink.getJson('/api/topology')) as Topology
    const toFraud = edges.find(
      ({ type, topic, to }) => type === 'deliver' && topic === 'payments' && to.endsWith(':fraud'),
    )
    if (toFraud?.lag === undefined) throw new Error('the topology has no lag of fraud')
    return toFraud.lag
  })
}

/** One minute without other load. */
export const STORY_TIMEOUT_MS = 300_000

export const FRAUD_LAG: Lag = { messages: expect.any(Number), metric: 'kafka.consumer.lag' }

async function flowOf(spanlink: SpanlinkServer, traceId: string, spanId?: string): Promise<Flow> {
  return (await spanlink.getJson(`/api/flows/${traceId}${spanId === undefined ? '' : `?spanId=${spanId}`}`)) as Flow
}

function storyOf({ edges }: Flow): readonly string[] {
  const hops = edges
    .filter(({ role }) => role === 'message')
    .map(({ from, topic, to, consumerGroup }) => `${from.service} > ${topic} > ${to.service} (${consumerGroup})`)
  return [...new Set(hops)].sort()
}

/** The span that consumed the dead letter. */
function reviewOf({ edges }: Flow, { spanId }: DeadLetter): { readonly spanId: string } | undefined {
  return edges.find(({ from, to }) => from.spanId === spanId && to.service === 'review')?.to
}

/** Repeats `attempt` until it succeeds. */
async function until<T>(attempt: () => Promise<T>): Promise<T> {
  return await vi.waitFor(attempt, { timeout: 240_000, interval: 1000 })
}
