import { isTooHeavy } from '../../clickhouse/store-error.ts'
import { type BacklinkHead, readBacklinkHead } from '../../query/trace-rows/backlink-row.ts'
import {
  fetchDecodedRows,
  type RowDecoders,
  type TraceRows,
  type TraceRowsRequest,
} from '../../query/trace-rows/fetch-trace-rows.ts'
import {
  type Entries,
  readSpanBody,
  readSpanHead,
  readSpanValues,
  type StoredValue,
} from '../../query/trace-rows/trace-row.ts'
import type { FetchedFields } from '../analyze/fetched-fields.ts'
import type { Attributes, FetchedSpan } from '../evaluate/trace-span.ts'
import { limits } from '../limits.ts'
import { TraceQLError } from '../syntax/errors.ts'
import { executeWithinDeadline } from './execute-query.ts'
import type { Search } from './search.ts'

export type FetchOptions = {
  /** SQL: further conditions, beginning with `and`. @default none */
  readonly where?: string
  /** Fetches the links to the spans, too. @default false */
  readonly withBacklinks?: boolean
}

/** In any order, also those that were sent twice. */
export type FetchedTraces = {
  readonly spans: readonly FetchedSpan[]
  /** Undefined if they were not requested, or are too many. */
  readonly backlinks?: readonly BacklinkHead[] | undefined
}

/** Fetches the spans of traces. Undefined if that is too much at once. */
export async function fetchSpans(
  search: Search,
  ids: readonly string[],
  fields: FetchedFields,
  { where = '', withBacklinks = false }: FetchOptions = {},
): Promise<FetchedTraces | undefined> {
  const decoders = createDecoders(fields)
  const request = { traceIds: ids, rest: where }
  const type = withBacklinks ? {} : { type: 'span' as const }
  const rows = await fetchWithinLimits(search, decoders, { ...request, ...type }, limits.chunkSpans)
  if (rows !== undefined && rows.spans.length + rows.backlinks.length <= limits.chunkSpans) {
    return withBacklinks ? rows : { spans: rows.spans }
  }
  return ids.length > 1 ? undefined : { spans: await fetchInPages(search, decoders, request) }
}

/** Undefined above the limit of bytes. */
async function fetchWithinLimits(
  search: Search,
  decoders: SpanDecoders,
  request: TraceRowsRequest,
  maxRows: number,
): Promise<TraceRows<FetchedSpan, BacklinkHead> | undefined> {
  const limited = {
    ...request,
    rest: `${request.rest ?? ''} limit {maxRows:UInt32}`,
    params: { ...request.params, maxRows: maxRows + 1 },
    settings: `, preferred_block_size_bytes = ${BLOCK_BYTES}, max_result_bytes = ${limits.chunkBytes}`,
  }
  try {
    return await executeWithinDeadline(search, async (options) => {
      return await fetchDecodedRows(search.store, limited, decoders, options)
    })
  } catch (error) {
    if (error instanceof TraceQLError && isTooHeavy(error.cause) && maxRows > MIN_PAGE_SPANS) return undefined
    throw error
  }
}

/** Each block repeats the shapes of its spans: with small blocks, more bytes are sent. */
const BLOCK_BYTES = 16 * 1024 * 1024

const MAX_PAGE_SPANS = 16_384
const MIN_PAGE_SPANS = 4

/** Of one trace, in order of span id. */
async function fetchInPages(
  search: Search,
  decoders: SpanDecoders,
  { traceIds, rest: where }: TraceRowsRequest,
): Promise<readonly FetchedSpan[]> {
  const all: FetchedSpan[] = []
  let from = NO_SPAN
  for (let size = MAX_PAGE_SPANS; all.length < limits.traceSpans;) {
    const rest = `${where} and span_id >= unhex({from:String}) order by span_id`
    const request = { traceIds, type: 'span', rest, params: { from } } as const
    const page = (await fetchWithinLimits(search, decoders, request, size))?.spans
    if (page === undefined) {
      size /= 8
      continue
    }
    const last = page.at(-1)?.spanId ?? from
    // Spans with the last id may be on both sides of the end, so they are read again.
    const isLastPage = page.length <= size || last === from
    for (const span of page) if (isLastPage || span.spanId !== last) all.push(span)
    if (isLastPage) return all
    from = last
  }
  search.warnings.add(`Searched only ${limits.traceSpans} spans of trace ${traceIds[0]}.`)
  return all.slice(0, limits.traceSpans)
}

const NO_SPAN = '0000000000000000'

const NOTHING: Pick<FetchedSpan, 'statusMessage' | 'attributes' | 'events' | 'links'> = {
  statusMessage: '',
  attributes: new Map(),
  events: [],
  links: [],
}

type SpanDecoders = RowDecoders<FetchedSpan, BacklinkHead>

function createDecoders({ keys, statusMessage, events, links }: FetchedFields): SpanDecoders {
  const needsBody = keys.size > 0 || statusMessage || events || links
  return {
    needsBody,
    backlink: (row, shape) => readBacklinkHead(row.head(), row.traceId(), row.spanId(), shape),
    span: (row, shape) => {
      const head = readSpanHead(row.head(), row.traceId(), row.spanId(), shape)
      if (!needsBody) return { ...head, ...NOTHING }
      if (!events && !links) return { ...head, ...NOTHING, ...readSpanValues(row.body(), shape, keys) }
      const body = readSpanBody(row.body(), shape)
      return {
        ...head,
        statusMessage: body.statusMessage,
        attributes: toAttributes(body.attributes, body.attributeTypes),
        events: body.events.map((event) => ({
          time: event.time,
          name: event.name,
          attributes: toAttributes(event.attributes, event.attributeTypes),
        })),
        links: body.links.map((link) => ({
          traceId: link.traceId,
          spanId: link.spanId,
          attributes: toAttributes(link.attributes, link.attributeTypes),
        })),
      }
    },
  }
}

/** Of a key that is there twice, the first. */
export function toAttributes(entries: Readonly<Entries>, types: string): Attributes {
  const attributes = new Map<string, StoredValue>()
  for (const [at, [key, text]] of entries.entries()) {
    if (!attributes.has(key)) attributes.set(key, { text, code: types[at] ?? 's' })
  }
  return attributes
}
