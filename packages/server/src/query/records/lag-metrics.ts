import { messagingNames } from '../../clickhouse/insert/messaging/semconv.ts'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { firstNonEmptyValue, messagingValue } from './messaging-sql.ts'

/**
 * Metrics of consumer lag; for a topic and group, the first that exists is used. Broker metrics
 * cover partitions without a consumer; client metrics cover only the client's own partitions.
 *
 * | metric                                           | source                                              |
 * |--------------------------------------------------|-----------------------------------------------------|
 * | kafka.consumer_group.lag, then lag_sum           | OpenTelemetry Collector, kafkametrics receiver      |
 * | kafka_consumergroup_lag                          | kafka_exporter, over a Prometheus receiver          |
 * | kafka.consumer.lag                               | @spanlink/kafka                                     |
 * | kafka.consumer.records_lag, then records_lag_max | OpenTelemetry Java agent, JMX; the latter also with `-` |
 */
export const LAG_METRICS = [
  'kafka.consumer_group.lag',
  'kafka.consumer_group.lag_sum',
  'kafka_consumergroup_lag',
  'kafka.consumer.lag',
  'kafka.consumer.records_lag',
  'kafka.consumer.records-lag',
  'kafka.consumer.records_lag_max',
  'kafka.consumer.records-lag-max',
]

/**
 * SQL columns for consumer group, topic, partition and cluster of a lag series, from its
 * attributes; '' if missing.
 */
export const lagColumns = `${firstNonEmptyValue([...messagingNames.group, 'group', 'consumergroup'])} as grp,
  ${firstNonEmptyValue([...messagingNames.topic, 'topic'])} as topic,
  ${firstNonEmptyValue([...messagingNames.partition, 'partition'])} as partition, ${messagingValue('cluster')} as cluster`

const storesWithLag = new WeakSet<Store>()

/** Whether any lag metric is stored: 2 ms instead of 7 where there is none. */
export async function hasLagMetrics(store: Store, options: QueryOptions): Promise<boolean> {
  if (storesWithLag.has(store)) return true
  const rows = await store.query(
    `select 1 from metric_series where name in {lagMetrics:Array(String)} limit 1
    settings enable_analyzer = 0, max_threads = 1`,
    { lagMetrics: LAG_METRICS },
    options,
  )
  if (rows.length > 0) storesWithLag.add(store)
  return rows.length > 0
}
