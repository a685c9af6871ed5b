import type { OutgoingMessage } from '../telemetry.ts'

/**
 * Copies headers as the client reads them, by own enumerable properties: the indexes of a list,
 * nothing of a Map.
 */
export function toRecordHeaders(message: OutgoingMessage): OutgoingMessage {
  const { headers } = message
  if (!Array.isArray(headers) && !(headers instanceof Map)) return message
  const { key, value, partition } = message
  return { key, value, partition, headers: { ...headers } }
}
