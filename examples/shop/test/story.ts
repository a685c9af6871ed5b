import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import { expect, vi } from 'vitest'
import type { ShopCorrelation } from '../src/start-shop.ts'
import { type OpenShop, placeOrder } from './open-shop.ts'

// Answers of Spanlink's API (packages/api-schema), as far as they are looked at here.
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
 * Too much for the fraud model. There are three partitions, so that some orders wait behind three
 * others.
 */
const ORDERS = 12

/** Who sent what to whom, and in which group it was taken. */
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
 * Places orders that fraud gives up on, and expects the same story of them in each mode: who took
 * them, what failed, where they waited. Returns fraud's lag on the map, once it is there.
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
    // More where Kafka delivers one again.
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
  // The one that waited longest for fraud, which is slow: more than in all its other queues
  // together.
  const waited = ({ attempts }: DeadLetter): number => Number(attempts.at(-1)?.queueTimeNano)
  const order = dead.reduce((longest, one) => (waited(one) > waited(longest) ? one : longest))

  const flow = await until(async () => {
    const whole = await flowOf(spanlink, order.traceId)
    expect(storyOf(whole)).toEqual(STORY)
    expect(whole.missingTraceIds).toEqual([])
    expect(reviewOf(whole, order)).toBeDefined()
    return whole
  })
  const messages = flow.edges.filter(({ role }) => role === 'message')
  // A batch's span has links in every mode.
  const ways = new Set(messages.filter(({ to }) => to.service !== 'email').map(({ via }) => via === 'link'))
  expect(ways).toEqual(new Set({ link: [true], parent: [false], half: [true, false] }[correlation]))
  expect(flow.lanes.some((lane) => lane.rootService === 'gateway')).toBe(true)
  // Three attempts and the message that they were for.
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
    if (toFraud?.lag === undefined) throw new Error('the map tells no lag of fraud')
    return toFraud.lag
  })
}

/** A minute on a machine that does nothing else. */
export const STORY_TIMEOUT_MS = 300_000

export const FRAUD_LAG: Lag = { messages: expect.any(Number), metric: 'kafka.consumer.lag' }

async function flowOf(spanlink: SpanlinkServer, traceId: string, spanId?: string): Promise<Flow> {
  return (await spanlink.getJson(`/api/flows/${traceId}${spanId === undefined ? '' : `?spanId=${spanId}`}`)) as Flow
}

function storyOf({ edges }: Flow): readonly string[] {
  const told = edges
    .filter(({ role }) => role === 'message')
    .map(({ from, topic, to, consumerGroup }) => `${from.service} > ${topic} > ${to.service} (${consumerGroup})`)
  return [...new Set(told)].sort()
}

/** What took the dead letter. */
function reviewOf({ edges }: Flow, { spanId }: DeadLetter): { readonly spanId: string } | undefined {
  return edges.find(({ from, to }) => from.spanId === spanId && to.service === 'review')?.to
}

/** Asks until nothing in it fails. */
async function until<T>(ask: () => Promise<T>): Promise<T> {
  return await vi.waitFor(ask, { timeout: 240_000, interval: 1000 })
}
