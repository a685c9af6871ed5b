import type { TopologyResponse, TopologyLag } from '@spanlink/api-schema'
import { encodeTraces, kv, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MS, processing, send, T0 } from '../flow/kafka-spans.ts'
import { encodeMetrics } from '../signals/otlp-messages.ts'
import { openSpanlink, type Spanlink } from '../signals/spanlink.ts'

const HOUR = 3_600_000_000_000n
const SECOND = 1_000_000_000n
const CUMULATIVE = 2

let spanlink: Spanlink
beforeAll(async () => {
  spanlink = await openSpanlink()
})
afterAll(async () => {
  await spanlink?.[Symbol.asyncDispose]()
})

/** Each test uses a separate hour and topic. */
const startOf = (hour: number): bigint => T0 + BigInt(hour) * HOUR

/** One message from `shop`, consumed by the group `<topic>-group` of the service `worker`. */
async function putTraffic(hour: number, topic: string, isConsumed = true): Promise<void> {
  const at = Number((startOf(hour) - T0) / MS) + 1000
  const sent = send(topic, { at, for: 10 })
  await spanlink.send('/v1/traces', encodeTraces(tracesOf('shop', [sent])))
  if (!isConsumed) return
  const consumer = processing(topic, sent, `${topic}-group`, 'link', { at: at + 50 })
  await spanlink.send('/v1/traces', encodeTraces(tracesOf('worker', [consumer])))
}

type Point = { readonly at: bigint; readonly value: number; readonly attributes: Readonly<Record<string, string>> }

async function putMetric(
  name: string,
  points: readonly Point[],
  service = 'worker',
  instance = 'one',
  ofResource: Readonly<Record<string, string>> = {},
): Promise<void> {
  const dataPoints = points.map(({ at, value, attributes }) => ({
    timeUnixNano: String(at),
    asInt: String(value),
    attributes: Object.entries(attributes).map(([key, text]) => kv(key, text)),
  }))
  const isSum = name === 'kafka.consumer.lag'
  const metric = isSum
    ? { sum: { aggregationTemporality: CUMULATIVE, isMonotonic: false, dataPoints } }
    : { gauge: { dataPoints } }
  const resource = { 'service.name': service, 'service.instance.id': instance, ...ofResource }
  const attributes = Object.entries(resource).map(([key, text]) => kv(key, text))
  await spanlink.send(
    '/v1/metrics',
    encodeMetrics({
      resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics: [{ name, ...metric }] }] }],
    }),
  )
}

async function topology(hour: number, length = HOUR): Promise<TopologyResponse> {
  await spanlink.stored()
  const start = startOf(hour)
  const query = { start: String(start), end: String(start + length) }
  const { status, body } = await spanlink.get<TopologyResponse>('/api/topology', query)
  expect({ status, body }).toMatchObject({ status: 200 })
  return body
}

/** The lag of the edge into the only group, and of the group. */
async function lagOf(hour: number, length = HOUR): Promise<readonly (TopologyLag | undefined)[]> {
  const { edges, nodes } = await topology(hour, length)
  return [edges.find(({ type }) => type === 'deliver')?.lag, nodes.find(({ type }) => type === 'group')?.lag]
}

test('the lag of the plugin is the sum of the latest values of its live instances', async () => {
  const attributes = { 'messaging.destination.name': 'own', 'messaging.consumer.group.name': 'own-group' }
  await putTraffic(0, 'own')
  const at = (minute: number): bigint => startOf(0) + BigInt(minute) * 60n * SECOND
  await putMetric(
    'kafka.consumer.lag',
    [5, 6, 7, 8].map((minute) => ({ at: at(minute), value: 1000, attributes })),
    'worker',
    'gone',
  )
  await putMetric(
    'kafka.consumer.lag',
    [28, 29, 30].map((minute) => ({ at: at(minute), value: minute, attributes })),
  )
  const late = [{ at: at(30) + 20n * SECOND, value: 12, attributes }]
  await putMetric('kafka.consumer.lag', late, 'worker', 'two')
  const lag = { messages: 42, timeUnixNano: String(at(30) + 20n * SECOND), metric: 'kafka.consumer.lag' }
  const current = { ...lag, stale: false }
  expect(await lagOf(0, 32n * 60n * SECOND)).toEqual([current, current])
})

test('the lag of a metric without recent points is stale and keeps its time', async () => {
  const attributes = { 'messaging.destination.name': 'silent', 'messaging.consumer.group.name': 'silent-group' }
  await putTraffic(7, 'silent')
  const at = (minute: number): bigint => startOf(7) + BigInt(minute) * 60n * SECOND
  const points = [5, 6, 7].map((minute) => ({ at: at(minute), value: 272, attributes }))
  await putMetric('kafka.consumer.lag', points)
  const lag = { messages: 272, timeUnixNano: String(at(7)), metric: 'kafka.consumer.lag' }
  expect(await lagOf(7, 9n * 60n * SECOND)).toEqual([
    { ...lag, stale: false },
    { ...lag, stale: false },
  ])
  expect(await lagOf(7, 10n * 60n * SECOND)).toEqual([
    { ...lag, stale: true },
    { ...lag, stale: true },
  ])
})

test('a current client lag takes precedence over a stale broker lag', async () => {
  await putTraffic(8, 'both')
  const ofClient = { 'messaging.destination.name': 'both', 'messaging.consumer.group.name': 'both-group' }
  const ofBroker = { group: 'both-group', topic: 'both', partition: '0' }
  const at = startOf(8) + 1_200n * SECOND
  await putMetric(
    'kafka.consumer_group.lag',
    [{ at: at - 900n * SECOND, value: 100, attributes: ofBroker }],
    'collector',
  )
  await putMetric('kafka.consumer.lag', [{ at, value: 5, attributes: ofClient }])
  expect(await lagOf(8, 1_260n * SECOND)).toMatchObject([
    { messages: 5, stale: false, metric: 'kafka.consumer.lag' },
    { messages: 5, stale: false },
  ])
})

test('a group in two clusters has the lag of each cluster, and none from a metric without a cluster', async () => {
  const at = startOf(9)
  const ms = Number((at - T0) / MS)
  for (const cluster of ['east', 'west']) {
    const attributes = { 'kafka.cluster.id': cluster }
    const sent = send('twice', { at: ms, attributes })
    const consumer = processing('twice', sent, 'g', 'link', { at: ms + 50, attributes })
    await spanlink.send('/v1/traces', encodeTraces(tracesOf('shop', [sent, consumer])))
  }
  const series = { 'messaging.destination.name': 'twice', 'messaging.consumer.group.name': 'g' }
  const put = async (value: number, cluster: Readonly<Record<string, string>>): Promise<void> =>
    await putMetric('kafka.consumer.lag', [{ at, value, attributes: { ...series, ...cluster } }])
  const lags = async () => {
    const { edges } = await topology(9)
    return edges
      .filter(({ type }) => type === 'deliver')
      .map(({ to, lag }) => [to, lag?.messages])
      .toSorted()
  }
  await put(7, {})
  expect(await lags()).toEqual([
    ['group:kafka:east:g', undefined],
    ['group:kafka:west:g', undefined],
  ])
  await put(3, { 'kafka.cluster.id': 'west' })
  expect(await lags()).toEqual([
    ['group:kafka:east:g', undefined],
    ['group:kafka:west:g', 3],
  ])
  const ofResource = { 'kafka.cluster.id': 'east' }
  await putMetric('kafka.consumer.lag', [{ at, value: 9, attributes: series }], 'worker', 'two', ofResource)
  const own = { ...series, 'kafka.cluster.id': 'west' }
  await putMetric('kafka.consumer.lag', [{ at, value: 4, attributes: own }], 'worker', 'three', ofResource)
  expect(await lags()).toEqual([
    ['group:kafka:east:g', 9],
    ['group:kafka:west:g', 7],
  ])
})

test('the lag of the broker takes precedence over clients, with the latest value per partition', async () => {
  await putTraffic(1, 'seen')
  const at = startOf(1) + 600n * SECOND
  const ofClient = { 'messaging.destination.name': 'seen', 'messaging.consumer.group.name': 'seen-group' }
  await putMetric('kafka.consumer.lag', [{ at, value: 5, attributes: ofClient }])
  const of = (partition: string) => ({ group: 'seen-group', topic: 'seen', partition })
  const lag = 'kafka.consumer_group.lag'
  await putMetric(
    lag,
    [
      { at, value: 100, attributes: of('0') },
      { at, value: 20, attributes: of('1') },
    ],
    'collector',
    'a',
  )
  await putMetric(lag, [{ at: at + SECOND, value: 70, attributes: of('0') }], 'collector', 'b')
  expect(await lagOf(1)).toMatchObject([
    { messages: 90, metric: lag },
    { messages: 90, metric: lag },
  ])
})

test('a partition without a committed offset has no lag', async () => {
  await putTraffic(2, 'exported')
  const at = startOf(2) + 600n * SECOND
  const of = (partition: string) => ({ consumergroup: 'exported-group', topic: 'exported', partition })
  const points = [
    { at, value: -1, attributes: of('0') },
    { at, value: 3, attributes: of('1') },
  ]
  await putMetric('kafka_consumergroup_lag', points, 'exporter')
  expect(await lagOf(2)).toMatchObject([{ messages: 3 }, { messages: 3 }])
})

test('the lag of Java clients belongs to the only group of their service', async () => {
  await putTraffic(3, 'java')
  const at = startOf(3) + 600n * SECOND
  const points = [{ at, value: 9, attributes: { 'client-id': 'consumer-1' } }]
  await putMetric('kafka.consumer.records_lag_max', points)
  expect(await lagOf(3)).toMatchObject([{ messages: 9, metric: 'kafka.consumer.records_lag_max' }, { messages: 9 }])
  const ofTopic = { 'client-id': 'consumer-1', topic: 'java' }
  const each = ['0', '1'].map((partition) => ({ at, value: 6, attributes: { ...ofTopic, partition } }))
  await putMetric('kafka.consumer.records_lag_max', each)
  expect(await lagOf(3)).toMatchObject([{ messages: 12 }, { messages: 12 }])
})

test('a group with lag and without consumers has an edge without deliveries', async () => {
  await putTraffic(4, 'stuck', false)
  const at = startOf(4) + 600n * SECOND
  const of = (group: string, topic: string) => ({ group, topic, partition: '0' })
  await putMetric('kafka.consumer_group.lag', [
    { at, value: 77, attributes: of('asleep', 'stuck') },
    { at, value: 0, attributes: of('content', 'stuck') },
    { at, value: 5, attributes: of('asleep', 'elsewhere') },
  ])
  const { edges, nodes } = await topology(4)
  expect(edges.map(({ type, to, count, lag }) => [type, to, count, lag?.messages])).toEqual([
    ['produce', 'topic:kafka::stuck', 1, undefined],
    ['deliver', 'group:kafka::asleep', 0, 77],
  ])
  expect(nodes.map(({ id, lag }) => [id, lag?.messages])).toContainEqual(['group:kafka::asleep', 77])
})

test('there is no lag without a metric in the requested range', async () => {
  await putTraffic(5, 'quiet')
  const attributes = { 'messaging.destination.name': 'quiet', 'messaging.consumer.group.name': 'quiet-group' }
  await putMetric('kafka.consumer.lag', [{ at: startOf(6), value: 5, attributes }])
  expect(await lagOf(5)).toEqual([undefined, undefined])
})
