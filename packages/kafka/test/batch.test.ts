import { propagation, trace } from '@opentelemetry/api'
import type { Attributes, Span, SpanContext, TextMapPropagator, TracerProvider } from '@opentelemetry/api'
import { createKafkaTelemetry } from '@spanlink/kafka'
import type { ReceivedMessage } from '@spanlink/kafka'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { creation, message, source, traceparent } from './support/messages.ts'
import { described, idOf, useRecordedSpans } from './support/recorded-spans.ts'

const spans = useRecordedSpans()

function bound(of: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(of, name, of)
  return typeof value === 'function' ? value.bind(of) : value
}

describe('a batch', () => {
  test('never is a child of a message, and its links have the attributes that differ between messages', () => {
    const telemetry = createKafkaTelemetry({ correlation: 'parent' })
    telemetry.processBatch([message(1), message(2)], () => undefined, { source })
    const process = described(spans.only('process orders'))
    expect(process.parent).toBe(idOf(spans.only('poll orders')))
    expect(process.attributes).toMatchObject({
      'messaging.destination.name': 'orders',
      'messaging.destination.partition.id': '3',
      'messaging.consumer.group.name': 'payment',
      'messaging.batch.message_count': 2,
    })
    expect(process.attributes).not.toHaveProperty('kafka.offset')
    expect(process.links).toEqual(
      [1, 2].map((n) => ({
        to: creation(n),
        attributes: {
          'messaging.destination.name': 'orders',
          'messaging.destination.partition.id': '3',
          'kafka.offset': n,
          'kafka.message.key': `k${n}`,
        },
      })),
    )
  })

  test('links each message of the same producer span separately, with its offset and key', () => {
    const same = message(1)
    const other = { ...same, offset: '2', key: 'other' }
    createKafkaTelemetry().processBatch([same, other, message(3)], () => undefined, { source })
    const linksOf = (name: string) =>
      described(spans.only(name)).links.map(({ to, attributes }) => [
        to,
        attributes?.['kafka.offset'],
        attributes?.['kafka.message.key'],
      ])
    const expected = [
      [creation(1), 1, 'k1'],
      [creation(1), 2, 'other'],
      [creation(3), 3, 'k3'],
    ]
    expect([linksOf('poll orders'), linksOf('process orders')]).toEqual([expected, expected])
  })

  test('reads the ids of each message a constant number of times for any mix of ids', () => {
    // undefined: an id that no other message has.
    const ids = fc.tuple(fc.constantFrom('a', 'b', undefined), fc.constantFrom('c', 'd', undefined))
    fc.assert(
      fc.property(fc.array(ids, { minLength: 1, maxLength: 50 }), (pattern) => {
        const readsOf = (repeats: number): number => {
          let reads = 0
          const id = (of: string): string => ((reads += 1), of)
          const contexts = Array.from({ length: pattern.length * repeats }, (_, i): SpanContext => {
            const [trace = String(i), span = String(i)] = pattern[i % pattern.length]!
            return {
              get traceId() {
                return id(trace.padStart(32, 'f'))
              },
              get spanId() {
                return id(span.padStart(16, 'f'))
              },
              traceFlags: 1,
            }
          })
          const propagator: TextMapPropagator = {
            inject: () => undefined,
            fields: () => [],
            extract: (context, { at }: { readonly at: number }) => trace.setSpanContext(context, contexts[at]!),
          }
          const telemetry = createKafkaTelemetry({ propagator, linkCountLimit: 8, receiveSpans: false })
          const messages = contexts.map((_, at) => message(at, { headers: { at } }))
          telemetry.processBatch(messages, () => undefined, { source })
          return reads
        }
        expect(readsOf(40)).toBeLessThanOrEqual(40 * readsOf(1))
      }),
      { numRuns: 30 },
    )
  })

  test('beyond the link limit links all producers from further receive spans, and the SDK drops no link', () => {
    const messages = Array.from({ length: 300 }, (_, i) => message(i + 1))
    createKafkaTelemetry().processBatch(messages, () => undefined, { source })
    const polls = spans.named('poll orders')
    const linked = polls.flatMap((span) => span.links.map((link) => idOf(link.context)))
    expect(linked.toSorted()).toEqual(messages.map((_, i) => creation(i + 1)).toSorted())
    expect(polls.map((span) => span.links.length).toSorted()).toEqual([128, 128, 44])
    expect([...polls, spans.only('process orders')].map((span) => span.droppedLinksCount)).toEqual([0, 0, 0, 0])
    const root = polls.find((span) => described(span).parent === undefined)!
    expect(new Set(spans.all().map((span) => span.spanContext().traceId)).size).toBe(1)
    expect(described(spans.only('process orders')).parent).toBe(idOf(root))
  })

  test('beyond the link limit without receive spans links the rest from poll spans below the process span', () => {
    const messages = Array.from({ length: 500 }, (_, i) => message(i + 1))
    createKafkaTelemetry({ receiveSpans: false }).processBatch(messages, () => undefined, { source })
    const process = spans.only('process orders')
    const polls = spans.named('poll orders')
    const linked = [process, ...polls].flatMap((span) => span.links.map((link) => idOf(link.context)))
    expect(linked).toEqual(messages.map((_, i) => creation(i + 1)))
    expect(polls.map((span) => [span.links.length, span.droppedLinksCount])).toEqual([
      [128, 0],
      [128, 0],
      [116, 0],
    ])
    expect(polls.map((span) => described(span).parent)).toEqual(polls.map(() => idOf(process)))
    expect(polls.at(-1)?.links.at(-1)?.attributes).toMatchObject({ 'kafka.offset': 500 })
  })

  test('keeps link attributes and the link limit when the SDK hides the links of a span', () => {
    const hidden: TracerProvider = {
      getTracer: (name, version) => {
        const tracer = trace.getTracer(name, version)
        const hide = (span: Span): Span =>
          new Proxy(span, { get: (of, name) => (name === 'links' ? undefined : bound(of, name)) })
        return {
          startSpan: (...of) => hide(tracer.startSpan(...of)),
          startActiveSpan: tracer.startActiveSpan.bind(tracer),
        }
      },
    }
    const telemetry = createKafkaTelemetry({ tracerProvider: hidden, linkCountLimit: 2, receiveSpans: false })
    telemetry.processBatch([message(9)], () => undefined, { source })
    telemetry.processBatch(
      [1, 2, 3].map((n) => message(n)),
      () => undefined,
      { source },
    )
    const offsets = (span: ReturnType<typeof described> | undefined) =>
      span?.links.map(({ attributes }) => attributes?.['kafka.offset'])
    expect(offsets(spans.named('process orders').map(described)[1])).toEqual([1, 2])
    expect(offsets(described(spans.only('poll orders')))).toEqual([3])
  })

  test("without a source has the topic and partition that all its messages share, and links have each message's own", () => {
    const telemetry = createKafkaTelemetry()
    const at = (n: number, topic: string, partition: number) => message(n, { topic, partition })
    const sourceOf = (attributes: Attributes = {}) => [
      attributes['messaging.destination.name'],
      attributes['messaging.destination.partition.id'],
    ]
    const processed = (messages: readonly ReceivedMessage[]) => {
      const before = spans.all().length
      telemetry.processBatch(messages, () => undefined)
      const [poll, process] = spans.all().slice(before).map(described)
      expect(sourceOf(poll?.attributes)).toEqual(sourceOf(process?.attributes))
      return {
        name: process?.name,
        span: sourceOf(process?.attributes),
        links: process?.links.map((l) => sourceOf(l.attributes)),
      }
    }
    const orders0 = at(1, 'orders', 0)
    expect(processed([orders0, at(2, 'orders', 0)])).toEqual({
      name: 'process orders',
      span: ['orders', '0'],
      links: [
        ['orders', '0'],
        ['orders', '0'],
      ],
    })
    expect(processed([orders0, at(2, 'orders', 7)])).toEqual({
      name: 'process orders',
      span: ['orders', undefined],
      links: [
        ['orders', '0'],
        ['orders', '7'],
      ],
    })
    expect(processed([orders0, at(2, 'refunds', 0)])).toEqual({
      name: 'process',
      span: [undefined, undefined],
      links: [
        ['orders', '0'],
        ['refunds', '0'],
      ],
    })
  })

  test('of messages from several partitions has the attributes that their sources share', () => {
    const telemetry = createKafkaTelemetry()
    const deliver = (n: number, partition: number) => {
      const delivered = message(n)
      telemetry.receive([delivered], { source: { topic: 'orders', partition, groupId: 'payment' } })
      return delivered
    }
    const [one, other] = [deliver(1, 0), deliver(2, 1)]
    telemetry.processBatch([one, other], () => undefined)
    const { attributes, links } = described(spans.only('process orders'))
    expect(attributes).toMatchObject({ 'messaging.consumer.group.name': 'payment' })
    expect(attributes).not.toHaveProperty('messaging.destination.partition.id')
    expect(links.map((link) => link.attributes?.['messaging.destination.partition.id'])).toEqual(['0', '1'])
    expect(links.map((link) => link.attributes?.['messaging.destination.name'])).toEqual(['orders', 'orders'])
  })

  test('gives its handler the baggage entries that all messages share', () => {
    const withBaggage = (n: number, baggage: string) =>
      message(n, { headers: { traceparent: traceparent(n), baggage } })
    const telemetry = createKafkaTelemetry()
    const entries = () =>
      propagation
        .getActiveBaggage()
        ?.getAllEntries()
        .map(([key, { value }]) => `${key}=${value}`)
    const seen = (messages: ReceivedMessage[]) => telemetry.processBatch(messages, entries, { source })
    expect(seen([withBaggage(1, 'tenant=acme,user=1'), withBaggage(2, 'tenant=acme,user=2')])).toEqual(['tenant=acme'])
    expect(seen([withBaggage(1, 'tenant=acme'), message(2)])).toBeUndefined()
  })

  test('has no receive span with receiveSpans: false', () => {
    createKafkaTelemetry({ receiveSpans: false }).processBatch([message(1)], () => undefined, { source })
    expect(spans.all().map((span) => span.name)).toEqual(['process orders'])
  })

  test('has the topic and partition of each message on the links of its poll span', () => {
    const formatted: string[] = []
    const messageKey = (key: unknown, topic: string): string => {
      formatted.push(topic)
      return String(key)
    }
    const polled = [
      message(1, { topic: 'orders', partition: 0 }),
      message(2, { topic: 'orders', partition: 7 }),
      message(3, { topic: 'refunds', partition: 0 }),
      message(4),
    ]
    const telemetry = createKafkaTelemetry({ messageKey })
    telemetry.receive(polled, { source: { topic: 'orders', partition: 0 } })
    telemetry.receive(polled, { source: { groupId: 'payment' } })
    const sourcesOf = (name: string) =>
      described(spans.only(name)).links.map(({ attributes = {} }) => [
        attributes['messaging.destination.name'],
        attributes['messaging.destination.partition.id'],
      ])
    const ownSources = [
      ['orders', '0'],
      ['orders', '7'],
      ['refunds', '0'],
    ]
    expect(sourcesOf('poll orders')).toEqual([...ownSources, ['orders', '0']])
    expect(sourcesOf('poll')).toEqual([...ownSources, [undefined, undefined]])
    expect(formatted).toEqual(['orders', 'orders', 'refunds', 'orders', 'orders', 'orders', 'refunds', ''])
  })

  test('that is polled has a receive span, which is the parent of its process spans', () => {
    const telemetry = createKafkaTelemetry()
    const one = message(1)
    const ambient = telemetry.receive([one], { source, startTime: Date.now() - 1000 })
    telemetry.process(one, () => undefined, { context: ambient })
    const poll = spans.only('poll orders')
    expect(poll.duration[0]).toBe(1)
    expect(described(spans.only('process orders')).parent).toBe(idOf(poll))
  })
})
