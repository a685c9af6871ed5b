import type { MessageList, MessagesResponse } from '@spanlink/api-schema'
import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { linkTo, MS, processing, send, T0 } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

const partition = { 'messaging.destination.partition.id': '0' }

test.each([
  ['without positions', 'plain', {}, false],
  ['with a batch size', 'counted', { 'messaging.batch.message_count': 3 }, false],
  ['with positions on the links', 'numbered', {}, true],
] as const)('each message of a redelivered batch is listed once, %s', async (_, topic, attributes, isNumbered) => {
  const sent = [1, 2, 3, 4].map((at) => send(topic, { at }))
  const consume = (offsets: readonly number[], at: number, code: number) =>
    processing(topic, undefined, 'g1', 'link', {
      at,
      status: { code },
      links: sent
        .map((one, index) => linkTo(one, isNumbered ? { ...partition, 'kafka.offset': index + 1 } : {}))
        .filter((_link, index) => offsets.includes(index + 1)),
      attributes: { 'kafka.offset': '', ...attributes },
    })
  // The second batch overlaps with the first.
  await traces.put(tracesOf('shop', [...sent, consume([1, 2, 3], 100, 2), consume([2, 3, 4], 400, 0)]))
  for (const list of ['redelivered', 'retried'] as const) {
    const all = await find(list, topic, 50)
    const expected = [sent[1]?.spanId, sent[2]?.spanId].toSorted()
    expect(all.map(({ producer }) => producer?.spanId).toSorted()).toEqual(expected)
    expect(all.map(({ attempts }) => attempts.length)).toEqual([2, 2])
    expect(await find(list, topic, 1)).toEqual(all)
  }
})

async function find(list: MessageList, topic: string, limit: number): Promise<MessagesResponse['messages']> {
  const found: MessagesResponse['messages'] = []
  let cursor: string | undefined
  do {
    const window = { start: String(T0), end: String(T0 + 3_600_000n * MS) }
    const page: MessagesResponse = await findMessages(traces.store, list, { ...window, topic, limit, cursor }, {})
    found.push(...page.messages)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return found
}
