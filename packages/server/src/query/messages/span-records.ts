import type { Message, MessageSpan, RecordMetadata } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { toSpanKey, type SpanIdentity } from '../links/span-ref.ts'
import { spanIdentity } from '../traces/span-parents.ts'
import { BY_IDS_SETTINGS, createRefSets } from '../sql/id-parameters.ts'
import { mergeRecords, recordColumns, toRecordMetadata, type RecordRow } from '../records/record-metadata.ts'
import { filterByTraces } from '../sql/span-bucket.ts'

/**
 * Adds the cluster and key to each message and its spans. Only for a page's messages, because the
 * key is stored in `attrs` only.
 */
export async function addRecords(
  store: Store,
  messages: readonly Message[],
  options: QueryOptions,
): Promise<Message[]> {
  const records = await findRecords(store, messages.flatMap(listMessageSpans), options)
  const withRecord = (span: MessageSpan): MessageSpan => {
    const { cluster = '', key = '' } = records.get(toSpanKey(span)) ?? {}
    return { ...span, cluster, key }
  }
  return messages.map((message) => {
    const { producer, attempts, deadLetter } = message
    const known = [attempts[0], producer].map((span) => records.get(span ? toSpanKey(span) : ''))
    const { topic, partition, offset } = message
    const { cluster, key } = mergeRecords([
      { topic, partition, offset, cluster: message.cluster, key: message.key },
      ...known,
    ])
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

async function findRecords(
  store: Store,
  refs: readonly SpanIdentity[],
  options: QueryOptions,
): Promise<ReadonlyMap<string, RecordMetadata>> {
  if (refs.length === 0) return new Map()
  const sets = createRefSets(refs)
  const rows = await store.query<SpanIdentity & RecordRow>(
    `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, kind, service, ${recordColumns}
    from spans
    where ${filterByTraces(sets.traceIds)} and (trace_id, span_id) in (${sets.spans})
    limit 1 by trace_id, ${spanIdentity}
    ${BY_IDS_SETTINGS}`,
    sets.params,
    options,
  )
  return new Map(rows.map((row) => [toSpanKey(row), toRecordMetadata(row)]))
}
