import type { PayloadReader } from '../../clickhouse/read/payload-reader.ts'
import {
  type MessagingKeys,
  type MessagingValues,
  readMessagingEntries,
  readMessagingValues,
} from './span-messaging.ts'
import { checkEnd, MIN_EVENT_BYTES, MIN_LINK_BYTES, readList } from './trace-row.ts'

/** What messages need of a span's `body`. */
export type MessagingBody = {
  readonly values: MessagingValues
  readonly statusMessage: string
  readonly flags: number
  readonly links: readonly MessagingLink[]
}

export type MessagingLink = { readonly traceId: string; readonly spanId: string; readonly values: MessagingValues }

/**
 * Reads a span's `body`, but decodes neither other attributes than those of messaging nor events.
 *
 * @param keys of the span's shape
 * @throws PayloadError
 */
export function readMessagingBody(reader: PayloadReader, keys: MessagingKeys): MessagingBody {
  const values = readMessagingValues(reader, keys)
  const statusMessage = reader.text()
  reader.skipText()
  const flags = reader.u32()
  reader.skip(12)
  for (let left = reader.count(MIN_EVENT_BYTES); left > 0; left--) skipEvent(reader)
  const body = { values, statusMessage, flags, links: readList(reader, MIN_LINK_BYTES, readLink) }
  checkEnd(reader)
  return body
}

/**
 * The same of the link in a backlink's `body`.
 *
 * @param keys of the link, of the backlink's shape
 * @param linkingKeys number of those of the linking span
 * @throws PayloadError
 */
export function readLinkValues(reader: PayloadReader, keys: MessagingKeys, linkingKeys: number): MessagingValues {
  reader.skipText()
  reader.skip(4)
  const values = readMessagingValues(reader, keys)
  reader.skip(4)
  for (let left = linkingKeys; left > 0; left--) reader.skipText()
  checkEnd(reader)
  return values
}

function readLink(reader: PayloadReader): MessagingLink {
  const [traceId, spanId] = [reader.hex(16), reader.hex(8)]
  reader.skipText()
  reader.skip(4)
  const values = readMessagingEntries(reader)
  reader.skipText()
  reader.skip(4)
  return { traceId, spanId, values }
}

function skipEvent(reader: PayloadReader): void {
  reader.skip(8)
  reader.skipText()
  reader.skipEntries()
  reader.skipText()
  reader.skip(4)
}
