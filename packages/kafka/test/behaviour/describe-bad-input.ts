import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaTelemetryOptions } from '@spanlink/kafka'
import { useKafka } from '@spanlink/testkit/vitest'
import { describe, expect, test } from 'vitest'
import { idOf, useRecordedSpans } from '../support/recorded-spans.ts'
import { createLargeTopic } from '../support/large-topic.ts'
import type { ClientUnderTest, ConnectedClient, DeliveredTestMessage, TestMessage } from './client-under-test.ts'
import { waitFor } from '../support/wait.ts'

/** Unusual messages and failing handlers of a traced client, on a real broker. */
export function describeBadInput(client: ClientUnderTest): void {
  describe(`${client.name}: bad input`, () => {
    const kafka = useKafka()
    const spans = useRecordedSpans()
    const connect = (options: KafkaTelemetryOptions = {}): Promise<ConnectedClient> =>
      client.connect(kafka().brokers, options)

    test('headers of 1 MiB, 1,000 headers, repeated, binary, empty and malformed ones arrive unchanged, and no message is lost', async () => {
      const topic = `t-${randomUUID()}`
      await createLargeTopic(kafka().brokers, topic)
      await using connected = await connect()
      const cases: NonNullable<TestMessage['headers']>[] = [
        { big: Buffer.alloc(2 ** 20, 'x') },
        Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`h${i}`, String(i)])),
        { app: ['a', Buffer.from([0, 255]), ''] },
        { bytes: Buffer.from([0, 159, 146, 150]), empty: '' },
        { traceparent: 'garbage', tracestate: '\u0000' },
        { traceparent: Buffer.from([255, 254]) },
        { traceparent: '00-00000000000000000000000000000000-0000000000000000-01' },
        { TRACEPARENT: ['a', 'b'], app: 'x' },
        {},
      ]
      for (const headers of cases) await connected.send(topic, [{ value: 'v', headers }])
      await connected.send(topic, [{ value: 'v' }])
      const arrived: DeliveredTestMessage[] = []
      const all = Promise.withResolvers<void>()
      await connected.eachMessage(topic, `g-${topic}`, async (message) => {
        if (arrived.push(message) === cases.length + 1) all.resolve()
      })
      await all.promise
      expect(arrived.map(({ headers }) => ownHeaders(headers))).toEqual([...cases.map(ownHeaders), []])
      await waitFor(() => expect(spans.named(`process ${topic}`)).toHaveLength(cases.length + 1))
      const links = spans.named(`process ${topic}`).map((span) => span.links.map((link) => idOf(link.context)))
      expect(links).toEqual(spans.named(`send ${topic}`).map((span) => [idOf(span)]))
    })

    test('handlers that throw, reject or are cancelled are called again, and the span of each attempt ends', async () => {
      const topic = `t-${randomUUID()}`
      await kafka().createTopic(topic)
      await using connected = await connect()
      await connected.send(topic, [{ value: 'v' }])
      const failures: (() => Promise<void>)[] = [
        () => {
          throw new DeclinedError('at once')
        },
        () => Promise.reject(new DeclinedError('later')),
        () => Promise.reject(new DOMException('stop', 'AbortError')),
      ]
      const done = Promise.withResolvers<void>()
      let attempts = 0
      await connected.eachMessage(topic, `g-${topic}`, () => {
        attempts += 1
        const fail = failures[attempts - 1]
        if (fail === undefined) done.resolve()
        return fail?.() ?? Promise.resolve()
      })
      await done.promise
      await waitFor(() => expect(spans.named(`process ${topic}`)).toHaveLength(4))
      expect(
        spans.named(`process ${topic}`).map(({ status, attributes }) => [status, attributes['error.type']]),
      ).toEqual([
        [{ code: 2, message: 'at once' }, 'DeclinedError'],
        [{ code: 2, message: 'later' }, 'DeclinedError'],
        [{ code: 2, message: 'stop' }, 'AbortError'],
        [{ code: 0 }, undefined],
      ])
    })

    test('the span of a handler stays open until the handler settles', async () => {
      const topic = `t-${randomUUID()}`
      await kafka().createTopic(topic)
      await using connected = await connect()
      await connected.send(topic, [{ value: 'v' }])
      const [begun, settled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      await connected.eachMessage(topic, `g-${topic}`, () => {
        begun.resolve()
        return settled.promise
      })
      await begun.promise
      await sleep(0)
      expect(spans.named(`process ${topic}`)).toEqual([])
      settled.resolve()
      await waitFor(() => expect(spans.named(`process ${topic}`)).toHaveLength(1))
    })
  })
}

class DeclinedError extends Error {
  override readonly name = 'DeclinedError'
}

/** Application headers in hex, one pair per value. */
function ownHeaders(headers: unknown): readonly (readonly [string, string])[] {
  const entries: [unknown, unknown][] = headers instanceof Map ? [...headers] : Object.entries(headers ?? {})
  return entries
    .flatMap(([key, value]) =>
      (Array.isArray(value) ? value : [value]).map(
        (one) => [String(key), Buffer.from(one as string | Buffer).toString('hex')] as const,
      ),
    )
    .filter(([key]) => !PROPAGATED.has(key.toLowerCase()))
    .toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)))
}

const PROPAGATED: ReadonlySet<string> = new Set(['traceparent', 'tracestate'])
