import { setTimeout } from 'node:timers/promises'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import { post } from './shop-signals.ts'
import type { Order } from './shop.ts'

const SERVICES = ['gateway', 'payment', 'inventory', 'shipping'] as const
const MINUTES = 50
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

const LINES: readonly (readonly [severity: number, body: string, event?: string])[] = [
  [9, 'order 1042 accepted for customer 7781'],
  [5, 'cache miss for key stock:shelf-7, asking the database'],
  [9, '{"level":"info","msg":"payment authorised","amount":129.9,"currency":"EUR","card":"**** 4242"}'],
  [13, 'retrying in 800 ms: connection to acme-pay was reset (attempt 2 of 3)'],
  [9, 'batch of 120 messages committed at offset 118205 of parcels/3'],
  [
    17,
    'card was declined\nDeclinedError: insufficient funds\n    at authorize (card.js:41:11)\n    at main (pay.js:9:3)',
  ],
  [1, 'entering reserve()'],
  [9, 'label printed', 'label.printed'],
  [21, 'out of memory: the worker restarts'],
]

const text = (key: string, value: string) => ({ key, value: { stringValue: value } })
const resourceOf = (name: string) => ({ attributes: [text('service.name', name), text('host.name', `${name}-7f9c`)] })

/**
 * An hour of logs and metrics as a few busy services send them; resolves when they can be found.
 */
export async function sendBusySignals(server: SpanlinkServer, now: number, shop: Order): Promise<void> {
  const nano = (millis: number): string => `${BigInt(Math.round(millis)) * 1_000_000n}`
  const at = { traceId: shop.gateway, spanId: shop.sendSpan }
  await post(server, 'logs', {
    resourceLogs: SERVICES.map((name, of) => ({
      resource: resourceOf(name),
      scopeLogs: [
        {
          logRecords: Array.from({ length: 40 }, (_, nth) => {
            const [severityNumber, body, eventName] = LINES[(nth * 5 + of) % LINES.length] ?? LINES[0]!
            return {
              ...(nth % 3 === 0 ? at : {}),
              timeUnixNano: nano(now - nth * 31_000 - of * 7411 - 2000),
              severityNumber,
              body: { stringValue: body },
              ...(eventName === undefined ? {} : { eventName }),
              attributes: [
                { key: 'order.id', value: { intValue: String(4711 + nth) } },
                text('thread.name', `worker-${nth % 4}`),
                text('code.file.path', `/srv/${name}/src/handlers/order-placed.ts`),
              ],
            }
          }),
        },
      ],
    })),
  })
  const minutes = Array.from({ length: MINUTES }, (_, nth) => now - (MINUTES - nth) * 60_000)
  const metrics = (of: number) => [
    {
      name: 'http.server.request.duration',
      unit: 's',
      description: 'Duration of HTTP server requests.',
      histogram: {
        aggregationTemporality: 1,
        dataPoints: minutes.map((minute, nth) => {
          const middle = 3 + of + Math.round(1.6 * Math.sin(nth / 6 + of))
          const bucketCounts = [...BOUNDS, 0].map((_, bucket) =>
            Math.round(90 * Math.exp(-((bucket - middle) ** 2) / 1.7)),
          )
          const count = bucketCounts.reduce((sum, one) => sum + one, 0)
          return {
            startTimeUnixNano: nano(minute - 60_000),
            timeUnixNano: nano(minute),
            count: String(count),
            sum: count * (BOUNDS[middle] ?? 0.1) * 0.8,
            explicitBounds: BOUNDS,
            bucketCounts: bucketCounts.map(String),
            attributes: [text('http.route', ['/orders', '/stock', '/labels', '/cards'][of] ?? '/')],
            exemplars:
              nth % 12 === of * 3
                ? [{ ...at, timeUnixNano: nano(minute - 10), asDouble: (BOUNDS[middle] ?? 0.1) * 1.2 }]
                : [],
          }
        }),
      },
    },
    {
      name: 'messaging.client.consumed.messages',
      unit: '{message}',
      sum: {
        aggregationTemporality: 1,
        isMonotonic: true,
        dataPoints: minutes.map((minute, nth) => ({
          startTimeUnixNano: nano(minute - 60_000),
          timeUnixNano: nano(minute),
          asInt: String(Math.round(600 + 240 * Math.sin(nth / 5 + of) + of * 130)),
          attributes: [text('messaging.destination.name', ['orders', 'parcels', 'labels', 'invoices'][of] ?? '')],
        })),
      },
    },
    {
      name: 'process.memory.usage',
      unit: 'By',
      description: 'The amount of physical memory in use.',
      gauge: {
        dataPoints: minutes.map((minute, nth) => ({
          timeUnixNano: nano(minute),
          asInt: String(180_000_000 + of * 60_000_000 + ((nth * 3_700_000) % 90_000_000)),
        })),
      },
    },
    {
      name: 'kafka.partition.depth',
      unit: '{message}',
      description: 'Messages in each partition of a topic.',
      gauge: {
        dataPoints: Array.from({ length: of === 0 ? 18 : 0 }, (_, partition) =>
          minutes.map((minute, nth) => ({
            timeUnixNano: nano(minute),
            asInt: String(Math.round(4000 + partition * 600 + 900 * Math.sin(nth / 6 + partition))),
            attributes: [text('partition', String(partition).padStart(2, '0'))],
          })),
        ).flat(),
      },
    },
    ...(of === 0
      ? ['jvm.gc.duration', 'system.cpu.utilization', 'kafka.consumer.fetch_manager.bytes_consumed_rate']
      : []
    ).map((gauge) => ({
      name: gauge,
      unit: '1',
      gauge: { dataPoints: [{ timeUnixNano: nano(now - 60_000), asDouble: 0.31 }] },
    })),
  ]
  await post(server, 'metrics', {
    resourceMetrics: SERVICES.map((name, of) => ({
      resource: resourceOf(name),
      scopeMetrics: [{ metrics: metrics(of) }],
    })),
  })
  for (const path of ['/api/logs?q=restarts', '/api/metrics?q=process.memory']) {
    while (!(await (await fetch(server.url + path)).text()).includes('shipping')) await setTimeout(100)
  }
}
