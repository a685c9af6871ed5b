import type { QueryOptions, QueryParams, Store } from '../../clickhouse/store.ts'
import { LAG_METRICS, lagColumns } from './lag-metrics.ts'
import { findResourceClusters } from './resource-clusters.ts'
import type { TimeWindow } from '../sql/time-window.ts'

/** A consumer group that reads a topic. */
export type KnownGroup = {
  readonly topic: string
  readonly group: string
  /** Services with consuming spans in this group. */
  readonly services: readonly string[]
  /** Ids of the clusters whose topic it reads; empty if unknown. */
  readonly clusters: readonly string[]
}

const DAY = 86_400_000_000_000n
const MINUTE = 60_000_000_000n
const MAX_GROUPS = 10_000

/**
 * Finds groups that read a topic in the window or the day before, from spans and from lag metrics.
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
    fromMinute: String(from / MINUTE),
    toMinute: String(end / MINUTE),
    from: String(from),
    end: String(end),
    lagMetrics: LAG_METRICS,
    ...(filter.topics && { topics: filter.topics }),
    ...(filter.group !== undefined && { group: filter.group }),
  }
  const wanted = (group: string): string =>
    [
      `topic != '' and ${group} != ''`,
      ...(filter.topics ? ['topic in {topics:Array(String)}'] : []),
      ...(filter.group === undefined ? [] : [`${group} = {group:String}`]),
    ].join(' and ')
  const [consuming, lagging] = await Promise.all([
    store.query<KnownGroup>(
      `select topic, consumer_group as group, arraySort(groupUniqArray(100)(service)) as services,
        arraySort(groupUniqArrayIf(100)(cluster, cluster != '')) as clusters
      from traffic_minutes
      where minute >= {fromMinute:UInt32} and minute <= {toMinute:UInt32}
        and messaging_operation in ('receive', 'process') and ${wanted('consumer_group')}
      group by topic, consumer_group
      order by topic, consumer_group
      limit ${MAX_GROUPS}`,
      params,
      options,
    ),
    store.query<{ topic: string; grp: string; clusters: readonly string[]; sources: readonly string[] }>(
      `select topic, grp, arraySort(groupUniqArrayIf(100)(cluster, cluster != '')) as clusters,
        groupUniqArrayIf(100)(toString(source_id), cluster = '') as sources from (
        select series_id, source_id, ${lagColumns} from metric_series
        where name in {lagMetrics:Array(String)} and type in ('gauge', 'sum') and temporality != 'delta')
      where ${wanted('grp')} and series_id in (
        select series_id from metric_points
        where series_id in (select series_id from metric_series where name in {lagMetrics:Array(String)})
          and time >= {from:UInt64} and time < {end:UInt64} and value >= 0 and bitAnd(flags, 1) = 0)
      group by topic, grp
      order by topic, grp
      limit ${MAX_GROUPS}`,
      params,
      options,
    ),
  ])
  const known = new Map(consuming.map((one) => [toGroupKey(one.topic, one.group), one]))
  const unknown = lagging.filter(({ topic, grp }) => !known.has(toGroupKey(topic, grp)))
  const clusterOf = await findResourceClusters(
    store,
    unknown.flatMap(({ sources }) => sources),
    options,
  )
  for (const { topic, grp, clusters, sources } of unknown) {
    const ofResources = sources.flatMap((id) => clusterOf.get(id) ?? [])
    const all = [...new Set([...clusters, ...ofResources])].sort()
    known.set(toGroupKey(topic, grp), { topic, group: grp, services: [], clusters: all })
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
 * never names one (kafkajs, confluent-kafka), to groups known only from metrics.
 */
export function mayConsumeFor(
  { group, services }: KnownGroup,
  consumer: KnownConsumer,
  known: readonly KnownGroup[],
): boolean {
  if (consumer.group !== '') return consumer.group === group
  if (consumer.service === undefined) return true
  if (services.length > 0) return services.includes(consumer.service)
  return !known.some((one) => one.services.some((service) => service === consumer.service))
}
