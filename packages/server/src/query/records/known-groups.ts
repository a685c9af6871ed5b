import type { QueryOptions, QueryParams, Store } from '../../clickhouse/store.ts'
import { LAG_METRICS, lagColumns } from './lag-metrics.ts'
import { findResourceClusters } from './resource-clusters.ts'
import { messagingValue } from './messaging-sql.ts'
import { MINUTE_NANO, inWindow, type TimeWindow, toWindowParams } from '../sql/time-window.ts'

/** A consumer group that reads a topic. */
export type KnownGroup = {
  readonly topic: string
  /** The service's name if `isService`. */
  readonly group: string
  /** Whether it is a service whose spans name no group for the topic. */
  readonly isService: boolean
  /** Services with consuming spans in this group. */
  readonly services: readonly string[]
  /** Ids of the clusters whose topic it reads, from spans and lag metrics; empty if unknown. */
  readonly clusters: readonly string[]
}

const DAY = 86_400_000_000_000n
const MAX_GROUPS = 10_000

/** SQL: the span names a group, or its service counts as one. */
const IS_GROUPED = `(consumer_group != '' or messaging_system = 'kafka' and service != '')`

/**
 * Finds groups that read a topic in the window or the day before, from spans and from lag metrics.
 * A service that reports no group for a topic counts as a group of its name.
 *
 * @param filter by default any topic and any group
 */
export async function findKnownGroups(
  store: Store,
  { start, end }: TimeWindow,
  filter: { readonly topics?: readonly string[] | undefined; readonly group?: string | undefined },
  options: QueryOptions,
): Promise<KnownGroup[]> {
  if (filter.topics?.length === 0) return []
  const from = start > DAY ? start - DAY : 0n
  const params: QueryParams = {
    fromMinute: String(from / MINUTE_NANO),
    toMinute: String(end / MINUTE_NANO),
    from: String(from),
    end: String(end),
    lagMetrics: LAG_METRICS,
    ...(filter.topics && { topics: filter.topics }),
    group: filter.group ?? '',
  }
  const ofTopics = `topic != ''${filter.topics ? ' and topic in {topics:Array(String)}' : ''}`
  const [{ ofSpans, ofLinks }, lagging] = await Promise.all([
    findConsumingGroups(store, params, ofTopics, options),
    store.query<Omit<ConsumingRow, 'services'> & { sources: readonly string[] }>(
      `select topic, grp, arraySort(groupUniqArrayIf(100)(cluster, cluster != '')) as clusters,
        groupUniqArrayIf(100)(toString(source_id), cluster = '') as sources from (
        select series_id, source_id, ${lagColumns} from metric_series
        where name in {lagMetrics:Array(String)} and type in ('gauge', 'sum') and temporality != 'delta')
      where ${ofTopics} and grp != '' and series_id in (
        select series_id from metric_points
        where series_id in (select series_id from metric_series where name in {lagMetrics:Array(String)})
          and time >= {from:UInt64} and time < {end:UInt64} and value >= 0 and bitAnd(flags, 1) = 0)
      group by topic, grp
      order by grp != {group:String}, topic, grp
      limit ${MAX_GROUPS}`,
      params,
      options,
    ),
  ])
  const consuming = mergeRows([...ofSpans, ...ofLinks])
  const named = consuming.filter(({ grp }) => grp !== '')
  const known = new Map(named.map((row) => [toGroupKey(row.topic, row.grp), toKnownGroup(row)]))
  // A group whose spans name no cluster may read any.
  const mayAddClusters = lagging.filter(({ topic, grp }) => known.get(toGroupKey(topic, grp))?.clusters.length !== 0)
  const clusterOf = await findResourceClusters(
    store,
    mayAddClusters.flatMap(({ sources }) => sources),
    options,
  )
  for (const { topic, grp, clusters, sources } of mayAddClusters) {
    const key = toGroupKey(topic, grp)
    const consumers = known.get(key)
    const ofResources = sources.flatMap((id) => clusterOf.get(id) ?? [])
    const all = [...new Set([...(consumers?.clusters ?? []), ...clusters, ...ofResources])].sort()
    known.set(key, toKnownGroup({ topic, grp, services: consumers?.services ?? [], clusters: all }))
  }
  const ungrouped = consuming.filter(({ grp }) => grp === '')
  const all = addServices([...known.values()], ungrouped)
  return filter.group === undefined ? all : all.filter(({ group }) => group === filter.group)
}

/** Finds the groups of spans, and of links where a span names no topic. */
async function findConsumingGroups(
  store: Store,
  params: QueryParams,
  ofTopics: string,
  options: QueryOptions,
): Promise<{ readonly ofSpans: readonly ConsumingRow[]; readonly ofLinks: readonly ConsumingRow[] }> {
  // All groups of a topic are needed to place services without one; the requested group is first.
  // Rows without a topic have one service each.
  const rows = await store.query<ConsumingRow & Unnamed>(
    `select topic, if(topic = '', '', consumer_group) as grp, arraySort(groupUniqArray(100)(service)) as services,
      arraySort(groupUniqArrayIf(100)(cluster, cluster != '')) as clusters,
      sum(spans) as count, min(minute) as first, max(minute) as last
    from traffic_minutes
    where minute >= {fromMinute:UInt32} and minute <= {toMinute:UInt32}
      and messaging_operation in ('receive', 'process') and (topic = '' or ${ofTopics})
      and ${IS_GROUPED}
    group by topic, grp, if(grp = '', service, '') as ungrouped
    order by topic != '', {group:String} not in (grp, ungrouped), topic, grp, ungrouped
    limit ${MAX_GROUPS} by topic = ''`,
    params,
    options,
  )
  const unnamed = rows.filter(({ topic }) => topic === '')
  return {
    ofSpans: rows.slice(unnamed.length),
    ofLinks: unnamed.length === 0 ? [] : await findLinkedGroups(store, unnamed, params, ofTopics, options),
  }
}

/** Consuming spans of one service without a topic; `first` and `last` are minutes. */
type Unnamed = Pick<ConsumingRow, 'services'> & {
  readonly count: string
  readonly first: number
  readonly last: number
}

/** Consuming spans per statement, which holds their ids in memory: less than 150 MB. */
const SPANS_PER_PART = 1_000_000

/**
 * Finds topics that only the links of consuming spans name, as those of polls of several topics.
 * Reads all such links, as a group may read a topic rarely: 2 s for 1,000,000 spans with four each.
 */
async function findLinkedGroups(
  store: Store,
  unnamed: readonly Unnamed[],
  params: QueryParams,
  ofTopics: string,
  options: QueryOptions,
): Promise<ConsumingRow[]> {
  const first = Math.min(...unnamed.map((row) => row.first))
  const last = Math.max(...unnamed.map((row) => row.last))
  const window = { start: BigInt(first) * MINUTE_NANO, end: BigInt(last + 1) * MINUTE_NANO }
  const count = unnamed.reduce((sum, row) => sum + Number(row.count), 0)
  const parts = Math.ceil(count / SPANS_PER_PART)
  const found: ConsumingRow[] = []
  for (let part = 0; part < parts; part++) {
    const ofPart = parts === 1 ? '' : `and cityHash64(trace_id, span_id) % ${parts} = ${part}`
    const rows = await store.query<ConsumingRow>(
      `select topic, consumer_group as grp, arraySort(groupUniqArray(100)(service)) as services,
        arraySort(groupUniqArrayIf(100)(cluster, cluster != '')) as clusters
      from (
        select service, topic, consumer_group, if(own_cluster != '', own_cluster, link_cluster) as cluster
        from (
          select cityHash64(trace_id, span_id, service) as id, service,
            ${messagingValue('topic')} as topic, ${messagingValue('cluster')} as link_cluster
          from span_links
          where direction = 'out' and kind in ('client', 'consumer') and service in {services:Array(String)}
            and ${inWindow} ${ofPart} and ${ofTopics}) as links
        any join (
          select cityHash64(trace_id, span_id, service) as id, consumer_group, cluster as own_cluster
          from spans
          where messaging_operation in ('receive', 'process') and topic = '' and ${IS_GROUPED}
            and ${inWindow} ${ofPart}) as consumers
        using (id))
      group by topic, consumer_group, if(consumer_group = '', service, '')
      limit ${MAX_GROUPS}`,
      { ...params, ...toWindowParams(window), services: unnamed.flatMap(({ services }) => services) },
      options,
    )
    found.push(...rows)
  }
  return found
}

/** Merges rows of one topic and group, or of one topic and service without a group. */
function mergeRows(rows: readonly ConsumingRow[]): ConsumingRow[] {
  const same = Map.groupBy(rows, ({ topic, grp, services }) => JSON.stringify([topic, grp, grp === '' ? services : []]))
  const union = (lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())].sort()
  return [...same.values()].flatMap(([first, ...others]) => {
    if (first === undefined || others.length === 0) return first ?? []
    const all = [first, ...others]
    return {
      ...first,
      services: union(all.map(({ services }) => services)),
      clusters: union(all.map(({ clusters }) => clusters)),
    }
  })
}

type ConsumingRow = {
  readonly topic: string
  readonly grp: string
  readonly services: readonly string[]
  readonly clusters: readonly string[]
}

function toKnownGroup({ topic, grp, services, clusters }: ConsumingRow): KnownGroup {
  return { topic, group: grp, isService: false, services, clusters }
}

/**
 * Adds services that name no group of the topic. One belongs to the group of its name if there is
 * one, and to the only group known only from metrics if it is the topic's only such service.
 *
 * @param ungrouped rows of one service each
 */
function addServices(groups: readonly KnownGroup[], ungrouped: readonly ConsumingRow[]): KnownGroup[] {
  const groupsOf = Map.groupBy(groups, ({ topic }) => topic)
  const known = new Map(groups.map((one) => [toGroupKey(one.topic, one.group), one]))
  for (const [topic, rows] of Map.groupBy(ungrouped, (row) => row.topic)) {
    const ofTopic = groupsOf.get(topic) ?? []
    const isNamed = (row: ConsumingRow): boolean =>
      ofTopic.some(({ services }) => services.some((service) => row.services.includes(service)))
    const unnamed = rows.filter((row) => !isNamed(row))
    const metered = ofTopic.filter(({ services }) => services.length === 0)
    const only = unnamed.length === 1 && metered.length === 1 ? metered[0]?.group : undefined
    for (const { services, clusters } of unnamed) {
      const name = services[0] ?? ''
      const group = known.has(toGroupKey(topic, name)) ? name : (only ?? name)
      const same = known.get(toGroupKey(topic, group)) ?? { topic, group, isService: true, services: [], clusters }
      known.set(toGroupKey(topic, group), { ...same, services: [...same.services, ...services] })
    }
  }
  return [...known.values()]
}

/**
 * A group that reads the same topic name on another cluster is not expected to consume the message.
 */
export function mayReadCluster({ clusters }: KnownGroup, cluster: string): boolean {
  return cluster === '' || clusters.length === 0 || clusters.includes(cluster)
}

function toGroupKey(topic: string, group: string): string {
  return JSON.stringify([topic, group])
}

/** The consumer of a message; unknown fields are '' and `undefined`. */
export type KnownConsumer = { readonly group: string; readonly service: string | undefined }

/**
 * Whether a consumer may belong to a known group of its topic. A consumer known only from a link
 * may belong to any. One without a group belongs to those its service consumes for; if the service
 * never names one (kafkajs, confluent-kafka), also to groups known only from metrics.
 */
export function mayConsumeFor(
  { group, services }: KnownGroup,
  consumer: KnownConsumer,
  known: readonly KnownGroup[],
): boolean {
  if (consumer.group !== '') return consumer.group === group
  if (consumer.service === undefined) return true
  if (services.length > 0) return services.includes(consumer.service)
  return !known.some((one) => !one.isService && one.services.some((service) => service === consumer.service))
}
