import type { OutgoingMessage } from '../telemetry.ts'

/**
 * A message of a client that reads headers by their own enumerable properties, whatever they are:
 * of a list those are its indexes, of a Map none. Copies with our headers must be such objects,
 * too.
 */
export function toRecordHeaders(message: OutgoingMessage): OutgoingMessage {
  const { headers } = message
  if (!Array.isArray(headers) && !(headers instanceof Map)) return message
  const { key, value, partition } = message
  return { key, value, partition, headers: { ...headers } }
}
