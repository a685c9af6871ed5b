import type { TopologyLag } from '@spanlink/api-schema'
import { hasLagMetrics, LAG_METRICS, lagColumns } from '../records/lag-metrics.ts'
import { findResourceClusters } from '../records/resource-clusters.ts'
import { toWindowParams } from '../sql/time-window.ts'
import { isConsuming } from '../messages/messaging-spans/messaging-span.ts'
import type { TopologyRequest } from './topology-request.ts'
import type { Traffic } from './traffic.ts'

/** Minimum age of the last point at which a lag is stale, however short the export interval is. */
const MIN_STALE_NANO = 120_000_000_000n

/**
 * A series without a point for two of its intervals has ended. A series with a single point ends
 * after Prometheus's lookback, 5 minutes.
 */
const LOOKBACK_NANO = 300_000_000_000

const MAX_SERIES = 50_000

export type GroupLag = TopologyLag & {
  readonly group: string
  /** '' if the metric reports no topics and the group reads several. */
  readonly topic: string
  /** '' if the metric doesn't report it. */
  readonly cluster: string
}

/**
 * Finds the latest lag in the window, by cluster, topic and group.
 *
 * @param until end of the requested time, which may be in the future
 */
export async function findLags(
  { store, window, options }: TopologyRequest,
  until: bigint,
  traffic: Promise<readonly Traffic[]>,
): Promise<GroupLag[]> {
  if (!(await hasLagMetrics(store, options))) return []
  const ofLag = `name in {lagMetrics:Array(String)} and type in ('gauge', 'sum') and temporality != 'delta'`
  const params = { lagMetrics: LAG_METRICS, ...toWindowParams(window) }
  const [series, points, known] = await Promise.all([
    store.query<SeriesRow>(
      `select toString(series_id) as id, toString(source_id) as sourceId, name, service, ${lagColumns}
      from metric_series where ${ofLag}
      limit 1 by series_id
      limit ${MAX_SERIES}`,
      params,
      options,
    ),
    store.query<PointRow>(
      `select toString(series_id) as id, max(time) as newest, argMax(value, time) as latest, argMax(flags, time) as flag,
        uniqExact(time) as n, if(n > 1, 2 * intDiv(newest - min(time), n - 1), ${LOOKBACK_NANO}) as staleAfter
      from metric_points
      where series_id in (select series_id from metric_series where ${ofLag})
        and time >= {windowStart:UInt64} and time < {windowEnd:UInt64}
      group by series_id
      limit ${MAX_SERIES}`,
      params,
      options,
    ),
    traffic,
  ])
  const pointOf = new Map(points.map((point) => [point.id, point]))
  const unlocated = series.filter(({ id, cluster }) => cluster === '' && pointOf.has(id))
  const clusterOf = await findResourceClusters(
    store,
    unlocated.map(({ sourceId }) => sourceId),
    options,
  )
  const lagPoints = series.flatMap((row): LagPoint[] => {
    const point = pointOf.get(row.id)
    if (point === undefined || (point.flag & NO_RECORDED_VALUE) !== 0) return []
    const messages = Number(point.latest)
    // kafka_exporter reports -1 for a partition without a committed offset.
    if (!(messages >= 0)) return []
    const consumer = findConsumer(row, known)
    if (consumer === undefined) return []
    const [time, staleAfter] = [BigInt(point.newest), BigInt(point.staleAfter)]
    const cluster = row.cluster || (clusterOf.get(row.sourceId) ?? '')
    return [{ ...row, ...consumer, cluster, isNamed: row.topic !== '', messages, time, staleAfter }]
  })
  const now = BigInt(Date.now()) * 1_000_000n
  const asOf = until < now ? until : now
  const groups = Map.groupBy(lagPoints, ({ cluster, topic, group }) => JSON.stringify([cluster, topic, group]))
  return [...groups.values()].flatMap((ofGroup) => combineLag(ofGroup, asOf))
}

const NO_RECORDED_VALUE = 1

type SeriesRow = {
  readonly id: string
  readonly sourceId: string
  readonly name: string
  readonly service: string
  readonly grp: string
  readonly topic: string
  readonly partition: string
  readonly cluster: string
}

type PointRow = {
  readonly id: string
  readonly newest: string
  readonly latest: number | string
  readonly flag: number
  readonly staleAfter: string
}

type LagPoint = Pick<SeriesRow, 'name' | 'partition' | 'cluster'> & {
  readonly group: string
  readonly topic: string
  /** The series itself names the topic. */
  readonly isNamed: boolean
  readonly messages: number
  readonly time: bigint
  /** Nanoseconds. */
  readonly staleAfter: bigint
}

/**
 * Java client metrics name no group, and totals over all topics name no topic. Both are taken from
 * the spans of the service if these are unambiguous.
 */
function findConsumer(
  { service, grp, topic }: SeriesRow,
  traffic: readonly Traffic[],
): { readonly group: string; readonly topic: string } | undefined {
  if (grp !== '' && topic !== '') return { group: grp, topic }
  const fitting = traffic.filter(
    (row) =>
      isConsuming(row) &&
      row.group !== '' &&
      row.topic !== '' &&
      (grp === '' ? row.service === service : row.service === undefined && row.group === grp) &&
      (topic === '' || row.topic === topic),
  )
  const groups = new Set(fitting.map((row) => row.group))
  const topics = new Set(fitting.map((row) => row.topic))
  const [group = grp] = groups
  if (group === '' || groups.size > 1) return undefined
  const [only = ''] = topics
  return { group, topic: topics.size === 1 ? only : topic }
}

/**
 * Combines the lag of one topic and group. The newest point of a partition counts, from any
 * instance. Points of instances that report no partition are added up.
 */
function combineLag(points: readonly LagPoint[], asOf: bigint): GroupLag[] {
  const isStale = ({ time, staleAfter }: LagPoint): boolean =>
    asOf - time > (staleAfter > MIN_STALE_NANO ? staleAfter : MIN_STALE_NANO)
  // A metric that is still exported takes precedence.
  const metric =
    LAG_METRICS.find((name) => points.some((one) => one.name === name && !isStale(one))) ??
    LAG_METRICS.find((name) => points.some((one) => one.name === name))
  const ofMetric = points.filter((one) => one.name === metric)
  const named = ofMetric.filter((one) => one.isNamed)
  const all = named.length > 0 ? named : ofMetric
  const newest = all.reduce((last, { time }) => (time > last ? time : last), 0n)
  const live = all.filter(({ time, staleAfter }) => newest - time <= staleAfter)
  const ofPartition = new Map<string, LagPoint>()
  for (const [index, one] of live.entries()) {
    const key = one.partition === '' ? `instance ${index}` : `partition ${one.partition}`
    const known = ofPartition.get(key)
    if (known === undefined || known.time < one.time) ofPartition.set(key, one)
  }
  const [first] = live
  if (metric === undefined || first === undefined) return []
  const messages = Math.round([...ofPartition.values()].reduce((sum, one) => sum + one.messages, 0))
  const { group, topic, cluster } = first
  return [{ group, topic, cluster, messages, timeUnixNano: String(newest), stale: live.every(isStale), metric }]
}
