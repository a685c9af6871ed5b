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
  ['returns an object with throwing accessors', () => new Proxy({}, { get: () => expect.fail('was read') })],
]

describe('hooks', () => {
  const unhandled = vi.fn()
  beforeEach(() => void process.on('unhandledRejection', unhandled))
  afterEach(() => {
    process.off('unhandledRejection', unhandled)
    unhandled.mockClear()
  })

  test.each(HOOKS.flatMap((hook) => FAILURES.map(([name, fail]) => [hook, name, fail] as const)))(
    'a hook %s that %s does not fail sends or handlers, and leaves no unhandled rejection',
    async (hook, _name, fail) => {
      const telemetry = createKafkaTelemetry({ [hook]: fail } as KafkaTelemetryOptions)
      const sent = telemetry.send(sendOf('orders', [{ key: 'k', value: 'v' }]), () => 'sent')
      const message = { topic: 'orders', partition: 0, offset: '1', key: 'k', value: 'v' }
      const processed = await telemetry.process(message, async () => 'processed')
      const batch = telemetry.processBatch([message, message], () => 'batch')
      const settled = telemetry.settle({ topic: 'orders' }, () => 'settled')
      expect([sent, processed, batch, settled]).toEqual(['sent', 'processed', 'batch', 'settled'])
      // Unhandled rejections are reported after the microtask queue is empty.
      await sleep(1)
      expect(unhandled).not.toHaveBeenCalled()
      expect(spans.named('send orders')).toHaveLength(1)
    },
  )

  test('a key that messageKey returns is left out when it exceeds 1,024 characters or is not valid Unicode', () => {
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

  test('a handler result with a throwing `then` accessor is returned as it is', () => {
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

describe('frozen clients of Confluent and node-rdkafka', () => {
  test('are returned untraced', () => {
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
