-- Spans per minute, service and what they do with which topic: a topology reads thousands of rows
-- instead of millions. A row needs only one end of a message; queries compute what needs both. A
-- span sent twice counts twice. The column order is that of insert/rollups/traffic-minutes.ts.
create table if not exists {db}.traffic_minutes
(
  minute               UInt32 codec(Delta(4), ZSTD(1)),             -- of the span's start, since 1970
  received             SimpleAggregateFunction(max, DateTime('UTC')) codec(ZSTD(1)),
  topic                LowCardinality(String),
  messaging_operation  Enum8('none' = 0, 'create' = 1, 'send' = 2, 'receive' = 3, 'process' = 4, 'settle' = 5),
  messaging_system     LowCardinality(String),
  consumer_group       LowCardinality(String),
  service              LowCardinality(String),
  cluster              LowCardinality(String),                      -- topics of one name on two clusters are two topics
  spans                SimpleAggregateFunction(sum, UInt64) codec(T64, ZSTD(1)),
  errors               SimpleAggregateFunction(sum, UInt64) codec(T64, ZSTD(1)),
  -- A span is about one message or a batch. An edge of the topology counts messages.
  messages             SimpleAggregateFunction(sum, UInt64) default spans codec(T64, ZSTD(1)),
  failed_messages      SimpleAggregateFunction(sum, UInt64) default errors codec(T64, ZSTD(1)),
  -- The rest is filled only for operations create, send, receive and process on a topic.
  -- Spans by duration bucket (insert/rollups/duration-bucket.ts); a negative duration counts as 0.
  durations            SimpleAggregateFunction(sumMap, Map(UInt16, UInt64)) codec(ZSTD(1)),
  -- The span with the longest duration, and a failed one if `errors` is above 0.
  slowest              SimpleAggregateFunction(max, Tuple(duration Int64, trace_id FixedString(16), span_id FixedString(8))) codec(ZSTD(1)),
  failed               SimpleAggregateFunction(max, Tuple(trace_id FixedString(16), span_id FixedString(8))) codec(ZSTD(1))
)
engine = AggregatingMergeTree
partition by toDate(received)
primary key (minute, topic, messaging_operation, messaging_system, consumer_group, service)
order by (minute, topic, messaging_operation, messaging_system, consumer_group, service, cluster)
settings index_granularity = 1024, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 5000
