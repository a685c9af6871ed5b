import { inWindow } from '../sql/time-window.ts'
import { messagingValue } from '../records/messaging-sql.ts'

/**
 * SQL for a row per topic that the links of a consuming span name although the span names none, as
 * a poll of several topics. Has the span's columns, and `messages`: the links with this topic.
 *
 * @param condition on the columns of `spans`; needs the parameters of the window
 */
export function compileLinkedTopics(condition: string): string {
  const consuming = `from spans where ${inWindow} and messaging_operation in ('receive', 'process') and topic = '' and ${condition}`
  return `select consumers.*, links.topic as topic, links.messages as messages,
      if(consumers.own_cluster != '', consumers.own_cluster, links.link_cluster) as cluster
    from (
      select trace_id, span_id, service, messaging_operation, messaging_system, consumer_group, status, cluster as own_cluster,
        greatest(duration, 0) as duration_nano
      ${consuming}
      limit 1 by trace_id, span_id, service) as consumers
    join (
      select trace_id, span_id, service, topic, max(cluster) as link_cluster, count() as messages
      from (
        select trace_id, span_id, service, ordinal, ${messagingValue('topic')} as topic, ${messagingValue('cluster')} as cluster
        from span_links
        where direction = 'out' and kind in ('client', 'consumer') and trace_id in (select trace_id ${consuming})
        limit 1 by trace_id, span_id, service, ordinal)
      where topic != ''
      group by trace_id, span_id, service, topic) as links
    using (trace_id, span_id, service)`
}

/** Target number of spans whose links are read. */
const MAX_SPANS = 10_000

/** Chooses one in how many spans to read, by hash: ids that are not random are as even. */
export function chooseLinkSample(spans: number): number {
  return Math.max(1, Math.ceil(spans / MAX_SPANS))
}

export function compileLinkSampleCondition(oneIn: number): string {
  return oneIn === 1 ? 'true' : `cityHash64(trace_id, span_id) % ${oneIn} = 0`
}
