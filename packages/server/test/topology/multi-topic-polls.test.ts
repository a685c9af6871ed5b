import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findDependencies } from '../../src/http/compat/jaeger/jaeger-dependencies.ts'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { linkTo, processing, send, span, type TestSpan } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'
import { findHourlyTopology, HOUR_MS, hourRange } from './hourly-topology.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

/** A poll of a regex consumer, which names a topic on the span only if all records are of one. */
const poll = (topics: readonly string[], sent: readonly TestSpan[], at: number): TestSpan =>
  span({
    kind: 3,
    at,
    for: 20,
    links: sent.map((one, index) =>
      linkTo(one, {
        ...(topics[index] === undefined ? {} : { 'messaging.destination.name': topics[index] }),
        'kafka.offset': index,
      }),
    ),
    attributes: {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'receive',
      'messaging.consumer.group.name': 'g1',
      ...(topics.length === 1 ? { 'messaging.destination.name': topics[0] ?? '' } : {}),
    },
  })

async function countMessages(hour: number): Promise<readonly string[]> {
  const { edges } = await findHourlyTopology(traces.store, hour)
  return edges
    .filter(({ to }) => to.endsWith(':g1') || to === 'service:stock')
    .map(({ type, topic = '', count }) => `${type} ${topic} ${count}`)
    .toSorted()
}

/** Median in milliseconds and number of queue times per edge. */
async function listQueueTimes(hour: number): Promise<readonly string[]> {
  const { edges } = await findHourlyTopology(traces.store, hour)
  return edges
    .filter(({ type }) => type === 'deliver' || type === 'consume')
    .map(
      ({ type, topic, queueTimeNano, queueTimeCount }) =>
        `${type} ${topic} ${Number(queueTimeNano?.p50) / 1e6} ${queueTimeCount}`,
    )
    .toSorted()
}

async function countDependencies(hour: number): Promise<readonly string[]> {
  const found = await findDependencies(traces.store, hourRange(hour), undefined, {})
  return found.map(({ parent, child, callCount }) => `${parent} ${child} ${callCount}`).toSorted()
}

test('a poll of several topics counts for each topic that its links name', async () => {
  const sent = ['a', 'a', 'b', 'b'].map((topic) => send(topic, { at: 0 }))
  const [first, second, third, missed] = sent as [TestSpan, TestSpan, TestSpan, TestSpan]
  await traces.put(tracesOf('shop', sent))
  await traces.put(tracesOf('stock', [poll(['a'], [first], 20), poll(['a', 'b'], [second, third], 50)]))
  await traces.put(
    tracesOf(
      'mail',
      [third, missed].map((one) => processing('b', one, 'h', 'link', { at: 60 })),
    ),
  )
  expect(await countMessages(0)).toEqual(['consume a 2', 'consume b 1', 'deliver a 2', 'deliver b 1'])
  expect(await countDependencies(0)).toEqual(['shop mail 2', 'shop stock 3'])
  const { start, end } = hourRange(0)
  const query = { start: String(start), end: String(end), topic: 'b' }
  const { messages, complete } = await findMessages(traces.store, 'unconsumed', query, {})
  expect(messages.map(({ spanId, consumerGroup }) => [spanId, consumerGroup])).toEqual([[missed.spanId, 'g1']])
  expect(complete).toBe(true)
})

test('polls whose links name no topic are call edges although the service names one elsewhere', async () => {
  const at = HOUR_MS
  const sent = ['a', 'a', 'b'].map((topic) => send(topic, { at }))
  const [first, ...others] = sent as [TestSpan, TestSpan, TestSpan]
  await traces.put(tracesOf('shop', sent))
  await traces.put(tracesOf('stock', [poll(['a'], [first], at + 20), poll([], others, at + 50)]))
  expect(await countMessages(1)).toEqual(['call  2', 'consume a 1', 'deliver a 1'])
})

test('a poll that names no topic is no call edge if its messages are processed with one', async () => {
  const at = 2 * HOUR_MS
  const sent = send('a', { at })
  const polled = poll([], [sent], at + 20)
  await traces.put(tracesOf('shop', [sent]))
  await traces.put(tracesOf('stock', [polled, processing('a', sent, 'g1', 'link', { at: at + 30, in: polled })]))
  expect(await countMessages(2)).toEqual(['consume a 1', 'deliver a 1'])
})

test('messages of a rare topic are listed for its group, however many polls name no topic', async () => {
  const at = 4 * HOUR_MS
  const polls = 30_000
  const topics = Array.from({ length: 20 }, (_, index) => `rare-${index}`)
  const [taken, missed] = [topics.map((topic) => send(topic, { at })), topics.map((topic) => send(topic, { at }))]
  await traces.put(tracesOf('shop', [...taken, ...missed]))
  const common = send('a', { at })
  const ofCommon = Array.from({ length: polls }, () => poll(['a', 'a'], [common], at + 20))
  const ofRare = topics.map((topic, index) => poll([topic, topic], taken.slice(index, index + 1), at + 20))
  await traces.put(tracesOf('stock', [...ofCommon, ...ofRare]))
  const { start, end } = hourRange(4)
  const found = await findMessages(traces.store, 'unconsumed', { start: String(start), end: String(end) }, {})
  const expected = missed.map(({ spanId }) => [spanId, 'g1'])
  expect(found.messages.map(({ spanId, consumerGroup }) => [spanId, consumerGroup]).toSorted()).toEqual(
    expected.toSorted(),
  )
})

test('a poll of several topics has the queue times of its messages in the topology', async () => {
  const at = 5 * HOUR_MS
  const sent = ['a', 'a', 'b', 'c'].map((topic) => send(topic, { at }))
  const [first, second, third, fourth] = sent as [TestSpan, TestSpan, TestSpan, TestSpan]
  const polls = [poll(['a'], [first], at + 1_010), poll(['a', 'b', 'c'], [second, third, fourth], at + 2_010)]
  await traces.put(tracesOf('shop', sent))
  await traces.put(
    tracesOf('stock', [...polls, processing('c', fourth, 'g1', 'link', { at: at + 3_010, in: polls[1] })]),
  )
  const times = ['a 1000 2', 'b 2000 1', 'c 3000 1']
  expect(await listQueueTimes(5)).toEqual([
    ...times.map((one) => `consume ${one}`),
    ...times.map((one) => `deliver ${one}`),
  ])
})

test.for([
  ['polls of a high-volume and a low-volume topic', 1, 401],
  ['polls of several topics that are sampled', 401, 1],
] as const)('%s have one queue time per message in the topology', async ([, ofSeveral, ofOne]) => {
  const hour = 6 + Number(ofSeveral > ofOne)
  const at = hour * HOUR_MS
  const sendEach = (topic: string, count: number) => Array.from({ length: count }, () => send(topic, { at }))
  const [inA, inB, common] = [sendEach('a', ofSeveral), sendEach('b', ofSeveral), sendEach('a', ofOne)]
  await traces.put(tracesOf('shop', [...inA, ...inB, ...common]))
  const several = inA.map((one, index) => poll(['a', 'b'], [one, ...inB.slice(index, index + 1)], at + 1_010))
  await traces.put(tracesOf('stock', [...several, ...common.map((one) => poll(['a'], [one], at + 1_010))]))
  const times = [`a 1000 ${ofSeveral + ofOne}`, `b 1000 ${ofSeveral}`]
  expect(await listQueueTimes(hour)).toEqual([
    ...times.map((one) => `consume ${one}`),
    ...times.map((one) => `deliver ${one}`),
  ])
})
