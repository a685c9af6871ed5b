import type { QueryOptions, QueryParams, Store } from '../../clickhouse/store.ts'
import { createIdList } from '../sql/id-parameters.ts'
import { PayloadError, PayloadReader } from '../../clickhouse/read/payload-reader.ts'
import { checkRowCount } from '../../clickhouse/read/parse-rows.ts'
import { decodeByte, decodeDistinct, decodeIds, decodePayloadWith } from '../../clickhouse/read/column-decoders.ts'
import { readNative } from '../../clickhouse/read/read-native.ts'
import {
  type BacklinkHead,
  type BacklinkRow,
  type BacklinkShape,
  readBacklinkBody,
  readBacklinkHead,
  readBacklinkShape,
} from './backlink-row.ts'
import { spanHead, spanShape } from './head-sql.ts'
import { readSpanBody, readSpanHead, readSpanShape, type SpanHead, type SpanRow, type SpanShape } from './trace-row.ts'

/** Which rows to read. Ids are hexadecimal digits in lower case. */
export type TraceRowsRequest = {
  readonly traceIds: readonly string[]
  /** @default both */
  readonly type?: 'span' | 'backlink'
  /** Of these span ids: spans and the links to them. @default all */
  readonly spanIds?: readonly string[]
  /** Also the spans below these ids whose kind a message may have. @default false */
  readonly withChildren?: boolean
  /** Further conditions, `order by` and `limit`. @default none */
  readonly rest?: string
  readonly params?: QueryParams
  /** Further settings of ClickHouse: `, max_result_bytes = 1`. @default none */
  readonly settings?: string
}

/** In any order. A span that was sent twice is there twice. */
export type TraceRows<Span, Backlink> = {
  readonly spans: Span[]
  readonly backlinks: Backlink[]
  /** Rows that could not be decoded: damaged, or of another version. */
  readonly damaged: number
}

/** Reads whole spans and links of traces in one statement. */
export async function fetchTraceRows(
  store: Store,
  request: TraceRowsRequest,
  options: QueryOptions,
): Promise<TraceRows<SpanRow, BacklinkRow>> {
  const result = await queryRows(store, `${SHAPE}, head, body`, request, options)
  return decodeRows(
    store,
    result,
    (row, shape) => {
      const head = readSpanHead(row.head(), row.traceId(), row.spanId(), shape)
      return { ...head, ...readSpanBody(row.body(), shape) }
    },
    (row, shape) => {
      const head = readBacklinkHead(row.head(), row.traceId(), row.spanId(), shape)
      return { ...head, ...readBacklinkBody(row.body(), shape) }
    },
  )
}

/** The same without attributes, events and links of spans: a fraction of the bytes. */
export async function fetchTraceHeads(
  store: Store,
  request: TraceRowsRequest,
  options: QueryOptions,
): Promise<TraceRows<SpanHead, BacklinkHead>> {
  const result = await queryRows(store, `${SHAPE}, head`, request, options)
  return decodeRows(
    store,
    result,
    (row, shape) => readSpanHead(row.head(), row.traceId(), row.spanId(), shape),
    (row, shape) => readBacklinkHead(row.head(), row.traceId(), row.spanId(), shape),
  )
}

/** How rows are decoded: `body` may be skipped or read partly. */
export type RowDecoders<Span, Backlink> = {
  /** If not, `body` must not be read. @default true */
  readonly needsBody?: boolean
  readonly span: (row: RawRow, shape: SpanShape) => Span
  readonly backlink: (row: RawRow, shape: BacklinkShape) => Backlink
}

/** The same as `fetchTraceRows`, with what the decoders return. */
export async function fetchDecodedRows<Span, Backlink>(
  store: Store,
  request: TraceRowsRequest,
  { needsBody = true, span, backlink }: RowDecoders<Span, Backlink>,
  options: QueryOptions,
): Promise<TraceRows<Span, Backlink>> {
  const payload = needsBody ? `${SHAPE}, head, body` : `${SHAPE}, head`
  return decodeRows(store, await queryRows(store, payload, request, options), span, backlink)
}

/** A second thread takes 0.5 ms of CPU; a trace takes as much in a dozen parts. */
const IDS_PER_THREAD = 4

/** SQL: so that a shape is sent and decoded once for all rows of a block. */
const SHAPE = 'toLowCardinality(shape)'

type Result = Awaited<ReturnType<Store['queryBytes']>>

async function queryRows(
  store: Store,
  payload: string,
  { traceIds, type, spanIds, withChildren = false, rest = '', params, settings = '' }: TraceRowsRequest,
  options: QueryOptions,
): Promise<Result> {
  const ids = createIdList('t', traceIds)
  const spans = spanIds && createIdList('s', spanIds, 8)
  const conditions = [
    ...(type === undefined ? [] : [`type = '${type}'`]),
    ...(spans === undefined ? [] : [`(span_id in (${spans.sql})${withChildren ? ` or ${isChildOf(spans.sql)}` : ''})`]),
  ]
  // Other conditions in `prewhere` are evaluated for all rows of the granules: three times the CPU.
  return await store.queryBytes(
    `select trace_id, type, span_id, ${payload}
    from trace_rows prewhere trace_id in (${ids.sql})
    where ${conditions.length === 0 ? 'true' : conditions.join(' and ')} ${rest}
    settings max_threads = ${traceIds.length > IDS_PER_THREAD ? 2 : 1} ${selectAnalyzer(store)} ${settings}`,
    { ...ids.params, ...spans?.params, ...params },
    options,
  )
}

/** SQL: a span of kind client, producer or consumer below a span of these ids. */
function isChildOf(spanIds: string): string {
  return `type = 'span' and ${spanShape.kind} in (3, 4, 5) and toFixedString(${spanHead.parent}, 8) in (${spanIds})`
}

/**
 * SQL: settings after others. The older analyzer takes 1 to 3 ms of CPU less. On a cluster,
 * ClickHouse 26.7 aborts with it when `max_result_bytes` stops a statement.
 */
export function selectAnalyzer({ mode }: Store): string {
  return mode === 'cluster' ? '' : ', enable_analyzer = 0'
}

/** Valid until the next row is decoded. */
export type RawRow = {
  traceId(): string
  spanId(): string
  head(): PayloadReader
  body(): PayloadReader
}

/** Number in the enum of `type`. */
const SPAN = 1

function decodeRows<Span, Backlink>(
  store: Store,
  { bytes, rows: sent }: Result,
  readSpan: (row: RawRow, shape: SpanShape) => Span,
  readBacklink: (row: RawRow, shape: BacklinkShape) => Backlink,
): TraceRows<Span, Backlink> {
  const spans: Span[] = []
  const backlinks: Backlink[] = []
  const damaged: DamagedRow[] = []
  let rows = 0
  const payload = new PayloadReader(bytes)
  for (const block of readNative(bytes)) {
    rows += block.rows
    const [traceIds, types, spanIds, shapes, heads, bodies] = block.columns
    const [traceIdAt, spanIdAt] = [decodeIds(payload)(bytes, traceIds), decodeIds(payload)(bytes, spanIds)]
    const typeAt = decodeByte(bytes, types)
    const spanShapeAt = decodeSpanShapes(bytes, shapes)
    const backlinkShapeAt = decodeBacklinkShapes(bytes, shapes)
    const headAt = decodePayloadWith(payload)(bytes, heads)
    const bodyAt = bodies && decodePayloadWith(payload)(bytes, bodies)
    let at = 0
    const row = {
      traceId: () => traceIdAt(at),
      spanId: () => spanIdAt(at),
      head: () => headAt(at),
      body: () => bodyAt?.(at) ?? NO_BODY,
    }
    for (; at < block.rows; at++) {
      try {
        if (typeAt(at) === SPAN) spans.push(readSpan(row, spanShapeAt(at)))
        else backlinks.push(readBacklink(row, backlinkShapeAt(at)))
      } catch (error) {
        if (!(error instanceof PayloadError)) throw error
        damaged.push({ traceId: row.traceId(), reason: `span id ${row.spanId()}, ${error.message}` })
      }
    }
  }
  checkRowCount(rows, sent)
  for (const [traceId, ofTrace] of Map.groupBy(damaged, (row) => row.traceId)) {
    store.damagedRows.add(traceId, ofTrace.length, ofTrace[0]?.reason ?? '')
  }
  return { spans, backlinks, damaged: damaged.length }
}

const decodeSpanShapes = decodeDistinct((shape) => readSpanShape(new PayloadReader(shape)))
const decodeBacklinkShapes = decodeDistinct((shape) => readBacklinkShape(new PayloadReader(shape)))

/** Of a statement without `body`. */
const NO_BODY = new PayloadReader(Buffer.alloc(0))

type DamagedRow = { readonly traceId: string; readonly reason: string }
