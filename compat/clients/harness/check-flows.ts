import assert from 'node:assert/strict'
import type { FlowResponse } from '@spanlink/api-schema'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import type { Client } from './clients.ts'
import type { Results } from './results.ts'
import { LEDGER, ORDERS, outputTopic, type Played } from './scenario.ts'

/** The flow of an order, opened from the gateway's trace, as far as it is the client's. */
export async function checkFlows(
  results: Results,
  spanlink: SpanlinkServer,
  { orders }: Played,
  client: Client,
): Promise<void> {
  const { name, expected } = client

  await results.check(name, 'flow of a shipped order', async () => {
    const flow = await fetchFlow(spanlink, orders.shipped.traceId)
    results.figure(name, 'lanes', ownLanes(flow, client).length)
    checkLanes(flow, client)
    const { edges, missingConsumers } = flow
    const deliveries = edges.filter(
      ({ role, topic, to }) => role === 'message' && topic === ORDERS && to.service === name,
    )
    // A message is one edge, however many spans of its consumer link to the send.
    assert.equal(deliveries.length, 1, `messages from ${ORDERS}`)
    for (const { from, cluster: _, partition, offset, key, consumerGroup, queueTimeNano } of deliveries) {
      assert.deepEqual(
        { from: from.service, partition, offset, key, consumerGroup },
        {
          from: 'gateway',
          partition: '0',
          offset: orders.shipped.offset,
          key: orders.shipped.id,
          consumerGroup: expected.namesGroup ? name : '',
        },
      )
      assert.ok(queueTimeNano !== null && BigInt(queueTimeNano) >= 0n, `queue time ${queueTimeNano}`)
    }
    assert.deepEqual(missingConsumers.filter(isOf(name)), [])
    const endsAtReceive = ownLanes(flow, client).some((lane) => lane.endsAtReceive)
    assert.equal(endsAtReceive, !expected.tracesHandler, 'ends at receive')
  })

  await results.check(name, 'flow of an order polled in one batch with others', async () => {
    const flow = await fetchFlow(spanlink, orders.late.traceId)
    checkLanes(flow, client)
    const joined = ownLanes(flow, client).reduce((sum, { joinedWith }) => sum + (joinedWith?.count ?? 0), 0)
    assert.equal(joined, expected.joined, 'joined with')
  })

  await results.check(name, 'flow of an unconsumed order', async () => {
    const { lanes, missingConsumers } = await fetchFlow(spanlink, orders.unconsumed.traceId)
    assert.equal(lanes.length, 1)
    assert.deepEqual(
      missingConsumers.filter(isOf(name)).map(({ topic, producer }) => ({ topic, traceId: producer.traceId })),
      [{ topic: ORDERS, traceId: orders.unconsumed.traceId }],
    )
  })

  if (!expected.tracesHandler) return
  await results.check(name, 'flow of a shipped order, opened at its last consumer', async () => {
    const shipped = await fetchFlow(spanlink, orders.shipped.traceId)
    const [booked] = bookings(shipped, client)
    const flow = await fetchFlow(spanlink, booked!.to.traceId)
    assert.equal(flow.title?.traceId, orders.shipped.traceId)
    assert.equal(flow.originCount, 1)
    checkLanes(flow, client)
  })
}

/** Title of the flow and first span of its critical path, the same for every client. */
export async function checkFlowOrigin(results: Results, spanlink: SpanlinkServer, { orders }: Played): Promise<void> {
  await results.check('server', 'a flow starts at its root request', async () => {
    const { title, criticalPath, statistics, missingTraceIds } = await fetchFlow(spanlink, orders.shipped.traceId)
    assert.deepEqual([title?.service, title?.name], ['gateway', 'POST /orders'])
    assert.equal(criticalPath?.segments[0]?.service, 'gateway')
    assert.equal(statistics.negativeQueueTimeCount, 0)
    assert.deepEqual(missingTraceIds, [])
  })
}

/** The gateway's one lane, the client's, and where its shipment went: nothing of another order. */
function checkLanes(flow: FlowResponse, client: Client): void {
  const { lanes, tracesHandler } = client.expected
  const own = ownLanes(flow, client).map(({ rootName }) => rootName)
  assert.equal(own.length, lanes, `lanes ${JSON.stringify(own)}`)
  assert.equal(flow.lanes.filter(({ rootService }) => rootService === 'gateway').length, 1, 'lanes of the gateway')
  const topics = bookings(flow, client).map(({ topic }) => topic)
  assert.deepEqual(topics, tracesHandler ? [outputTopic(client)] : [], `messages to the ${LEDGER}`)
}

function ownLanes({ lanes }: FlowResponse, { name }: Client): FlowResponse['lanes'] {
  return lanes.filter(({ services }) => services.some((service) => service.name === name))
}

function bookings({ edges }: FlowResponse, { name }: Client): FlowResponse['edges'] {
  return edges.filter(({ role, from, to }) => role === 'message' && from.service === name && to.service === LEDGER)
}

function isOf(group: string) {
  return ({ consumerGroup }: FlowResponse['missingConsumers'][number]): boolean => consumerGroup === group
}

async function fetchFlow(spanlink: SpanlinkServer, traceId: string): Promise<FlowResponse> {
  return (await spanlink.getJson(`/api/flows/${traceId}?maxTraces=1000`)) as FlowResponse
}
