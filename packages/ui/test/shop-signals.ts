import { setTimeout } from 'node:timers/promises'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import type { Order } from './shop.ts'
import { untilStored } from './site.ts'

/**
 * Two log records of an order's send span, and a histogram whose exemplars point at it; resolves
 * when both can be found.
 */
export async function sendSignals(
  server: SpanlinkServer,
  now: number,
  shop: Pick<Order, 'gateway' | 'sendSpan'>,
): Promise<void> {
  const nano = (millis: number): string => `${millis}000000`
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'payment' } }] }
  const at = { traceId: shop.gateway, spanId: shop.sendSpan }
  const texts = ['charged card', 'card was declined']
  await post(server, 'logs', {
    resourceLogs: [
      {
        resource,
        scopeLogs: [
          {
            logRecords: texts.map((text, i) => ({
              ...at,
              timeUnixNano: nano(now - i * 100),
              severityNumber: 9 + i * 8,
              body: { stringValue: text },
              attributes: [{ key: 'order.id', value: { intValue: '4711' } }],
            })),
          },
        ],
      },
    ],
  })
  const dataPoints = [3, 2, 1].map((ago) => ({
    startTimeUnixNano: nano(now - 600_000),
    timeUnixNano: nano(now - ago * 60_000),
    count: String(10 * (4 - ago)),
    sum: 4 - ago,
    explicitBounds: [0.1, 1],
    bucketCounts: [6, 3, 1].map((n) => String(n * (4 - ago))),
    exemplars: [{ ...at, timeUnixNano: nano(now - ago * 60_000 - 10), asDouble: 0.2 }],
  }))
  await post(server, 'metrics', {
    resourceMetrics: [
      {
        resource,
        scopeMetrics: [
          { metrics: [{ name: 'process.duration', unit: 's', histogram: { aggregationTemporality: 2, dataPoints } }] },
        ],
      },
    ],
  })
  for (const path of ['/api/logs?q=declined', '/api/metrics?q=process']) {
    while (!(await (await fetch(server.url + path)).text()).includes('payment')) await setTimeout(100)
  }
}

/** Sends the lag that a consumer reports; resolves when the topology shows it. */
export async function sendLag(
  server: SpanlinkServer,
  { topic, group, messages }: { readonly topic: string; readonly group: string; readonly messages: number },
): Promise<void> {
  const attributes = [
    { key: 'messaging.destination.name', value: { stringValue: topic } },
    { key: 'messaging.consumer.group.name', value: { stringValue: group } },
  ]
  const dataPoints = [{ timeUnixNano: `${Date.now() - 1000}000000`, asInt: String(messages), attributes }]
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: group } }] }
  const sum = { aggregationTemporality: 2, isMonotonic: false, dataPoints }
  await post(server, 'metrics', {
    resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [{ name: 'kafka.consumer.lag', sum }] }] }],
  })
  while (!(await (await fetch(`${server.url}/api/topology`)).text()).includes(`"messages":${messages}`))
    await setTimeout(100)
}

/** Sends logs or metrics and waits until they are queryable. */
export async function post(server: SpanlinkServer, signal: string, body: object): Promise<void> {
  const response = await fetch(`${server.otlpHttp}/v1/${signal}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`the receiver returned ${response.status}: ${await response.text()}`)
  await untilStored(server)
}
