import { setTimeout as sleep } from 'node:timers/promises'
import { createKafkaTelemetry, traceConfluent, traceKafkaJS, traceRdkafka } from '@spanlink/kafka'
import type { KafkaTelemetryOptions } from '@spanlink/kafka'
import kafkajs from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { useRecordedSpans } from './support/recorded-spans.ts'
import { sendOf } from './support/sending.ts'

const spans = useRecordedSpans()

const HOOKS = ['onSpan', 'messageKey', 'filter', 'correlation'] as const
const FAILURES: readonly (readonly [string, () => unknown])[] = [
  [
    'throws',
    () => {
      throw new Error('hook')
    },
  ],
  ['rejects', () => Promise.reject(new Error('hook'))],
  ['returns what cannot be read', () => new Proxy({}, { get: () => expect.fail('was read') })],
]

describe('hooks', () => {
  const unhandled = vi.fn()
  beforeEach(() => void process.on('unhandledRejection', unhandled))
  afterEach(() => {
    process.off('unhandledRejection', unhandled)
    unhandled.mockClear()
  })

  test.each(HOOKS.flatMap((hook) => FAILURES.map(([name, fail]) => [hook, name, fail] as const)))(
    '%s that %s breaks neither sends nor handlers, and leaves no rejection unhandled',
    async (hook, _name, fail) => {
      const telemetry = createKafkaTelemetry({ [hook]: fail } as KafkaTelemetryOptions)
      const sent = telemetry.send(sendOf('orders', [{ key: 'k', value: 'v' }]), () => 'sent')
      const message = { topic: 'orders', partition: 0, offset: '1', key: 'k', value: 'v' }
      const processed = await telemetry.process(message, async () => 'processed')
      const batch = telemetry.processBatch([message, message], () => 'batch')
      const settled = telemetry.settle({ topic: 'orders' }, () => 'settled')
      expect([sent, processed, batch, settled]).toEqual(['sent', 'processed', 'batch', 'settled'])
      // Rejections are reported after the microtasks that they come from.
      await sleep(1)
      expect(unhandled).not.toHaveBeenCalled()
      expect(spans.named('send orders')).toHaveLength(1)
    },
  )

  test('a key that messageKey makes longer than 1,024 characters, or that is no Unicode, is left out', () => {
    for (const key of ['x'.repeat(1025), '\ud800', 'short']) {
      const telemetry = createKafkaTelemetry({ messageKey: () => key })
      telemetry.send(sendOf('orders', [{ key: 'k', value: 'v' }]), () => {})
    }
    expect(spans.named('send orders').map(({ attributes }) => attributes['kafka.message.key'])).toEqual([
      undefined,
      undefined,
      'short',
    ])
  })

  test('a result whose `then` cannot be read is handed out as it is', () => {
    // oxlint-disable-next-line unicorn/no-thenable
    const result = Object.defineProperty({}, 'then', {
      get() {
        throw new Error('then')
      },
    })
    const telemetry = createKafkaTelemetry()
    expect(telemetry.process({ topic: 'orders', partition: 0 }, () => result)).toBe(result)
    expect(spans.named('process orders')).toHaveLength(1)
  })
})

describe('two copies of this package in one process', () => {
  test('trace a client once', async () => {
    vi.resetModules()
    const copy = await import('@spanlink/kafka')
    expect(copy.traceKafkaJS).not.toBe(traceKafkaJS)
    const kafka = new kafkajs.Kafka({ brokers: ['127.0.0.1:1'] })
    traceKafkaJS(kafka)
    const { producer } = kafka
    copy.traceKafkaJS(kafka)
    expect(kafka.producer).toBe(producer)
    const tracing = copy.tracePlatformatic()
    const { tracePlatformatic } = await import('@spanlink/kafka')
    expect(tracePlatformatic()).toBe(tracing)
    tracing.disable()
  })
})

describe('frozen clients', () => {
  test('are left as they are', () => {
    const [kafka, client] = [
      { producer: () => ({}), consumer: () => ({}) },
      { produce() {}, emit: () => true },
    ]
    for (const frozen of [Object.freeze(kafka), Object.freeze(client)]) {
      const traced = 'producer' in frozen ? traceConfluent(frozen) : traceRdkafka(frozen)
      expect(traced).toBe(frozen)
    }
  })
})
