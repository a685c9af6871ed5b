import type { MessageList } from '@spanlink/api-schema'
import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { linkTo, MS, polling, processing, send, T0, type TestSpan } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

const HOUR_MS = 3_600_000

async function find(list: MessageList, at: number): Promise<(readonly string[])[]> {
  const window = { start: String(T0 + BigInt(at) * MS), end: String(T0 + BigInt(at + HOUR_MS) * MS) }
  const { messages } = await findMessages(traces.store, list, window, {})
  return messages.map(({ spanId, cluster, topic, partition, offset }) => [spanId, cluster, topic, partition, offset])
}

type Names = { readonly topic: string; readonly cluster?: string }

/** How two records come to have one creation context, and what is known of each of them. */
const COPIES: readonly (readonly [copy: string, position: readonly [string, string], first: Names, second: Names])[] = [
  ['a mirrored topic', ['0', '5'], { topic: 'orders' }, { topic: 'east.orders' }],
  ['a forwarder, without positions', ['', ''], { topic: 'mail' }, { topic: 'mail.copy' }],
  ['another cluster', ['0', '3'], { topic: 'stock', cluster: 'east' }, { topic: 'stock', cluster: 'west' }],
]

function toAttributes({ cluster }: Names, [partition, offset]: readonly [string, string]) {
  return {
    'kafka.offset': offset === '' ? '' : Number(offset),
    ...(partition !== '' && { 'messaging.destination.partition.id': partition }),
    ...(cluster !== undefined && { 'kafka.cluster.id': cluster }),
  }
}

test.each(COPIES.map((copy, index) => [...copy, index * 2 * HOUR_MS] as const))(
  'records of one context are judged each by itself: %s',
  async (_, position, first, second, at) => {
    const sent = send(first.topic, { at, ...(position[1] !== '' && { attributes: toAttributes(first, position) }) })
    const consume = (names: Names, later: number): TestSpan =>
      processing(names.topic, sent, 'g', 'link', { at: at + later, attributes: toAttributes(names, position) })
    const [inTime, late] = [consume(first, 20), consume(second, 60_000)]
    await traces.put(tracesOf('shop', [sent]))
    await traces.put(tracesOf('billing', [inTime, late]))
    expect(await find('late', at)).toEqual([[late.spanId, second.cluster ?? '', second.topic, ...position]])
    expect(await find('redelivered', at)).toEqual([])
    const again = consume(second, 90_000)
    await traces.put(tracesOf('billing', [again]))
    expect(await find('redelivered', at)).toEqual([[again.spanId, second.cluster ?? '', second.topic, ...position]])
  },
)

test('a span without a group is not of the group that its service has on another topic', async () => {
  const at = 20 * HOUR_MS
  const sent = send('a', { at })
  const processed = processing('a', sent, 'g', 'link', { at: at + 20 })
  const polled = polling('b', sent, { at: at + 30_000, attributes: { 'messaging.destination.name': 'b' } })
  await traces.put(tracesOf('shop', [sent]))
  await traces.put(tracesOf('billing', [processed, polled]))
  expect((await find('late', at)).map(([spanId]) => spanId)).toEqual([polled.spanId])
})

test('spans that name no topic may be of either record of a context and are no redelivery', async () => {
  const at = 22 * HOUR_MS
  const sent = send('a', { at })
  const consumers = ['a', 'b'].flatMap((topic, index) => {
    const later = at + 100 + index * 100
    const poll = polling(topic, sent, { at: later, attributes: { 'messaging.consumer.group.name': 'g' } })
    const attributes = { 'kafka.offset': '' }
    return [poll, processing(topic, undefined, 'g', 'link', { at: later + 10, links: [linkTo(sent)], attributes })]
  })
  await traces.put(tracesOf('shop', [sent]))
  await traces.put(tracesOf('billing', consumers))
  expect(await find('redelivered', at)).toEqual([])
})
