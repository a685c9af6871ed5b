import { checkRowCount } from '../../../clickhouse/read/parse-rows.ts'
import { messagingOperations } from '../../../clickhouse/insert/messaging/semconv.ts'
import { PayloadReader } from '../../../clickhouse/read/payload-reader.ts'
import { readNative } from '../../../clickhouse/read/read-native.ts'
import type { Store } from '../../../clickhouse/store.ts'
import { NO_SPAN } from '../../links/linked-span.ts'
import type { MessagingLink } from '../../trace-rows/messaging-body.ts'
import { cacheTexts, readByte, readHex, readInt64, readUInt64, seekString } from '../../trace-rows/native-values.ts'
import { readMessagingEntries } from '../../trace-rows/span-messaging.ts'
import { KINDS, readList, STATUSES } from '../../trace-rows/trace-row.ts'
import { type StoredSpan, toFoundLinks } from './stored-span.ts'

/** Columns of `spans` for `readSpanColumns`: the links as one column, decoded by `readLink`. */
export const spanColumns = `trace_id, span_id, parent_span_id, start, duration, kind, status, messaging_operation,
  message_offset, service, name, cluster, topic, partition, consumer_group, formatRow('RowBinary', links)`

/** Decodes a result of `spanColumns`. */
export function readSpanColumns({ bytes, rows: sent }: Awaited<ReturnType<Store['queryBytes']>>): StoredSpan[] {
  const spans: StoredSpan[] = []
  const payload = new PayloadReader(bytes)
  for (const { rows, columns } of readNative(bytes)) {
    const [traceIds, spanIds, parents, starts, durations, kinds, statuses, operations, offsets, ...texts] = columns
    const [services, names, clusters, topics, partitions, groups] = texts.slice(0, 6).map((column) => {
      return cacheTexts(bytes, column)
    }) as [Text, Text, Text, Text, Text, Text]
    const links = texts[6]
    for (let row = 0; row < rows; row++) {
      const parent = readHex(payload, parents, row)
      const start = readUInt64(bytes, starts, row)
      const identity = {
        traceId: readHex(payload, traceIds, row),
        spanId: readHex(payload, spanIds, row),
        kind: KINDS[readByte(bytes, kinds, row)] ?? 'unspecified',
        service: services(row),
      }
      spans.push({
        ...identity,
        parentSpanId: parent === NO_SPAN ? '' : parent,
        start,
        end: BigInt.asUintN(64, start + readInt64(bytes, durations, row)),
        name: names(row),
        status: STATUSES[readByte(bytes, statuses, row)] ?? 'unset',
        operation: messagingOperations[readByte(bytes, operations, row)] ?? 'none',
        cluster: clusters(row),
        topic: topics(row),
        partition: partitions(row),
        offset: toOffset(readInt64(bytes, offsets, row)),
        group: groups(row),
        links: toFoundLinks(
          { ...identity, start },
          readList(seekString(payload, links, row), MIN_LINK_BYTES, readLink),
        ),
      })
    }
  }
  checkRowCount(spans.length, sent)
  return spans
}

type Text = (row: number) => string

/** Two ids, no attributes and no type codes. */
const MIN_LINK_BYTES = 26

function readLink(reader: PayloadReader): MessagingLink {
  const [traceId, spanId] = [reader.hex(16), reader.hex(8)]
  const values = readMessagingEntries(reader)
  reader.skipText()
  return { traceId, spanId, values }
}

/** -1 is an unknown offset. */
function toOffset(offset: bigint): string {
  return offset === -1n ? '' : String(offset)
}
