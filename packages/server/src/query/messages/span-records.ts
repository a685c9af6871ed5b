import type { Message, MessageSpan } from '@spanlink/api-schema'
import { toSpanKey, type SpanIdentity } from '../links/span-ref.ts'
import { mergeRecords, recordColumns, toRecordMetadata, type RecordRow } from '../records/record-metadata.ts'
import { findSpansInTraces, type StoreAccess } from './messaging-spans/find-messaging-spans.ts'
import { identityColumns } from './messaging-spans/messaging-span.ts'

/**
 * Adds the cluster and key to each message and its spans. Only for a page's messages, because the
 * key is stored in `attrs` only.
 */
export async function addRecords(access: StoreAccess, messages: readonly Message[]): Promise<Message[]> {
  const columns = `${identityColumns}, ${recordColumns}`
  const rows = await findSpansInTraces<SpanIdentity & RecordRow>(access, messages.flatMap(listMessageSpans), columns)
  const records = new Map(rows.map((row) => [toSpanKey(row), toRecordMetadata(row)]))
  const withRecord = (span: MessageSpan): MessageSpan => {
    const { cluster = '', key = '' } = records.get(toSpanKey(span)) ?? {}
    return { ...span, cluster, key }
  }
  return messages.map((message) => {
    const { producer, attempts, deadLetter } = message
    const known = [attempts[0], producer].map((span) => records.get(span ? toSpanKey(span) : ''))
    const { cluster, key } = mergeRecords([message, ...known])
    return {
      ...message,
      cluster,
      key,
      producer: producer && withRecord(producer),
      attempts: attempts.map(withRecord),
      ...(deadLetter === undefined ? {} : { deadLetter: withRecord(deadLetter) }),
    }
  })
}

/** Lists all spans of a message: producer, attempts and dead letter. */
export function listMessageSpans({ producer, attempts, deadLetter }: Message): MessageSpan[] {
  return [...(producer === null ? [] : [producer]), ...attempts, ...(deadLetter === undefined ? [] : [deadLetter])]
}
