import type { QueryOptions, QueryParams, Store } from '../../clickhouse/store.ts'
import { StoreError } from '../../clickhouse/store-error.ts'
import { createIdList } from '../sql/id-parameters.ts'
import { PayloadError, PayloadReader } from './payload-reader.ts'
import {
  type BacklinkHead,
  type BacklinkRow,
  readBacklinkBody,
  readBacklinkHead,
  readSpanBody,
  readSpanHead,
  type SpanHead,
  type SpanRow,
} from './trace-row.ts'

/** Which rows to read. Ids are hexadecimal digits in lower case. */
export type TraceRowsRequest = {
  readonly traceIds: readonly string[]
  /** @default both */
  readonly type?: 'span' | 'backlink'
  /** Of these span ids: spans and the links to them. @default all */
  readonly spanIds?: readonly string[]
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
  const result = await queryRows(store, 'head, body', request, options)
  return decodeRows(
    result,
    (row) => {
      const head = readSpanHead(row.head(), row.traceId, row.spanId)
      return { ...head, ...readSpanBody(row.body()) }
    },
    (row) => {
      const head = readBacklinkHead(row.head(), row.traceId, row.spanId)
      return { ...head, ...readBacklinkBody(row.body()) }
    },
  )
}

/** The same without attributes, events and links of spans: a fifth of the bytes. */
export async function fetchTraceHeads(
  store: Store,
  request: TraceRowsRequest,
  options: QueryOptions,
): Promise<TraceRows<SpanHead, BacklinkHead>> {
  const result = await queryRows(store, "head, '' as none", request, options)
  return decodeRows(
    result,
    (row) => readSpanHead(row.head(), row.traceId, row.spanId),
    (row) => readBacklinkHead(row.head(), row.traceId, row.spanId),
  )
}

type Result = Awaited<ReturnType<Store['queryBytes']>>

async function queryRows(
  store: Store,
  payload: string,
  { traceIds, type, spanIds, rest = '', params, settings = '' }: TraceRowsRequest,
  options: QueryOptions,
): Promise<Result> {
  const ids = createIdList('t', traceIds)
  const spans = spanIds && createIdList('s', spanIds, 8)
  const conditions = [
    `trace_id in (${ids.sql})`,
    ...(type === undefined ? [] : [`type = '${type}'`]),
    ...(spans === undefined ? [] : [`span_id in (${spans.sql})`]),
  ]
  return await store.queryBytes(
    `select trace_id, type, span_id, ${payload} from trace_rows where ${conditions.join(' and ')} ${rest}
    settings max_threads = 1, enable_analyzer = 0 ${settings}`,
    { ...ids.params, ...spans?.params, ...params },
    options,
  )
}

type RawRow = {
  readonly traceId: string
  readonly spanId: string
  head(): PayloadReader
  body(): PayloadReader
}

const SPAN = 1

function decodeRows<Span, Backlink>(
  { bytes, rows: sent }: Result,
  readSpan: (row: RawRow) => Span,
  readBacklink: (row: RawRow) => Backlink,
): TraceRows<Span, Backlink> {
  const spans: Span[] = []
  const backlinks: Backlink[] = []
  let damaged = 0
  const frame = new PayloadReader(bytes)
  const payload = new PayloadReader(bytes)
  let [headAt, headEnd, bodyAt, bodyEnd] = [0, 0, 0, 0]
  const part = (from: number, to: number): PayloadReader => {
    payload.pos = from
    payload.end = to
    return payload
  }
  const row = { traceId: '', spanId: '', head: () => part(headAt, headEnd), body: () => part(bodyAt, bodyEnd) }
  let rows = 0
  while (frame.pos < bytes.length) {
    row.traceId = frame.hex(16)
    const type = frame.u8()
    row.spanId = frame.hex(8)
    const headBytes = frame.varint()
    headAt = frame.skip(headBytes)
    headEnd = frame.pos
    const bodyBytes = frame.varint()
    bodyAt = frame.skip(bodyBytes)
    bodyEnd = frame.pos
    rows++
    try {
      if (type === SPAN) spans.push(readSpan(row))
      else backlinks.push(readBacklink(row))
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error
      damaged++
    }
  }
  if (sent !== undefined && sent !== rows) {
    throw new StoreError('unavailable', `ClickHouse sent ${rows} of ${sent} rows. Is its disk full?`)
  }
  return { spans, backlinks, damaged }
}
