import assert from 'node:assert/strict'
import type { FlowAnswer } from '@spanlink/contract'
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
  const flow = async (traceId: string) => (await spanlink.getJson(`/api/flows/${traceId}?maxTraces=1000`)) as FlowAnswer

  await results.check(name, 'flow of a shipped order', async () => {
    const { lanes, edges } = await flow(orders.shipped.traceId)
    const own = lanes.filter(({ services }) => services.some((service) => service.name === name))
    results.figure(name, 'lanes', own.length)
    assert.equal(own.length, expected.lanes, `lanes ${JSON.stringify(own.map(({ rootName }) => rootName))}`)
    assert.equal(lanes.filter(({ rootService }) => rootService === 'gateway').length, 1, 'lanes of the gateway')

    const taken = edges.filter(({ role, topic, to }) => role === 'message' && topic === ORDERS && to.service === name)
    // A link is an edge; so is a child's parent.
    assert.equal(taken.length, Math.max(expected.backlinks, 1), `messages from ${ORDERS}`)
    const [{ from, partition, offset, consumerGroup, queueTimeNano }] = taken as [(typeof taken)[0]]
    const { offset: sentOffset } = orders.shipped
    assert.deepEqual(
      { from: from.service, partition, offset, consumerGroup },
      { from: 'gateway', partition: '0', offset: sentOffset, consumerGroup: expected.namesGroup ? name : '' },
    )
    assert.ok(queueTimeNano !== null && BigInt(queueTimeNano) >= 0n, `queue time ${queueTimeNano}`)

    const booked = edges.filter(
      ({ role, from, to }) => role === 'message' && from.service === name && to.service === LEDGER,
    )
    assert.equal(booked.length, expected.tracesHandler ? 1 : 0, `messages to the ${LEDGER}`)
    if (expected.tracesHandler) assert.equal(booked[0]!.topic, outputTopic(client))
  })

  await results.check(name, 'flow of an order that was polled together with another', async () => {
    const { lanes, edges } = await flow(orders.late.traceId)
    assert.equal(lanes.filter(({ rootService }) => rootService === 'gateway').length, 1, 'lanes of the gateway')
    const own = lanes.filter(({ services }) => services.some((service) => service.name === name))
    assert.equal(own.length, expected.lanes, `lanes ${JSON.stringify(own.map(({ rootName }) => rootName))}`)
    const booked = edges.filter(
      ({ role, from, to }) => role === 'message' && from.service === name && to.service === LEDGER,
    )
    assert.equal(booked.length, expected.tracesHandler ? 1 : 0, `messages to the ${LEDGER}`)
  })

  await results.check(name, 'flow of an order that it has not consumed', async () => {
    const { lanes, missingConsumers } = (await flow(orders.unconsumed.traceId)) as FlowAnswer & MissingConsumers
    assert.equal(lanes.length, 1)
    assert.equal(missingConsumers.filter(({ consumerGroup }) => consumerGroup === name).length, 1)
  })
}

/** What a flow is titled with, and where its critical path begins, whatever the clients. */
export async function checkFlowOrigin(results: Results, spanlink: SpanlinkServer, { orders }: Played): Promise<void> {
  await results.check('server', 'a flow begins at the request that caused it', async () => {
    const answer = (await spanlink.getJson(`/api/flows/${orders.shipped.traceId}?maxTraces=1000`)) as FlowAnswer & Title
    assert.deepEqual([answer.title.service, answer.title.name], ['gateway', 'POST /orders'])
    assert.equal(answer.criticalPath?.segments[0]?.service, 'gateway')
    assert.equal(answer.statistics.negativeQueueTimes, 0)
    assert.deepEqual(answer.missingTraceIds, [])
  })
}

type Title = { readonly title: { readonly service: string; readonly name: string } }

type MissingConsumers = { readonly missingConsumers: readonly { readonly consumerGroup: string }[] }
