import { spanIdentity } from '../../query/traces/span-parents.ts'
import { NO_SPAN_SQL } from './row.ts'

/** Joins the parent `p` of each span `s`. */
export function joinParentsByIdentity(spans: string): string {
  return `left any join ${selectParents(spans)} as i on i.trace_id = s.trace_id and i.span_id = s.span_id
      and i.kind = s.kind and i.service = s.service
    left any join ${spans} as p on p.trace_id = i.trace_id and p.span_id = i.parent_id
      and p.kind = i.parent_kind and p.service = i.parent_service`
}

/** Joins `c.children`, the number of children of each span `s`. */
export function joinChildrenByIdentity(spans: string): string {
  return `left any join (
    select trace_id, parent_id, parent_kind, parent_service, count() as children from ${selectParents(spans)}
    group by trace_id, parent_id, parent_kind, parent_service
    ) as c on c.trace_id = s.trace_id and c.parent_id = s.span_id and c.parent_kind = s.kind
      and c.parent_service = s.service`
}

/**
 * Selects the identity of each span's parent: `parent_id`, `parent_kind` and `parent_service`. Same
 * rule as `resolveParents`, for spans that share an id.
 *
 * @param spans subquery with one row per span, over whole traces
 */
function selectParents(spans: string): string {
  const sharers = `select trace_id, span_id, arraySort(groupArray((${RANK}, toString(service), kind))) as sharers
    from ${spans} group by trace_id, span_id`
  return `(
    select a.trace_id as trace_id, a.span_id as span_id, a.kind as kind, a.service as service,
      a.parent_span_id as named_id,
      arrayFilter(x -> a.parent_span_id != a.span_id or x.2 != a.service or x.3 != a.kind, named.sharers) as candidates,
      notEmpty(own.sharers) and own.sharers[1].1 < a.rank as is_inside,
      if(is_inside, own.sharers[1], arraySort(x -> (x.2 != a.service, a.kind != 'consumer' or x.3 != 'producer',
        -x.1, x.2), candidates)[1]) as parent,
      multiIf(is_inside, a.span_id, empty(candidates), ${NO_SPAN_SQL}, a.parent_span_id) as parent_id,
      parent.2 as parent_service, parent.3 as parent_kind
    from (select trace_id, ${spanIdentity}, parent_span_id, ${RANK} as rank from ${spans}) as a
    left any join (${sharers}) as own on own.trace_id = a.trace_id and own.span_id = a.span_id
    left any join (${sharers}) as named on named.trace_id = a.trace_id and named.span_id = a.parent_span_id)`
}

/** A higher rank is inside a lower one. */
const RANK = `toInt8(multiIf(kind in ('client', 'producer'), 0, kind = 'consumer', 2, kind = 'server', 3, 1))`
