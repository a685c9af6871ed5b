import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { fetchInHalves, RESULT_SETTINGS } from '../../trace-rows/fetch-in-halves.ts'
import { fetchDecodedRows, fetchTraceHeads, type TraceRowsRequest } from '../../trace-rows/fetch-trace-rows.ts'
import { spanHead } from '../../trace-rows/head-sql.ts'
import { NO_VALUES } from '../../trace-rows/span-messaging.ts'
import type { FlowLink } from '../flow-span.ts'
import {
  createFlowDecoders,
  type FlowSpanWithLinks,
  hasMessagingBody,
  NO_BODY,
  toFlowBacklink,
  toFlowSpan,
} from './decode-rows.ts'

/** Limits of spans per trace, and of links per call. */
export const MAX_TRACE_SPANS = 20_000
export const MAX_LINKS = 20_000

export type FlowRowsRequest = {
  readonly traceIds: readonly string[]
  /** Above this number of spans, no further traces are fetched. */
  readonly maxSpans: number
}

export type FlowRows = { readonly spans: FlowSpanWithLinks[]; readonly backlinks: FlowLink[] }

/**
 * Fetches spans and links of traces in one statement, or in several if they are many. If one trace
 * has too many, fetches one span and one backlink more than the limits, so that callers see it.
 */
export async function fetchFlowRows(store: Store, request: FlowRowsRequest, options: QueryOptions): Promise<FlowRows> {
  const found: FlowRows = { spans: [], backlinks: [] }
  const fetch = async (one: TraceRowsRequest): Promise<void> => {
    const rows = await fetchDecodedRows(store, { ...one, settings: RESULT_SETTINGS }, createFlowDecoders(), options)
    for (const span of rows.spans) found.spans.push(span)
    for (const backlink of rows.backlinks) found.backlinks.push(backlink)
  }
  await fetchInHalves(
    request.traceIds.toSorted(),
    async (traceIds) => {
      if (found.spans.length > request.maxSpans) return
      await fetch({ traceIds, rest: 'order by trace_id, type, span_id' })
    },
    async (traceId) => {
      await fetchManySpans(traceId)
      await fetchManyBacklinks(traceId)
    },
  )
  return found

  /** Fetches the earliest spans of a trace; without attributes those that share too many an id. */
  async function fetchManySpans(traceId: string): Promise<void> {
    const rest = `order by ${spanHead.start}, span_id limit ${MAX_TRACE_SPANS + 1}`
    const { spans: heads } = await fetchTraceHeads(store, { traceIds: [traceId], type: 'span', rest }, options)
    const withBody = Map.groupBy(heads.filter(hasMessagingBody), ({ spanId }) => spanId)
    const addHead = (head: (typeof heads)[number]): unknown => found.spans.push(toFlowSpan(head, NO_BODY, ''))
    for (const head of heads) if (!withBody.has(head.spanId)) addHead(head)
    await fetchInHalves(
      [...withBody.keys()],
      (spanIds) => fetch({ traceIds: [traceId], type: 'span', spanIds }),
      async (spanId) => heads.filter((head) => head.spanId === spanId).forEach(addHead),
    )
  }

  async function fetchManyBacklinks(traceId: string): Promise<void> {
    const links = {
      traceIds: [traceId],
      type: 'backlink',
      rest: `order by span_id, head, shape limit ${MAX_LINKS + 1}`,
    } as const
    await fetchInHalves(
      [links],
      () => fetch(links),
      async () => {
        const { backlinks } = await fetchTraceHeads(store, links, options)
        for (const head of backlinks) found.backlinks.push(toFlowBacklink(head, NO_VALUES))
      },
    )
  }
}
