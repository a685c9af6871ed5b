import { messagingValue } from '../records/messaging-sql.ts'
import { inWindow, toWindowParams } from '../sql/time-window.ts'
import { spanIdentity } from '../traces/span-parents.ts'
import { takeSample } from './sample.ts'
import { toMinuteParams, type SpanCounts, type SpanNumbers, type TopologyRequest } from './traffic.ts'

/** Target number of spans in the sample. */
const SAMPLE_SPANS = 50_000

const MAX_CALLS = 2_000

export type Call = {
  readonly caller: string
  readonly called: string
  /** Counts are scaled-up estimates if `sampled`. */
  readonly numbers: SpanNumbers
  readonly sampled: boolean
}

/**
 * Finds spans whose parent is in another service: call edges. A message becomes an edge over its
 * topic instead, unless its producer and consumer name no common topic.
 */
export async function findCalls(
  { store, window, options }: TopologyRequest,
  { spans: spanCount, hasUnnamedTopics }: SpanCounts,
): Promise<Call[]> {
  const { rows, sample } = await takeSample(spanCount, SAMPLE_SPANS, async (condition, sampled) => {
    const params = { ...toWindowParams(window), ...toMinuteParams(window), ...sampled }
    const size = store.query<{ n: string }>(
      `select count() as n from spans where ${inWindow} and ${condition}`,
      params,
      options,
    )
    const calls = store.query<CallRow>(
      `with sampled as (
        select *, if(kind = 'server' and countIf(kind = 'client') over sharers > 0
            or kind = 'consumer' and countIf(kind = 'producer') over sharers > 0, span_id, parent_span_id) as parent_id,
          kind = 'client' and countIf(kind = 'server') over sharers > 0
            or kind = 'producer' and countIf(kind = 'consumer') over sharers > 0 as has_inner, groupArray(service) over sharers as services
        from (
          select trace_id, span_id, parent_span_id, service, kind, status, greatest(duration, 0) as duration_nano, messaging_operation, topic
          from spans where ${inWindow} and ${condition}
          limit 1 by trace_id, ${spanIdentity})
        window sharers as (partition by trace_id, span_id))
      select caller, called, count() as n, countIf(state = 'error') as failures,
        arrayMap(q -> toString(toUInt64(q)), quantilesTDigest(0.5, 0.95, 0.99)(duration_nano)) as duration,
        argMax(id, duration_nano) as slowest_ids, argMax(id, state = 'error') as failed_ids,
        (lower(hex(slowest_ids.1)), lower(hex(slowest_ids.2))) as slowest, (lower(hex(failed_ids.1)), lower(hex(failed_ids.2))) as failed
      from (${CHILDREN}${hasUnnamedTopics ? ` union all ${compileLinkedConsumers(condition)}` : ''})
      group by caller, called
      order by n desc
      limit ${MAX_CALLS}`,
      params,
      options,
    )
    const [found, [counted]] = await Promise.all([calls, size])
    return { rows: found, size: Number(counted?.n ?? 0) }
  })
  return rows.map(({ caller, called, n, failures, ...numbers }) => ({
    caller,
    called,
    numbers: { ...numbers, count: Number(n) * sample.oneIn, errorCount: Number(failures) * sample.oneIn },
    sampled: sample.oneIn > 1,
  }))
}

/**
 * SQL for pairs of parent and child in different services. A server span that shares its span id
 * with a client span (B3), or a consumer with a producer, is its child. Children of a shared id
 * belong to the span of their own service, else to the server span.
 */
const CHILDREN = `select parents.service as caller, children.service as called, children.status as state,
    children.duration_nano as duration_nano, (trace_id, children.span_id) as id
  from sampled as children
  join (select trace_id, span_id, service, has_inner, services, messaging_operation, topic from sampled) as parents
    on children.trace_id = parents.trace_id and children.parent_id = parents.span_id
  where children.service != parents.service
    and if(children.parent_id = children.span_id, parents.has_inner, not parents.has_inner and not has(parents.services, children.service))
    and not (children.messaging_operation in ('receive', 'process') and children.topic != ''
      and parents.messaging_operation in ('create', 'send') and parents.topic = children.topic)`

/**
 * SQL for linked consumers in other traces where the producer or the consumer names no topic, on
 * the span or on the link. Left out if another span of the service took the message with a topic.
 */
function compileLinkedConsumers(condition: string): string {
  return `select senders.service as caller, consumers.service as called, consumers.status as state,
      greatest(consumers.duration, 0) as duration_nano, (consumers.peer_trace_id, consumers.peer_span_id) as id
    from (
      select *, min(is_unnamed) over (partition by trace_id, span_id, service) as are_unnamed
      from (
        select trace_id, span_id, peer_trace_id, peer_span_id, service, status, duration, ${messagingValue('topic')} = ''
          and (service in (${compileConsumingServices("sumIf(spans, topic != '') = 0")})
            or cityHash64(peer_trace_id, peer_span_id) in (${UNNAMED_OF_MIXED_SERVICES})) as is_unnamed
        from span_links
        where ${condition} and direction = 'in' and kind in ('client', 'consumer') and peer_trace_id != trace_id
          and start >= {windowStart:UInt64} and start < {windowEnd:UInt64}
          and received >= toDateTime(intDiv({windowStart:UInt64}, 1000000000), 'UTC') - toIntervalDay(1)
        limit 1 by trace_id, span_id, peer_trace_id, peer_span_id
        limit ${MAX_LINKS})) as consumers
    join (
      select trace_id, span_id, service, topic from sampled where messaging_operation in ('create', 'send')) as senders
      on consumers.trace_id = senders.trace_id and consumers.span_id = senders.span_id
    where consumers.service != senders.service and (senders.topic = '' or consumers.are_unnamed)`
}

function compileConsumingServices(having: string): string {
  return `select service from traffic_minutes
    where minute >= {fromMinute:UInt32} and minute < {toMinute:UInt32} and messaging_operation in ('receive', 'process')
    group by service
    having ${having}`
}

/** Link rows lack the consumer's topic. A set of 2 million hashes takes 64 MiB at most. */
const UNNAMED_OF_MIXED_SERVICES = `select cityHash64(trace_id, span_id) from spans
  where ${inWindow} and messaging_operation in ('receive', 'process') and topic = ''
    and service in (${compileConsumingServices("sumIf(spans, topic != '') > 0 and sumIf(spans, topic = '') > 0")})
  limit 2000000`

const MAX_LINKS = 60_000

type CallRow = Pick<Call, 'caller' | 'called'> &
  Pick<SpanNumbers, 'duration' | 'slowest' | 'failed'> & { readonly n: string; readonly failures: string }
