import type { QueryOptions, QueryParams, Store } from '../../clickhouse/store.ts'
import { hasLagMetrics, LAG_METRICS, lagColumns } from './lag-metrics.ts'
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
/** Limit of combinations of topic, group, service and cluster. */
const MAX_ROWS = 20_000

const BY_KEY_SETTINGS = 'settings enable_analyzer = 0, max_threads = 1'

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
    // Whole minutes, as in the rollup.
    ...toWindowParams({ start: from - (from % MINUTE_NANO), end: (end / MINUTE_NANO + 1n) * MINUTE_NANO }),
    lagMetrics: LAG_METRICS,
    ...(filter.topics && { topics: filter.topics }),
    group: filter.group ?? '',
  }
  const ofTopics = filter.topics === undefined ? 'true' : 'topic in {topics:Array(String)}'
  const [consuming, lagging] = await Promise.all([
    findConsumingGroups(store, params, ofTopics, options),
    findLaggingGroups(store, params, ofTopics, options),
  ])
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

/** Finds the groups of lag metrics. `sources` are those of series that name no cluster. */
async function findLaggingGroups(
  store: Store,
  params: QueryParams,
  ofTopics: string,
  options: QueryOptions,
): Promise<(Omit<ConsumingRow, 'services'> & { readonly sources: readonly string[] })[]> {
  if (!(await hasLagMetrics(store, options))) return []
  return await store.query(
    `select topic, grp, arraySort(groupUniqArrayIf(100)(cluster, cluster != '')) as clusters,
      groupUniqArrayIf(100)(toString(source_id), cluster = '') as sources from (
      select series_id, source_id, ${lagColumns} from metric_series
      where name in {lagMetrics:Array(String)} and type in ('gauge', 'sum') and temporality != 'delta')
    where topic != '' and ${ofTopics} and grp != '' and series_id in (
      select series_id from metric_points
      where series_id in (select series_id from metric_series where name in {lagMetrics:Array(String)})
        and time >= {from:UInt64} and time < {end:UInt64} and value >= 0 and bitAnd(flags, 1) = 0)
    group by topic, grp
    order by grp != {group:String}, topic, grp
    limit ${MAX_GROUPS}`,
    params,
    options,
  )
}

/** Finds the groups of spans, and of links where a span names no topic. */
async function findConsumingGroups(
  store: Store,
  params: QueryParams,
  ofTopics: string,
  options: QueryOptions,
): Promise<ConsumingRow[]> {
  // All groups of a topic are needed to place services without one; the requested group is first.
  // Grouping rows here takes half the CPU time that it takes in SQL.
  const rows = await store.query<ConsumerRow>(
    `select distinct topic, consumer_group as grp, service, cluster
    from traffic_minutes
    where minute >= {fromMinute:UInt32} and minute <= {toMinute:UInt32}
      and messaging_operation in ('receive', 'process') and (topic = '' or ${ofTopics}) and ${IS_GROUPED}
    order by consumer_group = {group:String} or service = {group:String} desc, topic, consumer_group, service
    limit ${MAX_ROWS} by topic = ''
    ${BY_KEY_SETTINGS}`,
    params,
    options,
  )
  const unnamed = new Set(rows.filter(({ topic }) => topic === '').map(({ service }) => service))
  const ofSpans = rows.filter(({ topic }) => topic !== '')
  if (unnamed.size === 0) return groupConsumers(ofSpans)
  return groupConsumers([...ofSpans, ...(await findLinkedConsumers(store, unnamed, params, ofTopics, options))])
}

/**
 * Finds consumers of topics that only the links of their spans name, as those of polls of several
 * topics. Reads all such links, as a group may read a topic rarely.
 *
 * @param services with consuming spans that name no topic
 */
async function findLinkedConsumers(
  store: Store,
  services: ReadonlySet<string>,
  params: QueryParams,
  ofTopics: string,
  options: QueryOptions,
): Promise<ConsumerRow[]> {
  return await store.query<ConsumerRow>(
    `select distinct link.1 as topic, grp, service, if(own_cluster != '', own_cluster, link.2) as cluster
    from (
      select consumer_group as grp, service, cluster as own_cluster, arrayJoin(arrayDistinct(arrayMap(
        attributes -> (${messagingValue('topic', 'attributes')}, ${messagingValue('cluster', 'attributes')}), links.attrs))) as link
      from spans
      prewhere messaging_operation in ('receive', 'process') and topic = '' and service in {services:Array(String)}
      where ${inWindow} and ${IS_GROUPED})
    where topic != '' and ${ofTopics}
    limit ${MAX_ROWS}`,
    { ...params, services: [...services] },
    options,
  )
}

/** One of a group's services. */
type ConsumerRow = Pick<ConsumingRow, 'topic' | 'grp'> & { readonly service: string; readonly cluster: string }

/** Groups by topic and group, or by topic and service without a group. */
function groupConsumers(rows: readonly ConsumerRow[]): ConsumingRow[] {
  const groups = Map.groupBy(rows, ({ topic, grp, service }) =>
    JSON.stringify(grp === '' ? [topic, grp, service] : [topic, grp]),
  )
  return [...groups.values()].flatMap((same) => {
    const [first] = same
    if (first === undefined) return []
    const clusters = new Set(same.map(({ cluster }) => cluster).filter((cluster) => cluster !== ''))
    const services = new Set(same.map(({ service }) => service))
    return { topic: first.topic, grp: first.grp, services: [...services].sort(), clusters: [...clusters].sort() }
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
