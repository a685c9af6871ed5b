import {
  decodeEnum,
  decodeIds,
  decodeInt64,
  decodePayloadWith,
  decodeText,
  decodeUInt64,
} from '../../../clickhouse/read/column-decoders.ts'
import { checkRowCount } from '../../../clickhouse/read/parse-rows.ts'
import { messagingOperations } from '../../../clickhouse/insert/messaging/semconv.ts'
import { PayloadReader } from '../../../clickhouse/read/payload-reader.ts'
import { readNative } from '../../../clickhouse/read/read-native.ts'
import type { Store } from '../../../clickhouse/store.ts'
import { NO_SPAN } from '../../links/linked-span.ts'
import type { MessagingLink } from '../../trace-rows/messaging-body.ts'
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
    const [traceIds, spanIds, parents, starts, durations, kinds, statuses, operations, offsets, ...rest] = columns
    const [services, names, clusters, topics, partitions, groups, links] = rest
    const traceIdAt = decodeIds(payload)(bytes, traceIds)
    const spanIdAt = decodeIds(payload)(bytes, spanIds)
    const parentAt = decodeIds(payload)(bytes, parents)
    const startAt = decodeUInt64(bytes, starts)
    const durationAt = decodeInt64(bytes, durations)
    const kindAt = decodeKind(bytes, kinds)
    const statusAt = decodeStatus(bytes, statuses)
    const operationAt = decodeOperation(bytes, operations)
    const offsetAt = decodeInt64(bytes, offsets)
    const serviceAt = decodeText(bytes, services)
    const nameAt = decodeText(bytes, names)
    const clusterAt = decodeText(bytes, clusters)
    const topicAt = decodeText(bytes, topics)
    const partitionAt = decodeText(bytes, partitions)
    const groupAt = decodeText(bytes, groups)
    const linksAt = decodePayloadWith(payload)(bytes, links)
    for (let row = 0; row < rows; row++) {
      const parent = parentAt(row)
      const start = startAt(row)
      const identity = { traceId: traceIdAt(row), spanId: spanIdAt(row), kind: kindAt(row), service: serviceAt(row) }
      spans.push({
        ...identity,
        parentSpanId: parent === NO_SPAN ? '' : parent,
        start,
        end: BigInt.asUintN(64, start + durationAt(row)),
        name: nameAt(row),
        status: statusAt(row),
        operation: operationAt(row),
        cluster: clusterAt(row),
        topic: topicAt(row),
        partition: partitionAt(row),
        offset: toOffset(offsetAt(row)),
        group: groupAt(row),
        links: toFoundLinks({ ...identity, start }, readList(linksAt(row), MIN_LINK_BYTES, readLink)),
      })
    }
  }
  checkRowCount(spans.length, sent)
  return spans
}

const decodeKind = decodeEnum(KINDS)
const decodeStatus = decodeEnum(STATUSES)
const decodeOperation = decodeEnum(messagingOperations)

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
