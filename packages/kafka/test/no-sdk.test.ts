import { ROOT_CONTEXT, context, diag, trace } from '@opentelemetry/api'
import { createKafkaTelemetry, processMessage } from '@spanlink/kafka'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { w3cPropagator } from './support/recorded-spans.ts'
import { AsyncLocalStorageContextManager } from './support/sdk.ts'
import { sendOf } from './support/sending.ts'
import type { PlainMessage } from './support/sending.ts'

// An application that has the plugin and no SDK, or not yet.

const warn = vi.fn()
const silent = (): void => undefined
beforeAll(() => {
  diag.setLogger({ warn, error: silent, info: silent, debug: silent, verbose: silent })
})
afterAll(() => diag.disable())

const warnings = () => warn.mock.calls.map((call) => String(call.at(-1)))

test('nothing is copied, nothing is lost, and what is missing is said once', () => {
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

test('with a propagator alone, what came with a message goes on with what its handler sends', () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const telemetry = createKafkaTelemetry({ propagator: w3cPropagator() })
  const traceparent = '00-1af7651916cd43dd8448eb211c80319c-17ad6b7169203331-01'
  const sent = telemetry.process({ topic: 'in', headers: { traceparent, baggage: 'tenant=acme' } }, () =>
    telemetry.send(sendOf('out', [{ value: 'v' }]), (given) => given[0]),
  )
  context.disable()
  expect(sent?.headers).toEqual({ traceparent, baggage: 'tenant=acme' })
})

test('a message that no traced consumer handed out is processed all the same', () => {
  expect(processMessage({ topic: 'orders' }, (span) => span.isRecording())).toBe(false)
  expect(warnings().filter((text) => text.includes('processMessage'))).toHaveLength(1)
  expect(trace.getSpan(ROOT_CONTEXT)).toBeUndefined()
})
