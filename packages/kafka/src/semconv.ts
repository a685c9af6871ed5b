import type { Attributes, AttributeValue, Span } from '@opentelemetry/api'

/**
 * Which names of the messaging conventions to write: `'1.45'` (`messaging.system.name`,
 * `kafka.offset`), `'1.44'` (1.30 to 1.44: `messaging.system`, `messaging.kafka.offset`) or
 * `'dup'`, both.
 */
export type Semconv = '1.45' | '1.44' | 'dup'

// All attribute names. A field that BEFORE_1_45 lacks has one name in both versions.
// https://opentelemetry.io/docs/specs/semconv/messaging/kafka/
const CURRENT = {
  system: 'messaging.system.name',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  partition: 'messaging.destination.partition.id',
  messageCount: 'messaging.batch.message_count',
  consumerGroup: 'messaging.consumer.group.name',
  clientId: 'messaging.client.id',
  offset: 'kafka.offset',
  key: 'kafka.message.key',
  tombstone: 'kafka.message.tombstone',
  errorType: 'error.type',
  clusterId: 'kafka.cluster.id',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  ioDirection: 'network.io.direction',
  // Not in the conventions: Kafka's name of a request (`Produce`, `Fetch`).
  requestName: 'kafka.request.name',
} as const

const BEFORE_1_45: Partial<Record<AttributeField, string>> = {
  system: 'messaging.system',
  offset: 'messaging.kafka.offset',
  key: 'messaging.kafka.message.key',
  tombstone: 'messaging.kafka.message.tombstone',
  clusterId: 'messaging.kafka.cluster.id',
}

export type AttributeField = keyof typeof CURRENT

/** Writes attributes under the names of one version of the conventions. */
export interface AttributeNames {
  readonly schemaUrl: string
  /** Sets `field` on `attributes`; an undefined value sets nothing. */
  put(attributes: Attributes, field: AttributeField, value: AttributeValue | undefined): void
  /** The same on a span. */
  set(span: Span, field: AttributeField, value: AttributeValue | undefined): void
}

export function createAttributeNames(semconv: Semconv): AttributeNames {
  const first: Record<AttributeField, string> = semconv === '1.44' ? { ...CURRENT, ...BEFORE_1_45 } : CURRENT
  const second: Partial<Record<AttributeField, string>> = semconv === 'dup' ? BEFORE_1_45 : {}
  return {
    schemaUrl: `https://opentelemetry.io/schemas/${semconv === '1.44' ? '1.44.0' : '1.45.0'}`,
    put(attributes, field, value) {
      if (value === undefined) return
      attributes[first[field]] = value
      const other = second[field]
      if (other !== undefined) attributes[other] = value
    },
    set(span, field, value) {
      if (value === undefined) return
      span.setAttribute(first[field], value)
      const other = second[field]
      if (other !== undefined) span.setAttribute(other, value)
    },
  }
}

/**
 * Parses `OTEL_SEMCONV_STABILITY_OPT_IN`: `messaging/dup` overrides `messaging`; the default is the
 * newest, as this package has no older one.
 * https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
 */
export function parseSemconvOptIn(optIn: string | undefined): Semconv {
  const categories = (optIn ?? '').toLowerCase().split(',')
  return categories.some((category) => category.trim() === 'messaging/dup') ? 'dup' : '1.45'
}
