import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startKafka } from '@spanlink/testkit/kafka'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { type StoredTrace, spanNames, storedTraces } from '@spanlink/testkit/stored-traces'
import { expect, test } from 'vitest'

test('an order, its question for a price and the answer are four linked traces, one for each hop', async () => {
  await using kafka = await startKafka()
  await using spanlink = await startSpanlink()
  const file = (path: string): string => fileURLToPath(new URL(`../src/${path}`, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=spanlink:source', file('main.ts')], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: {
      ...process.env,
      KAFKA_BROKERS: kafka.brokers.join(),
      OTEL_EXPORTER_OTLP_ENDPOINT: spanlink.otlpHttp,
    },
  })
  expect(stdout).toBe('mug costs 3\n')

  const wanted = [
    'POST /orders, send nest-orders',
    'process nest-orders, send nest-price',
    'process nest-price, send nest-price.reply',
    'process nest-price.reply',
  ]
  const shapeOf = (trace: StoredTrace): string => spanNames(trace).join(', ')
  const stored = await storedTraces(spanlink, (all) => wanted.every((shape) => all.map(shapeOf).includes(shape)))
  // On a busy machine Kafka may deliver the order again before its price is there: an attempt is a
  // trace of its own.
  const traces = wanted.map((shape) => stored.find((trace) => shapeOf(trace) === shape)!)
  const spanOf = (name: string) => traces.flatMap(({ spans }) => spans).find((span) => span.name === name)!
  for (const topic of ['nest-orders', 'nest-price', 'nest-price.reply']) {
    const { links } = spanOf(`process ${topic}`)
    expect(links.map(({ spanId }) => spanId)).toEqual([spanOf(`send ${topic}`).spanId])
  }
  // What a handler sends is below its process span, also what Nest sends for it.
  expect(spanOf('send nest-price').parentSpanId).toBe(spanOf('process nest-orders').spanId)
  expect(spanOf('send nest-price.reply').parentSpanId).toBe(spanOf('process nest-price').spanId)
})
