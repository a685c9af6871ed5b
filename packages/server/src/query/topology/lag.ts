import type { TopologyLag } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { LAG_METRICS, lagColumns } from '../messaging/lag-metrics.ts'
import { findResourceClusters } from '../messaging/resource-clusters.ts'
import type { TimeWindow } from '../sql/time-window.ts'
import type { Traffic } from './traffic.ts'

/**
 * A metric that has been silent for longer says nothing of the present, however often it was
 * exported.
 */
const MIN_STALE_NANO = 120_000_000_000n

/**
 * A series that has told nothing for two of its intervals is over; one that told once is so after
 * Prometheus's lookback.
 */
const LOOKBACK_NANO = 300_000_000_000

const MAX_SERIES = 50_000

export type GroupLag = TopologyLag & {
  readonly group: string
  /** '' where the metric doesn't tell topics apart and the group takes several. */
  readonly topic: string
  /** '' where the metric doesn't say. */
  readonly cluster: string
}

/**
 * The last lag in the window, by cluster, topic and group.
 *
 * @param until end of the requested time, which may be later than now
 */
export async function findLags(
  store: Store,
  window: TimeWindow,
  until: bigint,
  traffic: Promise<readonly Traffic[]>,
  options: QueryOptions,
): Promise<GroupLag[]> {
  const ofLag = `name in {lagMetrics:Array(String)} and type in ('gauge', 'sum') and temporality != 'delta'`
  const params = { lagMetrics: LAG_METRICS, windowStart: String(window.start), windowEnd: String(window.end) }
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
        uniqExact(time) as n, if(n > 1, 2 * intDiv(newest - min(time), n - 1), ${LOOKBACK_NANO}) as patience
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
  const told = series.flatMap((row): LagPoint[] => {
    const point = pointOf.get(row.id)
    if (point === undefined || (point.flag & NO_RECORDED_VALUE) !== 0) return []
    const messages = Number(point.latest)
    // kafka_exporter says -1 of a partition that the group never committed for.
    if (!(messages >= 0)) return []
    const whose = findConsumer(row, known)
    if (whose === undefined) return []
    const { newest, patience } = point
    const isNamed = row.topic !== ''
    return [
      {
        ...whose,
        cluster: row.cluster || (clusterOf.get(row.sourceId) ?? ''),
        name: row.name,
        partition: row.partition,
        isNamed,
        messages,
        time: BigInt(newest),
        patience: BigInt(patience),
      },
    ]
  })
  const now = BigInt(Date.now()) * 1_000_000n
  const asOf = until < now ? until : now
  const groups = Map.groupBy(told, ({ cluster, topic, group }) => JSON.stringify([cluster, topic, group]))
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
  readonly patience: string
}

type LagPoint = {
  readonly cluster: string
  readonly topic: string
  readonly group: string
  readonly name: string
  readonly partition: string
  /** The series names the topic itself. */
  readonly isNamed: boolean
  readonly messages: number
  readonly time: bigint
  /** Nanoseconds. */
  readonly patience: bigint
}

/**
 * A client of Java names no group, and over all its topics no topic: its service's spans do, where
 * they leave no choice.
 */
function findConsumer(
  { service, grp, topic }: SeriesRow,
  traffic: readonly Traffic[],
): { readonly group: string; readonly topic: string } | undefined {
  if (grp !== '' && topic !== '') return { group: grp, topic }
  const fitting = traffic.filter(
    (row) =>
      (row.operation === 'receive' || row.operation === 'process') &&
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
 * Of one topic and group. A partition has one lag, whoever tells it last; instances that tell no
 * partition add up.
 */
function combineLag(told: readonly LagPoint[], asOf: bigint): GroupLag[] {
  const isStale = ({ time, patience }: LagPoint): boolean =>
    asOf - time > (patience > MIN_STALE_NANO ? patience : MIN_STALE_NANO)
  // A metric that is exported still comes before one that is not.
  const metric =
    LAG_METRICS.find((name) => told.some((one) => one.name === name && !isStale(one))) ??
    LAG_METRICS.find((name) => told.some((one) => one.name === name))
  const ofMetric = told.filter((one) => one.name === metric)
  const named = ofMetric.filter((one) => one.isNamed)
  const all = named.length > 0 ? named : ofMetric
  const newest = all.reduce((last, { time }) => (time > last ? time : last), 0n)
  const live = all.filter(({ time, patience }) => newest - time <= patience)
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
