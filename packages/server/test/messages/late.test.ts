import type { MessagesQuery, MessagesResponse } from '@spanlink/api-schema'
import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFlow } from '../../src/query/flows/find-flow.ts'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { findTopology } from '../../src/query/topology/find-topology.ts'
import { batchOf, MS, polling, processing, send, sharing, span, T0, type TestSpan } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'
import { kotelConsume, kotelPublish } from './kotel-spans.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

const HOUR_MS = 3_600_000

function toWindow(at: number): { readonly start: string; readonly end: string } {
  return { start: String(T0 + BigInt(at) * MS), end: String(T0 + BigInt(at + HOUR_MS) * MS) }
}

async function findLate(at: number, query: MessagesQuery = {}): Promise<MessagesResponse> {
  return await findMessages(traces.store, 'late', { ...toWindow(at), ...query }, {})
}

const RECEIVE = { 'messaging.operation.type': 'receive' }

/** The last span is the innermost. */
const SHAPES: readonly (readonly [shape: string, consume: (sent: TestSpan, at: number) => TestSpan[]])[] = [
  ['receive, batch and message spans', (sent, at) => batchOf('orders', [sent], 'stock', at)],
  [
    'a process span inside its receive span',
    (sent, at) => {
      const receive = processing('orders', sent, 'stock', 'link', { at, for: 500, attributes: RECEIVE })
      return [receive, processing('orders', sent, 'stock', 'link', { at: at + 100, in: receive })]
    },
  ],
  [
    'a process span beside a receive span without group',
    (sent, at) => {
      const poll = polling('orders', sent, { at, for: 500 })
      const handler = span({ at: at + 90, for: 200, in: poll })
      return [poll, handler, processing('orders', sent, 'stock', 'link', { at: at + 100, in: handler })]
    },
  ],
  ['a receive span only', (sent, at) => [processing('orders', sent, 'stock', 'link', { at, attributes: RECEIVE })]],
]

test.each(SHAPES.map(([shape, consume], index) => [shape, consume, index * HOUR_MS] as const))(
  'a late message has the same queue time in the list, the flow and the topology: %s',
  async (_, consume, at) => {
    const sent = send('orders', { at, for: 10 })
    const consumed = consume(sent, at + 20_000)
    await traces.put(tracesOf('shop', [sent]))
    await traces.put(tracesOf('stock', consumed))
    const { messages } = await findLate(at)
    const flow = await findFlow(traces.store, sent.traceId, {}, {})
    const edges = flow?.edges.filter(({ role }) => role === 'message')
    const topology = await findTopology(traces.store, toWindow(at), {})
    const times = topology.edges.flatMap(({ type, queueTimeNano }) =>
      type === 'deliver' ? (queueTimeNano?.p50 ?? []) : [],
    )
    const inner = consumed.at(-1)
    const queueTime = String(BigInt(inner?.startTimeUnixNano ?? 0) - BigInt(sent.endTimeUnixNano ?? 0))
    expect(messages.map(({ spanId, waitNano }) => [spanId, waitNano])).toEqual([[inner?.spanId, queueTime]])
    expect(edges?.map(({ to, queueTimeNano }) => [to.spanId, queueTimeNano])).toEqual([[inner?.spanId, queueTime]])
    expect(times).toEqual([queueTime])
  },
)

test.each(['child', 'LinkSpans'] as const)(
  'a late message that waited in the prefetch buffer of kotel is measured to its process span, %s',
  async (mode) => {
    const at = (mode === 'child' ? 20 : 21) * HOUR_MS
    const position = { partition: 1, offset: 5 }
    const sent = kotelPublish('kotel', position, { at, for: 10 })
    const consumer = { topic: 'kotel', group: 'g', position, mode, at: at + 1_010 }
    const { receive, process } = kotelConsume(sent, consumer, { ...startAt(at + 15_010) })
    await traces.put(tracesOf('shop', [sent]))
    await traces.put(tracesOf('stock', [receive, process]))
    expect((await findLate(at)).messages).toMatchObject([{ spanId: process.spanId, waitNano: '15000000000' }])
  },
)

function startAt(at: number): Pick<TestSpan, 'startTimeUnixNano' | 'endTimeUnixNano'> {
  const start = T0 + BigInt(at) * MS
  return { startTimeUnixNano: String(start), endTimeUnixNano: String(start + MS) }
}

test('a message received in time whose processing crashed is not late when it is processed later', async () => {
  const at = 10 * HOUR_MS
  const sent = send('orders', { at, for: 10 })
  const [lost, again] = [100, 60_000].map((later) =>
    processing('orders', sent, 'stock', 'link', { at: at + later, attributes: RECEIVE }),
  ) as [TestSpan, TestSpan]
  const processed = processing('orders', sent, 'stock', 'link', { at: at + 60_010, in: again })
  await traces.put(tracesOf('shop', [sent]))
  await traces.put(tracesOf('stock', [lost, again, processed]))
  expect((await findLate(at)).messages).toEqual([])
})

test.each([0, 3, 25])(
  'a consumer that shares its producer span id and starts %i min later is late',
  async (minutes) => {
    const at = (30 + minutes) * HOUR_MS
    const request = span({ kind: 2, at, for: 30 })
    const sent = send('shared', { at, for: 10, in: request })
    const start = at + minutes * 60_000 + 20_010
    const consumer = sharing(sent, processing('shared', undefined, 'g', 'link', { at: start }))
    await traces.put(tracesOf('shop', [request, sent]))
    await traces.put(tracesOf('billing', [consumer]))
    const { messages } = await findLate(at)
    const waitNano = String(BigInt(start - at - 10) * MS)
    expect(messages).toMatchObject([{ waitNano, producer: { service: 'shop', name: 'send shared' } }])
    const { edges } = await findTopology(traces.store, toWindow(at), {})
    expect(edges.find(({ type }) => type === 'deliver')?.queueTimeNano?.p50).toBe(waitNano)
  },
)
