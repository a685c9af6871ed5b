import { filterByTraces } from '../../query/sql/span-bucket.ts'
import { spanIdentity } from '../../query/traces/span-parents.ts'
import { filterLogsByWindow, selectTraceLogEvents } from './log-events.ts'
import { joinChildrenByIdentity, joinParentsByIdentity } from './select-parents.ts'
import type { ColumnGroup } from './required-columns.ts'
import type { Window } from '../execute/search.ts'
import type { Params } from './params.ts'
import { NO_SPAN_SQL, type Row } from './row.ts'

const BUCKET_NANO = 600_000_000_000

/**
 * Matches spans that start in a window. The condition on the sort key's bucket limits what is read.
 */
export function filterByWindow(span: string, start: bigint, end: bigint, params: Params): string {
  const from = params.add('UInt64', String(start))
  const to = params.add('UInt64', String(end))
  const bucket = `intDiv(${span}.start, ${BUCKET_NANO})`
  return `${bucket} >= intDiv(${from}, ${BUCKET_NANO}) and ${bucket} <= intDiv(${to}, ${BUCKET_NANO}) and ${span}.start >= ${from} and ${span}.start < ${to}`
}

/**
 * Selects ids from hex. A subquery, because an index ignores an array made by a function.
 */
export function selectIds(ids: readonly string[], byteLength: 8 | 16, params: Params): string {
  return `select toFixedString(unhex(arrayJoin(${params.add('Array(String)', ids)})), ${byteLength})`
}

/** Selects trace ids from hex, for use after `in`. */
export function selectTraceIds(ids: readonly string[], params: Params): string {
  return `(${selectIds(ids, 16, params)})`
}

/** Selects every span of the traces, one row per span. */
function selectTraceSpans(ids: readonly string[], params: Params): string {
  return `(select * from spans where ${filterByTraces(selectIds(ids, 16, params))}
    limit 1 by trace_id, ${spanIdentity})`
}

/**
 * Builds FROM with the joins that the columns require, over whole traces, and the row that names
 * its aliases.
 *
 * @param hasSharedIds whether spans of a trace may share an id; if not, parents are joined by id
 */
export function joinTraceSpans(
  ids: readonly string[],
  needs: ReadonlySet<ColumnGroup>,
  params: Params,
  hasSharedIds: boolean,
): { from: string; row: Row } {
  const spans = selectTraceSpans(ids, params)
  const joins: string[] = []
  const source = needs.has('source')
  const parent = needs.has('parent')
  if (source) joins.push(`left any join sources as r on r.source_id = s.source_id`)
  if (parent) {
    joins.push(hasSharedIds ? joinParentsByIdentity(spans) : joinParentsById(spans))
    if (source) joins.push(`left any join sources as pr on pr.source_id = p.source_id`)
  }
  if (needs.has('trace')) {
    joins.push(`left any join (
      select trace_id, min(toInt64(start)) as trace_start, max(toInt64(start) + duration) as trace_end,
        max(parent_span_id = ${NO_SPAN_SQL}) as has_root, argMinIf(name, start, parent_span_id = ${NO_SPAN_SQL}) as root_name,
        argMinIf(service, start, parent_span_id = ${NO_SPAN_SQL}) as root_service
      from ${spans} group by trace_id) as t on t.trace_id = s.trace_id`)
  }
  if (needs.has('children')) {
    joins.push(hasSharedIds ? joinChildrenByIdentity(spans) : joinChildrenById(spans))
  }
  const linksWhere = `l.trace_id in ${selectTraceIds(ids, params)}`
  const logEvents = { joined: 'le.log_events' }
  if (needs.has('events')) {
    joins.push(`left any join (${selectTraceLogEvents(selectTraceIds(ids, params))}) as le
      on le.trace_id = s.trace_id and le.span_id = s.span_id`)
  }
  const shared = { params, trace: 't', children: 'c', linksWhere, logEvents, parent: undefined }
  const parentRow: Row = { ...shared, span: 'p', source: 'pr' }
  return { from: `${spans} as s ${joins.join('\n')}`, row: { ...shared, span: 's', source: 'r', parent: parentRow } }
}

// A span that names itself has no parent, as in `resolveParents`.

function joinParentsById(spans: string): string {
  return `left any join ${spans} as p on p.trace_id = s.trace_id
    and p.span_id = if(s.parent_span_id = s.span_id, ${NO_SPAN_SQL}, s.parent_span_id)`
}

function joinChildrenById(spans: string): string {
  return `left any join (
    select trace_id, parent_span_id, count() as children from ${spans} where parent_span_id != span_id
    group by trace_id, parent_span_id) as c on c.trace_id = s.trace_id and c.parent_span_id = s.span_id`
}

/**
 * Creates a row of `spans` without joins.
 *
 * @param window limits lookups in `span_links` and `logs` to spans that start in it; undefined: all
 */
export function createUnjoinedRow(params: Params, window: Window | undefined): Row {
  const linksWhere = window === undefined ? '1' : filterLinksByWindow(window, params)
  const logEvents = { where: window === undefined ? '1' : filterLogsByWindow(window.start, params) }
  const nothingJoined = { source: undefined, parent: undefined, trace: undefined, children: undefined }
  return { params, span: 's', linksWhere, logEvents, ...nothingJoined }
}

/** Matches links by the start of the span that carries them. */
export function filterLinksByWindow({ start, end }: Window, params: Params): string {
  return `l.start >= ${params.add('UInt64', String(start))} and l.start < ${params.add('UInt64', String(end))}`
}
