import type { TopologyResponse, TopologyEdge } from '@spanlink/api-schema'
import { expect, test } from 'vitest'
import { formatCount, formatPercent, formatRateNumber, formatRate, rateUnit } from '../lib/format/number.ts'
import { sortNodes } from './sort-nodes.ts'
import { buildTopologyModel, findNeighbors, filterTopology } from './topology-model.ts'

const ALL = { text: '', onlyErrors: false, focus: undefined, reach: 3, maxEdges: Infinity }

// a -> t1 -> g1 -> b -> t2 -> g2 -> c, and a calls d.
const model = buildTopologyModel({
  startTimeUnixNano: '0',
  endTimeUnixNano: '1',
  nodes: [
    'service:a',
    'topic:k:t1',
    'group:k:g1',
    'service:b',
    'topic:k:t2',
    'group:k:g2',
    'service:c',
    'service:d',
  ].map((id): TopologyResponse['nodes'][number] => ({
    id,
    type: id.split(':')[0] as 'service',
    name: id.split(':').at(-1) ?? '',
    system: '',
    cluster: '',
  })),
  edges: [
    edge('produce', 'service:a', 'topic:k:t1', 't1', 100),
    edge('deliver', 'topic:k:t1', 'group:k:g1', 't1', 100, 7),
    edge('consume', 'group:k:g1', 'service:b', 't1', 100, 7),
    edge('produce', 'service:b', 'topic:k:t2', 't2', 10),
    edge('deliver', 'topic:k:t2', 'group:k:g2', 't2', 10),
    edge('consume', 'group:k:g2', 'service:c', 't2', 10),
    edge('call', 'service:a', 'service:d', undefined, 5),
  ],
  searched: { start: '0', end: '1' },
  complete: true,
})

test('neighbors of a node are its upstream and downstream nodes, not its siblings', () => {
  expect(findNeighbors(model, 'service:b', 3)).toEqual(
    new Set(['service:b', 'group:k:g1', 'topic:k:t1', 'service:a', 'topic:k:t2', 'group:k:g2', 'service:c']),
  )
  expect(findNeighbors(model, 'service:b', 1)).toEqual(new Set(['service:b', 'group:k:g1', 'topic:k:t2']))
})

test('a topology above the edge limit shows complete paths of its busiest topics', () => {
  const { edges, left } = filterTopology(model, { ...ALL, maxEdges: 4 })
  expect(new Set(edges.map((one) => one.topic))).toEqual(new Set(['t1']))
  expect(left).toBe(4)
})

test('search text, errors only and focus reduce the topology', () => {
  expect(filterTopology(model, { ...ALL, text: 'G2' }).edges).toHaveLength(2)
  expect(filterTopology(model, { ...ALL, onlyErrors: true }).edges).toHaveLength(2)
  expect(filterTopology(model, { ...ALL, focus: 'service:c', reach: 1 }).edges).toHaveLength(1)
})

test('a node has the highest queue time and error count of its edges', () => {
  expect(model.nodeById.get('topic:k:t1')?.queueTime).toBe(95)
  expect(model.nodeById.get('service:a')?.queueTime).toBeUndefined()
  expect(model.nodeById.get('group:k:g1')?.errorCount).toBe(7)
})

test('a consumer group has its lag, a topic the highest lag of its groups, other nodes none', () => {
  const lag = (messages: number) => ({ messages, timeUnixNano: '1', stale: false, metric: 'kafka.consumer.lag' })
  const deliver = (to: string, messages?: number): TopologyEdge => ({
    ...edge('deliver', 'topic:k:t', to, 't', 1),
    ...(messages === undefined ? {} : { lag: lag(messages) }),
  })
  const node = (id: string, messages?: number): TopologyResponse['nodes'][number] => ({
    id,
    type: id.split(':')[0] as 'service',
    name: id,
    system: 'k',
    cluster: '',
    ...(messages === undefined ? {} : { lag: lag(messages) }),
  })
  const { nodeById } = buildTopologyModel({
    startTimeUnixNano: '0',
    endTimeUnixNano: '1',
    nodes: [node('topic:k:t'), node('group:k:a', 7), node('group:k:b', 1204), node('group:k:c')],
    edges: [deliver('group:k:a', 7), deliver('group:k:b', 1204), deliver('group:k:c')],
    searched: { start: '0', end: '1' },
    complete: true,
  })
  expect([...nodeById.values()].map(({ id, worstLag }) => [id, worstLag?.messages])).toEqual([
    ['topic:k:t', 1204],
    ['group:k:a', 7],
    ['group:k:b', 1204],
    ['group:k:c', undefined],
  ])
  expect([7, 1204, 43_210, 1_260_000].map(formatCount)).toEqual(['7', '1,204', '43.2k', '1.26M'])
})

test('rates of a page are in the unit of the highest rate', () => {
  expect([rateUnit([0.02, 12.3]), rateUnit([0.02]), rateUnit([0.001]), rateUnit([])].map(({ name }) => name)).toEqual([
    '/s',
    '/min',
    '/h',
    '/h',
  ])
  const perMinute = rateUnit([0.02])
  expect([0, 0.02, 0.0007, 0.00001, 7, 43_210].map((rate) => formatRateNumber(rate, perMinute))).toEqual([
    '0',
    '1.2',
    '0.04',
    '<0.01',
    '420',
    '2590k',
  ])
  expect(formatRate(0.02, perMinute)).toBe('1.2/min')
  expect([formatPercent(0), formatPercent(0.0001), formatPercent(0.025), formatPercent(1)]).toEqual([
    '0%',
    '<0.1%',
    '2.5%',
    '100%',
  ])
})

test('nodes are sorted by each column in both directions, nodes without a value last', () => {
  const names = (by: 'name' | 'rate' | 'queue', isAscending: boolean) =>
    sortNodes(model.nodes, { by, isAscending }).map(({ name }) => name)
  expect(names('name', true).slice(0, 3)).toEqual(['a', 'b', 'c'])
  expect(names('name', false).slice(0, 3)).toEqual(['t2', 't1', 'g2'])
  expect(names('rate', false).at(-1)).toBe('d')
  for (const isAscending of [true, false]) expect(names('queue', isAscending).slice(-4)).toEqual(['a', 'b', 'c', 'd'])
})

test('clusters are shown only when there are two or more', () => {
  const node = (id: string, cluster: string): TopologyResponse['nodes'][number] => ({
    id,
    type: 'topic',
    name: 'orders',
    system: 'kafka',
    cluster,
  })
  const hasClusters = (...clusters: string[]) =>
    buildTopologyModel({
      startTimeUnixNano: '0',
      endTimeUnixNano: '1',
      nodes: clusters.map((cluster, nth) => node(String(nth), cluster)),
      edges: [],
      searched: { start: '0', end: '1' },
      complete: true,
    }).hasClusters
  expect([hasClusters('', ''), hasClusters('a'), hasClusters('a', 'b'), hasClusters('', 'a')]).toEqual([
    false,
    false,
    true,
    true,
  ])
})

test('a current lag takes precedence over a stale one', () => {
  const lag = (messages: number, stale: boolean) => ({ messages, stale, timeUnixNano: '0', metric: 'm' })
  const { nodeById } = buildTopologyModel({
    startTimeUnixNano: '0',
    endTimeUnixNano: '1',
    nodes: [{ id: 't', type: 'topic', name: 't', system: '', cluster: '' }],
    edges: [
      { ...edge('deliver', 't', 'a', 't', 1), lag: lag(900, true) },
      { ...edge('deliver', 't', 'b', 't', 1), lag: lag(5, false) },
    ],
    searched: { start: '0', end: '1' },
    complete: true,
  })
  expect(nodeById.get('t')?.worstLag).toEqual(lag(5, false))
})

function edge(
  type: TopologyEdge['type'],
  from: string,
  to: string,
  topic: string | undefined,
  count: number,
  errorCount = 0,
): TopologyEdge {
  const quantiles = { p50: '50', p95: '95', p99: '99' }
  return {
    type,
    from,
    to,
    ...(topic === undefined ? {} : { topic }),
    count,
    errorCount,
    ratePerSecond: count / 3600,
    durationNano: quantiles,
    ...(type === 'deliver' ? { queueTimeNano: quantiles } : {}),
    sampled: false,
  }
}
