import type { ReceivedMessage } from '../core/source.ts'

/** Bytes of a key or value, as far as that is known without serializing it. */
export function getByteLength(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  return value instanceof Uint8Array ? value.byteLength : 0
}

/**
 * Milliseconds since the epoch, or undefined where a record has no timestamp: clients say -1, 0 or
 * nothing then.
 */
export function parseTimestamp(message: ReceivedMessage): number | undefined {
  const { timestamp } = message
  if (timestamp === undefined || timestamp === null || typeof timestamp === 'object') return undefined
  const milliseconds = Number(timestamp)
  return milliseconds > 0 ? milliseconds : undefined
}
