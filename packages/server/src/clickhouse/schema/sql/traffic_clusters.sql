-- Topics of one name on two clusters are two topics. And a span is about one message or a batch:
-- what an edge of the topology counts is messages. Rows of before count spans. The column order is
-- that of traffic/minutes.ts.
alter table {db}.traffic_minutes
  add column if not exists cluster LowCardinality(String) after service,
  add column if not exists messages SimpleAggregateFunction(sum, UInt64) default spans codec(T64, ZSTD(1)) after errors,
  add column if not exists failed_messages SimpleAggregateFunction(sum, UInt64) default errors codec(T64, ZSTD(1)) after messages,
  modify order by (minute, topic, messaging_operation, messaging_system, consumer_group, service, cluster)
