import { context, propagation, trace } from '@opentelemetry/api'
import { createKafkaTelemetry } from '@spanlink/kafka'
import type { KafkaTelemetryOptions } from '@spanlink/kafka'
import {
  expectAttributes,
  expectChild,
  expectLinked,
  expectNotLinked,
  expectRoot,
  flowOf,
  recordSpans,
} from '@spanlink/kafka/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { w3cPropagator } from './support/recorded-spans.ts'
import { AsyncLocalStorageContextManager, TracerProvider, exportAtOnce } from './support/sdk.ts'
import { sendOf } from './support/sending.ts'
import type { PlainMessage } from './support/sending.ts'

// As an application would use it, with the SDK of its choice.

const recorder = recordSpans()
beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(w3cPropagator())
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [recorder] }))
})
beforeEach(() => recorder.clear())
afterAll(() => {
  context.disable()
  propagation.disable()
  trace.disable()
})

/** order -> payment, in which the payment is sent on */
function runFlow(options?: KafkaTelemetryOptions): void {
  const telemetry = createKafkaTelemetry(options)
  const send = (topic: string, messages: readonly PlainMessage[]) =>
    telemetry.send(sendOf(topic, messages), (sent) => sent)
  trace.getTracer('app').startActiveSpan('POST /orders', (span) => {
    const [order] = send('orders', [{ key: 'k', value: 'v' }])
    span.end()
    telemetry.process(
      { topic: 'orders', ...order },
      () => {
        const payments = send('payments', [{ value: '1' }, { value: '2' }])
        context.with(trace.deleteSpan(context.active()), () =>
          telemetry.batch(payments, () => undefined, { source: { topic: 'payments', partition: 0 } }),
        )
      },
      { ambient: trace.deleteSpan(context.active()) },
    )
  })
}

test('a flow is all traces that links reach from a span, and reads as text without ids', () => {
  runFlow()
  trace.getTracer('app').startSpan('another flow').end()
  expect(String(flowOf(recorder.spans))).toBe(
    [
      'POST /orders',
      '  send orders',
      '',
      'process orders ← send orders',
      '  send payments ← 2 × create payments',
      '    create payments',
      '    create payments',
      '',
      'poll payments ← 2 × create payments',
      '  process payments ← 2 × create payments',
    ].join('\n'),
  )
  const fromItsEnd = flowOf(recorder.spans, recorder.only('process payments'))
  expect(String(fromItsEnd)).toBe(String(flowOf(recorder.spans)))
  expect(fromItsEnd.traces).toHaveLength(3)
  expect(fromItsEnd.links).toHaveLength(7)
  expect(String(flowOf([]))).toBe('')
})

test('expectations hold where they should', () => {
  runFlow()
  const { attributes } = expectLinked(recorder.only('process orders'), recorder.only('send orders'))
  expect(attributes).toMatchObject({ 'kafka.message.key': 'k' })
  expectRoot(recorder.only('process orders'))
  expectChild(recorder.only('send orders'), recorder.only('POST /orders'))
  expectNotLinked(recorder.only('process payments'), recorder.only('send orders'))
  expectAttributes(recorder.only('process orders'), { 'messaging.destination.name': 'orders' })
})

describe('what does not hold says what is', () => {
  beforeEach(() => runFlow())

  test('of links', () => {
    const payments = recorder.only('process payments')
    expect(() => expectLinked(payments, recorder.only('send orders'))).toThrow(
      /expected 'process payments' to link to 'send orders' \([\da-f-]+\); it has links to [\da-f]{32}-[\da-f]{16}, /,
    )
    expect(() => expectLinked(recorder.only('POST /orders'), payments)).toThrow('it has no links')
    expect(() => expectNotLinked(recorder.only('process orders'), recorder.only('send orders'))).toThrow('not to link')
  })

  test('of parents', () => {
    expect(() => expectRoot(recorder.only('send orders'))).toThrow(/expected 'send orders' to be a root; it is a child/)
    expect(() => expectChild(recorder.only('process orders'), recorder.only('send orders'))).toThrow('it is a root')
  })

  test('of attributes', () => {
    expect(() => expectAttributes(recorder.only('send orders'), { 'messaging.system.name': 'rabbitmq' })).toThrow(
      `attributes of 'send orders': messaging.system.name is "kafka", not "rabbitmq"`,
    )
  })

  test('of names', () => {
    expect(() => recorder.only('create payments')).toThrow("expected one span 'create payments', found 2")
    expect(() => recorder.only('nothing')).toThrow('spans: send orders')
  })
})

test('spans that end later are waited for, and in vain only so long', async () => {
  const waiting = recorder.waitFor('late', 2)
  const tracer = trace.getTracer('app')
  tracer.startSpan('late').end()
  setTimeout(() => tracer.startSpan('late').end(), 1)
  expect(await waiting).toHaveLength(2)
  await expect(recorder.waitFor('never', 1, 1)).rejects.toThrow("expected 1 spans 'never' within 1 ms, found 0")
})

test('it exports as well', async () => {
  const exporter = recordSpans()
  const provider = new TracerProvider({ spanProcessors: [exportAtOnce(exporter)] })
  provider.getTracer('app').startSpan('exported').end()
  await provider.forceFlush()
  expect(exporter.only('exported').name).toBe('exported')
})
