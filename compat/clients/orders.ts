import { SpanStatusCode, trace } from '@opentelemetry/api'

/** Set by the harness; README.md describes it. */
export const { KAFKA_BROKERS = '', GROUP = '', RUN = '', ORDERS_TOPIC = '', RETRY_TOPIC = '' } = process.env
const { DEAD_LETTER_TOPIC = '', OUTPUT_TOPIC = '' } = process.env

export type Order = { readonly id: string; readonly action: string; readonly last?: boolean }

/** The topic that a message of `topic` is forwarded to; records the error of a failed order. */
export function processOrder(topic: string, { id, action }: Pick<Order, 'id' | 'action'>): string {
  if (topic !== ORDERS_TOPIC || (action !== 'retry' && action !== 'reject')) return OUTPUT_TOPIC
  const message = `cannot ${action === 'retry' ? 'reach the carrier' : 'ship'} ${id}`
  const span = trace.getActiveSpan()
  span?.recordException(new Error(message))
  span?.setStatus({ code: SpanStatusCode.ERROR, message })
  return action === 'retry' ? RETRY_TOPIC : DEAD_LETTER_TOPIC
}
