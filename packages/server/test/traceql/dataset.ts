import { type Random, seededRandom } from '@spanlink/testkit/otlp'
import type { TestAttributes, TestSpan } from './spans.ts'

/** Start of the dataset; traces start a minute apart, so that it covers an hour. */
export const dataStart = 1_790_000_000_000_000_000n
export const dataEnd = dataStart + 3_700_000_000_000n

/**
 * A small shop on Kafka, the same every time: gateways that publish orders, consumers in traces of
 * their own that link back, retries that link on, and a third of all with something odd about it.
 */
export function makeSpans(): readonly TestSpan[] {
  const random = seededRandom(5)
  const spans: TestSpan[] = []
  for (let order = 0; order < 20; order++) addOrder(spans, random, order)
  addOddities(spans)
  return spans
}

const second = 1_000_000_000n
const ms = 1_000_000n

const resources: Readonly<Record<string, TestAttributes>> = {
  gateway: {
    'service.name': 'gateway',
    'service.version': '1.4.0',
    region: 'eu',
    replicas: 3n,
    'k8s.labels': ['web', 'edge'],
  },
  orders: { 'service.name': 'orders', 'service.version': '2.0.1', region: 'eu', canary: true },
  billing: { 'service.name': 'billing', region: 'us', load: 0.75, canary: false },
  mailer: { region: 'us', attempt: 99n },
}

const scopes = {
  http: { name: 'otel-http', version: '0.50.0', attributes: {} },
  kafka: { name: '@spanlink/kafka', version: '1.0.0', attributes: { client: 'kafkajs', pooled: true } },
} as const

type Draft = Partial<TestSpan> & Pick<TestSpan, 'traceId' | 'spanId' | 'name' | 'start'> & { readonly service: string }

function span({ service, ...draft }: Draft): TestSpan {
  return {
    parentSpanId: '',
    kind: 'internal',
    status: 'unset',
    statusMessage: '',
    duration: 5n * ms,
    attributes: {},
    resource: resources[service] ?? {},
    scope: scopes.http,
    events: [],
    links: [],
    ...draft,
  }
}

function traceId(order: number, part: number): string {
  return (0x1000 + order * 16 + part).toString(16).padStart(32, 'a')
}

function spanId(order: number, part: number, index: number): string {
  return ((order + 1) * 4096 + part * 256 + index).toString(16).padStart(16, '0')
}

function addOrder(spans: TestSpan[], random: Random, order: number): void {
  const start = dataStart + BigInt(order) * 180n * second
  const web = traceId(order, 0)
  const id = (index: number): string => spanId(order, 0, index)
  const status = [200n, 201n, 404n, 500n][order % 4] ?? 200n
  const failed = status >= 500n
  spans.push(
    span({
      traceId: web,
      spanId: id(0),
      service: 'gateway',
      name: order % 3 === 0 ? 'GET /cart' : 'POST /orders',
      kind: 'server',
      status: failed ? 'error' : order % 4 === 1 ? 'ok' : 'unset',
      statusMessage: failed ? 'upstream failed' : '',
      start,
      duration: BigInt(20 + order * 15) * ms,
      attributes: {
        'http.method': order % 3 === 0 ? 'GET' : 'POST',
        'http.status_code': status,
        'http.ratio': order / 8,
        sampled: order % 2 === 0,
        'user name': order % 5 === 0 ? 'Zoë "the" \\ boss' : `user${order % 5}`,
        region: order % 6 === 0 ? 'span-region' : `zone-${order % 3}`,
        tags: order % 2 === 0 ? ['blue', 'green'] : ['red'],
        sizes: [1n, BigInt(order)],
        ratios: [order / 4, 2n],
        checks: [true, order % 3 === 0],
        ...(order % 7 === 0 ? { mixed: 'seven' } : { mixed: BigInt(order) }),
        ...(order % 4 === 2 ? { empty: '' } : {}),
      },
    }),
    span({
      traceId: web,
      spanId: id(1),
      parentSpanId: id(0),
      service: 'gateway',
      name: 'validate',
      start: start + 2n * ms,
      duration: BigInt(1 + Math.floor(random() * 8)) * ms,
      attributes: { items: BigInt(order % 5), limit: 3n, weight: order + 0.5 },
      events:
        order % 4 === 0
          ? [
              {
                time: start + 3n * ms,
                name: 'cache.miss',
                attributes: { key: `cart-${order}`, tries: BigInt(order % 3) },
              },
            ]
          : [],
    }),
    span({
      traceId: web,
      spanId: id(2),
      parentSpanId: id(0),
      service: 'gateway',
      name: 'query',
      kind: 'client',
      start: start + 4n * ms,
      duration: BigInt(3 + order) * ms,
      status: order % 5 === 3 ? 'error' : 'ok',
      attributes: { 'db.system': order % 2 === 0 ? 'postgresql' : 'mysql', 'db.rows': BigInt(order * 10), limit: 3n },
      events:
        order % 5 === 3
          ? [
              { time: start + 5n * ms, name: 'exception', attributes: { 'exception.type': 'Timeout' } },
              { time: start + 6n * ms, name: 'retry', attributes: { attempt: 2n } },
            ]
          : [],
    }),
    span({
      traceId: web,
      spanId: id(3),
      parentSpanId: id(0),
      service: 'gateway',
      name: 'send orders',
      kind: 'producer',
      start: start + 10n * ms,
      duration: 4n * ms,
      scope: scopes.kafka,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.destination.name': 'orders',
        'messaging.kafka.offset': 9_007_199_254_740_993n + BigInt(order),
      },
    }),
    span({
      traceId: web,
      spanId: id(4),
      parentSpanId: id(2),
      service: 'gateway',
      name: 'connect',
      kind: 'client',
      start: start + 5n * ms,
      duration: 1n * ms,
    }),
  )
  addConsumer(spans, order, 1, 'orders', web, id(3), start + second)
  if (order % 2 === 0)
    addConsumer(spans, order, 2, 'billing', traceId(order, 1), spanId(order, 1, 2), start + 3n * second)
  if (order % 4 === 0)
    addConsumer(spans, order, 3, 'mailer', traceId(order, 2), spanId(order, 2, 2), start + 9n * second)
}

function addConsumer(
  spans: TestSpan[],
  order: number,
  part: number,
  service: string,
  target: string,
  targetSpan: string,
  start: bigint,
): void {
  const trace = traceId(order, part)
  const id = (index: number): string => spanId(order, part, index)
  const failed = order % 6 === part
  spans.push(
    span({
      traceId: trace,
      spanId: id(0),
      service,
      name: `process ${service}`,
      kind: 'consumer',
      start,
      duration: BigInt(30 + 10 * part + order) * ms,
      status: failed ? 'error' : 'unset',
      statusMessage: failed ? `order ${order} refused` : '',
      scope: scopes.kafka,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.destination.name': service,
        'messaging.batch': BigInt(part),
        replicas: 3n,
      },
      links: [
        {
          traceId: target,
          spanId: targetSpan,
          attributes: { 'messaging.kafka.partition': BigInt(order % 3), topic: service },
        },
        ...(order % 10 === 0 ? [{ traceId: 'f'.repeat(32), spanId: 'f'.repeat(16), attributes: { lost: true } }] : []),
      ],
      events: failed
        ? [{ time: start + 12n * ms, name: 'exception', attributes: { 'exception.type': 'Refused' } }]
        : [],
    }),
    span({
      traceId: trace,
      spanId: id(1),
      parentSpanId: id(0),
      service,
      name: 'handle',
      start: start + 2n * ms,
      duration: 20n * ms,
      attributes: { step: 1n },
    }),
    span({
      traceId: trace,
      spanId: id(2),
      parentSpanId: id(1),
      service,
      name: `send ${service}.done`,
      kind: 'producer',
      start: start + 4n * ms,
      scope: scopes.kafka,
      attributes: { step: 2n, 'messaging.system': 'kafka' },
    }),
    span({
      traceId: trace,
      spanId: id(3),
      parentSpanId: id(1),
      service,
      name: 'handle',
      start: start + 6n * ms,
      duration: 2n * ms,
      attributes: { step: 2n },
    }),
  )
}

/**
 * Irregular data: a missing parent, two roots, a chain, an empty service, a clock that runs
 * backwards.
 */
function addOddities(spans: TestSpan[]): void {
  const start = dataStart + 3_610n * second
  const orphan = traceId(200, 0)
  const twoRoots = traceId(201, 0)
  const chain = traceId(202, 0)
  const odd = traceId(203, 0)
  spans.push(
    span({
      traceId: orphan,
      spanId: spanId(200, 0, 1),
      parentSpanId: 'ee'.repeat(8),
      service: 'orders',
      name: 'lost child',
      start,
      status: 'error',
    }),
    span({
      traceId: orphan,
      spanId: spanId(200, 0, 2),
      parentSpanId: 'ee'.repeat(8),
      service: 'orders',
      name: 'lost twin',
      start: start + ms,
    }),
    span({ traceId: twoRoots, spanId: spanId(201, 0, 1), service: 'gateway', name: 'root one', start }),
    span({
      traceId: twoRoots,
      spanId: spanId(201, 0, 2),
      service: 'billing',
      name: 'root two',
      start: start + second,
      duration: second,
    }),
    span({
      traceId: odd,
      spanId: spanId(203, 0, 1),
      service: '',
      name: '',
      kind: 'unspecified',
      start,
      duration: -3n * ms,
    }),
    span({
      traceId: odd,
      spanId: spanId(203, 0, 2),
      parentSpanId: spanId(203, 0, 1),
      service: '',
      name: 'multi\nline',
      start,
      attributes: { 'quo"te': "it's; drop table spans --", '{weird}': 'yes', emoji: '🙂' },
    }),
  )
  for (let depth = 0; depth < 6; depth++) {
    const parentSpanId = depth === 0 ? '' : spanId(202, 0, depth - 1)
    const name = depth % 2 === 0 ? 'even' : 'odd'
    spans.push(
      span({
        traceId: chain,
        spanId: spanId(202, 0, depth),
        parentSpanId,
        service: depth < 3 ? 'gateway' : 'billing',
        name,
        start: start + BigInt(depth) * ms,
        attributes: { depth: BigInt(depth) },
      }),
    )
  }
}
