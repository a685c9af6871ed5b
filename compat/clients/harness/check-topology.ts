import assert from 'node:assert/strict'
import type { TopologyResponse, TopologyEdge } from '@spanlink/api-schema'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import type { Client } from './clients.ts'
import type { Results } from './results.ts'
import { deadLetterTopic, ORDERS, outputTopic, type Played, retryTopic } from './scenario.ts'

/** Six orders are sent; a client consumes five of them, one of these twice. */
const ORDERS_SENT = 6
const ORDERS_CONSUMED = 6

/** The client, its group and its topics in the topology, with queue times and lag. */
export async function checkTopology(
  results: Results,
  spanlink: SpanlinkServer,
  _: Played,
  client: Client,
): Promise<void> {
  const { name, expected } = client
  let topology: TopologyResponse | undefined
  await results.check(name, 'topology', async () => {
    topology = (await spanlink.getJson('/api/topology')) as TopologyResponse
  })
  if (topology === undefined) return
  const { nodes, edges } = topology
  const nodeName = (id: string): string => nodes.find((node) => node.id === id)?.name ?? ''
  const find = (type: TopologyEdge['type'], topic: string, end: 'from' | 'to'): TopologyEdge[] =>
    edges.filter((edge) => edge.type === type && edge.topic === topic && nodeName(edge[end]) === name)

  await results.check(name, 'one topology node per topic', () => {
    for (const topic of [ORDERS, outputTopic(client), retryTopic(client), deadLetterTopic(client)]) {
      const own = nodes.filter((node) => node.type === 'topic' && node.name === topic)
      assert.equal(own.length, 1, `nodes of ${topic}: ${JSON.stringify(own)}`)
    }
    const sends = edges.filter((edge) => edge.type === 'produce' && edge.topic === ORDERS)
    assert.deepEqual(
      sends.map(({ count }) => count),
      [ORDERS_SENT],
    )
  })

  await results.check(name, 'consumed messages in the topology', () => {
    // Spans without a group lead from the topic straight to the service.
    const edge = single(find(expected.namesGroup ? 'deliver' : 'consume', ORDERS, 'to'))
    results.figure(name, 'consumed', edge.count)
    assert.equal(edge.count, ORDERS_CONSUMED)
    // The redelivered order has one queue time.
    assert.equal(edge.queueTimeCount, ORDERS_CONSUMED - 1)
    results.figure(name, 'queued p50 ms', Math.round(Number(edge.queueTimeNano!.p50) / 1e6))
    assert.equal(single(find(expected.namesGroup ? 'deliver' : 'consume', retryTopic(client), 'to')).count, 1)
  })

  await results.check(name, 'produced messages in the topology', () => {
    const counts = [outputTopic(client), retryTopic(client), deadLetterTopic(client)].map(
      (topic) => single(find('produce', topic, 'from')).count,
    )
    assert.deepEqual(counts, [4, 1, 1])
  })

  await results.check(name, 'lag in the topology', () => {
    const { lag } = single(find('deliver', ORDERS, 'to'))
    results.figure(name, 'lag', lag?.messages ?? '-')
    assert.deepEqual(
      { messages: lag?.messages, metric: lag?.metric, stale: lag?.stale },
      { messages: 1, metric: 'kafka.consumer_group.lag', stale: false },
    )
  })
}

function single(edges: readonly TopologyEdge[]): TopologyEdge {
  assert.equal(
    edges.length,
    1,
    `edges ${JSON.stringify(edges.map(({ type, from, to, topic }) => ({ type, from, to, topic })))}`,
  )
  return edges[0]!
}
