import type { MessageList, MessagesResponse, MessagesQuery } from '@spanlink/api-schema'
import { kv, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { InvalidParameterError } from '../../src/query/sql/invalid-parameter.ts'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { batchOf, linkTo, MS, processing, send, sharing, span, T0 } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

const HOUR_MS = 3_600_000

/** Each test uses a separate hour. */
async function find(list: MessageList, hour: number, query: MessagesQuery = {}): Promise<MessagesResponse> {
  const start = T0 + BigInt(hour * HOUR_MS) * MS
  const window = { start: String(start), end: String(start + BigInt(HOUR_MS) * MS) }
  return await findMessages(traces.store, list, { ...window, ...query }, {})
}

test('a message is unconsumed unless a consumer links to its producer or is its child', async () => {
  const at = 0
  const [linked, parented, failed, fresh] = [0, 1, 2, 3].map((index) =>
    send('orders', {
      at: index === 3 ? at + HOUR_MS - 30_000 : at + index,
      ...(index === 2 ? { status: { code: 2 } } : {}),
    }),
  )
  const lost = send('orders', { at: at + 10, for: 10, attributes: { 'messaging.destination.partition.id': '4' } })
  await traces.put(
    tracesOf(
      'shop',
      [linked, parented, failed, fresh, lost].filter((one) => one !== undefined),
    ),
  )
  // Consumption days later counts too.
  await traces.put(
    tracesOf('stock', [
      processing('orders', linked, 'stock', 'link', { at: at + 80 * HOUR_MS }),
      processing('orders', parented, 'stock', 'parent', { at: at + 100 }),
    ]),
  )
  const response = await find('unconsumed', 0)
  expect(response.messages.map((message) => message.spanId)).toEqual([lost.spanId])
  expect(response.messages[0]).toMatchObject({
    traceId: lost.traceId,
    topic: 'orders',
    partition: '4',
    waitNano: String(BigInt(HOUR_MS - 20) * MS),
    producer: { service: 'shop', name: 'send orders', queueTimeNano: null },
    attempts: [],
  })
  expect(response).toMatchObject({ total: 1, complete: true, stepNano: '60000000000' })
  expect(response.counts).toHaveLength(60)
  expect(response.counts[0]?.count).toBe(1)

  // One group consumed some; the other consumed no message of this topic.
  expect((await find('unconsumed', 0, { consumerGroup: 'stock' })).total).toBe(1)
  expect((await find('unconsumed', 0, { consumerGroup: 'email', topic: 'orders' })).total).toBe(3)
  expect((await find('unconsumed', 0, { consumerGroup: 'email' })).total).toBe(0)
  expect((await find('unconsumed', 0, { minQueueTime: '1ms' })).total).toBe(2)
})

test('a created message of a batch send is unconsumed unless a consumer links to it', async () => {
  const at = HOUR_MS
  const made = [0, 1].map((index) =>
    send('orders', { at: at + index, for: 1, attributes: { 'messaging.operation.type': 'create' } }),
  )
  const sent = send('orders', { at: at + 2, kind: 3, links: made.map((one) => linkTo(one)) })
  const batch = processing('orders', undefined, 'stock', 'link', { at: at + 100, links: [linkTo(made[0] ?? sent)] })
  await traces.put(tracesOf('shop', [...made, sent, batch]))
  expect((await find('unconsumed', 1)).messages.map((message) => message.spanId)).toEqual([made[1]?.spanId])
})

test('a message that waited longer than the minimum is late once, with its queue time', async () => {
  const at = 2 * HOUR_MS
  const slow = send('orders', { at, for: 10 })
  const quick = send('orders', { at, for: 10 })
  const poll = processing('orders', slow, 'stock', 'link', {
    at: at + 20_010,
    attributes: { 'messaging.operation.type': 'receive' },
  })
  const processed = processing('orders', slow, 'stock', 'link', { at: at + 20_020 })
  await traces.put(tracesOf('shop', [slow, quick]))
  await traces.put(
    tracesOf('stock', [poll, processed, processing('orders', quick, 'stock', 'parent', { at: at + 5_000 })]),
  )
  const response = await find('late', 2)
  expect(response.messages).toHaveLength(1)
  expect(response.messages[0]).toMatchObject({
    spanId: processed.spanId,
    consumerGroup: 'stock',
    waitNano: '20010000000',
    producer: { spanId: slow.spanId },
    attempts: [{ service: 'stock', queueTimeNano: '20010000000' }],
  })
  expect((await find('late', 2, { minQueueTime: '1s' })).total).toBe(2)
  expect((await find('late', 2, { minQueueTime: '1m' })).total).toBe(0)
  expect((await find('late', 2, { consumerGroup: 'other' })).total).toBe(0)
})

test('an attempt has the error of a failed call whose server shares the span id without failing', async () => {
  const at = 310 * HOUR_MS
  const order = send('payments', { at })
  const attempt = processing('payments', order, 'fraud', 'link', { at: at + 50, for: 100, status: { code: 2 } })
  const call = span({ kind: 3, at: at + 60, in: attempt, status: { code: 2, message: 'connection reset' } })
  const servers = ['a', 'z'].map((name) => ({ service: name, server: { ...call, kind: 2, status: {} } }))
  await traces.put(tracesOf('shop', [order]))
  for (const { service, server } of servers) await traces.put(tracesOf(service, [server]))
  await traces.put(tracesOf('m', [attempt, call, send('payments.dlq', { at: at + 120, in: attempt })]))
  const { messages } = await find('dead-lettered', 310)
  expect(messages[0]?.attempts).toMatchObject([{ spanId: attempt.spanId, errorMessage: 'connection reset' }])
})

test('a late message with a receive span without offset is listed once, at the process span', async () => {
  const at = 300 * HOUR_MS
  const slow = send('orders', { at, for: 10 })
  const poll = processing('orders', slow, '', 'link', {
    at: at + 20_010,
    attributes: { 'messaging.operation.type': 'receive', 'kafka.offset': -1 },
  })
  const processed = processing('orders', slow, '', 'link', {
    at: at + 20_020,
    attributes: { 'messaging.destination.partition.id': '1', 'kafka.offset': 9 },
  })
  await traces.put(tracesOf('shop', [slow]))
  await traces.put(tracesOf('stock', [poll, processed]))
  const { messages } = await find('late', 300)
  expect(messages).toMatchObject([{ spanId: processed.spanId, partition: '1', offset: '9', waitNano: '20010000000' }])
})

test('each message of a batch with receive, batch and message spans is late once and not redelivered', async () => {
  const at = 320 * HOUR_MS
  const sent = [0, 1, 2].map((index) => send('slow', { at: at + index, for: 10 }))
  await traces.put(tracesOf('shop', [...sent, ...batchOf('slow', sent, 'g', at + 20_000)]))
  const late = await find('late', 320)
  expect(late.messages.map(({ offset }) => offset).toSorted()).toEqual(['0', '1', '2'])
  expect((await find('redelivered', 320)).messages).toEqual([])
  expect((await find('retried', 320)).messages).toEqual([])
})

test('a consumer that shares the span id of its producer is listed as late, redelivered and retried', async () => {
  const at = 330 * HOUR_MS
  const request = span({ kind: 2, at, for: 30 })
  const sent = send('shared', { at, for: 10, in: request })
  const failed = { status: { code: 2 } }
  const first = sharing(sent, processing('shared', undefined, 'g', 'link', { at: at + 20_010, for: 100, ...failed }))
  const resent = send('shared.retry', { at: at + 20_050, in: first })
  const again = processing('shared', sent, 'g', 'parent', { at: at + 21_000 })
  const tried = sharing(resent, processing('shared.retry', undefined, 'g', 'link', { at: at + 20_100 }))
  await traces.put(tracesOf('shop', [request, sent]))
  await traces.put(tracesOf('billing', [first, resent, again, tried]))
  const attemptsOf = ({ attempts }: { attempts: readonly { service: string; startTimeUnixNano: string }[] }) =>
    attempts.map(({ service, startTimeUnixNano }) => [service, startTimeUnixNano])
  const expectedAttempts = [first, again].map((one) => ['billing', one.startTimeUnixNano])
  const late = await find('late', 330)
  expect(late.messages).toMatchObject([{ waitNano: '20000000000', producer: { service: 'shop', name: 'send shared' } }])
  expect(late.messages.map(attemptsOf)).toEqual([[expectedAttempts[0]]])
  const redelivered = await find('redelivered', 330)
  expect(redelivered.messages.map(attemptsOf)).toEqual([expectedAttempts])
  expect(redelivered.messages[0]?.producer).toMatchObject({ service: 'shop', name: 'send shared' })
  const retried = await find('retried', 330)
  expect(retried.messages.map(attemptsOf)).toEqual([
    expectedAttempts,
    [expectedAttempts[0], ['billing', tried.startTimeUnixNano]],
  ])
})

test('a message consumed twice by a group is redelivered with its offset on the span, the link or neither', async () => {
  const at = 3 * HOUR_MS
  const partition = { 'messaging.destination.partition.id': '3' }
  // No context: identified by the offset.
  const one = [0, 50].map((later) =>
    processing('plain', undefined, 'g', 'link', { at: at + later, attributes: { ...partition, 'kafka.offset': 41 } }),
  )
  // No offset: identified by the producer span of one message.
  const sent = send('linked', { at })
  const two = [100, 200].map((later) =>
    span({
      name: 'process linked',
      kind: 5,
      at: at + later,
      links: [linkTo(sent)],
      attributes: { 'messaging.system': 'kafka', 'messaging.consumer.group.name': 'g' },
    }),
  )
  // Two batches with the same message.
  const made = send('batched', { at })
  const three = [300, 400].map((later) =>
    processing('batched', undefined, 'g', 'link', {
      at: at + later,
      links: [linkTo(made, { 'kafka.offset': 5, 'messaging.destination.partition.id': '0' })],
    }),
  )
  await traces.put(tracesOf('shop', [sent, made]))
  await traces.put(tracesOf('consumer', [...one, ...two, ...three]))
  const response = await find('redelivered', 3)
  expect(response.messages.map((message) => [message.spanId, message.offset, message.attempts.length])).toEqual([
    [three[1]?.spanId, '5', 2],
    [two[1]?.spanId, '', 2],
    [one[1]?.spanId, '41', 2],
  ])
})

test('two groups, a receive with its process span, a batch with its message span and a resent span are no redelivery', async () => {
  const at = 4 * HOUR_MS
  const sent = send('orders', { at })
  const batch = send('clicks', { at, attributes: { 'messaging.batch.message_count': 2 } })
  const noOffset = { 'messaging.system': 'kafka', 'messaging.consumer.group.name': 'g' }
  const clicks = [0, 1].map((index) =>
    span({ name: 'process clicks', kind: 5, at: at + 50 + index, links: [linkTo(batch)], attributes: noOffset }),
  )
  const poll = processing('orders', sent, 'a', 'link', {
    at: at + 10,
    attributes: { 'messaging.operation.type': 'receive' },
  })
  const processed = processing('orders', sent, 'a', 'link', { at: at + 20, in: poll })
  const other = processing('orders', sent, 'b', 'link', { at: at + 20 })
  // A batch with a span, and one for each message in it.
  const whole = processing('orders', sent, 'c', 'link', {
    at: at + 20,
    for: 50,
    attributes: { 'messaging.batch.message_count': 1 },
  })
  const each = processing('orders', sent, 'c', 'link', { at: at + 21, in: whole })
  await traces.put(tracesOf('shop', [sent, batch]))
  // The same in parent mode: the message's span is with its producer.
  const apart = processing('orders', sent, 'd', 'link', {
    at: at + 20,
    for: 50,
    attributes: { 'messaging.batch.message_count': 1 },
  })
  const one = processing('orders', sent, 'd', 'both', { at: at + 21 })
  await traces.put(tracesOf('consumer', [...clicks, poll, processed, other, whole, each, apart, one]))
  await traces.put(tracesOf('consumer', [other]))
  expect((await find('redelivered', 4)).messages).toEqual([])
})

const timedOut = [
  {
    name: 'exception',
    timeUnixNano: String(T0),
    attributes: [kv('exception.type', 'TimeoutError'), kv('exception.message', 'the model timed out')],
  },
]

/** An order that fails in its group and again from the retry topic, then goes to the DLQ. */
async function putDeadLettered(at: number, mode: 'link' | 'parent' | 'both') {
  const order = send('payments', { at, for: 10, attributes: { 'messaging.destination.partition.id': '2' } })
  const first = processing('payments', order, 'fraud', mode, {
    at: at + 50,
    for: 100,
    status: { code: 2, message: 'no' },
  })
  const inner = span({ name: 'score', at: at + 60, in: first, status: { code: 2, message: 'inner' }, events: timedOut })
  const again = send('payments-retry-0', { at: at + 120, for: 10, in: first })
  const second = processing('payments-retry-0', again, 'fraud-retry', mode, {
    at: at + 1_000,
    for: 100,
    status: { code: 2, message: 'again' },
    events: timedOut,
  })
  const dead = send('payments.dlq', { at: at + 1_050, for: 10, in: second })
  await traces.put(tracesOf('shop', [order]))
  await traces.put(tracesOf('fraud', [first, inner, again, second, dead]))
  return { order, first, again, second, dead }
}

test.each([
  [5, 'link'],
  [6, 'parent'],
] as const)('a dead letter is traced back to its first attempt and error: hour %i, %s', async (hour, mode) => {
  const { order, first, second, dead } = await putDeadLettered(hour * HOUR_MS, mode)
  const response = await find('dead-lettered', hour)
  expect(response.messages).toHaveLength(1)
  expect(response.messages[0]).toMatchObject({
    traceId: dead.traceId,
    spanId: dead.spanId,
    topic: 'payments',
    offset: '7',
    consumerGroup: 'fraud-retry',
    producer: { spanId: order.spanId, service: 'shop' },
    deadLetter: { spanId: dead.spanId, topic: 'payments.dlq' },
    attempts: [
      // The status message of the span precedes the exception of its child.
      { spanId: first.spanId, errorMessage: 'no', queueTimeNano: '40000000', status: 'error' },
      { spanId: second.spanId, errorType: 'TimeoutError', errorMessage: 'the model timed out' },
    ],
  })
  expect((await find('dead-lettered', hour, { topic: 'payments' })).total).toBe(1)
  expect((await find('dead-lettered', hour, { topic: 'orders' })).total).toBe(0)
  expect((await find('dead-lettered', hour, { consumerGroup: 'fraud' })).total).toBe(1)
  expect((await find('dead-lettered', hour, { consumerGroup: 'email' })).total).toBe(0)
})

test('a message on a retry topic is listed as retried with its attempts on both topics', async () => {
  const { order, first, again, second } = await putDeadLettered(7 * HOUR_MS, 'link')
  const response = await find('retried', 7)
  expect(
    response.messages.map((message) => [message.spanId, message.attempts.map((attempt) => attempt.spanId)]),
  ).toEqual([[again.spanId, [first.spanId, second.spanId]]])
  expect(response.messages[0]?.producer?.spanId).toBe(order.spanId)
})

test('a message delivered again is listed as retried only after a failure', async () => {
  const at = 8 * HOUR_MS
  const [failing, fine] = [
    send('orders', { at }),
    send('orders', { at: at + 1, attributes: { 'messaging.destination.partition.id': '1' } }),
  ]
  const unwell = processing('orders', failing, 'g', 'link', { at: at + 100, status: { code: 2, message: 'boom' } })
  const well = processing('orders', failing, 'g', 'link', { at: at + 200 })
  const twice = [300, 400].map((later) => processing('orders', fine, 'g', 'link', { at: at + later }))
  await traces.put(tracesOf('shop', [failing, fine]))
  await traces.put(tracesOf('consumer', [unwell, well, ...twice]))
  const response = await find('retried', 8)
  expect(response.messages.map((message) => message.attempts.map((attempt) => attempt.errorMessage))).toEqual([
    ['boom', ''],
  ])
  expect((await find('redelivered', 8)).total).toBe(2)
})

test('an attempt without an error of its own has the exception of its child span', async () => {
  const at = 9 * HOUR_MS
  const order = send('orders', { at })
  const attempt = processing('orders', order, 'g', 'link', { at: at + 50, for: 100 })
  const inner = span({ name: 'score', at: at + 60, in: attempt, status: { code: 2 }, events: timedOut })
  const dead = send('orders-dlt', { at: at + 100, in: attempt })
  await traces.put(tracesOf('consumer', [order, attempt, inner, dead]))
  const response = await find('dead-lettered', 9)
  expect(response.messages[0]?.attempts).toMatchObject([
    { errorType: 'TimeoutError', errorMessage: 'the model timed out' },
  ])
})

test('message pages are newest first and contain each message once', async () => {
  const at = 10 * HOUR_MS
  const sent = Array.from({ length: 25 }, (_, index) => send('orders', { at: at + (index % 5) * 1_000 }))
  await traces.put(tracesOf('shop', sent))
  const found: string[] = []
  const times: string[] = []
  let cursor: string | undefined
  do {
    const response: MessagesResponse = await find('unconsumed', 10, { neverConsumed: true, limit: 10, cursor })
    found.push(...response.messages.map((message) => message.spanId))
    times.push(...response.messages.map((message) => message.timeUnixNano))
    cursor = response.nextCursor
  } while (cursor !== undefined)
  expect(found).toHaveLength(25)
  expect(new Set(found).size).toBe(25)
  expect(times).toEqual(times.toSorted().toReversed())
})

test('pages over thousands of messages list each late and each redelivered message once', async () => {
  const at = 11 * HOUR_MS
  const sent = Array.from({ length: 1_400 }, (_, index) => send('busy', { at: at + index * 100, for: 1 }))
  const processed = sent.map((one, index) =>
    processing('busy', one, 'group', 'link', { at: at + index * 100 + (index % 200 === 7 ? 20_000 : 10) }),
  )
  // The first delivery is thousands of spans before the second.
  const again = sent.slice(0, 3).map((one) => processing('busy', one, 'group', 'link', { at: at + 1_500 * 100 }))
  await traces.put(tracesOf('shop', sent))
  await traces.put(tracesOf('stock', [...processed, ...again]))
  const pages = async (list: MessageList): Promise<string[]> => {
    const found: string[] = []
    let cursor: string | undefined
    do {
      const response: MessagesResponse = await find(list, 11, { limit: 5, cursor })
      found.push(...response.messages.map((message) => message.spanId))
      cursor = response.nextCursor
    } while (cursor !== undefined)
    return found
  }
  const expected = processed.filter((_, index) => index % 200 === 7).map((one) => one.spanId)
  expect((await pages('late')).toSorted()).toEqual(expected.toSorted())
  expect((await pages('redelivered')).toSorted()).toEqual(again.map((one) => one.spanId).toSorted())
}, 60_000)

test('a message list rejects an invalid cursor, duration or time range', async () => {
  await expect(find('late', 0, { cursor: 'x' })).rejects.toThrow(InvalidParameterError)
  await expect(find('late', 0, { minQueueTime: 'soon' })).rejects.toThrow(InvalidParameterError)
  await expect(find('late', 0, { start: '9', end: '8' })).rejects.toThrow(InvalidParameterError)
})

test('a message has the cluster and key of its link, its consumer or its producer', async () => {
  const at = 14 * HOUR_MS
  const cluster = { 'kafka.cluster.id': 'eu-1' }
  const [keyed, batched] = [
    send('orders', { at, for: 10, attributes: { ...cluster, 'kafka.message.key': 'order-7' } }),
    send('orders', { at: at + 1, for: 10 }),
  ]
  const late = processing('orders', undefined, 'stock', 'link', {
    at: at + 30_000,
    links: [linkTo(keyed), linkTo(batched, { 'kafka.offset': 9, 'messaging.kafka.message.key': 'order-9' })],
    attributes: { ...cluster, 'kafka.offset': '' },
  })
  await traces.put(tracesOf('shop', [keyed, batched, late]))
  const response = await find('late', 14)
  expect(response.messages.map((message) => [message.offset, message.cluster, message.key]).toSorted()).toEqual([
    ['', 'eu-1', 'order-7'],
    ['9', 'eu-1', 'order-9'],
  ])
  expect(response.messages[0]?.attempts[0]).toMatchObject({ cluster: 'eu-1', key: '' })
})

test('a batch span around an attempt is not listed as an attempt', async () => {
  const at = 15 * HOUR_MS
  const order = send('orders', { at, for: 10, attributes: { 'kafka.offset': 3 } })
  const count = { 'messaging.batch.message_count': 1 }
  const batch = processing('orders', order, 'g', 'link', { at: at + 50, for: 100, attributes: count })
  const failed = processing('orders', order, 'g', 'link', { at: at + 60, for: 80, in: batch, status: { code: 2 } })
  const retry = send('orders.retry', { at: at + 70, in: failed })
  const outer = processing('orders.retry', retry, 'g', 'link', { at: at + 200, for: 100, attributes: count })
  const again = processing('orders.retry', retry, 'g', 'link', { at: at + 210, for: 80, in: outer })
  const dead = send('orders.dlq', { at: at + 220, in: again })
  await traces.put(tracesOf('shop', [order]))
  await traces.put(tracesOf('consumer', [batch, failed, retry, outer, again, dead]))
  for (const list of ['retried', 'dead-lettered'] as const) {
    const { messages } = await find(list, 15)
    expect(messages.map(({ attempts }) => attempts.map(({ spanId }) => spanId))).toEqual([
      [failed.spanId, again.spanId],
    ])
  }
})
