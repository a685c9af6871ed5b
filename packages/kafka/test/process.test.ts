import { ROOT_CONTEXT, context, createContextKey, propagation, trace } from '@opentelemetry/api'
import type { Span } from '@opentelemetry/api'
import { createKafkaTelemetry } from '@spanlink/kafka'
import type { ReceivedMessage, SpanSubject } from '@spanlink/kafka'
import { describe, expect, test } from 'vitest'
import { creation, message, source, traceparent } from './support/messages.ts'
import { described, idOf, useRecordedSpans } from './support/recorded-spans.ts'

const spans = useRecordedSpans()

function inSpan<R>(name: string, fn: (span: Span) => R): R {
  return trace.getTracer('test').startActiveSpan(name, (span) => {
    try {
      return fn(span)
    } finally {
      span.end()
    }
  })
}

describe('processing one message', () => {
  test.each([
    ['link', false, { parent: undefined, links: ['creation'] }],
    ['link', true, { parent: 'ambient', links: ['creation'] }],
    ['parent', false, { parent: 'creation', links: ['creation'] }],
    ['parent', true, { parent: 'creation', links: ['creation', 'ambient'] }],
  ] as const)('with correlation %s, ambient span %s: %o', (correlation, hasAmbient, expected) => {
    const telemetry = createKafkaTelemetry({ correlation })
    const run = () => telemetry.process(message(1), () => undefined, { source })
    if (hasAmbient) inSpan('ambient', run)
    else run()
    const ambient = spans.named('ambient')[0]
    const ids = { creation: creation(1), ambient: ambient && idOf(ambient) }
    const { parent, links, kind } = described(spans.only('process orders'))
    expect(kind).toBe('CONSUMER')
    expect(parent).toBe(expected.parent && ids[expected.parent])
    expect(links.map((link) => link.to)).toEqual(expected.links.map((name) => ids[name]))
  })

  test('without a valid creation context makes a span without links, also below an ambient span', () => {
    const telemetry = createKafkaTelemetry()
    const garbage = [
      undefined,
      null,
      'text',
      { traceparent: 'garbage' },
      { traceparent: null },
      { traceparent: Buffer.from([255]) },
    ]
    inSpan('ambient', () => {
      for (const headers of garbage) telemetry.process(message(1, { headers }), () => undefined, { source })
    })
    expect(spans.named('process orders').map((span) => span.links)).toEqual(garbage.map(() => []))
  })

  test('uses the last value of a repeated traceparent', () => {
    const headers = { traceparent: [Buffer.from(traceparent(1)), Buffer.from(traceparent(2))] }
    createKafkaTelemetry().process(message(1, { headers }), () => undefined, { source })
    expect(described(spans.only('process orders')).links[0]?.to).toBe(creation(2))
  })

  test('keeps the context of the caller, overridden by the baggage of the message', () => {
    const cancellation = createContextKey('cancellation')
    const mine = propagation.createBaggage({ tenant: { value: 'ambient' }, mine: { value: '1' } })
    const ambient = propagation.setBaggage(ROOT_CONTEXT.setValue(cancellation, 'signal'), mine)
    const headers = { traceparent: traceparent(1), baggage: 'tenant=acme' }
    const seen = createKafkaTelemetry().process(
      message(1, { headers }),
      (span) => ({
        isActive: trace.getActiveSpan() === span,
        signal: context.active().getValue(cancellation),
        baggage: propagation
          .getActiveBaggage()
          ?.getAllEntries()
          .map(([key, entry]) => `${key}=${entry.value}`)
          .sort(),
      }),
      { source, context: ambient },
    )
    expect(seen).toEqual({ isActive: true, signal: 'signal', baggage: ['mine=1', 'tenant=acme'] })
  })

  test('ends its span with the error when the handler throws, and rethrows it', () => {
    const error = new TypeError('bug')
    const telemetry = createKafkaTelemetry()
    expect(() =>
      telemetry.process(
        message(1),
        () => {
          throw error
        },
        { source },
      ),
    ).toThrow(error)
    const span = spans.only('process orders')
    expect(span.status).toEqual({ code: 2, message: 'bug' })
    expect(span.events[0]?.attributes).toMatchObject({ 'exception.type': 'TypeError', 'exception.message': 'bug' })
  })

  test('ends its span when the promise of the handler settles, and rejects with the same value', async () => {
    const telemetry = createKafkaTelemetry()
    const { promise, reject } = Promise.withResolvers<never>()
    const running = telemetry.process(message(1), () => promise, { source })
    expect(spans.all()).toEqual([])
    reject('not even an error')
    await expect(running).rejects.toBe('not even an error')
    expect(spans.only('process orders').attributes['error.type']).toBe('_OTHER')
  })

  test('marks a tombstone when the value is null and a key is present, even an empty one', () => {
    const telemetry = createKafkaTelemetry()
    const cases: ReceivedMessage[] = [
      { key: '', value: null },
      { key: Buffer.alloc(0), value: null },
      { key: null, value: null },
      { key: 'k', value: '' },
    ]
    for (const one of cases) telemetry.process({ topic: 'orders', ...one }, () => undefined)
    const marks = spans.named('process orders').map((span) => span.attributes['kafka.message.tombstone'])
    expect(marks).toEqual([true, true, undefined, undefined])
  })

  test('leaves out an offset that is not a safe integer', () => {
    const telemetry = createKafkaTelemetry()
    const exact = new Map<unknown, number>([
      ['9007199254740991', 9007199254740991],
      [5n, 5],
    ])
    const offsets = ['9007199254740993', 2n ** 60n, '-1', 'x', '', '9007199254740991', 5n]
    for (const offset of offsets) telemetry.process(message(1, { offset }), () => undefined, { source })
    expect(spans.named('process orders').map((span) => span.attributes['kafka.offset'])).toEqual(
      offsets.map((offset) => exact.get(offset)),
    )
  })

  test('calls onSpan once for every operation', () => {
    const subjects: SpanSubject[] = []
    const telemetry = createKafkaTelemetry({
      onSpan: (span, subject) => {
        subjects.push(subject)
        span.setAttribute('app.seen', true)
      },
    })
    const one = message(1)
    telemetry.processBatch([one], () => telemetry.process(one, () => undefined), { source })
    telemetry.settle({ ...source, offset: 1 }, () => undefined)
    expect(subjects.map(({ operation, topic }) => `${operation} ${topic}`)).toEqual([
      'receive orders',
      'process orders',
      'process orders',
      'settle orders',
    ])
    expect(spans.all().every((span) => span.attributes['app.seen'] === true)).toBe(true)
  })
})

test('settle makes a CLIENT span below the process span', () => {
  const telemetry = createKafkaTelemetry()
  telemetry.process(message(1), () => telemetry.settle({ ...source, offset: '2' }, () => undefined), { source })
  expect(described(spans.only('commit orders'))).toEqual({
    name: 'commit orders',
    kind: 'CLIENT',
    parent: idOf(spans.only('process orders')),
    links: [],
    attributes: {
      'messaging.system.name': 'kafka',
      'messaging.operation.name': 'commit',
      'messaging.operation.type': 'settle',
      'messaging.destination.name': 'orders',
      'messaging.destination.partition.id': '3',
      'messaging.consumer.group.name': 'payment',
      'kafka.offset': 2,
    },
  })
})
