-- Spans per minute, service and what they do with which topic: a topology reads some thousand rows
-- instead of millions. Each row is of one span alone, so it doesn't matter in which order the ends
-- of messages arrive; what needs both ends (queue time) is worked out when asked. A span that is
-- sent twice counts twice here.
create table if not exists {db}.topology_minutes
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
  -- Nanoseconds; a duration below 0 counts as 0.
  durations            AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Int64) codec(ZSTD(1)),
  -- The span with the longest duration, and one that failed, if `errors` says that one did.
  slowest              AggregateFunction(argMax, Tuple(FixedString(16), FixedString(8)), Int64) codec(ZSTD(1)),
  failed               AggregateFunction(argMax, Tuple(FixedString(16), FixedString(8)), UInt8) codec(ZSTD(1))
)
engine = AggregatingMergeTree
partition by toDate(received)
order by (minute, topic, messaging_operation, messaging_system, consumer_group, service)
settings index_granularity = 1024, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000
