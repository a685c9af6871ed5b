import type { OtlpSpan, ResourceSpans, TracesRequest } from '@spanlink/testkit/otlp'

/**
 * The ids of one order: the gateway sends it; payment and inventory each process it in their own
 * traces.
 */
export interface Order {
  readonly gateway: string
  readonly sendSpan: string
  readonly payment: string
  readonly inventory: string
  readonly request: TracesRequest
}

const PRODUCER = 4
const CONSUMER = 5

/** `now` in Unix milliseconds; `nth` makes ids that differ between orders. */
export function order(now: number, nth: number): Order {
  const id = (service: number, length: number): string => `${service}${nth}`.padStart(length, 'c0ffee')
  const gateway = id(1, 32)
  const payment = id(2, 32)
  const inventory = id(3, 32)
  const sendSpan = id(12, 16)
  const nano = (millis: number): string => `${now + millis}000000`
  const times = (from: number, to: number) => ({ startTimeUnixNano: nano(from), endTimeUnixNano: nano(to) })
  const consumer = (traceId: string, span: number): OtlpSpan => ({
    traceId,
    spanId: id(span, 16),
    name: 'process orders',
    kind: CONSUMER,
    ...times(60 + span, 140 + span),
    flags: 0x101,
    links: [
      {
        traceId: gateway,
        spanId: sendSpan,
        flags: 0x301,
        attributes: [
          { key: 'messaging.destination.name', value: { stringValue: 'orders' } },
          { key: 'messaging.destination.partition.id', value: { stringValue: '2' } },
          // As `@spanlink/kafka` names them.
          { key: 'kafka.offset', value: { intValue: '1042' } },
          { key: 'kafka.message.key', value: { stringValue: 'customer-7' } },
        ],
      },
    ],
  })
  return {
    gateway,
    sendSpan,
    payment,
    inventory,
    request: {
      resourceSpans: [
        service('gateway', [
          { traceId: gateway, spanId: id(11, 16), name: 'POST /orders', kind: 2, ...times(0, 50) },
          {
            traceId: gateway,
            spanId: sendSpan,
            parentSpanId: id(11, 16),
            name: 'send orders',
            kind: PRODUCER,
            ...times(20, 45),
          },
        ]),
        service('payment', [
          consumer(payment, 21),
          {
            traceId: payment,
            spanId: id(22, 16),
            parentSpanId: id(21, 16),
            name: 'authorize card',
            kind: 3,
            ...times(90, 120),
            status: { code: 2, message: 'card declined' },
            attributes: [{ key: 'card.network', value: { stringValue: 'acme-pay' } }],
          },
        ]),
        service('inventory', [consumer(inventory, 31)]),
      ],
    },
  }
}

export function service(name: string, spans: readonly OtlpSpan[]): ResourceSpans {
  return {
    resource: { attributes: [{ key: 'service.name', value: { stringValue: name } }] },
    scopeSpans: [{ scope: { name: 'shop' }, spans }],
  }
}
