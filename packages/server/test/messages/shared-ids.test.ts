import type { MessageList, MessagesResponse, MessagesQuery } from '@spanlink/api-schema'
import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFlow } from '../../src/query/flows/find-flow.ts'
import { findLinks } from '../../src/query/links/find-links.ts'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { findTopology } from '../../src/query/topology/find-topology.ts'
import { MS, processing, send, sharing, span, T0, type TestSpan } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

const HOUR_MS = 3_600_000
const GROUPS = ['billing', 'email']

function toWindow(hour: number): { readonly start: string; readonly end: string } {
  const start = T0 + BigInt(hour * HOUR_MS) * MS
  return { start: String(start), end: String(start + BigInt(HOUR_MS) * MS) }
}

async function find(list: MessageList, hour: number, query: MessagesQuery = {}): Promise<MessagesResponse> {
  return await findMessages(traces.store, list, { ...toWindow(hour), ...query }, {})
}

/** Each group's service stores its own span; `sends` go below it. */
async function put(groups: Readonly<Record<string, readonly TestSpan[]>>): Promise<void> {
  for (const [service, spans] of Object.entries(groups)) await traces.put(tracesOf(service, [...spans]))
}

const SHARED = [
  "its producer's id",
  'one id, as children of the producer',
  'one id in a trace of their own, with links',
] as const

/** A consumer per group; they have the same trace id and span id. */
function consumersOf(shared: (typeof SHARED)[number], sent: TestSpan, at: number, failed = false): TestSpan[] {
  const ids: { spanId?: string; traceId?: string } = {}
  return GROUPS.map((group, index) => {
    const parts = { at: at + index, for: 50, ...(failed && { status: { code: 2, message: `${group} is down` } }) }
    const mode = shared === SHARED[1] ? 'parent' : 'link'
    const consumer = processing('orders', shared === SHARED[0] ? undefined : sent, group, mode, parts)
    if (shared === SHARED[0]) return sharing(sent, consumer)
    ids.spanId ??= consumer.spanId
    ids.traceId ??= consumer.traceId
    return { ...consumer, spanId: ids.spanId, traceId: ids.traceId }
  })
}

describe.each(SHARED.map((shared, index) => [shared, index * 10] as const))(
  'two groups whose spans share %s',
  (shared, hour) => {
    test('a message is unconsumed only for the group without a consumer span', async () => {
      const at = hour * HOUR_MS
      const request = span({ at, for: 100 })
      const [both, half, none] = [0, 1, 2].map((index) => send('orders', { at: at + index, in: request })) as [
        TestSpan,
        TestSpan,
        TestSpan,
      ]
      await traces.put(tracesOf('shop', [request, both, half, none]))
      const [billing, email] = consumersOf(shared, both, at + 100) as [TestSpan, TestSpan]
      await put({ billing: [billing, ...consumersOf(shared, half, at + 100).slice(0, 1)], email: [email] })

      const { messages } = await find('unconsumed', hour)
      const lost = [`${none.spanId} billing`, `${none.spanId} email`, `${half.spanId} email`]
      expect(messages.map(({ spanId, consumerGroup }) => `${spanId} ${consumerGroup}`)).toEqual(lost)
      expect((await find('unconsumed', hour, { consumerGroup: 'email' })).total).toBe(2)
      expect((await find('unconsumed', hour, { neverConsumed: true })).messages.map(({ spanId }) => spanId)).toEqual([
        none.spanId,
      ])
      const flow = await findFlow(traces.store, half.traceId, {}, {})
      const missing = flow?.missingConsumers.map(({ producer, consumerGroup }) => `${producer.spanId} ${consumerGroup}`)
      expect(missing?.toSorted()).toEqual(lost.toSorted())
    })

    test('a late message is listed for both groups', async () => {
      const at = (hour + 1) * HOUR_MS
      const sent = send('orders', { at, in: span({ at, for: 100 }) })
      await traces.put(tracesOf('shop', [sent]))
      const [billing, email] = consumersOf(shared, sent, at + 20_010) as [TestSpan, TestSpan]
      await put({ billing: [billing], email: [email] })
      const { messages } = await find('late', hour + 1)
      expect(messages.map((one) => [one.consumerGroup, one.attempts[0]?.service, one.waitNano])).toEqual([
        ['email', 'email', '20001000000'],
        ['billing', 'billing', '20000000000'],
      ])
    })

    test('a redelivered message is listed for both groups', async () => {
      const at = (hour + 2) * HOUR_MS
      const sent = send('orders', { at, in: span({ at, for: 100 }) })
      await traces.put(tracesOf('shop', [sent]))
      const consumers = consumersOf(shared, sent, at + 100)
      const again = GROUPS.map((group, index) => processing('orders', sent, group, 'both', { at: at + 500 + index }))
      for (const [index, group] of GROUPS.entries()) {
        await put({ [group]: [consumers[index] as TestSpan, again[index] as TestSpan] })
      }
      const { messages } = await find('redelivered', hour + 2)
      expect(messages.map((one) => [one.consumerGroup, one.attempts.map((each) => each.service)])).toEqual([
        ['email', ['email', 'email']],
        ['billing', ['billing', 'billing']],
      ])
    })

    test('each group has its own attempt, error and dead letter', async () => {
      const at = (hour + 3) * HOUR_MS
      const sent = send('orders', { at, in: span({ at, for: 100 }) })
      await traces.put(tracesOf('shop', [sent]))
      const consumers = consumersOf(shared, sent, at + 100, true)
      for (const [index, group] of GROUPS.entries()) {
        const consumer = consumers[index] as TestSpan
        const [retry, dead] = ['retry', 'dlq'].map((role, later) =>
          send(`orders.${group}.${role}`, { at: at + 120 + 10 * index + later, in: consumer }),
        ) as [TestSpan, TestSpan]
        await put({ [group]: [consumer, retry, dead] })
      }
      const attempts = [
        ['email', [['email', 'email is down']]],
        ['billing', [['billing', 'billing is down']]],
      ]
      for (const list of ['dead-lettered', 'retried'] as const) {
        const { messages } = await find(list, hour + 3)
        expect([
          list,
          messages.map((one) => [one.consumerGroup, one.attempts.map((each) => [each.service, each.errorMessage])]),
        ]).toEqual([list, attempts])
      }
    })

    test('both consumers are flow lanes, topology edges and backlinks', async () => {
      const at = (hour + 4) * HOUR_MS
      const sent = send('orders', { at, for: 10, in: span({ at, for: 100 }) })
      await traces.put(tracesOf('shop', [sent]))
      const [billing, email] = consumersOf(shared, sent, at + 110) as [TestSpan, TestSpan]
      await put({ billing: [billing], email: [email] })
      const flow = await findFlow(traces.store, sent.traceId, {}, {})
      expect(flow?.edges.map(({ to, consumerGroup }) => [to.service, consumerGroup]).toSorted()).toEqual([
        ['billing', 'billing'],
        ['email', 'email'],
      ])
      const topology = await findTopology(traces.store, toWindow(hour + 4), {})
      expect(
        topology.edges
          .filter(({ type }) => type === 'deliver')
          .map((edge) => [edge.to, edge.count, edge.queueTimeNano?.p50])
          .toSorted(),
      ).toEqual([
        ['group:kafka::billing', 1, '100000000'],
        ['group:kafka::email', 1, '101000000'],
      ])
      if (shared !== SHARED[2]) return
      const links = await findLinks(traces.store, sent.traceId, { direction: 'in' }, {})
      expect(links?.links.map(({ peer }) => peer?.service)).toEqual(['billing', 'email'])
    })
  },
)
