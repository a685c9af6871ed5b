import { kv, type OtlpLink, tracesOf, randomSpanId, randomTraceId } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { InvalidParameterError } from '../../src/query/sql/invalid-parameter.ts'
import { findLinks } from '../../src/query/links/find-links.ts'
import { findTrace } from '../../src/query/traces/by-id/trace.ts'
import { linkTo, MS, nowNano, span } from './order-spans.ts'
import { openStoredTraces, type StoredTraces } from './stored-traces.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

const start = nowNano()

/** A gateway's send and two consumers of it in traces of their own. */
function order() {
  const send = span({ name: 'send orders', kind: 4, start, duration: 2n * MS })
  const pay = span({ name: 'process orders', kind: 5, start: start + 10n * MS, links: [linkTo(send)] })
  const reserve = span({
    name: 'process orders',
    kind: 5,
    start: start + 20n * MS,
    links: [linkTo(send)],
    status: { code: 2 },
  })
  return { send, pay, reserve }
}

test.each(['producer first', 'consumers first'])(
  'a link is found from both of its spans when stored %s',
  async (arrival) => {
    const { send, pay, reserve } = order()
    const puts = [
      () => traces.put(tracesOf('gateway', [send])),
      () => traces.put(tracesOf('payment', [pay])),
      () => traces.put(tracesOf('inventory', [reserve])),
    ]
    for (const put of arrival === 'producer first' ? puts : puts.toReversed()) await put()

    const back = await findLinks(traces.store, send.traceId, { direction: 'in' }, {})
    expect(back?.total).toBe(2)
    expect(back?.links.map((link) => [link.peer?.service, link.peer?.name, link.queueTimeNano])).toEqual([
      ['payment', 'process orders', '8000000'],
      ['inventory', 'process orders', '18000000'],
    ])
    expect(back?.links[0]).toMatchObject({
      direction: 'in',
      spanId: send.spanId,
      span: {
        service: 'gateway',
        name: 'send orders',
        kind: 'producer',
        status: 'unset',
        startTimeUnixNano: String(start),
      },
      peerTraceId: pay.traceId,
      peerSpanId: pay.spanId,
      flags: 0x101,
      traceState: 'a=b',
      attributes: [
        { key: 'messaging.kafka.offset', value: { intValue: '1' } },
        { key: 'messaging.destination.name', value: { stringValue: 'orders' } },
      ],
    })
    expect(back?.links[1]?.peer?.status).toBe('error')

    const out = await findLinks(traces.store, pay.traceId, { direction: 'both' }, {})
    expect(out?.links).toMatchObject([
      {
        direction: 'out',
        spanId: pay.spanId,
        peerTraceId: send.traceId,
        peer: { service: 'gateway' },
        queueTimeNano: '8000000',
      },
    ])

    const trace = await findTrace(traces.store, pay.traceId, {})
    expect(trace?.spans[0]?.links).toMatchObject([
      {
        traceId: send.traceId,
        spanId: send.spanId,
        target: { service: 'gateway', name: 'send orders' },
        queueTimeNano: '8000000',
      },
    ])
    expect((await findTrace(traces.store, send.traceId, {}))?.spans[0]?.backlinkCount).toBe(2)
  },
)

test('the Kafka record of a link is read from the link, its consumer and its producer', async () => {
  const send = span({ name: 'send orders', kind: 4, start, attributes: [kv('messaging.kafka.message.key', 'k1')] })
  const ours = span({
    name: 'process orders',
    kind: 5,
    start: start + 10n * MS,
    links: [
      {
        ...linkTo(send),
        attributes: [
          kv('messaging.destination.name', 'orders'),
          kv('messaging.destination.partition.id', '3'),
          kv('kafka.offset', 1042),
          kv('kafka.message.key', 'k1'),
        ],
      },
    ],
  })
  // As kotel writes it: all on the span, nothing on the link.
  const kotel = span({
    name: 'orders process',
    kind: 5,
    start: start + 20n * MS,
    attributes: [
      kv('messaging.source.name', 'orders'),
      kv('messaging.kafka.source.partition', 3),
      kv('messaging.kafka.message.offset', 1042),
    ],
    links: [{ ...linkTo(send), attributes: [] }],
  })
  await traces.put(tracesOf('gateway', [send]))
  await traces.put(tracesOf('payment', [ours]))
  await traces.put(tracesOf('go', [kotel]))

  const record = { cluster: '', topic: 'orders', partition: '3', offset: '1042', key: 'k1' }
  const back = await findLinks(traces.store, send.traceId, { direction: 'in' }, {})
  expect(back?.links.map((link) => link.record)).toEqual([record, record])
  for (const consumer of [ours, kotel]) {
    const out = await findLinks(traces.store, consumer.traceId, { direction: 'out' }, {})
    expect(out?.links.map((link) => link.record)).toEqual([record])
    const trace = await findTrace(traces.store, consumer.traceId, {})
    expect(trace?.spans[0]?.links.map((link) => link.record)).toEqual([record])
  }
  const sent = await findTrace(traces.store, send.traceId, {})
  expect(sent?.spans[0]?.record).toEqual({ ...record, topic: '', partition: '', offset: '' })
})

test('the record of a link has the cluster of the consumer, or else of its resource', async () => {
  const send = span({ name: 'send orders', kind: 4, start })
  const topic = kv('messaging.destination.name', 'orders')
  const links = [{ ...linkTo(send), attributes: [] }]
  const consumers = [
    span({ name: 'process orders', kind: 5, start: start + MS, attributes: [topic], links }),
    span({
      name: 'process orders',
      kind: 5,
      start: start + 2n * MS,
      attributes: [topic, kv('kafka.cluster.id', 'b')],
      links,
    }),
    // No message has a span of this kind.
    span({ name: 'GET /orders', kind: 2, start: start + 3n * MS, attributes: [topic], links }),
  ]
  const [sent] = tracesOf('payment', consumers).resourceSpans ?? []
  await traces.put(tracesOf('gateway', [send]))
  const attributes = [...(sent?.resource?.attributes ?? []), kv('kafka.cluster.id', 'a')]
  await traces.put({ resourceSpans: [{ ...sent, resource: { attributes } }] })

  const back = await findLinks(traces.store, send.traceId, { direction: 'in' }, {})
  const record = { topic: 'orders', partition: '', offset: '', key: '' }
  const none = { ...record, topic: '', cluster: '' }
  const expected = [{ ...record, cluster: 'a' }, { ...record, cluster: 'b' }, none]
  expect(back?.links.map((link) => link.record)).toEqual(expected)
  for (const [at, { traceId }] of consumers.entries()) {
    const out = await findLinks(traces.store, traceId, { direction: 'out' }, {})
    expect(out?.links.map((link) => link.record)).toEqual([expected[at]])
  }
})

test('a link to an id that a sender and a consumer share targets the sender in every direction', async () => {
  const { send: other } = order()
  const send = span({ name: 'send orders', kind: 4, start, attributes: [kv('messaging.operation.type', 'send')] })
  const same = { traceId: send.traceId, spanId: send.spanId, parentSpanId: send.spanId }
  const consumer = { ...span({ name: 'process orders', kind: 5, start: start + MS, links: [linkTo(other)] }), ...same }
  const linking = span({ traceId: send.traceId, name: 'check', kind: 1, start: start + 2n * MS, links: [linkTo(send)] })
  await traces.put(tracesOf('shop', [send, linking]))
  await traces.put(tracesOf('payment', [consumer]))
  for (const direction of ['out', 'both'] as const) {
    const found = await findLinks(traces.store, send.traceId, { direction }, {})
    const link = found?.links.find((each) => each.direction === 'out' && each.spanId === linking.spanId)
    expect(link?.peer?.name).toBe('send orders')
  }
})

test('the record of a link is the same in the trace and in the links of both ends', async () => {
  const send = span({ name: 'send orders', kind: 4, start, attributes: [kv('kafka.offset', 9)] })
  const [topic, partition] = [kv('messaging.destination.name', 'orders'), kv('messaging.destination.partition.id', '3')]
  const key = kv('kafka.message.key', 'k1')
  const located = [topic, partition, kv('kafka.offset', 1042)]
  const cases = [
    { kind: 5, attributes: [key], ofLink: located },
    { kind: 5, attributes: [key, kv('kafka.cluster.id', 'b')], ofLink: located },
    { kind: 5, attributes: [topic, kv('kafka.offset', '007')], ofLink: [] },
    { kind: 5, attributes: [topic, kv('kafka.offset', 'abc')], ofLink: [] },
    { kind: 2, attributes: [topic, key], ofLink: [] },
    // Too large to be repeated in thousands of backlinks.
    { kind: 5, attributes: [topic, kv('kafka.message.key', 'k'.repeat(8000))], ofLink: [], links: 3000 },
  ]
  await traces.put(tracesOf('gateway', [send]))
  for (const { kind, attributes, ofLink, links = 1 } of cases) {
    const own = Array.from({ length: links }, () => ({ ...linkTo(send), attributes: ofLink }))
    const consumer = span({ name: 'process orders', kind, start: start + MS, attributes, links: own })
    await traces.put(tracesOf('payment', [consumer]))
    const trace = await findTrace(traces.store, consumer.traceId, {})
    const record = trace?.spans[0]?.links[0]?.record
    const out = await findLinks(traces.store, consumer.traceId, { direction: 'out', limit: 1 }, {})
    expect(out?.links[0]?.record).toEqual(record)
    const back = await findLinks(traces.store, send.traceId, { direction: 'in', limit: 1000 }, {})
    const incoming = back?.links.find((link) => link.peerTraceId === consumer.traceId)
    expect(incoming?.record).toEqual(record)
    expect(record?.topic).toBe(kind === 5 ? 'orders' : '')
  }
})

test('a link whose target is not stored is returned with a null peer', async () => {
  const missing = { traceId: randomTraceId(), spanId: randomSpanId() }
  const lonely = span({ start, links: [linkTo(missing)] })
  await traces.put(tracesOf('payment', [lonely]))

  const out = await findLinks(traces.store, lonely.traceId, {}, {})
  expect(out).toMatchObject({ total: 1, links: [{ peerTraceId: missing.traceId, peer: null, queueTimeNano: null }] })
  const awaited = await findLinks(traces.store, missing.traceId, {}, {})
  expect(awaited).toMatchObject({
    total: 1,
    links: [{ direction: 'in', spanId: missing.spanId, span: null, peer: { service: 'payment' }, queueTimeNano: null }],
  })
})

test('a link to a span of the same trace is returned in both directions', async () => {
  const send = span({ start })
  const receive = span({ traceId: send.traceId, start: start + 1n, links: [linkTo(send)] })
  await traces.put(tracesOf('one', [send, receive]))
  const both = await findLinks(traces.store, send.traceId, {}, {})
  expect(both?.links.map((link) => [link.direction, link.spanId])).toEqual([
    ['out', receive.spanId],
    ['in', send.spanId],
  ])
})

test('the queue time of a link is negative when the clocks are skewed', async () => {
  const send = span({ start: start + 50n * MS })
  const pay = span({ start, links: [linkTo(send)] })
  await traces.put(tracesOf('skewed', [send, pay]))
  expect((await findLinks(traces.store, pay.traceId, {}, {}))?.links[0]?.queueTimeNano).toBe('-50000000')
})

test('a span sent twice has its links once', async () => {
  const { send, pay } = order()
  await traces.put(tracesOf('gateway', [send]))
  await traces.put(tracesOf('payment', [pay]))
  await traces.put(tracesOf('payment', [pay]))
  expect(await findLinks(traces.store, send.traceId, { direction: 'in' }, {})).toMatchObject({ total: 1, links: [{}] })
  expect((await findTrace(traces.store, send.traceId, {}))?.spans[0]?.backlinkCount).toBe(1)
  expect((await findTrace(traces.store, pay.traceId, {}))?.spans[0]?.links).toHaveLength(1)
})

// Links are read in one statement if they are few and small, else by their sort keys.
test.each([
  ['few links', 25, 4, ''],
  ['hundreds of links', 300, 90, ''],
  ['links of more than 4 MiB', 25, 4, 'v'.repeat(200_000)],
])('pages of %s contain each link once in a stable order', async (_, count, limit, value) => {
  const send = span({ start })
  const link = (offset?: number): OtlpLink => {
    const made = linkTo(send, offset)
    return value === '' ? made : { ...made, attributes: [...(made.attributes ?? []), kv('large', value)] }
  }
  // Some share a start, so that time alone is no order; one span has two links.
  const consumers = Array.from({ length: count }, (_, index) =>
    span({ start: start + BigInt(index >> 2), links: index === 7 ? [link(1), link(2)] : [link()] }),
  )
  await traces.put(tracesOf('gateway', [send]))
  await traces.put(tracesOf('fan-out', consumers))
  await traces.put(tracesOf('fan-out', consumers.slice(0, 5)))

  const whole = await findLinks(traces.store, send.traceId, { direction: 'in', limit: 1000 }, {})
  const paged = []
  let cursor: string | undefined
  do {
    const page = await findLinks(traces.store, send.traceId, { direction: 'in', limit, cursor }, {})
    expect(page?.total).toBe(count + 1)
    paged.push(...(page?.links ?? []))
    cursor = page?.nextCursor
  } while (cursor !== undefined)
  expect(whole?.links).toHaveLength(count + 1)
  const order = whole?.links.map(({ peer, peerTraceId }) => `${peer?.startTimeUnixNano} ${peerTraceId}`)
  expect(order).toEqual(order?.toSorted())
  expect(paged).toEqual(whole?.links)
})

test('links can be limited to one span of a trace', async () => {
  const { send, pay } = order()
  const other = span({ traceId: send.traceId, start, links: [linkTo(pay)] })
  await traces.put(tracesOf('gateway', [send, other, pay]))
  const ofSend = await findLinks(traces.store, send.traceId, { spanId: send.spanId.toUpperCase() }, {})
  expect(ofSend?.links.map((link) => link.direction)).toEqual(['in'])
})

test('a link to the last of thousands of spans or to a span days later has its peer span', async () => {
  const traceId = randomTraceId()
  const days = 40n * 86_400_000n * MS
  const spans = Array.from({ length: 3000 }, (_, n) => span({ traceId, name: `send ${n}`, start: start + BigInt(n) }))
  const late = span({ traceId, name: 'send late', start: start + days })
  const last = spans.at(-1)
  if (last === undefined) throw new Error('there are thousands')
  const consumers = [last, late].map((sent) => span({ name: 'process', start: start + days, links: [linkTo(sent)] }))
  await traces.put(tracesOf('gateway', [...spans, late]))
  await traces.put(tracesOf('payment', consumers))

  const back = await findLinks(traces.store, traceId, { direction: 'in' }, {})
  expect(back?.links.map((link) => link.span?.name).sort()).toEqual(['send 2999', 'send late'])
  for (const sent of [last, late]) {
    const one = await findLinks(traces.store, traceId, { direction: 'in', spanId: sent.spanId }, {})
    expect(one?.links).toMatchObject([{ span: { name: sent.name } }])
  }
  for (const consumer of consumers) {
    const out = await findLinks(traces.store, consumer.traceId, { direction: 'out' }, {})
    expect(out?.links).toMatchObject([{ peerTraceId: traceId, peer: { service: 'gateway' } }])
  }
})

test('links of an unknown trace are undefined, and of a trace without links empty', async () => {
  expect(await findLinks(traces.store, randomTraceId(), {}, {})).toBeUndefined()
  const known = span({ start })
  await traces.put(tracesOf('plain', [known]))
  expect(await findLinks(traces.store, known.traceId, {}, {})).toEqual({ total: 0, links: [] })
})

test.each(['x', 'in.1.2.3.4.5', "in.1.0000000000000000.00000000000000000000000000000000.' or 1.0"])(
  'the links cursor %s is rejected',
  async (cursor) => {
    await expect(findLinks(traces.store, randomTraceId(), { cursor }, {})).rejects.toThrow(InvalidParameterError)
  },
)

test('a span with thousands of links has every one of them resolved', async () => {
  const sends = Array.from({ length: 5_000 }, (_, i) =>
    span({ name: 'send orders', kind: 4, start: start + BigInt(i) }),
  )
  const poll = span({ name: 'poll orders', kind: 3, start: start + 50n * MS, links: sends.map((send) => linkTo(send)) })
  await traces.put(tracesOf('gateway', sends))
  await traces.put(tracesOf('payment', [poll]))

  const trace = await findTrace(traces.store, poll.traceId, {})
  const links = trace?.spans[0]?.links ?? []
  expect(links).toHaveLength(5_000)
  expect(links.filter((link) => link.target === null)).toEqual([])
})
