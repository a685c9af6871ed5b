import { ROOT_CONTEXT, context, diag, trace } from '@opentelemetry/api'
import { createKafkaTelemetry, processMessage } from '@spanlink/kafka'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { w3cPropagator } from './support/recorded-spans.ts'
import { AsyncLocalStorageContextManager } from './support/sdk.ts'
import { sendOf } from './support/sending.ts'
import type { PlainMessage } from './support/sending.ts'

// An application with the plugin and without a registered SDK.

const warn = vi.fn()
const silent = (): void => undefined
beforeAll(() => {
  diag.setLogger({ warn, error: silent, info: silent, debug: silent, verbose: silent })
})
afterAll(() => diag.disable())

const warnings = () => warn.mock.calls.map((call) => String(call.at(-1)))

test('without an SDK, messages pass uncopied, handlers run, and each missing provider is logged once', () => {
  const telemetry = createKafkaTelemetry()
  const messages: readonly PlainMessage[] = [{ value: '1', headers: { app: 'x' } }, { value: '2' }]
  for (let i = 0; i < 3; i += 1) {
    const sent = telemetry.send(sendOf('orders', messages), (given) => given)
    expect(sent[0]).toBe(messages[0])
    expect(sent[1]).toBe(messages[1])
    expect(telemetry.process({ topic: 'orders' }, () => 'done')).toBe('done')
    expect(telemetry.processBatch([{ topic: 'orders' }], () => 'done')).toBe('done')
  }
  expect(warnings().filter((text) => text.includes('no propagator'))).toHaveLength(1)
  expect(warnings().filter((text) => text.includes('no tracer provider'))).toHaveLength(1)
})

test('with a propagator and no SDK, the context of a consumed message is forwarded by its handler', () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const telemetry = createKafkaTelemetry({ propagator: w3cPropagator() })
  const traceparent = '00-1af7651916cd43dd8448eb211c80319c-17ad6b7169203331-01'
  const sent = telemetry.process({ topic: 'in', headers: { traceparent, baggage: 'tenant=acme' } }, () =>
    telemetry.send(sendOf('out', [{ value: 'v' }]), (given) => given[0]),
  )
  context.disable()
  expect(sent?.headers).toEqual({ traceparent, baggage: 'tenant=acme' })
})

test('processMessage runs its handler and warns once for a message of an untraced consumer', () => {
  expect(processMessage({ topic: 'orders' }, (span) => span.isRecording())).toBe(false)
  expect(warnings().filter((text) => text.includes('processMessage'))).toHaveLength(1)
  expect(trace.getSpan(ROOT_CONTEXT)).toBeUndefined()
})
