import type { TraceSummary } from '@spanlink/api-schema'
import { PayloadReader } from '../../../clickhouse/read/payload-reader.ts'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { compileLinkCount } from '../../links/link-count.ts'
import { FEW_GRANULES_SETTINGS } from '../../sql/span-bucket.ts'
import { backlinkHead, identityHash, shapeService, spanHead } from '../../trace-rows/head-sql.ts'
import { readSpanShape } from '../../trace-rows/trace-row.ts'
import { type LinkCounts, type SpanGroup, summarize } from './summarize.ts'

/** Counts in SQL, for a trace that is too large to be sent. `undefined` if it is not stored. */
export async function summarizeLargeTrace(
  store: Store,
  traceId: string,
  options: QueryOptions,
): Promise<TraceSummary | undefined> {
  const groups = await fetchServices(store, traceId, options)
  return groups.length === 0 ? undefined : summarize(traceId, groups, await countLinks(store, traceId, options))
}

type FirstSpanRow = readonly [start: string, spanId: string, shape: string]

async function fetchServices(store: Store, traceId: string, options: QueryOptions): Promise<SpanGroup[]> {
  const rows = await store.query<{
    readonly service: string
    readonly spans: string
    readonly errors: string
    readonly links: string
    readonly first: FirstSpanRow
    readonly root: FirstSpanRow
    readonly roots: string
    readonly lastEnd: string
  }>(
    `select ${shapeService} as service, count() as spans, countIf(substring(shape, 3, 1) = char(2)) as errors, sum(links) as links,
      argMin((start, lower(hex(span_id)), hex(shape)), (start, span_id)) as first,
      argMinIf((start, lower(hex(span_id)), hex(shape)), (start, span_id), is_root) as root, countIf(is_root) as roots,
      max(greatest(start, toUInt64(start + duration))) as lastEnd
    from (
      select shape, span_id, ${spanHead.start} as start, ${spanHead.duration} as duration, ${spanHead.linkCount} as links,
        ${spanHead.parent} = toFixedString('', 8) as is_root
      from trace_rows
      where trace_id = unhex({traceId:String}) and type = 'span'
      limit 1 by span_id, ${identityHash})
    group by service
    ${FEW_GRANULES_SETTINGS}`,
    { traceId },
    options,
  )
  return rows.map((row) => ({
    service: row.service,
    spans: Number(row.spans),
    errors: Number(row.errors),
    links: Number(row.links),
    first: toFirstSpan(row.first),
    root: Number(row.roots) === 0 ? undefined : toFirstSpan(row.root),
    lastEnd: BigInt(row.lastEnd),
  }))
}

function toFirstSpan([start, spanId, shape]: FirstSpanRow): SpanGroup['first'] {
  const { name } = readSpanShape(new PayloadReader(Buffer.from(shape, 'hex')))
  return { start: BigInt(start), spanId, name }
}

async function countLinks(store: Store, traceId: string, options: QueryOptions): Promise<LinkCounts> {
  const link = `span_id, ${backlinkHead.linkingSpan}, ${backlinkHead.ordinal}, ${identityHash}`
  const rows = await store.query<{ readonly isWithin: number; readonly links: string }>(
    `select ${backlinkHead.linkingTraceId} = unhex({traceId:String}) as isWithin, ${compileLinkCount(link)} as links
    from trace_rows
    where trace_id = unhex({traceId:String}) and type = 'backlink'
    group by isWithin
    ${FEW_GRANULES_SETTINGS}`,
    { traceId },
    options,
  )
  const getCount = (isWithin: number): number => Number(rows.find((row) => row.isWithin === isWithin)?.links ?? 0)
  return { linksIn: getCount(0), linksWithin: getCount(1) }
}
