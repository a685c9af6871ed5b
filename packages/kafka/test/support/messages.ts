import type { ReceivedMessage } from '@spanlink/kafka'

export const source = Object.freeze({ topic: 'orders', partition: 3, groupId: 'payment' })

export const traceparent = (n: number) => `00-${hex(n, 32)}-${hex(n, 16)}-01`
/** `<traceId>-<spanId>` of the context that message `n` carries. */
export const creation = (n: number) => `${hex(n, 32)}-${hex(n, 16)}`
export const message = (n: number, more: ReceivedMessage = {}): ReceivedMessage => ({
  offset: String(n),
  key: Buffer.from(`k${n}`),
  value: Buffer.from('v'),
  headers: { traceparent: Buffer.from(traceparent(n)) },
  ...more,
})

function hex(n: number, length: number): string {
  return n
    .toString(16)
    .padStart(length - 1, '0')
    .padStart(length, 'f')
}
