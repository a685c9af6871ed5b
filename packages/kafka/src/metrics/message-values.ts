import type { ReceivedMessage } from '../core/source.ts'

/** Returns the size of a key or value in bytes, if known without serializing it. */
export function getByteLength(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  return value instanceof Uint8Array ? value.byteLength : 0
}

/**
 * Returns milliseconds since the epoch; undefined for none, which clients report as -1, 0 or
 * nothing.
 */
export function parseTimestamp(message: ReceivedMessage): number | undefined {
  const { timestamp } = message
  if (timestamp === undefined || timestamp === null || typeof timestamp === 'object') return undefined
  const milliseconds = Number(timestamp)
  return milliseconds > 0 ? milliseconds : undefined
}
