import { context, propagation, trace } from '@opentelemetry/api'
import { createKafkaTelemetry } from '@spanlink/kafka'
import type { KafkaTelemetryOptions } from '@spanlink/kafka'
import {
  expectAttributes,
  expectChild,
  expectLinked,
  expectNotLinked,
  expectRoot,
  collectFlow,
  recordSpans,
} from '@spanlink/kafka/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { w3cPropagator } from './support/recorded-spans.ts'
import { AsyncLocalStorageContextManager, TracerProvider, exportAtOnce } from './support/sdk.ts'
import { sendOf } from './support/sending.ts'
import type { PlainMessage } from './support/sending.ts'

// Used the way an application uses it, with a real SDK.

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

/** Sends an order, whose handler sends two payments, which are processed as a batch. */
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
          telemetry.processBatch(payments, () => undefined, { source: { topic: 'payments', partition: 0 } }),
        )
      },
      { context: trace.deleteSpan(context.active()) },
    )
  })
}

test('collectFlow returns all traces that links reach from a span, and prints them without ids', () => {
  runFlow()
  trace.getTracer('app').startSpan('another flow').end()
  expect(String(collectFlow(recorder.spans))).toBe(
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
  const fromItsEnd = collectFlow(recorder.spans, recorder.getOne('process payments'))
  expect(String(fromItsEnd)).toBe(String(collectFlow(recorder.spans)))
  expect(fromItsEnd.traces).toHaveLength(3)
  expect(fromItsEnd.links).toHaveLength(7)
  expect(String(collectFlow([]))).toBe('')
})

test('expectations pass for matching spans', () => {
  runFlow()
  const { attributes } = expectLinked(recorder.getOne('process orders'), recorder.getOne('send orders'))
  expect(attributes).toMatchObject({ 'kafka.message.key': 'k' })
  expectRoot(recorder.getOne('process orders'))
  expectChild(recorder.getOne('send orders'), recorder.getOne('POST /orders'))
  expectNotLinked(recorder.getOne('process payments'), recorder.getOne('send orders'))
  expectAttributes(recorder.getOne('process orders'), { 'messaging.destination.name': 'orders' })
})

describe('a failed expectation reports the actual', () => {
  beforeEach(() => runFlow())

  test('links', () => {
    const payments = recorder.getOne('process payments')
    expect(() => expectLinked(payments, recorder.getOne('send orders'))).toThrow(
      /expected 'process payments' to link to 'send orders' \([\da-f-]+\); it has links to [\da-f]{32}-[\da-f]{16}, /,
    )
    expect(() => expectLinked(recorder.getOne('POST /orders'), payments)).toThrow('it has no links')
    expect(() => expectNotLinked(recorder.getOne('process orders'), recorder.getOne('send orders'))).toThrow(
      'not to link',
    )
  })

  test('parent', () => {
    expect(() => expectRoot(recorder.getOne('send orders'))).toThrow(
      /expected 'send orders' to be a root; it is a child/,
    )
    expect(() => expectChild(recorder.getOne('process orders'), recorder.getOne('send orders'))).toThrow('it is a root')
  })

  test('attributes', () => {
    expect(() => expectAttributes(recorder.getOne('send orders'), { 'messaging.system.name': 'rabbitmq' })).toThrow(
      `attributes of 'send orders': messaging.system.name is "kafka", not "rabbitmq"`,
    )
  })

  test('spans, when none or several have the name', () => {
    expect(() => recorder.getOne('create payments')).toThrow("expected one span 'create payments', found 2")
    expect(() => recorder.getOne('nothing')).toThrow('spans: send orders')
  })
})

test('waitFor waits for spans that end later, and rejects after its timeout', async () => {
  const waiting = recorder.waitFor('late', 2)
  const tracer = trace.getTracer('app')
  tracer.startSpan('late').end()
  setTimeout(() => tracer.startSpan('late').end(), 1)
  expect(await waiting).toHaveLength(2)
  await expect(recorder.waitFor('never', 1, 1)).rejects.toThrow("expected 1 spans 'never' within 1 ms, found 0")
})

test('a span recorder works as a span exporter', async () => {
  const exporter = recordSpans()
  const provider = new TracerProvider({ spanProcessors: [exportAtOnce(exporter)] })
  provider.getTracer('app').startSpan('exported').end()
  await provider.forceFlush()
  expect(exporter.getOne('exported').name).toBe('exported')
})
