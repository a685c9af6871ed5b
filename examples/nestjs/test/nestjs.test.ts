import { runExample } from '@spanlink/testkit/run-example'
import { type StoredTrace, spanNames } from '@spanlink/testkit/stored-traces'
import { expect, test } from 'vitest'

test('an order, its price request and the reply are four linked traces, one for each hop', async () => {
  const wanted = [
    'POST /orders, send nest-orders',
    'process nest-orders, send nest-price',
    'process nest-price, send nest-price.reply',
    'process nest-price.reply',
  ]
  const formatShape = (trace: StoredTrace): string => spanNames(trace).join(', ')
  const { stdout, traces: stored } = await runExample(import.meta.url, (all) =>
    wanted.every((shape) => all.map(formatShape).includes(shape)),
  )
  expect(stdout).toBe('mug costs 3\n')

  // Under load Kafka may redeliver the order before its price arrives; each attempt is a trace.
  const traces = wanted.map((shape) => stored.find((trace) => formatShape(trace) === shape)!)
  const findSpan = (name: string) => traces.flatMap(({ spans }) => spans).find((span) => span.name === name)!
  for (const topic of ['nest-orders', 'nest-price', 'nest-price.reply']) {
    const { links } = findSpan(`process ${topic}`)
    expect(links.map(({ spanId }) => spanId)).toEqual([findSpan(`send ${topic}`).spanId])
  }
  // Sends of a handler, and the reply that Nest sends for it, are below the process span.
  expect(findSpan('send nest-price').parentSpanId).toBe(findSpan('process nest-orders').spanId)
  expect(findSpan('send nest-price.reply').parentSpanId).toBe(findSpan('process nest-price').spanId)
})
