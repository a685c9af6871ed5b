import type { Message, MessageSpan } from '@spanlink/api-schema'
import { toSpanKey } from '../links/span-ref.ts'
import { mergeRecords } from '../records/record-metadata.ts'
import type { SpanLookup } from './messaging-spans/span-lookup.ts'

/**
 * Adds the cluster and key to each message and its spans. Only for a page's messages, because the
 * key is an attribute only.
 */
export async function addRecords(lookup: SpanLookup, messages: readonly Message[]): Promise<Message[]> {
  const listed = messages.flatMap(listMessageSpans)
  const details = await lookup.detailsOf(listed)
  const spans = await lookup.spansByIdentity(listed)
  const records = new Map(
    Array.from(spans, ([key, { cluster, topic, partition, offset }]) => {
      return [key, { cluster, topic, partition, offset, key: details.get(key)?.key ?? '' }]
    }),
  )
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
