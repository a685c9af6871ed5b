import assert from 'node:assert/strict'
import type { Message, MessageList, MessagesResponse } from '@spanlink/api-schema'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import type { Client } from './clients.ts'
import type { Results } from './results.ts'
import { deadLetterTopic, LATE_MS, ORDERS, type Played, retryTopic, type SentOrder } from './scenario.ts'

/** Each list has exactly one message of each client: the order that the scenario made for it. */
export async function checkMessages(
  results: Results,
  spanlink: SpanlinkServer,
  { orders }: Played,
  client: Client,
): Promise<void> {
  const { name, expected } = client
  const check = async (list: MessageList, test: (messages: readonly Message[]) => void): Promise<void> => {
    await results.check(name, `${list} messages`, async () => {
      const messages = (await fetchAll(spanlink, list, filterOf(list, client))).filter((one) => isOf(one, list, client))
      results.figure(name, list, messages.length)
      assert.equal(messages.length, 1, `1 message expected, got ${JSON.stringify(messages.map(summaryOf))}`)
      test(messages)
    })
  }

  await check('unconsumed', ([message]) => {
    assert.deepEqual(recordOf(message), record(orders.unconsumed))
    assert.equal(message!.consumerGroup, name)
    assert.equal(message!.producer?.service, 'gateway')
  })

  await check('late', ([message]) => {
    assert.deepEqual(recordOf(message), record(orders.late))
    assert.ok(BigInt(message!.waitNano) > BigInt(LATE_MS) * 1_000_000n, `waited ${message!.waitNano} ns`)
    assert.equal(message!.producer?.service, 'gateway')
    assert.deepEqual(attemptsOf(message), [{ service: name, topic: ORDERS, group: groupOf(client), error: '' }])
  })

  await check('redelivered', ([message]) => {
    assert.deepEqual(recordOf(message), record(orders.redelivered))
    assert.equal(message!.producer?.service, 'gateway')
    const delivery = { service: name, topic: ORDERS, group: groupOf(client), error: '' }
    assert.deepEqual(attemptsOf(message), [delivery, delivery])
  })

  await check('retried', ([message]) => {
    const retry = { service: name, topic: retryTopic(client), group: groupOf(client), error: '' }
    // A send outside the consumer span has no link to the consumed message.
    if (!expected.tracesHandler) return assert.deepEqual(attemptsOf(message), [retry])
    assert.deepEqual(recordOf(message), record(orders.retried))
    assert.equal(message!.producer?.service, 'gateway')
    const error = `cannot reach the carrier ${orders.retried.id}`
    assert.deepEqual(attemptsOf(message), [{ service: name, topic: ORDERS, group: groupOf(client), error }, retry])
  })

  await check('dead-lettered', ([message]) => {
    assert.equal(message!.deadLetter?.topic, deadLetterTopic(client))
    if (!expected.tracesHandler) return assert.deepEqual(attemptsOf(message), [])
    assert.deepEqual(recordOf(message), record(orders.rejected))
    assert.equal(message!.producer?.service, 'gateway')
    const error = `cannot ship ${orders.rejected.id}`
    assert.deepEqual(attemptsOf(message), [{ service: name, topic: ORDERS, group: groupOf(client), error }])
  })
}

/**
 * Rows without a group: the unconsumed order, and the dead letters, whose topic no group
 * consumes.
 */
export async function checkNeverConsumed(results: Results, spanlink: SpanlinkServer, played: Played): Promise<void> {
  await results.check('server', 'never consumed messages', async () => {
    const messages = await fetchAll(spanlink, 'unconsumed', { minQueueTime: '1ms', neverConsumed: 'true' })
    const expected = [ORDERS, ...played.clients.map(deadLetterTopic)]
    assert.deepEqual(messages.map(({ topic }) => topic).toSorted(), expected.toSorted())
    assert.deepEqual(new Set(messages.map(({ consumerGroup }) => consumerGroup)), new Set(['']))
  })
}

/** All pages. */
async function fetchAll(
  spanlink: SpanlinkServer,
  list: MessageList,
  filter: Readonly<Record<string, string>>,
): Promise<readonly Message[]> {
  const messages: Message[] = []
  let response: MessagesResponse
  let cursor: string | undefined
  do {
    const query = new URLSearchParams({ ...filter, limit: '500', ...(cursor === undefined ? {} : { cursor }) })
    response = (await spanlink.getJson(`/api/messages/${list}?${query}`)) as MessagesResponse
    messages.push(...response.messages)
    cursor = response.nextCursor
  } while (cursor !== undefined)
  assert.ok(response.complete, `${list}: the last page does not reach the start of the range`)
  return messages
}

function filterOf(list: MessageList, { name, expected }: Client): Record<string, string> {
  const filter: Record<string, string> = {}
  if (list === 'unconsumed') filter['minQueueTime'] = '1ms'
  if (list === 'late') filter['minQueueTime'] = `${LATE_MS}ms`
  const knowsGroup = list === 'dead-lettered' ? expected.namesGroup && expected.tracesHandler : expected.namesGroup
  if (list === 'unconsumed' || knowsGroup) filter['consumerGroup'] = name
  return filter
}

/** Messages of a client that names no group are identified by its service. */
function isOf(message: Message, list: MessageList, { name }: Client): boolean {
  if (list === 'unconsumed') return message.consumerGroup === name
  if (list === 'dead-lettered') return message.deadLetter?.service === name
  return message.attempts.some(({ service }) => service === name)
}

function groupOf({ name, expected }: Client): string {
  return expected.namesGroup ? name : ''
}

function record({ id, offset }: SentOrder) {
  return { topic: ORDERS, partition: '0', offset, key: id }
}

function recordOf(message: Message | undefined) {
  const { topic, partition, offset, key } = message!
  return { topic, partition, offset, key }
}

function attemptsOf(message: Message | undefined) {
  return message!.attempts.map(({ service, topic, consumerGroup, errorMessage }) => ({
    service,
    topic,
    group: consumerGroup,
    error: errorMessage,
  }))
}

function summaryOf(message: Message) {
  return { ...recordOf(message), group: message.consumerGroup, attempts: attemptsOf(message) }
}
