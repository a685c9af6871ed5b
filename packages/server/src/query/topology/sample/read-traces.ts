import { PayloadError, PayloadReader } from '../../../clickhouse/read/payload-reader.ts'
import {
  decodeByte,
  decodeCount,
  decodePayload,
  decodeDistinct,
  decodeHex,
  decodeRepeatedHex,
  decodeUInt64,
} from '../../../clickhouse/read/column-decoders.ts'
import { NO_SPAN } from '../../links/linked-span.ts'
import { UNKNOWN_RECORD } from '../../records/record-metadata.ts'
import { type RowOf, selectRows } from '../../sql/select-rows.ts'
import { selectAnalyzer } from '../../trace-rows/fetch-trace-rows.ts'
import { readBacklinkShape } from '../../trace-rows/backlink-row.ts'
import { backlinkHead, shapePrefix, spanHead } from '../../trace-rows/head-sql.ts'
import { readLinkValues } from '../../trace-rows/messaging-body.ts'
import {
  deriveMessaging,
  findMessagingKeys,
  readMessagingValues,
  toLinkMessaging,
} from '../../trace-rows/span-messaging.ts'
import { KINDS, readSpanShape, STATUSES } from '../../trace-rows/trace-row.ts'
import type { TopologyRequest } from '../topology-request.ts'
import { addSpan, type SampledLink, type SampledSpan, type TraceSample, type TraceSpans } from './sampled-span.ts'

/** A range of trace ids, which begin below a number of 32 bits. */
export type TraceRange = {
  readonly below: number
  /** In seconds since 1970. */
  readonly firstDay: number
  readonly lastDay: number
  readonly maxRows: number
  readonly withLinkRecords: boolean
}

/** SQL: kind of a shape, and numbers of the enum. */
const KIND = 'reinterpretAsUInt8(substring(shape, 2, 1))'
const [CLIENT, CONSUMER] = [3, 5]

/** SQL: the shape may have messaging attributes. All of their names begin like this. */
const IS_MESSAGING = `${KIND} >= ${CLIENT} and multiSearchAny(shape, ['messaging.', 'kafka.', 'rabbitmq.'])`

const START = `if(type = 'span', ${spanHead.start}, ${backlinkHead.start})`

const columns = {
  isSpan: [`type = 'span'`, decodeByte],
  traceId: ['trace_id', decodeRepeatedHex],
  spanId: ['span_id', decodeHex],
  parentSpanId: [`toFixedString(${spanHead.parent}, 8)`, decodeHex],
  linkingTraceId: [`toFixedString(substring(head, 1, 16), 16)`, decodeHex],
  linkingSpanId: [`toFixedString(substring(head, 17, 8), 8)`, decodeHex],
  start: [START, decodeUInt64],
  duration: [`reinterpretAsUInt64(substring(head, if(type = 'span', 17, 33), 8))`, decodeUInt64],
  linkCount: [`toUInt64(${spanHead.linkCount})`, decodeCount],
  operation: [`toLowCardinality(${shapePrefix})`, decodeDistinct(readPrefix)],
  shape: [`toLowCardinality(if(${IS_MESSAGING}, shape, ''))`, decodeDistinct(readShape)],
  body: [`if(${IS_MESSAGING}, body, '')`, decodePayload],
} as const

type Row = RowOf<typeof columns>

/**
 * Reads spans and links of the traces in a range of ids: in the fetch rows, those of a trace are
 * together, of any service.
 *
 * @throws StoreError `too-heavy` above `maxRows`, as if ids are not random
 */
export async function readTraces(
  { store, window, options }: TopologyRequest,
  { below, firstDay, lastDay, maxRows, withLinkRecords }: TraceRange,
): Promise<Omit<TraceSample, 'oneIn'>> {
  const rows = await selectRows(
    store,
    withLinkRecords
      ? columns
      : { ...columns, body: [`if(type = 'span' and ${IS_MESSAGING}, body, '')`, decodePayload] },
    `from trace_rows
    where received >= toDateTime({firstDay:UInt32}) and received <= toDateTime({lastDay:UInt32})
      and trace_id < toFixedString(unhex({below:String}), 16)
      and (type = 'span' or ${KIND} in (${CLIENT}, ${CONSUMER}))
      and ${START} >= {windowStart:UInt64} and ${START} < {windowEnd:UInt64}
    settings max_rows_to_read = ${maxRows}, max_result_bytes = ${MAX_BYTES} ${selectAnalyzer(store)}`,
    {
      firstDay,
      lastDay,
      below: below.toString(16).padStart(8, '0').padEnd(32, '0'),
      windowStart: String(window.start),
      windowEnd: String(window.end),
    },
    options,
  )
  const traces = new Map<string, TraceSpans>()
  const links: SampledLink[] = []
  for (const row of rows) {
    try {
      if (row.isSpan() === 1) addSpan(traces, toSpan(row))
      else links.push(toLink(row))
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error
      store.damagedRows.add(row.traceId(), 1, `span id ${row.spanId()}, ${error.message}`)
    }
  }
  return { traces, links }
}

const MAX_BYTES = 64 * 1024 * 1024

function toSpan(row: Row): SampledSpan {
  const { kind, status, service } = row.operation()
  const { name, keys, resourceCluster } = row.shape().span()
  const values = readMessagingValues(row.body(), keys)
  const { operation, cluster, topic, partition, offset, group } = deriveMessaging(
    { kind, name },
    values,
    resourceCluster,
  )
  const parentSpanId = row.parentSpanId()
  const start = row.start()
  return {
    traceId: row.traceId(),
    spanId: row.spanId(),
    parentSpanId: parentSpanId === NO_SPAN ? '' : parentSpanId,
    start,
    end: BigInt.asUintN(64, start + row.duration()),
    kind,
    status,
    service,
    linkCount: row.linkCount(),
    operation,
    cluster,
    topic,
    partition,
    offset,
    group,
  }
}

function toLink(row: Row): SampledLink {
  const { kind, status, service } = row.operation()
  const start = row.start()
  const end = BigInt.asUintN(64, start + row.duration())
  const body = row.body()
  const { keys, linkingKeys } = row.shape().backlink()
  return {
    target: { traceId: row.traceId(), spanId: row.spanId() },
    source: { traceId: row.linkingTraceId(), spanId: row.linkingSpanId(), kind, status, service, start, end },
    record: body.pos === body.end ? UNKNOWN_RECORD : toLinkMessaging(readLinkValues(body, keys, linkingKeys)),
  }
}

function readPrefix(bytes: Buffer) {
  const reader = new PayloadReader(bytes)
  reader.skip(1)
  const [kind, status] = [KINDS[reader.u8()], STATUSES[reader.u8()]]
  if (kind === undefined || status === undefined) throw new PayloadError('unknown kind or status')
  return { kind, status, service: reader.text() }
}

/** Returns decoders of a shape, which is empty if the row is about no message. */
function readShape(bytes: Buffer) {
  let ofSpan: ReturnType<typeof readSpan> | undefined
  let ofBacklink: ReturnType<typeof readBacklink> | undefined
  return { span: () => (ofSpan ??= readSpan(bytes)), backlink: () => (ofBacklink ??= readBacklink(bytes)) }
}

function readSpan(bytes: Buffer) {
  if (bytes.length === 0) return { name: '', keys: [], resourceCluster: '' }
  const { name, keys, resourceCluster } = readSpanShape(new PayloadReader(bytes))
  return { name, keys: findMessagingKeys(keys), resourceCluster }
}

function readBacklink(bytes: Buffer) {
  if (bytes.length === 0) return { keys: [], linkingKeys: 0 }
  const { keys, linkingKeys } = readBacklinkShape(new PayloadReader(bytes))
  return { keys: findMessagingKeys(keys), linkingKeys: linkingKeys.length }
}
