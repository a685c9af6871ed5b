-- Spans per minute, service and what they do with which topic: a topology reads some thousand rows
-- instead of millions. Each row is of one span alone, so it doesn't matter in which order the ends
-- of messages arrive; what needs both ends (queue time) is worked out when asked. A span that is
-- sent twice counts twice here. The store sums a segment's spans up as it turns them into columns
-- (traffic/minutes.ts); traffic_of_hour.sql says the same in SQL. The column order is that of
-- traffic/minutes.ts: change both together.
create table if not exists {db}.traffic_minutes
(
  minute               UInt32 codec(Delta(4), ZSTD(1)),             -- of the span's start, since 1970
  received             SimpleAggregateFunction(max, DateTime('UTC')) codec(ZSTD(1)),
  topic                LowCardinality(String),
  messaging_operation  Enum8('none' = 0, 'create' = 1, 'send' = 2, 'receive' = 3, 'process' = 4, 'settle' = 5),
  messaging_system     LowCardinality(String),
  consumer_group       LowCardinality(String),
  service              LowCardinality(String),
  spans                SimpleAggregateFunction(sum, UInt64) codec(T64, ZSTD(1)),
  errors               SimpleAggregateFunction(sum, UInt64) codec(T64, ZSTD(1)),
  -- What follows is there where a topic is created for, sent to, received or processed from: nobody
  -- asks it of the rest. Spans by bucket of their duration (traffic/duration-bucket.ts); one below
  -- 0 counts as 0.
  durations            SimpleAggregateFunction(sumMap, Map(UInt16, UInt64)) codec(ZSTD(1)),
  -- The span with the longest duration, and one that failed, if `errors` says that one did.
  slowest              SimpleAggregateFunction(max, Tuple(duration Int64, trace_id FixedString(16), span_id FixedString(8))) codec(ZSTD(1)),
  failed               SimpleAggregateFunction(max, Tuple(trace_id FixedString(16), span_id FixedString(8))) codec(ZSTD(1))
)
engine = AggregatingMergeTree
partition by toDate(received)
order by (minute, topic, messaging_operation, messaging_system, consumer_group, service)
settings index_granularity = 1024, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000
